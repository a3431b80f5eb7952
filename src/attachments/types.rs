//! Bodies of attachments.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::channels::{ChannelRef, Direction};
use crate::contacts::ContactRef;
use crate::http::page::list_of;
use crate::http::query::{When, flag};
use crate::ids::{AttachmentId, ChannelId, ContactId, ConversationId, MessageId, OrganizationId};
use crate::text_enum::text_enum;

text_enum! {
    /// What a file is to a person.
    pub enum AttachmentKind {
        Image = "image",
        Document = "document",
        Audio = "audio",
        Video = "video",
        Other = "other",
    }
}

text_enum! {
    /// Which form of a file a link leads to.
    pub enum Variant { Original = "original", Thumbnail = "thumbnail" }
}

text_enum! {
    /// What became of an image's thumbnail.
    pub enum ThumbnailStatus { Pending = "pending", Made = "made", Impossible = "impossible" }
}

/// One occurrence of a file: uploaded, and once a message has it, exchanged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attachment {
    pub id: AttachmentId,
    #[schema(example = "cracked shade.png")]
    pub filename: String,
    /// As its bytes say, else as its sender says.
    #[schema(example = "image/png")]
    pub content_type: String,
    #[schema(example = 48213, minimum = 0)]
    pub byte_size: i64,
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: String,
    pub kind: AttachmentKind,
    /// In pixels, the way up that it is shown; of images only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1280)]
    pub width: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 720)]
    pub height: Option<i32>,
    /// An image that a mail's HTML shows, such as the logo in a signature, rather than a file that was sent.
    pub inline: bool,
    /// By which an HTML mail refers to it (`cid:`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "logo@example.com")]
    pub content_id: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Leads to the file without a token, until `url_expires_at`.
    #[schema(
        format = "uri-reference",
        example = "/v1/attachments/0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11/signed\
            ?organization_id=0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12&variant=original&expires=1769436000\
            &signature=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub url: String,
    /// Leads to a small picture of an image, at most 320 pixels a side, until `url_expires_at`. Null until it is made, a
    /// moment after the image came in, and where none can be made.
    #[schema(
        format = "uri-reference",
        example = "/v1/attachments/0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11/signed\
            ?organization_id=0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12&variant=thumbnail&expires=1769436000\
            &signature=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub thumbnail_url: Option<String>,
    pub url_expires_at: DateTime<Utc>,
    /// The message that has it; this and what follows only once it was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conversation_id: Option<ConversationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact_id: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<ContactRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel_id: Option<ChannelId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel: Option<ChannelRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub direction: Option<Direction>,
    /// When its message occurred.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub occurred_at: Option<DateTime<Utc>>,
}

list_of! {
    pub struct AttachmentList(Attachment);
}

/// A file to upload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // describes what http::upload reads
pub struct UploadForm {
    /// The file, with its name and, where it is known, its Content-Type.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)] // describes what is streamed
pub struct FileContent(Vec<u8>);

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttachmentFilter {
    /// Of this kind; repeat it for any of several.
    #[serde(default)]
    pub kind: Vec<AttachmentKind>,
    /// Exchanged on this channel; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub channel_id: Vec<ChannelId>,
    /// Exchanged with this contact; repeat it for any of several.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>)]
    pub contact_id: Vec<ContactId>,
    /// Only images of a mail's text, such as the logo in a signature, or only what was sent as a file.
    #[serde(default, deserialize_with = "flag")]
    pub inline: Option<bool>,
    /// Exchanged at this time or later. A bare date is a day in the organization's time zone.
    #[param(example = "2026-01-01")]
    pub from: Option<When>,
    /// Exchanged before this time.
    #[param(example = "2027-01-01T00:00:00Z")]
    pub to: Option<When>,
}

/// What the service signed.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SignedLink {
    /// Whose file it is.
    #[param(value_type = uuid::Uuid)]
    pub organization_id: OrganizationId,
    /// Which form of the file.
    pub variant: Variant,
    /// When the link ends, in seconds since 1970.
    #[param(example = 1_769_436_000)]
    pub expires: i64,
    /// Proves that the service made this link.
    #[param(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub signature: String,
}
