//! Bodies of what comes in.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::conversations::MessageType;
use crate::error::FieldCode;
use crate::http::number::integer_or_null;
use crate::http::validate::{not_blank, refuse_field};
use crate::ids::{ContactId, ConversationId, MessageId};
use crate::text;

/// A message from anywhere.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "only_calls_last", skip_on_field_errors = false))]
#[schema(example = json!({
    "external_id": "wamid.HBgLMzE2MTIzNDU2Nzg",
    "from": {"address": "+31612345678", "name": "Ada Lovelace"},
    "body": "Where is my order?",
}))]
pub struct InboundMessage {
    /// What the channel calls it: the same one again changes nothing.
    #[validate(length(max = 500), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 500, example = "wamid.HBgLMzE2MTIzNDU2Nzg")]
    pub external_id: String,
    #[validate(nested)]
    pub from: InboundSender,
    /// Without it, the message joins the open conversation that its sender started on the channel, else begins one.
    #[validate(nested)]
    pub conversation: Option<InboundConversation>,
    /// Default `message`.
    #[serde(rename = "type")]
    #[schema(rename = "type", default = "message")]
    pub kind: Option<MessageType>,
    /// Of a call.
    #[serde(default, deserialize_with = "integer_or_null")]
    #[validate(range(min = 0))]
    #[schema(minimum = 0)]
    pub duration_seconds: Option<i32>,
    /// Empty where there are only files, or of a call of which there is nothing to say.
    #[serde(default)]
    #[schema(example = "Where is my order?")]
    pub body: String,
    /// When it was written. Default: now.
    #[serde(default, deserialize_with = "plausible_time")]
    pub sent_at: Option<DateTime<Utc>>,
    #[serde(default)]
    #[validate(length(max = 100), nested)]
    #[schema(max_items = 100, example = json!([]))]
    pub attachments: Vec<InboundAttachment>,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundSender {
    /// On the channel's medium: a telephone number, an e-mail address, or what the channel calls its sender.
    #[validate(length(max = 320), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 320, example = "+31612345678")]
    pub address: String,
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "Ada Lovelace")]
    pub name: Option<String>,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundConversation {
    /// What the channel calls the conversation: the message joins it, or begins it.
    #[validate(length(max = 500), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 500, example = "chat-7")]
    pub external_id: Option<String>,
    /// Of a conversation that begins.
    #[validate(length(max = 998), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 998, example = "Order 7")]
    pub subject: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundAttachment {
    #[validate(length(max = 255), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 255, example = "order.txt")]
    pub filename: String,
    /// As the sender says. Its bytes are believed first.
    #[validate(length(max = 255))]
    #[schema(max_length = 255, example = "text/plain")]
    pub content_type: String,
    #[serde(serialize_with = "unsaid")]
    #[schema(value_type = String, format = Byte, example = "T3JkZXIgNw==")]
    pub data: Base64,
}

/// A refusal of the others doesn't repeat the bytes.
fn unsaid<S: Serializer>(_: &Base64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

/// Bytes, in base64 (RFC 4648, 4).
#[derive(Debug)]
pub struct Base64(pub Bytes);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
                let bytes = STANDARD.decode(text).map_err(|error| E::custom(format!("not base64: {error}")))?;
                Ok(Base64(bytes.into()))
            }
        }

        // Read where it stands: a copy of a large file would cost.
        deserializer.deserialize_str(Visitor)
    }
}

fn plausible_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match DateTime::parse_from_rfc3339(&text) {
        // Far years would leave what PostgreSQL can store.
        Ok(time) if text::is_of_four_digits(&time) => Ok(Some(time.to_utc())),
        _ => Err(de::Error::custom("expected a time (RFC 3339)")),
    }
}

fn only_calls_last(message: &InboundMessage) -> Result<(), ValidationError> {
    if message.duration_seconds.is_some() && message.kind != Some(MessageType::Call) {
        return Err(refuse_field("duration_seconds", FieldCode::Unsupported, "only a call has a duration"));
    }
    Ok(())
}

/// Where a message is that came in.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Received {
    pub message_id: MessageId,
    /// The conversation it is in today.
    pub conversation_id: ConversationId,
    pub contact_id: ContactId,
    /// Whether its sender is new.
    pub contact_created: bool,
    pub conversation_created: bool,
    /// False when it was there already.
    #[serde(skip)]
    #[schema(ignore)]
    pub is_new: bool,
}

/// A raw e-mail (RFC 5322).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary, example = "From: Ada Lovelace <ada@example.com>\r\nSubject: My order\r\nMessage-ID: <7@example.com>\r\n\r\nWhere is it?\r\n")]
#[allow(dead_code)] // describes what is read
pub struct RawMail(Vec<u8>);

/// HTML without scripts, forms, and anything that is fetched from elsewhere.
#[derive(ToSchema)]
#[schema(value_type = String, example = "<p>Where is my order?</p>")]
#[allow(dead_code)] // describes what is answered
pub struct MessageHtml(String);
