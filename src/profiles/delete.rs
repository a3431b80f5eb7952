//! Deleting a profile: softly, since its history stays with its contacts.

use serde_json::json;

use super::{attach, queries};
use crate::contacts;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::subject::Subject;
use crate::error::{Error, Result};
use crate::http::version::IfMatch;
use crate::ids::ProfileId;
use crate::profile_fields;

/// Detaches its contacts, each in the ledger, and lets go of its unique values and search words.
pub fn delete_profile(tx: &mut Tx, id: ProfileId, if_match: &IfMatch) -> Result<()> {
    Subject::Profile(id).find(tx.conn, tx.organization)?;
    // Contacts are locked before profiles, here as everywhere.
    let attached = contacts::contact_ids_of_profile(tx.conn, tx.organization, id)?;
    let contacts = contacts::lock_contacts(tx, &attached)?;
    // And fields: a change of one may touch every profile that has a value of it.
    profile_fields::lock_fields(tx)?;
    let row = queries::lock_profile(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    // Nobody attaches any more; but somebody may have, or detached, since the contacts were read.
    if contacts::contact_ids_of_profile(tx.conn, tx.organization, id)? != attached {
        return Err(Error::unavailable(1, "contacts were attached while the profile was deleted").transient());
    }
    contacts::set_profiles(tx, &Vec::from_iter(attached.iter().map(|contact| (*contact, None))))?;
    let detached = contacts.iter().map(|contact| attach::detached(contact.id, id, contact.version + 1));
    events::record_all(tx, detached.collect())?;
    profile_fields::release_values(tx, id)?;
    let version = queries::mark_deleted(tx, &row)?;
    let event = Event::new("profile.deleted", id.0).profile(id).version(version);
    events::record(tx, event.change(json!({ "name": row.name, "kind": row.kind }), json!({})))
}
