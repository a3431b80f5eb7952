//! SQL types that Diesel doesn't know.

use std::io::Write;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{SqlType, Timestamptz};
use diesel::{AsExpression, FromSqlRow};
use serde::{Deserialize, Serialize};

/// PostgreSQL's `tsvector`.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(name = "tsvector", schema = "pg_catalog"))]
pub struct Tsvector;

/// What functions give that are called for their effect.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(name = "void", schema = "pg_catalog"))]
pub struct Void;

/// A time that may be `-infinity`, for "never": so that a column to sort by is never null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow, Serialize, Deserialize)]
#[serde(transparent)]
#[diesel(sql_type = Timestamptz)]
pub struct TimeOrNever(pub Option<DateTime<Utc>>);

const NEVER: i64 = i64::MIN;

impl FromSql<Timestamptz, Pg> for TimeOrNever {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        if value.as_bytes() == NEVER.to_be_bytes() {
            return Ok(Self(None));
        }
        FromSql::<Timestamptz, Pg>::from_sql(value).map(|time| Self(Some(time)))
    }
}

impl ToSql<Timestamptz, Pg> for TimeOrNever {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        match &self.0 {
            Some(time) => ToSql::<Timestamptz, Pg>::to_sql(time, &mut out.reborrow()),
            None => {
                out.write_all(&NEVER.to_be_bytes())?;
                Ok(IsNull::No)
            }
        }
    }
}
