//! The list of profiles: filtered, and read in the order of an index.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::{exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Timestamptz, Uuid};
use serde::Serialize;

use super::profile_views;
use crate::db::keyset;
use crate::db::schema::{contacts, profile_activity, profile_field_values, profiles};
use crate::db::types::TimeOrNever;
use crate::error::Result;
use crate::http::page::Page;
use crate::http::query::When;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};
use crate::profile_fields::ProfileField;
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
        !self.filter.has_times() && !self.has_filters()
    }

    /// Whether it takes more than the bounds of one index to tell which are.
    fn has_filters(&self) -> bool {
        let ProfileFilter { kind, created_by, medium, .. } = self.filter;
        !(kind.is_empty() && created_by.is_empty() && medium.is_empty() && self.conditions.is_empty())
    }
}

/// The profiles within the bounds of their own times.
fn within(organization: OrganizationId, wanted: &Wanted) -> profiles::BoxedQuery<'static, Pg> {
    let Wanted { filter, zone, .. } = wanted;
    let start = |when: Option<When>| when.map(|when| when.start(*zone));
    let mut query = profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::deleted_at.is_null())
        .into_boxed();
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
    query
}

/// The profiles that are wanted. What is asked of other tables is looked up of each, by its id, which `OFFSET 0` holds
/// the planner to.
pub(super) fn filtered(organization: OrganizationId, wanted: &Wanted) -> profiles::BoxedQuery<'static, Pg> {
    let Wanted { filter, conditions, zone } = wanted;
    let start = |when: Option<When>| when.map(|when| when.start(*zone));
    let mut query = within(organization, wanted);
    if !filter.kind.is_empty() {
        query = query.filter(profiles::kind.eq_any(filter.kind.clone()));
    }
    if !filter.created_by.is_empty() {
        query = query.filter(profiles::created_by_id.eq_any(filter.created_by.clone()));
    }
    let activity = || {
        profile_activity::table
            .filter(profile_activity::organization_id.eq(organization))
            .filter(profile_activity::profile_id.eq(profiles::id))
            .offset(0)
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
                .filter(contacts::medium.eq_any(filter.medium.clone()))
                .offset(0),
        ));
    }
    for Condition { field, test } in conditions {
        let values = profile_field_values::table
            .filter(profile_field_values::organization_id.eq(organization))
            .filter(profile_field_values::field_id.eq(*field))
            .filter(profile_field_values::profile_id.eq(profiles::id))
            .offset(0);
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

/// How the profiles of a page are come by.
enum Reach {
    /// Every profile fits.
    All,
    /// So many entries of the sort's index are looked at.
    Entries(i64),
    /// The only ones that can fit.
    Among(Vec<ProfileId>),
}

/// Enough for most filters; and as far as it is gone for those that neither fit many nor hardly any.
const NEAR: i64 = 500;
const FAR: i64 = 5000;
/// So many profiles are sorted, whatever the sort.
const RARE: i64 = 1000;

/// Rows of `(sort key, id)` in the order of an index, one more than a page; and where the index was left, when that was
/// before the page was full.
macro_rules! keys {
    (
        $all:expr, $fitting:expr, $reach:expr, $limit:expr,
        $column:expr, $id:expr, $key:ty as $sql_type:ty, $descending:expr, $after:expr, $conn:expr
    ) => {{
        let key = || ($column, $id).into_sql::<Record<($sql_type, Uuid)>>();
        let after: Option<($key, ProfileId)> = $after;
        macro_rules! ordered {
            ($query:expr) => {{
                let query = $query.select(($column, $id));
                let query = match $descending {
                    true => query.order(($column.desc(), $id.desc())),
                    false => query.order(($column, $id)),
                };
                match after.clone() {
                    Some(after) if $descending => query.filter(key().lt(after)),
                    Some(after) => query.filter(key().gt(after)),
                    None => query,
                }
            }};
        }
        let left_at: Option<($key, ProfileId)> = match $reach {
            Reach::Entries(entries) => ordered!($all).offset(*entries).limit(1).first($conn).optional()?,
            Reach::All | Reach::Among(_) => None,
        };
        let mut query = ordered!($fitting).limit($limit);
        if let Reach::Among(ids) = $reach {
            query = query.filter($id.eq_any(ids.clone()));
        }
        if let Some(last) = left_at.clone() {
            query = if $descending { query.filter(key().ge(last)) } else { query.filter(key().le(last)) };
        }
        let rows: Vec<($key, ProfileId)> = query.load($conn)?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= $limit);
        (rows, left_at.filter(|_| !is_full))
    }};
}

