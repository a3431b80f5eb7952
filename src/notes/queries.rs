//! All Diesel of notes.

mod mentions;
mod revisions;

use std::cmp::Reverse;
use std::iter;

use chrono::{DateTime, Utc};
use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Record, Timestamptz, Uuid as SqlUuid};
use serde_json::{Map, json};
use uuid::Uuid;

use super::mentioned::mentioned;
use super::types::{CreateNote, Note, NoteList, UpdateNote};
use super::{On, types::MAX_MENTIONS};
use crate::access;
use crate::actor::{ActorRef, ActorType, Caller};
use crate::db::events::{self, Event};
use crate::db::gone_notes;
use crate::db::schema::{notes, profiles};
use crate::db::search_vector::{self, EDITION, SearchVector, Weight};
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, FieldCode, FieldError, Result};
use crate::http::page::Page;
use crate::http::version::IfMatch;
use crate::ids::{ContactId, ConversationId, NoteId, OrganizationId, ProfileId, UserId};

pub use mentions::{count_mentions, list_mentions, mark_mention};
pub use revisions::list_revisions;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = notes, check_for_backend(diesel::pg::Pg))]
struct NoteRow {
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
    edited_at: Option<DateTime<Utc>>,
    edited_by_type: Option<ActorType>,
    edited_by_id: Option<Uuid>,
    version: i32,
}

impl NoteRow {
    fn author(&self) -> ActorRef {
        ActorRef { kind: self.author_type, id: self.author_id }
    }

    fn edited_by(&self) -> Option<ActorRef> {
        self.edited_by_type.map(|kind| ActorRef { kind, id: self.edited_by_id })
    }

    fn mentions(&self) -> Vec<UserId> {
        self.mentions.iter().copied().flatten().collect()
    }

    /// The table holds exactly one of the three.
    fn on(&self) -> Result<On> {
        let on = (self.profile_id.map(On::Profile))
            .or(self.contact_id.map(On::Contact))
            .or(self.conversation_id.map(On::Conversation));
        on.ok_or_else(|| Error::internal("a note on nothing"))
    }

    fn event(&self, kind: &'static str) -> Event {
        Event::new(kind, self.id.0)
            .profile(self.profile_id)
            .contact(self.contact_id)
            .conversation(self.conversation_id)
            .version(self.version)
    }
}

/// Pinned ones first, then the newest. 404 for what isn't there.
pub fn list_notes(conn: &mut PgConnection, organization: OrganizationId, on: On, page: &Page) -> Result<NoteList> {
    let on = on.find(conn, organization)?;
    page_of_notes(conn, organization, on, page)
}

/// The first pages of the notes on this, and on that if there is one, and how many each has; at most `cap + 1`, which
/// says that there are more.
pub fn first_notes(
    conn: &mut PgConnection,
    organization: OrganizationId,
    this: (On, Page),
    that: Option<(On, Page)>,
    cap: i64,
) -> Result<Vec<(NoteList, i64)>> {
    let first = |(on, page): &(On, Page)| in_order(notes_on(organization, *on)).limit(page.rows());
    let mut rows: Vec<NoteRow> = match &that {
        Some(that) => first(&this).union_all(first(that)).load(conn)?,
        None => first(&this).load(conn)?,
    };
    rows.sort_by_key(|row| Reverse(place(row)));
    let mut lists = Vec::new();
    let mut shown = Vec::new();
    for (on, page) in iter::once(this).chain(that) {
        let mut of_it: Vec<NoteRow> = rows.extract_if(.., |row| row.on().is_ok_and(|other| other == on)).collect();
        let next_cursor = page.cut(&mut of_it, place)?;
        let count = match next_cursor {
            Some(_) => keyset::count_limited(conn, notes_on(organization, on).select(notes::id).limit(cap + 1))?,
            None => i64::try_from(of_it.len()).map_err(Error::internal)?,
        };
        lists.push((of_it.len(), next_cursor, count));
        shown.extend(of_it);
    }
    let mut shown = views(conn, organization, shown)?.into_iter();
    let list = |(length, next_cursor, count)| {
        (NoteList { data: shown.by_ref().take(length).collect(), next_cursor, count: None }, count)
    };
    Ok(lists.into_iter().map(list).collect())
}

/// By which notes are sorted: pinned ones first, then the newest.
fn place(row: &NoteRow) -> (bool, DateTime<Utc>, NoteId) {
    (row.pinned, row.created_at, row.id)
}

#[diesel::dsl::auto_type]
fn in_order<'a>(of: notes::BoxedQuery<'a, Pg>) -> _ {
    let row: AsSelect<NoteRow, Pg> = NoteRow::as_select();
    of.select(row).order((notes::pinned.desc(), notes::created_at.desc(), notes::id.desc()))
}

