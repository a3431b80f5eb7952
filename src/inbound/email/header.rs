//! The header of a mail or of one of its parts: its fields, and what stands in them (RFC 5322, section 2.2).

use chrono::{DateTime, Duration, NaiveDate, Utc};
use mail_parser::{ContentType, HeaderValue, parsers::MessageStream};

use super::{Mailbox, decode};

/// Fields beyond these are skipped: nobody writes as many, and each one costs memory.
const MAX_FIELDS: usize = 1_000;
/// A longer field is cut: thousands of recipients still fit.
const MAX_FIELD_BYTES: usize = 256 * 1024;
const MAX_MAILBOXES: usize = 1_000;
const MAX_NAME_CHARS: usize = 200;
/// 64 for the local part, 255 for the domain and the sign between them (RFC 5321, section 4.5.3.1).
const MAX_ADDRESS_BYTES: usize = 320;

/// The fields of one header, in their order.
#[derive(Default)]
pub struct Header {
    fields: Vec<(String, String)>,
}

impl Header {
    /// Splits a message into its header and its body.
    ///
    /// The header ends at the first empty line, or where a line can't belong to it any more.
    /// Envelope lines of an mbox (`From …`) are no part of the mail and are passed over.
    pub fn split(raw: &[u8]) -> (Self, &[u8]) {
        let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
        let mut rest = raw;
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            if line.is_empty() {
                rest = after;
                break;
            }
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                // A folded line continues the field above it.
                if let Some((_, value)) = fields.last_mut() {
                    append(value, line);
                }
            } else if let Some((name, value)) = split_field(line) {
                if fields.len() < MAX_FIELDS {
                    let mut bytes = Vec::new();
                    append(&mut bytes, value);
                    fields.push((name, bytes));
                }
            } else if !line.starts_with(b"From ") && !line.starts_with(b">From ") {
                break;
            }
            rest = after;
        }
        let fields = fields
            .into_iter()
            .map(|(name, value)| {
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                (name, decode::text(&value, None))
            })
            .collect();
        (Self { fields }, rest)
    }

    /// The values of every field of this (lower-case) name, the topmost first.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.trim())
    }

    /// The value of the first field of this (lower-case) name.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Everyone named in the fields of this name who has a usable address.
    pub fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        self.all(name).flat_map(mailboxes).take(MAX_MAILBOXES).collect()
    }

    /// A field of a type and its parameters, such as `Content-Type` (RFC 2045; RFC 2231).
    pub fn parameters(&self, name: &str) -> Option<ContentType<'static>> {
        let value = terminated(&extended_first(self.first(name)?));
        let parsed = MessageStream::new(value.as_bytes()).parse_content_type().into_owned();
        parsed.into_content_type()
    }
}

/// Free text with its encoded words decoded (RFC 2047), on one line of at most `max` characters.
pub fn unstructured(value: &str, max: usize) -> Option<String> {
    let value = terminated(value);
    let decoded = MessageStream::new(value.as_bytes()).parse_unstructured();
    one_line(&decoded.into_text()?, max)
}

/// Text without control characters and runs of blanks, cut after `max` characters; `None` when nothing is left.
pub fn one_line(text: &str, max: usize) -> Option<String> {
    let text = text.replace('\0', "\u{FFFD}");
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(max).collect();
    (!line.is_empty()).then_some(line)
}

/// The date of a `Date` field, or after the last semicolon of a `Received` field (RFC 5322, section 3.3).
///
/// A missing zone is read as UTC. What isn't in the calendar, or is older than e-mail, is no date.
pub fn date(value: &str) -> Option<DateTime<Utc>> {
    let value = value.rsplit(';').next()?;
    let date = mail_parser::DateTime::parse_rfc822(&terminated(value))
        .or_else(|| mail_parser::DateTime::parse_rfc822(&format!("{value} +0000\n")))?;
    // Years of three digits come from programs that count from 1900 (RFC 5322, section 4.3).
    let year = match i32::from(date.year) {
        year @ 100..=999 => year + 1900,
        year => year,
    };
    let offset = Duration::minutes(i64::from(date.tz_hour) * 60 + i64::from(date.tz_minute));
    let local = NaiveDate::from_ymd_opt(year, date.month.into(), date.day.into())?
        .and_hms_opt(
            date.hour.into(),
            date.minute.into(),
            u32::from(date.second).min(59), // a leap second
        )?
        .and_utc();
    let utc = if date.tz_before_gmt { local + offset } else { local - offset };
    (1971..=9999).contains(&year).then_some(utc)
}

fn mailboxes(value: &str) -> Vec<Mailbox> {
    let value = terminated(value);
    let HeaderValue::Address(parsed) = MessageStream::new(value.as_bytes()).parse_address() else {
        return Vec::new();
    };
    parsed
        .iter()
        .filter_map(|found| {
            let address = found.address()?.trim();
            is_usable(address).then(|| Mailbox {
                name: found
                    .name()
                    .and_then(|name| unstructured(name, MAX_NAME_CHARS))
                    .filter(|name| !name.eq_ignore_ascii_case(address)),
                address: address.to_owned(),
            })
        })
        .collect()
}

/// Whether mail could be sent there: something, an at sign, something.
fn is_usable(address: &str) -> bool {
    let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '\u{FFFD}');
    address.len() <= MAX_ADDRESS_BYTES
        && !address.contains(stray)
        && address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Puts parameters in their own charset, or in pieces, before their plain namesakes, which stand there for programs that
