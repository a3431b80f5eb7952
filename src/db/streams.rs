//! Several streams read as one, newest first: the files of many contacts, the conversations of a profile.
//!
//! First the heads of each stream: of two hundred its first, of few its first few. On a page of fifty, nothing can stand
//! that lies behind the fiftieth of these heads, so that only before it is read on: the cost is that of a page and a
//! probe for each stream, however long they are.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// Streams of one kind, each in the order of an index.
pub trait Streams {
    /// How many there are.
    fn count(&self) -> usize;

    /// By which an entry is sorted: its time, and its id.
    fn key(&self) -> (&'static str, &'static str);

    /// A row for each stream: `unnest(…) AS stream (…)`.
    fn push_streams<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;

    /// The entries of the `stream`: `FROM … WHERE …`.
    fn push_entries<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// The newest entries of all streams, each once.
pub struct Newest<'s, S> {
    streams: &'s S,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
    /// Heads of each stream.
    heads: i64,
}

/// More than this is not a page.
const MOST: i64 = 10_000;

impl<'s, S: Streams> Newest<'s, S> {
    /// Those that come after this in the order of the list.
    pub fn new(streams: &'s S, after: Option<(DateTime<Utc>, Uuid)>, limit: i64) -> Self {
        let count = i64::try_from(streams.count()).unwrap_or(i64::MAX).max(1);
        // Some have ended, or have less.
        let heads = if limit > MOST { 1 } else { (4 * limit / count).clamp(1, limit.max(1)) };
        Self { streams, after, limit, heads }
    }

    /// All.
    pub fn all(streams: &'s S) -> Self {
        Self::new(streams, None, i64::MAX)
    }
}

/// The statement depends on which filters there are: it is prepared by its text.
impl<S> QueryId for Newest<'_, S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S> Query for Newest<'_, S> {
    type SqlType = (Timestamptz, SqlUuid);
}

impl<S> RunQueryDsl<PgConnection> for Newest<'_, S> {}

/// No further than the bound; without one, all the way.
const WITHIN_BOUND: &str = " >= (COALESCE((SELECT at FROM bound), '-infinity'), \
    COALESCE((SELECT id FROM bound), '00000000-0000-0000-0000-000000000000'))";

impl<S: Streams> Newest<'_, S> {
    fn push_entries<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (at, id) = self.streams.key();
        for part in ["(SELECT ", at, " AS at, ", id, " AS id "] {
            out.push_sql(part);
        }
        self.streams.push_entries(out.reborrow())
    }

    fn push_order(&self, out: &mut AstPass<'_, '_, Pg>) {
        let (at, id) = self.streams.key();
        for part in [" ORDER BY ", at, " DESC, ", id, " DESC LIMIT "] {
            out.push_sql(part);
        }
    }

    fn push_key(&self, out: &mut AstPass<'_, '_, Pg>) {
        let (at, id) = self.streams.key();
        for part in [" AND (", at, ", ", id, ")"] {
            out.push_sql(part);
        }
    }
}

impl<S: Streams> QueryFragment<Pg> for Newest<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "WITH heads AS MATERIALIZED (SELECT stream.*, head.at AS head_at, head.id AS head_id, head.place FROM ",
        );
        self.streams.push_streams(out.reborrow())?;
        out.push_sql(" CROSS JOIN LATERAL (SELECT at, id, row_number() OVER () AS place FROM ");
        self.push_entries(out.reborrow())?;
        if let Some((at, id)) = &self.after {
            self.push_key(&mut out);
            out.push_sql(" < (");
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        self.push_order(&mut out);
        out.push_bind_param::<BigInt, _>(&self.heads)?;
        // The same entry may be the head of several streams.
        out.push_sql(
            ") AS ordered) AS head), bound AS MATERIALIZED (SELECT head_at AS at, head_id AS id FROM heads GROUP BY 1, 2 \
             ORDER BY 1 DESC, 2 DESC LIMIT 1 OFFSET ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" - 1) SELECT near.at, near.id FROM heads AS stream CROSS JOIN LATERAL ");
        self.push_entries(out.reborrow())?;
        // What lies before the head was found not to be wanted.
        self.push_key(&mut out);
        out.push_sql(" <= (stream.head_at, stream.head_id)");
        self.push_key(&mut out);
        out.push_sql(WITHIN_BOUND);
        self.push_order(&mut out);
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS near WHERE stream.place = 1 AND (stream.head_at, stream.head_id)");
        out.push_sql(WITHIN_BOUND);
        out.push_sql(" GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
