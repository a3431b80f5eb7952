//! Bodies of profiles.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::actor::Actor;
use crate::answer::Answer;
use crate::channels::Medium;
use crate::contacts::{Contact, ContactRef, CreateContact, ProfileRef};
use crate::error::Result;
use crate::http::page::{Count, list_of};
use crate::http::patch::not_null;
use crate::http::validate::not_blank;
use crate::ids::{EventId, ProfileId};
use crate::text_enum::text_enum;

text_enum! {
    /// What a customer is.
    pub enum ProfileKind { Person = "person", Company = "company" }
}

/// A customer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Profile {
    pub id: ProfileId,
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    pub kind: ProfileKind,
    /// Its values by the keys of the profile fields; a key without a value is absent.
    #[schema(value_type = Object, example = json!({"relation_number": "R-1042", "tier": "gold"}))]
    pub fields: Map<String, Value>,
    /// Keys of required fields without a value.
    #[schema(example = json!(["delivery"]))]
    pub missing_fields: Vec<String>,
    #[schema(minimum = 0, example = 1)]
    pub contact_count: i64,
    /// Up to three of its contacts.
    #[schema(max_items = 3)]
    pub contacts_preview: Vec<ContactPreview>,
    pub created_by: Option<Actor>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
    /// When the newest message of any of its contacts occurred; a conversation without messages counts from its beginning.
    pub last_contact_moment_at: Option<DateTime<Utc>>,
    /// In a search: why it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub matched: Option<Matched>,
    /// In the answer to `upsert_on`: what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub outcome: Option<Outcome>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ContactPreview {
    pub medium: Medium,
    #[schema(example = "ada@example.com")]
    pub address: String,
}

/// Why a search found a profile.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Matched {
    pub on: MatchedOn,
    /// What was found: the name, the contact's address or name, or the field's value.
    #[schema(example = "Ada Lovelace")]
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchedOn {
    Name,
    Contact,
    Field,
}

/// What a write made of a profile.
#[derive(Debug, Clone, Copy)]
pub struct Saved {
    pub id: ProfileId,
    pub version: i32,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileList {
    pub data: Vec<Profile>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
    /// Where `count` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<Count>,
    /// In a search: whether there may be more than the hits shown. More letters tell them apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub truncated: Option<bool>,
}

impl ProfileList {
    pub fn answer(&self) -> Result<Answer> {
        Ok(Answer::ok(self)?.next_cursor(self.next_cursor.clone()))
    }
}

/// A profile to be made.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProfile {
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "Ada Lovelace")]
    pub name: String,
    /// Without it, a person.
    #[serde(default)]
    pub kind: Option<ProfileKind>,
    /// Values by key. What isn't named has its field's default; null is no value.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({}))]
    pub fields: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace", "contacts": [{"medium": "email", "address": "ada@example.com"}]}))]
pub struct CreateProfile {
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: String,
    /// Without it, a person.
    #[serde(default)]
    pub kind: Option<ProfileKind>,
    /// Values by key. What isn't named has its field's default; null is no value.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
    /// Found or made, and attached.
    #[serde(default)]
    #[validate(length(max = 100), nested)]
    #[schema(max_items = 100)]
    pub contacts: Vec<CreateContact>,
}

#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UpsertParams {
    /// Key of a unique field: the profile that has the body's value of it is changed; without one, a profile is made.
    #[param(pattern = "^[a-z][a-z0-9_]{0,62}$", example = "relation_number")]
    pub upsert_on: Option<String>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada King"}))]
pub struct UpdateProfile {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub kind: Option<ProfileKind>,
    /// Values by key: null clears one, what is absent stays.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub fields: Option<Map<String, Value>>,
}

/// To which profile a contact is attached: exactly one of `profile_id` and `new_profile`.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"new_profile": {"name": "Ada Lovelace"}}))]
pub struct AttachContact {
    /// One that exists.
    #[serde(default)]
    pub profile_id: Option<ProfileId>,
    /// One that is made in the same step. Required fields may be missing; its `missing_fields` names them.
    #[serde(default)]
    #[validate(nested)]
    pub new_profile: Option<NewProfile>,
    /// What becomes of a contact that is attached elsewhere: without it, `fail`.
    #[serde(default)]
    pub on_conflict: Option<OnConflict>,
    /// With `on_conflict: "move"`: moves only from this profile.
    #[serde(default)]
    pub expected_profile_id: Option<ProfileId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    Move,
    Fail,
}

/// A contact that is attached.
#[derive(Debug, Clone)]
pub struct Attached {
    pub contact: Contact,
    pub profile: Profile,
    /// Where the contact was attached before.
    pub previous_profile_id: Option<ProfileId>,
    /// Whether the profile was made just now.
    pub created: bool,
}

#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DetachParams {
    /// Detaches only from this profile.
    #[param(value_type = Option<uuid::Uuid>)]
    pub profile_id: Option<ProfileId>,
}

text_enum! {
    /// What happened to a profile, or to a contact.
    pub enum HistoryAction {
        Created = "created",
        Attached = "attached",
        Detached = "detached",
        Moved = "moved",
        Merged = "merged",
        Deleted = "deleted",
    }
}

/// Something that happened to a profile or a contact.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
    "action": "attached",
    "actor": {"type": "user", "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12", "name": "Grace Hopper"},
    "contact": {"id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c13", "name": "Ada Lovelace", "medium": "email", "address": "ada@example.com"},
    "profile": {"id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c14", "name": "Ada Lovelace"},
    "from_profile": null,
    "at": "2026-01-26T09:30:00Z",
}))]
pub struct HistoryEntry {
    pub id: EventId,
    pub action: HistoryAction,
    /// Who did it.
    pub actor: Option<Actor>,
    /// As it is now, or was when it was deleted.
    pub contact: Option<ContactRef>,
    pub profile: Option<ProfileRef>,
    /// The profile that the contact left.
    pub from_profile: Option<ProfileRef>,
    pub at: DateTime<Utc>,
}

list_of! {
    pub struct HistoryList(HistoryEntry);
}
