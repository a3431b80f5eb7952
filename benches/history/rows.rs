//! Rows as the service would have written them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use dossier::conversations::ConversationStatus;
use dossier::db::schema::{
    attachments, conversation_participants, conversation_reads, conversation_subjects, conversations, event_texts,
    events, messages, notes, timeline_entries,
};
use dossier::db::search_vector::SearchVector;
use dossier::db::timeline::TimelineType;
use dossier::db::types::TimeOrNever;
use dossier::ids::{ChannelId, ContactId, ConversationId, MessageId, OrganizationId, ProfileId, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::data::fill::copy;

macro_rules! rows {
    ($($name:ident of $table:ident { $($column:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(Insertable)]
            #[diesel(table_name = $table, treat_none_as_default_value = false)]
            pub struct $name { pub organization_id: OrganizationId, $(pub $column: $type),* }
        )*

        /// What is to be written next.
        #[derive(Default)]
        pub struct Rows { $(pub $table: Vec<$name>),* }

        impl Rows {
            pub fn copy(&mut self, conn: &mut PgConnection) {
                $(copy!(conn, $table::table, std::mem::take(&mut self.$table));)*
            }
        }
    };
}

rows! {
    ConversationRow of conversations {
        id: ConversationId,
        channel_id: ChannelId,
        contact_id: ContactId,
        subject: Option<String>,
        status: ConversationStatus,
        assignee_id: Option<UserId>,
        message_count: i32,
        first_message_at: Option<DateTime<Utc>>,
        last_message_at: DateTime<Utc>,
        last_message_direction: Option<&'static str>,
        last_inbound_at: TimeOrNever,
        preview: String,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    }
    SubjectRow of conversation_subjects {
        conversation_id: ConversationId,
        search: SearchVector,
        search_edition: i16,
    }
    ParticipantRow of conversation_participants {
        contact_id: ContactId,
        conversation_id: ConversationId,
        joined_at: DateTime<Utc>,
        last_message_at: DateTime<Utc>,
    }
    ReadRow of conversation_reads {
        user_id: UserId,
        conversation_id: ConversationId,
        read_at: DateTime<Utc>,
    }
    MessageRow of messages {
        id: MessageId,
        conversation_id: ConversationId,
        channel_id: ChannelId,
        contact_id: ContactId,
        type_: &'static str,
        direction: &'static str,
        author_type: Option<&'static str>,
        author_id: Option<UserId>,
        subject: Option<String>,
        body: String,
        occurred_at: DateTime<Utc>,
        created_at: DateTime<Utc>,
        search: SearchVector,
        search_edition: i16,
    }
    AttachmentRow of attachments {
        id: Uuid,
        sha256: Vec<u8>,
        filename: String,
        content_type: &'static str,
        byte_size: i64,
        kind: &'static str,
        message_id: Option<MessageId>,
        conversation_id: Option<ConversationId>,
        contact_id: Option<ContactId>,
        channel_id: Option<ChannelId>,
        direction: Option<&'static str>,
        occurred_at: Option<DateTime<Utc>>,
        created_by_type: &'static str,
        created_by_id: Option<Uuid>,
        created_at: DateTime<Utc>,
        search: SearchVector,
        search_edition: i16,
    }
    NoteRow of notes {
        id: Uuid,
        profile_id: Option<ProfileId>,
        contact_id: Option<ContactId>,
        conversation_id: Option<ConversationId>,
        body: String,
        author_type: &'static str,
        author_id: Option<UserId>,
        created_at: DateTime<Utc>,
        search: SearchVector,
        search_edition: i16,
    }
    EntryRow of timeline_entries {
        owner_id: Uuid,
        at: DateTime<Utc>,
        id: Uuid,
        type_: TimelineType,
        event_id: Uuid,
        conversation_id: Option<ConversationId>,
    }
    EventRow of events {
        id: Uuid,
        occurred_at: DateTime<Utc>,
        actor_type: &'static str,
        actor_id: Option<Uuid>,
        type_: &'static str,
        resource_type: &'static str,
        resource_id: Uuid,
        version: Option<i32>,
        profile_id: Option<ProfileId>,
        contact_id: Option<ContactId>,
        conversation_id: Option<ConversationId>,
        before: Option<Value>,
        after: Option<Value>,
    }
    EventTextRow of event_texts {
        event_id: Uuid,
        search: SearchVector,
        search_edition: i16,
    }
}
