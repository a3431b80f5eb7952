//! The rows of conversations, and what is written to them and to who takes part.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::super::types::ConversationStatus;
use super::reindex::subject_vector;
use crate::channels::Direction;
use crate::db::schema::{
    contacts, conversation_participants, conversation_reads, conversation_subjects, conversations,
};
use crate::db::search_vector::EDITION;
use crate::db::types::TimeOrNever;
use crate::db::{Tx, timeline};
use crate::error::{Code, Error, Result};
use crate::ids::{ChannelId, ContactId, ConversationId, ProfileId, UserId};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = conversations, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct ConversationRow {
    pub id: ConversationId,
    pub channel_id: ChannelId,
    pub contact_id: ContactId,
    pub external_id: Option<String>,
    pub subject: Option<String>,
    pub status: ConversationStatus,
    pub assignee_id: Option<UserId>,
    pub message_count: i32,
    pub first_message_at: Option<DateTime<Utc>>,
    pub last_message_at: DateTime<Utc>,
    pub last_message_direction: Option<Direction>,
    pub last_inbound_at: TimeOrNever,
    pub preview: String,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

impl ConversationRow {
    /// An open conversation without messages.
    pub fn new(id: ConversationId, channel: ChannelId, contact: ContactId, at: DateTime<Utc>) -> Self {
        Self {
            id,
            channel_id: channel,
            contact_id: contact,
            external_id: None,
            subject: None,
            status: ConversationStatus::Open,
            assignee_id: None,
            message_count: 0,
            first_message_at: None,
            last_message_at: at,
            last_message_direction: None,
            last_inbound_at: TimeOrNever(None),
            preview: String::new(),
            version: 1,
            updated_at: at,
        }
    }
}

/// False when the channel has a conversation of this name.
pub fn insert_conversation(tx: &mut Tx, row: &ConversationRow) -> Result<bool> {
    let inserted = diesel::insert_into(conversations::table)
        .values((conversations::organization_id.eq(tx.organization), conversations::created_at.eq(tx.now), row))
        .on_conflict((conversations::organization_id, conversations::channel_id, conversations::external_id))
        .do_nothing()
        .execute(tx.conn)?;
    Ok(inserted == 1)
}

pub fn save_conversation(tx: &mut Tx, row: &ConversationRow) -> Result<()> {
    diesel::update(conversations::table.find((tx.organization, row.id))).set(row).execute(tx.conn)?;
    Ok(())
}

/// Makes a conversation findable by its subject.
pub fn index_subject(tx: &mut Tx, id: ConversationId, subject: Option<&str>) -> Result<()> {
    let Some(subject) = subject else {
        diesel::delete(conversation_subjects::table.find((tx.organization, id))).execute(tx.conn)?;
        return Ok(());
    };
    let search = subject_vector(tx.conn, tx.organization, subject)?;
    diesel::insert_into(conversation_subjects::table)
        .values((
            conversation_subjects::organization_id.eq(tx.organization),
            conversation_subjects::conversation_id.eq(id),
            conversation_subjects::search.eq(search),
            conversation_subjects::search_edition.eq(EDITION),
        ))
        .on_conflict((conversation_subjects::organization_id, conversation_subjects::conversation_id))
        .do_update()
        .set((
            conversation_subjects::search.eq(excluded(conversation_subjects::search)),
            conversation_subjects::search_edition.eq(EDITION),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn lock_conversation(tx: &mut Tx, id: ConversationId) -> Result<ConversationRow> {
    conversations::table
        .find((tx.organization, id))
        .select(ConversationRow::as_select())
        .for_no_key_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ConversationNotFound))
}

/// The one that the channel calls so, which is there.
pub fn lock_named(tx: &mut Tx, channel: ChannelId, name: &str) -> Result<ConversationRow> {
    Ok(conversations::table
        .filter(conversations::organization_id.eq(tx.organization))
        .filter(conversations::channel_id.eq(channel))
        .filter(conversations::external_id.eq(name))
        .select(ConversationRow::as_select())
        .for_no_key_update()
        .first(tx.conn)?)
}

pub fn lock_newest_open(tx: &mut Tx, channel: ChannelId, contact: ContactId) -> Result<Option<ConversationRow>> {
    Ok(conversations::table
        .filter(conversations::organization_id.eq(tx.organization))
        .filter(conversations::contact_id.eq(contact))
        .filter(conversations::channel_id.eq(channel))
        .filter(conversations::status.eq(ConversationStatus::Open))
        .order((conversations::last_message_at.desc(), conversations::id.desc()))
        .select(ConversationRow::as_select())
        .for_no_key_update()
        .first(tx.conn)
        .optional()?)
}

/// Locked as for deleting, in the order of their ids.
pub fn lock_conversations(tx: &mut Tx, ids: &[ConversationId]) -> Result<Vec<ConversationRow>> {
    Ok(conversations::table
        .filter(conversations::organization_id.eq(tx.organization))
        .filter(conversations::id.eq_any(ids))
        .order(conversations::id)
        .select(ConversationRow::as_select())
        .for_update()
        .load(tx.conn)?)
}

/// These contacts take part, each from the earliest time on. Says whether anyone came, or came earlier than known.
pub fn insert_participants(
    tx: &mut Tx,
    conversation: ConversationId,
    joined: &[(ContactId, DateTime<Utc>)],
    last_message_at: DateTime<Utc>,
) -> Result<bool> {
    let rows: Vec<_> = joined
        .iter()
        .map(|(contact, joined_at)| {
            (
                conversation_participants::organization_id.eq(tx.organization),
                conversation_participants::contact_id.eq(*contact),
                conversation_participants::conversation_id.eq(conversation),
                conversation_participants::joined_at.eq(*joined_at),
                conversation_participants::last_message_at.eq(last_message_at),
            )
        })
        .collect();
    let upsert = diesel::insert_into(conversation_participants::table)
        .values(rows)
        .on_conflict((
            conversation_participants::organization_id,
            conversation_participants::conversation_id,
            conversation_participants::contact_id,
        ))
        .do_update()
        .set(conversation_participants::joined_at.eq(excluded(conversation_participants::joined_at)));
    let is_earlier = conversation_participants::joined_at.gt(excluded(conversation_participants::joined_at));
    Ok(diesel::query_dsl::methods::FilterDsl::filter(upsert, is_earlier).execute(tx.conn)? > 0)
}

/// The contact takes part, from `at` on or earlier; and everyone who does has the conversation's newest message. Says
/// whether anyone's history changed.
pub fn join_participant(
    tx: &mut Tx,
    conversation: &ConversationRow,
    contact: ContactId,
    at: DateTime<Utc>,
) -> Result<bool> {
    let came = insert_participants(tx, conversation.id, &[(contact, at)], conversation.last_message_at)?;
    if came {
        timeline::share(tx, conversation.id, Some(contact))?;
    }
    let moved = diesel::update(conversation_participants::table)
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::conversation_id.eq(conversation.id))
        .filter(conversation_participants::last_message_at.ne(conversation.last_message_at))
        .set(conversation_participants::last_message_at.eq(conversation.last_message_at))
        .execute(tx.conn)?;
    Ok(came || moved > 0)
}

/// The profiles of everyone who takes part, in the order in which they are locked.
pub fn profiles_of_participants(tx: &mut Tx, id: ConversationId) -> Result<Vec<ProfileId>> {
    let profiles: Vec<Option<ProfileId>> = conversation_participants::table
        .inner_join(
            contacts::table.on(contacts::organization_id
                .eq(conversation_participants::organization_id)
                .and(contacts::id.eq(conversation_participants::contact_id))),
        )
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::conversation_id.eq(id))
        .filter(contacts::profile_id.is_not_null())
        .select(contacts::profile_id)
        .distinct()
        .order(contacts::profile_id)
        .load(tx.conn)?;
    Ok(profiles.into_iter().flatten().collect())
}

