//! Bodies of notes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::On;
use crate::actor::Actor;
use crate::http::page::list_of;
use crate::http::patch::not_null;
use crate::http::query::flag;
use crate::http::validate::not_blank;
use crate::ids::{EventId, NoteId, UserId, hyphenated};
use crate::text_enum::text_enum;

/// Of one note.
pub const MAX_MENTIONS: usize = 50;

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
    #[serde(deserialize_with = "hyphenated")]
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
    /// Colleagues who should see it: those that were given, and those that its text mentions.
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

/// A text that a note had before.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoteRevision {
    pub id: EventId,
    #[schema(example = "Prefers to be called in the mornig.")]
    pub body: String,
    /// Who wrote this text.
    pub author: Option<Actor>,
    pub written_at: DateTime<Utc>,
}

list_of! {
    pub struct NoteRevisionList(NoteRevision);
}

/// A note in which one is mentioned.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Mention {
    pub note: Note,
    /// What the note is on.
    pub on: MentionedOn,
    /// When the note, or the edit that mentions one, was written.
    pub mentioned_at: DateTime<Utc>,
    /// Null while it is unread.
    pub read_at: Option<DateTime<Utc>>,
}

/// What a note is on, and what people call it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MentionedOn {
    #[serde(rename = "type")]
    pub kind: NotedType,
    #[schema(example = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11")]
    pub id: Uuid,
    /// Of a contact without a name its address; of a conversation its subject, else the name of who started it.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
}

list_of! {
    pub struct MentionList(Mention);
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MentionFilter {
    /// Only those that one hasn't read yet, or only those that one has.
    #[serde(default, deserialize_with = "flag")]
    pub unread: Option<bool>,
}

/// How many there are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MentionCounts {
    /// Counted up to 999.
    #[schema(minimum = 0, maximum = 999, example = 2)]
    pub unread: i64,
    /// There are more than `unread`.
    pub unread_capped: bool,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": "Prefers to be called in the morning.", "pinned": true}))]
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
    /// Users of the organization, beside those whom the text mentions: `@` before an active colleague's whole name or
    /// e-mail address.
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
    /// Replaces all mentions but those of the text.
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 50))]
    #[schema(nullable = false, max_items = 50)]
    pub mentions: Option<Vec<UserId>>,
}
