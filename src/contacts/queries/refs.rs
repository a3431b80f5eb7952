//! Contacts and profiles as other rooms show them beside their ids, each looked up once for a whole page.

use std::collections::HashMap;

use diesel::deserialize::{self, Queryable};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::types::{ContactRef, ProfileRef};
use crate::channels::Medium;
use crate::db::schema::{contacts, events, profiles};
use crate::error::{Error, Result};
use crate::ids::{ContactId, OrganizationId, ProfileId};

/// Selected as its id, name, medium and address.
impl Queryable<(SqlUuid, Nullable<Text>, Text, Text), Pg> for ContactRef {
    type Row = (ContactId, Option<String>, Medium, String);

    fn build((id, name, medium, address): Self::Row) -> deserialize::Result<Self> {
        Ok(Self { id, name, medium, address })
    }
}

/// Selected as its id and name.
impl Queryable<(SqlUuid, Text), Pg> for ProfileRef {
    type Row = (ProfileId, String);

    fn build((id, name): Self::Row) -> deserialize::Result<Self> {
        Ok(Self { id, name })
    }
}

pub fn contact_refs(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: impl IntoIterator<Item = ContactId>,
) -> Result<HashMap<ContactId, ContactRef>> {
    let ids: Vec<ContactId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let refs: Vec<ContactRef> = contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::id.eq_any(ids))
        .select((contacts::id, contacts::name, contacts::medium, contacts::address))
        .load(conn)?;
    Ok(refs.into_iter().map(|contact| (contact.id, contact)).collect())
}

/// Deleted contacts as they were, from what is kept of their deletion.
pub fn deleted_contact_refs(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: impl IntoIterator<Item = ContactId>,
) -> Result<HashMap<ContactId, ContactRef>> {
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, Value)> = events::table
        .filter(events::organization_id.eq(organization))
        .filter(events::resource_id.eq_any(ids))
        .filter(events::type_.eq("contact.deleted"))
        .filter(events::before.is_not_null())
        .select((events::resource_id, events::before.assume_not_null()))
        .load(conn)?;
    let contact = |(id, before): (Uuid, Value)| {
        let Before { name, medium, address } = serde_json::from_value(before).map_err(Error::internal)?;
        let id = ContactId(id);
        Ok((id, ContactRef { id, name, medium, address }))
    };
    rows.into_iter().map(contact).collect()
}

/// What the event of a deletion keeps of its contact.
#[derive(Deserialize)]
struct Before {
    name: Option<String>,
    medium: Medium,
    address: String,
}

/// Also of deleted ones, which keep their names.
pub fn profile_refs(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: impl IntoIterator<Item = ProfileId>,
) -> Result<HashMap<ProfileId, ProfileRef>> {
    let ids: Vec<ProfileId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let refs: Vec<ProfileRef> = profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::id.eq_any(ids))
        .select((profiles::id, profiles::name))
        .load(conn)?;
    Ok(refs.into_iter().map(|profile| (profile.id, profile)).collect())
}