/// A page's profiles, and where the next page begins.
struct Keys {
    ids: Vec<ProfileId>,
    next_cursor: Option<String>,
    /// Whether fewer were found than may be there.
    is_short: bool,
}

impl Keys {
    /// When the index was left before the page was full, the next page goes on from there.
    fn new<K: Clone + Serialize>(
        mut rows: Vec<(K, ProfileId)>,
        left_at: Option<(K, ProfileId)>,
        page: &Page,
    ) -> Result<Self> {
        let next_cursor = match &left_at {
            Some(last) => Some(page.cursor_at(last)?),
            None => page.cut(&mut rows, Clone::clone)?,
        };
        let ids = rows.into_iter().map(|(_, id)| id).collect();
        Ok(Self { ids, next_cursor, is_short: left_at.is_some() })
    }
}

/// A page. Filters that fit hardly any profile give the candidates, to be sorted; else the index of the sort is read as
/// far as it takes, within bounds: a page may have fewer profiles than its limit, and yet another may follow.
pub fn list_profiles(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    fields: &[ProfileField],
    order: (Order, bool),
    page: &Page,
) -> Result<ProfileList> {
    let reach = if wanted.has_filters() { Reach::Entries(NEAR) } else { Reach::All };
    let mut found = sorted(conn, organization, wanted, order, page, &reach)?;
    if found.is_short {
        let reach = match rare(conn, organization, wanted)? {
            Some(ids) => Reach::Among(ids),
            None => Reach::Entries(FAR),
        };
        found = sorted(conn, organization, wanted, order, page, &reach)?;
    }
    let count = keyset::count(conn, page, || filtered(organization, wanted).select(profiles::id))?;
    let data = profile_views(conn, organization, fields, &found.ids)?;
    Ok(ProfileList { data, next_cursor: found.next_cursor, count, truncated: None })
}

fn sorted(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    (order, descending): (Order, bool),
    page: &Page,
    reach: &Reach,
) -> Result<Keys> {
    let (all, fitting) = (|| within(organization, wanted), || filtered(organization, wanted));
    let id = profiles::id;
    macro_rules! of_profiles {
        ($column:expr, $key:ty as $sql_type:ty) => {{
            let after = page.after()?;
            let (rows, left_at) =
                keys!(all(), fitting(), reach, page.rows(), $column, id, $key as $sql_type, descending, after, conn);
            Keys::new(rows, left_at, page)
        }};
    }
    match order {
        Order::Name => of_profiles!(profiles::sort_name, String as Text),
        Order::CreatedAt => of_profiles!(profiles::created_at, DateTime<Utc> as Timestamptz),
        Order::UpdatedAt => of_profiles!(profiles::updated_at, DateTime<Utc> as Timestamptz),
        Order::LastContactMomentAt => {
            let (last, id) = (profile_activity::last_contact_moment_at, profile_activity::profile_id);
            let all = || {
                let mut query =
                    profile_activity::table.filter(profile_activity::organization_id.eq(organization)).into_boxed();
                if let Some(from) = wanted.filter.moment_from {
                    query = query.filter(last.ge(from.start(wanted.zone)));
                }
                if let Some(before) = wanted.filter.moment_before {
                    query = query.filter(last.lt(before.start(wanted.zone)));
                }
                query
            };
            let fitting = match wanted.has_filters() {
                true => all().filter(id.eq_any(fitting().select(profiles::id))),
                false => all(),
            };
            let after = page.after()?;
            let (rows, left_at) = keys!(
                all(),
                fitting,
                reach,
                page.rows(),
                last,
                id,
                TimeOrNever as Timestamptz,
                descending,
                after,
                conn
            );
            Keys::new(rows, left_at, page)
        }
        Order::Field(field) => by_field(conn, organization, wanted, field, descending, page, reach),
    }
}

