//! What happened, written once, by the verb that did it and in its transaction.
//!
//! Histories, audit trail and changes all read this one table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::Tx;
use super::rows::rows;
use crate::actor::{ActorRef, ActorType};
use crate::error::Result;
use crate::ids::{ContactId, ConversationId, EventId, OrganizationId, ProfileId};

/// One thing that happened to one resource.
#[derive(Debug, Clone)]
pub struct Event {
    kind: &'static str,
    resource_id: Uuid,
    version: Option<i32>,
    profile: Option<ProfileId>,
    from_profile: Option<ProfileId>,
    contact: Option<ContactId>,
    conversation: Option<ConversationId>,
    before: Option<Value>,
    after: Option<Value>,
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

/// An event with who did it, and when.
pub struct NewEvent {
    id: EventId,
    occurred_at: DateTime<Utc>,
    actor: ActorRef,
    request_id: Option<Uuid>,
    event: Event,
}

impl NewEvent {
    /// What it changed of a resource beyond a version: None for another's event, or an earlier one.
    pub(super) fn change_since(&self, resource: Uuid, version: i32) -> Option<Changed> {
        let is_later = self.event.resource_id == resource && self.event.version > Some(version);
        is_later.then(|| (self.event.before.clone(), self.event.after.clone()))
    }
}

/// Fields as they were and as they became, as far as the event tells.
pub(super) type Changed = (Option<Value>, Option<Value>);

/// Writes down that `event` happened, now, by the transaction's actor: with all others, when the transaction ends.
pub fn record(tx: &mut Tx, event: Event) -> Result<()> {
    let (occurred_at, actor, request_id) = (tx.now, tx.actor, tx.request_id);
    tx.memory.events.push(NewEvent { id: EventId::new(), occurred_at, actor, request_id, event });
    Ok(())
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

pub(super) fn write(conn: &mut PgConnection, organization: OrganizationId, events: Vec<NewEvent>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut rows = EventRows::of(organization);
    for NewEvent { id, occurred_at, actor, request_id, event } in events {
        rows.push(
            id,
            occurred_at,
            actor.kind,
            actor.id,
            event.kind,
            event.kind.split_once('.').map_or(event.kind, |(resource, _)| resource),
            event.resource_id,
            event.version,
            event.profile,
            event.from_profile,
            event.contact,
            event.conversation,
            event.before,
            event.after,
            request_id.map(|id| id.to_string()),
        );
    }
    rows.execute(conn)?;
    Ok(())
}
