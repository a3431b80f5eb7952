//! Raw e-mail (RFC 5322) as a message.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::email::{self, Mailbox};
use super::receive::{Incoming, IncomingFile};
use crate::channels::{Direction, Medium};
use crate::contacts::NewContact;
use crate::conversations::{Addressee, Counterpart, MessageType, NewMessage, Place, html};
use crate::ids::ChannelId;

/// Reads a mail, however broken. One without a Message-ID is known by its bytes, and one without a usable sender comes
/// from someone nobody else is.
pub fn read(channel: ChannelId, raw: Bytes) -> Incoming {
    let mail = email::parse(&raw);
    let external_id = mail.message_id.unwrap_or_else(|| {
        let hex: String = Sha256::digest(&raw).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("mail-{hex}")
    });
    let (address, name) = match mail.from {
        Some(Mailbox { name, address }) => (address, name),
        None => (unknown_sender(&external_id), None),
    };
    let mut thread = mail.references;
    thread.push(external_id.clone());
    let has_ids = mail.attachments.iter().any(|attachment| attachment.content_id.is_some());
    let mut shown = mail.html.as_deref().filter(|_| has_ids).map(html::shown_images).unwrap_or_default();
    let files = mail.attachments.into_iter().map(|attachment| IncomingFile {
        filename: attachment.filename,
        content_type: Some(attachment.content_type),
        // Whatever its disposition says: programs call files inline, too, and images of the text attachments. Of several
        // with one id only the first is shown.
        inline: attachment.content_id.as_ref().is_some_and(|id| shown.remove(id)),
        content_id: attachment.content_id,
        content: attachment.content.into(),
    });
    Incoming {
        files: files.collect(),
        raw: Some(raw),
        message: NewMessage {
            channel,
            external_id: Some(external_id),
            counterpart: Counterpart::Address(NewContact {
                medium: Medium::Email,
                address,
                name,
                channel: Some(channel),
            }),
            place: Place::Thread(thread),
            kind: MessageType::Message,
            direction: Direction::Inbound,
            author: None,
            subject: mail.subject,
            to: addressees(mail.to),
            cc: addressees(mail.cc),
            body: mail.text,
            duration_seconds: None,
            has_html: mail.html.is_some(),
            raw: None,
            sent_at: mail.sent_at.or(mail.received_at),
            files: Vec::new(),
            uploads: Vec::new(),
        },
    }
}

fn unknown_sender(external_id: &str) -> String {
    let hex: String = Sha256::digest(external_id).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("unknown-sender-{hex}")
}

fn addressees(mailboxes: Vec<Mailbox>) -> Vec<Addressee> {
    mailboxes.into_iter().map(|Mailbox { name, address }| Addressee { name, address }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_without_anything_is_a_message_of_nobody() {
        let read = |raw: &'static [u8]| super::read(ChannelId::new(), Bytes::from_static(raw)).message;
        let (one, other) = (read(b"hello"), read(b"good bye"));
        assert_eq!(one.external_id, read(b"hello").external_id);
        assert_ne!(one.external_id, other.external_id);
        let address = |message: &NewMessage| match &message.counterpart {
            Counterpart::Address(new) => new.address.clone(),
            Counterpart::Known(_) => String::new(),
        };
        assert!(address(&one).starts_with("unknown-sender-"));
        assert_ne!(address(&one), address(&other));
        assert_eq!(one.body, "hello");
    }

    #[test]
    fn what_the_html_shows_is_inline_whatever_the_disposition_says() {
        let inline = |disposition: &str, id: &str| {
            let part = format!("Content-Type: image/png\nContent-Disposition: {disposition}\n{id}\n\nx");
            let mail = format!(
                "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n\
                 <img src=\"CID:a%40x\">\n--b\n{part}\n--b\n{part}\n--b--"
            );
            let files = read(ChannelId::new(), Bytes::from(mail)).files;
            files.into_iter().map(|file| file.inline).collect::<Vec<_>>()
        };
        for disposition in ["inline", "attachment"] {
            assert_eq!(inline(disposition, "Content-ID: <a@x>"), [true, false]);
            assert_eq!(inline(disposition, "Content-Location: cid:a@x"), [true, false]);
            assert_eq!(inline(disposition, "Content-ID: <other@x>"), [false, false]);
            assert_eq!(inline(disposition, "X: y"), [false, false]);
        }
    }
}
