//! What a list of profiles can be filtered and sorted by.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;
use validator::Validate;

use super::types::ProfileKind;
use crate::channels::Medium;
use crate::error::{FieldCode, FieldError};
use crate::http::query::{Pairs, When, flag};
use crate::ids::{AnyId, ProfileFieldId};
use crate::profile_fields::{self, FieldType, Indexed, ProfileField};

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProfileFilter {
    /// Search as you type: words, or beginnings of words, of the name, a contact's address or name, or a searchable
    /// field. The whole name comes first, then whole words, then beginnings of the first word, then of any; small
    /// typos are forgiven where these find little. At most 100 hits, of which further pages show what was found for the
    /// first; not with `sort`.
    #[validate(length(max = 200))]
    #[param(max_length = 200, example = "ada lov")]
    pub q: Option<String>,
    /// Of this kind; repeat it for any of several.
    #[serde(default)]
    pub kind: Vec<ProfileKind>,
    /// Made by this user or API token; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub created_by: Vec<AnyId>,
    /// With a contact on this medium; repeat it for any of several.
    #[serde(default)]
    pub medium: Vec<Medium>,
    /// `true`: lacking a value of any required field; with `field[key.set]=false` too, of that one. Those made last come
    /// first; `sort` may only be `created_at`, either way. `false` isn't taken.
    #[serde(default, deserialize_with = "flag")]
    pub missing_fields: Option<bool>,
    /// A time, or a day in the organization's time zone.
    #[serde(rename = "created_at.gte")]
    #[param(example = "2024-01-01")]
    pub created_from: Option<When>,
    /// Created before this time.
    #[serde(rename = "created_at.lt")]
    #[param(example = "2024-02-01")]
    pub created_before: Option<When>,
    /// Changed at this time or later.
    #[serde(rename = "updated_at.gte")]
    #[param(example = "2024-01-01")]
    pub updated_from: Option<When>,
    /// Changed before this time.
    #[serde(rename = "updated_at.lt")]
    #[param(example = "2024-02-01")]
    pub updated_before: Option<When>,
    /// With a last contact moment at this time or later.
    #[serde(rename = "last_contact_moment_at.gte")]
    #[param(example = "2024-01-01")]
    pub moment_from: Option<When>,
    /// Also finds profiles without contact moments.
    #[serde(rename = "last_contact_moment_at.lt")]
    #[param(example = "2024-02-01")]
    pub moment_before: Option<When>,
    /// `name` (which it is when this says nothing), `created_at`, `updated_at`, `last_contact_moment_at` or `field[<key>]`; with `-` before it, descending.
    /// Profiles without a value come last. What is bounded (`.gte`, `.lt`) must be what is sorted by, and is when this
    /// says nothing; with `q` it may be anything.
    #[param(
        value_type = Option<String>, example = "-created_at",
        pattern = r"^-?(name|created_at|updated_at|last_contact_moment_at|field\[[a-z][a-z0-9_]{0,62}\])$",
    )]
    pub sort: Option<Sort>,
}

impl ProfileFilter {
    /// Whether any time bounds it.
    pub fn has_times(&self) -> bool {
        let times = [
            self.created_from,
            self.created_before,
            self.updated_from,
            self.updated_before,
            self.moment_from,
            self.moment_before,
        ];
        times.iter().any(Option::is_some)
    }
}

/// The order of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    pub by: SortBy,
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SortBy {
    Name,
    CreatedAt,
    UpdatedAt,
    LastContactMomentAt,
    /// By the value of the field with this key.
    Field(String),
}

impl<'de> Deserialize<'de> for Sort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (name, descending) = text.strip_prefix('-').map_or((text.as_str(), false), |name| (name, true));
        let by = match name {
            "name" => SortBy::Name,
            "created_at" => SortBy::CreatedAt,
            "updated_at" => SortBy::UpdatedAt,
            "last_contact_moment_at" => SortBy::LastContactMomentAt,
            _ => match name.strip_prefix("field[").and_then(|name| name.strip_suffix(']')) {
                Some(key) => SortBy::Field(key.to_owned()),
                None => {
                    return Err(de::Error::custom(
                        "expected name, created_at, updated_at, last_contact_moment_at or field[<key>], \
                         with - before it for descending",
                    ));
                }
            },
        };
        Ok(Self { by, descending })
    }
}

