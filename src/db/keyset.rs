//! Counting what a list holds, when that is asked for.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Json, SqlType};
use serde_json::Value;

use crate::error::{Error, Result};

/// `EXPLAIN` of a query: how many rows the planner expects.
#[derive(Debug, Clone, Copy)]
struct Explain<Q>(Q);

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Explain<Q>
where
    Json: SqlType,
{
    type SqlType = Json;
}

impl<Q> RunQueryDsl<PgConnection> for Explain<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("EXPLAIN (FORMAT JSON) ");
        self.0.walk_ast(out.reborrow())
    }
}

/// About how many rows `query` has, at the cost of planning it.
pub fn estimate<Q>(conn: &mut PgConnection, query: Q) -> Result<i64>
where
    Q: Query + QueryFragment<Pg>,
{
    let plan: Value = diesel::query_dsl::methods::LoadQuery::<PgConnection, Value>::internal_load(Explain(query), conn)?
        .next()
        .ok_or_else(|| Error::internal("EXPLAIN gave no plan"))??;
    plan.pointer("/0/Plan/Plan Rows")
        .and_then(Value::as_i64)
        .ok_or_else(|| Error::internal(format!("no row estimate in {plan}")))
}
