//! Bodies of requests: JSON that is parsed, complete and valid, or a failure that names all that is wrong.

use std::ops::Deref;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, block};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use validator::Validate;

use super::diagnose::{diagnose, nul_fields};
use super::json::{self, Json};
use super::validate::field_errors;
use crate::answer::Retry;
use crate::error::{Code, Error, FieldCode, FieldError, Location, Result};

/// Bytes of a JSON body where a route doesn't say otherwise.
pub const MAX_JSON_BYTES: usize = MIB;
/// Where one holds long texts, or many: each as long as it may be, in a script of four bytes a letter.
const MAX_LARGE_JSON_BYTES: usize = 8 * MIB;
const MIB: usize = 1024 * 1024;
/// Of a body that says nothing.
const MAX_EMPTY_BYTES: usize = 16;
/// What all large bodies together may have, whoever sends them: taking a mail apart needs several times its size.
const ROOM_MIB: u32 = 64;
static ROOM: Semaphore = Semaphore::const_new(ROOM_MIB as usize);
const ROOM_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the next piece of a body may take: whoever sends none holds memory and a connection.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const MAX_KEY_BYTES: usize = 255;

/// A JSON body that is valid, and the request's idempotency key.
pub struct Body<T> {
    pub value: T,
    pub retry: Retry,
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(body(request.clone(), payload.take(), |bytes| Ok((parse(bytes)?, Vec::new()))))
    }
}

/// As [`Proposed`], of a JSON body that may be large, with the room that it takes.
pub struct Large<T>(pub Body<T>, pub Room);

impl<T: DeserializeOwned + Validate + Send + 'static> FromRequest for Large<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(large_body(request.clone(), payload.take(), parse_proposed))
    }
}

/// A large JSON body with parts that are kept as they are until each is looked at with [`fit`], so that what is wrong
/// with one is not the fault of the others.
pub struct InParts<T>(pub Large<T>);

impl<T: DeserializeOwned + Validate + Send + 'static> FromRequest for InParts<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = large_body(request.clone(), payload.take(), |bytes| Ok((parse_whole(bytes)?, Vec::new())));
        Box::pin(async move { body.await.map(Self) })
    }
}

/// A JSON body that fits its type, for a write that looks at its fields too: what breaks the type's rules is told with
/// what the write finds.
pub struct Proposed<T>(pub Body<T>);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Proposed<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = body(request.clone(), payload.take(), parse_proposed);
        Box::pin(async move { body.await.map(Self) })
    }
}

/// What a body says, and what its type's rules have against it.
pub type Judged<T> = (T, Vec<FieldError>);

async fn body<T>(request: HttpRequest, payload: Payload, parse: fn(&[u8]) -> Result<Judged<T>>) -> Result<Body<T>> {
    require_json(&request)?;
    let bytes = read(&request, payload, MAX_JSON_BYTES).await?;
    let retry = retry(&request, &bytes)?;
    let (value, faults) = parse(&bytes)?;
    Ok(Body { value, retry: Retry { faults, ..retry } })
}

async fn large_body<T: Send + 'static>(
    request: HttpRequest,
    payload: Payload,
    parse: fn(&[u8]) -> Result<Judged<T>>,
) -> Result<Large<T>> {
    require_json(&request)?;
    let room = room(&request, MAX_LARGE_JSON_BYTES).await?;
    let bytes = read(&request, payload, MAX_LARGE_JSON_BYTES).await?;
    let retry = retry(&request, &bytes)?;
    // Other requests would wait for so much to be read.
    let (value, faults) = block(move || parse(&bytes)).await.map_err(Error::internal)??;
    Ok(Large(Body { value, retry: Retry { faults, ..retry } }, room))
}

/// The idempotency key of a write without a body: one that says something may have been meant, and is refused.
impl FromRequest for Retry {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read(&request, payload, MAX_EMPTY_BYTES).await;
            // As clients say nothing that always say something.
            if !body.is_ok_and(|body| ["", "{}", "null"].map(str::as_bytes).contains(&body.trim_ascii())) {
                let message = "is not taken here: nothing would read it";
                return Err(Error::invalid_field(FieldError::body("", FieldCode::Unsupported, message)));
            }
            retry(&request, &[])
        })
    }
}

/// What the body says it is, without parameters. It may be written in capitals (RFC 9110, 8.3.1).
pub fn media_type(request: &HttpRequest) -> String {
    request.content_type().to_ascii_lowercase()
}

/// 415 for a body that doesn't say it is JSON.
fn require_json(request: &HttpRequest) -> Result<()> {
    if is_json(request) {
        return Ok(());
    }
    let said = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    let detail = format!("Content-Type must be application/json, in UTF-8; it says {said}.");
    Err(Error::new(Code::UnsupportedMediaType, detail))
}

/// JSON has no charset but UTF-8 (RFC 8259, 8.1), which may be said nevertheless.
pub fn is_json(request: &HttpRequest) -> bool {
    let header = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parameters = header.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    media_type(request) == "application/json"
        && parameters.all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// 415 for a body that is compressed: what would be kept is not what was meant.
pub fn refuse_encoding(request: &HttpRequest) -> Result<()> {
    let encodings = request.headers().get_all(CONTENT_ENCODING);
    if encodings.into_iter().all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType, "The body must come as it is, without a Content-Encoding."))
}

