//! The parts of a mail: what is read, and what hangs on it (RFC 2046).
//!
//! The parts are split here rather than by mail-parser. Its own splitting grows quadratically with unclosed parts
//! and overflows the stack on deeply nested mails, and it turns named text parts into UTF-8, where a file must stay
//! byte for byte.

use mail_parser::ContentType;

use super::{EmailAttachment, decode, filename, header::Header, header::split_line, ids};
use crate::conversations::html;

/// Parts beyond these, and parts nested deeper, are left to the raw mail.
const MAX_PARTS: usize = 1_000;
const MAX_DEPTH: usize = 20;

/// What a mail holds.
pub struct Content {
    pub text: String,
    pub html: Option<String>,
    pub attachments: Vec<EmailAttachment>,
}

/// Reads all parts of a mail.
pub fn read(header: &Header, body: &[u8]) -> Content {
    let mut reader = Reader { attachments: Vec::new(), parts: 0, layout_left: html::MAX_LAID_OUT_BYTES };
    let shown = reader.part(header, body, Place::Root, 0);
    let (text, html) = match shown {
        Shown { text: Some(text), html } => (text, html),
        Shown { text: None, html } => (reader.text_of(html.as_deref().unwrap_or_default()), html),
    };
    Content { html, text: text.trim_end().trim_start_matches('\n').to_owned(), attachments: reader.attachments }
}

/// Where a part stands decides how it is read.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The whole mail.
    Root,
    /// One of several renditions of the same content.
    Alternative,
    /// One of several mails, which is the default type there (RFC 2046, section 5.1.5).
    Digest,
    Mixed,
}

struct Reader {
    attachments: Vec<EmailAttachment>,
    parts: usize,
    /// How many bytes of HTML may still be laid out: many parts mustn't cost more than one large one.
    layout_left: usize,
}

impl Reader {
    fn part(&mut self, header: &Header, body: &[u8], place: Place, depth: usize) -> Shown {
        self.parts += 1;
        if self.parts > MAX_PARTS || depth > MAX_DEPTH {
            return Shown::default();
        }
        let content_type = header.parameters("content-type");
        let media = MediaType::of(content_type.as_ref(), place);
        if media.main == "multipart" {
            let boundary = content_type.as_ref().and_then(|t| t.attribute("boundary"));
            let parts = split(body, boundary.unwrap_or_default());
            if !parts.is_empty() {
                return self.multipart(&media.sub, &parts, depth);
            }
        }

        let disposition = header.parameters("content-disposition");
        let kind = disposition.as_ref().map(ContentType::ctype);
        let attached = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("attachment"));
        let name = disposition
            .as_ref()
            .and_then(|d| d.attribute("filename"))
            .or_else(|| content_type.as_ref().and_then(|t| t.attribute("name")));
        let content = decode::transfer(header.first("content-transfer-encoding"), body);

        let named = name.is_some() || attached;
        let read = media.is_read() || place == Place::Root && media.is_text();
        let shown = if read && (!named || place == Place::Root && media.is_text()) {
            let charset = content_type.as_ref().and_then(|t| t.attribute("charset"));
            Shown::new(&media, decode::text(&content, charset))
        } else {
            Shown::default()
        };
        if named || !(media.is_read() || media.is_left_out(place) || shown.is_some()) {
            let location =
                || header.first("content-location").and_then(|location| ids::own(location.strip_prefix("cid:")?));
            self.attachments.push(EmailAttachment {
                filename: name
                    .and_then(filename::reduced)
                    .unwrap_or_else(|| filename::made_up(&media.main, &media.sub, self.attachments.len() + 1)),
                content_type: format!("{}/{}", media.main, media.sub),
                content_id: header.first("content-id").and_then(ids::own).or_else(location),
                content: content.into_owned(),
            });
        }
        shown
    }

    fn multipart(&mut self, sub: &str, parts: &[&[u8]], depth: usize) -> Shown {
        let place = match sub {
            "alternative" => Place::Alternative,
            "digest" => Place::Digest,
            _ => Place::Mixed,
        };
        parts.iter().fold(Shown::default(), |shown, part| {
            let (header, body) = Header::split(part);
            let next = self.part(&header, body, place, depth + 1);
            if place == Place::Alternative { shown.or(next) } else { self.joined(shown, next) }
        })
    }

    /// One above the other.
    fn joined(&mut self, above: Shown, below: Shown) -> Shown {
        if !above.is_some() || !below.is_some() {
            return above.or(below);
        }
        let has_text = above.text.is_some() || below.text.is_some();
        let has_html = above.html.is_some() || below.html.is_some();
        let text = has_text.then(|| [self.text(&above), self.text(&below)].join("\n\n"));
        let html = has_html.then(|| above.into_html() + "\n" + &below.into_html());
        Shown { text, html }
    }

    fn text(&mut self, shown: &Shown) -> String {
        let html = shown.html.as_deref().unwrap_or_default();
        shown.text.clone().unwrap_or_else(|| self.text_of(html))
    }

    fn text_of(&mut self, html: &str) -> String {
        match self.layout_left.checked_sub(html.len()) {
            Some(left) => {
                self.layout_left = left;
                html::to_text(html)
            }
            None => html::strip(html),
        }
    }
}

