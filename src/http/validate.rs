//! Rules of fields, and their failures in our words.

use std::borrow::Cow;

use serde_json::{Map, Value};
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::diagnose::is_within;
use super::json::escape;
use super::patch::Patch;
use crate::error::{FieldCode, FieldError, Location};

/// The parameter of a failure that names the field.
const FIELD: &str = "field";

/// Every failed rule, by JSON Pointer in a body and by name elsewhere. Of what lies in a place that is `known` to be wrong
/// nothing more is said, nor by a rule about several fields while one that decides what others mean is.
pub fn field_errors(location: Location, errors: &ValidationErrors, known: &[FieldError]) -> Vec<FieldError> {
    let mut found = Vec::new();
    collect(location, errors, "", known, &mut found);
    found.retain(|error| !known.iter().any(|known| is_within(&error.field, &known.field)));
    found
}

fn collect(
    location: Location,
    errors: &ValidationErrors,
    parent: &str,
    known: &[FieldError],
    found: &mut Vec<FieldError>,
) {
    for (name, kind) in errors.errors() {
        let place = |name: &str| match location {
            Location::Body => format!("{parent}/{}", escape(name)),
            _ => name.to_owned(),
        };
        let field = place(name);
        match kind {
            // A rule about several fields names the one that is wrong.
            ValidationErrorsKind::Field(errors) if name == "__all__" => {
                let is_shaky = known.iter().any(|known| decides(known, parent));
                for error in errors.iter().filter(|_| !is_shaky) {
                    let name = error.params.get(FIELD).and_then(Value::as_str).unwrap_or_default();
                    found.push(field_error(location, &place(name), error));
                }
            }
            ValidationErrorsKind::Field(errors) => {
                found.extend(errors.iter().map(|error| field_error(location, &field, error)));
            }
            ValidationErrorsKind::Struct(errors) => collect(location, errors, &field, known, found),
            ValidationErrorsKind::List(items) => {
                for (index, errors) in items {
                    collect(location, errors, &format!("{field}/{index}"), known, found);
                }
            }
        }
    }
}

/// Whether other fields of the same object may mean something else by this one: it is one of some words, or missing.
fn decides(known: &FieldError, parent: &str) -> bool {
    let is_beside = known.field.rsplit_once('/').map_or("", |(parent, _)| parent) == parent;
    is_beside && matches!(known.code, FieldCode::Choice | FieldCode::Required)
}

fn field_error(location: Location, field: &str, error: &ValidationError) -> FieldError {
    let params: Map<String, Value> = error
        .params
        .iter()
        .filter(|(name, _)| !matches!(name.as_ref(), "value" | FIELD))
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    let bound = |name: &str| params.get(name).map(ToString::to_string);
    let message = match (&error.message, error.code.as_ref(), bound("min"), bound("max")) {
        (Some(message), ..) => message.to_string(),
        (None, "length", Some(min), Some(max)) => format!("must have {min} to {max} characters or items"),
        (None, "length", None, Some(max)) => format!("must have at most {max} characters or items"),
        (None, "length", Some(min), None) => format!("must have at least {min} characters or items"),
        (None, "range", Some(min), Some(max)) => format!("must be from {min} to {max}"),
        (None, "range", Some(min), None) => format!("must be at least {min}"),
        (None, "email", ..) => "must be an e-mail address".to_owned(),
        (None, code, ..) => format!("fails the rule {code}"),
    };
    // The rules that types name have codes of ours too.
    let code = FieldCode::named(&error.code).unwrap_or(FieldCode::Type);
    FieldError { params, ..FieldError::new(location, field, code, message) }
}

/// Why a field breaks a rule of ours.
pub fn refuse(code: FieldCode, message: impl Into<Cow<'static, str>>) -> ValidationError {
    ValidationError::new(code.as_str()).with_message(message.into())
}

/// The same by a rule about several fields: which of them is wrong.
pub fn refuse_field(field: &str, code: FieldCode, message: impl Into<Cow<'static, str>>) -> ValidationError {
    let mut error = refuse(code, message);
    error.add_param(FIELD.into(), &field);
    error
}

/// Something must be left without the white space, as the pattern `[^\s\x85]` says it in the document.
pub fn not_blank(text: &str) -> Result<(), ValidationError> {
    if text.trim().is_empty() { Err(refuse(FieldCode::Blank, "must not be blank")) } else { Ok(()) }
}

/// The same of a field of a PATCH.
pub fn value_not_blank(patch: &Patch<String>) -> Result<(), ValidationError> {
    if let Patch::Value(text) = patch { not_blank(text) } else { Ok(()) }
}

/// An IANA time zone, such as Europe/Amsterdam.
pub fn is_time_zone(text: &str) -> Result<(), ValidationError> {
    match text.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(refuse(FieldCode::TimeZone, "must be an IANA time zone, such as Europe/Amsterdam")),
    }
}

/// An ISO 3166-1 alpha-2 country, such as NL.
pub fn is_country(text: &str) -> Result<(), ValidationError> {
    match text.parse::<phonenumber::country::Id>() {
        Ok(_) => Ok(()),
        Err(_) => Err(refuse(FieldCode::Country, "must be an ISO 3166-1 alpha-2 country, such as NL")),
    }
}

/// A language code of two or three letters (ISO 639), such as nl.
pub fn is_language(text: &str) -> Result<(), ValidationError> {
    if matches!(text.len(), 2 | 3) && text.bytes().all(|byte| byte.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(refuse(FieldCode::Language, "must be a language code such as nl"))
    }
}
