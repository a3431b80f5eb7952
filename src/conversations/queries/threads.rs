//! The keys of threads, and what moves when conversations become one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::write::insert_participants;
use crate::db::schema::{conversation_participants, conversation_redirects, conversations, messages, thread_keys};
use crate::db::{Tx, advisory, timeline};
use crate::error::Result;
use crate::ids::{ChannelId, ContactId, ConversationId};

/// Locks the threads of a channel, until the transaction or its savepoint ends.
pub fn lock_threads(tx: &mut Tx, channel: ChannelId, alone: bool) -> Result<()> {
    advisory::lock(tx, channel.0, alone)
}

/// Where each of these Message-IDs, sorted, points: new ones at `candidate`. All are locked.
pub fn claim_thread_keys(
    tx: &mut Tx,
    channel: ChannelId,
    message_ids: &[&str],
    candidate: ConversationId,
) -> Result<Vec<ConversationId>> {
    let rows: Vec<_> = message_ids
        .iter()
        .map(|message_id| {
            (
                thread_keys::organization_id.eq(tx.organization),
                thread_keys::channel_id.eq(channel),
                thread_keys::message_id.eq(*message_id),
                thread_keys::conversation_id.eq(candidate),
            )
        })
        .collect();
    Ok(diesel::insert_into(thread_keys::table)
        .values(rows)
        .on_conflict((thread_keys::organization_id, thread_keys::channel_id, thread_keys::message_id))
        .do_update()
        .set(thread_keys::conversation_id.eq(thread_keys::conversation_id))
        .returning(thread_keys::conversation_id)
        .get_results(tx.conn)?)
}

pub fn point_thread_keys(tx: &mut Tx, from: &[ConversationId], to: ConversationId) -> Result<()> {
    diesel::update(thread_keys::table)
        .filter(thread_keys::organization_id.eq(tx.organization))
        .filter(thread_keys::conversation_id.eq_any(from))
        .set(thread_keys::conversation_id.eq(to))
        .execute(tx.conn)?;
    Ok(())
}

pub fn move_messages(tx: &mut Tx, from: &[ConversationId], to: ConversationId) -> Result<()> {
    diesel::update(messages::table)
        .filter(messages::organization_id.eq(tx.organization))
        .filter(messages::conversation_id.eq_any(from))
        .set(messages::conversation_id.eq(to))
        .execute(tx.conn)?;
    Ok(())
}

/// Whoever took part in `from` takes part in `to`, from when they first did; all have the timeline of all.
pub fn move_participants(
    tx: &mut Tx,
    from: &[ConversationId],
    to: ConversationId,
    last_message_at: DateTime<Utc>,
) -> Result<()> {
    let mut moved: Vec<(ContactId, DateTime<Utc>)> = conversation_participants::table
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::conversation_id.eq_any(from))
        .order((conversation_participants::contact_id, conversation_participants::joined_at))
        .select((conversation_participants::contact_id, conversation_participants::joined_at))
        .load(tx.conn)?;
    moved.dedup_by_key(|(contact, _)| *contact);
    insert_participants(tx, to, &moved, last_message_at)?;
    timeline::merge(tx, from, to)
}

/// Makes the ids of `from`, and those that led to them, lead to `to`.
pub fn redirect(tx: &mut Tx, from: &[ConversationId], to: ConversationId) -> Result<()> {
    diesel::update(conversation_redirects::table)
        .filter(conversation_redirects::organization_id.eq(tx.organization))
        .filter(conversation_redirects::conversation_id.eq_any(from))
        .set(conversation_redirects::conversation_id.eq(to))
        .execute(tx.conn)?;
    let rows: Vec<_> = from
        .iter()
        .map(|id| {
            (
                conversation_redirects::organization_id.eq(tx.organization),
                conversation_redirects::id.eq(*id),
                conversation_redirects::conversation_id.eq(to),
            )
        })
        .collect();
    diesel::insert_into(conversation_redirects::table).values(rows).execute(tx.conn)?;
    Ok(())
}

/// Who took part in them and who read them is deleted with them.
pub fn delete_conversations(tx: &mut Tx, ids: &[ConversationId]) -> Result<()> {
    diesel::delete(conversations::table)
        .filter(conversations::organization_id.eq(tx.organization))
        .filter(conversations::id.eq_any(ids))
        .execute(tx.conn)?;
    Ok(())
}
