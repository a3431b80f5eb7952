//! Bodies of contact moments.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::actor::Actor;
use crate::channels::{ChannelRef, Medium};
use crate::contacts::ContactRef;
use crate::conversations::{Assigned, ConversationStatus};
use crate::http::page::list_of;
use crate::http::query::{When, flag};
use crate::ids::{ChannelId, ContactId, ConversationId, MessageId};

/// A conversation, as part of a customer's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContactMoment {
    pub conversation_id: ConversationId,
    /// Which contacts of this history took part, the starter first.
    pub contact_ids: Vec<ContactId>,
    /// The first of them.
    pub contact: Option<ContactRef>,
    pub channel: ChannelRef,
    pub medium: Medium,
    #[schema(example = "Where is my order?")]
    pub subject: Option<String>,
    pub status: ConversationStatus,
    pub assignee: Option<Actor>,
    pub first_message_at: Option<DateTime<Utc>>,
    pub last_message_at: DateTime<Utc>,
    #[schema(example = 3, minimum = 0)]
    pub message_count: i32,
    /// The beginning of what was written in the newest message; else of what it quotes, else the names of its files, else of
    /// a call how long it was, `Call, 1:35`.
    #[schema(example = "Hello, I ordered a lamp last week …")]
    pub preview: String,
    /// With `q`: the best hit, else the subject, HTML-escaped, with `<mark>` around what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "my <mark>order</mark> has not arrived")]
    pub snippet: Option<String>,
    /// With `q`: the best three hits; none where only the subject matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hits: Option<Vec<MessageHit>>,
    /// With `q`: how many messages match; absent where only the subject does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1, minimum = 1)]
    pub hit_count: Option<i64>,
}

/// A message that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageHit {
    pub message_id: MessageId,
    pub occurred_at: DateTime<Utc>,
    /// HTML-escaped, with `<mark>` around what was found.
    #[schema(example = "my <mark>order</mark> has not arrived")]
    pub snippet: String,
}

list_of! {
    pub struct ContactMomentList(ContactMoment), searched;
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactMomentFilter {
    /// Words that all stand in its subject, or all in one of its messages; `"a phrase"`, `-without`. The last word may
    /// be typed in part.
    #[validate(length(max = 200))]
    #[param(max_length = 200, example = "order")]
    pub q: Option<String>,
    /// On this channel; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub channel_id: Vec<ChannelId>,
    /// On this medium; repeat it for any of several.
    #[serde(default)]
    pub medium: Vec<Medium>,
    /// In which this contact took part; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub contact_id: Vec<ContactId>,
    /// With this status; repeat it for any of several.
    #[serde(default)]
    pub status: Vec<ConversationStatus>,
    /// Assigned to this user, to `me`, or to `none`; repeat it for any of several.
    #[serde(default)]
    #[param(example = json!(["me"]))]
    pub assignee_id: Vec<Assigned>,
    /// Whose newest message occurred then or later: a time, or a day in the organization's time zone.
    #[param(example = "2026-01-01")]
    pub from: Option<When>,
    /// Whose newest message occurred before then.
    #[param(example = "2026-12-31T12:00:00Z")]
    pub to: Option<When>,
    /// With files, or without; an image in a mail's text is none.
    #[serde(default, deserialize_with = "flag")]
    pub has_attachments: Option<bool>,
}
