//! The searched form of values: stored, told apart, released, and split into words.

use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Uuid as SqlUuid};
use serde_json::{Value, json};

use crate::db::Tx;
use crate::db::rows::rows;
use crate::db::schema::{profile_field_terms, profile_field_values, profiles};
use crate::error::{Code, Error, Result};
use crate::ids::{ProfileFieldId, ProfileId};
use crate::profile_fields::types::ProfileField;
use crate::profile_fields::value::{indexed, terms};

/// Values that are read at a time.
const BATCH: i64 = 1000;

/// Makes the words of every value of a field anew.
pub fn write_terms(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    diesel::delete(profile_field_terms::table)
        .filter(profile_field_terms::organization_id.eq(tx.organization))
        .filter(profile_field_terms::field_id.eq(field.id))
        .execute(tx.conn)?;
    let mut page = if field.searchable { values_after(tx, field, None)? } else { Vec::new() };
    while let Some((last, last_value, _)) = page.last().cloned() {
        for (profile, _, value) in &page {
            insert_terms(tx, field, *profile, value)?;
        }
        page = values_after(tx, field, Some((last, last_value)))?;
    }
    Ok(())
}

/// The next values of a field, with their profiles and sort values.
fn values_after(
    tx: &mut Tx,
    field: &ProfileField,
    after: Option<(ProfileId, String)>,
) -> Result<Vec<(ProfileId, String, String)>> {
    let order = (profile_field_values::profile_id, profile_field_values::sort_value);
    let mut query = profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(field.id))
        .select((profile_field_values::profile_id, profile_field_values::sort_value, profile_field_values::value))
        .order(order)
        .limit(BATCH)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(order.into_sql::<Record<(SqlUuid, Text)>>().gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// Makes `value` what profiles are searched, sorted and told apart by; None for no value. 409 names the profile that
/// has a unique one.
pub fn store_value(tx: &mut Tx, field: &ProfileField, profile: ProfileId, value: Option<&Value>) -> Result<()> {
    release_value(tx, field, profile)?;
    value.map_or(Ok(()), |value| add_value(tx, field, profile, value))
}

fn release_value(tx: &mut Tx, field: &ProfileField, profile: ProfileId) -> Result<()> {
    diesel::delete(profile_field_values::table)
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(field.id))
        .filter(profile_field_values::profile_id.eq(profile))
        .execute(tx.conn)?;
    if field.searchable {
        diesel::delete(profile_field_terms::table)
            .filter(profile_field_terms::organization_id.eq(tx.organization))
            .filter(profile_field_terms::profile_id.eq(profile))
            .filter(profile_field_terms::field_id.eq(field.id))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// As [`store_value`], where the profile had none.
pub fn add_value(tx: &mut Tx, field: &ProfileField, profile: ProfileId, value: &Value) -> Result<()> {
    for entry in indexed(field, value) {
        let stored = diesel::insert_into(profile_field_values::table)
            .values((
                profile_field_values::organization_id.eq(tx.organization),
                profile_field_values::field_id.eq(field.id),
                profile_field_values::profile_id.eq(profile),
                profile_field_values::sort_value.eq(&entry.sort_value),
                profile_field_values::value.eq(&entry.value),
                profile_field_values::unique_key.eq(field.unique.then_some(&entry.value)),
            ))
            .on_conflict((
                profile_field_values::organization_id,
                profile_field_values::field_id,
                profile_field_values::unique_key,
            ))
            .do_nothing()
            .execute(tx.conn)?;
        if stored == 0 {
            return Err(value_taken(tx, field, &entry.value)?);
        }
        if field.searchable {
            insert_terms(tx, field, profile, &entry.value)?;
        }
    }
    Ok(())
}

/// The profile that has this value of a unique field.
pub fn holder(tx: &mut Tx, field: ProfileFieldId, value: &str) -> Result<Option<(ProfileId, String)>> {
    Ok(profile_field_values::table
        .inner_join(
            profiles::table.on(profiles::organization_id
                .eq(profile_field_values::organization_id)
                .and(profiles::id.eq(profile_field_values::profile_id))),
        )
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(field))
        .filter(profile_field_values::unique_key.eq(value))
        .select((profiles::id, profiles::name))
        .first(tx.conn)
        .optional()?)
}

fn value_taken(tx: &mut Tx, field: &ProfileField, value: &str) -> Result<Error> {
    let error = Error::new(Code::ValueTaken, format!("Another profile has this {}: {value}.", field.key))
        .with("field", format!("/fields/{}", field.key));
    Ok(match holder(tx, field.id, value)? {
        Some((id, name)) => error.with("holder", json!({ "profile_id": id, "name": name })),
        // It let go of it in this moment.
        None => error,
    })
}

/// Lets a deleted profile's values be another's, and finds it by them no more.
pub fn release_values(tx: &mut Tx, profile: ProfileId) -> Result<()> {
    diesel::delete(profile_field_values::table)
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::profile_id.eq(profile))
        .execute(tx.conn)?;
    diesel::delete(profile_field_terms::table)
        .filter(profile_field_terms::organization_id.eq(tx.organization))
        .filter(profile_field_terms::profile_id.eq(profile))
        .execute(tx.conn)?;
    Ok(())
}

rows! {
    struct TermRows into "profile_field_terms" {
        profile_id: SqlUuid = ProfileId,
        field_id: SqlUuid = ProfileFieldId,
        term: Text = String,
    }
    // Two options of a multi_select may share a word.
    "ON CONFLICT DO NOTHING"
}

fn insert_terms(tx: &mut Tx, field: &ProfileField, profile: ProfileId, value: &str) -> Result<()> {
    let mut rows = TermRows::of(tx.organization);
    terms(field, value).into_iter().for_each(|term| rows.push(profile, field.id, term));
    rows.execute(tx.conn)?;
    Ok(())
}
