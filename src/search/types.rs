//! Bodies of search.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::channels::ChannelRef;
use crate::contacts::{ContactRef, ProfileRef};
use crate::error::FieldCode;
use crate::http::page::UncountedPageParams;
use crate::http::validate::{not_blank, refuse_field};
use crate::ids::{ConversationId, MessageId};

/// What can be found, in the order of the sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchType {
    Profile,
    Contact,
    Message,
    Note,
    /// By its file name.
    Attachment,
}

impl SearchType {
    pub const ALL: [Self; 5] = [Self::Profile, Self::Contact, Self::Message, Self::Note, Self::Attachment];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Contact => "contact",
            Self::Message => "message",
            Self::Note => "note",
            Self::Attachment => "attachment",
        }
    }

    /// Profiles and contacts come best first only.
    pub fn takes(self, sort: SearchSort) -> bool {
        sort == SearchSort::Relevance || !matches!(self, Self::Profile | Self::Contact)
    }
}

/// In which order what was written is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchSort {
    /// Best first, of the newest thousand; at most 100 hits. Further pages go on with what was found for the first.
    #[default]
    Relevance,
    /// To the last.
    Newest,
}

impl SearchSort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Newest => "newest",
        }
    }
}

#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "is_sorted_by_what_it_takes", skip_on_field_errors = false))]
#[into_params(parameter_in = Query)]
pub struct SearchFilter {
    /// What to look for: words, `"exact phrases"`, `-without`; the last word may be unfinished.
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[param(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "order -refund")]
    pub q: String,
    /// Only this section, page by page. Without it, every section comes with its first hits.
    pub r#type: Option<SearchType>,
    /// Of messages, notes and attachments. Profiles and contacts come best first: `newest` isn't taken with such a `type`.
    #[param(default = "relevance")]
    pub sort: Option<SearchSort>,
}

fn is_sorted_by_what_it_takes(filter: &SearchFilter) -> Result<(), ValidationError> {
    match filter.r#type.zip(filter.sort) {
        Some((kind, sort)) if !kind.takes(sort) => {
            let message = "profiles and contacts come best first: newest isn't taken";
            Err(refuse_field("sort", FieldCode::Unsupported, message))
        }
        _ => Ok(()),
    }
}

/// The page of one section, or how much of each.
pub struct SearchPageParams;

impl IntoParams for SearchPageParams {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = UncountedPageParams::into_params(parameter_in);
        for limit in params.iter_mut().filter(|parameter| parameter.name == "limit") {
            limit.description = Some("How many hits a section may have: 5 by default, and 50 with `type`.".to_owned());
            // There is no one default.
            if let Some(RefOr::T(Schema::Object(schema))) = &mut limit.schema {
                schema.default = None;
            }
        }
        params
    }
}

/// What was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchSections {
    pub sections: Vec<SearchSection>,
}

/// What was found of one type.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchSection {
    pub r#type: SearchType,
    pub data: Vec<SearchHit>,
    /// Where the next page begins, asked for with this `type` and the same `q` and `sort`, but for profiles and contacts
    /// without `sort=newest`; null on the last.
    pub next_cursor: Option<String>,
    /// Whether a bound cut the search short: there may be more than it can find, or, sorted by newest, than it looked at
    /// for this page, and then `next_cursor` goes on from there.
    pub truncated: bool,
}

/// Something that was found, and where it opens.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "message",
    "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
    "title": "Where is my order?",
    "snippet": "my <mark>order</mark> has not arrived",
    "at": "2026-01-26T09:30:00Z",
    "profile": {"id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12", "name": "Ada Lovelace"},
    "contact": {"id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c13", "name": "Ada Lovelace", "medium": "email", "address": "ada@example.com"},
    "channel": {"id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c14", "name": "Support mailbox", "medium": "email"},
    "conversation_id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c15",
    "message_id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
}))]
pub struct SearchHit {
    pub r#type: SearchType,
    /// Of the profile, contact, message, note or attachment.
    pub id: Uuid,
    /// A name, a subject, a file name; of a note, today's subject of the conversation that it is on. Null where there is
    /// none.
    #[schema(example = "Where is my order?")]
    pub title: Option<String>,
    /// HTML-escaped, with `<mark>` around what was found.
    #[schema(example = "my <mark>order</mark> has not arrived")]
    pub snippet: String,
    /// When a message occurred, a file was exchanged, a note was written, a profile or contact was made.
    pub at: DateTime<Utc>,
    /// The profile itself, the one that a note is on, or that of the contact.
    pub profile: Option<ProfileRef>,
    /// The contact itself, the counterpart of the message, the one that a note is on, or who started the conversation
    /// that it is on.
    pub contact: Option<ContactRef>,
    /// Of messages, files, and notes on conversations.
    pub channel: Option<ChannelRef>,
    /// The conversation in which it opens.
    pub conversation_id: Option<ConversationId>,
    /// The message at which it opens: `GET /v1/conversations/{conversation_id}/messages?around={message_id}`.
    pub message_id: Option<MessageId>,
}
