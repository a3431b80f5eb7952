//! Making and changing profiles.

use serde_json::{Map, Value, json};

use super::attach;
use super::changes::{self, Change, Values};
use super::queries::{self, ProfileRow};
use super::types::{CreateProfile, NewProfile, Outcome, Profile, ProfileKind, UpdateProfile};
use crate::access;
use crate::contacts::{self, CreateContact};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Code, Error, FieldError, Result};
use crate::http::version::IfMatch;
use crate::ids::{ContactId, ProfileFieldId, ProfileId};
use crate::profile_fields::{self, FieldType, ProfileField};

/// Whether a new profile must have every required field. From an open conversation only a name is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    Bind,
    Waived,
}

/// Makes a profile with its contacts, found or made.
pub fn create_profile(tx: &mut Tx, body: &CreateProfile) -> Result<Profile> {
    let contacts = find_or_make_contacts(tx, &body.contacts)?;
    let id = create_with(tx, body, &contacts)?;
    queries::get_profile(tx.conn, tx.organization, id)
}

fn create_with(tx: &mut Tx, body: &CreateProfile, contacts: &[ContactId]) -> Result<ProfileId> {
    let CreateProfile { name, kind, fields, .. } = body.clone();
    let id = create(tx, &NewProfile { name, kind, fields }, Required::Bind)?;
    for contact in contacts {
        attach::attach_to(tx, *contact, id)?;
    }
    Ok(id)
}

/// Makes a profile without contacts.
pub fn create(tx: &mut Tx, new: &NewProfile, required: Required) -> Result<ProfileId> {
    let fields = fields_for_create(tx, &new.fields)?;
    let country = country(tx, &fields)?;
    let wanted = changes::with_defaults(&fields, &new.fields);
    let checked = changes::changes(&fields, &Values::new(), &wanted, &country);
    let mut errors = Vec::new();
    if required == Required::Bind {
        errors.extend(changes::absent(&fields, &wanted));
    }
    let changes = checked.unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Vec::new()
    });
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let values = changes::apply(&Values::new(), &changes);
    let name = new.name.trim();
    let kind = new.kind.unwrap_or(ProfileKind::Person);
    let id = queries::insert_profile(tx, name, kind, &values)?;
    for Change { field, becomes, .. } in &changes {
        profile_fields::store_value(tx, field, id, becomes.as_ref())?;
    }
    let missing: Vec<ProfileFieldId> = changes::missing(&fields, &values).map(|field| field.id).collect();
    profile_fields::note_missing(tx, id, &missing)?;
    let after = json!({ "name": name, "kind": kind, "fields": changes::by_key(&fields, &values) });
    events::record(tx, Event::new("profile.created", id.0).profile(id).version(1).after(after))?;
    Ok(id)
}

pub fn update_profile(tx: &mut Tx, id: ProfileId, if_match: &IfMatch, body: &UpdateProfile) -> Result<Profile> {
    let no_fields = Map::new();
    let wanted = body.fields.as_ref().unwrap_or(&no_fields);
    // Fields are locked before profiles: a change of a field may touch them all.
    let fields = fields_for_write(tx, wanted)?;
    let row = queries::lock_profile(tx, id)?;
    if_match.check(row.version)?;
    update(tx, row, body.name.as_deref(), body.kind, wanted, &fields)?;
    queries::get_profile(tx.conn, tx.organization, id)
}

/// Changes a locked profile with fields that are locked, too, and says whether anything changed.
fn update(
    tx: &mut Tx,
    row: ProfileRow,
    name: Option<&str>,
    kind: Option<ProfileKind>,
    wanted: &Map<String, Value>,
    fields: &[ProfileField],
) -> Result<bool> {
    let country = country(tx, fields)?;
    let changes = changes::changes(fields, row.values(), wanted, &country).map_err(Error::invalid)?;
    let name = name.map_or(row.name.as_str(), str::trim);
    let kind = kind.unwrap_or(row.kind);
    let (mut before, mut after) = (Map::new(), Map::new());
    for (member, was, becomes) in [("name", json!(row.name), json!(name)), ("kind", json!(row.kind), json!(kind))] {
        if was != becomes {
            before.insert(member.to_owned(), was);
            after.insert(member.to_owned(), becomes);
        }
    }
    if !changes.is_empty() {
        let by_key = |of: fn(&Change) -> Value| -> Map<String, Value> {
            changes.iter().map(|change| (change.field.key.clone(), of(change))).collect()
        };
        before.insert("fields".to_owned(), by_key(|change| json!(change.was)).into());
        after.insert("fields".to_owned(), by_key(|change| json!(change.becomes)).into());
    }
    if after.is_empty() {
        return Ok(false);
    }
    let version = queries::write_profile(tx, &row, name, kind, &changes::apply(row.values(), &changes))?;
    for Change { field, becomes, .. } in &changes {
        profile_fields::store_value(tx, field, row.id, becomes.as_ref())?;
    }
    let given = changes.iter().filter(|change| change.field.required && change.was.is_none());
    let given: Vec<ProfileFieldId> = given.map(|change| change.field.id).collect();
    profile_fields::note_given(tx, row.id, &given)?;
    let event = Event::new("profile.updated", row.id.0).profile(row.id).version(version);
    events::record(tx, event.change(before.into(), after.into()))?;
    Ok(true)
}

