//! SQL types that Diesel doesn't know.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Bool, SqlType, Timestamptz};
use diesel::{AsExpression, FromSqlRow, infix_operator, postfix_operator};
use serde::{Deserialize, Serialize};

/// PostgreSQL's `tsvector`.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(name = "tsvector", schema = "pg_catalog"))]
pub struct Tsvector;

/// PostgreSQL's `tsquery`.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(name = "tsquery", schema = "pg_catalog"))]
pub struct Tsquery;

/// What functions give that are called for their effect.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(name = "void", schema = "pg_catalog"))]
pub struct Void;

infix_operator!(Matches, " @@ ", Bool, backend: Pg);
postfix_operator!(AsTsquery, "::tsquery", Tsquery, backend: Pg);

/// Words and the places where each stands, ready to be stored: PostgreSQL's own parser never sees the text.
#[derive(Debug, Clone, PartialEq, AsExpression)]
#[diesel(sql_type = Tsvector)]
pub struct SearchVector(BTreeMap<String, Vec<u16>>);

/// PostgreSQL keeps at most this many places of a word, and none above [`MAX_POSITION`].
const MAX_POSITIONS: usize = 255;
const MAX_POSITION: usize = (1 << 14) - 1;
/// A vector above 1 MiB is an error; half of that leaves room for its own bookkeeping.
const MAX_BYTES: usize = 512 * 1024;
/// A longer word is an error.
const MAX_WORD_BYTES: usize = 2046;

impl SearchVector {
    /// From words in reading order; what doesn't fit is not searchable.
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        let mut places: BTreeMap<String, Vec<u16>> = BTreeMap::new();
        let mut bytes = 0;
        for (index, word) in words.into_iter().enumerate() {
            if word.is_empty() || word.len() > MAX_WORD_BYTES {
                continue;
            }
            bytes += 2;
            if !places.contains_key(&word) {
                bytes += word.len() + 8;
            }
            if bytes > MAX_BYTES {
                break;
            }
            let place = u16::try_from((index + 1).min(MAX_POSITION)).unwrap_or(u16::MAX);
            let of_word = places.entry(word).or_default();
            if of_word.len() < MAX_POSITIONS && of_word.last() != Some(&place) {
                of_word.push(place);
            }
        }
        Self(places)
    }
}

/// The binary form that `tsvectorrecv` reads: a count, then each word with its places.
impl ToSql<Tsvector, Pg> for SearchVector {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&u32::try_from(self.0.len())?.to_be_bytes())?;
        for (word, places) in &self.0 {
            out.write_all(word.as_bytes())?;
            out.write_all(&[0])?;
            out.write_all(&u16::try_from(places.len())?.to_be_bytes())?;
            for place in places {
                out.write_all(&place.to_be_bytes())?;
            }
        }
        Ok(IsNull::No)
    }
}

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
