//! Bodies of notes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::On;
use crate::actor::Actor;
use crate::http::page::list_of;
use crate::http::patch::not_null;
use crate::http::validate::not_blank;
use crate::ids::{NoteId, UserId};
use crate::text_enum::text_enum;

text_enum! {
    /// What a note can be on.
    pub enum NotedType { Profile = "profile", Contact = "contact", Conversation = "conversation" }
}

/// What a note is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    #[serde(rename = "type")]
    pub kind: NotedType,
    #[schema(example = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11")]
    pub id: Uuid,
}

impl From<On> for Noted {
    fn from(on: On) -> Self {
        let (kind, id) = match on {
            On::Profile(id) => (NotedType::Profile, id.0),
            On::Contact(id) => (NotedType::Contact, id.0),
            On::Conversation(id) => (NotedType::Conversation, id.0),
        };
        Self { kind, id }
    }
}

/// What a colleague wrote for others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Note {
    pub id: NoteId,
    pub on: Noted,
    #[schema(example = "Prefers to be called in the morning.")]
    pub body: String,
    /// Who wrote it first.
    pub author: Option<Actor>,
    /// Pinned notes come first.
    pub pinned: bool,
    /// Colleagues who should see it.
    pub mentions: Vec<UserId>,
    pub created_at: DateTime<Utc>,
    /// When its text or its mentions were last changed.
    pub edited_at: Option<DateTime<Utc>>,
    pub edited_by: Option<Actor>,
    pub version: i32,
}

list_of! {
    pub struct NoteList(Note);
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNote {
    #[validate(length(max = 20_000), custom(function = "not_blank"))]
    #[schema(
        min_length = 1,
        pattern = r"[^\s\x85]",
        max_length = 20_000,
        example = "Prefers to be called in the morning."
    )]
    pub body: String,
    #[serde(default)]
    pub pinned: bool,
    /// Users of the organization.
    #[serde(default)]
    #[validate(length(max = 50))]
    #[schema(max_items = 50, example = json!([]))]
    pub mentions: Vec<UserId>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pinned": true}))]
pub struct UpdateNote {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 20_000), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 20_000)]
    pub body: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub pinned: Option<bool>,
    /// Replaces all mentions.
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 50))]
    #[schema(nullable = false, max_items = 50)]
    pub mentions: Option<Vec<UserId>>,
}