fn page_of_notes(conn: &mut PgConnection, organization: OrganizationId, on: On, page: &Page) -> Result<NoteList> {
    let mut query = in_order(notes_on(organization, on)).limit(page.rows());
    if let Some(after) = page.after::<(bool, DateTime<Utc>, NoteId)>()? {
        let key = (notes::pinned, notes::created_at, notes::id).into_sql::<Record<(Bool, Timestamptz, SqlUuid)>>();
        query = query.filter(key.lt(after));
    }
    let mut rows: Vec<NoteRow> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, place)?;
    let count = keyset::count(conn, page, || notes_on(organization, on).select(notes::id))?;
    Ok(NoteList { data: views(conn, organization, rows)?, next_cursor, count })
}

fn notes_on<'a>(organization: OrganizationId, on: On) -> notes::BoxedQuery<'a, Pg> {
    let query = notes::table.filter(notes::organization_id.eq(organization)).into_boxed();
    match on {
        On::Profile(id) => query.filter(notes::profile_id.eq(id)),
        On::Contact(id) => query.filter(notes::contact_id.eq(id)),
        On::Conversation(id) => query.filter(notes::conversation_id.eq(id)),
    }
}

pub fn create_note(tx: &mut Tx, on: On, body: &CreateNote) -> Result<Note> {
    let on = on.hold(tx)?;
    let mut mentions = check_mentions(tx, &body.mentions, &[])?;
    add(&mut mentions, mentioned_in(tx, &body.body)?);
    let (profile, contact, conversation) = match on {
        On::Profile(id) => (Some(id), None, None),
        On::Contact(id) => (None, Some(id), None),
        On::Conversation(id) => (None, None, Some(id)),
    };
    let search = vector(tx.conn, tx.organization, &body.body)?;
    let row: NoteRow = diesel::insert_into(notes::table)
        .values((
            notes::organization_id.eq(tx.organization),
            notes::id.eq(NoteId::new()),
            notes::profile_id.eq(profile),
            notes::contact_id.eq(contact),
            notes::conversation_id.eq(conversation),
            notes::body.eq(&body.body),
            notes::author_type.eq(tx.actor.kind),
            notes::author_id.eq(tx.actor.id),
            notes::pinned.eq(body.pinned),
            notes::mentions.eq(&mentions),
            notes::created_at.eq(tx.now),
            notes::search.eq(search),
            notes::search_edition.eq(EDITION),
        ))
        .returning(NoteRow::as_returning())
        .get_result(tx.conn)?;
    mentions::set_mentions(tx, row.id, &mentions)?;
    let after = json!({ "body": row.body, "pinned": row.pinned, "mentions": row.mentions });
    events::record(tx, row.event("note.created").after(after))?;
    view(tx.conn, tx.organization, row)
}

pub fn get_note(conn: &mut PgConnection, organization: OrganizationId, id: NoteId) -> Result<Note> {
    let row = found(organization, id).select(NoteRow::as_select()).first(conn).optional()?;
    view(conn, organization, row.ok_or_else(not_found)?)
}

