//! Notes that are deleted, by themselves or with what they are on. Their events keep what they said.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::Tx;
use super::events::{self, Event};
use super::schema::notes;
use super::subject::Subject;
use crate::actor::ActorType;
use crate::error::Result;
use crate::ids::{ContactId, ConversationId, NoteId, ProfileId, UserId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = notes, check_for_backend(diesel::pg::Pg))]
struct GoneNote {
    id: NoteId,
    profile_id: Option<ProfileId>,
    contact_id: Option<ContactId>,
    conversation_id: Option<ConversationId>,
    body: String,
    author_type: ActorType,
    author_id: Option<Uuid>,
    pinned: bool,
    mentions: Vec<Option<UserId>>,
    created_at: DateTime<Utc>,
    version: i32,
}

pub fn delete_note(tx: &mut Tx, id: NoteId) -> Result<()> {
    let gone = diesel::delete(notes::table.find((tx.organization, id))).returning(GoneNote::as_returning());
    let gone = gone.load(tx.conn)?;
    record(tx, gone)
}

/// Those on what is about to be deleted, and is locked against new ones.
pub fn delete_notes_on(tx: &mut Tx, subject: Subject) -> Result<()> {
    let notes = diesel::delete(notes::table).filter(notes::organization_id.eq(tx.organization)).into_boxed();
    let on_subject = match subject {
        Subject::Profile(id) => notes.filter(notes::profile_id.eq(id)),
        Subject::Contact(id) => notes.filter(notes::contact_id.eq(id)),
        Subject::Conversation(id) => notes.filter(notes::conversation_id.eq(id)),
    };
    let gone = on_subject.returning(GoneNote::as_returning()).load(tx.conn)?;
    record(tx, gone)
}

fn record(tx: &mut Tx, gone: Vec<GoneNote>) -> Result<()> {
    let event = |note: GoneNote| {
        let event = Event::new("note.deleted", note.id.0).version(note.version);
        event.profile(note.profile_id).contact(note.contact_id).conversation(note.conversation_id).before(json!({
            "body": note.body, "pinned": note.pinned, "mentions": note.mentions,
            "author": { "type": note.author_type, "id": note.author_id }, "created_at": note.created_at,
        }))
    };
    events::record_all(tx, gone.into_iter().map(event).collect())
}
