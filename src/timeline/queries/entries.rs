//! What the entries of a page say.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::super::TimelineType;
use super::super::types::{
    AssigneeChange, FieldChange, StatusChange, SubjectChange, TimelineData, TimelineEntry, TimelineMessage,
    TimelineNote,
};
use super::named::{EventRow, MAX_BODY_CHARS, MessageRow, Named};
use super::stretch::EntryKey;
use crate::access::{self, People};
use crate::actor::{Actor, ActorRef};
use crate::attachments::{self, Attachment, Links};
use crate::conversations::ConversationStatus;
use crate::error::{Error, Result};
use crate::ids::{AttachmentId, ContactId, EventId, MessageId, NoteId, OrganizationId, UserId};
use crate::notes::On;
use crate::search_query::SearchQuery;
use crate::text;

/// The entries of these keys, in their order.
pub fn entries(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    keys: Vec<EntryKey>,
    query: Option<&SearchQuery>,
) -> Result<Vec<TimelineEntry>> {
    let files = keys.iter().filter(|key| key.kind == TimelineType::File);
    let files: Vec<AttachmentId> = files.map(|key| AttachmentId(key.id)).collect();
    let files = match files.is_empty() {
        true => Vec::new(),
        false => attachments::attachments_with_ids(conn, organization, links, &files)?,
    };
    let files = files.into_iter().map(|file| (file.id.0, file)).collect();
    let named = Named::load(conn, organization, &keys, &files, query.is_some())?;
    let by_messages = named.messages.values().map(MessageRow::actor);
    let by_events = named.events.values().map(EventRow::actor);
    let assigned = named.events.values().flat_map(|event| [&event.before, &event.after]).filter_map(assignee);
    let people = access::people(conn, organization, by_messages.chain(by_events).chain(assigned))?;
    let page = Page { files, named, people, query };
    keys.iter().filter_map(|key| page.entry(key).transpose()).collect()
}

/// Whom one side of a change of a conversation names.
fn assignee(side: &Option<Value>) -> Option<ActorRef> {
    let id = side.as_ref()?.get("assignee_id")?.as_str()?.parse().ok()?;
    Some(ActorRef::user(UserId(id)))
}

/// All that the entries of a page name.
struct Page<'q> {
    files: HashMap<Uuid, Attachment>,
    named: Named,
    people: People,
    query: Option<&'q SearchQuery>,
}

