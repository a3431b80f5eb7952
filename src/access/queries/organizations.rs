//! All Diesel of organizations.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::exists;
use diesel::prelude::*;
use serde_json::{Map, json};

use crate::access::types::{Organization, UpdateOrganization};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::schema::organizations;
use crate::error::Result;
use crate::http::version::IfMatch;
use crate::ids::OrganizationId;
use crate::text::stem::Stemmer;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct OrganizationRow {
    id: OrganizationId,
    name: String,
    time_zone: String,
    default_country: String,
    language: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            time_zone: row.time_zone,
            default_country: row.default_country,
            language: row.language,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

pub fn insert_organization(tx: &mut Tx, name: &str) -> Result<()> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(tx.organization),
            organizations::name.eq(name),
            organizations::created_at.eq(tx.now),
            organizations::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let event = Event::new("organization.created", tx.organization.0).version(1).after(json!({ "name": name }));
    events::record(tx, event)
}

pub fn organization(conn: &mut PgConnection, organization: OrganizationId) -> Result<Organization> {
    let row = organizations::table.find(organization).select(OrganizationRow::as_select()).first(conn)?;
    Ok(row.into())
}

pub fn update_organization(tx: &mut Tx, if_match: &IfMatch, body: &UpdateOrganization) -> Result<Organization> {
    let row: OrganizationRow =
        organizations::table.find(tx.organization).select(OrganizationRow::as_select()).for_update().first(tx.conn)?;
    if_match.check(tx, tx.organization.0, row.version)?;
    let mut before = Map::new();
    let mut after = Map::new();
    let mut changed = row.clone();
    for (key, was, becomes) in [
        ("name", &mut changed.name, &body.name),
        ("time_zone", &mut changed.time_zone, &body.time_zone),
        ("default_country", &mut changed.default_country, &body.default_country),
        ("language", &mut changed.language, &body.language),
    ] {
        if let Some(becomes) = becomes.as_ref().filter(|becomes| *becomes != was) {
            before.insert(key.to_owned(), json!(was));
            after.insert(key.to_owned(), json!(becomes));
            was.clone_from(becomes);
        }
    }
    if after.is_empty() {
        return Ok(row.into());
    }
    let row: OrganizationRow = diesel::update(organizations::table.find(tx.organization))
        .set((
            organizations::name.eq(changed.name),
            organizations::time_zone.eq(changed.time_zone),
            organizations::default_country.eq(changed.default_country),
            organizations::language.eq(changed.language),
            organizations::version.eq(row.version + 1),
            organizations::updated_at.eq(tx.now),
        ))
        .returning(OrganizationRow::as_returning())
        .get_result(tx.conn)?;
    tx.forget::<Country>();
    tx.forget::<Stemmer>();
    let event =
        Event::new("organization.updated", tx.organization.0).version(row.version).change(before.into(), after.into());
    events::record(tx, event)?;
    Ok(row.into())
}

/// Whether there is any organization.
pub fn has_organization(conn: &mut PgConnection) -> Result<bool> {
    Ok(diesel::select(exists(organizations::table.select(organizations::id))).get_result(conn)?)
}

/// In which a bare date is a day.
pub fn time_zone(conn: &mut PgConnection, organization: OrganizationId) -> Result<Tz> {
    let name: String = organizations::table.find(organization).select(organizations::time_zone).first(conn)?;
    Ok(name.parse().unwrap_or(Tz::UTC))
}

struct Country(String);

/// As [`default_country`], read once a transaction.
pub fn country(tx: &mut Tx) -> Result<String> {
    let read = |tx: &mut Tx| default_country(tx.conn, tx.organization).map(Country);
    tx.once(read).map(|country| country.0.clone())
}

/// Which completes phone numbers: ISO 3166-1 alpha-2.
pub fn default_country(conn: &mut PgConnection, organization: OrganizationId) -> Result<String> {
    Ok(organizations::table.find(organization).select(organizations::default_country).first(conn)?)
}
