//! Profiles that stand in the way of a change of a field: counted, and listed.

use std::collections::HashMap;

use diesel::dsl::{exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Uuid as SqlUuid};
use serde_json::Value;

use super::values::profiles_with;
use crate::db::schema::{profile_field_values, profiles};
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};
use crate::profile_fields::value::MAX_UNIQUE;

/// A profile, and the value that it keeps of a field.
pub struct Kept {
    pub profile: ProfileId,
    pub name: String,
    pub value: Option<Value>,
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn char_length(text: Text) -> diesel::sql_types::Integer;
}

/// How many profiles there are.
pub fn count_profiles(conn: &mut PgConnection, organization: OrganizationId) -> Result<i64> {
    let alive = profiles::organization_id.eq(organization).and(profiles::deleted_at.is_null());
    Ok(profiles::table.filter(alive).count().get_result(conn)?)
}

/// How many profiles have a value of the field.
pub fn count_with(conn: &mut PgConnection, organization: OrganizationId, field: ProfileFieldId) -> Result<i64> {
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(organization))
        .filter(profile_field_values::field_id.eq(field))
        .select(diesel::dsl::count(profile_field_values::profile_id).aggregate_distinct())
        .get_result(conn)?)
}

fn all_without(organization: OrganizationId, field: ProfileFieldId) -> profiles::BoxedQuery<'static, Pg> {
    let value = profile_field_values::table
        .filter(profile_field_values::organization_id.eq(organization))
        .filter(profile_field_values::field_id.eq(field))
        .filter(profile_field_values::profile_id.eq(profiles::id));
    profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::deleted_at.is_null())
        .filter(not(exists(value)))
        .into_boxed()
}

/// How many profiles have none.
pub fn count_without(conn: &mut PgConnection, organization: OrganizationId, field: ProfileFieldId) -> Result<i64> {
    Ok(all_without(organization, field).count().get_result(conn)?)
}

/// The next profiles that have none.
pub fn without(
    conn: &mut PgConnection,
    organization: OrganizationId,
    field: ProfileFieldId,
    after: Option<ProfileId>,
    limit: i64,
) -> Result<Vec<Kept>> {
    let mut query = all_without(organization, field);
    if let Some(after) = after {
        query = query.filter(profiles::id.gt(after));
    }
    let rows: Vec<(ProfileId, String)> =
        query.order(profiles::id).select((profiles::id, profiles::name)).limit(limit).load(conn)?;
    Ok(rows.into_iter().map(|(profile, name)| Kept { profile, name, value: None }).collect())
}

/// The condition for a value that another profile has, too, or that is too long to be unique.
macro_rules! unfit {
    ($organization:expr, $field:expr) => {{
        let others = diesel::alias!(profile_field_values as others);
        let same = others
            .filter(others.field(profile_field_values::organization_id).eq($organization))
            .filter(others.field(profile_field_values::field_id).eq($field))
            .filter(others.field(profile_field_values::sort_value).eq(profile_field_values::sort_value))
            .filter(others.field(profile_field_values::value).eq(profile_field_values::value))
            .filter(others.field(profile_field_values::profile_id).ne(profile_field_values::profile_id));
        let longest = i32::try_from(MAX_UNIQUE).map_err(Error::internal)?;
        profile_field_values::table
            .filter(profile_field_values::organization_id.eq($organization))
            .filter(profile_field_values::field_id.eq($field))
            .filter(char_length(profile_field_values::value).gt(longest).or(exists(same)))
    }};
}

/// How many profiles share their value with another, or have one that is too long to be unique.
pub fn count_unfit_to_be_unique(
    conn: &mut PgConnection,
    organization: OrganizationId,
    field: ProfileFieldId,
) -> Result<i64> {
    Ok(unfit!(organization, field).count().get_result(conn)?)
}

/// The next of them, those that share a value side by side, each with its place in this order.
pub fn unfit_to_be_unique(
    conn: &mut PgConnection,
    organization: OrganizationId,
    field: ProfileFieldId,
    after: Option<(String, ProfileId)>,
    limit: i64,
) -> Result<Vec<(String, Kept)>> {
    let order = (profile_field_values::sort_value, profile_field_values::profile_id);
    let after = after.map(|after| order.into_sql::<Record<(Text, SqlUuid)>>().gt(after));
    let mut query = unfit!(organization, field).select(order).order(order).limit(limit).into_boxed();
    if let Some(after) = after {
        query = query.filter(after);
    }
    let rows: Vec<(String, ProfileId)> = query.load(conn)?;
    let ids: Vec<ProfileId> = rows.iter().map(|(_, id)| *id).collect();
    let mut kept: HashMap<ProfileId, Kept> =
        kept_of(conn, organization, field, &ids)?.into_iter().map(|kept| (kept.profile, kept)).collect();
    Ok(rows.into_iter().filter_map(|(place, id)| Some((place, kept.remove(&id)?))).collect())
}

/// The next profiles with a value of the field, in the order of their ids.
pub fn kept_values(
    conn: &mut PgConnection,
    organization: OrganizationId,
    field: ProfileFieldId,
    after: Option<ProfileId>,
) -> Result<Vec<Kept>> {
    let ids = profiles_with(conn, organization, field, after)?;
    kept_of(conn, organization, field, &ids)
}

fn kept_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    field: ProfileFieldId,
    ids: &[ProfileId],
) -> Result<Vec<Kept>> {
    let rows: Vec<(ProfileId, String, Value)> = profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::id.eq_any(ids))
        .order(profiles::id)
        .select((profiles::id, profiles::name, profiles::fields))
        .load(conn)?;
    let member = field.to_string();
    let kept = |(profile, name, mut fields): (ProfileId, String, Value)| {
        let value = fields.get_mut(&member).map(Value::take);
        Kept { profile, name, value }
    };
    Ok(rows.into_iter().map(kept).collect())
}
