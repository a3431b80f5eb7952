//! Paths and query strings: typed, or a failure that names all that is wrong.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::schema::{AnyOf, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use validator::Validate;

use super::validate::field_errors;
use crate::error::{Code, Error, FieldCode, FieldError, Location, MAX_NAMED, Result};
use crate::text;

/// The variables of a path; what can't be one of ours is 404, like what isn't there.
pub struct Path<T>(pub T);

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(match path {
            Ok(path) => Ok(Self(path.into_inner())),
            Err(_) => Err(Error::new(Code::NotFound, "The path holds an id that isn't one.")),
        })
    }
}

/// A query string that is valid.
pub struct Query<T>(pub T);

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + Validate> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(pairs(request.query_string()).and_then(|pairs| match parse(pairs) {
            (Some(query), errors) if errors.is_empty() => Ok(Self(query)),
            (_, errors) => Err(Error::invalid(errors)),
        }))
    }
}

pub type Pairs = Vec<(String, String)>;

/// The parameters of a query string, or a failure that names those that can't be read.
pub fn pairs(query: &str) -> Result<Pairs> {
    let parse = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Pairs>();
    let broken = query.split('&').filter(|part| !is_encoded(part)).flat_map(parse);
    let errors: Vec<FieldError> =
        broken.map(|(name, _)| FieldError::query(name, FieldCode::Encoding, "must be percent-encoded UTF-8")).collect();
    if errors.is_empty() { Ok(parse(query)) } else { Err(Error::invalid(errors)) }
}

/// Whether two hexadecimal digits follow each `%`, and the bytes are UTF-8.
fn is_encoded(text: &str) -> bool {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else { return false };
        bytes.push(byte);
        bytes.extend(part.bytes().skip(2));
    }
    String::from_utf8(bytes).is_ok()
}

/// A `T`, and every wrong parameter that is named: one that is wrong is noted and left out, until the rest fits.
pub fn parse<T: DeserializeOwned + Validate>(mut pairs: Pairs) -> (Option<T>, Vec<FieldError>) {
    let mut errors: Vec<FieldError> = pairs
        .iter()
        .filter(|(_, value)| value.contains('\0'))
        .map(|(name, _)| FieldError::query(name, FieldCode::Nul, "must not contain the character NUL"))
        .collect();
    loop {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let deserializer = serde_html_form::Deserializer::new(url::form_urlencoded::parse(text.as_bytes()));
        let error = match serde_path_to_error::deserialize::<_, T>(deserializer) {
            Ok(query) => {
                if let Err(invalid) = query.validate() {
                    let broken = field_errors(Location::Query, &invalid, &errors);
                    errors.extend(broken);
                }
                return (Some(query), errors);
            }
            Err(error) => error,
        };
        let message = error.inner().to_string();
        let quoted = message.split('`').nth(1).unwrap_or_default();
        let path = error.path().to_string();
        // What may be repeated is wrong in one of its items: `medium[1]`.
        let is_repeated = pairs.iter().filter(|(name, _)| *name == path).count() > 1;
        let (name, code, message) = if message.starts_with("missing field") {
            // One that was left out for another reason is there.
            if !errors.iter().any(|known| known.field == quoted) {
                errors.push(FieldError::query(quoted, FieldCode::Required, "is required"));
            }
            return (None, errors);
        } else if message.starts_with("unknown field") {
            (quoted.to_owned(), FieldCode::Unknown, message)
        } else if is_repeated {
            (path, FieldCode::Repeated, "is taken only once".to_owned())
        } else {
            let code = if message.starts_with("unknown variant") { FieldCode::Choice } else { FieldCode::Type };
            (path.split('[').next().unwrap_or_default().to_owned(), code, message)
        };
        let before = pairs.len();
        errors.push(FieldError::query(&name, code, message));
        pairs.retain(|(other, _)| *other != name);
        if pairs.len() == before || errors.len() > MAX_NAMED {
            return (None, errors);
        }
    }
}

/// A parameter that is true or false, and says so: not empty, not `on`.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(de::Error::custom("expected true or false")),
    }
}

/// A parameter that is a whole number in digits: not empty, not `+5`.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix('-').unwrap_or(&text);
    match text.parse() {
        Ok(number) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(number)),
        _ => Err(de::Error::custom("expected a whole number")),
    }
}

/// For lists that can't be filtered.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// A time in a filter: an instant, or a bare date, which begins with its day in the organization's time zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    Instant(DateTime<Utc>),
    Day(NaiveDate),
}

impl When {
    /// The instant at which it begins.
    pub fn start(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => {
                let midnight = day.and_time(NaiveTime::MIN);
                // Where clocks skip midnight, the day begins an hour later.
                zone.from_local_datetime(&midnight)
                    .earliest()
                    .or_else(|| zone.from_local_datetime(&(midnight + chrono::Duration::hours(1))).earliest())
                    .map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
            }
        }
    }
}

impl PartialSchema for When {
    fn schema() -> RefOr<Schema> {
        let text = |format| {
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format))).build()
        };
        AnyOf::builder()
            .item(text(KnownFormat::DateTime))
            .item(text(KnownFormat::Date))
            .description(Some("An instant, or a day in the organization's time zone."))
            .into()
    }
}

impl ToSchema for When {}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Far years would leave what PostgreSQL can store.
        if let Ok(instant) = DateTime::parse_from_rfc3339(&text)
            && text::is_of_four_digits(&instant)
        {
            return Ok(Self::Instant(instant.with_timezone(&Utc)));
        }
        let day = text::full_date(&text).map(Self::Day);
        day.ok_or_else(|| de::Error::custom("expected a time (RFC 3339) or a date (YYYY-MM-DD)"))
    }
}
