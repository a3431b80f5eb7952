//! Bodies of channels.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::http::page::list_of;
use crate::http::patch::not_null;
use crate::http::query::flag;
use crate::http::validate::not_blank;
use crate::ids::ChannelId;
use crate::text_enum::text_enum;

text_enum! {
    /// How a channel reaches people.
    pub enum Medium {
        Email = "email",
        Whatsapp = "whatsapp",
        Sms = "sms",
        Voice = "voice",
        LiveChat = "live_chat",
        Facebook = "facebook",
        Instagram = "instagram",
        Telegram = "telegram",
        Custom = "custom",
    }
}

text_enum! {
    /// Which way a message went through a channel.
    pub enum Direction { Inbound = "inbound", Outbound = "outbound" }
}

impl Medium {
    /// Whether an address means the same person on every channel of the organization; else only on its own.
    pub fn has_global_addresses(self) -> bool {
        !matches!(self, Self::LiveChat | Self::Facebook | Self::Instagram | Self::Custom)
    }

    /// Whether its addresses are telephone numbers.
    pub fn has_phone_numbers(self) -> bool {
        matches!(self, Self::Whatsapp | Self::Sms | Self::Voice)
    }
}

/// Where messages come in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Channel {
    pub id: ChannelId,
    #[schema(example = "Support mailbox")]
    pub name: String,
    pub medium: Medium,
    /// What the frontend or an integration wants to keep with it.
    #[schema(value_type = Object, example = json!({"address": "support@demo.example"}))]
    pub settings: Value,
    /// Nothing comes in through an archived channel.
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

/// A channel beside its id.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ChannelRef {
    pub id: ChannelId,
    #[schema(example = "Support mailbox")]
    pub name: String,
    pub medium: Medium,
}

list_of! {
    pub struct ChannelList(Channel);
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Support mailbox", "medium": "email", "settings": {"address": "support@demo.example"}
}))]
pub struct CreateChannel {
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "Support mailbox")]
    pub name: String,
    /// Never changes.
    pub medium: Medium,
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"address": "support@demo.example"}))]
    pub settings: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Support"}))]
pub struct UpdateChannel {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: Option<String>,
    /// Replaces all settings.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub settings: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChannelFilter {
    /// Of this medium; repeat it for any of several.
    #[serde(default)]
    pub medium: Vec<Medium>,
    /// Only archived channels, or only others. Without it: both.
    #[serde(default, deserialize_with = "flag")]
    pub archived: Option<bool>,
}
