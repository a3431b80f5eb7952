//! What a body's fields change in a profile's values: pure rules.

use serde_json::{Map, Value};

use crate::error::{FieldCode, FieldError};
use crate::http::json::escape;
use crate::profile_fields::{self, ProfileField, Rules};

/// Values by the id of their field, as a profile keeps them.
pub type Values = Map<String, Value>;

/// A value that becomes another, or none.
#[derive(Debug)]
pub struct Change<'f> {
    pub field: &'f ProfileField,
    pub was: Option<Value>,
    pub becomes: Option<Value>,
}

/// What really changes, or all that is wrong.
pub fn changes<'f>(
    fields: &'f [ProfileField],
    present: &Values,
    wanted: &Map<String, Value>,
    country: &str,
) -> Result<Vec<Change<'f>>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut changes = Vec::new();
    for (key, value) in wanted {
        let Some(field) = fields.iter().find(|field| field.key == *key) else {
            let message = "is no profile field of this organization";
            errors.push(FieldError::body(format!("/fields/{}", escape(key)), FieldCode::Unknown, message));
            continue;
        };
        let was = present.get(&field.id.to_string());
        let becomes = match value {
            Value::Null if field.required && was.is_some() => {
                errors.push(required(field));
                continue;
            }
            Value::Null => None,
            value => match profile_fields::check(field, value, &Rules { country, present: was }) {
                Ok(value) => Some(value),
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            },
        };
        if becomes != was.map(|was| profile_fields::in_order(field, was)) {
            changes.push(Change { field, was: was.cloned(), becomes });
        }
    }
    // Unique values are claimed in the same order by everyone.
    changes.sort_by_key(|change| change.field.id);
    if errors.is_empty() { Ok(changes) } else { Err(errors) }
}

/// Required fields that are without a value, and that a body leaves so.
pub fn absent<'f>(
    fields: &'f [ProfileField],
    present: &'f Values,
    wanted: &'f Map<String, Value>,
) -> impl Iterator<Item = FieldError> + 'f {
    let absent = missing(fields, present).filter(|field| wanted.get(&field.key).is_none_or(Value::is_null));
    absent.map(required)
}

fn required(field: &ProfileField) -> FieldError {
    FieldError::body(format!("/fields/{}", escape(&field.key)), FieldCode::Required, "is required")
}

/// What a new profile is to have: what its body says, null included, and else the defaults.
pub fn with_defaults(fields: &[ProfileField], wanted: &Map<String, Value>) -> Map<String, Value> {
    let unnamed = fields.iter().filter(|field| !wanted.contains_key(&field.key));
    let defaults = unnamed.filter_map(|field| Some((field.key.clone(), field.default.clone()?)));
    wanted.clone().into_iter().chain(defaults).collect()
}

/// Required fields without a value.
pub fn missing<'f>(fields: &'f [ProfileField], present: &'f Values) -> impl Iterator<Item = &'f ProfileField> {
    fields.iter().filter(|field| field.required && !present.contains_key(&field.id.to_string()))
}

/// Values by the key of their field, in the fields' order.
pub fn by_key(fields: &[ProfileField], present: &Values) -> Map<String, Value> {
    let with_value = |field: &ProfileField| {
        let value = present.get(&field.id.to_string())?;
        Some((field.key.clone(), profile_fields::in_order(field, value)))
    };
    fields.iter().filter_map(with_value).collect()
}

/// The values once the changes are made.
pub fn apply(present: &Values, changes: &[Change]) -> Values {
    let mut values = present.clone();
    for change in changes {
        let id = change.field.id.to_string();
        match &change.becomes {
            Some(value) => values.insert(id, value.clone()),
            None => values.remove(&id),
        };
    }
    values
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(defaults: &[Option<u8>]) -> Vec<ProfileField> {
        let field = |(place, default): (usize, &Option<u8>)| ProfileField {
            id: crate::ids::ProfileFieldId::new(),
            key: format!("f{place}"),
            label: "F".to_owned(),
            description: None,
            field_type: profile_fields::FieldType::Number,
            options: None,
            required: place % 2 == 0,
            unique: false,
            searchable: false,
            default: default.map(Value::from),
            position: 0,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            version: 1,
        };
        defaults.iter().enumerate().map(field).collect()
    }

    proptest! {
        #[test]
        fn a_default_stands_where_a_body_says_nothing(
            defaults in vec(any::<Option<u8>>(), 0..6), named in btree_map(0..6_usize, any::<Option<u8>>(), 0..6),
        ) {
            let fields = fields(&defaults);
            let named = named.into_iter().filter(|(place, _)| *place < fields.len());
            let named: Map<String, Value> = named.map(|(place, value)| (format!("f{place}"), json!(value))).collect();
            let wanted = with_defaults(&fields, &named);
            let changes = changes(&fields, &Values::new(), &wanted, "").unwrap();
            let values = apply(&Values::new(), &changes);
            let kept = by_key(&fields, &values);
            for field in &fields {
                let expected = named.get(&field.key).or(field.default.as_ref()).filter(|value| !value.is_null());
                prop_assert_eq!(kept.get(&field.key), expected);
            }
            let missing: Vec<&str> = missing(&fields, &values).map(|field| field.key.as_str()).collect();
            let without = fields.iter().filter(|field| field.required && !kept.contains_key(&field.key));
            prop_assert_eq!(missing, without.map(|field| field.key.as_str()).collect::<Vec<_>>());
        }
    }
}
