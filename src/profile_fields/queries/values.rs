//! The searched form of values: what profiles are sorted, found and told apart by.

use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Uuid as SqlUuid};
use serde_json::{Value, json};

use super::BATCH;
use super::missing::release_missing;
use crate::db::Tx;
use crate::db::schema::{profile_field_terms, profile_field_values, profiles};
use crate::error::{Code, Error, Result};
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};
use crate::profile_fields::types::ProfileField;
use crate::profile_fields::value::{Indexed, indexed, terms};

/// Rows that one statement inserts: PostgreSQL takes 65,535 parameters.
const ROWS: usize = 5000;

/// Which of these options profiles have.
pub(in crate::profile_fields) fn options_in_use(
    tx: &mut Tx,
    id: ProfileFieldId,
    options: &[&str],
) -> Result<Vec<String>> {
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .filter(profile_field_values::sort_value.eq_any(options))
        .select(profile_field_values::value)
        .distinct()
        .load(tx.conn)?)
}

/// From now on, or not any more, no two profiles may have the same value.
pub(in crate::profile_fields) fn set_unique_keys(tx: &mut Tx, id: ProfileFieldId, unique: bool) -> Result<()> {
    let values = profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id));
    if unique {
        diesel::update(values)
            .set(profile_field_values::unique_key.eq(profile_field_values::value.nullable()))
            .execute(tx.conn)?;
    } else {
        diesel::update(values).set(profile_field_values::unique_key.eq(None::<String>)).execute(tx.conn)?;
    }
    Ok(())
}

/// Makes the words of every value of a field anew.
pub(in crate::profile_fields) fn write_terms(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    diesel::delete(profile_field_terms::table)
        .filter(profile_field_terms::organization_id.eq(tx.organization))
        .filter(profile_field_terms::field_id.eq(field.id))
        .execute(tx.conn)?;
    let mut page = if field.searchable { values_after(tx, field, None)? } else { Vec::new() };
    while let Some((last, last_value, _)) = page.last().cloned() {
        insert_terms(tx, field, page.iter().map(|(profile, _, value)| (*profile, value.as_str())))?;
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
    for entry in value.map(|value| indexed(field, value)).unwrap_or_default() {
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
            insert_terms(tx, field, [(profile, entry.value.as_str())])?;
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
        // It let go of it in this moment: run again, the transaction can have it.
        None => error.transient(),
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
    release_missing(tx, profile)
}

fn insert_terms<'v>(
    tx: &mut Tx,
    field: &ProfileField,
    values: impl IntoIterator<Item = (ProfileId, &'v str)>,
) -> Result<()> {
    let terms = values
        .into_iter()
        .flat_map(|(profile, value)| terms(field, value).into_iter().map(move |term| (profile, term)));
    let rows: Vec<_> = terms
        .map(|(profile, term)| {
            (
                profile_field_terms::organization_id.eq(tx.organization),
                profile_field_terms::profile_id.eq(profile),
                profile_field_terms::field_id.eq(field.id),
                profile_field_terms::term.eq(term),
            )
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        // Two options of a multi_select may share a word.
        diesel::insert_into(profile_field_terms::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    }
    Ok(())
}

/// The next profiles with a value of a field, in the order of their ids.
pub fn profiles_with(
    conn: &mut PgConnection,
    organization: OrganizationId,
    field: ProfileFieldId,
    after: Option<ProfileId>,
) -> Result<Vec<ProfileId>> {
    let id = profile_field_values::profile_id;
    let mut query = profile_field_values::table
        .filter(profile_field_values::organization_id.eq(organization))
        .filter(profile_field_values::field_id.eq(field))
        .select(id)
        .distinct()
        .order(id)
        .limit(BATCH)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(id.gt(after));
    }
    Ok(query.load(conn)?)
}

/// As [`store_value`], for many profiles that all have a value of a locked field already.
pub fn store_values(tx: &mut Tx, field: &ProfileField, values: &[(ProfileId, Value)]) -> Result<()> {
    let profiles: Vec<ProfileId> = values.iter().map(|(profile, _)| *profile).collect();
    diesel::delete(profile_field_values::table)
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(field.id))
        .filter(profile_field_values::profile_id.eq_any(&profiles))
        .execute(tx.conn)?;
    diesel::delete(profile_field_terms::table)
        .filter(profile_field_terms::organization_id.eq(tx.organization))
        .filter(profile_field_terms::field_id.eq(field.id))
        .filter(profile_field_terms::profile_id.eq_any(&profiles))
        .execute(tx.conn)?;
    let entries: Vec<(ProfileId, Indexed)> = values
        .iter()
        .flat_map(|(profile, value)| indexed(field, value).into_iter().map(move |entry| (*profile, entry)))
        .collect();
    let rows: Vec<_> = entries
        .iter()
        .map(|(profile, entry)| {
            (
                profile_field_values::organization_id.eq(tx.organization),
                profile_field_values::field_id.eq(field.id),
                profile_field_values::profile_id.eq(profile),
                profile_field_values::sort_value.eq(&entry.sort_value),
                profile_field_values::value.eq(&entry.value),
                profile_field_values::unique_key.eq(field.unique.then_some(&entry.value)),
            )
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        diesel::insert_into(profile_field_values::table).values(rows).execute(tx.conn)?;
    }
    match field.searchable {
        true => insert_terms(tx, field, entries.iter().map(|(profile, entry)| (*profile, entry.value.as_str()))),
        false => Ok(()),
    }
}
