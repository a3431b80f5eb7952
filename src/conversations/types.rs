//! Bodies of conversations and their messages.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::openapi::schema::{AnyOf, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use validator::{Validate, ValidationError};

use crate::actor::Actor;
use crate::attachments::Attachment;
use crate::channels::{ChannelRef, Direction, Medium};
use crate::contacts::{ContactRef, ProfileRef};
use crate::error::FieldCode;
use crate::http::page::list_of;
use crate::http::patch::{Patch, not_null};
use crate::http::query::flag;
use crate::http::validate::{not_blank, refuse_field, value_not_blank};
use crate::ids::{self, AttachmentId, ChannelId, ContactId, ConversationId, MessageId, ProfileId, UserId};
use crate::text_enum::text_enum;

text_enum! {
    /// Whether someone still has to do something about a conversation.
    pub enum ConversationStatus { Open = "open", Closed = "closed", Spam = "spam" }
}

text_enum! {
    /// What a message is.
    pub enum MessageType { Message = "message", Call = "call" }
}

/// What was written back and forth about one thing, on one channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conversation {
    pub id: ConversationId,
    pub channel_id: ChannelId,
    pub channel: ChannelRef,
    /// Who started it.
    pub contact_id: ContactId,
    pub contact: ContactRef,
    /// The customer that the contact is attached to.
    pub profile_id: Option<ProfileId>,
    pub profile: Option<ProfileRef>,
    #[schema(example = "Where is my order?")]
    pub subject: Option<String>,
    pub status: ConversationStatus,
    /// Who takes care of it.
    pub assignee_id: Option<UserId>,
    pub assignee: Option<Actor>,
    /// Whether something came in since you read it.
    pub unread: bool,
    #[schema(example = 3, minimum = 0)]
    pub message_count: i32,
    pub first_message_at: Option<DateTime<Utc>>,
    /// When the newest message occurred; without one, when the conversation was created.
    pub last_message_at: DateTime<Utc>,
    pub last_message_direction: Option<Direction>,
    /// The beginning of what was written in the newest message; else of what it quotes, else the names of its files, else of
    /// a call how long it was, `Call, 1:35`.
    #[schema(example = "Hello, I ordered two weeks ago …")]
    pub preview: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

list_of! {
    pub struct ConversationList(Conversation), searched;
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "channel_id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
    "contact_id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12",
    "subject": "Your order",
    "message": {"body": "It left yesterday."},
}))]
pub struct CreateConversation {
    pub channel_id: ChannelId,
    /// With whom; of the channel's medium.
    pub contact_id: ContactId,
    #[validate(length(max = 998), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 998, example = "Your order")]
    pub subject: Option<String>,
    /// What is written first. Recorded, and sent nowhere.
    #[validate(nested)]
    pub message: Option<CreateMessage>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "closed"}))]
pub struct UpdateConversation {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub status: Option<ConversationStatus>,
    /// An active user; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub assignee_id: Patch<UserId>,
    #[serde(default)]
    #[validate(length(max = 998), custom(function = "value_not_blank"))]
    #[schema(value_type = Option<String>, min_length = 1, pattern = r"[^\s\x85]", max_length = 998)]
    pub subject: Patch<String>,
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConversationFilter {
    /// With this status; repeat it for any of several. Without it: all but spam.
    #[serde(default)]
    pub status: Vec<ConversationStatus>,
    /// Of this user, of `me`, or of `none`; repeat it for any of several.
    #[serde(default)]
    #[param(example = json!(["me"]))]
    pub assignee_id: Vec<Assigned>,
    /// On this channel; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub channel_id: Vec<ChannelId>,
    /// On channels of this medium; repeat it for any of several.
    #[serde(default)]
    pub medium: Vec<Medium>,
    /// In which this contact took part; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub contact_id: Vec<ContactId>,
    /// In which a contact of this profile took part; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub profile_id: Vec<ProfileId>,
    /// Whether something came in since you read it.
    #[serde(default, deserialize_with = "flag")]
    pub unread: Option<bool>,
    /// Words that all stand in its subject, or all in one of its messages; `"a phrase"`, `-without`. The last word may
    /// be typed in part. Or words that a contact who takes part has, all in its name and address or all in the name of
    /// its profile, each typed in part; phrases and exclusions are about what was said.
    #[validate(length(max = 200))]
    #[param(max_length = 200, example = "order")]
    pub q: Option<String>,
}

/// Whose conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    Me,
    None,
    User(UserId),
}

