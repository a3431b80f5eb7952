//! Which profiles a list or a search is of.

use chrono_tz::Tz;
use diesel::dsl::{exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::db::schema::{contacts, profile_activity, profile_field_values, profile_missing_values, profiles};
use crate::error::Result;
use crate::http::query::When;
use crate::ids::{OrganizationId, ProfileId};
use crate::profiles::filter::{Condition, ProfileFilter, Test};

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

    /// Whether nothing is asked but of its fields.
    pub fn is_any(&self) -> bool {
        let ProfileFilter { kind, created_by, medium, .. } = self.filter;
        !self.filter.has_times() && kind.is_empty() && created_by.is_empty() && medium.is_empty()
    }

    /// Whether those are wanted that have this value or that of some field.
    pub fn has_value(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition.test, Test::AnyOf(_)))
    }

    /// Whether it takes more than the bounds of one index to tell which are.
    pub fn has_filters(&self) -> bool {
        let ProfileFilter { kind, created_by, medium, missing_fields, .. } = self.filter;
        let are_empty = kind.is_empty() && created_by.is_empty() && medium.is_empty() && self.conditions.is_empty();
        !are_empty || missing_fields.is_some()
    }
}

/// The profiles within the bounds of their own times.
pub fn within(organization: OrganizationId, wanted: &Wanted) -> profiles::BoxedQuery<'static, Pg> {
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
pub fn filtered(organization: OrganizationId, wanted: &Wanted) -> profiles::BoxedQuery<'static, Pg> {
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
    if filter.missing_fields == Some(true) {
        query = query.filter(exists(
            profile_missing_values::table
                .filter(profile_missing_values::organization_id.eq(organization))
                .filter(profile_missing_values::profile_id.eq(profiles::id))
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

/// So many profiles are sorted, whatever the sort.
const RARE: i64 = 1000;

/// The profiles that a filter fits which fits hardly any.
pub fn rare(conn: &mut PgConnection, organization: OrganizationId, wanted: &Wanted) -> Result<Option<Vec<ProfileId>>> {
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