/// The user has read what is there now; what comes in later, or comes in just now, is unread again.
pub fn mark_read(tx: &mut Tx, id: ConversationId, user: UserId) -> Result<()> {
    let read_at: TimeOrNever = conversations::table
        .find((tx.organization, id))
        .select(conversations::last_inbound_at)
        .for_key_share()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ConversationNotFound))?;
    let upsert = diesel::insert_into(conversation_reads::table)
        .values((
            conversation_reads::organization_id.eq(tx.organization),
            conversation_reads::user_id.eq(user),
            conversation_reads::conversation_id.eq(id),
            conversation_reads::read_at.eq(read_at),
        ))
        .on_conflict((
            conversation_reads::organization_id,
            conversation_reads::user_id,
            conversation_reads::conversation_id,
        ))
        .do_update()
        .set(conversation_reads::read_at.eq(excluded(conversation_reads::read_at)));
    let is_later = conversation_reads::read_at.lt(excluded(conversation_reads::read_at));
    diesel::query_dsl::methods::FilterDsl::filter(upsert, is_later).execute(tx.conn)?;
    Ok(())
}

/// As if the user had never read it.
pub fn mark_unread(tx: &mut Tx, id: ConversationId, user: UserId) -> Result<()> {
    conversations::table
        .find((tx.organization, id))
        .select(conversations::id)
        .for_key_share()
        .first::<ConversationId>(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ConversationNotFound))?;
    diesel::delete(conversation_reads::table.find((tx.organization, user, id))).execute(tx.conn)?;
    Ok(())
}
