//! What happened to a profile or a contact, from the one table of what happened.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::expression::ValidGrouping;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;
use uuid::Uuid;

use crate::access;
use crate::actor::{ActorRef, ActorType};
use crate::contacts;
use crate::db::keyset;
use crate::db::schema::{contacts as contact_table, events};
use crate::db::subject::Subject;
use crate::error::{Code, Error, Result};
use crate::http::page::{Count, CountMode, Page};
use crate::ids::{ContactId, EventId, OrganizationId, ProfileId};
use crate::profiles::types::{HistoryAction, HistoryEntry, HistoryList};

/// The events that a history tells, and what it calls them.
const ACTIONS: [(&str, HistoryAction); 8] = [
    ("profile.created", HistoryAction::Created),
    ("profile.merged", HistoryAction::Merged),
    ("profile.deleted", HistoryAction::Deleted),
    ("contact.created", HistoryAction::Created),
    ("contact.attached", HistoryAction::Attached),
    ("contact.detached", HistoryAction::Detached),
    ("contact.moved", HistoryAction::Moved),
    ("contact.deleted", HistoryAction::Deleted),
];

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
struct EventRow {
    id: EventId,
    occurred_at: DateTime<Utc>,
    actor_type: ActorType,
    actor_id: Option<Uuid>,
    type_: String,
    profile_id: Option<ProfileId>,
    from_profile_id: Option<ProfileId>,
    contact_id: Option<ContactId>,
}

impl EventRow {
    fn actor(&self) -> ActorRef {
        ActorRef { kind: self.actor_type, id: self.actor_id }
    }
}

type Events = events::BoxedQuery<'static, Pg>;

fn told(organization: OrganizationId) -> Events {
    events::table.filter(events::organization_id.eq(organization)).filter(IsTold).into_boxed()
}

/// That an event is one of those, in the words of the indexes that hold no others: of a parameter the planner can't say.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
struct IsTold;

impl Expression for IsTold {
    type SqlType = Bool;
}

impl<QS> AppearsOnTable<QS> for IsTold {}

impl<QS> SelectableExpression<QS> for IsTold {}

impl QueryFragment<Pg> for IsTold {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let names = ACTIONS.map(|(name, _)| format!("'{name}'")).join(", ");
        out.push_sql(&format!("events.type IN ({names})"));
        Ok(())
    }
}

pub fn contact_history(
    conn: &mut PgConnection,
    organization: OrganizationId,
    contact: ContactId,
    page: &Page,
) -> Result<HistoryList> {
    let found: Option<ContactId> =
        contact_table::table.find((organization, contact)).select(contact_table::id).first(conn).optional()?;
    found.ok_or_else(|| Error::not_found(Code::ContactNotFound))?;
    history(conn, organization, &[&|| told(organization).filter(events::contact_id.eq(contact))], page)
}

pub fn profile_history(
    conn: &mut PgConnection,
    organization: OrganizationId,
    profile: ProfileId,
    page: &Page,
) -> Result<HistoryList> {
    Subject::Profile(profile).find(conn, organization)?;
    let came = || told(organization).filter(events::profile_id.eq(profile));
    let left = || told(organization).filter(events::from_profile_id.eq(profile));
    history(conn, organization, &[&came, &left], page)
}

/// Newest first, from each of `sources` in the order of its index.
fn history(
    conn: &mut PgConnection,
    organization: OrganizationId,
    sources: &[&dyn Fn() -> Events],
    page: &Page,
) -> Result<HistoryList> {
    let after: Option<EventId> = page.after()?;
    let mut rows: Vec<EventRow> = Vec::new();
    let mut count: Option<Count> = None;
    for source in sources {
        let mut query = source().select(EventRow::as_select()).order(events::id.desc()).limit(page.rows());
        if let Some(last) = after {
            query = query.filter(events::id.lt(last));
        }
        rows.extend(query.load(conn)?);
        if let Some(more) = keyset::count(conn, page, || source().select(events::id))? {
            let value = count.map_or(0, |count| count.value) + more.value;
            count = Some(Count { value, exact: page.count == Some(CountMode::Exact) });
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.dedup_by_key(|row| row.id);
    let next_cursor = page.cut(&mut rows, |row| row.id)?;
    Ok(HistoryList { data: entries(conn, organization, rows)?, next_cursor, count })
}

fn entries(conn: &mut PgConnection, organization: OrganizationId, rows: Vec<EventRow>) -> Result<Vec<HistoryEntry>> {
    let people = access::people(conn, organization, rows.iter().map(EventRow::actor))?;
    let of_row = |row: &EventRow| [row.profile_id, row.from_profile_id];
    let profiles = contacts::profile_refs(conn, organization, rows.iter().flat_map(of_row).flatten())?;
    let ids: HashSet<ContactId> = rows.iter().filter_map(|row| row.contact_id).collect();
    let mut contacts = contacts::contact_refs(conn, organization, ids.iter().copied())?;
    let gone: Vec<ContactId> = ids.into_iter().filter(|id| !contacts.contains_key(id)).collect();
    contacts.extend(contacts::deleted_contact_refs(conn, organization, gone)?);
    let profile = |id: Option<ProfileId>| profiles.get(&id?).cloned();
    let entry = |row: EventRow| {
        let (_, action) = ACTIONS.into_iter().find(|(name, _)| *name == row.type_)?;
        Some(HistoryEntry {
            id: row.id,
            action,
            actor: people.get(row.actor()),
            contact: row.contact_id.and_then(|id| contacts.get(&id).cloned()),
            profile: profile(row.profile_id),
            from_profile: profile(row.from_profile_id),
            at: row.occurred_at,
        })
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}
