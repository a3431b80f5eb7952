//! Raw e-mail: from bytes to what a message needs.
//!
//! [`parse`] takes whatever arrives. What can't be read falls back or is missing; the raw mail is kept elsewhere, so
//! nothing is lost. Header fields are read in [`header`], threads in [`ids`], the parts and their files in [`parts`].

mod decode;
mod filename;
mod header;
mod ids;
mod parts;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use header::Header;

/// As long as one line of a mail may be (RFC 5322, section 2.1.1).
const MAX_SUBJECT_CHARS: usize = 998;

/// One mail, read. No text in it holds NUL, which PostgreSQL can't store.
#[derive(Debug, Clone, PartialEq)]
pub struct Email {
    /// Its own Message-ID, without brackets; `None` when missing or unusable.
    /// Here and in `references`, one above 900 bytes is named by its hash.
    pub message_id: Option<String>,
    /// The Message-IDs named by `References` and `In-Reply-To`: each once, without its own, at most 100.
    ///
    /// Two mails are in one thread when they share one of these or their own (RFC 5322, section 3.6.4).
    pub references: Vec<String>,
    /// Who wrote it: the first usable address of `From`, else `Sender`, `Reply-To`, `Return-Path`.
    pub from: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    /// One line of at most 998 characters.
    pub subject: Option<String>,
    /// `Date`, when usable.
    pub sent_at: Option<DateTime<Utc>>,
    /// Of the topmost, and so the latest, `Received` with a usable date.
    pub received_at: Option<DateTime<Utc>>,
    /// The body as readable text, made from the HTML when there is nothing else.
    pub text: String,
    /// The body as it was written, hostile as it may be: it must be sanitised before it is shown.
    pub html: Option<String>,
    pub attachments: Vec<EmailAttachment>,
}

/// Someone with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// One line of at most 200 characters.
    pub name: Option<String>,
    /// As it was written: at most 320 bytes, with an at sign, without blanks.
    pub address: String,
}

/// A file that came with a mail: every part with a file name, other mails, and whatever else can't be read as text.
/// Nameless signatures and delivery reports are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAttachment {
    /// One visible path component of at most 200 characters, made up when the part has none.
    pub filename: String,
    /// Type and subtype in lower case, as declared: nothing to trust.
    pub content_type: String,
    /// Without brackets; what `cid:` addresses in the HTML name (RFC 2392).
    pub content_id: Option<String>,
    /// The file, byte for byte.
    pub content: Vec<u8>,
}

/// Reads a raw mail. Never fails: of bytes that are no mail at all, the text is those bytes.
pub fn parse(raw: &[u8]) -> Email {
    let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    let (header, body) = Header::split(raw.trim_ascii_start());
    let message_id = header.all("message-id").find_map(ids::own);
    let content = parts::read(&header, body);
    Email {
        references: ids::references(header.all("references"), header.all("in-reply-to"), message_id.as_deref()),
        message_id,
        from: ["from", "sender", "reply-to", "return-path"]
            .into_iter()
            .find_map(|name| header.mailboxes(name).into_iter().next()),
        to: header.mailboxes("to"),
        cc: header.mailboxes("cc"),
        subject: header.first("subject").and_then(|subject| header::unstructured(subject, MAX_SUBJECT_CHARS)),
        sent_at: header.first("date").and_then(header::date),
        received_at: header.all("received").find_map(header::date),
        text: content.text,
        html: content.html,
        attachments: content.attachments,
    }
}
