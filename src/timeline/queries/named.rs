//! What entries name: messages, events, conversations, contacts, profiles, each read at once for a whole page.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use serde_json::Value;
use uuid::Uuid;

use super::super::TimelineType;
use super::super::types::ConversationRef;
use super::stretch::EntryKey;
use crate::actor::{ActorRef, ActorType};
use crate::attachments::Attachment;
use crate::channels::{ChannelRef, Direction};
use crate::contacts::{self, ContactRef, ProfileRef};
use crate::conversations::MessageType;
use crate::db::event_texts;
use crate::db::schema::{channels, conversation_redirects, conversations, events, messages, notes, profile_fields};
use crate::error::Result;
use crate::ids::{ChannelId, ContactId, ConversationId, EventId, MessageId, NoteId, OrganizationId, ProfileId};

diesel::define_sql_function! {
    /// The first characters of a text.
    fn left(text: Text, characters: Integer) -> Text;
}

/// Of a message's text.
pub const MAX_BODY_CHARS: i32 = 2000;

#[derive(Debug, Queryable)]
pub struct MessageRow {
    pub id: MessageId,
    pub kind: MessageType,
    pub direction: Direction,
    channel: ChannelId,
    author_type: Option<ActorType>,
    author_id: Option<Uuid>,
    pub conversation: ConversationId,
    pub subject: Option<String>,
    /// Its beginning, or all of it.
    pub body: String,
    pub duration_seconds: Option<i32>,
}

impl MessageRow {
    /// What came in was brought by its channel.
    pub fn actor(&self) -> ActorRef {
        let author = self.author_type.map(|kind| ActorRef { kind, id: self.author_id });
        author.unwrap_or(ActorRef::channel(self.channel))
    }
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
pub struct EventRow {
    id: EventId,
    actor_type: ActorType,
    actor_id: Option<Uuid>,
    #[diesel(column_name = type_)]
    kind: String,
    resource_type: String,
    pub resource_id: Uuid,
    pub profile_id: Option<ProfileId>,
    pub from_profile_id: Option<ProfileId>,
    pub contact_id: Option<ContactId>,
    pub conversation_id: Option<ConversationId>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl EventRow {
    pub fn actor(&self) -> ActorRef {
        ActorRef { kind: self.actor_type, id: self.actor_id }
    }

    /// By which it is found.
    pub fn texts(&self) -> Vec<String> {
        event_texts::texts(&self.kind, self.before.as_ref(), self.after.as_ref())
    }
}

#[derive(Default)]
pub struct Named {
    pub messages: HashMap<MessageId, MessageRow>,
    pub events: HashMap<EventId, EventRow>,
    contacts: HashMap<ContactId, ContactRef>,
    profiles: HashMap<ProfileId, ProfileRef>,
    conversations: HashMap<ConversationId, ConversationRef>,
    /// Where those are today that became part of another.
    moved: HashMap<ConversationId, ConversationId>,
    /// Those of the events that are not deleted.
    notes: HashSet<NoteId>,
    /// Of profile fields, by key.
    labels: HashMap<String, String>,
}

impl Named {
    pub fn load(
        conn: &mut PgConnection,
        organization: OrganizationId,
        keys: &[EntryKey],
        files: &HashMap<Uuid, Attachment>,
        with_whole_bodies: bool,
    ) -> Result<Self> {
        let mut named = Self::default();
        let of_type = |wanted| keys.iter().filter(move |key| key.kind == wanted);
        let of_files = files.values().filter_map(|file| file.message_id);
        let message_ids: Vec<MessageId> =
            of_type(TimelineType::Message).map(|key| MessageId(key.id)).chain(of_files).collect();
        // One more says that there is more.
        let body_chars = if with_whole_bodies { i32::MAX } else { MAX_BODY_CHARS + 1 };
        named.load_messages(conn, organization, &message_ids, body_chars)?;
        named.load_events(conn, organization, keys)?;
        named.load_conversations(conn, organization)?;
        let owners = keys.iter().map(|key| ContactId(key.owner));
        named.load_contacts(conn, organization, owners)?;
        named.load_profiles(conn, organization)?;
        if of_type(TimelineType::ProfileUpdated).next().is_some() {
            let labels = profile_fields::table
                .filter(profile_fields::organization_id.eq(organization))
                .select((profile_fields::key, profile_fields::label));
            named.labels = labels.load::<(String, String)>(conn)?.into_iter().collect();
        }
        Ok(named)
    }

