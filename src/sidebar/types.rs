//! Bodies of the sidebar.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::attachments::Attachment;
use crate::contacts::Contact;
use crate::ids::{ContactId, ProfileId};
use crate::moments::ContactMoment;
use crate::notes::Note;
use crate::profile_fields::{FieldOption, FieldType};
use crate::profiles::Profile;

/// What stands beside an open conversation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Sidebar {
    pub contact: ContactFolders,
    /// Null when the contact isn't attached.
    pub profile: Option<ProfileFolders>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContactFolders {
    pub contact: Contact,
    /// Goes on at `/v1/contacts/{id}/contact-moments`.
    pub contact_moments: ContactMomentFolder,
    /// Goes on at `/v1/contacts/{id}/attachments`.
    pub attachments: AttachmentFolder,
    /// Goes on at `/v1/contacts/{id}/notes`.
    pub notes: NoteFolder,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileFolders {
    pub profile: Profile,
    /// Goes on at `/v1/profiles/{id}/contacts`.
    pub contacts: ContactFolder,
    /// Every field of the organization in order, those without a value too.
    pub profile_fields: Vec<ProfileFieldValue>,
    /// Goes on at `/v1/profiles/{id}/contact-moments`.
    pub contact_moments: ContactMomentFolder,
    /// Goes on at `/v1/profiles/{id}/attachments`.
    pub attachments: AttachmentFolder,
    /// Goes on at `/v1/profiles/{id}/notes`.
    pub notes: NoteFolder,
}

/// A field, with the profile's value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileFieldValue {
    #[schema(example = "relation_number")]
    pub key: String,
    #[schema(example = "Relation number")]
    pub label: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    pub options: Vec<FieldOption>,
    pub position: i32,
    /// Null where the profile has none.
    #[schema(value_type = Option<Value>, required = true, example = "R-1815")]
    pub value: Option<Value>,
}

/// The first entries of a list, as many as fit beside a conversation.
macro_rules! folder {
    ($name:ident, $entry:ty) => {
        #[derive(Debug, Clone, Serialize, ToSchema)]
        pub struct $name {
            pub data: Vec<$entry>,
            /// Continues the list of that name; null when all is here.
            pub next_cursor: Option<String>,
            /// How many there are, counted up to 99.
            #[schema(minimum = 0, maximum = 99, example = 3)]
            pub count: i64,
            /// There are more than `count`.
            pub count_capped: bool,
        }
    };
}

folder!(ContactMomentFolder, ContactMoment);
folder!(AttachmentFolder, Attachment);
folder!(NoteFolder, Note);
folder!(ContactFolder, Contact);

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SidebarQuery {
    /// Another contact who took part, instead of who started the conversation.
    #[param(value_type = Option<uuid::Uuid>)]
    pub contact_id: Option<ContactId>,
}

/// What an answer can have in it beside what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    Sidebar,
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttachQuery {
    /// Adds the contact's sidebar as it is now.
    pub include: Option<Include>,
}

/// A contact that is attached.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttachedContact {
    pub contact: Contact,
    pub profile: Profile,
    /// Where it was attached before.
    pub previous_profile_id: Option<ProfileId>,
    /// With `include=sidebar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sidebar: Option<Sidebar>,
}
