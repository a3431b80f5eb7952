//! Messages: what is read of them, and the row that is written once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Record, Timestamptz, Uuid};
use serde_json::Value;

use super::super::record::NewMessage;
use super::super::types::{Addressee, Message, MessageFilter, MessageList, MessageType};
use super::reindex::message_vector;
use crate::access;
use crate::actor::{ActorRef, ActorType};
use crate::attachments::{self, Links};
use crate::channels::Direction;
use crate::contacts::ContactRef;
use crate::db::schema::{blobs, contacts, conversations, messages};
use crate::db::search_vector::EDITION;
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{ChannelId, ContactId, ConversationId, MessageId, OrganizationId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(diesel::pg::Pg))]
struct MessageRow {
    id: MessageId,
    conversation_id: ConversationId,
    type_: MessageType,
    direction: Direction,
    author_type: Option<ActorType>,
    author_id: Option<uuid::Uuid>,
    contact_id: ContactId,
    subject: Option<String>,
    to: Value,
    cc: Value,
    body: String,
    has_html: bool,
    duration_seconds: Option<i32>,
    occurred_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl MessageRow {
    fn author(&self) -> Option<ActorRef> {
        self.author_type.map(|kind| ActorRef { kind, id: self.author_id })
    }
}

/// Newest first.
pub fn list_messages(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    conversation: ConversationId,
    filter: &MessageFilter,
    page: &Page,
) -> Result<MessageList> {
    let is_there = conversations::table.find((organization, conversation)).select(conversations::id);
    is_there.first::<ConversationId>(conn).optional()?.ok_or_else(|| Error::not_found(Code::ConversationNotFound))?;
    let all = || {
        messages::table
            .filter(messages::organization_id.eq(organization))
            .filter(messages::conversation_id.eq(conversation))
            .into_boxed()
    };
    let key = || (messages::occurred_at, messages::id).into_sql::<Record<(Timestamptz, Uuid)>>();
    let mut query =
        all().select(messages::id).order((messages::occurred_at.desc(), messages::id.desc())).limit(page.rows());
    if let Some(after) = page.after::<(DateTime<Utc>, MessageId)>()? {
        query = query.filter(key().lt(after));
    } else if let Some(around) = filter.around {
        // As many newer ones as leave it in the middle of the page.
        let middle: (DateTime<Utc>, MessageId) = all()
            .filter(messages::id.eq(around))
            .select((messages::occurred_at, messages::id))
            .first(conn)
            .optional()?
            .ok_or_else(|| Error::not_found(Code::MessageNotFound))?;
        let newer: Vec<(DateTime<Utc>, MessageId)> = all()
            .filter(key().gt(middle))
            .select((messages::occurred_at, messages::id))
            .order((messages::occurred_at, messages::id))
            .limit((page.limit - 1) / 2)
            .load(conn)?;
        query = query.filter(key().le(newer.last().copied().unwrap_or(middle)));
    }
    let mut rows: Vec<(DateTime<Utc>, MessageId)> = query.select((messages::occurred_at, messages::id)).load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| *row)?;
    let count = keyset::count(conn, page, || all().select(messages::id))?;
    let ids: Vec<MessageId> = rows.into_iter().map(|(_, id)| id).collect();
    Ok(MessageList { data: message_views(conn, organization, links, &ids)?, next_cursor, count })
}

pub fn get_message(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    id: MessageId,
) -> Result<Message> {
    let found = message_views(conn, organization, links, &[id])?.pop();
    found.ok_or_else(|| Error::not_found(Code::MessageNotFound))
}

