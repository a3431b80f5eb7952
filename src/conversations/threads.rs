//! Which mails are one conversation (RFC 5322, 3.6.4): those that share a Message-ID, their own or one they refer to.
//!
//! Every Message-ID that a mail has or names is a key, unique on its channel, which points at a conversation, also
//! when the mail with that id never arrives. A mail claims all of its keys at once, in sorted order, so that of two
//! mails that share one the second waits for the first. What the claimed keys point at already is where it belongs:
//! nowhere, to one conversation, or to several, which it joins into one.
//!
//! Mails that claim keys share a lock on the channel. Who has to join conversations takes it alone: then no other
//! mail of the channel holds a key that points at one of them.

use super::activity::absorb;
use super::queries::{self, ConversationRow};
use crate::attachments;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Error, Result};
use crate::ids::{ChannelId, ConversationId};
use crate::notes;

/// What a mail's keys pointed at.
pub struct Thread {
    /// Where all of its keys point now that were new.
    pub candidate: ConversationId,
    /// Where the others pointed already.
    pub found: Vec<ConversationId>,
}

/// Claims these Message-IDs. Gives nothing when they point at several conversations and the channel's lock is shared.
pub fn claim(tx: &mut Tx, channel: ChannelId, message_ids: &[String], alone: bool) -> Result<Option<Thread>> {
    let mut message_ids: Vec<&str> = message_ids.iter().map(String::as_str).collect();
    message_ids.sort_unstable();
    message_ids.dedup();
    queries::lock_threads(tx, channel, alone)?;
    let candidate = ConversationId::new();
    let mut found = queries::claim_thread_keys(tx, channel, &message_ids, candidate)?;
    found.sort_unstable();
    found.dedup();
    found.retain(|id| *id != candidate);
    Ok((found.len() < 2 || alone).then_some(Thread { candidate, found }))
}

/// The one conversation of a thread, locked, and how many others became part of it; None where there is none yet.
///
/// The oldest is the one whose first message is: what a person saw first stays. Its id, its subject and who started it
/// remain; the others' messages, files, notes and participants move, and their ids lead to it.
pub fn join(tx: &mut Tx, thread: &Thread) -> Result<Option<(ConversationRow, Vec<ConversationRow>)>> {
    if thread.found.is_empty() {
        return Ok(None);
    }
    let mut rows = queries::lock_conversations(tx, &thread.found)?;
    rows.sort_by_key(|row| (row.first_message_at.is_none(), row.first_message_at, row.id));
    let mut rows = rows.into_iter();
    let conversation = rows.next().ok_or_else(|| Error::internal("a thread key points at no conversation"))?;
    queries::point_thread_keys(tx, &[thread.candidate], conversation.id)?;
    Ok(Some((conversation, rows.collect())))
}

/// Makes `others`, all locked, part of `conversation`, whose row is left to be saved.
pub fn merge(tx: &mut Tx, conversation: &mut ConversationRow, others: &[ConversationRow]) -> Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let ids: Vec<ConversationId> = others.iter().map(|other| other.id).collect();
    let into = conversation.id;
    queries::move_messages(tx, &ids, into)?;
    attachments::move_attachments(tx, &ids, into)?;
    notes::move_notes(tx, &ids, into)?;
    queries::point_thread_keys(tx, &ids, into)?;
    queries::move_participants(tx, &ids, into, conversation.last_message_at)?;
    queries::redirect(tx, &ids, into)?;
    queries::delete_conversations(tx, &ids)?;
    for other in others {
        absorb(conversation, other);
        let event = Event::new("conversation.merged", other.id.0).conversation(into).contact(other.contact_id);
        events::record(tx, event.after(serde_json::json!({ "conversation_id": into })))?;
    }
    Ok(())
}
