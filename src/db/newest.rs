//! Searching a list, newest first, at a cost that is bounded whatever is sought.
//!
//! A word that many have fills a page with the first few entries that are looked at. One that few have is looked up in
//! the index of words, all at once. Between the two, and where one is common elsewhere and rare here, the list is
//! walked as far as [`Source::most`] goes; then the page ends, says so, and its cursor goes on from there: nothing
//! appears twice, and nothing is left out.

use std::collections::HashSet;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use serde::Serialize;
use uuid::Uuid;

use super::keyset;
use super::search_vector::owner;
use crate::error::{Error, Result};
use crate::http::page::Page;
use crate::ids::OrganizationId;
use crate::search_query::SearchQuery;

/// As many as may be read of what the index of words finds.
pub const RARE: i64 = 20_000;
/// As many entries of a word as the index may go through to find them.
const MOST_ENTRIES: i64 = 200_000;
/// How many parts of a question are looked at for how common they are.
const SIZED: usize = 4;
/// A walk's steps grow up to this.
const LONGEST_STEP: usize = 2000;

/// A list in which words are sought.
pub trait Source {
    /// By which it is sorted.
    type Key: Copy;

    /// The next entries after a key, at least one where there is one, and whether they are the last ones.
    fn next(&self, conn: &mut PgConnection, after: Option<Self::Key>, step: i64) -> Result<(Vec<Self::Key>, bool)>;

    /// Those of `keys` that have the words, in their order.
    fn having(&self, conn: &mut PgConnection, keys: Vec<Self::Key>) -> Result<Vec<Self::Key>>;

    /// Whether the index of words finds all that have them in a few steps.
    fn is_rare(&self, conn: &mut PgConnection) -> Result<bool>;

    /// The next that have the words, by the index of words.
    fn looked_up(&self, conn: &mut PgConnection, after: Option<Self::Key>, limit: i64) -> Result<Vec<Self::Key>>;

    /// How many entries may be looked at for a page.
    fn most(&self) -> usize;
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<K> {
    pub keys: Vec<K>,
    /// Where looking on had to end before the page was full.
    pub reached: Option<K>,
}

impl<K: Serialize + Copy> Found<K> {
    /// Drops the entry beyond the page, and says where the next page begins, and whether this one ended before it was
    /// full.
    pub fn cut(&mut self, page: &Page) -> Result<(Option<String>, bool)> {
        match (page.cut(&mut self.keys, |key| *key)?, &self.reached) {
            (None, Some(reached)) => Ok((Some(page.cursor_at(reached)?), true)),
            (next_cursor, _) => Ok((next_cursor, false)),
        }
    }
}

/// The first `limit` entries after a key that have the words.
pub fn search<S: Source>(
    conn: &mut PgConnection,
    source: &S,
    after: Option<S::Key>,
    limit: i64,
) -> Result<Found<S::Key>> {
    let wanted = usize::try_from(limit).map_err(Error::internal)?;
    let mut found = Found { keys: Vec::new(), reached: None };
    let (mut at, mut looked, mut step, mut is_sized) = (after, 0, (2 * wanted).max(100), false);
    loop {
        let (keys, is_end) = source.next(conn, at, i64::try_from(step).map_err(Error::internal)?)?;
        looked += keys.len();
        at = keys.last().copied().or(at);
        found.keys.extend(source.having(conn, keys)?);
        if found.keys.len() >= wanted || is_end {
            found.keys.truncate(wanted);
            return Ok(found);
        }
        if !std::mem::replace(&mut is_sized, true) && source.is_rare(conn)? {
            let missing = i64::try_from(wanted - found.keys.len()).map_err(Error::internal)?;
            found.keys.extend(source.looked_up(conn, at, missing)?);
            return Ok(found);
        }
        if looked >= source.most() {
            found.reached = at;
            return Ok(found);
        }
        step = (2 * step).min(LONGEST_STEP).min(source.most() - looked);
    }
}

/// A question to the vectors of an organization.
pub fn scoped(organization: OrganizationId, query: &SearchQuery) -> String {
    format!("'{}' & {}", owner(organization), query.tsquery())
}

/// Those of `ids` of which a row in the table has the words; `id` is the column that holds them.
pub fn having(
    conn: &mut PgConnection,
    organization: OrganizationId,
    table: &'static str,
    id: &'static str,
    ids: Vec<Uuid>,
    query: &SearchQuery,
) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let tsquery = scoped(organization, query);
    let having: Vec<Uuid> = Having { organization, table, id, ids, tsquery }.load(conn)?;
    Ok(having.into_iter().collect())
}

/// Looks into each by its id, which `OFFSET 0` holds the planner to: a prepared plan might go through all that the
/// organization has of a word.
struct Having {
    organization: OrganizationId,
    table: &'static str,
    id: &'static str,
    ids: Vec<Uuid>,
    tsquery: String,
}

/// Prepared by its text.
impl QueryId for Having {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Having {
    type SqlType = SqlUuid;
}

impl RunQueryDsl<PgConnection> for Having {}

impl QueryFragment<Pg> for Having {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT wanted.id FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(") AS wanted (id) WHERE EXISTS (SELECT FROM (SELECT search FROM ");
        out.push_identifier(self.table)?;
        out.push_sql(" AS texts WHERE organization_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        out.push_sql(" AND texts.");
        out.push_identifier(self.id)?;
        out.push_sql(" = wanted.id OFFSET 0) AS held WHERE held.search @@ ");
        out.push_bind_param::<Text, _>(&self.tsquery)?;
        out.push_sql("::tsquery)");
        Ok(())
    }
}

/// Whether the index of words of a table goes through few entries for a question. The planner's figures come from a
/// sample, and cost no reading.
pub fn is_rare(
    conn: &mut PgConnection,
    organization: OrganizationId,
    table: &'static str,
    query: &SearchQuery,
) -> Result<bool> {
    if estimate(conn, table, scoped(organization, query))? > RARE {
        return Ok(false);
    }
    // The index goes through the rarest, but gathers all words of a beginning first.
    let mut fewest = estimate(conn, table, format!("'{}'", owner(organization)))?;
    for (part, is_beginning) in query.required().take(SIZED) {
        let entries = estimate(conn, table, part)?;
        if is_beginning && entries > MOST_ENTRIES {
            return Ok(false);
        }
        fewest = fewest.min(entries);
    }
    Ok(fewest <= MOST_ENTRIES)
}

fn estimate(conn: &mut PgConnection, table: &'static str, tsquery: String) -> Result<i64> {
    keyset::estimate(conn, Matching { table, tsquery })
}

struct Matching {
    table: &'static str,
    tsquery: String,
}

/// Prepared by its text.
impl QueryId for Matching {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Matching {
    type SqlType = BigInt;
}

impl QueryFragment<Pg> for Matching {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT 1 FROM ");
        out.push_identifier(self.table)?;
        out.push_sql(" WHERE search @@ ");
        out.push_bind_param::<Text, _>(&self.tsquery)?;
        out.push_sql("::tsquery");
        Ok(())
    }
}
