//! What an agent does with conversations: begins one, changes it, answers.

use super::activity;
use super::queries::{self, ConversationRow};
use super::record::{Counterpart, NewMessage, Place, begin, record_message, save_edited, tell_profiles};
use super::types::{CreateConversation, CreateMessage, MessageType, UpdateConversation};
use crate::access;
use crate::channels::{self, Direction};
use crate::contacts;
use crate::db::Tx;
use crate::error::{Error, FieldCode, FieldError, Result};
use crate::http::version::IfMatch;
use crate::ids::{ChannelId, ContactId, ConversationId, MessageId, UserId};

/// Begins a conversation with a contact that the channel reaches. Gives its version too.
pub fn create_conversation(tx: &mut Tx, user: UserId, body: &CreateConversation) -> Result<(ConversationId, i32)> {
    let channel = channels::open_channel(tx.conn, tx.organization, body.channel_id)?;
    let contact = contacts::lock_contact(tx, body.contact_id)?;
    if contact.medium != channel.medium || !queries::is_known_on(tx, contact.id, channel.id)? {
        let message = format!("can't be reached on this channel of {}", channel.medium);
        return Err(Error::invalid_field(FieldError::body("/contact_id", FieldCode::Channel, message)));
    }
    let mut new = ConversationRow::new(ConversationId::new(), channel.id, contact.id, tx.now);
    new.subject = body.subject.as_deref().map(|subject| subject.trim().to_owned());
    let (conversation, _) = begin(tx, new)?;
    queries::join_participant(tx, &conversation, contact.id, tx.now)?;
    tell_profiles(tx, &conversation, conversation.last_message_at)?;
    if let Some(message) = &body.message {
        write(tx, user, channel.id, contact.id, &conversation, message).map_err(|error| error.within("/message"))?;
    }
    Ok((conversation.id, conversation.version))
}

/// Records an answer, to whoever wrote last.
pub fn create_message(tx: &mut Tx, user: UserId, id: ConversationId, body: &CreateMessage) -> Result<MessageId> {
    let (conversation, contact) = queries::partner(tx, id)?;
    channels::open_channel(tx.conn, tx.organization, conversation.channel_id)?;
    write(tx, user, conversation.channel_id, contact, &conversation, body)
}

fn write(
    tx: &mut Tx,
    user: UserId,
    channel: ChannelId,
    contact: ContactId,
    conversation: &ConversationRow,
    body: &CreateMessage,
) -> Result<MessageId> {
    let message = NewMessage {
        channel,
        external_id: None,
        counterpart: Counterpart::Known(contact),
        place: Place::Conversation(conversation.id),
        kind: MessageType::Message,
        direction: Direction::Outbound,
        author: Some(tx.actor),
        subject: conversation.subject.clone(),
        to: Vec::new(),
        cc: Vec::new(),
        body: body.body.clone(),
        duration_seconds: None,
        has_html: false,
        raw: None,
        sent_at: None,
        files: Vec::new(),
        uploads: body.attachment_ids.clone(),
    };
    let recorded = record_message(tx, &message)?;
    queries::mark_read(tx, recorded.conversation, user)?;
    Ok(recorded.message)
}

/// Changes what agents decide about a conversation, and gives its version.
pub fn update_conversation(
    tx: &mut Tx,
    id: ConversationId,
    if_match: &IfMatch,
    body: &UpdateConversation,
) -> Result<i32> {
    let before = queries::lock_conversation(tx, id)?;
    if_match.check(tx, id.0, before.version)?;
    let mut conversation = before.clone();
    if let Some(status) = body.status {
        conversation.status = status;
    }
    if let Some(assignee) = body.assignee_id.clone().change() {
        conversation.assignee_id = assignee;
    }
    if let Some(subject) = body.subject.clone().change() {
        conversation.subject = subject.map(|subject| subject.trim().to_owned()).filter(|subject| !subject.is_empty());
    }
    if let Some(assignee) = conversation.assignee_id.filter(|_| conversation.assignee_id != before.assignee_id)
        && access::active_role(tx.conn, tx.organization, assignee)?.is_none()
    {
        let error = FieldError::body("/assignee_id", FieldCode::UserNotFound, "is no active user of this organization");
        return Err(Error::invalid_field(error));
    }
    if activity::is_edited(&before, &conversation) {
        save_edited(tx, &before, &mut conversation)?;
    }
    Ok(conversation.version)
}
