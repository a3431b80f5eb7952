//! Bodies of timelines.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::TimelineType;
use crate::actor::Actor;
use crate::answer::Answer;
use crate::attachments::Attachment;
use crate::channels::{ChannelRef, Direction};
use crate::contacts::{ContactRef, ProfileRef};
use crate::conversations::{ConversationStatus, MessageType};
use crate::error::Result;
use crate::http::page::Count;
use crate::http::query::When;
use crate::ids::{ConversationId, MessageId, NoteId};
use crate::notes::Noted;

/// One thing that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// Of a message or a file, its own.
    #[schema(example = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11")]
    pub id: Uuid,
    pub r#type: TimelineType,
    /// When it happened; of a message and its files, when the message occurred.
    pub at: DateTime<Utc>,
    /// Who did it; of what came in, the channel.
    pub actor: Option<Actor>,
    /// The contact that it happened to or with, as it is now, or was when it was deleted; null for what is the profile's
    /// own.
    pub contact: Option<ContactRef>,
    /// Of messages, files, and what happened to a conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conversation_id: Option<ConversationId>,
    pub data: TimelineData,
    /// With `q`: HTML-escaped, with `<mark>` around what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "my <mark>order</mark> has not arrived")]
    pub snippet: Option<String>,
}

/// What there is to say about an entry: each member belongs to the types that it names, and is absent from others.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(example = json!({
    "conversation": {
        "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
        "channel": {"id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12", "name": "Support mailbox", "medium": "email"},
        "subject": "Where is my order?",
    },
    "message": {
        "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c13",
        "type": "message",
        "direction": "inbound",
        "subject": "Where is my order?",
        "body": "Hello, I ordered two weeks ago.",
        "body_truncated": false,
    },
}))]
pub struct TimelineData {
    /// Beside `conversation_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conversation: Option<ConversationRef>,
    /// Of `message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<TimelineMessage>,
    /// Of `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file: Option<Attachment>,
    /// Of `note_created`, `note_edited`, `note_deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<TimelineNote>,
    /// Of `status_changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<StatusChange>,
    /// Of `assignee_changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub assignee: Option<AssigneeChange>,
    /// Of `subject_changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub subject: Option<SubjectChange>,
    /// Of `profile_updated` and `contact_renamed`: each field that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub changes: Option<Vec<FieldChange>>,
    /// Of `contact_attached` and `contact_moved`, where the contact is attached then; of `profile_created` and
    /// `profile_merged`, the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub profile: Option<ProfileRef>,
    /// Of `contact_moved`, `contact_detached` and `contact_deleted`, the profile that the contact left; of
    /// `profile_merged`, the one that became part of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_profile: Option<ProfileRef>,
}

/// A conversation beside its id.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConversationRef {
    pub id: ConversationId,
    #[schema(example = "Where is my order?")]
    pub subject: Option<String>,
    pub channel: ChannelRef,
}

/// A message as it stands on a timeline; all of it is at `/v1/messages/{id}`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineMessage {
    pub id: MessageId,
    pub r#type: MessageType,
    pub direction: Direction,
    #[schema(example = "Where is my order?")]
    pub subject: Option<String>,
    /// Plain text, up to 2,000 characters.
    #[schema(example = "Hello, I ordered two weeks ago.")]
    pub body: String,
    /// Whether there is more of it.
    pub body_truncated: bool,
    /// Of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 95, minimum = 0)]
    pub duration_seconds: Option<i32>,
}

/// A note as it was written or edited then.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineNote {
    pub id: NoteId,
    pub on: Noted,
    /// What it said from then on; null once the note is deleted, and where only its mentions were edited.
    #[schema(example = "Prefers to be called in the morning.")]
    pub body: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatusChange {
    pub old: ConversationStatus,
    pub new: ConversationStatus,
}

/// Null for nobody.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssigneeChange {
    pub old: Option<Actor>,
    pub new: Option<Actor>,
}

/// Null for none.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubjectChange {
    #[schema(example = "Question")]
    pub old: Option<String>,
    #[schema(example = "Where is my order?")]
    pub new: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldChange {
    /// `name`, `kind`, or the key of a profile field as `fields.key`.
    #[schema(example = "fields.city")]
    pub field: String,
    /// What the profile field is called today; null for what isn't one, or is deleted.
    #[schema(example = "City")]
    pub label: Option<String>,
    /// Null where it had no value.
    #[schema(required = true, example = "Paris")]
    pub old: Option<Value>,
    /// Null where it has no value.
    #[schema(required = true, example = "London")]
    pub new: Option<Value>,
}

/// A part of a timeline, newest first.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct TimelineList {
    pub data: Vec<TimelineEntry>,
    /// Where the next page begins, which is older; null on the last. The same as `before`, and like that not together
    /// with `after` or `at`.
    pub next_cursor: Option<String>,
    /// Asks for what is older than this page; null where there is nothing.
    pub before: Option<String>,
    /// Asks for what is newer than this page, now or whenever it comes: where nothing has come yet, the page is empty,
    /// and gives this again. What comes in late stands where it occurred, and may be older; `GET /v1/changes` tells of
    /// that too.
    #[schema(example = "eyJhZnRlciI6…")]
    pub after: String,
    /// Where `count` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<Count>,
    /// With `q`: whether looking on ended before the page was full. `before` goes on from there, or `after` where that
    /// was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub truncated: Option<bool>,
}

impl TimelineList {
    /// The answer, with a link to the next page.
    pub fn answer(&self) -> Result<Answer> {
        Ok(Answer::ok(self)?.next_cursor(self.next_cursor.clone()))
    }
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineFilter {
    /// Searches what entries say: words, `"exact phrases"`, `-without`; the last word may be unfinished. One entry must
    /// have them all. Searched are the subject and text of messages, the names of files, what notes said then, both
    /// subjects of `subject_changed`, and the names and values of `profile_created`, `profile_updated`, `contact_created`
    /// and `contact_renamed`; other types have none.
    #[validate(length(max = 200))]
    #[param(max_length = 200, example = "order")]
    pub q: Option<String>,
    /// Of this type; repeat it for any of several.
    #[serde(default)]
    pub types: Vec<TimelineType>,
    /// Goes on with what is older: the `before` of a page. The same as `cursor`. Only one of `cursor`, `before`, `after`
    /// and `at` is taken.
    #[param(min_length = 1)]
    pub before: Option<String>,
    /// Goes on with what is newer: the `after` of a page. Not together with `cursor`, `before` or `at`.
    #[param(min_length = 1)]
    pub after: Option<String>,
    /// Begins there, and not with the newest: with what happened at that time or before it, or on that day in the
    /// organization's time zone or before it. The page says how to go on in both directions. Not together with `cursor`, `before` or
    /// `after`.
    #[param(example = "2026-03-01")]
    pub at: Option<When>,
}