/// What is asked of the values of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub field: ProfileFieldId,
    pub test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    AnyOf(Vec<Indexed>),
    /// Sort values, the first of them included.
    From(String),
    Before(String),
    Set(bool),
}

/// Each condition costs a look into an index for each row.
const MAX_CONDITIONS: usize = 10;

/// The conditions that parameters named `field[key]`, `field[key.gte]`, `.lt` and `.set` ask for, or all that is wrong.
pub fn conditions(fields: &[ProfileField], written: &Pairs, country: &str) -> Result<Vec<Condition>, Vec<FieldError>> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in written {
        by_name.entry(name).or_default().push(value);
    }
    let mut conditions = Vec::new();
    let mut errors = Vec::new();
    for (name, values) in &by_name {
        match condition(fields, name, values, country) {
            Ok(condition) => conditions.push(condition),
            Err((code, message)) => errors.push(FieldError::query(*name, code, message)),
        }
    }
    if let Some((name, _)) = by_name.iter().nth(MAX_CONDITIONS) {
        errors.push(FieldError::query(
            *name,
            FieldCode::Limit,
            format!("at most {MAX_CONDITIONS} of these are taken at once"),
        ));
    }
    if errors.is_empty() { Ok(conditions) } else { Err(errors) }
}

fn condition(
    fields: &[ProfileField],
    name: &str,
    values: &[&str],
    country: &str,
) -> Result<Condition, (FieldCode, String)> {
    let inside = name.strip_prefix("field[").and_then(|name| name.strip_suffix(']'));
    let inside =
        inside.ok_or_else(|| (FieldCode::Unknown, "must be field[key], field[key.gte], .lt or .set".to_owned()))?;
    let (key, operator) = inside.split_once('.').unwrap_or((inside, ""));
    let field = fields.iter().find(|field| field.key == key);
    let field = field.ok_or_else(|| (FieldCode::Unknown, format!("{key} is no profile field of this organization")))?;
    let only = || match values {
        [value] => Ok(*value),
        _ => Err((FieldCode::Repeated, "is taken only once".to_owned())),
    };
    let bound = || {
        if !field.field_type.has_ranges() {
            let message = format!("a field of type {} has no order to filter by", field.field_type);
            return Err((FieldCode::Unsupported, message));
        }
        profile_fields::query_value(field, only()?, country).map(|indexed| indexed.sort_value)
    };
    let test = match operator {
        "" => Test::AnyOf(
            values.iter().map(|value| profile_fields::query_value(field, value, country)).collect::<Result<_, _>>()?,
        ),
        "gte" => Test::From(bound()?),
        "lt" => Test::Before(bound()?),
        "set" => match only()? {
            "true" => Test::Set(true),
            "false" => Test::Set(false),
            _ => return Err((FieldCode::Type, "must be true or false".to_owned())),
        },
        other => return Err((FieldCode::Unknown, format!("{other} is none of gte, lt and set"))),
    };
    Ok(Condition { field: field.id, test })
}

