//! Candidates of a search by name: read in the order of an index, which holds all that is looked at.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text, Uuid};

use crate::db::keyset::{self, prefix_end};
use crate::db::schema::{profile_terms, profiles};
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileId};

/// A profile, and all words of its name, each after a space.
pub type ByName = (ProfileId, String);

/// Profiles whose name, folded, begins with `prefix`, and that name: the exact one first.
pub fn beginning(
    conn: &mut PgConnection,
    organization: OrganizationId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<ByName>> {
    Ok(profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::deleted_at.is_null())
        .filter(profiles::sort_name.ge(prefix))
        .filter(profiles::sort_name.lt(prefix_end(prefix)))
        .order((profiles::sort_name, profiles::id))
        .select((profiles::id, profiles::sort_name))
        .limit(limit)
        .load(conn)?)
}

/// How many words of names begin with `prefix`; counting ends at `limit`.
pub fn count_in_names(conn: &mut PgConnection, organization: OrganizationId, prefix: &str, limit: i64) -> Result<i64> {
    let words = profile_terms::table
        .filter(profile_terms::organization_id.eq(organization))
        .filter(profile_terms::term.ge(prefix))
        .filter(profile_terms::term.lt(prefix_end(prefix)))
        .order((profile_terms::term, profile_terms::profile_id))
        .select(profile_terms::profile_id)
        .limit(limit);
    keyset::count_limited(conn, words)
}

/// How far a search reads.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Entries of the index, for each word sought.
    pub read: i64,
    /// Those that fit, for each word sought.
    pub found: i64,
}

/// Profiles with a word in their name that begins with one of `leads`, and words that begin with each of `others`.
pub fn in_names<S: AsRef<str>>(
    conn: &mut PgConnection,
    organization: OrganizationId,
    leads: &[S],
    others: &[&String],
    reach: Reach,
) -> Result<Vec<ByName>> {
    // Words hold letters, digits and marks only: there is nothing to escape.
    let others = others.iter().map(|word| format!("% {word}%")).collect();
    Ok(InNames { organization, ranges: Ranges::of(leads), others, reach }.load(conn)?)
}

/// Words of names that are kept under a spelling that begins with one of `spellings`; at most `limit` of each.
pub fn spelled(
    conn: &mut PgConnection,
    organization: OrganizationId,
    spellings: impl IntoIterator<Item = String>,
    limit: i64,
) -> Result<Vec<String>> {
    let ranges = Ranges::of(&Vec::from_iter(spellings));
    Ok(Spelled { organization, ranges, limit }.load(conn)?)
}

/// What begins with any of several texts.
#[derive(Debug)]
struct Ranges {
    from: Vec<String>,
    before: Vec<String>,
}

impl Ranges {
    fn of<S: AsRef<str>>(prefixes: &[S]) -> Self {
        Self {
            from: prefixes.iter().map(|prefix| prefix.as_ref().to_owned()).collect(),
            before: prefixes.iter().map(|prefix| prefix_end(prefix.as_ref())).collect(),
        }
    }

    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.from)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.before)?;
        out.push_sql(") AS sought (low, high)");
        Ok(())
    }
}

#[derive(Debug, QueryId)]
struct InNames {
    organization: OrganizationId,
    ranges: Ranges,
    others: Vec<String>,
    reach: Reach,
}

impl Query for InNames {
    type SqlType = (Uuid, Text);
}

impl RunQueryDsl<PgConnection> for InNames {}

impl QueryFragment<Pg> for InNames {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT found.profile_id, found.words FROM ");
        self.ranges.push(&mut out)?;
        out.push_sql(
            " CROSS JOIN LATERAL (SELECT led.profile_id, led.words FROM (\
             SELECT profile_id, words FROM profile_terms WHERE organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND term >= low AND term < high ORDER BY term, profile_id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.reach.read)?;
        out.push_sql(") AS led WHERE led.words LIKE ALL (");
        out.push_bind_param::<Array<Text>, _>(&self.others)?;
        out.push_sql(") LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.reach.found)?;
        out.push_sql(") AS found");
        Ok(())
    }
}

#[derive(Debug, QueryId)]
struct Spelled {
    organization: OrganizationId,
    ranges: Ranges,
    limit: i64,
}

impl Query for Spelled {
    type SqlType = Text;
}

impl RunQueryDsl<PgConnection> for Spelled {}

impl QueryFragment<Pg> for Spelled {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT DISTINCT kept.term FROM ");
        self.ranges.push(&mut out)?;
        out.push_sql(" CROSS JOIN LATERAL (SELECT term FROM profile_spellings WHERE organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND spelling >= low AND spelling < high ORDER BY spelling, term LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS kept");
        Ok(())
    }
}
