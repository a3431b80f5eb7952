//! Attaching a contact to a profile: the heart of it all.
//!
//! One pointer moves and one event says so, whether the contact has one message or fifty thousand. Whoever touches
//! the same contact at the same time waits for its lock, so that each sees what the one before left.

use serde_json::json;

use super::draft::Required;
use super::queries;
use super::save;
use super::types::{AttachContact, Attached, NewProfile, OnConflict};
use crate::contacts::{self, ContactRow, Found};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Code, Error, FieldCode, FieldError, Result};
use crate::http::version::IfMatch;
use crate::ids::{ContactId, ProfileId};

/// Attaches a contact to a profile that exists, or to one that is made in the same step.
///
/// There already: nothing happens. Attached elsewhere: it moves where that is asked for, else 409 names the holder.
pub fn attach_contact(tx: &mut Tx, id: ContactId, if_match: &IfMatch, body: &AttachContact) -> Result<Attached> {
    let Moved { profile, from, created, .. } = attach(tx, id, if_match, body)?;
    Ok(Attached {
        contact: contacts::get_contact(tx.conn, tx.organization, id)?,
        profile: queries::get_profile(tx.conn, tx.organization, profile)?,
        previous_profile_id: from,
        created,
    })
}

/// What attaching did to a contact.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub version: i32,
    pub profile: ProfileId,
    pub from: Option<ProfileId>,
    /// Whether the profile was made just now.
    pub created: bool,
}

/// As [`attach_contact`], for who needs no view of it.
pub fn attach(tx: &mut Tx, id: ContactId, if_match: &IfMatch, body: &AttachContact) -> Result<Moved> {
    let target = target(body)?;
    let contact = contacts::lock_contact(tx, id)?;
    if_match.check(tx, id.0, contact.version)?;
    let (holder, mut version) = (contact.profile_id, contact.version);
    let profile = match target {
        Target::Existing(profile) => {
            queries::lock_alive(tx, profile, holder)?;
            if holder != Some(profile) {
                check_move(tx, holder, body)?;
                version = point(tx, &contact, profile)?;
            }
            profile
        }
        Target::New(new) => {
            check_move(tx, holder, body)?;
            let profile = save::create(tx, new, Required::Waived).map_err(|error| error.within("/new_profile"))?;
            queries::lock_alive(tx, profile, holder)?;
            version = point(tx, &contact, profile)?;
            profile
        }
    };
    Ok(Moved { version, profile, from: holder, created: matches!(target, Target::New(_)) })
}

/// Attaches the contacts beside each profile to it, as a part of making or changing it: all are locked, and those that
/// are new were made as the profile's. Gives what happened to those of each, for the caller to record.
pub fn attach_all(tx: &mut Tx, found: &[(ProfileId, Vec<Found>)]) -> Result<Vec<Vec<Event>>> {
    let mut came: Vec<(ContactId, ProfileId)> = Vec::new();
    let mut happened = Vec::new();
    for (profile, contacts) in found {
        let (new, mut known): (Vec<&Found>, Vec<&Found>) = contacts.iter().partition(|contact| contact.is_new);
        known.sort_by_key(|contact| contact.row.id);
        let mut of_profile = Vec::new();
        for Found { row, .. } in known {
            match row.profile_id {
                Some(holder) if holder == *profile => {}
                Some(holder) => return Err(already_attached(tx, holder)?),
                None => {
                    came.push((row.id, *profile));
                    of_profile.push(attached(row.id, None, *profile, row.version + 1));
                }
            }
        }
        of_profile.extend(new.iter().map(|Found { row, .. }| attached(row.id, None, *profile, row.version)));
        happened.push(of_profile);
    }
    // All of them before any is pointed to its profile: what that touches is locked last.
    contacts::lock_attached(tx, &Vec::from_iter(came.iter().map(|(contact, _)| *contact)))?;
    let pointed = came.iter().map(|(contact, profile)| (*contact, Some(*profile)));
    contacts::set_profiles(tx, &Vec::from_iter(pointed))?;
    // Those that are new have no history yet.
    queries::note_moments_of(tx, &came)?;
    Ok(happened)
}

