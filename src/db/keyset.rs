//! Lists: prefixes of terms, and counting what a list holds when that is asked for.
//!
//! Pages are cut by row values, `(sort, id) > ($1, $2)`, which PostgreSQL answers from an index:
//! `(table::sort, table::id).into_sql::<Record<(Text, Uuid)>>().gt((sort, id))`.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Json};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::http::page::{Count, CountMode, Page};

/// What follows every text that begins with `prefix`, in C collation: a prefix scan is `term >= prefix AND term < end`.
pub fn prefix_end(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// How many rows the list has, where the request asked for it; `query` is the list without its page.
pub fn count<Q>(conn: &mut PgConnection, page: &Page, query: impl FnOnce() -> Q) -> Result<Option<Count>>
where
    Q: Query + QueryFragment<Pg>,
{
    match page.count {
        None => Ok(None),
        Some(CountMode::Exact) => Ok(Some(Count { value: CountOf(query()).get_result::<i64>(conn)?, exact: true })),
        Some(CountMode::Estimate) => {
            let value = estimate(conn, query())?;
            Ok(Some(Count { value, exact: false }))
        }
    }
}

/// How many rows the planner expects.
pub fn estimate<Q: Query + QueryFragment<Pg>>(conn: &mut PgConnection, query: Q) -> Result<i64> {
    let plan: Value = Explain(query).get_result(conn)?;
    let rows = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_i64);
    rows.ok_or_else(|| Error::internal(format!("no row estimate in {plan}")))
}

/// How many rows `query` has, which is limited: counting never reads more.
pub fn count_limited<Q: Query + QueryFragment<Pg>>(conn: &mut PgConnection, query: Q) -> Result<i64> {
    Ok(CountOf(query).get_result(conn)?)
}

/// A query around a query.
macro_rules! around {
    ($(#[$meta:meta])* $name:ident, $sql_type:ty, $before:literal, $after:literal) => {
        $(#[$meta])*
        struct $name<Q>(Q);

        impl<Q> QueryId for $name<Q> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl<Q: Query> Query for $name<Q> {
            type SqlType = $sql_type;
        }

        impl<Q> RunQueryDsl<PgConnection> for $name<Q> {}

        impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for $name<Q> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($before);
                self.0.walk_ast(out.reborrow())?;
                out.push_sql($after);
                Ok(())
            }
        }
    };
}

around!(
    /// How many rows there are.
    CountOf, BigInt, "SELECT count(*) FROM (", ") AS counted"
);
around!(
    /// How many rows the planner expects.
    Explain, Json, "EXPLAIN (FORMAT JSON) ", ""
);
