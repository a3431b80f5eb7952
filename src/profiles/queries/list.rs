//! The list of profiles: filtered, and read in the order of an index.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::{exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Timestamptz, Uuid};

use super::profile_views;
use crate::db::keyset;
use crate::db::schema::{contacts, profile_activity, profile_field_values, profile_missing_values, profiles};
use crate::db::types::TimeOrNever;
use crate::error::Result;
use crate::http::page::Page;
use crate::http::query::When;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};
use crate::profiles::filter::{Condition, Order, ProfileFilter, Test};
use crate::profiles::types::ProfileList;

/// Which profiles are wanted.
pub struct Wanted<'f> {
    pub filter: &'f ProfileFilter,
    pub conditions: Vec<Condition>,
    /// In which the filter's days are days.
    pub zone: Tz,
}

impl Wanted<'_> {
    /// Whether every profile is.
    pub fn is_all(&self) -> bool {
        self.filter.missing_fields.is_none() && self.conditions.is_empty() && self.is_any()
    }

    /// Whether nothing is asked but of its fields.
    fn is_any(&self) -> bool {
        let times = [
            self.filter.created_from,
            self.filter.created_before,
            self.filter.updated_from,
            self.filter.updated_before,
            self.filter.moment_from,
            self.filter.moment_before,
        ];
        let filter = self.filter;
        let is_open = filter.kind.is_empty() && filter.created_by.is_empty() && filter.medium.is_empty();
        is_open && times.iter().all(Option::is_none)
    }
}

pub(super) fn filtered(organization: OrganizationId, wanted: &Wanted) -> profiles::BoxedQuery<'static, Pg> {
    let Wanted { filter, conditions, zone } = wanted;
    let start = |when: Option<When>| when.map(|when| when.start(*zone));
    let mut query = profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::deleted_at.is_null())
        .into_boxed();
    if !filter.kind.is_empty() {
        query = query.filter(profiles::kind.eq_any(filter.kind.clone()));
    }
    if !filter.created_by.is_empty() {
        query = query.filter(profiles::created_by_id.eq_any(filter.created_by.clone()));
    }
    if let Some(from) = start(filter.created_from) {
        query = query.filter(profiles::created_at.ge(from));
    }
    if let Some(before) = start(filter.created_before) {
        query = query.filter(profiles::created_at.lt(before));
    }
    if let Some(from) = start(filter.updated_from) {
        query = query.filter(profiles::updated_at.ge(from));
    }
    if let Some(before) = start(filter.updated_before) {
        query = query.filter(profiles::updated_at.lt(before));
    }
    let activity = || {
        profile_activity::table
            .filter(profile_activity::organization_id.eq(organization))
            .filter(profile_activity::profile_id.eq(profiles::id))
    };
    if let Some(from) = start(filter.moment_from) {
        query = query.filter(exists(activity().filter(profile_activity::last_contact_moment_at.ge(from))));
    }
    if let Some(before) = start(filter.moment_before) {
        query = query.filter(exists(activity().filter(profile_activity::last_contact_moment_at.lt(before))));
    }
    if !filter.medium.is_empty() {
        query = query.filter(exists(
            contacts::table
                .filter(contacts::organization_id.eq(organization))
                .filter(contacts::profile_id.eq(profiles::id.nullable()))
                .filter(contacts::medium.eq_any(filter.medium.clone())),
        ));
    }
    if filter.missing_fields == Some(true) {
        query = query.filter(exists(
            profile_missing_values::table
                .filter(profile_missing_values::organization_id.eq(organization))
                .filter(profile_missing_values::profile_id.eq(profiles::id)),
        ));
    }
    for Condition { field, test } in conditions {
        let values = profile_field_values::table
            .filter(profile_field_values::organization_id.eq(organization))
            .filter(profile_field_values::field_id.eq(*field))
            .filter(profile_field_values::profile_id.eq(profiles::id));
        query = match test {
            Test::AnyOf(wanted) => {
                let sort_values: Vec<String> = wanted.iter().map(|one| one.sort_value.clone()).collect();
                let wanted: Vec<String> = wanted.iter().map(|one| one.value.clone()).collect();
                query.filter(exists(
                    values
                        .filter(profile_field_values::sort_value.eq_any(sort_values))
                        .filter(profile_field_values::value.eq_any(wanted)),
                ))
            }
            Test::From(from) => query.filter(exists(values.filter(profile_field_values::sort_value.ge(from.clone())))),
            Test::Before(before) => {
                query.filter(exists(values.filter(profile_field_values::sort_value.lt(before.clone()))))
            }
            Test::Set(true) => query.filter(exists(values)),
            Test::Set(false) => query.filter(not(exists(values))),
        };
    }
    query
}

/// One page of `(sort key, id)`, in the order of an index.
macro_rules! keys {
    ($query:expr, $column:expr, $id:expr, $key:ty as $sql_type:ty, $descending:expr, $page:expr, $conn:expr) => {{
        let mut query = $query.select(($column, $id)).limit($page.rows());
        query = match $descending {
            true => query.order(($column.desc(), $id.desc())),
            false => query.order(($column, $id)),
        };
        if let Some(after) = $page.after::<($key, ProfileId)>()? {
            let key = ($column, $id).into_sql::<Record<($sql_type, Uuid)>>();
            query = if $descending { query.filter(key.lt(after)) } else { query.filter(key.gt(after)) };
        }
        let mut rows: Vec<($key, ProfileId)> = query.load($conn)?;
        let next_cursor = $page.cut(&mut rows, Clone::clone)?;
        (rows.into_iter().map(|(_, id)| id).collect::<Vec<ProfileId>>(), next_cursor)
    }};
}

