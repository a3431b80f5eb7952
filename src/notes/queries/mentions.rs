//! Who is mentioned in which note, and whether they have seen it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::{NoteRow, not_found, views};
use crate::db::schema::{contacts, conversations, note_mentions, notes, profiles};
use crate::db::{Tx, keyset};
use crate::error::Result;
use crate::http::page::Page;
use crate::ids::{ContactId, ConversationId, NoteId, OrganizationId, ProfileId, UserId};
use crate::notes::On;
use crate::notes::types::{Mention, MentionCounts, MentionFilter, MentionList, MentionedOn, Noted};

/// Unread ones are counted up to here.
const COUNT_CAP: i64 = 999;

/// Makes the mentions of a note these: who is new among them hasn't read it, who isn't among them any more loses it.
pub fn set_mentions(tx: &mut Tx, note: NoteId, mentions: &[UserId]) -> Result<()> {
    diesel::delete(note_mentions::table)
        .filter(note_mentions::organization_id.eq(tx.organization))
        .filter(note_mentions::note_id.eq(note))
        .filter(note_mentions::user_id.ne_all(mentions))
        .execute(tx.conn)?;
    let rows: Vec<_> = mentions
        .iter()
        .map(|user| {
            (
                note_mentions::organization_id.eq(tx.organization),
                note_mentions::note_id.eq(note),
                note_mentions::user_id.eq(*user),
                note_mentions::mentioned_at.eq(tx.now),
            )
        })
        .collect();
    diesel::insert_into(note_mentions::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    Ok(())
}

/// The newest first.
pub fn list_mentions(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    filter: &MentionFilter,
    page: &Page,
) -> Result<MentionList> {
    let listed = || match filter.unread {
        None => mentions_of(organization, user),
        Some(true) => mentions_of(organization, user).filter(note_mentions::read_at.is_null()),
        Some(false) => mentions_of(organization, user).filter(note_mentions::read_at.is_not_null()),
    };
    let mut query = listed()
        .select((note_mentions::note_id, note_mentions::mentioned_at, note_mentions::read_at))
        .order((note_mentions::mentioned_at.desc(), note_mentions::note_id.desc()))
        .limit(page.rows());
    if let Some(after) = page.after::<(DateTime<Utc>, NoteId)>()? {
        let key = (note_mentions::mentioned_at, note_mentions::note_id).into_sql::<Record<(Timestamptz, SqlUuid)>>();
        query = query.filter(key.lt(after));
    }
    let mut rows: Vec<(NoteId, DateTime<Utc>, Option<DateTime<Utc>>)> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |(note, mentioned_at, _)| (*mentioned_at, *note))?;
    let count = keyset::count(conn, page, || listed().select(note_mentions::note_id))?;
    let found: Vec<NoteRow> = notes::table
        .filter(notes::organization_id.eq(organization))
        .filter(notes::id.eq_any(rows.iter().map(|(note, ..)| *note)))
        .select(NoteRow::as_select())
        .load(conn)?;
    let on = found.iter().map(NoteRow::on).collect::<Result<Vec<On>>>()?;
    let names = names(conn, organization, &on)?;
    let notes = views(conn, organization, found)?;
    let mut entries: HashMap<NoteId, _> = notes.into_iter().zip(on).map(|(note, on)| (note.id, (note, on))).collect();
    let data = rows.into_iter().filter_map(|(id, mentioned_at, read_at)| {
        let (note, on) = entries.remove(&id)?;
        let Noted { kind, id } = on.into();
        let on = MentionedOn { kind, id, name: names.get(&id)?.clone() };
        Some(Mention { note, on, mentioned_at, read_at })
    });
    Ok(MentionList { data: data.collect(), next_cursor, count })
}