/// The whole body, refused before it is read when it says it is too large, and as soon as it is.
pub async fn read(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Bytes> {
    refuse_encoding(request)?;
    let too_large = || Error::new(Code::TooLarge, format!("The body may have at most {limit} bytes."));
    let announced = announced(request);
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::with_capacity(announced.map_or(0, |length| usize::try_from(length).unwrap_or(0)));
    while let Some(chunk) = next_piece(&mut payload).await? {
        let chunk = chunk.map_err(|_| broken())?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// What comes next of a body, or `None` at its end; 400 when nothing comes.
pub async fn next_piece<S: Stream + Unpin>(body: &mut S) -> Result<Option<S::Item>> {
    let stopped = |_| Error::new(Code::MalformedRequest, "The body stopped coming.");
    tokio::time::timeout(PIECE_TIMEOUT, body.next()).await.map_err(stopped)
}

/// 400 for a body that the server can't put together.
pub fn broken() -> Error {
    Error::new(Code::MalformedRequest, "The body ends before it is complete, or its chunks can't be told apart.")
}

/// Room in memory for a large body and what is made of it, until this is dropped.
pub struct Room(#[allow(dead_code)] Option<SemaphorePermit<'static>>);

/// Waits until there is room for a body of at most `limit` bytes; 503 when there is none for long.
pub async fn room(request: &HttpRequest, limit: usize) -> Result<Room> {
    let bytes = announced(request).map_or(limit, |length| usize::try_from(length).unwrap_or(limit).min(limit));
    if bytes <= MAX_JSON_BYTES {
        return Ok(Room(None));
    }
    // One that is larger than all there is has it alone.
    let mebibytes = u32::try_from(bytes.div_ceil(MIB)).unwrap_or(ROOM_MIB).min(ROOM_MIB);
    let permit = tokio::time::timeout(ROOM_TIMEOUT, ROOM.acquire_many(mebibytes))
        .await
        .map_err(|_| Error::unavailable(5, "there was no room for a large body"))?
        .map_err(Error::internal)?;
    Ok(Room(Some(permit)))
}

/// How long the body is, where the request says so.
fn announced(request: &HttpRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// From JSON text to a valid `T`: 400 for text that isn't JSON, 422 that names every wrong field.
pub fn parse<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T> {
    complete(parse_proposed(bytes)?)
}

/// The same, except that a NUL is left to who fits the parts.
fn parse_whole<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T> {
    let (value, wrong) = read_json(bytes)?;
    complete(judge(&value, wrong)?)
}

fn parse_proposed<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<Judged<T>> {
    let (value, mut wrong) = read_json(bytes)?;
    wrong.extend(nul_fields(&value));
    judge(&value, wrong)
}

/// What the text says, and what in it is said twice.
fn read_json(bytes: &[u8]) -> Result<(Value, Vec<FieldError>)> {
    // Counted in bytes from 1, also where nothing was read yet.
    let malformed = |detail: String, line: usize, column: usize| {
        Error::new(Code::MalformedRequest, detail).with("line", line).with("column", column.max(1))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.rsplit(|byte| *byte == b'\n').next().map_or(1, |begun| begun.len() + 1);
        malformed(format!("The body is not UTF-8: {error}."), line, column)
    })?;
    json::read(text).map_err(|error| malformed(format!("The body is not JSON: {error}."), error.line(), error.column()))
}

/// A part of a body in parts.
pub fn fit<T: DeserializeOwned + Validate>(part: &Value) -> Result<Judged<T>> {
    judge(part, nul_fields(part))
}

fn complete<T>((fits, errors): Judged<T>) -> Result<T> {
    if errors.is_empty() { Ok(fits) } else { Err(Error::invalid(errors)) }
}

/// What fits its type as it was sent, save members that the type doesn't have, and what its rules have against it; else
/// all that is wrong, beside what is known to be.
fn judge<T: DeserializeOwned + Validate>(value: &Value, known: Vec<FieldError>) -> Result<Judged<T>> {
    let (mut errors, fits) = match T::deserialize(Json(value)) {
        Ok(fits) => (Vec::new(), Some(fits)),
        Err(_) => diagnose(value.clone()),
    };
    let is_as_sent = known.is_empty() && errors.iter().all(|error| error.code == FieldCode::Unknown);
    errors.extend(known);
    if let Some(Err(invalid)) = fits.as_ref().map(Validate::validate) {
        // A substitute's own faults are not the client's.
        let broken = field_errors(Location::Body, &invalid, &errors);
        errors.extend(broken);
    }
    match fits {
        Some(fits) if is_as_sent => Ok((fits, errors)),
        _ => Err(Error::invalid(errors)),
    }
}

/// The request's idempotency key, with what it was sent for.
pub fn retry(request: &HttpRequest, body: &[u8]) -> Result<Retry> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else {
        return Ok(Retry::default());
    };
    let refused = |code: FieldCode, message: String| {
        Error::invalid_field(FieldError::new(Location::Header, "Idempotency-Key", code, message))
    };
    if keys.next().is_some() {
        return Err(refused(FieldCode::Repeated, "is taken only once".to_owned()));
    }
    let text = key.to_str().ok().filter(|text| !text.contains('\t'));
    let text = text.ok_or_else(|| refused(FieldCode::Type, "must be visible ASCII characters".to_owned()))?;
    if !(1..=MAX_KEY_BYTES).contains(&text.len()) {
        return Err(refused(FieldCode::Length, format!("must have 1 to {MAX_KEY_BYTES} characters")));
    }
    let mut hash = Sha256::new();
    hash.update(request.method().as_str());
    hash.update([0]);
    hash.update(request.uri().to_string());
    hash.update([0]);
    hash.update(body);
    Ok(Retry { key: Some(text.to_owned()), fingerprint: hash.finalize().to_vec(), faults: Vec::new() })
}
