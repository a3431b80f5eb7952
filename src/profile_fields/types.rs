//! Bodies of profile fields.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationError};

use crate::contacts::ProfileRef;
use crate::error::FieldCode;
use crate::http::page::list_of;
use crate::http::patch::{Patch, not_null};
use crate::http::query::flag;
use crate::http::validate::{not_blank, refuse};
use crate::ids::ProfileFieldId;
use crate::text_enum::text_enum;

text_enum! {
    /// What the values of a field are.
    pub enum FieldType {
        Text = "text",
        /// A JSON number of up to 15 significant digits.
        Number = "number",
        Boolean = "boolean",
        /// `YYYY-MM-DD`.
        Date = "date",
        /// The value of one of the options.
        Select = "select",
        /// Values of options, in their order.
        MultiSelect = "multi_select",
        Url = "url",
        Email = "email",
        /// Kept in E.164.
        Phone = "phone",
    }
}

impl FieldType {
    pub fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect)
    }

    /// Whether two profiles can be told apart by it.
    pub fn can_be_unique(self) -> bool {
        !matches!(self, Self::Boolean | Self::MultiSelect)
    }

    /// Whether `.gte` and `.lt` mean something.
    pub fn has_ranges(self) -> bool {
        matches!(self, Self::Text | Self::Number | Self::Date)
    }
}

/// What may be chosen in a select or multi_select.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldOption {
    #[schema(example = "gold")]
    pub value: String,
    #[schema(example = "Gold")]
    pub label: String,
    /// Can't be chosen any more; where it was chosen, it stays.
    pub retired: bool,
}

/// A field of an organization's profiles.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileField {
    pub id: ProfileFieldId,
    /// Its name in a profile's `fields`. Never changes.
    #[schema(example = "relation_number")]
    pub key: String,
    #[schema(example = "Relation number")]
    pub label: String,
    #[schema(example = "As in the ERP")]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Of a select or multi_select.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub options: Option<Vec<FieldOption>>,
    /// Whoever edits a profile's fields must leave it with a value.
    pub required: bool,
    /// No two profiles have the same value.
    pub unique: bool,
    /// Profiles are found by the words of its values.
    pub searchable: bool,
    /// What a new profile has whose `fields` don't name it; null for nothing.
    #[schema(value_type = Value, example = json!(null))]
    pub default: Option<Value>,
    /// Its place among the fields, from 0.
    #[schema(minimum = 0, example = 0)]
    pub position: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

list_of! {
    pub struct ProfileFieldList(ProfileField);
}

/// An option as it is written: a plain text is both value and label.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OptionInput {
    Text(OptionText),
    Full(FullOption),
}

/// Derived, it would take an array for an option's members in their order.
impl<'de> Deserialize<'de> for OptionInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OptionInput;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text, or an object with value and label")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OptionInput, E> {
                Ok(OptionInput::from(text))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, members: A) -> Result<OptionInput, A::Error> {
                FullOption::deserialize(de::value::MapAccessDeserializer::new(members)).map(OptionInput::Full)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Both value and label of an option.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 100, example = "Bronze")]
pub struct OptionText(String);

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FullOption {
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 100, example = "gold")]
    pub value: String,
    /// Without it, the value.
    #[serde(default)]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 100, example = "Gold")]
    pub label: Option<String>,
    #[serde(default)]
    pub retired: bool,
}

impl From<&str> for OptionInput {
    fn from(text: &str) -> Self {
        Self::Text(OptionText(text.to_owned()))
    }
}

impl OptionInput {
    pub fn labelled(value: &str, label: &str) -> Self {
        Self::Full(FullOption { value: value.to_owned(), label: Some(label.to_owned()), retired: false })
    }
}

impl From<&OptionInput> for FieldOption {
    fn from(input: &OptionInput) -> Self {
        let (value, label, retired) = match input {
            OptionInput::Text(text) => (&text.0, None, false),
            OptionInput::Full(full) => (&full.value, full.label.as_ref(), full.retired),
        };
        let (value, label) = (value.trim().to_owned(), label.unwrap_or(value).trim().to_owned());
        Self { value, label, retired }
    }
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "tier", "label": "Tier", "type": "select", "options": ["Bronze", {"value": "gold", "label": "Gold"}]}))]
pub struct CreateProfileField {
    #[validate(custom(function = "is_key"))]
    #[schema(pattern = "^[a-z][a-z0-9_]{0,62}$", example = "relation_number")]
    pub key: String,
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "Relation number")]
    pub label: String,
    #[validate(length(max = 2000))]
    #[schema(max_length = 2000, example = "As in the ERP")]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Required for a select or multi_select, and only theirs.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_items = 1, max_items = 500)]
    pub options: Option<Vec<OptionInput>>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub searchable: bool,
    /// A value that a new profile has whose `fields` don't name it. Not with `unique`.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub default: Option<Value>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Customer number", "searchable": true}))]