/// How a list is sorted. What is bounded from one side or both is read from its own index, and in that index's order:
/// in any other, finding a page would take as long as the organization is large.
pub fn order(
    filter: &ProfileFilter,
    fields: &[ProfileField],
    conditions: &[Condition],
) -> Result<(Order, bool), FieldError> {
    let asked = match &filter.sort {
        None => None,
        Some(Sort { by, descending }) => Some((by.order(fields)?, *descending)),
    };
    let bounded = bounded_by(filter, conditions);
    match (filter.missing_fields, asked) {
        (None, _) => {}
        (Some(false), _) => {
            let message = "only true is taken: whether a profile lacks nothing is seen only once all of them are read";
            return Err(FieldError::query("missing_fields", FieldCode::Unsupported, message));
        }
        (Some(true), None | Some((Order::CreatedAt, _))) => {
            let without = conditions.iter().find(|condition| condition.test == Test::Set(false)).map(|one| one.field);
            let required = without.filter(|id| fields.iter().any(|field| field.id == *id && field.required));
            return Ok((Order::Missing(required), asked.is_none_or(|(_, descending)| descending)));
        }
        (Some(true), Some(_)) => {
            let message = "profiles with missing fields are sorted by created_at";
            return Err(FieldError::query("sort", FieldCode::Unsupported, message));
        }
    }
    match (bounded.as_slice(), asked) {
        ([], asked) => Ok(asked.unwrap_or((Order::Name, false))),
        ([(bound, _)], None) => Ok((*bound, false)),
        ([(bound, _)], Some((order, descending))) if *bound == order => Ok((order, descending)),
        ([(bound, _)], Some(_)) => {
            let message = format!("profiles within bounds of {0} are sorted by {0}", bound.name(fields));
            Err(FieldError::query("sort", FieldCode::Unsupported, message))
        }
        ([(bound, _), (other, is_from), ..], _) => {
            let (name, operator) = (other.name(fields), if *is_from { ".gte" } else { ".lt" });
            let parameter = match name.strip_suffix(']') {
                Some(field) => format!("{field}{operator}]"),
                None => format!("{name}{operator}"),
            };
            let bound = bound.name(fields);
            let message = format!("{name} can't be bounded together with {bound}: each is an order of its own");
            Err(FieldError::query(parameter, FieldCode::Unsupported, message))
        }
    }
}

/// The orders that are bounded, and whether from below.
fn bounded_by(filter: &ProfileFilter, conditions: &[Condition]) -> Vec<(Order, bool)> {
    let times = [
        (Order::CreatedAt, filter.created_from, filter.created_before),
        (Order::UpdatedAt, filter.updated_from, filter.updated_before),
        (Order::LastContactMomentAt, filter.moment_from, filter.moment_before),
    ];
    let times = times.into_iter().filter(|(_, from, before)| from.is_some() || before.is_some());
    let values = conditions.iter().filter_map(|Condition { field, test }| match test {
        Test::From(_) => Some((Order::Field(*field), true)),
        Test::Before(_) => Some((Order::Field(*field), false)),
        _ => None,
    });
    let mut bounded: Vec<(Order, bool)> = times.map(|(order, from, _)| (order, from.is_some())).collect();
    bounded.extend(values);
    bounded.dedup_by_key(|(order, _)| *order);
    bounded
}

impl SortBy {
    fn order(&self, fields: &[ProfileField]) -> Result<Order, FieldError> {
        Ok(match self {
            Self::Name => Order::Name,
            Self::CreatedAt => Order::CreatedAt,
            Self::UpdatedAt => Order::UpdatedAt,
            Self::LastContactMomentAt => Order::LastContactMomentAt,
            Self::Field(key) => Order::Field(sort_field(fields, key)?.id),
        })
    }
}

/// By what a list is sorted, once its field is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    Name,
    CreatedAt,
    UpdatedAt,
    LastContactMomentAt,
    Field(ProfileFieldId),
    /// As they were made, those that lack a required field: this one, or any.
    Missing(Option<ProfileFieldId>),
}

impl Order {
    fn name(self, fields: &[ProfileField]) -> String {
        match self {
            Self::Name => "name".to_owned(),
            Self::CreatedAt | Self::Missing(_) => "created_at".to_owned(),
            Self::UpdatedAt => "updated_at".to_owned(),
            Self::LastContactMomentAt => "last_contact_moment_at".to_owned(),
            Self::Field(id) => {
                let key = fields.iter().find(|field| field.id == id).map_or("", |field| field.key.as_str());
                format!("field[{key}]")
            }
        }
    }
}

/// The field that a list is sorted by, if it can be.
fn sort_field<'f>(fields: &'f [ProfileField], key: &str) -> Result<&'f ProfileField, FieldError> {
    let refused = |code, message| FieldError::query("sort", code, message);
    let field = fields.iter().find(|field| field.key == key);
    let field =
        field.ok_or_else(|| refused(FieldCode::Unknown, format!("{key} is no profile field of this organization")))?;
    match field.field_type {
        FieldType::MultiSelect => Err(refused(
            FieldCode::Unsupported,
            "profiles can't be sorted by a field that has several values".to_owned(),
        )),
        _ => Ok(field),
    }
}
