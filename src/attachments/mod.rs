//! Attachments: files that were uploaded, or came with a message.
//!
//! The bytes of a file are a blob, kept once an organization in the [`Store`] and named by their SHA-256; they are
//! written before the transaction that uses them ([`store_bytes`], [`keep_blob`]), and removed a day after nothing uses
//! them any more ([`sweep`]). An attachment is one occurrence of a file; an image's thumbnail is made once for its bytes,
//! in the background ([`make_thumbnails`]).
//! Who may read one gets a link to it that expires ([`Links`]), so that a browser can show it without a token.

mod background;
mod content_type;
mod filename;
mod keep;
mod links;
mod queries;
mod routes;
mod store;
mod thumbnail;
mod types;

pub use crate::db::subject::Subject as Of;
pub use background::{make_thumbnail, make_thumbnails, sweep, sweep_once};
pub use keep::{store_bytes, store_upload};
pub use links::Links;
pub use queries::{
    Exchange, File, adopt_uploads, attachments_of_messages, attachments_with_ids, create_attachment, first_attachments,
    get_attachment, insert_exchanged, keep_blob, list_attachments, move_attachments, reindex_attachments, upload_names,
};
pub use store::{Blob, Store};
pub use types::{Attachment, AttachmentFilter, AttachmentKind, AttachmentList, Variant};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::create_attachment)
        .service(routes::get_attachment)
        .service(routes::get_attachment_content)
        .service(routes::get_signed_attachment)
        .service(routes::list_attachment_occurrences)
        .service(routes::list_profile_attachments)
        .service(routes::list_contact_attachments)
        .service(routes::list_conversation_attachments);
}
