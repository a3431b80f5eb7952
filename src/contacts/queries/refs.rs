//! Contacts and profiles as other rooms show them beside their ids, each looked up once for a whole page.

use std::collections::HashMap;

use diesel::deserialize::{self, Queryable};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid};

use super::super::types::{ContactRef, ProfileRef};
use crate::channels::Medium;
use crate::db::schema::{contacts, profiles};
use crate::error::Result;
use crate::ids::{ContactId, OrganizationId, ProfileId};

/// Selected as its id, name, medium and address.
impl Queryable<(Uuid, Nullable<Text>, Text, Text), Pg> for ContactRef {
    type Row = (ContactId, Option<String>, Medium, String);

    fn build((id, name, medium, address): Self::Row) -> deserialize::Result<Self> {
        Ok(Self { id, name, medium, address })
    }
}

/// Selected as its id and name.
impl Queryable<(Uuid, Text), Pg> for ProfileRef {
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