struct MediaType {
    main: String,
    sub: String,
}

impl MediaType {
    /// The declared type; text when there is none or it can't be read (RFC 2045, section 5.2).
    fn of(declared: Option<&ContentType<'_>>, place: Place) -> Self {
        let (main, sub) = match declared {
            Some(declared) => (declared.ctype(), declared.subtype().unwrap_or_default()),
            None if place == Place::Digest => ("message", "rfc822"),
            None => ("text", "plain"),
        };
        let is_token = |word: &str| {
            (1..=100).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
        };
        let (main, sub) = match (is_token(main), is_token(sub)) {
            (true, true) => (main, sub),
            _ => ("text", "plain"),
        };
        Self { main: main.to_ascii_lowercase(), sub: sub.to_ascii_lowercase() }
    }

    fn is_text(&self) -> bool {
        self.main == "text"
    }

    fn is_read(&self) -> bool {
        self.is_text() && matches!(self.sub.as_str(), "plain" | "html")
            // One whose boundary is missing or never comes.
            || self.main == "multipart"
    }

    /// Parts for programs, not for people, are left to the raw mail unless someone gave them a name;
    /// so are further renditions of a text, but not the appointment that comes with an invitation.
    fn is_left_out(&self, place: Place) -> bool {
        let rendition = place == Place::Alternative && self.is_text() && self.sub != "calendar";
        rendition
            || matches!(
                (self.main.as_str(), self.sub.as_str()),
                ("application", "pgp-signature" | "pgp-encrypted" | "pkcs7-signature" | "x-pkcs7-signature")
                    | ("message", "delivery-status" | "disposition-notification" | "feedback-report")
                    | ("text", "rfc822-headers")
            )
    }
}

/// What a reader sees of a part, as text, as HTML or both.
#[derive(Default)]
struct Shown {
    text: Option<String>,
    html: Option<String>,
}

impl Shown {
    fn new(media: &MediaType, content: String) -> Self {
        if content.trim().is_empty() {
            Self::default()
        } else if media.is_text() && media.sub == "html" {
            Self { text: None, html: Some(content) }
        } else {
            Self { text: Some(content.replace("\r\n", "\n").replace('\r', "\n")), html: None }
        }
    }

    fn is_some(&self) -> bool {
        self.text.is_some() || self.html.is_some()
    }

    /// The same content in another rendition; of several, the last is the richest (RFC 2046, section 5.1.4).
    fn or(self, other: Self) -> Self {
        Self { text: self.text.or(other.text), html: other.html.or(self.html) }
    }

    fn into_html(self) -> String {
        let text = self.text;
        let escaped = || format!("<pre>{}</pre>", html::escape(&text.unwrap_or_default()));
        self.html.unwrap_or_else(escaped)
    }
}

/// The parts between the boundary lines (RFC 2046, section 5.1.1); none when there are no such lines.
///
/// The line ending before a boundary belongs to the boundary. A last part that isn't closed is one too.
fn split<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let boundary = boundary.trim_end().as_bytes();
    let mut parts = Vec::new();
    let mut start = None;
    let mut rest = body;
    while !rest.is_empty() && !boundary.is_empty() && parts.len() < MAX_PARTS {
        let at = body.len() - rest.len();
        let (line, after) = split_line(rest);
        rest = after;
        let delimiter = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary));
        let closes = match delimiter.map(<[u8]>::trim_ascii_end) {
            Some(b"") => false,
            Some(b"--") => true,
            _ => continue,
        };
        if let Some(start) = start {
            let part = body.get(start..at).unwrap_or_default();
            let part = part.strip_suffix(b"\n").unwrap_or(part);
            parts.push(part.strip_suffix(b"\r").unwrap_or(part));
        }
        start = (!closes).then(|| body.len() - rest.len());
        if closes {
            break;
        }
    }
    if let Some(start) = start {
        parts.extend(body.get(start..));
    }
    parts
}
