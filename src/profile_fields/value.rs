//! A value of a field: what is accepted, how it is kept, and how it is searched. Pure rules.

use serde_json::{Number, Value};
use validator::ValidateEmail;

use super::types::{FieldOption, FieldType, ProfileField};
use crate::channels::Medium;
use crate::contacts;
use crate::error::{FieldCode, FieldError};
use crate::http::json::escape;
use crate::text;

const MAX_TEXT: usize = 10_000;
/// What fits in the index that keeps values unique.
pub const MAX_UNIQUE: usize = 255;
const MAX_DIGITS: usize = 15;
const MAX_TERMS: usize = 50;
const MAX_TERM: usize = 100;

/// What else the check of a value depends on.
pub struct Rules<'a> {
    /// Completes a telephone number written without a country.
    pub country: &'a str,
    /// The value that is there: an option that was retired meanwhile may stay.
    pub present: Option<&'a Value>,
}

/// A value as it is searched and sorted.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexed {
    pub value: String,
    /// Its bytes sort as the type does.
    pub sort_value: String,
}

/// A refusal: a code and what is wrong.
pub type Refusal = (FieldCode, String);

/// The value as it is kept, or what is wrong with it.
pub fn check(field: &ProfileField, value: &Value, rules: &Rules) -> Result<Value, FieldError> {
    let checked = canonical(field, value, rules).and_then(|value| fit(field, value));
    checked.map_err(|(code, message)| FieldError::body(format!("/fields/{}", escape(&field.key)), code, message))
}

/// A value that is unique must fit into its index.
pub(super) fn fit(field: &ProfileField, value: Value) -> Result<Value, Refusal> {
    let is_long = field.unique && indexed(field, &value).iter().any(|one| one.value.chars().nth(MAX_UNIQUE).is_some());
    match is_long {
        true => Err((FieldCode::Length, format!("must have at most {MAX_UNIQUE} characters, since it is unique"))),
        false => Ok(value),
    }
}

pub(super) fn canonical(field: &ProfileField, value: &Value, rules: &Rules) -> Result<Value, Refusal> {
    let text = || match value.as_str().map(str::trim) {
        None => Err((FieldCode::Type, "must be a text".to_owned())),
        Some("") => Err((FieldCode::Blank, "must not be blank; null clears it".to_owned())),
        Some(text) if text.contains('\0') => Err((FieldCode::Nul, "must not contain the character NUL".to_owned())),
        Some(text) if text.chars().count() > MAX_TEXT => {
            Err((FieldCode::Length, format!("must have at most {MAX_TEXT} characters")))
        }
        Some(text) => Ok(text),
    };
    match field.field_type {
        FieldType::Text => Ok(text()?.into()),
        FieldType::Number => number(value),
        FieldType::Boolean => {
            value.as_bool().map(Value::from).ok_or_else(|| (FieldCode::Type, "must be true or false".to_owned()))
        }
        FieldType::Date => date(text()?).map(Value::from),
        FieldType::Select => {
            option(field, text()?, |chosen| rules.present.and_then(Value::as_str) == Some(chosen)).map(Value::from)
        }
        FieldType::MultiSelect => options(field, value, rules.present),
        FieldType::Url => match url::Url::parse(text()?) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url.as_str().into()),
            _ => Err((FieldCode::Url, "must be a web address, such as https://example.com".to_owned())),
        },
        FieldType::Email => {
            let address = text()?.to_lowercase();
            match address.validate_email() {
                true => Ok(address.into()),
                false => Err((FieldCode::Email, "must be an e-mail address".to_owned())),
            }
        }
        FieldType::Phone => contacts::phone_number(text()?, rules.country).map(Value::from).ok_or_else(|| {
            (FieldCode::Phone, "must be a telephone number, with its country's code where that isn't yours".to_owned())
        }),
    }
}

/// A double holds every number of 15 significant digits exactly, and so does every JSON parser.
fn number(value: &Value) -> Result<Value, Refusal> {
    let Value::Number(number) = value else { return Err((FieldCode::Type, "must be a number".to_owned())) };
    let written = number.to_string();
    let (mantissa, _) = written.split_once(['e', 'E']).unwrap_or((&written, ""));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0').trim_end_matches('0');
    if digits.len() > MAX_DIGITS {
        return Err((FieldCode::Digits, format!("must have at most {MAX_DIGITS} significant digits")));
    }
    // The smallest have fewer digits than were written.
    let double = number.as_f64().filter(|double| double.is_finite() && !double.is_subnormal());
    let double = double.ok_or_else(|| (FieldCode::Range, "must be a number that a double can hold".to_owned()))?;
    Ok(canonical_number(double))
}

