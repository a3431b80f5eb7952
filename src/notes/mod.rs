//! Notes: what colleagues write for each other on a profile, a contact or a conversation.
//!
//! Everyone may correct a note; it keeps its author, and its events keep every earlier text. It stands below the
//! conversations, which take their notes along when they become part of another ([`move_notes`]).

mod queries;
mod routes;
mod types;

pub use crate::db::subject::Subject as On;
pub use queries::{count_notes, create_note, delete_note, list_notes, move_notes, update_note};
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
        .service(routes::delete_note);
}