impl Page<'_> {
    fn entry(&self, key: &EntryKey) -> Result<Option<TimelineEntry>> {
        let told = match key.kind {
            TimelineType::Message => self.named.messages.get(&MessageId(key.id)).map(|row| Ok(self.message(row))),
            TimelineType::File => self.files.get(&key.id).map(|file| Ok(self.file(file))),
            kind => self.named.events.get(&EventId(key.event)).map(|event| self.event(kind, event)),
        };
        let Some(told) = told else { return Ok(None) };
        let Told { actor, contact, data } = told?;
        Ok(Some(TimelineEntry {
            id: key.id,
            r#type: key.kind,
            at: key.at,
            actor,
            // What a profile owns may be about a contact that came or left.
            contact: self.named.contact(ContactId(key.owner)).or_else(|| self.named.contact(contact?)),
            conversation_id: data.conversation.as_ref().map(|conversation| conversation.id),
            data,
            snippet: self.query.map(|query| query.snippet(&self.text(key))),
        }))
    }

    /// In what it says words are found.
    fn text(&self, key: &EntryKey) -> String {
        let texts = match key.kind {
            TimelineType::Message => {
                let row = self.named.messages.get(&MessageId(key.id));
                row.map(|row| row.subject.iter().chain([&row.body]).cloned().collect())
            }
            TimelineType::File => self.files.get(&key.id).map(|file| vec![file.filename.clone()]),
            _ => self.named.events.get(&EventId(key.event)).map(EventRow::texts),
        };
        texts.unwrap_or_default().join(" — ")
    }

    fn message(&self, row: &MessageRow) -> Told {
        let max = usize::try_from(MAX_BODY_CHARS).unwrap_or_default();
        let body = text::truncate(&row.body, max);
        let message = TimelineMessage {
            id: row.id,
            r#type: row.kind,
            direction: row.direction,
            subject: row.subject.clone(),
            body: body.to_owned(),
            body_truncated: body.len() < row.body.len(),
            duration_seconds: row.duration_seconds,
        };
        let conversation = self.named.conversation(Some(row.conversation));
        let data = TimelineData { conversation, message: Some(message), ..TimelineData::default() };
        Told { actor: self.people.get(row.actor()), contact: None, data }
    }

    fn file(&self, file: &Attachment) -> Told {
        let message = file.message_id.and_then(|id| self.named.messages.get(&id));
        let conversation = self.named.conversation(file.conversation_id);
        let data = TimelineData { conversation, file: Some(file.clone()), ..TimelineData::default() };
        Told { actor: message.and_then(|message| self.people.get(message.actor())), contact: None, data }
    }

    fn event(&self, kind: TimelineType, event: &EventRow) -> Result<Told> {
        use TimelineType as Type;
        let mut data =
            TimelineData { conversation: self.named.conversation(event.conversation_id), ..TimelineData::default() };
        match kind {
            Type::NoteCreated | Type::NoteEdited | Type::NoteDeleted => data.note = Some(self.note(event)?),
            Type::StatusChanged => {
                let status = |side| serde_json::from_value::<ConversationStatus>(member(side, "status"));
                let (old, new) = (status(&event.before), status(&event.after));
                data.status =
                    Some(StatusChange { old: old.map_err(Error::internal)?, new: new.map_err(Error::internal)? });
            }
            Type::AssigneeChanged => {
                let user = |side| assignee(side).and_then(|user| self.people.get(user));
                data.assignee = Some(AssigneeChange { old: user(&event.before), new: user(&event.after) });
            }
            Type::SubjectChanged => {
                let subject = |side| member(side, "subject").as_str().map(str::to_owned);
                data.subject = Some(SubjectChange { old: subject(&event.before), new: subject(&event.after) });
            }
            Type::ContactRenamed | Type::ProfileUpdated => data.changes = Some(self.changes(event)),
            Type::ContactAttached | Type::ProfileCreated => data.profile = self.named.profile(event.profile_id),
            Type::ContactMoved | Type::ProfileMerged => {
                data.profile = self.named.profile(event.profile_id);
                data.from_profile = self.named.profile(event.from_profile_id);
            }
            Type::ContactDetached | Type::ContactDeleted => {
                data.from_profile = self.named.profile(event.from_profile_id);
            }
            Type::Message | Type::File | Type::ContactCreated => {}
        }
        Ok(Told { actor: self.people.get(event.actor()), contact: event.contact_id, data })
    }

    /// What a note said from then on, unless it is deleted.
    fn note(&self, event: &EventRow) -> Result<TimelineNote> {
        let id = NoteId(event.resource_id);
        let on = (event.profile_id.map(On::Profile))
            .or(event.contact_id.map(On::Contact))
            .or(self.named.conversation(event.conversation_id).map(|conversation| On::Conversation(conversation.id)))
            .ok_or_else(|| Error::internal("a note on nothing"))?;
        let body = member(&event.after, "body").as_str().map(str::to_owned);
        Ok(TimelineNote { id, on: on.into(), body: body.filter(|_| self.named.has_note(id)) })
    }

    fn changes(&self, event: &EventRow) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        for name in ["name", "kind"] {
            if event.after.as_ref().is_some_and(|after| after.get(name).is_some()) {
                let (old, new) = (member(&event.before, name), member(&event.after, name));
                changes.push(FieldChange::new(name.to_owned(), None, old, new));
            }
        }
        let fields = |side| member(side, "fields");
        let (before, after) = (fields(&event.before), fields(&event.after));
        for (key, new) in after.as_object().into_iter().flatten() {
            let old = before.get(key).cloned().unwrap_or_default();
            changes.push(FieldChange::new(format!("fields.{key}"), self.named.label(key), old, new.clone()));
        }
        changes
    }
}

/// An entry but for its place.
struct Told {
    actor: Option<Actor>,
    contact: Option<ContactId>,
    data: TimelineData,
}

impl FieldChange {
    fn new(field: String, label: Option<String>, old: Value, new: Value) -> Self {
        let value = |value: Value| Some(value).filter(|value| !value.is_null());
        Self { field, label, old: value(old), new: value(new) }
    }
}

/// Null where there is none.
fn member(side: &Option<Value>, name: &str) -> Value {
    side.as_ref().and_then(|side| side.get(name)).cloned().unwrap_or_default()
}
