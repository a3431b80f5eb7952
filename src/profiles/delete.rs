//! Deleting a profile: softly, since its history stays with its contacts.

use std::collections::HashSet;

use serde_json::json;

use super::{attach, queries};
use crate::contacts;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::gone_notes;
use crate::db::subject::Subject;
use crate::error::{Error, Result};
use crate::http::version::IfMatch;
use crate::ids::{ContactId, ProfileId};
use crate::profile_fields;

/// How often it looks again after contacts came to the profile meanwhile.
const ROUNDS: usize = 8;

/// Detaches its contacts, each in the ledger, deletes its notes, and lets go of its unique values and search words.
pub fn delete_profile(tx: &mut Tx, id: ProfileId, if_match: &IfMatch) -> Result<()> {
    Subject::Profile(id).find(tx.conn, tx.organization)?;
    let mut known = contacts::contact_ids_of_profile(tx.conn, tx.organization, id)?;
    for _ in 0..ROUNDS {
        if tx.attempt(|tx| delete_with(tx, id, if_match, &mut known))?.is_some() {
            return Ok(());
        }
    }
    Err(Error::unavailable(1, "contacts kept coming while the profile was deleted").transient())
}

/// Deletes it unless it has a contact that isn't known: those that are, are locked before the profile, here as
/// everywhere, and one that comes and goes while this waits is known the next time.
fn delete_with(tx: &mut Tx, id: ProfileId, if_match: &IfMatch, known: &mut Vec<ContactId>) -> Result<Option<()>> {
    let mut contacts = contacts::lock_contacts(tx, known)?;
    // And fields: a change of one may touch every profile that has a value of it.
    profile_fields::lock_fields(tx)?;
    let row = queries::lock_profile(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    // Nobody attaches any more.
    let mut unknown = contacts::contact_ids_of_profile(tx.conn, tx.organization, id)?;
    let locked: HashSet<ContactId> = contacts.iter().map(|contact| contact.id).collect();
    unknown.retain(|contact| !locked.contains(contact));
    if !unknown.is_empty() {
        known.append(&mut unknown);
        return Ok(None);
    }
    contacts.retain(|contact| contact.profile_id == Some(id));
    contacts::set_profiles(tx, &Vec::from_iter(contacts.iter().map(|contact| (contact.id, None))))?;
    let detached = contacts.iter().map(|contact| attach::detached(contact.id, id, contact.version + 1));
    events::record_all(tx, detached.collect())?;
    gone_notes::delete_notes_on(tx, Subject::Profile(id))?;
    profile_fields::release_values(tx, id)?;
    let version = queries::mark_deleted(tx, &row)?;
    let event = Event::new("profile.deleted", id.0).profile(id).version(version);
    events::record(tx, event.change(json!({ "name": row.name, "kind": row.kind }), json!({})))?;
    Ok(Some(()))
}
