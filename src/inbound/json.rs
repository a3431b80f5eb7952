//! The generic message, for any channel.

use super::receive::{Incoming, IncomingFile};
use super::types::InboundMessage;
use crate::channels::{Channel, Direction};
use crate::contacts::NewContact;
use crate::conversations::{Counterpart, MessageType, NewMessage, Place};
use crate::error::Result;
use crate::http::body;

/// Reads a message that says what it is, or names every field that is wrong.
pub fn read(channel: &Channel, json: &[u8]) -> Result<Incoming> {
    let message: InboundMessage = body::parse(json)?;
    let (name, subject) =
        message.conversation.map_or((None, None), |conversation| (conversation.external_id, conversation.subject));
    let files = message.attachments.into_iter().map(|attachment| IncomingFile {
        filename: attachment.filename,
        content_type: Some(attachment.content_type),
        content_id: None,
        inline: false,
        content: attachment.data.0,
    });
    Ok(Incoming {
        files: files.collect(),
        raw: None,
        message: NewMessage {
            channel: channel.id,
            external_id: Some(message.external_id),
            counterpart: Counterpart::Address(NewContact {
                medium: channel.medium,
                address: message.from.address,
                name: message.from.name,
                channel: Some(channel.id),
            }),
            place: name.map_or(Place::Newest, Place::Named),
            kind: message.kind.unwrap_or(MessageType::Message),
            direction: Direction::Inbound,
            author: None,
            subject: subject.map(|subject| subject.trim().to_owned()),
            to: Vec::new(),
            cc: Vec::new(),
            body: message.body,
            duration_seconds: message.duration_seconds,
            has_html: false,
            raw: None,
            sent_at: message.sent_at,
            files: Vec::new(),
            uploads: Vec::new(),
        },
    })
}
