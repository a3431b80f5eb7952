//! Notes: what colleagues write for each other on a profile, a contact or a conversation.
//!
//! Everyone may correct a note; it keeps its author, and its events keep every earlier text. Whom it mentions, by id or
//! by name in its text (`mentioned.rs`), finds it in a list of their own until they have read it. It stands below
//! the conversations, which take their notes along when they become part of another ([`move_notes`]).

mod mentioned;
mod queries;
mod routes;
mod types;

pub use crate::db::subject::Subject as On;
pub use queries::{create_note, delete_note, first_notes, list_notes, move_notes, reindex_notes, update_note};
pub use types::{CreateNote, Note, NoteList, Noted, NotedType, UpdateNote};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_profile_notes)
        .service(routes::create_profile_note)
        .service(routes::list_contact_notes)
        .service(routes::create_contact_note)
        .service(routes::list_conversation_notes)
        .service(routes::create_conversation_note)
        .service(routes::get_note)
        .service(routes::update_note)
        .service(routes::delete_note)
        .service(routes::list_note_revisions)
        .service(routes::list_mentions)
        .service(routes::count_mentions)
        .service(routes::mark_mention_read)
        .service(routes::mark_mention_unread);
}
