//! Bodies of contacts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::channels::{ChannelRef, Medium};
use crate::http::page::list_of;
use crate::http::patch::Patch;
use crate::http::query::flag;
use crate::http::validate::{not_blank, value_not_blank};
use crate::ids::{ChannelId, ContactId, ProfileId};

/// One address on one medium.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Contact {
    pub id: ContactId,
    pub medium: Medium,
    /// Normalised: E.164, lower-cased e-mail, else as written. Never changes.
    #[schema(example = "ada@example.com")]
    pub address: String,
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    /// The customer it is attached to.
    pub profile_id: Option<ProfileId>,
    pub profile: Option<ProfileRef>,
    /// Where it was met.
    pub channels: Vec<ChannelRef>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
    /// When the newest message of a conversation it takes part in occurred.
    pub last_message_at: Option<DateTime<Utc>>,
}

/// A contact beside its id.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ContactRef {
    pub id: ContactId,
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    pub medium: Medium,
    #[schema(example = "ada@example.com")]
    pub address: String,
}

/// A profile beside its id.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProfileRef {
    pub id: ProfileId,
    #[schema(example = "Ada Lovelace")]
    pub name: String,
}

list_of! {
    pub struct ContactList(Contact);
}

#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"medium": "email", "address": "ada@example.com", "name": "Ada Lovelace"}))]
pub struct CreateContact {
    pub medium: Medium,
    #[validate(length(max = 320), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 320, example = "ada@example.com")]
    pub address: String,
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "Ada Lovelace")]
    pub name: Option<String>,
    /// Required for media whose addresses mean something only on their channel: live_chat, facebook, instagram, custom.
    pub channel_id: Option<ChannelId>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace"}))]
pub struct UpdateContact {
    #[serde(default)]
    #[validate(length(max = 200), custom(function = "value_not_blank"))]
    #[schema(value_type = Option<String>, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: Patch<String>,
}

/// What contacts are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum ContactSort {
    #[default]
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactFilter {
    /// Words, or beginnings of words, of the address or the name.
    #[validate(length(max = 200))]
    #[param(max_length = 200, example = "ada")]
    pub q: Option<String>,
    /// Of this medium; repeat it for any of several.
    #[serde(default)]
    pub medium: Vec<Medium>,
    /// With exactly this address, however it is written.
    #[validate(length(max = 320))]
    #[param(max_length = 320, example = "ada@example.com")]
    pub address: Option<String>,
    /// Met on this channel; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub channel_id: Vec<ChannelId>,
    /// Attached to this profile; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub profile_id: Vec<ProfileId>,
    /// Attached to any profile, or to none.
    #[serde(default, deserialize_with = "flag")]
    pub attached: Option<bool>,
    /// With `-` before it, descending.
    #[serde(default)]
    #[param(default = "name")]
    pub sort: ContactSort,
}
