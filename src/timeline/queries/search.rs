//! Words sought on a timeline: each entry is found by what it says itself.

use std::collections::HashSet;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::super::TimelineType;
use super::stretch::{EntryKey, Stretch};
use super::tables::Table;
use crate::db::newest::{self, Source};
use crate::error::Result;
use crate::search_query::SearchQuery;

/// How many entries may be looked at for a page.
const MOST: usize = 10_000;

/// Of a step that is longer, a quarter may do.
const LONG: i64 = 200;

/// A stretch of a timeline in which words are sought, from where it begins and in its direction.
pub struct Searched<'q> {
    stretch: Stretch,
    query: &'q SearchQuery,
}

impl<'q> Searched<'q> {
    pub fn new(stretch: Stretch, query: &'q SearchQuery) -> Self {
        Self { stretch, query }
    }

    /// All that the index of words finds.
    pub fn all(&self) -> Found {
        self.found(self.stretch.clone(), i64::MAX)
    }

    fn found(&self, stretch: Stretch, limit: i64) -> Found {
        Found { tsquery: newest::scoped(stretch.organization, self.query), stretch, limit }
    }

    fn behind(&self, after: Option<EntryKey>) -> Stretch {
        let place = after.map(|key| key.place()).or(self.stretch.place);
        self.stretch.clone().from(place, self.stretch.direction)
    }
}

impl Source for Searched<'_> {
    type Key = EntryKey;

    fn next(&self, conn: &mut PgConnection, after: Option<EntryKey>, step: i64) -> Result<(Vec<EntryKey>, bool)> {
        let reach = if step > LONG { step / 4 } else { step };
        let keys: Vec<EntryKey> = self.behind(after).limit(step).reach(reach).load(conn)?;
        let is_end = i64::try_from(keys.len()).unwrap_or(i64::MAX) < reach;
        Ok((keys, is_end))
    }

    fn having(&self, conn: &mut PgConnection, keys: Vec<EntryKey>) -> Result<Vec<EntryKey>> {
        let mut having: HashSet<Uuid> = HashSet::new();
        for (table, _) in &self.stretch.sources {
            let ids = keys.iter().filter(|key| Table::of(key.kind) == *table).map(|key| key.event).collect();
            let (texts, id) = table.texts();
            having.extend(newest::having(conn, self.stretch.organization, texts, id, ids, self.query)?);
        }
        // One event may be several entries, of which one says it.
        let says = |key: &EntryKey| TimelineType::SEARCHED.contains(&key.kind) && having.contains(&key.event);
        Ok(keys.into_iter().filter(says).collect())
    }

    fn is_rare(&self, conn: &mut PgConnection) -> Result<bool> {
        for (table, _) in &self.stretch.sources {
            let (texts, _) = table.texts();
            if !newest::is_rare(conn, self.stretch.organization, texts, self.query)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn looked_up(&self, conn: &mut PgConnection, after: Option<EntryKey>, limit: i64) -> Result<Vec<EntryKey>> {
        Ok(self.found(self.behind(after), limit).load(conn)?)
    }

    fn most(&self) -> usize {
        MOST
    }
}

/// Entries by the index of words: first all that it finds in the organization, then those on this timeline.
#[derive(Debug, Clone)]
pub struct Found {
    stretch: Stretch,
    tsquery: String,
    limit: i64,
}

/// The statement depends on what is asked for: it is prepared by its text.
impl QueryId for Found {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Found {
    type SqlType = <Stretch as Query>::SqlType;
}

impl RunQueryDsl<PgConnection> for Found {}

impl QueryFragment<Pg> for Found {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Fenced: a prepared plan might read whole histories beside the index of words.
        out.push_sql("SELECT DISTINCT ON (at, id) at, id, type, event_id, owner FROM (");
        for (index, (table, owners)) in self.stretch.sources.iter().enumerate() {
            out.push_sql(if index == 0 { "SELECT " } else { " UNION ALL SELECT " });
            for part in ["entry.", table.at(), " AS at, entry.id, ", table.columns(), ", ", table.owner(), " AS owner"]
            {
                out.push_sql(part);
            }
            out.push_sql(" FROM (SELECT * FROM ");
            self.push_texts(*table, out.reborrow())?;
            if *table == Table::Events {
                out.push_sql(
                    " OFFSET 0) AS texts CROSS JOIN LATERAL (SELECT * FROM timeline_entries WHERE organization_id = ",
                );
                out.push_bind_param::<SqlUuid, _>(&self.stretch.organization)?;
                out.push_sql(" AND event_id = texts.event_id");
            }
            out.push_sql(" OFFSET 0) AS entry WHERE ");
            out.push_sql(table.owner());
            out.push_sql(" = ANY (");
            out.push_bind_param::<Array<SqlUuid>, _>(owners)?;
            out.push_sql(")");
            if *table == Table::Events {
                out.push_sql(" AND entry.type = ANY (");
                out.push_bind_param::<Array<Text>, [TimelineType]>(&TimelineType::SEARCHED)?;
                out.push_sql(")");
            }
            self.stretch.push_told(*table, out.reborrow())?;
        }
        out.push_sql(") AS found");
        if let Some((at, id)) = &self.stretch.place {
            out.push_sql(" WHERE (at, id)");
            out.push_sql(self.stretch.direction.further());
            out.push_sql("(");
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        self.stretch.push_order("at", "id", &mut out);
        out.push_sql(", owner LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl Found {
    /// Whatever of the organization has the words.
    fn push_texts<'b>(&'b self, table: Table, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (texts, _) = table.texts();
        out.push_identifier(texts)?;
        out.push_sql(" WHERE ");
        out.push_sql(table.only());
        out.push_sql("search @@ ");
        out.push_bind_param::<Text, _>(&self.tsquery)?;
        out.push_sql("::tsquery AND organization_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.stretch.organization)
    }
}