/// Whole numbers without a fraction: 5 and 5.0 are one value.
fn canonical_number(double: f64) -> Value {
    const LARGEST: f64 = 1e15;
    #[allow(clippy::cast_possible_truncation)] // whole, and far below an i64's bounds
    if double.fract() == 0.0 && double.abs() < LARGEST {
        return Value::from(double as i64);
    }
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

fn date(text: &str) -> Result<String, Refusal> {
    match text::full_date(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err((FieldCode::Date, "must be a date such as 2024-02-29".to_owned())),
    }
}

fn option(field: &ProfileField, chosen: &str, is_present: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    match field.options.iter().flatten().find(|option| option.value == chosen) {
        Some(option) if !option.retired || is_present(chosen) => Ok(chosen.to_owned()),
        Some(_) => Err((FieldCode::Option, format!("{chosen} can't be chosen any more"))),
        None => {
            let open = field.options.iter().flatten().filter(|option| !option.retired);
            let names: Vec<&str> = open.map(|option| option.value.as_str()).take(20).collect();
            Err((FieldCode::Option, format!("must be one of: {}", names.join(", "))))
        }
    }
}

fn options(field: &ProfileField, value: &Value, present: Option<&Value>) -> Result<Value, Refusal> {
    let Value::Array(items) = value else { return Err((FieldCode::Type, "must be an array of options".to_owned())) };
    let present: Vec<&str> =
        present.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut chosen = Vec::new();
    for item in items {
        let item = item.as_str().ok_or_else(|| (FieldCode::Type, "must be an array of texts".to_owned()))?;
        chosen.push(option(field, item.trim(), |chosen| present.contains(&chosen))?);
    }
    if chosen.is_empty() {
        return Err((FieldCode::Blank, "must name an option; null clears it".to_owned()));
    }
    let in_order = field.options.iter().flatten().map(|option| &option.value);
    Ok(in_order.filter(|value| chosen.contains(value)).cloned().collect::<Vec<String>>().into())
}

/// A kept value as it is shown: of a multi_select in the order that the options have now.
pub fn in_order(field: &ProfileField, value: &Value) -> Value {
    let Value::Array(chosen) = value else { return value.clone() };
    let mut chosen = chosen.clone();
    chosen.sort_by_key(|one| {
        field.options.iter().flatten().position(|option| Some(option.value.as_str()) == one.as_str())
    });
    Value::Array(chosen)
}

/// What of a kept value a person reads who typed this word: of options the labels that have it.
pub fn matched_text(field: &ProfileField, value: &Value, word: &str) -> String {
    let chosen = |option: &&FieldOption| match value {
        Value::Array(chosen) => chosen.iter().any(|one| one.as_str() == Some(&option.value)),
        other => other.as_str() == Some(&option.value),
    };
    let labels = field.options.iter().flatten().filter(chosen).map(|option| option.label.as_str());
    let has_word = |label: &&str| text::words(label).iter().any(|other| other.starts_with(word));
    let labels: Vec<&str> = labels.filter(has_word).collect();
    match (labels.as_slice(), value) {
        ([], Value::String(text)) => text.clone(),
        ([], other) => other.to_string(),
        (labels, _) => labels.join(", "),
    }
}

/// How a kept value is searched and sorted: one entry, or one for each option of a multi_select.
pub fn indexed(field: &ProfileField, value: &Value) -> Vec<Indexed> {
    match value {
        Value::Array(options) => {
            options.iter().filter_map(Value::as_str).map(|option| entry(field.field_type, option)).collect()
        }
        Value::String(text) => vec![entry(field.field_type, text)],
        Value::Null => Vec::new(),
        other => vec![entry(field.field_type, &other.to_string())],
    }
}

fn entry(field_type: FieldType, text: &str) -> Indexed {
    let sort_value = match field_type {
        FieldType::Number => text.parse().map(sortable).unwrap_or_default(),
        FieldType::Boolean | FieldType::Date | FieldType::Select | FieldType::MultiSelect => text.to_owned(),
        FieldType::Text | FieldType::Url | FieldType::Email | FieldType::Phone => text::sort_key(text),
    };
    Indexed { value: text.to_owned(), sort_value }
}

/// A number as 16 digits whose bytes sort as numbers do (IEEE 754's total order).
fn sortable(number: f64) -> String {
    // There is one zero.
    let bits = (number + 0.0).to_bits();
    let bits = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    format!("{bits:016x}")
}

/// A value as a filter writes it, as it is searched.
pub fn query_value(field: &ProfileField, written: &str, country: &str) -> Result<Indexed, Refusal> {
    let kept = read(field, written, country)?;
    indexed(field, &kept).pop().ok_or_else(|| (FieldCode::Type, "must be a value".to_owned()))
}

/// The value that a text stands for. It may be an option that is retired.
pub(super) fn read(field: &ProfileField, written: &str, country: &str) -> Result<Value, Refusal> {
    let value = match field.field_type {
        FieldType::Number => {
            let number: Number =
                serde_json::from_str(written.trim()).map_err(|_| (FieldCode::Type, "must be a number".to_owned()))?;
            Value::Number(number)
        }
        FieldType::Boolean => match written {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err((FieldCode::Type, "must be true or false".to_owned())),
        },
        FieldType::MultiSelect => Value::from(vec![written]),
        _ => Value::from(written),
    };
    canonical(field, &value, &Rules { country, present: Some(&value) })
}

/// The words by which a profile with this value is found.
pub fn terms(field: &ProfileField, value: &str) -> Vec<String> {
    let words = match field.field_type {
        FieldType::Phone => contacts::address_terms(Medium::Voice, value, None),
        FieldType::Select | FieldType::MultiSelect => {
            let option = field.options.iter().flatten().find(|option| option.value == value);
            text::words(option.map_or(value, |option| &option.label))
        }
        _ => text::words(value),
    };
    let mut terms = Vec::new();
    for word in words {
        let term = text::truncate(&word, MAX_TERM).to_owned();
        if terms.len() < MAX_TERMS && !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

#[cfg(test)]
pub(super) mod tests;
