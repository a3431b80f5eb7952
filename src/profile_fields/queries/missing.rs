//! Which profiles lack a value of which required field.

use diesel::prelude::*;

use crate::db::Tx;
use crate::db::schema::{profile_missing_values, profiles};
use crate::error::Result;
use crate::ids::{ProfileFieldId, ProfileId};

/// A new profile has no value of these required fields.
pub fn note_missing(tx: &mut Tx, profile: ProfileId, fields: &[ProfileFieldId]) -> Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = fields
        .iter()
        .map(|field| {
            (
                profile_missing_values::organization_id.eq(tx.organization),
                profile_missing_values::profile_id.eq(profile),
                profile_missing_values::field_id.eq(field),
            )
        })
        .collect();
    diesel::insert_into(profile_missing_values::table).values(rows).execute(tx.conn)?;
    Ok(())
}

/// A locked profile has values of these required fields now.
pub fn note_given(tx: &mut Tx, profile: ProfileId, fields: &[ProfileFieldId]) -> Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    diesel::delete(profile_missing_values::table)
        .filter(profile_missing_values::organization_id.eq(tx.organization))
        .filter(profile_missing_values::profile_id.eq(profile))
        .filter(profile_missing_values::field_id.eq_any(fields))
        .execute(tx.conn)?;
    Ok(())
}

/// No profile has a value of this new required field.
pub(in crate::profile_fields) fn note_missing_of_all(tx: &mut Tx, field: ProfileFieldId) -> Result<()> {
    let all = profiles::table
        .filter(profiles::organization_id.eq(tx.organization))
        .filter(profiles::deleted_at.is_null())
        .order(profiles::id)
        .select((profiles::organization_id, profiles::id, field.into_sql::<diesel::sql_types::Uuid>()));
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
