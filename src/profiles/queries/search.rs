//! What is looked up of the candidates of a search.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Uuid};

use super::names::Sought;
use super::wanted::{Wanted, filtered};
use crate::channels::Medium;
use crate::db::keyset::prefix_end;
use crate::db::schema::{profile_activity, profiles};
use crate::db::types::TimeOrNever;
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};

/// A profile's contact that was found: its medium, address and name.
type FoundContact = (ProfileId, Medium, String, Option<String>);

/// Of each word, by its place, the profiles that have it, wherever: at most `limit`, some more than once.
pub fn having(
    conn: &mut PgConnection,
    organization: OrganizationId,
    words: Sought,
    limit: usize,
) -> Result<Vec<(i32, ProfileId)>> {
    Ok(Having { organization, words, limit }.load(conn)?)
}

/// Those of `ids` that have a word, wherever, that begins with `prefix`.
pub fn those_having(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<ProfileId>> {
    let sql = "SELECT wanted.id FROM wanted WHERE EXISTS (SELECT FROM (\
        SELECT term FROM profile_terms WHERE organization_id = wanted.organization_id AND profile_id = wanted.id \
        OFFSET 0) AS held WHERE term >= low AND term < high) OR EXISTS (SELECT FROM (\
        SELECT term FROM profile_field_terms WHERE organization_id = wanted.organization_id AND profile_id = wanted.id \
        OFFSET 0) AS held WHERE term >= low AND term < high) OR EXISTS (SELECT FROM (\
        SELECT id FROM contacts WHERE organization_id = wanted.organization_id AND profile_id = wanted.id OFFSET 0) \
        AS contact CROSS JOIN LATERAL (SELECT term FROM contact_terms \
        WHERE organization_id = wanted.organization_id AND contact_id = contact.id OFFSET 0) AS held \
        WHERE term >= low AND term < high)";
    Ok(OfEach::<Uuid>::new(sql, organization, ids, prefix).load(conn)?)
}

/// Of the wanted profiles, those with these ids, and when their last contact moment was.
pub fn wanted_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    ids: &[ProfileId],
) -> Result<Vec<(ProfileId, TimeOrNever)>> {
    let fitting: Option<Vec<ProfileId>> = match wanted.is_all() {
        true => None,
        false => {
            let fitting = filtered(organization, wanted).filter(profiles::id.eq_any(ids));
            Some(fitting.select(profiles::id).load(conn)?)
        }
    };
    Ok(profile_activity::table
        .filter(profile_activity::organization_id.eq(organization))
        .filter(profile_activity::profile_id.eq_any(fitting.as_deref().unwrap_or(ids)))
        .select((profile_activity::profile_id, profile_activity::last_contact_moment_at))
        .load(conn)?)
}

/// Of each of these profiles the first contact of whose address or name a word begins with `prefix`.
pub fn matching_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<FoundContact>> {
    let sql = "SELECT wanted.id, found.medium, found.address, found.name FROM wanted CROSS JOIN LATERAL (\
        SELECT medium, address, name FROM contacts WHERE organization_id = wanted.organization_id \
        AND profile_id = wanted.id AND EXISTS (SELECT FROM (SELECT term FROM contact_terms \
        WHERE organization_id = wanted.organization_id AND contact_id = contacts.id OFFSET 0) AS held \
        WHERE term >= low AND term < high) ORDER BY medium, sort_name, id LIMIT 1) AS found";
    Ok(OfEach::<(Uuid, Text, Text, Nullable<Text>)>::new(sql, organization, ids, prefix).load(conn)?)
}