/// Its author stays; its event keeps the earlier text.
pub fn update_note(tx: &mut Tx, id: NoteId, if_match: &IfMatch, body: &UpdateNote) -> Result<Note> {
    let row = lock_note(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    let text = body.body.as_ref().unwrap_or(&row.body);
    let mut mentions = row.mentions();
    if let Some(given) = &body.mentions {
        mentions = check_mentions(tx, given, &mentions)?;
    } else if *text != row.body {
        // Who was mentioned by the earlier text alone is not any more.
        let earlier = mentioned_in(tx, &row.body)?;
        mentions.retain(|id| !earlier.contains(id));
    }
    if body.mentions.is_some() || *text != row.body {
        add(&mut mentions, mentioned_in(tx, text)?);
    }
    let pinned = body.pinned.unwrap_or(row.pinned);
    let mut before = Map::new();
    let mut after = Map::new();
    for (name, was, becomes) in [
        ("body", json!(row.body), json!(text)),
        ("mentions", json!(row.mentions), json!(mentions)),
        ("pinned", json!(row.pinned), json!(pinned)),
    ] {
        if was != becomes {
            before.insert(name.to_owned(), was);
            after.insert(name.to_owned(), becomes);
        }
    }
    if after.is_empty() {
        return view(tx.conn, tx.organization, row);
    }
    // To pin it is not to edit it.
    let (edited_at, edited_by) = match after.contains_key("body") || after.contains_key("mentions") {
        true => (Some(tx.now), Some(tx.actor)),
        false => (row.edited_at, row.edited_by()),
    };
    let search = vector(tx.conn, tx.organization, text)?;
    let row: NoteRow = diesel::update(notes::table.find((tx.organization, id)))
        .set((
            notes::body.eq(text),
            notes::pinned.eq(pinned),
            notes::mentions.eq(&mentions),
            notes::edited_at.eq(edited_at),
            notes::edited_by_type.eq(edited_by.map(|actor| actor.kind)),
            notes::edited_by_id.eq(edited_by.and_then(|actor| actor.id)),
            notes::version.eq(row.version + 1),
            notes::search.eq(search),
            notes::search_edition.eq(EDITION),
        ))
        .returning(NoteRow::as_returning())
        .get_result(tx.conn)?;
    if after.contains_key("mentions") {
        mentions::set_mentions(tx, id, &mentions)?;
    }
    events::record(tx, row.event("note.updated").change(before.into(), after.into()))?;
    view(tx.conn, tx.organization, row)
}

/// One's own, or as an administrator another's.
pub fn delete_note(tx: &mut Tx, caller: &Caller, id: NoteId, if_match: &IfMatch) -> Result<()> {
    let row = lock_note(tx, id)?;
    if row.author() != tx.actor && caller.require_admin().is_err() {
        return Err(Error::new(Code::NotAuthor, "Another's note is deleted by an administrator."));
    }
    if_match.check(tx, id.0, row.version)?;
    gone_notes::delete_note(tx, id)
}

/// Moves the notes of conversations that turned out to be part of another.
pub fn move_notes(tx: &mut Tx, from: &[ConversationId], to: ConversationId) -> Result<()> {
    diesel::update(notes::table)
        .filter(notes::organization_id.eq(tx.organization))
        .filter(notes::conversation_id.eq_any(from))
        .set(notes::conversation_id.eq(to))
        .execute(tx.conn)?;
    Ok(())
}

/// The note, unless it is on a profile that is deleted.
#[diesel::dsl::auto_type]
fn found(organization: OrganizationId, id: NoteId) -> _ {
    notes::table.find((organization, id)).filter(
        notes::profile_id.is_null().or(diesel::dsl::exists(
            profiles::table
                .filter(profiles::organization_id.eq(organization))
                .filter(profiles::id.nullable().eq(notes::profile_id))
                .filter(profiles::deleted_at.is_null()),
        )),
    )
}

fn lock_note(tx: &mut Tx, id: NoteId) -> Result<NoteRow> {
    let row = found(tx.organization, id).select(NoteRow::as_select()).for_update().first(tx.conn).optional()?;
    row.ok_or_else(not_found)
}

/// By which a note is found.
fn vector(conn: &mut PgConnection, organization: OrganizationId, body: &str) -> Result<SearchVector> {
    let stemmer = search_vector::stemmer(conn, organization)?;
    Ok(SearchVector::new(organization, stemmer).with(body, Weight::Written))
}

/// Up to `limit` notes that an earlier edition indexed, locked for nobody else to do the same; says how many there were.
pub fn reindex_notes(conn: &mut PgConnection, limit: i64) -> Result<usize> {
    let stale: Vec<(OrganizationId, NoteId, String)> = notes::table
        .filter(notes::search_edition.lt(EDITION))
        .select((notes::organization_id, notes::id, notes::body))
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .load(conn)?;
    for (organization, id, body) in &stale {
        let search = vector(conn, *organization, body)?;
        diesel::update(notes::table.find((organization, id)))
            .set((notes::search.eq(search), notes::search_edition.eq(EDITION)))
            .execute(conn)?;
    }
    Ok(stale.len())
}

/// Each once; 422 for who isn't an active user of the organization, unless the note mentioned them before.
fn check_mentions(tx: &mut Tx, mentions: &[UserId], before: &[UserId]) -> Result<Vec<UserId>> {
    let colleagues = access::colleagues(tx.conn, tx.organization)?;
    let mut known = Vec::new();
    let mut errors = Vec::new();
    for (index, id) in mentions.iter().enumerate() {
        if !before.contains(id) && !colleagues.iter().any(|colleague| colleague.id == *id) {
            let field = format!("/mentions/{index}");
            errors.push(FieldError::body(field, FieldCode::UserNotFound, "is no active user of this organization"));
        } else if !known.contains(id) {
            known.push(*id);
        }
    }
    if errors.is_empty() { Ok(known) } else { Err(Error::invalid(errors)) }
}

/// Whom the text mentions by name or address.
fn mentioned_in(tx: &mut Tx, text: &str) -> Result<Vec<UserId>> {
    match text.contains('@') {
        true => Ok(mentioned(text, &access::colleagues(tx.conn, tx.organization)?)),
        false => Ok(Vec::new()),
    }
}

/// Adds these, each once, as far as there is room.
fn add(mentions: &mut Vec<UserId>, more: Vec<UserId>) {
    for id in more {
        if !mentions.contains(&id) && mentions.len() < MAX_MENTIONS {
            mentions.push(id);
        }
    }
}

fn view(conn: &mut PgConnection, organization: OrganizationId, row: NoteRow) -> Result<Note> {
    views(conn, organization, vec![row])?.pop().ok_or_else(not_found)
}

fn views(conn: &mut PgConnection, organization: OrganizationId, rows: Vec<NoteRow>) -> Result<Vec<Note>> {
    let actors = rows.iter().flat_map(|row| [Some(row.author()), row.edited_by()]).flatten();
    let people = access::people(conn, organization, actors)?;
    rows.into_iter()
        .map(|row| {
            Ok(Note {
                id: row.id,
                on: row.on()?.into(),
                author: people.get(row.author()),
                edited_by: row.edited_by().and_then(|actor| people.get(actor)),
                mentions: row.mentions(),
                body: row.body,
                pinned: row.pinned,
                created_at: row.created_at,
                edited_at: row.edited_at,
                version: row.version,
            })
        })
        .collect()
}

fn not_found() -> Error {
    Error::not_found(Code::NoteNotFound)
}
