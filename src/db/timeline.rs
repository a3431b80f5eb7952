//! Which events stand on whose timeline, written with the event: a profile's own on the profile's, a contact's on the
//! contact's, and those of a conversation on that of each contact that takes part in it, whenever it joins.
//!
//! So a timeline is read in the order of one index for each contact, however many conversations there are.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::Tx;
use super::events::Event;
use super::rows::rows;
use super::schema::{conversation_participants, conversations, timeline_entries};
use crate::error::Result;
use crate::ids::{ContactId, ConversationId, EventId};
use crate::text_enum::text_enum;

text_enum! {
    /// What an entry of a timeline tells of.
    pub enum TimelineType {
        Message = "message",
        File = "file",
        NoteCreated = "note_created",
        NoteEdited = "note_edited",
        NoteDeleted = "note_deleted",
        StatusChanged = "status_changed",
        AssigneeChanged = "assignee_changed",
        SubjectChanged = "subject_changed",
        ContactCreated = "contact_created",
        ContactRenamed = "contact_renamed",
        ContactAttached = "contact_attached",
        ContactMoved = "contact_moved",
        ContactDetached = "contact_detached",
        ContactDeleted = "contact_deleted",
        ProfileCreated = "profile_created",
        ProfileUpdated = "profile_updated",
        ProfileMerged = "profile_merged",
    }
}

impl TimelineType {
    /// Where a contact was attached stands on its own timeline and on those of the profiles that it was attached to,
    /// not on that of the profile it is attached to now.
    pub const OF_CONTACT_ONLY: [Self; 4] =
        [Self::ContactCreated, Self::ContactAttached, Self::ContactMoved, Self::ContactDetached];

    /// What says something that is found: messages, the names of files, and what [`super::event_texts`] holds.
    pub const SEARCHED: [Self; 9] = [
        Self::Message,
        Self::File,
        Self::NoteCreated,
        Self::NoteEdited,
        Self::SubjectChanged,
        Self::ContactCreated,
        Self::ContactRenamed,
        Self::ProfileCreated,
        Self::ProfileUpdated,
    ];
}

/// The entries that an event is, and where they stand.
pub struct Entries {
    types: Vec<TimelineType>,
    owners: Vec<Uuid>,
    /// All who take part in it are owners.
    conversation: Option<ConversationId>,
}

impl Entries {
    pub fn of(event: &Event) -> Self {
        use TimelineType::*;
        let has = |member| event.after.as_ref().is_some_and(|after| after.get(member).is_some());
        let types = match event.kind {
            "profile.created" => vec![ProfileCreated],
            "profile.updated" => vec![ProfileUpdated],
            "profile.merged" => vec![ProfileMerged],
            "contact.created" => vec![ContactCreated],
            "contact.updated" => vec![ContactRenamed],
            "contact.attached" => vec![ContactAttached],
            "contact.moved" => vec![ContactMoved],
            "contact.detached" => vec![ContactDetached],
            "contact.deleted" => vec![ContactDeleted],
            "note.created" => vec![NoteCreated],
            // To pin it is not to edit it.
            "note.updated" if has("body") || has("mentions") => vec![NoteEdited],
            "note.deleted" => vec![NoteDeleted],
            "conversation.updated" => {
                [("status", StatusChanged), ("assignee_id", AssigneeChanged), ("subject", SubjectChanged)]
                    .into_iter()
                    .filter_map(|(member, kind)| has(member).then_some(kind))
                    .collect()
            }
            _ => Vec::new(),
        };
        let profile = event.profile.map(|id| id.0);
        let contact = event.contact.map(|id| id.0);
        let left = event.from_profile.map(|id| id.0);
        let (owners, conversation) = match event.kind {
            "conversation.updated" => (vec![], event.conversation),
            "contact.created" | "contact.updated" => (vec![contact], None),
            "contact.deleted" => (vec![left], None),
            _ => (vec![contact, profile, left], event.conversation),
        };
        Self { types, owners: owners.into_iter().flatten().collect(), conversation }
    }

    /// Those that the event names, and all who take part in its conversation.
    fn owners(&self, tx: &mut Tx) -> Result<Vec<Uuid>> {
        let mut owners = self.owners.clone();
        if let Some(conversation) = self.conversation {
            // Whoever joins at the same time waits, and then finds these entries.
            conversations::table
                .find((tx.organization, conversation))
                .select(conversations::id)
                .for_no_key_update()
                .first::<ConversationId>(tx.conn)
                .optional()?;
            let contacts: Vec<ContactId> = conversation_participants::table
                .filter(conversation_participants::organization_id.eq(tx.organization))
                .filter(conversation_participants::conversation_id.eq(conversation))
                .select(conversation_participants::contact_id)
                .load(tx.conn)?;
            owners.extend(contacts.into_iter().map(|id| id.0));
        }
        Ok(owners)
    }
}

/// Puts the entries of events where they belong, as a part of recording the events.
pub fn insert(tx: &mut Tx, entries: Vec<(EventId, Entries)>) -> Result<()> {
    let mut rows = EntryRows::of(tx.organization);
    for (event, entries) in entries.into_iter().filter(|(_, entries)| !entries.types.is_empty()) {
        let owners = entries.owners(tx)?;
        for (index, kind) in entries.types.iter().enumerate() {
            let id = if index == 0 { event } else { EventId::new() };
            owners.iter().for_each(|owner| rows.push(*owner, tx.now, id, *kind, event, entries.conversation));
        }
    }
    rows.insert(tx.conn)?;
    Ok(())
}

rows! {
    struct EntryRows into "timeline_entries" {
        owner_id: SqlUuid = Uuid,
        at: Timestamptz = DateTime<Utc>,
        id: SqlUuid = EventId,
        type_: Text = TimelineType,
        event_id: SqlUuid = EventId,
        conversation_id: Nullable<SqlUuid> = Option<ConversationId>,
    }
    ""
}

/// Gives a contact that joined a conversation, or all who take part, what happened to the conversation before.
pub fn share(tx: &mut Tx, conversation: ConversationId, joined: Option<ContactId>) -> Result<()> {
    let mut entries = conversation_participants::table
        .inner_join(
            timeline_entries::table.on(timeline_entries::organization_id
                .eq(conversation_participants::organization_id)
                .and(timeline_entries::conversation_id.eq(conversation_participants::conversation_id.nullable()))),
        )
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::conversation_id.eq(conversation))
        .select((
            timeline_entries::organization_id,
            conversation_participants::contact_id,
            timeline_entries::at,
            timeline_entries::id,
            timeline_entries::type_,
            timeline_entries::event_id,
            timeline_entries::conversation_id,
        ))
        .distinct()
        .into_boxed();
    if let Some(contact) = joined {
        entries = entries.filter(conversation_participants::contact_id.eq(contact));
    }
    diesel::insert_into(timeline_entries::table)
        .values(entries)
        .into_columns((
            timeline_entries::organization_id,
            timeline_entries::owner_id,
            timeline_entries::at,
            timeline_entries::id,
            timeline_entries::type_,
            timeline_entries::event_id,
            timeline_entries::conversation_id,
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(())
}

/// What happened to the conversations `from` happened to `to`, of which they became a part.
pub fn merge(tx: &mut Tx, from: &[ConversationId], to: ConversationId) -> Result<()> {
    diesel::update(timeline_entries::table)
        .filter(timeline_entries::organization_id.eq(tx.organization))
        .filter(timeline_entries::conversation_id.eq_any(from))
        .set(timeline_entries::conversation_id.eq(to))
        .execute(tx.conn)?;
    share(tx, to, None)
}