    fn load_messages(
        &mut self,
        conn: &mut PgConnection,
        organization: OrganizationId,
        ids: &[MessageId],
        body_chars: i32,
    ) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let rows: Vec<MessageRow> = messages::table
            .filter(messages::organization_id.eq(organization))
            .filter(messages::id.eq_any(ids))
            .select((
                messages::id,
                messages::type_,
                messages::direction,
                messages::channel_id,
                messages::author_type,
                messages::author_id,
                messages::conversation_id,
                messages::subject,
                left(messages::body, body_chars),
                messages::duration_seconds,
            ))
            .load(conn)?;
        self.messages = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(())
    }

    fn load_events(&mut self, conn: &mut PgConnection, organization: OrganizationId, keys: &[EntryKey]) -> Result<()> {
        let is_event = |key: &&EntryKey| !matches!(key.kind, TimelineType::Message | TimelineType::File);
        let ids: Vec<EventId> = keys.iter().filter(is_event).map(|key| EventId(key.event)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let rows: Vec<EventRow> = events::table
            .filter(events::organization_id.eq(organization))
            .filter(events::id.eq_any(ids))
            .select(EventRow::as_select())
            .load(conn)?;
        let of_notes: Vec<NoteId> =
            rows.iter().filter(|row| row.resource_type == "note").map(|row| NoteId(row.resource_id)).collect();
        if !of_notes.is_empty() {
            let there = notes::table
                .filter(notes::organization_id.eq(organization))
                .filter(notes::id.eq_any(of_notes))
                .select(notes::id);
            self.notes = there.load::<NoteId>(conn)?.into_iter().collect();
        }
        self.events = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(())
    }

    fn load_conversations(&mut self, conn: &mut PgConnection, organization: OrganizationId) -> Result<()> {
        let of_events: Vec<ConversationId> = self.events.values().filter_map(|event| event.conversation_id).collect();
        if !of_events.is_empty() {
            self.moved = conversation_redirects::table
                .filter(conversation_redirects::organization_id.eq(organization))
                .filter(conversation_redirects::id.eq_any(&of_events))
                .select((conversation_redirects::id, conversation_redirects::conversation_id))
                .load::<(ConversationId, ConversationId)>(conn)?
                .into_iter()
                .collect();
        }
        let of_messages = self.messages.values().map(|message| message.conversation);
        let ids: HashSet<ConversationId> =
            of_events.into_iter().map(|id| self.moved.get(&id).copied().unwrap_or(id)).chain(of_messages).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let rows: Vec<(ConversationId, Option<String>, ChannelRef)> = conversations::table
            .inner_join(
                channels::table.on(channels::organization_id
                    .eq(conversations::organization_id)
                    .and(channels::id.eq(conversations::channel_id))),
            )
            .filter(conversations::organization_id.eq(organization))
            .filter(conversations::id.eq_any(ids))
            .select((conversations::id, conversations::subject, (channels::id, channels::name, channels::medium)))
            .load(conn)?;
        let view = |(id, subject, channel)| (id, ConversationRef { id, subject, channel });
        self.conversations = rows.into_iter().map(view).collect();
        Ok(())
    }

    fn load_contacts(
        &mut self,
        conn: &mut PgConnection,
        organization: OrganizationId,
        owners: impl Iterator<Item = ContactId>,
    ) -> Result<()> {
        let of_events: HashSet<ContactId> = self.events.values().filter_map(|event| event.contact_id).collect();
        let ids: HashSet<ContactId> = of_events.iter().copied().chain(owners).collect();
        self.contacts = contacts::contact_refs(conn, organization, ids)?;
        let gone: Vec<ContactId> = of_events.into_iter().filter(|id| !self.contacts.contains_key(id)).collect();
        self.contacts.extend(contacts::deleted_contact_refs(conn, organization, gone)?);
        Ok(())
    }

    fn load_profiles(&mut self, conn: &mut PgConnection, organization: OrganizationId) -> Result<()> {
        let of_event = |event: &EventRow| [event.profile_id, event.from_profile_id];
        let ids: HashSet<ProfileId> = self.events.values().flat_map(of_event).flatten().collect();
        self.profiles = contacts::profile_refs(conn, organization, ids)?;
        Ok(())
    }

    pub fn contact(&self, id: ContactId) -> Option<ContactRef> {
        self.contacts.get(&id).cloned()
    }

    pub fn profile(&self, id: Option<ProfileId>) -> Option<ProfileRef> {
        self.profiles.get(&id?).cloned()
    }

    /// What it is today.
    pub fn conversation(&self, id: Option<ConversationId>) -> Option<ConversationRef> {
        let id = id?;
        self.conversations.get(self.moved.get(&id).unwrap_or(&id)).cloned()
    }

    pub fn has_note(&self, id: NoteId) -> bool {
        self.notes.contains(&id)
    }

    /// Of the field with this key.
    pub fn label(&self, key: &str) -> Option<String> {
        self.labels.get(key).cloned()
    }
}
