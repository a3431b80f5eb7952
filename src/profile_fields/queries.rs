//! All Diesel of profile fields, and of the searched form of their values.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Record, Text, Uuid as SqlUuid};
use serde_json::{Value, json};

use super::types::{FieldOption, FieldType, ProfileField, ProfileFieldList};
use super::value::{indexed, terms};
use crate::db::schema::{profile_field_terms, profile_field_values, profile_fields, profiles};
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};

/// Values that are read at a time.
const BATCH: i64 = 1000;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = profile_fields, check_for_backend(diesel::pg::Pg))]
struct FieldRow {
    id: ProfileFieldId,
    key: String,
    label: String,
    description: Option<String>,
    type_: FieldType,
    options: Value,
    required: bool,
    unique: bool,
    searchable: bool,
    position: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<FieldRow> for ProfileField {
    type Error = Error;

    fn try_from(row: FieldRow) -> Result<Self> {
        let options: Vec<FieldOption> = serde_json::from_value(row.options).map_err(Error::internal)?;
        Ok(Self {
            id: row.id,
            key: row.key,
            label: row.label,
            description: row.description,
            field_type: row.type_,
            options: row.type_.has_options().then_some(options),
            required: row.required,
            unique: row.unique,
            searchable: row.searchable,
            position: row.position,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

/// Every field of the organization, in order. There are at most a few hundred.
pub fn fields(conn: &mut PgConnection, organization: OrganizationId) -> Result<Vec<ProfileField>> {
    let rows: Vec<FieldRow> = profile_fields::table
        .filter(profile_fields::organization_id.eq(organization))
        .order((profile_fields::position, profile_fields::id))
        .select(FieldRow::as_select())
        .load(conn)?;
    rows.into_iter().map(ProfileField::try_from).collect()
}

/// Every field, in order; those with `keys` can't change or go until the transaction ends.
pub fn fields_for_write(tx: &mut Tx, keys: &[&str]) -> Result<Vec<ProfileField>> {
    let mut all = fields(tx.conn, tx.organization)?;
    if keys.is_empty() {
        return Ok(all);
    }
    let rows: Vec<FieldRow> = profile_fields::table
        .filter(profile_fields::organization_id.eq(tx.organization))
        .filter(profile_fields::key.eq_any(keys))
        .order(profile_fields::id)
        .select(FieldRow::as_select())
        .for_key_share()
        .load(tx.conn)?;
    let locked: Vec<ProfileField> = rows.into_iter().map(ProfileField::try_from).collect::<Result<_>>()?;
    // What changed or went before it was locked is as it is now.
    all.retain(|field| !keys.contains(&field.key.as_str()));
    all.extend(locked);
    all.sort_by_key(|field| (field.position, field.id));
    Ok(all)
}

pub(super) fn list_fields(
    conn: &mut PgConnection,
    organization: OrganizationId,
    page: &Page,
) -> Result<ProfileFieldList> {
    let all = || profile_fields::table.filter(profile_fields::organization_id.eq(organization)).into_boxed();
    let mut query =
        all().select(FieldRow::as_select()).order((profile_fields::position, profile_fields::id)).limit(page.rows());
    if let Some(after) = page.after::<(i32, ProfileFieldId)>()? {
        let key = (profile_fields::position, profile_fields::id).into_sql::<Record<(Integer, SqlUuid)>>();
        query = query.filter(key.gt(after));
    }
    let mut rows: Vec<FieldRow> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| (row.position, row.id))?;
    let count = keyset::count(conn, page, || all().select(profile_fields::id))?;
    let data = rows.into_iter().map(ProfileField::try_from).collect::<Result<_>>()?;
    Ok(ProfileFieldList { data, next_cursor, count })
}

pub(super) fn get_field(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: ProfileFieldId,
) -> Result<ProfileField> {
    let row: Option<FieldRow> =
        profile_fields::table.find((organization, id)).select(FieldRow::as_select()).first(conn).optional()?;
    row.ok_or_else(|| Error::not_found(Code::ProfileFieldNotFound))?.try_into()
}

/// Locked against every write of its values.
pub(super) fn lock_field(tx: &mut Tx, id: ProfileFieldId) -> Result<ProfileField> {
    let row: Option<FieldRow> = profile_fields::table
        .find((tx.organization, id))
        .select(FieldRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?;
    row.ok_or_else(|| Error::not_found(Code::ProfileFieldNotFound))?.try_into()
}

pub(super) fn insert_field(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    diesel::insert_into(profile_fields::table)
        .values((
            profile_fields::organization_id.eq(tx.organization),
            profile_fields::id.eq(field.id),
            profile_fields::key.eq(&field.key),
            profile_fields::label.eq(&field.label),
            profile_fields::description.eq(&field.description),
            profile_fields::type_.eq(field.field_type),
            profile_fields::options.eq(json!(field.options.as_deref().unwrap_or_default())),
            profile_fields::required.eq(field.required),
            profile_fields::unique.eq(field.unique),
            profile_fields::searchable.eq(field.searchable),
            profile_fields::position.eq(field.position),
            profile_fields::created_at.eq(field.created_at),
            profile_fields::updated_at.eq(field.updated_at),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Writes all of a field that can change.
pub(super) fn write_field(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    diesel::update(profile_fields::table.find((tx.organization, field.id)))
        .set((
            profile_fields::label.eq(&field.label),
            profile_fields::description.eq(&field.description),
            profile_fields::options.eq(json!(field.options.as_deref().unwrap_or_default())),
            profile_fields::required.eq(field.required),
            profile_fields::unique.eq(field.unique),
            profile_fields::searchable.eq(field.searchable),
            profile_fields::position.eq(field.position),
            profile_fields::version.eq(field.version),
            profile_fields::updated_at.eq(field.updated_at),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Its searched values go with it; those that profiles keep are unreachable without it.
pub(super) fn delete_field(tx: &mut Tx, id: ProfileFieldId) -> Result<()> {
    diesel::delete(profile_fields::table.find((tx.organization, id))).execute(tx.conn)?;
    Ok(())
}

/// How many profiles have a value of it.
pub(super) fn count_with(tx: &mut Tx, id: ProfileFieldId) -> Result<i64> {
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .select(diesel::dsl::count(profile_field_values::profile_id).aggregate_distinct())
        .get_result(tx.conn)?)
}

/// How many profiles have none.
pub(super) fn count_without(tx: &mut Tx, id: ProfileFieldId) -> Result<i64> {
    let value = profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .filter(profile_field_values::profile_id.eq(profiles::id));
    Ok(profiles::table
        .filter(profiles::organization_id.eq(tx.organization))
        .filter(profiles::deleted_at.is_null())
        .filter(not(exists(value)))
        .count()
        .get_result(tx.conn)?)
}

/// How many profiles share their value of it with another.
pub(super) fn count_shared(tx: &mut Tx, id: ProfileFieldId) -> Result<i64> {
    let others = diesel::alias!(profile_field_values as others);
    let same = others
        .filter(others.field(profile_field_values::organization_id).eq(tx.organization))
        .filter(others.field(profile_field_values::field_id).eq(id))
        .filter(others.field(profile_field_values::sort_value).eq(profile_field_values::sort_value))
        .filter(others.field(profile_field_values::value).eq(profile_field_values::value))
        .filter(others.field(profile_field_values::profile_id).ne(profile_field_values::profile_id));
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .filter(exists(same))
        .count()
        .get_result(tx.conn)?)
}

/// How many of its values are longer than `letters`.
pub(super) fn count_longer(tx: &mut Tx, id: ProfileFieldId, letters: usize) -> Result<i64> {
    let letters = i32::try_from(letters).map_err(Error::internal)?;
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .filter(char_length(profile_field_values::value).gt(letters))
        .count()
        .get_result(tx.conn)?)
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn char_length(text: Text) -> Integer;
}

/// Which of these options profiles have.
pub(super) fn options_in_use(tx: &mut Tx, id: ProfileFieldId, options: &[&str]) -> Result<Vec<String>> {
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .filter(profile_field_values::sort_value.eq_any(options))
        .select(profile_field_values::value)
        .distinct()
        .load(tx.conn)?)
}

/// From now on, or not any more, no two profiles may have the same value.
pub(super) fn set_unique_keys(tx: &mut Tx, id: ProfileFieldId, unique: bool) -> Result<()> {
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
pub(super) fn write_terms(tx: &mut Tx, field: &ProfileField) -> Result<()> {
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

fn insert_terms(tx: &mut Tx, field: &ProfileField, profile: ProfileId, value: &str) -> Result<()> {
    let rows: Vec<_> = terms(field, value)
        .into_iter()
        .map(|term| {
            (
                profile_field_terms::organization_id.eq(tx.organization),
                profile_field_terms::profile_id.eq(profile),
                profile_field_terms::field_id.eq(field.id),
                profile_field_terms::term.eq(term),
            )
        })
        .collect();
    // Two options of a multi_select may share a word.
    diesel::insert_into(profile_field_terms::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    Ok(())
}
