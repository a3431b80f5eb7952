//! What happened, written once, by the verb that did it and in its transaction.
//!
//! Histories, audit trail, timelines and changes all read this one table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::{Tx, event_texts, schema::events, timeline};
use crate::actor::ActorType;
use crate::error::Result;
use crate::ids::{ContactId, ConversationId, EventId, OrganizationId, ProfileId};

/// One thing that happened to one resource.
#[derive(Debug, Clone)]
pub struct Event {
    pub(super) kind: &'static str,
    pub(super) resource_id: Uuid,
    version: Option<i32>,
    pub(super) profile: Option<ProfileId>,
    pub(super) from_profile: Option<ProfileId>,
    pub(super) contact: Option<ContactId>,
    pub(super) conversation: Option<ConversationId>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

impl Event {
    /// `kind` is `resource.verb`, such as `contact.attached`.
    pub fn new(kind: &'static str, resource_id: Uuid) -> Self {
        Self {
            kind,
            resource_id,
            version: None,
            profile: None,
            from_profile: None,
            contact: None,
            conversation: None,
            before: None,
            after: None,
        }
    }

    /// The version of the resource after it.
    pub fn version(self, version: i32) -> Self {
        Self { version: Some(version), ..self }
    }

    pub fn profile(self, id: impl Into<Option<ProfileId>>) -> Self {
        Self { profile: id.into(), ..self }
    }

    /// The profile that a contact left.
    pub fn from_profile(self, id: impl Into<Option<ProfileId>>) -> Self {
        Self { from_profile: id.into(), ..self }
    }

    pub fn contact(self, id: impl Into<Option<ContactId>>) -> Self {
        Self { contact: id.into(), ..self }
    }

    pub fn conversation(self, id: impl Into<Option<ConversationId>>) -> Self {
        Self { conversation: id.into(), ..self }
    }

    /// The changed fields, as they were and as they became.
    pub fn change(self, before: Value, after: Value) -> Self {
        Self { before: Some(before), after: Some(after), ..self }
    }

    /// What is gone.
    pub fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// What was made.
    pub fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent {
    organization_id: OrganizationId,
    id: EventId,
    occurred_at: DateTime<Utc>,
    actor_type: ActorType,
    actor_id: Option<Uuid>,
    type_: &'static str,
    resource_type: &'static str,
    resource_id: Uuid,
    version: Option<i32>,
    profile_id: Option<ProfileId>,
    from_profile_id: Option<ProfileId>,
    contact_id: Option<ContactId>,
    conversation_id: Option<ConversationId>,
    before: Option<Value>,
    after: Option<Value>,
    request_id: Option<String>,
}

/// Writes down that `event` happened, now, by the transaction's actor.
pub fn record(tx: &mut Tx, event: Event) -> Result<()> {
    record_all(tx, vec![event])
}

/// As [`record`], for at most a few thousand: PostgreSQL takes 65,535 parameters.
pub fn record_all(tx: &mut Tx, events: Vec<Event>) -> Result<()> {
    let mut rows = Vec::new();
    let (mut on_timelines, mut said, mut deleted_notes) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        let (entries, texts) = (timeline::Entries::of(&event), event_texts::texts_of(&event));
        if event.kind == "note.deleted" {
            deleted_notes.push(event.resource_id);
        }
        let row = row(tx, event);
        on_timelines.push((row.id, entries));
        said.push((row.id, texts));
        rows.push(row);
    }
    tx.memory.happened += rows.len();
    diesel::insert_into(events::table).values(rows).execute(tx.conn)?;
    event_texts::insert(tx, said)?;
    for note in deleted_notes {
        event_texts::forget(tx, note)?;
    }
    timeline::insert(tx, on_timelines)
}

fn row(tx: &Tx, event: Event) -> NewEvent {
    let resource_type = event.kind.split_once('.').map_or(event.kind, |(resource, _)| resource);
    NewEvent {
        organization_id: tx.organization,
        id: EventId::new(),
        occurred_at: tx.now,
        actor_type: tx.actor.kind,
        actor_id: tx.actor.id,
        type_: event.kind,
        resource_type,
        resource_id: event.resource_id,
        version: event.version,
        profile_id: event.profile,
        from_profile_id: event.from_profile,
        contact_id: event.contact,
        conversation_id: event.conversation,
        before: event.before,
        after: event.after,
        request_id: tx.request_id.map(|id| id.to_string()),
    }
}