/// In the order of their ids in `ids`.
fn message_views(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    let rows: Vec<(MessageRow, ContactRef)> = messages::table
        .inner_join(
            contacts::table
                .on(contacts::organization_id.eq(messages::organization_id).and(contacts::id.eq(messages::contact_id))),
        )
        .filter(messages::organization_id.eq(organization))
        .filter(messages::id.eq_any(ids))
        .select((MessageRow::as_select(), (contacts::id, contacts::name, contacts::medium, contacts::address)))
        .load(conn)?;
    let people = access::people(conn, organization, rows.iter().filter_map(|(row, _)| row.author()))?;
    let mut files = attachments::attachments_of_messages(conn, organization, links, ids)?;
    let addressees = |value| serde_json::from_value::<Vec<Addressee>>(value).map_err(Error::internal);
    let mut views = rows
        .into_iter()
        .map(|(row, contact)| {
            Ok(Message {
                author: row.author().and_then(|author| people.get(author)),
                id: row.id,
                conversation_id: row.conversation_id,
                r#type: row.type_,
                direction: row.direction,
                contact_id: row.contact_id,
                contact,
                subject: row.subject,
                to: addressees(row.to)?,
                cc: addressees(row.cc)?,
                body: row.body,
                has_html: row.has_html,
                duration_seconds: row.duration_seconds,
                occurred_at: row.occurred_at,
                created_at: row.created_at,
                attachments: files.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    views.sort_by_key(|view| ids.iter().position(|id| *id == view.id));
    Ok(views)
}

/// The mail that a message came as, in the store.
pub struct RawMail {
    pub sha256: Vec<u8>,
    pub byte_size: u64,
    pub has_html: bool,
}

/// None where the message didn't come as a mail.
pub fn raw_mail(conn: &mut PgConnection, organization: OrganizationId, id: MessageId) -> Result<Option<RawMail>> {
    let (has_html, blob): (bool, Option<(Vec<u8>, i64)>) = messages::table
        .left_join(blobs::table.on(
            blobs::organization_id.eq(messages::organization_id).and(blobs::sha256.nullable().eq(messages::raw_sha256)),
        ))
        .filter(messages::organization_id.eq(organization))
        .filter(messages::id.eq(id))
        .select((messages::has_html, (blobs::sha256, blobs::byte_size).nullable()))
        .first(conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::MessageNotFound))?;
    let Some((sha256, byte_size)) = blob else { return Ok(None) };
    Ok(Some(RawMail { sha256, byte_size: u64::try_from(byte_size).map_err(Error::internal)?, has_html }))
}

/// The message that the channel calls so, where it is, and whose it is.
pub fn find_message(
    tx: &mut Tx,
    channel: ChannelId,
    external_id: &str,
) -> Result<Option<(MessageId, ConversationId, ContactId)>> {
    Ok(messages::table
        .filter(messages::organization_id.eq(tx.organization))
        .filter(messages::channel_id.eq(channel))
        .filter(messages::external_id.eq(external_id))
        .select((messages::id, messages::conversation_id, messages::contact_id))
        .first(tx.conn)
        .optional()?)
}

/// None when the channel has a message of this external id.
pub fn insert_message(
    tx: &mut Tx,
    new: &NewMessage,
    conversation: ConversationId,
    contact: ContactId,
    occurred_at: DateTime<Utc>,
) -> Result<Option<MessageId>> {
    if let Some(raw) = &new.raw {
        attachments::keep_blob(tx, raw)?;
    }
    let search = message_vector(tx.conn, tx.organization, new.subject.as_deref(), &new.body)?;
    Ok(diesel::insert_into(messages::table)
        .values((
            messages::organization_id.eq(tx.organization),
            messages::id.eq(MessageId::new()),
            messages::conversation_id.eq(conversation),
            messages::channel_id.eq(new.channel),
            messages::contact_id.eq(contact),
            messages::external_id.eq(&new.external_id),
            messages::type_.eq(new.kind),
            messages::direction.eq(new.direction),
            messages::author_type.eq(new.author.map(|author| author.kind)),
            messages::author_id.eq(new.author.and_then(|author| author.id)),
            messages::subject.eq(&new.subject),
            messages::to.eq(serde_json::to_value(&new.to).map_err(Error::internal)?),
            messages::cc.eq(serde_json::to_value(&new.cc).map_err(Error::internal)?),
            (
                messages::body.eq(&new.body),
                messages::duration_seconds.eq(new.duration_seconds),
                messages::has_html.eq(new.has_html),
                messages::raw_sha256.eq(new.raw.as_ref().map(|raw| &raw.sha256)),
                messages::occurred_at.eq(occurred_at),
                messages::created_at.eq(tx.now),
                messages::search.eq(search),
                messages::search_edition.eq(EDITION),
            ),
        ))
        .on_conflict((messages::organization_id, messages::channel_id, messages::external_id))
        .do_nothing()
        .returning(messages::id)
        .get_result(tx.conn)
        .optional()?)
}

/// The subject of the first message but `id`.
pub fn first_subject_beside(tx: &mut Tx, conversation: ConversationId, id: MessageId) -> Result<Option<String>> {
    let subject: Option<Option<String>> = messages::table
        .filter(messages::organization_id.eq(tx.organization))
        .filter(messages::conversation_id.eq(conversation))
        .filter(messages::id.ne(id))
        .order((messages::occurred_at, messages::id))
        .select(messages::subject)
        .first(tx.conn)
        .optional()?;
    Ok(subject.flatten())
}