/// Changes the profile that has the body's value of the unique field `key`, or makes one. Of several that come at
/// once with the same value, the unique key lets one make it; the others find it.
pub fn upsert_profile(tx: &mut Tx, key: &str, body: &CreateProfile) -> Result<Profile> {
    let contacts = find_or_make_contacts(tx, &body.contacts)?;
    for contact in &contacts {
        contacts::lock_contact(tx, *contact)?;
    }
    let fields = fields_for_create(tx, &body.fields)?;
    let (field, value) = upsert_key(tx, key, body, &fields)?;
    let (id, outcome) = match profile_fields::holder(tx, field.id, &value)? {
        Some((id, _)) => (id, update_with(tx, id, body, &contacts, &fields)?),
        None => match tx.savepoint(|tx| create_with(tx, body, &contacts)) {
            Ok(id) => (id, Outcome::Created),
            Err(error) if error.code() == Code::ValueTaken => {
                // Another made it in this moment, unless it is another field's value that is taken.
                let (id, _) = profile_fields::holder(tx, field.id, &value)?.ok_or(error)?;
                (id, update_with(tx, id, body, &contacts, &fields)?)
            }
            Err(error) => return Err(error),
        },
    };
    let profile = queries::get_profile(tx.conn, tx.organization, id)?;
    Ok(Profile { outcome: Some(outcome), ..profile })
}

fn update_with(
    tx: &mut Tx,
    id: ProfileId,
    body: &CreateProfile,
    contacts: &[ContactId],
    fields: &[ProfileField],
) -> Result<Outcome> {
    let row = match queries::lock_profile(tx, id) {
        // It was deleted since it was found: run again, the transaction makes another.
        Err(error) if error.code() == Code::ProfileNotFound => return Err(error.transient()),
        row => row?,
    };
    let mut changed = update(tx, row, Some(&body.name), body.kind, &body.fields, fields)?;
    for contact in contacts {
        changed |= attach::attach_to(tx, *contact, id)?;
    }
    Ok(if changed { Outcome::Updated } else { Outcome::Unchanged })
}

/// The field that tells profiles apart, and the body's value of it.
fn upsert_key(tx: &mut Tx, key: &str, body: &CreateProfile, fields: &[ProfileField]) -> Result<(ProfileField, String)> {
    let refused = |code, message| Err(Error::invalid_field(FieldError::query("upsert_on", code, message)));
    let Some(field) = fields.iter().find(|field| field.key == key) else {
        return refused("unknown", "must be the key of a profile field");
    };
    if !field.unique {
        return refused("unique", "must be the key of a unique field");
    }
    let country = country(tx, fields)?;
    let wanted = body.fields.iter().filter(|(name, _)| *name == key).map(|(name, value)| (name.clone(), value.clone()));
    let changes = changes::changes(fields, &Values::new(), &wanted.collect(), &country).map_err(Error::invalid)?;
    let value = changes.iter().find_map(|change| change.becomes.as_ref());
    let indexed = value.and_then(|value| profile_fields::indexed(field, value).pop());
    match indexed {
        Some(indexed) => Ok((field.clone(), indexed.value)),
        None => refused("required", "the body's fields must have a value of it"),
    }
}

/// The body's contacts, in the order in which everyone locks contacts.
fn find_or_make_contacts(tx: &mut Tx, bodies: &[CreateContact]) -> Result<Vec<ContactId>> {
    let mut wanted = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        wanted.push(contacts::checked(tx, body, &format!("/contacts/{index}"))?);
    }
    wanted.sort_by_cached_key(|new| (new.medium, new.address.trim().to_lowercase()));
    let mut ids = Vec::new();
    for new in &wanted {
        ids.push(contacts::find_or_make(tx, new)?.0.id);
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

fn fields_for_write(tx: &mut Tx, wanted: &Map<String, Value>) -> Result<Vec<ProfileField>> {
    let keys: Vec<&str> = wanted.keys().map(String::as_str).collect();
    profile_fields::fields_for_write(tx, &keys)
}

fn fields_for_create(tx: &mut Tx, wanted: &Map<String, Value>) -> Result<Vec<ProfileField>> {
    let keys: Vec<&str> = wanted.keys().map(String::as_str).collect();
    profile_fields::fields_for_create(tx, &keys)
}

/// Needed only where telephone numbers are checked.
fn country(tx: &mut Tx, fields: &[ProfileField]) -> Result<String> {
    match fields.iter().any(|field| field.field_type == FieldType::Phone) {
        true => access::default_country(tx.conn, tx.organization),
        false => Ok(String::new()),
    }
}
