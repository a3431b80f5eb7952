//! All Diesel of profile fields, and of the searched form of their values ([`values`]).

mod values;

use std::rc::Rc;

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Record, Text, Uuid as SqlUuid};
use serde_json::{Value, json};

use super::types::{FieldOption, FieldType, ProfileField, ProfileFieldList};
use crate::db::schema::{profile_field_values, profile_fields, profiles};
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{OrganizationId, ProfileFieldId};

pub use values::{add_value, holder, release_values, store_value, write_terms};

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

/// The fields as a transaction has read them, and the keys of those that it holds.
#[derive(Default)]
struct Known {
    fields: Rc<Vec<ProfileField>>,
    held: Vec<String>,
}

/// Every field, in order; those with `keys` can't change or go until the transaction ends.
pub fn fields_for_write(tx: &mut Tx, keys: &[&str]) -> Result<Rc<Vec<ProfileField>>> {
    let known = tx.once(|tx| {
        let fields = Rc::new(fields(tx.conn, tx.organization)?);
        Ok(Known { fields, held: Vec::new() })
    })?;
    let keys: Vec<&str> = keys.iter().copied().filter(|key| !known.held.iter().any(|held| held == key)).collect();
    if keys.is_empty() {
        return Ok(known.fields.clone());
    }
    let rows: Vec<FieldRow> = profile_fields::table
        .filter(profile_fields::organization_id.eq(tx.organization))
        .filter(profile_fields::key.eq_any(keys.clone()))
        .order(profile_fields::id)
        .select(FieldRow::as_select())
        .for_key_share()
        .load(tx.conn)?;
    let locked: Vec<ProfileField> = rows.into_iter().map(ProfileField::try_from).collect::<Result<_>>()?;
    // What changed or went before it was locked is as it is now.
    let mut all = Vec::clone(&known.fields);
    all.retain(|field| !keys.contains(&field.key.as_str()));
    all.extend(locked);
    all.sort_by_key(|field| (field.position, field.id));
    let held = known.held.iter().cloned().chain(keys.into_iter().map(str::to_owned)).collect();
    let fields = Rc::new(all);
    tx.forget::<Known>();
    tx.once(|_| Ok(Known { fields: fields.clone(), held }))?;
    Ok(fields)
}

pub fn list_fields(conn: &mut PgConnection, organization: OrganizationId, page: &Page) -> Result<ProfileFieldList> {
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

pub fn get_field(conn: &mut PgConnection, organization: OrganizationId, id: ProfileFieldId) -> Result<ProfileField> {
    let row: Option<FieldRow> =
        profile_fields::table.find((organization, id)).select(FieldRow::as_select()).first(conn).optional()?;
    row.ok_or_else(|| Error::not_found(Code::ProfileFieldNotFound))?.try_into()
}

/// Locked against every write of its values.
pub fn lock_field(tx: &mut Tx, id: ProfileFieldId) -> Result<ProfileField> {
    let row: Option<FieldRow> = profile_fields::table
        .find((tx.organization, id))
        .select(FieldRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?;
    row.ok_or_else(|| Error::not_found(Code::ProfileFieldNotFound))?.try_into()
}

pub fn insert_field(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    tx.forget::<Known>();
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
pub fn write_field(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    tx.forget::<Known>();
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
pub fn delete_field(tx: &mut Tx, id: ProfileFieldId) -> Result<()> {
    tx.forget::<Known>();
    diesel::delete(profile_fields::table.find((tx.organization, id))).execute(tx.conn)?;
    Ok(())
}

/// How many profiles have a value of it.
pub fn count_with(tx: &mut Tx, id: ProfileFieldId) -> Result<i64> {
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .select(diesel::dsl::count(profile_field_values::profile_id).aggregate_distinct())
        .get_result(tx.conn)?)
}

/// How many profiles have none.
pub fn count_without(tx: &mut Tx, id: ProfileFieldId) -> Result<i64> {
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
pub fn count_shared(tx: &mut Tx, id: ProfileFieldId) -> Result<i64> {
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
pub fn count_longer(tx: &mut Tx, id: ProfileFieldId, letters: usize) -> Result<i64> {
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
pub fn options_in_use(tx: &mut Tx, id: ProfileFieldId, options: &[&str]) -> Result<Vec<String>> {
    Ok(profile_field_values::table
        .filter(profile_field_values::organization_id.eq(tx.organization))
        .filter(profile_field_values::field_id.eq(id))
        .filter(profile_field_values::sort_value.eq_any(options))
        .select(profile_field_values::value)
        .distinct()
        .load(tx.conn)?)
}

/// From now on, or not any more, no two profiles may have the same value.
pub fn set_unique_keys(tx: &mut Tx, id: ProfileFieldId, unique: bool) -> Result<()> {
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