/// can't read them (RFC 6266, section 4.3): of two the parser takes the first.
fn extended_first(value: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut parameters = value.split(|letter| {
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && quoted && !escaped;
        letter == ';' && !quoted
    });
    let kind = parameters.next();
    let is_extended = |parameter: &&str| parameter.split_once('=').is_some_and(|(name, _)| name.contains('*'));
    let (extended, plain): (Vec<&str>, Vec<&str>) = parameters.partition(is_extended);
    kind.into_iter().chain(extended).chain(plain).collect::<Vec<_>>().join(";")
}

/// The parsers expect a field as it stands in a mail, with the end of its line.
fn terminated(value: &str) -> String {
    format!("{}\n", value.replace(['\r', '\n'], " "))
}

fn append(value: &mut Vec<u8>, bytes: &[u8]) {
    let room = MAX_FIELD_BYTES.saturating_sub(value.len());
    value.extend(bytes.iter().take(room));
}

/// The first line without its ending, and what follows it.
pub fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end.and_then(|end| bytes.split_at_checked(end + 1)) {
        Some((line, rest)) => (line.strip_suffix(b"\n").unwrap_or(line), rest),
        None => (bytes, [].as_slice()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// `Name: value`, where the name is printable ASCII (RFC 5322, section 3.6.8; blanks before the colon are obsolete).
fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    valid.then_some((name, value.strip_prefix(b":")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(raw: &str) -> Header {
        Header::split(raw.as_bytes()).0
    }

    #[test]
    fn a_header_ends_at_an_empty_line_or_where_it_stops_being_one() {
        let (header, body) = Header::split(b"From me Mon\n>From you Tue\nA : 1\r\n folded\r\n\r\nbody");
        assert_eq!(header.first("a"), Some("1 folded"));
        assert_eq!(body, b"body");
        assert_eq!(Header::split(b"A: 1\nno field\nB: 2").1, b"no field\nB: 2".as_slice());
    }

    #[test]
    fn fields_are_bounded() {
        let many = "a: b\n".repeat(5_000) + "c: d\n\nbody";
        let (header, body) = Header::split(many.as_bytes());
        assert_eq!(header.all("a").count(), MAX_FIELDS);
        assert_eq!(body, b"body");
        let long = header_of_length(MAX_FIELD_BYTES * 2);
        assert!(long <= MAX_FIELD_BYTES);
    }

    fn header_of_length(bytes: usize) -> usize {
        let raw = format!("a: {}\n", "x".repeat(bytes));
        header(&raw).first("a").map_or(0, str::len)
    }

    #[test]
    fn mailboxes_are_found_in_every_spelling() {
        let list = header(
            "To: \"Doe, J.\" <j@x.nl>, k@x.nl (Kim), =?utf-8?q?J=C3=B6rg?= <l@x.nl>,\n\
             \tfriends: m@x.nl, <n@x.nl>;, nobody, <>, \"o@x.nl\" <o@x.nl>\n",
        );
        let found: Vec<_> = list.mailboxes("to").into_iter().map(|m| (m.name.unwrap_or_default(), m.address)).collect();
        let expected = [
            ("Doe, J.", "j@x.nl"),
            ("Kim", "k@x.nl"),
            ("Jörg", "l@x.nl"),
            ("", "m@x.nl"),
            ("", "n@x.nl"),
            ("", "o@x.nl"),
        ];
        let expected: Vec<_> = expected.map(|(n, a)| (n.into(), a.into())).into();
        assert_eq!(found, expected);
    }

    #[test]
    fn eight_bit_headers_are_read() {
        let (header, _) = Header::split(b"From: J\xF6rg <j@x.nl>\nSubject: caf\xC3\xA9\n\n");
        let name = header.mailboxes("from").remove(0).name;
        assert_eq!(name.as_deref(), Some("Jörg"));
        assert_eq!(header.first("subject"), Some("café"));
    }

    #[test]
    fn encoded_words_are_read_also_when_malformed() {
        let read = |value| unstructured(value, 100).unwrap_or_default();
        assert_eq!(read("=?iso-8859-1?Q?caf=E9?= =?utf-8?B?w6k=?="), "caféé");
        assert_eq!(read("=?x-unknown?Q?caf?="), "caf");
        assert_eq!(read("=?utf-8?Q?broken"), "=?utf-8?Q?broken");
        assert_eq!(read("a\0b \x07 c\td"), "a\u{FFFD}b c d");
        assert_eq!(read(&"x".repeat(200)).len(), 100);
        assert_eq!(unstructured(" ", 100), None);
    }

    #[test]
    fn dates_are_read_when_usable() {
        let read = |value| date(value).map(|date| date.to_rfc3339());
        let noon = Some("2002-08-20T12:00:00+00:00".to_owned());
        assert_eq!(read("Tue, 20 Aug 2002 14:00:00 +0200 (CEST)"), noon);
        assert_eq!(read("20 Aug 02 12:00 GMT"), noon);
        assert_eq!(read("Tue, 20 Aug 102 08:00:00 EDT"), noon);
        assert_eq!(read("Tue, 20 Aug 2002 12:00:00"), noon);
        assert_eq!(read("from a by b; x; Tue, 20 Aug 2002 05:00:00 -0700"), noon);
        for unusable in ["", "soon", "31 Feb 2002 12:00:00 +0000", "1 Jan 1970 00:00:00 +0000"] {
            assert_eq!(read(unusable), None, "{unusable}");
        }
    }
}
