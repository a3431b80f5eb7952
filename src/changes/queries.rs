//! All Diesel of changes.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Record, Uuid as SqlUuid};
use uuid::Uuid;

use super::types::{Change, ChangeFilter, ChangeList, ChangedResource};
use crate::access;
use crate::actor::{ActorRef, ActorType};
use crate::db::schema::events;
use crate::error::Result;
use crate::http::page::Page;
use crate::ids::{EventId, OrganizationId};

/// Behind this event: its transaction and its id.
type Place = (i64, EventId);

#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
struct EventRow {
    id: EventId,
    transaction_id: i64,
    occurred_at: DateTime<Utc>,
    actor_type: ActorType,
    actor_id: Option<Uuid>,
    type_: String,
    resource_type: String,
    resource_id: Uuid,
    version: Option<i32>,
}

/// What happened behind the page's cursor; without a cursor nothing yet, and the place that is now.
pub fn list_changes(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &ChangeFilter,
    page: &Page,
) -> Result<ChangeList> {
    // Every transaction below this one has ended: what it wrote is visible, and it writes no more.
    let settled: i64 =
        diesel::select(sql::<BigInt>("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).get_result(conn)?;
    let end: Place = (settled - 1, EventId(Uuid::max()));
    let Some(after) = page.after::<Place>()? else {
        return Ok(ChangeList { data: Vec::new(), next_cursor: page.cursor_at(&end)? });
    };
    let mut query = events::table
        .filter(events::organization_id.eq(organization))
        .filter((events::transaction_id, events::id).into_sql::<Record<(BigInt, SqlUuid)>>().gt(after))
        .filter(events::transaction_id.lt(settled))
        .order((events::transaction_id, events::id))
        .limit(page.rows())
        .select(EventRow::as_select())
        .into_boxed();
    if !filter.kind.is_empty() {
        query = query.filter(events::type_.eq_any(filter.kind.clone()));
    }
    let mut rows: Vec<EventRow> = query.load(conn)?;
    // A page that isn't full has seen all there is, also what the filter left out.
    let next_cursor = match page.cut(&mut rows, |row| (row.transaction_id, row.id))? {
        Some(cursor) => cursor,
        None => page.cursor_at(&end.max(after))?,
    };
    let actor = |row: &EventRow| ActorRef { kind: row.actor_type, id: row.actor_id };
    let people = access::people(conn, organization, rows.iter().map(actor))?;
    let data = rows
        .into_iter()
        .map(|row| Change {
            actor: people.get(actor(&row)),
            id: row.id,
            kind: row.type_,
            resource: ChangedResource { kind: row.resource_type, id: row.resource_id },
            version: row.version,
            at: row.occurred_at,
        })
        .collect();
    Ok(ChangeList { data, next_cursor })
}
