//! All Diesel of contacts: what is read ([`read`], [`search`]), what is written ([`write`]), and what holds them where
//! they are attached ([`attached`]).

mod attached;
mod read;
mod search;
mod write;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::types::ContactRef;
use crate::channels::Medium;
use crate::db::schema::contacts;
use crate::ids::{ContactId, ProfileId};

pub use attached::{hold_attached, lock_attached};
pub use read::{contact_views, contacts_of_profile, get_contact, list_contacts};
pub use search::find_contacts;
pub use write::{
    NewContact, checked, create_contact, delete_contact, find_or_make, lock_contact, set_profile, set_profile_of_new,
    update_contact,
};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = contacts, check_for_backend(diesel::pg::Pg))]
pub struct ContactRow {
    pub id: ContactId,
    pub medium: Medium,
    pub address: String,
    pub name: Option<String>,
    pub sort_name: String,
    pub profile_id: Option<ProfileId>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<&ContactRow> for ContactRef {
    fn from(row: &ContactRow) -> Self {
        Self { id: row.id, name: row.name.clone(), medium: row.medium, address: row.address.clone() }
    }
}