pub fn list_profiles(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    (order, descending): (Order, bool),
    page: &Page,
) -> Result<ProfileList> {
    let filtered = || filtered(organization, wanted);
    let (ids, next_cursor) = match order {
        Order::Name => keys!(filtered(), profiles::sort_name, profiles::id, String as Text, descending, page, conn),
        Order::CreatedAt => {
            keys!(filtered(), profiles::created_at, profiles::id, DateTime<Utc> as Timestamptz, descending, page, conn)
        }
        Order::UpdatedAt => {
            keys!(filtered(), profiles::updated_at, profiles::id, DateTime<Utc> as Timestamptz, descending, page, conn)
        }
        Order::LastContactMomentAt => {
            let (last, id) = (profile_activity::last_contact_moment_at, profile_activity::profile_id);
            let mut query = profile_activity::table
                .filter(profile_activity::organization_id.eq(organization))
                .filter(id.eq_any(filtered().select(profiles::id)))
                .into_boxed();
            // Said once more where the index begins and ends by it.
            if let Some(from) = wanted.filter.moment_from {
                query = query.filter(last.ge(from.start(wanted.zone)));
            }
            if let Some(before) = wanted.filter.moment_before {
                query = query.filter(last.lt(before.start(wanted.zone)));
            }
            keys!(query, last, id, TimeOrNever as Timestamptz, descending, page, conn)
        }
        Order::Missing(field) => lacking(conn, organization, wanted, field, descending, page)?,
        Order::Field(field) => by_field(conn, organization, wanted, field, descending, page)?,
    };
    let count = keyset::count(conn, page, || filtered().select(profiles::id))?;
    Ok(ProfileList { data: profile_views(conn, organization, &ids)?, next_cursor, count, truncated: None })
}

/// Those that lack a required field, this one or any: ids of profiles are in the order in which they were made.
fn lacking(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    field: Option<ProfileFieldId>,
    descending: bool,
    page: &Page,
) -> Result<(Vec<ProfileId>, Option<String>)> {
    let id = profile_missing_values::profile_id;
    let mut query = profile_missing_values::table
        .filter(profile_missing_values::organization_id.eq(organization))
        .select(id)
        .distinct()
        .limit(page.rows())
        .into_boxed();
    if let Some(field) = field {
        query = query.filter(profile_missing_values::field_id.eq(field));
    }
    let is_lack = |condition: &Condition| Some(condition.field) == field && condition.test == Test::Set(false);
    let others = !wanted.conditions.iter().all(is_lack);
    if others || !wanted.is_any() {
        query = query.filter(id.eq_any(filtered(organization, wanted).select(profiles::id)));
    }
    query = if descending { query.order(id.desc()) } else { query.order(id) };
    if let Some(after) = page.after::<ProfileId>()? {
        query = if descending { query.filter(id.lt(after)) } else { query.filter(id.gt(after)) };
    }
    let mut rows: Vec<ProfileId> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |id| *id)?;
    Ok((rows, next_cursor))
}

/// Those with a value in its order, then those without one.
fn by_field(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    field: ProfileFieldId,
    descending: bool,
    page: &Page,
) -> Result<(Vec<ProfileId>, Option<String>)> {
    let after: Option<(Option<String>, ProfileId)> = page.after()?;
    let filtered = || filtered(organization, wanted);
    let of_field = wanted.conditions.iter().filter(|condition| condition.field == field);
    let has_value = of_field.clone().any(|condition| condition.test != Test::Set(false));
    let values = || {
        profile_field_values::table
            .filter(profile_field_values::organization_id.eq(organization))
            .filter(profile_field_values::field_id.eq(field))
    };
    let mut rows: Vec<(Option<String>, ProfileId)> = Vec::new();
    if !matches!(after, Some((None, _))) {
        let (value, id) = (profile_field_values::sort_value, profile_field_values::profile_id);
        let mut query = values()
            .filter(id.eq_any(filtered().select(profiles::id)))
            .select((value, id))
            .limit(page.rows())
            .into_boxed();
        for Condition { test, .. } in of_field {
            // Said once more where the index begins and ends by it.
            query = match test {
                Test::From(from) => query.filter(value.ge(from)),
                Test::Before(before) => query.filter(value.lt(before)),
                Test::AnyOf(_) | Test::Set(_) => query,
            };
        }
        query = if descending { query.order((value.desc(), id.desc())) } else { query.order((value, id)) };
        if let Some((Some(last), last_id)) = &after {
            let key = (value, id).into_sql::<Record<(Text, Uuid)>>();
            let last = (last.clone(), *last_id);
            query = if descending { query.filter(key.lt(last)) } else { query.filter(key.gt(last)) };
        }
        let found: Vec<(String, ProfileId)> = query.load(conn)?;
        rows.extend(found.into_iter().map(|(value, id)| (Some(value), id)));
    }
    let room = page.rows() - i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if room > 0 && !has_value {
        let value = values().filter(profile_field_values::profile_id.eq(profiles::id));
        let mut query = filtered().filter(not(exists(value))).select(profiles::id).order(profiles::id).limit(room);
        if let Some((None, last_id)) = after {
            query = query.filter(profiles::id.gt(last_id));
        }
        let found: Vec<ProfileId> = query.load(conn)?;
        rows.extend(found.into_iter().map(|id| (None, id)));
    }
    let next_cursor = page.cut(&mut rows, Clone::clone)?;
    Ok((rows.into_iter().map(|(_, id)| id).collect(), next_cursor))
}