/// Those with a value in its order, then those without one.
fn by_field(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    field: ProfileFieldId,
    descending: bool,
    page: &Page,
    reach: &Reach,
) -> Result<Keys> {
    let after: Option<(Option<String>, ProfileId)> = page.after()?;
    let of_field = || wanted.conditions.iter().filter(|condition| condition.field == field);
    let has_value = of_field().any(|condition| condition.test != Test::Set(false));
    let (value, id) = (profile_field_values::sort_value, profile_field_values::profile_id);
    let values = || {
        profile_field_values::table
            .filter(profile_field_values::organization_id.eq(organization))
            .filter(profile_field_values::field_id.eq(field))
    };
    let mut rows: Vec<(Option<String>, ProfileId)> = Vec::new();
    let mut left_at: Option<(Option<String>, ProfileId)> = None;
    if !matches!(after, Some((None, _))) {
        let all = || {
            of_field().fold(values().into_boxed(), |query, Condition { test, .. }| match test {
                Test::From(from) => query.filter(value.ge(from.clone())),
                Test::Before(before) => query.filter(value.lt(before.clone())),
                Test::AnyOf(_) | Test::Set(_) => query,
            })
        };
        let fitting = match wanted.has_filters() {
            true => all().filter(id.eq_any(filtered(organization, wanted).select(profiles::id))),
            false => all(),
        };
        let after = after.as_ref().and_then(|(last, id)| Some((last.clone()?, *id)));
        let (found, left) =
            keys!(all(), fitting, reach, page.rows(), value, id, String as Text, descending, after, conn);
        rows.extend(found.into_iter().map(|(value, id)| (Some(value), id)));
        left_at = left.map(|(value, id)| (Some(value), id));
    }
    let room = page.rows() - i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if room > 0 && !has_value && left_at.is_none() {
        let all = || within(organization, wanted);
        let without = not(exists(values().filter(profile_field_values::profile_id.eq(profiles::id)).offset(0)));
        let fitting = filtered(organization, wanted).filter(without);
        // Their only order is that of their ids. Most profiles may have a value: how far to look is always bounded.
        let reach = if matches!(reach, Reach::All) { &Reach::Entries(FAR) } else { reach };
        let after = after.and_then(|(last, id)| last.is_none().then_some((id, id)));
        let (found, left) =
            keys!(all(), fitting, reach, room, profiles::id, profiles::id, ProfileId as Uuid, false, after, conn);
        rows.extend(found.into_iter().map(|(_, id)| (None, id)));
        left_at = left.map(|(_, id)| (None, id));
    }
    Keys::new(rows, left_at, page)
}

/// The profiles of a filter that fits hardly any.
fn rare(conn: &mut PgConnection, organization: OrganizationId, wanted: &Wanted) -> Result<Option<Vec<ProfileId>>> {
    let Wanted { filter, conditions, .. } = wanted;
    let mut found: Vec<Vec<ProfileId>> = Vec::new();
    let of_profiles = || {
        profiles::table
            .filter(profiles::organization_id.eq(organization))
            .filter(profiles::deleted_at.is_null())
            .select(profiles::id)
            .limit(RARE + 1)
    };
    if !filter.kind.is_empty() {
        found.push(of_profiles().filter(profiles::kind.eq_any(&filter.kind)).load(conn)?);
    }
    if !filter.created_by.is_empty() {
        found.push(of_profiles().filter(profiles::created_by_id.eq_any(&filter.created_by)).load(conn)?);
    }
    if !filter.medium.is_empty() {
        let mut of_media: Vec<ProfileId> = Vec::new();
        for medium in &filter.medium {
            // In the order of the index that is to be read.
            let of_medium = contacts::table
                .filter(contacts::organization_id.eq(organization))
                .filter(contacts::profile_id.is_not_null())
                .filter(contacts::medium.eq(medium))
                .order((contacts::medium, contacts::scope, contacts::address))
                .select(contacts::profile_id.assume_not_null())
                .limit(RARE + 1);
            of_media.extend(of_medium.load::<ProfileId>(conn)?);
        }
        found.push(of_media);
    }
    for Condition { field, test } in conditions {
        let values = profile_field_values::table
            .filter(profile_field_values::organization_id.eq(organization))
            .filter(profile_field_values::field_id.eq(field))
            .select(profile_field_values::profile_id)
            .limit(RARE + 1);
        match test {
            Test::AnyOf(wanted) => {
                let wanted = wanted.iter().map(|one| &one.sort_value);
                found.push(values.filter(profile_field_values::sort_value.eq_any(wanted)).load(conn)?);
            }
            Test::Set(true) => found.push(values.load(conn)?),
            Test::Set(false) | Test::From(_) | Test::Before(_) => {}
        }
    }
    let is_rare = |ids: &Vec<ProfileId>| i64::try_from(ids.len()).is_ok_and(|count| count <= RARE);
    Ok(found.into_iter().filter(is_rare).min_by_key(Vec::len))
}
