//! What a request is answered, without HTTP, and what makes a second one the same.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, FieldError, Result};

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// JSON text; None for 204.
    pub body: Option<String>,
    /// Where what was made can be read.
    pub location: Option<String>,
    /// The version of the resource that the body shows.
    pub version: Option<i32>,
    /// Where the next page of a list begins.
    pub next_cursor: Option<String>,
    /// Kept from an earlier request with the same idempotency key.
    pub replayed: bool,
    /// A member of the body that is shown once and never kept.
    secret: Option<&'static str>,
}

impl Answer {
    pub fn ok(view: &impl Serialize) -> Result<Self> {
        Self::json(200, view)
    }

    pub fn created(location: String, view: &impl Serialize) -> Result<Self> {
        Ok(Self { location: Some(location), ..Self::json(201, view)? })
    }

    pub fn no_content() -> Self {
        Self {
            status: 204,
            body: None,
            location: None,
            version: None,
            next_cursor: None,
            replayed: false,
            secret: None,
        }
    }

    /// 308: what was asked for is part of `location` now.
    pub fn moved(location: String) -> Self {
        Self { status: 308, location: Some(location), ..Self::no_content() }
    }

    /// Whether what was asked for was done: not where it is to be asked for elsewhere.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// As kept with an idempotency key.
    pub fn replay(status: u16, body: Option<String>, location: Option<String>, version: Option<i32>) -> Self {
        Self { status, body, location, version, replayed: true, ..Self::no_content() }
    }

    fn json(status: u16, view: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(view).map_err(Error::internal)?;
        Ok(Self { status, body: Some(body), ..Self::no_content() })
    }

    /// Gives the answer the `ETag` of this version.
    pub fn version(self, version: i32) -> Self {
        Self { version: Some(version), ..self }
    }

    pub fn next_cursor(self, next_cursor: Option<String>) -> Self {
        Self { next_cursor, ..self }
    }

    /// Leaves this member of the body out of what is kept.
    pub fn shown_once(self, member: &'static str) -> Self {
        Self { secret: Some(member), ..self }
    }

    /// The body as it may be kept.
    pub fn body_to_keep(&self) -> Result<Option<String>> {
        let (Some(body), Some(secret)) = (&self.body, self.secret) else {
            return Ok(self.body.clone());
        };
        let mut value: Value = serde_json::from_str(body).map_err(Error::internal)?;
        if let Some(members) = value.as_object_mut() {
            members.remove(secret);
        }
        Ok(Some(value.to_string()))
    }
}

/// A write's idempotency key, if it has one, and what the request was.
#[derive(Debug, Clone, Default)]
pub struct Retry {
    pub key: Option<String>,
    /// SHA-256 over method, path, query and body.
    pub fingerprint: Vec<u8>,
    /// What is wrong with the body: told with what the work finds, and nothing is done.
    pub faults: Vec<FieldError>,
}

impl Retry {
    /// Refuses a body with faults where nothing is written: a dry run.
    pub fn check(&self) -> Result<()> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::invalid(self.faults.clone())) }
    }
}
