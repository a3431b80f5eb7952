//! All Diesel of conversations: what is read of them ([`list`], [`wanted`], [`search`], [`people`]) and of messages
//! ([`messages`]), what is written ([`write`]), and the keys of threads ([`threads`]).

mod counts;
mod list;
mod messages;
mod people;
mod reindex;
mod search;
mod threads;
mod wanted;
mod write;

pub use counts::count_conversations;
pub use list::{conversation_contacts, conversation_view, is_known_on, list_conversations, partner};
pub use messages::{find_message, first_subject_beside, get_message, insert_message, list_messages, raw_mail};
pub use reindex::{reindex_messages, reindex_subjects, vector_of_message};
pub use search::{Found, are_rare_words, having_words};
pub use threads::{
    claim_thread_keys, delete_conversations, lock_threads, move_messages, move_participants, point_thread_keys,
    redirect,
};
pub use wanted::{Assignees, Wanted};
pub use write::{
    ConversationRow, index_subject, insert_conversation, join_participant, lock_conversation, lock_conversations,
    lock_named, lock_newest_open, mark_read, mark_unread, profiles_of_participants, save_conversation,
};
