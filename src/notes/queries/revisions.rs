//! The earlier texts of a note, from the events that keep them.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::{found, not_found};
use crate::access;
use crate::actor::{ActorRef, ActorType};
use crate::db::keyset;
use crate::db::schema::{events, notes};
use crate::error::{Error, Result};
use crate::http::page::Page;
use crate::ids::{EventId, NoteId, OrganizationId};
use crate::notes::types::{NoteRevision, NoteRevisionList};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
struct TextRow {
    id: EventId,
    version: Option<i32>,
    occurred_at: DateTime<Utc>,
    actor_type: ActorType,
    actor_id: Option<Uuid>,
    after: Option<Value>,
}

impl TextRow {
    fn author(&self) -> ActorRef {
        ActorRef { kind: self.actor_type, id: self.actor_id }
    }
}

/// Newest first; the text that the note has now isn't among them.
pub fn list_revisions(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: NoteId,
    page: &Page,
) -> Result<NoteRevisionList> {
    found(organization, id).select(notes::id).first::<NoteId>(conn).optional()?.ok_or_else(not_found)?;
    let mut query = texts(organization, id).select(TextRow::as_select()).limit(page.rows());
    query = match page.after::<i32>()? {
        Some(version) => query.filter(events::version.lt(version)),
        None => query.offset(1),
    };
    let mut rows: Vec<TextRow> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| row.version)?;
    let count = keyset::count(conn, page, || texts(organization, id).select(events::id).offset(1))?;
    let people = access::people(conn, organization, rows.iter().map(TextRow::author))?;
    let revision = |row: TextRow| {
        let body = row.after.as_ref().and_then(|after| after.get("body")).and_then(Value::as_str);
        Ok(NoteRevision {
            id: row.id,
            body: body.ok_or_else(|| Error::internal(format!("the event {} has no text", row.id)))?.to_owned(),
            author: people.get(row.author()),
            written_at: row.occurred_at,
        })
    };
    Ok(NoteRevisionList { data: rows.into_iter().map(revision).collect::<Result<_>>()?, next_cursor, count })
}

/// What wrote a text, newest first: by version, which unlike an id doesn't depend on a clock.
fn texts<'a>(organization: OrganizationId, id: NoteId) -> events::BoxedQuery<'a, Pg> {
    events::table
        .filter(events::organization_id.eq(organization))
        .filter(events::resource_id.eq(id.0))
        .filter(events::type_.eq_any(["note.created", "note.updated"]))
        .filter(events::after.has_key("body"))
        .order(events::version.desc())
        .into_boxed()
}
