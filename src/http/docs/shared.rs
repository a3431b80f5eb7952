//! What is described once: parameters and headers that many operations have, and the form of words.

use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::http::deprecation::Deprecation;

/// One of some words that no type lists.
pub fn one_of(words: impl IntoIterator<Item = &'static str>, description: &str, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .description(Some(description))
        .examples([example])
        .into()
}

pub fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Any text of your choice, such as a UUID: the same request with the same key is carried out \
                once and answered the same again, for 24 hours.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$" },
            "example": "5f0c3b1e-8d0a-4b57-9d3e-1a2f4c6b8d70"
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of the answer that the client has: answered with 304 while it is the same.",
            "schema": { "type": "string" },
            "example": "\"3-5f2d0c9e1ab34c77d0e1\""
        },
        "Range": {
            "name": "Range",
            "in": "header",
            "description": "Which bytes of the file: one range (RFC 9110, 14.2).",
            "schema": { "type": "string" },
            "example": "bytes=0-1023"
        }
    })
}

/// What comes from anyone, kept from being run.
pub const OF_DOWNLOADS: [(&str, &str); 2] =
    [("Content-Security-Policy", "ContentSecurityPolicy"), ("X-Content-Type-Options", "ContentTypeOptions")];
pub const OF_FILES: [(&str, &str); 2] =
    [("Content-Disposition", "ContentDisposition"), ("Accept-Ranges", "AcceptRanges")];
pub const OF_HTML: [(&str, &str); 1] = [("Referrer-Policy", "ReferrerPolicy")];

/// Those of what is deprecated only where something is.
pub fn headers(deprecated: &[Deprecation]) -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut headers = json!({
        "RequestId": text("Finds the request in the service's log."),
        "ETag": text("`\"<version>-<hash of the answer>\"`, or only a hash where there is no version."),
        "Location": text("Where what was made can be read, or has moved to."),
        "RetryAfter": {
            "description": "After how many seconds to try again.",
            "schema": { "type": "integer", "minimum": 0 }
        },
        "WwwAuthenticate": text("`Bearer`"),
        "ContentRange": text("Which bytes these are, of how many; or how many there are."),
        "ContentDisposition": text("Whether it is shown or saved, and the file's name (RFC 6266)."),
        "AcceptRanges": text("`bytes`: a part of it can be asked for, with `Range`."),
        "CacheControl": text("For how long the client may use it without asking again."),
        "ContentSecurityPolicy": text("Keeps a browser from running what is in it."),
        "ContentTypeOptions": text("`nosniff`: it is what its `Content-Type` says."),
        "ReferrerPolicy": text("`no-referrer`: where its links lead learns nothing about who reads it."),
        "Link": text("The next page, with rel=\"next\" (RFC 8288)."),
        "IdempotencyReplayed": text("`true` when the answer is that of an earlier request with the same key."),
    });
    let since = text("Since when the operation should not be used: `@` and Unix seconds (RFC 9745).");
    let sunset = text("When the operation goes: an HTTP date (RFC 8594).");
    let has_sunset = deprecated.iter().any(|row| row.sunset.is_some());
    let more = [("Deprecation", since, !deprecated.is_empty()), ("Sunset", sunset, has_sunset)];
    if let Some(headers) = headers.as_object_mut() {
        headers.extend(more.into_iter().filter(|(.., used)| *used).map(|(name, header, _)| (name.to_owned(), header)));
    }
    headers
}
