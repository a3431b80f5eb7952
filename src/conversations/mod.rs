//! Conversations: what was written back and forth with someone on one channel, and who took part.
//!
//! Every message, whether it came in, was written by an agent or was imported, goes through [`record_message`]. It
//! finds the conversation ([`Place`]), keeps its counters ([`activity`]), and writes a message that comes twice once.
//! Mails are joined by their Message-IDs ([`threads`]); the ids of conversations that became part of another lead
//! to it (308).

mod activity;
mod desk;
pub mod html;
mod queries;
mod record;
mod routes;
mod threads;
mod types;

pub use desk::{create_conversation, update_conversation};
pub use queries::{
    Assignees, Found, Wanted, are_rare_words, having_words, raw_mail, reindex_messages, reindex_subjects,
    vector_of_message,
};
pub use record::{Counterpart, NewMessage, Place, Recorded, record_message};
pub use types::{
    Addressee, Assigned, Conversation, ConversationStatus, CreateConversation, Message, MessageType, UpdateConversation,
};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_conversations)
        .service(routes::create_conversation)
        // Before `{id}`, which would match it.
        .service(routes::count_conversations)
        .service(routes::get_conversation)
        .service(routes::update_conversation)
        .service(routes::mark_read)
        .service(routes::mark_unread)
        .service(routes::list_conversation_contacts)
        .service(routes::list_messages)
        .service(routes::create_message)
        .service(routes::get_message)
        .service(routes::get_message_raw);
}
