//! A file as an answer: conditions, ranges, and headers that keep a browser from running what is in it.

use std::ops::Range;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use tracing_actix_web::RequestId;

use super::problem;
use super::version::not_modified;
use crate::error::{Code, Error};

/// What is said of a file beside its bytes.
pub struct FileHead {
    pub filename: String,
    pub content_type: String,
    pub byte_size: u64,
    /// The strong tag of the bytes: their SHA-256 in hex, or what else is another for other bytes.
    pub tag: String,
    /// Whether a browser may show it in place.
    pub inline: bool,
    /// For how many seconds the client may use it without asking.
    pub max_age: u32,
}

/// What to answer with.
pub enum Reply {
    /// These bytes, as the body of this response.
    Bytes(HttpResponseBuilder, Range<u64>),
    /// Nothing of the file.
    Done(HttpResponse),
}

impl FileHead {
    /// Decides between 200, 206, 304 and 416 (RFC 9110, 13.2.2).
    pub fn reply(&self, request: &HttpRequest) -> Reply {
        let tag = format!("\"{}\"", self.tag);
        if not_modified(request, &tag) {
            let mut response = HttpResponse::NotModified();
            return Reply::Done(response.insert_header((ETAG, tag)).insert_header(self.cache_control()).finish());
        }
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let is_same = header(IF_RANGE).is_none_or(|validator| validator == tag);
        let wanted = header(RANGE).filter(|_| is_same).map_or(Wanted::All, |text| wanted(text, self.byte_size));
        let (status, range) = match wanted {
            Wanted::All => (StatusCode::OK, 0..self.byte_size),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Wanted::Nothing => return Reply::Done(self.not_satisfiable(request)),
        };
        let mut response = HttpResponse::build(status);
        if status == StatusCode::PARTIAL_CONTENT {
            let last = range.end.saturating_sub(1);
            response.insert_header((CONTENT_RANGE, format!("bytes {}-{last}/{}", range.start, self.byte_size)));
        }
        response
            .insert_header((CONTENT_TYPE, self.content_type.as_str()))
            .insert_header((ETAG, tag))
            .insert_header((ACCEPT_RANGES, "bytes"))
            .insert_header((CONTENT_DISPOSITION, disposition(&self.filename, self.inline)))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
            // Keeps it from being compressed: it would have neither this length nor these ranges.
            .insert_header((CONTENT_ENCODING, "identity"))
            .insert_header(self.cache_control());
        Reply::Bytes(response, range)
    }

    fn cache_control(&self) -> (actix_web::http::header::HeaderName, String) {
        (CACHE_CONTROL, format!("private, max-age={}", self.max_age))
    }

    fn not_satisfiable(&self, request: &HttpRequest) -> HttpResponse {
        let error = Error::new(Code::RangeNotSatisfiable, format!("The file has {} bytes.", self.byte_size));
        let mut response = problem::render(&error, request.extensions().get::<RequestId>().map(|id| **id));
        if let Ok(range) = format!("bytes */{}", self.byte_size).parse() {
            response.headers_mut().insert(CONTENT_RANGE, range);
        }
        response
    }
}

#[derive(Debug, PartialEq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// One range of bytes (RFC 9110, 14.1.2). Several, or what isn't understood, may be answered with everything.
fn wanted(header: &str, byte_size: u64) -> Wanted {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // A number beyond all files is as good as the largest.
        true => Some(text.parse().unwrap_or(u64::MAX)),
        false => None,
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(byte_size),
        (Some(first), None) if last.is_empty() => first..byte_size,
        (None, Some(suffix)) if first.is_empty() => byte_size.saturating_sub(suffix)..byte_size,
        _ => return Wanted::All,
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

/// `Content-Disposition` (RFC 6266) with the name in plain ASCII, and as it is (RFC 8187).
fn disposition(filename: &str, inline: bool) -> String {
    use std::fmt::Write;
    let kind = if inline { "inline" } else { "attachment" };
    let plain: String = filename
        .chars()
        .map(|letter| match letter {
            '"' | '\\' | '%' | ';' => '_',
            ' '..='~' => letter,
            _ => '_',
        })
        .collect();
    let mut text = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_in_the_file() {
        for (header, range) in [
            ("bytes=0-9", Wanted::Part(0..10)),
            ("bytes=90-", Wanted::Part(90..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=50-1000", Wanted::Part(50..100)),
            ("bytes=0-99999999999999999999999", Wanted::Part(0..100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=9-0", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=-", Wanted::All),
            ("items=0-1", Wanted::All),
        ] {
            assert_eq!(wanted(header, 100), range, "{header}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn a_name_can_not_leave_its_header() {
        assert_eq!(
            disposition("Ä \"b\"\r\n.png", false),
            "attachment; filename=\"_ _b___.png\"; filename*=UTF-8''%C3%84%20%22b%22%0D%0A.png"
        );
        assert_eq!(disposition("a.png", true), "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    }
}
