//! A message is written down: the one way into a conversation, for what comes in, goes out or is imported.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Map, Value, json};

use super::activity::{self, Said};
use super::queries::{self, ConversationRow};
use super::threads;
use super::types::{Addressee, MessageType};
use crate::actor::ActorRef;
use crate::attachments::{self, Blob, Exchange, File};
use crate::channels::Direction;
use crate::contacts::{self, ContactRow, NewContact};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Error, Result};
use crate::ids::{AttachmentId, ChannelId, ContactId, ConversationId, MessageId};
use crate::profiles;
use crate::text::written;

/// A message to be recorded.
#[derive(Debug, Clone)]
pub struct NewMessage {
    pub channel: ChannelId,
    /// What the channel calls it: with the same one again, nothing is written.
    pub external_id: Option<String>,
    pub counterpart: Counterpart,
    pub place: Place,
    pub kind: MessageType,
    pub direction: Direction,
    /// Who wrote it, of one that goes out.
    pub author: Option<ActorRef>,
    pub subject: Option<String>,
    pub to: Vec<Addressee>,
    pub cc: Vec<Addressee>,
    pub body: String,
    pub duration_seconds: Option<i32>,
    pub has_html: bool,
    /// The mail as it came in.
    pub raw: Option<Blob>,
    /// When it says it was written. It occurred then, but not later than now.
    pub sent_at: Option<DateTime<Utc>>,
    /// What came with it.
    pub files: Vec<File>,
    /// What was uploaded for it.
    pub uploads: Vec<AttachmentId>,
}

/// Who wrote it, or to whom it is written.
#[derive(Debug, Clone)]
pub enum Counterpart {
    Known(ContactId),
    /// Found or made.
    Address(NewContact),
}

/// To which conversation it belongs; where there is none, it begins one.
#[derive(Debug, Clone)]
pub enum Place {
    /// That of the mails that have or name one of these Message-IDs.
    Thread(Vec<String>),
    /// The one that the channel calls so.
    Named(String),
    /// The newest open one that the contact started on the channel.
    Newest,
    /// This one, which is there.
    Conversation(ConversationId),
}

/// Where a message is, and what was made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    pub message: MessageId,
    /// The one it is in today.
    pub conversation: ConversationId,
    pub contact: ContactId,
    /// False when it was there already; then nothing was written.
    pub is_new: bool,
    pub contact_created: bool,
    pub conversation_created: bool,
    /// How many conversations became part of this one.
    pub merged: usize,
}

/// Writes a message down, once.
pub fn record_message(tx: &mut Tx, message: &NewMessage) -> Result<Recorded> {
    for alone in [false, true] {
        if let Some(known) = known(tx, message)? {
            return Ok(known);
        }
        // Nothing when the same message came at the same time, or when conversations are to be joined, for which the
        // second attempt is alone with the channel's threads.
        if let Some(recorded) = tx.attempt(|tx| record_once(tx, message, alone))? {
            return Ok(recorded);
        }
    }
    known(tx, message)?.ok_or_else(|| Error::internal("a message that wasn't recorded isn't there either"))
}

fn known(tx: &mut Tx, message: &NewMessage) -> Result<Option<Recorded>> {
    let Some(external_id) = &message.external_id else { return Ok(None) };
    let found = queries::find_message(tx, message.channel, external_id)?;
    Ok(found.map(|(message, conversation, contact)| Recorded {
        message,
        conversation,
        contact,
        is_new: false,
        contact_created: false,
        conversation_created: false,
        merged: 0,
    }))
}

/// What lists show of a message: what was written, else what it quotes, else the names of its files, else that it was a
/// call.
fn gist(tx: &mut Tx, message: &NewMessage) -> Result<String> {
    let written = written::written(&message.body);
    for text in [&written, &message.body] {
        if !text.trim().is_empty() {
            return Ok(text.clone());
        }
    }
    let received = message.files.iter().filter(|file| !file.inline).map(|file| file.filename.clone());
    let names: Vec<String> = received.chain(attachments::upload_names(tx, &message.uploads)?).collect();
    Ok(match (message.kind, message.duration_seconds) {
        (MessageType::Call, Some(seconds)) if names.is_empty() => format!("Call, {}:{:02}", seconds / 60, seconds % 60),
        (MessageType::Call, None) if names.is_empty() => "Call".to_owned(),
        _ => names.join(", "),
    })
}