/// The fields of these profiles of whose value a word begins with `prefix`.
pub fn matching_fields(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<(ProfileId, ProfileFieldId)>> {
    let sql = "SELECT wanted.id, held.field_id FROM wanted CROSS JOIN LATERAL (SELECT field_id, term \
        FROM profile_field_terms WHERE organization_id = wanted.organization_id AND profile_id = wanted.id OFFSET 0) \
        AS held WHERE held.term >= low AND held.term < high";
    Ok(OfEach::<(Uuid, Uuid)>::new(sql, organization, ids, prefix).load(conn)?)
}

/// Profiles of which a contact's address, or the value of one of these fields, begins with all that was `typed`, and
/// whether it is just that: at most `limit` of each.
pub fn beginning_elsewhere(
    conn: &mut PgConnection,
    organization: OrganizationId,
    fields: Vec<ProfileFieldId>,
    typed: &str,
    limit: i64,
) -> Result<Vec<(ProfileId, bool)>> {
    let (low, high) = (typed.to_owned(), prefix_end(typed));
    Ok(BeginningElsewhere { organization, fields, low, high, limit }.load(conn)?)
}

#[derive(QueryId)]
struct BeginningElsewhere {
    organization: OrganizationId,
    fields: Vec<ProfileFieldId>,
    low: String,
    high: String,
    limit: i64,
}

impl Query for BeginningElsewhere {
    type SqlType = (Uuid, Bool);
}

impl RunQueryDsl<PgConnection> for BeginningElsewhere {}

impl QueryFragment<Pg> for BeginningElsewhere {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT profile_id, term = ");
        out.push_bind_param::<Text, _>(&self.low)?;
        out.push_sql(" FROM contact_terms WHERE profile_id IS NOT NULL");
        self.push_range("term", out.reborrow())?;
        out.push_sql(") UNION ALL SELECT held.* FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.fields)?;
        out.push_sql(") AS field (id) CROSS JOIN LATERAL (SELECT profile_id, sort_value = ");
        out.push_bind_param::<Text, _>(&self.low)?;
        out.push_sql(" FROM profile_field_values WHERE field_id = field.id");
        self.push_range("sort_value", out.reborrow())?;
        out.push_sql(") AS held");
        Ok(())
    }
}

impl BeginningElsewhere {
    fn push_range<'b>(&'b self, column: &str, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" AND organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(&format!(" AND {column} >= "));
        out.push_bind_param::<Text, _>(&self.low)?;
        out.push_sql(&format!(" AND {column} < "));
        out.push_bind_param::<Text, _>(&self.high)?;
        out.push_sql(&format!(" ORDER BY {column}, profile_id LIMIT "));
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

struct Having {
    organization: OrganizationId,
    words: Sought,
    limit: usize,
}

impl QueryId for Having {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Having {
    type SqlType = (Integer, Uuid);
}

impl RunQueryDsl<PgConnection> for Having {}

impl QueryFragment<Pg> for Having {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.words.push(&mut out)?;
        out.push_sql(" SELECT word, held.profile_id FROM sought CROSS JOIN LATERAL (");
        let tables = ["profile_terms", "contact_terms", "profile_field_terms"];
        for (table, union) in tables.into_iter().zip(["", " UNION ALL ", " UNION ALL "]) {
            out.push_sql(&format!("{union}(SELECT profile_id FROM {table} WHERE organization_id = "));
            out.push_bind_param::<Uuid, _>(&self.organization)?;
            let limit = self.limit;
            out.push_sql(&format!(
                " AND profile_id IS NOT NULL AND term >= low AND term < high ORDER BY term, profile_id LIMIT {limit})"
            ));
        }
        out.push_sql(&format!(" LIMIT {}) AS held", self.limit));
        Ok(())
    }
}

/// Looks something up of each profile that is `wanted`, by its id, which `OFFSET 0` holds the planner to. A prepared
/// plan can't know that one organization has half of all rows: it would read all of that organization's.
struct OfEach<ST> {
    sql: &'static str,
    organization: OrganizationId,
    ids: Vec<ProfileId>,
    low: String,
    high: String,
    columns: PhantomData<ST>,
}

impl<ST> OfEach<ST> {
    fn new(sql: &'static str, organization: OrganizationId, ids: &[ProfileId], prefix: &str) -> Self {
        let (low, high) = (prefix.to_owned(), prefix_end(prefix));
        Self { sql, organization, ids: ids.to_vec(), low, high, columns: PhantomData }
    }
}

/// Prepared by its text.
impl<ST> QueryId for OfEach<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for OfEach<ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<PgConnection> for OfEach<ST> {}

impl<ST> QueryFragment<Pg> for OfEach<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH wanted AS MATERIALIZED (SELECT DISTINCT ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql("::uuid AS organization_id, id, ");
        out.push_bind_param::<Text, _>(&self.low)?;
        out.push_sql("::text AS low, ");
        out.push_bind_param::<Text, _>(&self.high)?;
        out.push_sql("::text AS high FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql("::uuid[]) AS listed (id)) ");
        out.push_sql(self.sql);
        Ok(())
    }
}