pub struct UpdateProfileField {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub label: Option<String>,
    #[serde(default)]
    #[validate(length(max = 2000))]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub description: Patch<String>,
    /// Replaces all options. One that is left out while profiles have it is retired.
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(min = 1, max = 500))]
    #[schema(nullable = false, min_items = 1, max_items = 500)]
    pub options: Option<Vec<OptionInput>>,
    /// Converts every value, or nothing: while some can't be converted, 409 says how many, and where they are listed.
    /// A value is converted when its text is a value of the new type. Each profile whose value becomes another has
    /// a new version.
    #[serde(default, rename = "type", deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub field_type: Option<FieldType>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub required: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub unique: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub searchable: Option<bool>,
    /// Profiles that are there stay as they are. With another `type` and without this, it is converted too.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub default: Patch<Value>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": ["0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11", "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12"]}))]
pub struct ProfileFieldOrder {
    /// Every field of the organization, exactly once, in the order wanted.
    #[validate(length(max = 1000))]
    #[schema(max_items = 1000)]
    pub ids: Vec<ProfileFieldId>,
}

#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Changes nothing and keeps no idempotency key: the answer says what would happen.
    #[param(default = false)]
    #[serde(default, deserialize_with = "flag")]
    pub dry_run: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteProfileField {
    /// Also when profiles have values of it, which are gone then.
    #[param(default = false)]
    #[serde(default, deserialize_with = "flag")]
    pub force: Option<bool>,
    /// Changes nothing and keeps no idempotency key: the answer says what would happen.
    #[param(default = false)]
    #[serde(default, deserialize_with = "flag")]
    pub dry_run: Option<bool>,
}

/// What a change of a profile field would do: nothing of it is done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileFieldDryRun {
    /// Whether it would be carried out.
    pub possible: bool,
    /// The field as it would be, a new one with an id that isn't kept; null where it would be gone.
    pub profile_field: Option<ProfileField>,
    /// How many profiles it touches: whose values are converted, indexed or deleted, or that would lack a new required
    /// field.
    #[schema(minimum = 0, example = 12)]
    pub profiles: i64,
    /// Why it would be refused.
    pub problems: Vec<ProfileFieldProblem>,
}

text_enum! {
    /// What a change asks of the profiles.
    pub enum Rule {
        /// Each has a value.
        Required = "required",
        /// No two share one, and none is too long to be compared.
        Unique = "unique",
        /// Each value can be converted.
        Type = "type",
        /// None has a value.
        Unused = "unused",
        /// They are few enough for one request.
        Limit = "limit",
    }
}

/// What profiles have against a change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileFieldProblem {
    pub rule: Rule,
    /// How many profiles.
    #[schema(minimum = 1, example = 3)]
    pub count: i64,
    #[schema(example = "3 profiles have no value of it.")]
    pub detail: String,
    /// Where they are listed.
    #[schema(example = "/v1/profile-fields/0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11/violations?rule=required")]
    pub listed_by: Option<String>,
}

/// A changed profile field, or with `dry_run=true` what would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ProfileFieldChanged {
    Done(Box<ProfileField>),
    DryRun(Box<ProfileFieldDryRun>),
}

/// The rule that values of a field break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViolatedRule {
    Required,
    Unique,
    Type,
}

#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ViolationFilter {
    /// `required`: profiles without a value. `unique`: those that share theirs, or whose value is too long to be
    /// unique. `type`: those whose value can't be converted to the type `to`. Without it, `required`.
    pub rule: Option<ViolatedRule>,
    /// With `rule=type`: the type wanted.
    pub to: Option<FieldType>,
    /// With `to=select` or `multi_select`: the value of an option; repeat it for each. Without it, the field's own.
    #[serde(default)]
    #[param(value_type = Vec<OptionText>)]
    pub option: Vec<String>,
    /// The label of each `option`, in their order. Without it, those are their own labels.
    #[serde(default)]
    #[param(value_type = Vec<OptionText>)]
    pub label: Vec<String>,
}

/// A profile that stands in the way of a change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Violation {
    pub profile: ProfileRef,
    /// Its value; null where it has none.
    #[schema(value_type = Value, example = "five")]
    pub value: Option<Value>,
    /// As of a wrong field: `required`, `unique`, `length`, or what is wrong with the value.
    pub code: FieldCode,
    #[schema(example = "must be a number")]
    pub message: String,
}

list_of! {
    pub struct ViolationList(Violation);
}

fn is_key(key: &str) -> Result<(), ValidationError> {
    let mut letters = key.bytes();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_lowercase());
    let goes_on = letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_');
    if begins && goes_on && key.len() <= 63 {
        return Ok(());
    }
    let message = "must be a lower-case letter, then at most 62 lower-case letters, digits and underscores";
    Err(refuse(FieldCode::Key, message))
}
