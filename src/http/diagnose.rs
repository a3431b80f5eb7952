//! Every wrong field of a body at once.
//!
//! Deserializing stops at the first error. So each wrong value is noted and replaced by one that fits, until the
//! whole fits: then the rules of the type can be checked as well. This runs only for bodies that were refused.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use super::json::{Json, NO_WORD, escape};
use crate::error::{FieldCode, FieldError, MAX_NAMED};

/// What is wrong with `value` as a `T`; with a `T` when substitutes were found for all that is wrong.
pub fn diagnose<T: DeserializeOwned>(mut value: Value) -> (Vec<FieldError>, Option<T>) {
    let mut errors: Vec<FieldError> = Vec::new();
    let mut substitutes = Substitutes::default();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(Json(&value)) {
            Ok(fits) => return (errors, Some(fits)),
            Err(error) => error,
        };
        let message = error.inner().to_string();
        let mut pointer = pointer(error.path());
        let quoted = message.split('`').nth(1).unwrap_or_default().to_owned();
        let code = if message.starts_with("missing field") {
            pointer = format!("{pointer}/{}", escape(&quoted));
            FieldCode::Required
        } else if message.starts_with("unknown field") {
            if !pointer.ends_with(&format!("/{}", escape(&quoted))) {
                pointer = format!("{pointer}/{}", escape(&quoted));
            }
            FieldCode::Unknown
        } else if message.starts_with("unknown variant") || message == NO_WORD {
            FieldCode::Choice
        } else {
            FieldCode::Type
        };
        // What a substitute lacks is not the client's fault.
        if !errors.iter().any(|known| is_within(&pointer, &known.field)) {
            errors.push(FieldError::body(pointer.clone(), code, message.clone()));
        }
        let mended = errors.len() <= MAX_NAMED
            && match code {
                FieldCode::Unknown => remove(&mut value, &pointer),
                _ => {
                    substitutes.next(&pointer, &message).is_some_and(|substitute| set(&mut value, &pointer, substitute))
                }
            };
        if !mended {
            return (errors, None);
        }
    }
}

/// Values tried in turn in the place of a wrong one, those first that the message asks for: a large body is read again
/// for each. None is tried twice, so that this comes to an end.
#[derive(Default)]
struct Substitutes {
    tried: HashMap<String, Vec<Value>>,
}

impl Substitutes {
    fn next(&mut self, pointer: &str, message: &str) -> Option<Value> {
        let tried = self.tried.entry(pointer.to_owned()).or_default();
        let expected = message.split_once("expected").map_or(message, |(_, expected)| expected);
        let variant = expected.split('`').nth(1).filter(|_| message.starts_with("unknown variant"));
        let known = || Self::kinds().into_iter();
        let asked = known().filter(|(names, _)| names.iter().any(|name| expected.contains(name)));
        let mut all = variant.map(Value::from).into_iter().chain(asked.chain(known()).map(|(_, value)| value));
        let next = all.find(|value| !tried.contains(value))?;
        tried.push(next.clone());
        Some(next)
    }

    /// A value of each kind, with the names that messages have for it.
    fn kinds() -> [(&'static [&'static str], Value); 9] {
        [
            (&["object", "map", "struct"], json!({})),
            (&["sequence"], json!([])),
            (&["UUID"], json!("00000000-0000-7000-8000-000000000000")),
            (&["time"], json!("2000-01-01T00:00:00Z")),
            (&["date"], json!("2000-01-01")),
            (&["integer", "number", "i32", "i64", "u32"], json!(0)),
            (&["bool", "true"], json!(false)),
            (&["string", "text"], json!("")),
            (&[], Value::Null),
        ]
    }
}

fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// Whether this is the place that is `known`, or lies in it.
pub fn is_within(pointer: &str, known: &str) -> bool {
    pointer.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn set(value: &mut Value, pointer: &str, substitute: Value) -> bool {
    if let Some(place) = value.pointer_mut(pointer) {
        *place = substitute;
        return true;
    }
    let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(key.replace("~1", "/").replace("~0", "~"), substitute);
            true
        }
        _ => false,
    }
}

fn remove(value: &mut Value, pointer: &str) -> bool {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => members.remove(&key.replace("~1", "/").replace("~0", "~")).is_some(),
        _ => false,
    }
}

/// Where `value` holds a NUL character, which PostgreSQL can't store, as far as it is named.
pub fn nul_fields(value: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    walk(value, &mut String::new(), &mut found);
    found
}

fn walk(value: &Value, pointer: &mut String, found: &mut Vec<FieldError>) {
    let mut visit = |key: String, value: &Value, has_nul: bool| {
        if found.len() > MAX_NAMED {
            return;
        }
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&key);
        if has_nul || value.as_str().is_some_and(|text| text.contains('\0')) {
            found.push(FieldError::body(pointer.clone(), FieldCode::Nul, "must not contain the character NUL"));
        }
        walk(value, pointer, found);
        pointer.truncate(length);
    };
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                visit(escape(key), value, key.contains('\0'));
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                visit(index.to_string(), value, false);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Body {
        name: String,
        count: u32,
        id: Option<uuid::Uuid>,
        inner: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        medium: Medium,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Medium {
        Email,
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let (errors, fits) = diagnose::<Body>(json!({
            "count": "many", "id": "no", "extra/field": 1, "inner": [{"medium": "pigeon"}, {"medium": "email", "x": 1}]
        }));
        let mut named: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                ("/count", "type"),
                ("/extra~1field", "unknown"),
                ("/id", "type"),
                ("/inner/0/medium", "choice"),
                ("/inner/1/x", "unknown"),
                ("/name", "required"),
            ]
        );
        assert!(fits.is_some());
    }

    #[test]
    fn an_array_is_no_object_and_an_object_no_word() {
        let (errors, _) = diagnose::<Body>(json!({
            "name": "x", "count": 1, "id": null, "inner": [["email"], {"medium": {"email": null}}, {"medium": "email"}]
        }));
        let named: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect();
        assert_eq!(named, [("/inner/0", "type"), ("/inner/1/medium", "choice")]);
        let (errors, _) = diagnose::<Body>(json!(["x", 1, null, []]));
        let told: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.message.as_str())).collect();
        assert_eq!(told, [("", "must be an object")]);
    }

    #[test]
    fn nul_is_found_wherever_it_hides() {
        let fields = nul_fields(&json!({"a": ["x", "y\0"], "b\0": 1, "c": {"d": "\0"}}));
        let named: Vec<_> = fields.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["/a/1", "/b\0", "/c/d"]);
    }
}
