//! Which profiles lack a value of which required field.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use crate::db::Tx;
use crate::db::rows::rows;
use crate::db::schema::{profile_missing_values, profiles};
use crate::error::Result;
use crate::ids::{ProfileFieldId, ProfileId};

rows! {
    struct MissingRows into "profile_missing_values" { profile_id: SqlUuid = ProfileId, field_id: SqlUuid = ProfileFieldId, }
    ""
}

/// New profiles have no value of these required fields.
pub fn note_missing(tx: &mut Tx, missing: impl IntoIterator<Item = (ProfileId, ProfileFieldId)>) -> Result<()> {
    let mut rows = MissingRows::of(tx.organization);
    missing.into_iter().for_each(|(profile, field)| rows.push(profile, field));
    rows.insert(tx.conn)?;
    Ok(())
}

/// Locked profiles have a value of these required fields now.
pub fn note_given(tx: &mut Tx, given: impl IntoIterator<Item = (ProfileId, ProfileFieldId)>) -> Result<()> {
    let mut by_field: BTreeMap<ProfileFieldId, Vec<ProfileId>> = BTreeMap::new();
    for (profile, field) in given {
        by_field.entry(field).or_default().push(profile);
    }
    for (field, profiles) in by_field {
        diesel::delete(profile_missing_values::table)
            .filter(profile_missing_values::organization_id.eq(tx.organization))
            .filter(profile_missing_values::field_id.eq(field))
            .filter(profile_missing_values::profile_id.eq_any(profiles))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// No profile has a value of this new required field.
pub(in crate::profile_fields) fn note_missing_of_all(tx: &mut Tx, field: ProfileFieldId) -> Result<()> {
    let all = profiles::table
        .filter(profiles::organization_id.eq(tx.organization))
        .filter(profiles::deleted_at.is_null())
        .order(profiles::id)
        .select((profiles::organization_id, profiles::id, field.into_sql::<SqlUuid>()));
    diesel::insert_into(profile_missing_values::table)
        .values(all)
        .into_columns((
            profile_missing_values::organization_id,
            profile_missing_values::profile_id,
            profile_missing_values::field_id,
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The field isn't required any more.
pub(in crate::profile_fields) fn forget_missing(tx: &mut Tx, field: ProfileFieldId) -> Result<()> {
    diesel::delete(profile_missing_values::table)
        .filter(profile_missing_values::organization_id.eq(tx.organization))
        .filter(profile_missing_values::field_id.eq(field))
        .execute(tx.conn)?;
    Ok(())
}

pub(super) fn release_missing(tx: &mut Tx, profile: ProfileId) -> Result<()> {
    diesel::delete(profile_missing_values::table)
        .filter(profile_missing_values::organization_id.eq(tx.organization))
        .filter(profile_missing_values::profile_id.eq(profile))
        .execute(tx.conn)?;
    Ok(())
}