pub fn count_mentions(conn: &mut PgConnection, organization: OrganizationId, user: UserId) -> Result<MentionCounts> {
    let unread = mentions_of(organization, user).filter(note_mentions::read_at.is_null());
    let count = keyset::count_limited(conn, unread.select(note_mentions::note_id).limit(COUNT_CAP + 1))?;
    Ok(MentionCounts { unread: count.min(COUNT_CAP), unread_capped: count > COUNT_CAP })
}

/// Marks a mention as read, or as unread. 404 where the user isn't mentioned.
pub fn mark_mention(tx: &mut Tx, note: NoteId, user: UserId, is_read: bool) -> Result<()> {
    let row = note_mentions::table.find((tx.organization, note, user));
    let read_at: Option<DateTime<Utc>> = mentions_of(tx.organization, user)
        .filter(note_mentions::note_id.eq(note))
        .select(note_mentions::read_at)
        .first(tx.conn)
        .optional()?
        .ok_or_else(not_found)?;
    if read_at.is_some() != is_read {
        diesel::update(row).set(note_mentions::read_at.eq(is_read.then_some(tx.now))).execute(tx.conn)?;
    }
    Ok(())
}

/// But not on profiles that are deleted.
fn mentions_of<'a>(organization: OrganizationId, user: UserId) -> note_mentions::BoxedQuery<'a, Pg> {
    let on_deleted = notes::table
        .inner_join(profiles::table.on(
            profiles::organization_id.eq(notes::organization_id).and(profiles::id.nullable().eq(notes::profile_id)),
        ))
        .filter(notes::organization_id.eq(organization))
        .filter(notes::id.eq(note_mentions::note_id))
        .filter(profiles::deleted_at.is_not_null());
    note_mentions::table
        .filter(note_mentions::organization_id.eq(organization))
        .filter(note_mentions::user_id.eq(user))
        .filter(diesel::dsl::not(diesel::dsl::exists(on_deleted)))
        .into_boxed()
}

/// What people call them: a profile by its name, a contact by its name or address, a conversation by its subject, else
/// by who started it.
fn names(conn: &mut PgConnection, organization: OrganizationId, on: &[On]) -> Result<HashMap<Uuid, String>> {
    let (mut of_profiles, mut of_contacts, mut of_conversations) = (Vec::new(), Vec::new(), Vec::new());
    for on in on {
        match on {
            On::Profile(id) => of_profiles.push(*id),
            On::Contact(id) => of_contacts.push(*id),
            On::Conversation(id) => of_conversations.push(*id),
        }
    }
    let mut names = HashMap::new();
    if !of_profiles.is_empty() {
        let rows: Vec<(ProfileId, String)> = profiles::table
            .filter(profiles::organization_id.eq(organization))
            .filter(profiles::id.eq_any(of_profiles))
            .select((profiles::id, profiles::name))
            .load(conn)?;
        names.extend(rows.into_iter().map(|(id, name)| (id.0, name)));
    }
    if !of_contacts.is_empty() {
        let rows: Vec<(ContactId, Option<String>, String)> = contacts::table
            .filter(contacts::organization_id.eq(organization))
            .filter(contacts::id.eq_any(of_contacts))
            .select((contacts::id, contacts::name, contacts::address))
            .load(conn)?;
        names.extend(rows.into_iter().map(|(id, name, address)| (id.0, name.unwrap_or(address))));
    }
    if !of_conversations.is_empty() {
        let rows: Vec<(ConversationId, Option<String>, Option<String>, String)> = conversations::table
            .inner_join(
                contacts::table.on(contacts::organization_id
                    .eq(conversations::organization_id)
                    .and(contacts::id.eq(conversations::contact_id))),
            )
            .filter(conversations::organization_id.eq(organization))
            .filter(conversations::id.eq_any(of_conversations))
            .select((conversations::id, conversations::subject, contacts::name, contacts::address))
            .load(conn)?;
        names.extend(rows.into_iter().map(|(id, subject, name, address)| {
            let subject = subject.filter(|subject| !subject.trim().is_empty());
            (id.0, subject.or(name).unwrap_or(address))
        }));
    }
    Ok(names)
}