impl PartialSchema for Assigned {
    fn schema() -> RefOr<Schema> {
        let id =
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["me", "none"]));
        AnyOf::builder().item(id).item(word).into()
    }
}

impl ToSchema for Assigned {}

impl<'de> Deserialize<'de> for Assigned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::None),
            id => match ids::parse(id) {
                Some(id) => Ok(Self::User(UserId(id))),
                None => Err(de::Error::custom("expected the id of a user, me or none")),
            },
        }
    }
}

/// How many conversations wait. None is counted beyond 10,000: that number means so many or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ConversationCounts {
    #[schema(example = 12, minimum = 0, maximum = 10000)]
    pub open: i64,
    /// Open and assigned to you.
    #[schema(example = 3, minimum = 0, maximum = 10000)]
    pub mine: i64,
    /// Open and assigned to nobody.
    #[schema(example = 7, minimum = 0, maximum = 10000)]
    pub unassigned: i64,
    /// Open, and something came in since you read it; of the newest 10,000 that are open.
    #[schema(example = 5, minimum = 0, maximum = 10000)]
    pub unread: i64,
    #[schema(example = 0, minimum = 0, maximum = 10000)]
    pub spam: i64,
}

/// Someone whom a mail names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Addressee {
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    #[schema(example = "ada@example.com")]
    pub address: String,
}

/// One message, in or out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub r#type: MessageType,
    pub direction: Direction,
    /// Who wrote it, where it went out.
    pub author: Option<Actor>,
    /// The counterpart, on whose timeline it stands: who wrote it, or to whom it was written. An agent's answer is written
    /// to whoever wrote last.
    pub contact_id: ContactId,
    pub contact: ContactRef,
    #[schema(example = "Where is my order?")]
    pub subject: Option<String>,
    pub to: Vec<Addressee>,
    pub cc: Vec<Addressee>,
    /// Plain text.
    #[schema(example = "Hello, I ordered two weeks ago.")]
    pub body: String,
    /// Whether `/html` shows it as it was written.
    pub has_html: bool,
    /// Of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 95, minimum = 0)]
    pub duration_seconds: Option<i32>,
    /// When it was written, or received where it doesn't say that.
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub attachments: Vec<Attachment>,
}

list_of! {
    pub struct MessageList(Message);
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "says_something", skip_on_field_errors = false))]
#[schema(example = json!({"body": "It left yesterday."}))]
pub struct CreateMessage {
    /// Not blank, unless there are attachments.
    #[serde(default)]
    #[validate(length(max = 500_000))]
    #[schema(max_length = 500_000, example = "It left yesterday.")]
    pub body: String,
    /// Uploaded before, and part of no message yet.
    #[serde(default)]
    #[validate(length(max = 100))]
    #[schema(value_type = Vec<uuid::Uuid>, max_items = 100, example = json!([]))]
    pub attachment_ids: Vec<AttachmentId>,
}

fn says_something(message: &CreateMessage) -> Result<(), ValidationError> {
    if message.body.trim().is_empty() && message.attachment_ids.is_empty() {
        return Err(refuse_field("body", FieldCode::Blank, "must not be blank without attachments"));
    }
    Ok(())
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageFilter {
    /// Begins with the page that has this message in its middle.
    #[param(value_type = Option<uuid::Uuid>)]
    pub around: Option<MessageId>,
}

/// A mail as it came in (RFC 5322).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)] // describes what is answered
pub struct RawMessage(Vec<u8>);
