//! All Diesel of profile fields, and of the searched form of their values.

mod missing;
mod values;
mod violations;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Record, Uuid as SqlUuid};
use serde_json::{Value, json};

use super::types::{FieldOption, FieldType, ProfileField, ProfileFieldList};
use crate::db::schema::profile_fields;
use crate::db::{Tx, advisory, keyset};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{OrganizationId, ProfileFieldId};

pub(super) use missing::{forget_missing, note_missing_of_all};
pub use missing::{note_given, note_missing};
pub use values::{NewValue, holders, profiles_with, release_values, store_values};
pub(super) use values::{options_in_use, set_unique_keys, write_terms};
pub(super) use violations::{
    Kept, count_profiles, count_unfit_to_be_unique, count_with, count_without, kept_values, unfit_to_be_unique, without,
};

/// Values that are read, or written, at a time.
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
    default: Option<Value>,
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
            default: row.default,
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

/// Keeps every field as it is until the transaction ends.
pub fn lock_fields(tx: &mut Tx) -> Result<()> {
    let all = profile_fields::table.filter(profile_fields::organization_id.eq(tx.organization));
    let locked = all.order(profile_fields::id).select(profile_fields::id).for_key_share();
    locked.load::<ProfileFieldId>(tx.conn)?;
    Ok(())
}

/// As [`fields_for_write`], for a new profile: what is required can't change either, nor what it has by default.
pub fn fields_for_create(tx: &mut Tx, keys: &[&str]) -> Result<Vec<ProfileField>> {
    advisory::lock(tx, tx.organization.0, false)?;
    let all = fields(tx.conn, tx.organization)?;
    let with_default = all.iter().filter(|field| field.default.is_some()).map(|field| field.key.as_str());
    let keys: Vec<&str> = keys.iter().copied().chain(with_default).collect();
    if keys.is_empty() { Ok(all) } else { fields_for_write(tx, &keys) }
}

/// Waits for profiles that are being made, and lets none be made until the transaction ends.
pub(super) fn lock_required(tx: &mut Tx) -> Result<()> {
    advisory::lock(tx, tx.organization.0, true)
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
pub(super) fn lock_field(tx: &mut Tx, id: ProfileFieldId) -> Result<Option<ProfileField>> {
    let row: Option<FieldRow> = profile_fields::table
        .find((tx.organization, id))
        .select(FieldRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?;
    row.map(ProfileField::try_from).transpose()
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
            profile_fields::default.eq(&field.default),
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
            profile_fields::type_.eq(field.field_type),
            profile_fields::options.eq(json!(field.options.as_deref().unwrap_or_default())),
            profile_fields::required.eq(field.required),
            profile_fields::unique.eq(field.unique),
            profile_fields::searchable.eq(field.searchable),
            profile_fields::default.eq(&field.default),
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
