//! Several streams read as one, newest first: the files of many contacts, the conversations of a profile.
//!
//! First the head of each stream. On a page of fifty, only what lies before the fiftieth head can stand, so that only
//! there is read on: the cost is that of a page and one probe for each stream, however long they are.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// Streams of one kind, each in the order of an index.
pub trait Streams {
    /// By which an entry is sorted: its time, and its id.
    fn key(&self) -> (&'static str, &'static str);

    /// A row for each stream: `unnest(…) AS stream (…)`.
    fn push_streams<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;

    /// The entries of the `stream`: `FROM … WHERE …`.
    fn push_entries<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// The newest entries of all streams, each once.
pub struct Newest<'s, S> {
    pub streams: &'s S,
    /// Only what comes after this in the order of the list.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    pub limit: i64,
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

    fn push_order(&self, limit: &str, out: &mut AstPass<'_, '_, Pg>) {
        let (at, id) = self.streams.key();
        for part in [" ORDER BY ", at, " DESC, ", id, " DESC LIMIT ", limit] {
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
        out.push_sql("WITH heads AS MATERIALIZED (SELECT stream.*, head.at AS head_at, head.id AS head_id FROM ");
        self.streams.push_streams(out.reborrow())?;
        out.push_sql(" CROSS JOIN LATERAL ");
        self.push_entries(out.reborrow())?;
        if let Some((at, id)) = &self.after {
            self.push_key(&mut out);
            out.push_sql(" < (");
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        self.push_order("1", &mut out);
        // The same entry may be the head of several streams.
        out.push_sql(
            ") AS head), bound AS MATERIALIZED (SELECT head_at AS at, head_id AS id FROM heads GROUP BY 1, 2 \
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
        self.push_order("", &mut out);
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS near WHERE (stream.head_at, stream.head_id)");
        out.push_sql(WITHIN_BOUND);
        out.push_sql(" GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
