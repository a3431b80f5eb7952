//! Versions: `ETag` is `"<version>-<hash of the answer>"`. `If-Match` compares the version, `If-None-Match` all of it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::number::integer;
use crate::error::{Error, Result};

/// What a write may change (RFC 9110, 13.1.1). [`crate::db`] checks it, since it knows what changed meanwhile.
#[derive(Debug, Clone, Default)]
pub enum IfMatch {
    /// The header is absent.
    #[default]
    Anything,
    /// `*`: whatever is there.
    Present,
    Versions(Vec<i32>),
}

/// In a body: a version, or what the header says.
impl<'de> Deserialize<'de> for IfMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let if_match = match Value::deserialize(deserializer)? {
            Value::String(text) => match Self::of_tags(text.split(',')) {
                Self::Versions(versions) if versions.is_empty() => None,
                tags => Some(tags),
            },
            Value::Number(number) => {
                integer(number).ok().filter(|version| *version > 0).map(|version| Self::Versions(vec![version]))
            }
            _ => None,
        };
        if_match.ok_or_else(|| de::Error::custom("must be a version or an ETag"))
    }
}

impl IfMatch {
    fn of_tags<'t>(tags: impl Iterator<Item = &'t str> + Clone) -> Self {
        match tags.clone().any(|tag| tag.trim() == "*") {
            true => Self::Present,
            false => Self::Versions(tags.filter_map(version_of).collect()),
        }
    }
}

/// The version that a tag begins with.
fn version_of(tag: &str) -> Option<i32> {
    let tag = tag.trim();
    let version = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').split('-').next()?;
    version.parse().ok().filter(|version| *version > 0)
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(match tags(request, IF_MATCH.as_str()) {
            None => Self::Anything,
            Some(tags) => Self::of_tags(tags.iter().map(String::as_str)),
        }))
    }
}

/// The strong tag of an answer.
pub fn etag(version: Option<i32>, body: &str) -> String {
    use std::fmt::Write;
    let mut tag = String::from("\"");
    if let Some(version) = version {
        let _ = write!(tag, "{version}-");
    }
    for byte in Sha256::digest(body).iter().take(10) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Whether the client has this very answer already (RFC 9110, 13.1.2: compared weakly).
pub fn not_modified(request: &HttpRequest, etag: &str) -> bool {
    tags(request, IF_NONE_MATCH.as_str())
        .is_some_and(|tags| tags.iter().any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag))
}

fn tags(request: &HttpRequest, header: &str) -> Option<Vec<String>> {
    let values: Vec<String> = request
        .headers()
        .get_all(header)
        .flat_map(|value| String::from_utf8_lossy(value.as_bytes()).split(',').map(str::to_owned).collect::<Vec<_>>())
        .map(|tag| tag.trim().to_owned())
        .collect();
    // A header that says nothing fits nothing: what asks for a condition is not carried out without one.
    request.headers().contains_key(header).then_some(values)
}

/// The header, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)] // describes what `IfMatch` reads
pub struct IfMatchHeader {
    /// The `ETag` that was read: the write is refused with 412 when the version has changed since.
    #[param(rename = "If-Match", value_type = String, required = false, example = "\"3-5f2d0c9e1ab34c77d0e1\"")]
    if_match: Option<String>,
}
