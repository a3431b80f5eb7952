//! The list of profiles, read in the order of an index.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Timestamptz, Uuid};
use serde::Serialize;

use super::profile_views;
use super::wanted::{Wanted, filtered, rare, within};
use crate::db::keyset;
use crate::db::schema::{profile_activity, profile_field_values, profile_missing_values, profiles};
use crate::db::types::TimeOrNever;
use crate::error::Result;
use crate::http::page::Page;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};
use crate::profile_fields::ProfileField;
use crate::profiles::filter::{Condition, Order, Test};
use crate::profiles::types::ProfileList;

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
    // A value is mostly that of few profiles; of the other filters it is known when few of the first profiles fit.
    let first = match (wanted.has_filters(), wanted.has_value()) {
        (false, _) => Reach::All,
        (true, false) => Reach::Entries(NEAR),
        (true, true) => rare(conn, organization, wanted)?.map_or(Reach::Entries(FAR), Reach::Among),
    };
    let mut found = sorted(conn, organization, wanted, order, page, &first)?;
    if found.is_short && matches!(first, Reach::Entries(NEAR)) {
        let reach = rare(conn, organization, wanted)?.map_or(Reach::Entries(FAR), Reach::Among);
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
        Order::LastContactMomentAt => by_moment(conn, organization, wanted, descending, page, reach),
        Order::Missing(field) => lacking(conn, organization, wanted, field, descending, page),
        Order::Field(field) => by_field(conn, organization, wanted, field, descending, page, reach),
    }
}

/// Those that had a contact moment in its order, then those that had none: in the index these come before all others.
fn by_moment(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    descending: bool,
    page: &Page,
    reach: &Reach,
) -> Result<Keys> {
    let (last, id) = (profile_activity::last_contact_moment_at, profile_activity::profile_id);
    let never = TimeOrNever(None);
    let after: Option<(TimeOrNever, ProfileId)> = page.after()?;
    let (mut rows, mut left_at) = (Vec::new(), None);
    for had_one in [true, false] {
        let room = page.rows() - i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let is_behind = had_one && after.is_some_and(|(last, _)| last == never);
        if room <= 0 || left_at.is_some() || is_behind || (!had_one && wanted.filter.moment_from.is_some()) {
            continue;
        }
        let all = || {
            let mut query =
                profile_activity::table.filter(profile_activity::organization_id.eq(organization)).into_boxed();
            query = if had_one { query.filter(last.gt(never)) } else { query.filter(last.eq(never)) };
            if let Some(from) = wanted.filter.moment_from {
                query = query.filter(last.ge(from.start(wanted.zone)));
            }
            if let Some(before) = wanted.filter.moment_before {
                query = query.filter(last.lt(before.start(wanted.zone)));
            }
            query
        };
        let fitting = match wanted.has_filters() {
            true => all().filter(id.eq_any(filtered(organization, wanted).select(profiles::id))),
            false => all(),
        };
        let after = after.filter(|(last, _)| had_one == (*last != never));
        let (found, left) =
            keys!(all(), fitting, reach, room, last, id, TimeOrNever as Timestamptz, descending, after, conn);
        rows.extend(found);
        left_at = left;
    }
    Keys::new(rows, left_at, page)
}

/// Those that lack a required field, this one or any: ids of profiles are in the order in which they were made.
fn lacking(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    field: Option<ProfileFieldId>,
    descending: bool,
    page: &Page,
) -> Result<Keys> {
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
    Ok(Keys { ids: rows, next_cursor, is_short: false })
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
        // Every profile has one row of activity, in whose index there are but ids, in their order.
        let id = profile_activity::profile_id;
        let all = || profile_activity::table.filter(profile_activity::organization_id.eq(organization)).into_boxed();
        let without = not(exists(values().filter(profile_field_values::profile_id.eq(profiles::id)).offset(0)));
        let fitting = all().filter(id.eq_any(filtered(organization, wanted).filter(without).select(profiles::id)));
        // Most profiles may have a value: how far to look for those without is always bounded.
        let reach = if matches!(reach, Reach::All) { &Reach::Entries(FAR) } else { reach };
        let after = after.and_then(|(last, id)| last.is_none().then_some((id, id)));
        let (found, left) = keys!(all(), fitting, reach, room, id, id, ProfileId as Uuid, false, after, conn);
        rows.extend(found.into_iter().map(|(_, id)| (None, id)));
        left_at = left.map(|(_, id)| (None, id));
    }
    Keys::new(rows, left_at, page)
}