/// Locks in the order that all writes keep: thread keys, contact, conversations, where who takes part is attached,
/// activities of profiles.
fn record_once(tx: &mut Tx, message: &NewMessage, alone: bool) -> Result<Option<Recorded>> {
    let thread = match &message.place {
        Place::Thread(message_ids) => match threads::claim(tx, message.channel, message_ids, alone)? {
            Some(thread) => Some(thread),
            None => return Ok(None),
        },
        _ => None,
    };
    let (contact, contact_created) = lock_counterpart(tx, &message.counterpart)?;
    let occurred_at = message.sent_at.map_or(tx.now, |sent_at| sent_at.trunc_subsecs(6).min(tx.now));

    let (found, others) = match (&message.place, &thread) {
        (_, Some(thread)) => threads::join(tx, thread)?.unzip(),
        (Place::Newest, _) => (queries::lock_newest_open(tx, message.channel, contact.id)?, None),
        (Place::Conversation(id), _) => (Some(queries::lock_conversation(tx, *id)?), None),
        _ => (None, None),
    };
    let (mut conversation, conversation_created) = match found {
        Some(conversation) => (conversation, false),
        None => {
            let id = thread.map_or_else(ConversationId::new, |thread| thread.candidate);
            let mut new = ConversationRow::new(id, message.channel, contact.id, occurred_at);
            new.subject.clone_from(&message.subject);
            if let Place::Named(name) = &message.place {
                new.external_id = Some(name.clone());
            }
            begin(tx, new)?
        }
    };
    let before = conversation.clone();
    let others = others.unwrap_or_default();
    threads::merge(tx, &mut conversation, &others)?;

    let Some(id) = queries::insert_message(tx, message, conversation.id, contact.id, occurred_at)? else {
        return Ok(None);
    };
    if conversation.first_message_at.is_some_and(|first| occurred_at < first) {
        begin_earlier(tx, &mut conversation, message, contact.id, id)?;
    }
    let gist = gist(tx, message)?;
    let said = Said { direction: message.direction, gist: &gist, occurred_at };
    activity::count(&mut conversation, said, tx.now);
    save_edited(tx, &before, &mut conversation)?;
    if queries::join_participant(tx, &conversation, contact.id, occurred_at)? {
        let was = others.iter().fold(before.last_message_at, |last, other| last.max(other.last_message_at));
        tell_profiles(tx, &conversation, was)?;
    }

    let exchange = Exchange {
        message: id,
        conversation: conversation.id,
        contact: contact.id,
        channel: message.channel,
        direction: message.direction,
        occurred_at,
    };
    attachments::insert_exchanged(tx, &exchange, &message.files)?;
    attachments::adopt_uploads(tx, &exchange, &message.uploads)?;
    let event = Event::new("message.created", id.0).contact(contact.id).profile(contact.profile_id);
    let after = json!({ "direction": message.direction, "type": message.kind });
    events::record(tx, event.conversation(conversation.id).after(after))?;
    Ok(Some(Recorded {
        message: id,
        conversation: conversation.id,
        contact: contact.id,
        is_new: true,
        contact_created,
        conversation_created,
        merged: others.len(),
    }))
}

/// Tells the profiles of all who take part when the conversation's newest message occurred. Before, one without messages
/// may have told that it began later.
pub fn tell_profiles(tx: &mut Tx, conversation: &ConversationRow, was: DateTime<Utc>) -> Result<()> {
    // Who attaches one of them at the same time waits, and then finds this moment.
    contacts::hold_attached(tx, conversation.id)?;
    for profile in queries::profiles_of_participants(tx, conversation.id)? {
        if conversation.last_message_at < was {
            profiles::recount_contact_moments(tx, profile)?;
        } else {
            profiles::note_contact_moment(tx, profile, conversation.last_message_at)?;
        }
    }
    Ok(())
}

/// Locked, so that its profile stays what it is until the transaction ends.
fn lock_counterpart(tx: &mut Tx, counterpart: &Counterpart) -> Result<(ContactRow, bool)> {
    match counterpart {
        Counterpart::Known(id) => Ok((contacts::lock_contact(tx, *id)?, false)),
        Counterpart::Address(new) => contacts::find_or_make(tx, new),
    }
}

/// Begins a conversation, or finds the one that the channel calls the same. Says whether it is new.
pub fn begin(tx: &mut Tx, mut new: ConversationRow) -> Result<(ConversationRow, bool)> {
    new.updated_at = tx.now;
    if !queries::insert_conversation(tx, &new)? {
        let named = queries::lock_named(tx, new.channel_id, new.external_id.as_deref().unwrap_or_default())?;
        return Ok((named, false));
    }
    queries::index_subject(tx, new.id, new.subject.as_deref())?;
    let after = json!({ "channel_id": new.channel_id, "contact_id": new.contact_id, "subject": new.subject });
    let event = Event::new("conversation.created", new.id.0).conversation(new.id).contact(new.contact_id);
    events::record(tx, event.version(new.version).after(after))?;
    Ok((new, true))
}

/// A message turns out to be the first one: who wrote it started the conversation, and unless somebody changed the
/// subject, it is the first one's.
fn begin_earlier(
    tx: &mut Tx,
    conversation: &mut ConversationRow,
    message: &NewMessage,
    contact: ContactId,
    id: MessageId,
) -> Result<()> {
    let subject = queries::first_subject_beside(tx, conversation.id, id)?;
    if message.subject.is_some() && conversation.subject == subject {
        conversation.subject.clone_from(&message.subject);
    }
    conversation.contact_id = contact;
    Ok(())
}

/// Saves a conversation; when fields changed that people edit, with a new version and an event.
pub fn save_edited(tx: &mut Tx, before: &ConversationRow, conversation: &mut ConversationRow) -> Result<()> {
    let is_edited = activity::is_edited(before, conversation);
    if is_edited {
        conversation.version += 1;
        conversation.updated_at = tx.now;
    }
    queries::save_conversation(tx, conversation)?;
    if conversation.subject != before.subject {
        queries::index_subject(tx, conversation.id, conversation.subject.as_deref())?;
    }
    if !is_edited {
        return Ok(());
    }
    let fields = |row: &ConversationRow| {
        [("status", json!(row.status)), ("assignee_id", json!(row.assignee_id)), ("subject", json!(row.subject))]
    };
    let changed = fields(before).into_iter().zip(fields(conversation)).filter(|(old, new)| old != new);
    let (was, is): (Map<String, Value>, Map<String, Value>) =
        changed.map(|((name, old), (_, new))| ((name.to_owned(), old), (name.to_owned(), new))).unzip();
    let event = Event::new("conversation.updated", conversation.id.0)
        .conversation(conversation.id)
        .contact(conversation.contact_id)
        .version(conversation.version)
        .change(was.into(), is.into());
    events::record(tx, event)
}
