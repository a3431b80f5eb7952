//! All Diesel of contacts: what is read ([`read`], [`refs`], [`search`]), what is written ([`make`], [`write`]), and what holds them
//! where they are attached ([`attached`]).

mod attached;
mod make;
mod read;
mod refs;
mod search;
mod write;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::types::ContactRef;
use crate::channels::Medium;
use crate::db::schema::contacts;
use crate::ids::{ContactId, ProfileId};

pub use attached::{hold_attached, lock_attached};
pub use make::{Found, NewContact, checked, create_contact, find_or_make, find_or_make_all};
pub use read::{contact_ids_of_profile, contact_views, contacts_of_profile, get_contact, list_contacts};
pub use refs::{contact_refs, deleted_contact_refs, profile_refs};
pub use search::{find_contacts, find_people, is_known_beginning};
pub use write::{delete_contact, lock_contact, lock_contacts, set_profiles, update_contact};

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
