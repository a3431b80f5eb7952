//! What happened, written once, by the verb that did it and in its transaction.
//!
//! Histories, audit trail, timelines and changes all read this one table.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::rows::rows;
use super::{Tx, event_texts, timeline};
use crate::actor::ActorType;
use crate::error::Result;
use crate::ids::{ContactId, ConversationId, EventId, ProfileId};

/// All that can happen: `resource.verb`.
pub const KINDS: [&str; 32] = [
    "organization.created",
    "organization.updated",
    "user.created",
    "user.updated",
    "api_token.created",
    "api_token.revoked",
    "channel.created",
    "channel.updated",
    "channel.archived",
    "channel.unarchived",
    "channel.deleted",
    "contact.created",
    "contact.updated",
    "contact.attached",
    "contact.moved",
    "contact.detached",
    "contact.deleted",
    "profile_field.created",
    "profile_field.updated",
    "profile_field.deleted",
    "profile.created",
    "profile.updated",
    "profile.deleted",
    "attachment.created",
    "attachment.deleted",
    "note.created",
    "note.updated",
    "note.deleted",
    "conversation.created",
    "conversation.updated",
    "conversation.merged",
    "message.created",
];

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

rows! {
    struct EventRows into "events" {
        id: SqlUuid = EventId,
        occurred_at: Timestamptz = DateTime<Utc>,
        actor_type: Text = ActorType,
        actor_id: Nullable<SqlUuid> = Option<Uuid>,
        type_: Text = &'static str,
        resource_type: Text = &'static str,
        resource_id: SqlUuid = Uuid,
        version: Nullable<Integer> = Option<i32>,
        profile_id: Nullable<SqlUuid> = Option<ProfileId>,
        from_profile_id: Nullable<SqlUuid> = Option<ProfileId>,
        contact_id: Nullable<SqlUuid> = Option<ContactId>,
        conversation_id: Nullable<SqlUuid> = Option<ConversationId>,
        before: Nullable<Jsonb> = Option<Value>,
        after: Nullable<Jsonb> = Option<Value>,
        request_id: Nullable<Text> = Option<String>,
    }
    ""
}

/// Writes down that `event` happened, now, by the transaction's actor.
pub fn record(tx: &mut Tx, event: Event) -> Result<()> {
    record_all(tx, vec![event])
}

/// As [`record`], for many, in the order in which they happened.
pub fn record_all(tx: &mut Tx, events: Vec<Event>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    tx.memory.happened += events.len();
    let request_id = tx.request_id.map(|id| id.to_string());
    let mut rows = EventRows::of(tx.organization);
    let (mut on_timelines, mut said, mut deleted_notes) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        debug_assert!(KINDS.contains(&event.kind), "{} is missing in KINDS", event.kind);
        let id = EventId::new();
        on_timelines.push((id, timeline::Entries::of(&event)));
        said.push((id, event_texts::texts_of(&event)));
        if event.kind == "note.deleted" {
            deleted_notes.push(event.resource_id);
        }
        let Event { kind, resource_id, version, profile, from_profile, contact, conversation, before, after } = event;
        let resource = kind.split_once('.').map_or(kind, |(resource, _)| resource);
        rows.push(
            id,
            tx.now,
            tx.actor.kind,
            tx.actor.id,
            kind,
            resource,
            resource_id,
            version,
            profile,
            from_profile,
            contact,
            conversation,
            before,
            after,
            request_id.clone(),
        );
    }
    rows.insert(tx.conn)?;
    event_texts::insert(tx, said)?;
    event_texts::forget(tx, &deleted_notes)?;
    timeline::insert(tx, on_timelines)
}