/// Detaches a contact, from `only_from` if that is given; one that is detached already stays so. Gives its version.
pub fn detach_contact(tx: &mut Tx, id: ContactId, if_match: &IfMatch, only_from: Option<ProfileId>) -> Result<i32> {
    let contact = contacts::lock_contact(tx, id)?;
    if_match.check(tx, id.0, contact.version)?;
    let Some(profile) = contact.profile_id else { return Ok(contact.version) };
    if only_from.is_some_and(|expected| expected != profile) {
        return Err(not_attached(tx, Some(profile))?);
    }
    queries::lock_shared(tx, &[profile])?;
    contacts::lock_attached(tx, &[id])?;
    contacts::set_profiles(tx, &[(id, None)])?;
    queries::forget_contact_moment(tx, profile, id)?;
    let version = contact.version + 1;
    events::record(tx, detached(id, profile, version))?;
    Ok(version)
}

enum Target<'b> {
    Existing(ProfileId),
    New(&'b NewProfile),
}

fn target(body: &AttachContact) -> Result<Target<'_>> {
    let refused = |field, code, message| Err(Error::invalid_field(FieldError::body(field, code, message)));
    if body.expected_profile_id.is_some() && body.on_conflict != Some(OnConflict::Move) {
        return refused("/expected_profile_id", FieldCode::Unsupported, "needs on_conflict: \"move\"");
    }
    match (body.profile_id, &body.new_profile) {
        (Some(profile), None) => Ok(Target::Existing(profile)),
        (None, Some(new)) => Ok(Target::New(new)),
        (None, None) => refused("/profile_id", FieldCode::Required, "one of profile_id and new_profile is required"),
        (Some(_), Some(_)) => {
            refused("/new_profile", FieldCode::Exclusive, "only one of profile_id and new_profile is taken")
        }
    }
}

/// Whether the contact may leave its holder.
fn check_move(tx: &mut Tx, holder: Option<ProfileId>, body: &AttachContact) -> Result<()> {
    match (holder, body.expected_profile_id) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(not_attached(tx, None)?),
        (Some(holder), expected) => {
            let moves = body.on_conflict == Some(OnConflict::Move);
            if moves && expected.is_none_or(|expected| expected == holder) {
                return Ok(());
            }
            Err(already_attached(tx, holder)?)
        }
    }
}

/// Points the contact to its profile, and writes down that it came there. Gives its new version.
fn point(tx: &mut Tx, contact: &ContactRow, to: ProfileId) -> Result<i32> {
    let (id, from, version) = (contact.id, contact.profile_id, contact.version + 1);
    contacts::lock_attached(tx, &[id])?;
    contacts::set_profiles(tx, &[(id, Some(to))])?;
    // The activities, too, are locked in the order of their profiles.
    let mut touched = [from, Some(to)];
    touched.sort();
    for profile in touched.into_iter().flatten() {
        if profile == to {
            queries::note_moments_of(tx, &[(id, to)])?;
        } else {
            queries::forget_contact_moment(tx, profile, id)?;
        }
    }
    events::record(tx, attached(id, from, to, version))?;
    Ok(version)
}

/// A contact came to a profile.
fn attached(id: ContactId, from: Option<ProfileId>, to: ProfileId, version: i32) -> Event {
    let kind = if from.is_some() { "contact.moved" } else { "contact.attached" };
    let event = Event::new(kind, id.0).contact(id).profile(to).from_profile(from).version(version);
    event.change(json!({ "profile_id": from }), json!({ "profile_id": to }))
}

/// A contact left its profile.
pub fn detached(id: ContactId, from: ProfileId, version: i32) -> Event {
    let event = Event::new("contact.detached", id.0).contact(id).from_profile(from).version(version);
    event.change(json!({ "profile_id": from }), json!({ "profile_id": null }))
}

fn already_attached(tx: &mut Tx, holder: ProfileId) -> Result<Error> {
    let name = queries::name(tx, holder)?;
    let detail = format!("The contact is attached to {name}; on_conflict: \"move\" takes it from there.");
    let error = Error::new(Code::ContactAlreadyAttached, detail);
    Ok(error.with("holder", json!({ "profile_id": holder, "name": name })))
}

fn not_attached(tx: &mut Tx, holder: Option<ProfileId>) -> Result<Error> {
    let Some(holder) = holder else {
        return Ok(Error::new(Code::ContactNotAttached, "The contact is attached to no profile."));
    };
    let name = queries::name(tx, holder)?;
    let error = Error::new(Code::ContactNotAttached, format!("The contact is attached to another profile: {name}."));
    Ok(error.with("holder", json!({ "profile_id": holder, "name": name })))
}
