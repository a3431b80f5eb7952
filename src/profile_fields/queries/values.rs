//! The searched form of values: what profiles are sorted, found and told apart by.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Record, Text, Uuid as SqlUuid};
use serde_json::{Value, json};

use super::BATCH;
use super::missing::release_missing;
use crate::db::Tx;
use crate::db::rows::rows;
use crate::db::schema::{profile_field_terms, profile_field_values, profiles};
use crate::error::{Code, Error, Result};
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};
use crate::profile_fields::types::ProfileField;
use crate::profile_fields::value::{Indexed, indexed, terms};

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
        let mut words = TermRows::of(tx.organization);
        for (profile, _, value) in &page {
            terms(field, value).into_iter().for_each(|term| words.push(*profile, field.id, term));
        }
        words.insert(tx.conn)?;
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

/// A value that a profile is to have of a field, or None.
#[derive(Debug, Clone, Copy)]
pub struct NewValue<'v> {
    pub profile: ProfileId,
    pub field: &'v ProfileField,
    pub value: Option<&'v Value>,
    /// Whether it has another one.
    pub replaces: bool,
}

/// Makes these values what profiles are searched, sorted and told apart by. 409 names the profile that has a unique one.
pub fn store_values(tx: &mut Tx, values: &[NewValue]) -> Result<()> {
    let mut replaced: BTreeMap<ProfileFieldId, (&ProfileField, Vec<ProfileId>)> = BTreeMap::new();
    for new in values.iter().filter(|new| new.replaces) {
        replaced.entry(new.field.id).or_insert((new.field, Vec::new())).1.push(new.profile);
    }
    for (field, profiles) in replaced.values() {
        forget(tx, field, profiles)?;
    }
    let indexed = |new: &NewValue| new.value.map(|value| indexed(new.field, value)).unwrap_or_default();
    let mut entries: Vec<(&NewValue, Indexed)> =
        values.iter().flat_map(|new| indexed(new).into_iter().map(move |entry| (new, entry))).collect();
    // Unique values are claimed in the same order by everyone.
    entries
        .sort_by(|(one, entry), (other, another)| (one.field.id, &entry.value).cmp(&(other.field.id, &another.value)));
    let mut rows = ValueRows::of(tx.organization);
    let mut words = TermRows::of(tx.organization);
    for (NewValue { profile, field, .. }, Indexed { value, sort_value }) in &entries {
        let unique_key = field.unique.then(|| value.clone());
        rows.push(field.id, *profile, sort_value.clone(), value.clone(), unique_key);
        if field.searchable {
            terms(field, value).into_iter().for_each(|term| words.push(*profile, field.id, term));
        }
    }
    if rows.insert(tx.conn)? < entries.len() {
        return Err(value_taken(tx, &entries)?);
    }
    words.insert(tx.conn)?;
    Ok(())
}

fn forget(tx: &mut Tx, field: &ProfileField, profiles: &[ProfileId]) -> Result<()> {
    diesel::delete(profile_field_values::table)
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(field.id))
        .filter(profile_field_values::profile_id.eq_any(profiles))
        .execute(tx.conn)?;
    if field.searchable {
        diesel::delete(profile_field_terms::table)
            .filter(profile_field_terms::organization_id.eq(tx.organization))
            .filter(profile_field_terms::field_id.eq(field.id))
            .filter(profile_field_terms::profile_id.eq_any(profiles))
            .execute(tx.conn)?;
    }
    Ok(())
}

rows! {
    struct ValueRows into "profile_field_values" {
        field_id: SqlUuid = ProfileFieldId,
        profile_id: SqlUuid = ProfileId,
        sort_value: Text = String,
        value: Text = String,
        unique_key: Nullable<Text> = Option<String>,
    }
    "ON CONFLICT (organization_id, field_id, unique_key) DO NOTHING"
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

/// The profiles that have these values of a unique field.
pub fn holders(tx: &mut Tx, field: ProfileFieldId, values: &[String]) -> Result<HashMap<String, ProfileId>> {
    let held: Vec<(String, ProfileId)> = profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(field))
        .filter(profile_field_values::unique_key.eq_any(values))
        .select((profile_field_values::value, profile_field_values::profile_id))
        .load(tx.conn)?;
    Ok(held.into_iter().collect())
}

fn value_taken(tx: &mut Tx, entries: &[(&NewValue, Indexed)]) -> Result<Error> {
    let taken = Error::new(Code::ValueTaken, "Another profile has one of the unique values.");
    for (new, Indexed { value, .. }) in entries.iter().filter(|(new, _)| new.field.unique) {
        if let Some((id, name)) = holder(tx, new.field.id, value)?.filter(|(id, _)| *id != new.profile) {
            let key = &new.field.key;
            return Ok(Error::new(Code::ValueTaken, format!("Another profile has this {key}: {value}."))
                .with("field", format!("/fields/{key}"))
                .with("holder", json!({ "profile_id": id, "name": name })));
        }
    }
    // Who had it let go of it in this moment: run again, the transaction can have it.
    Ok(taken.transient())
}

/// The profile that has this value of a unique field.
fn holder(tx: &mut Tx, field: ProfileFieldId, value: &str) -> Result<Option<(ProfileId, String)>> {
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
