//! Making and changing profiles, many at a time, so that one is a set of one: the number of statements doesn't depend on
//! how many there are.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Map;

use super::attach;
use super::changes::{self, Values};
use super::draft::{Draft, Required, Rules};
use super::queries::{self, ProfileRow};
use super::types::{CreateProfile, NewProfile, Outcome, Saved, UpdateProfile};
use crate::access;
use crate::contacts::{self, Found, NewContact};
use crate::db::Tx;
use crate::db::events;
use crate::error::{Code, Error, FieldCode, FieldError, Result, all};
use crate::http::version::IfMatch;
use crate::ids::{ContactId, ProfileFieldId, ProfileId};
use crate::profile_fields::{self, FieldType, ProfileField};

/// Makes a profile without contacts.
pub fn create(tx: &mut Tx, new: &NewProfile, required: Required) -> Result<ProfileId> {
    let keys: Vec<&str> = new.fields.keys().map(String::as_str).collect();
    let fields = profile_fields::fields_for_create(tx, &keys)?;
    let country = country(tx, &fields)?;
    let rules = Rules { fields: &fields, country: &country };
    let draft = Draft::new(rules, &new.name, new.kind, &new.fields, required)?;
    queries::insert_profiles(tx, [&draft])?;
    write_alone(tx, &draft)?;
    Ok(draft.id)
}

pub fn update_profile(tx: &mut Tx, id: ProfileId, if_match: &IfMatch, body: &UpdateProfile) -> Result<Saved> {
    let no_fields = Map::new();
    let wanted = body.fields.as_ref().unwrap_or(&no_fields);
    // Fields are locked before profiles: a change of a field may touch them all.
    let keys: Vec<&str> = wanted.keys().map(String::as_str).collect();
    let fields = profile_fields::fields_for_write(tx, &keys)?;
    let row = queries::lock_profile(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    let country = country(tx, &fields)?;
    let rules = Rules { fields: &fields, country: &country };
    let draft = Draft::of(row, rules, body.name.as_deref(), body.kind, wanted)?;
    write_alone(tx, &draft)?;
    let outcome = if draft.is_edited() { Outcome::Updated } else { Outcome::Unchanged };
    Ok(Saved { id, version: draft.version(), outcome })
}

/// Makes a profile with its contacts, found or made. With `upsert_on`, the key of a unique field, changes the one that
/// has the body's value of it, if there is one.
pub fn save_profile(tx: &mut Tx, upsert_on: Option<&str>, if_match: &IfMatch, body: &CreateProfile) -> Result<Saved> {
    let saved = save_profiles(tx, upsert_on, std::slice::from_ref(if_match), std::slice::from_ref(body))?;
    saved.into_iter().next().ok_or_else(|| Error::internal("a profile that wasn't saved"))
}

/// As [`save_profile`], for many as if they came one after the other. Fails, without saying whose fault it is, where one
/// of them is refused or where they are in each other's way.
pub fn save_profiles(
    tx: &mut Tx,
    upsert_on: Option<&str>,
    if_match: &[IfMatch],
    bodies: &[CreateProfile],
) -> Result<Vec<Saved>> {
    let contacts = all(bodies.iter().map(|body| {
        let checked = body.contacts.iter().enumerate();
        all(checked.map(|(index, contact)| contacts::checked(tx, contact, &format!("/contacts/{index}"))))
    }));
    let keys: BTreeSet<&str> = bodies.iter().flat_map(|body| body.fields.keys()).map(String::as_str).collect();
    let fields = profile_fields::fields_for_create(tx, &Vec::from_iter(keys))?;
    let country = country(tx, &fields)?;
    let rules = Rules { fields: &fields, country: &country };
    let contacts = contacts.map_err(|error| {
        // What is wrong with the fields is told with it; of one that is there, others may have been given.
        let required = if upsert_on.is_some() { Required::Waived } else { Required::Bind };
        let drafts = bodies.iter().map(|body| Draft::new(rules, &body.name, body.kind, &body.fields, required));
        drafts.filter_map(Result::err).fold(error, Error::and)
    })?;
    let bodies = Bodies { all: bodies, if_match, contacts, rules };
    match upsert_on {
        Some(key) => bodies.upsert(tx, key),
        None => bodies.save(tx, &vec![None; bodies.all.len()]),
    }
}

/// Bodies, with what each is checked against.
struct Bodies<'b> {
    all: &'b [CreateProfile],
    /// What each may change.
    if_match: &'b [IfMatch],
    /// Of each.
    contacts: Vec<Vec<NewContact>>,
    rules: Rules<'b>,
}

impl Bodies<'_> {
    /// Changes those profiles that have the bodies' values of the unique field `key`, and makes the others. Of several
    /// that come at once with the same value, the unique key lets one make it; the others find it.
    fn upsert(&self, tx: &mut Tx, key: &str) -> Result<Vec<Saved>> {
        let (field, values) = self.upsert_values(key)?;
        if BTreeSet::from_iter(&values).len() < values.len() {
            return Err(in_the_way(Code::ValueTaken));
        }
        let ids = |held: &HashMap<String, ProfileId>| -> Vec<Option<ProfileId>> {
            values.iter().map(|value| held.get(value).copied()).collect()
        };
        let held = profile_fields::holders(tx, field, &values)?;
        if held.len() == values.len() {
            return self.save(tx, &ids(&held));
        }
        match tx.savepoint(|tx| self.save(tx, &ids(&held))) {
            Err(error) if error.code() == Code::ValueTaken => {
                // Another made one in this moment, unless it is another field's value that is taken.
                let now = profile_fields::holders(tx, field, &values)?;
                if now == held { Err(error) } else { self.save(tx, &ids(&now)) }
            }
            saved => saved,
        }
    }

    /// The field that tells profiles apart, and the bodies' values of it.
    fn upsert_values(&self, key: &str) -> Result<(ProfileFieldId, Vec<String>)> {
        let refused = |code, message| Err(Error::invalid_field(FieldError::query("upsert_on", code, message)));
        let Rules { fields, country } = self.rules;
        let Some(field) = fields.iter().find(|field| field.key == key) else {
            return refused(FieldCode::Unknown, "must be the key of a profile field");
        };
        if !field.unique {
            return refused(FieldCode::Unsupported, "must be the key of a unique field");
        }
        let mut values = Vec::new();
        for body in self.all {
            let wanted = body.fields.get_key_value(key).map(|(key, value)| (key.clone(), value.clone()));
            let wanted = wanted.into_iter().collect();
            let changes = changes::changes(fields, &Values::new(), &wanted, country).map_err(Error::invalid)?;
            let value = changes.iter().find_map(|change| change.becomes.as_ref());
            match value.and_then(|value| profile_fields::indexed(field, value).pop()) {
                Some(indexed) => values.push(indexed.value),
                None => return refused(FieldCode::Required, "the body's fields must have a value of it"),
            }
        }
        Ok((field.id, values))
    }

    /// Changes the profiles with these ids, and makes those that have none.
    fn save(&self, tx: &mut Tx, ids: &[Option<ProfileId>]) -> Result<Vec<Saved>> {
        let mut drafts: Vec<Option<Draft>> = Vec::new();
        for ((body, if_match), id) in self.all.iter().zip(self.if_match).zip(ids) {
            if id.is_some() {
                drafts.push(None);
                continue;
            }
            if_match.check_absent()?;
            let CreateProfile { name, kind, fields, .. } = body;
            drafts.push(Some(Draft::new(self.rules, name, *kind, fields, Required::Bind)?));
        }
        // Nobody knows of these yet: their contacts can be made theirs.
        queries::insert_profiles(tx, drafts.iter().flatten())?;
        let owners = drafts.iter().zip(ids).filter_map(|(draft, id)| draft.as_ref().map(|draft| draft.id).or(*id));
        let owners: Vec<ProfileId> = owners.collect();
        let found = self.find_contacts(tx, &owners)?;
        // Contacts are locked before profiles.
        let rows = queries::lock_profiles(tx, &Vec::from_iter(ids.iter().copied().flatten()))?;
        let mut rows: HashMap<ProfileId, ProfileRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        let bodies = self.all.iter().zip(self.if_match);
        for ((draft, owner), (body, if_match)) in drafts.iter_mut().zip(&owners).zip(bodies) {
            if draft.is_none() {
                // It was deleted since it was found: run again, the transaction makes another.
                let gone = || Error::not_found(Code::ProfileNotFound).transient();
                let row = rows.remove(owner).ok_or_else(gone)?;
                if_match.check(tx, owner.0, row.version)?;
                *draft = Some(Draft::of(row, self.rules, Some(&body.name), body.kind, &body.fields)?);
            }
        }
        let drafts: Vec<Draft> = drafts.into_iter().flatten().collect();
        write(tx, &drafts)?;
        let attached = attach::attach_all(tx, &found)?;
        let mut saved = Vec::new();
        let mut happened = Vec::new();
        for ((draft, (_, found)), attached) in drafts.iter().zip(found).zip(attached) {
            let outcome = match draft.is_new() {
                true => Outcome::Created,
                false if draft.is_edited() || !attached.is_empty() => Outcome::Updated,
                false => Outcome::Unchanged,
            };
            saved.push(Saved { id: draft.id, version: draft.version(), outcome });
            happened.extend(found.into_iter().filter_map(|found| found.event).chain(draft.event()).chain(attached));
        }
        events::record_all(tx, happened)?;
        Ok(saved)
    }

    /// The contacts of each body beside the profile that they are to be of, found or made, each once.
    fn find_contacts(&self, tx: &mut Tx, owners: &[ProfileId]) -> Result<Vec<(ProfileId, Vec<Found>)>> {
        let of_all = self.contacts.iter().zip(owners);
        let wanted = of_all.flat_map(|(contacts, owner)| contacts.iter().map(|contact| (contact, Some(*owner))));
        let mut found = contacts::find_or_make_all(tx, &Vec::from_iter(wanted))?.into_iter();
        let mut whose: HashMap<ContactId, ProfileId> = HashMap::new();
        let mut by_owner = Vec::new();
        for (contacts, owner) in self.contacts.iter().zip(owners) {
            let mut of_owner = Vec::new();
            for found in found.by_ref().take(contacts.len()) {
                match whose.insert(found.row.id, *owner) {
                    None => of_owner.push(found),
                    Some(other) if other == *owner => {}
                    Some(_) => return Err(in_the_way(Code::ContactAlreadyAttached)),
                }
            }
            by_owner.push((*owner, of_owner));
        }
        Ok(by_owner)
    }
}

/// Two want the same: carried out by itself, the second is told who has it.
fn in_the_way(code: Code) -> Error {
    Error::new(code, "Another that is saved at the same time has it.")
}

/// Writes new profiles, which have been inserted, and what is edited in others.
fn write(tx: &mut Tx, drafts: &[Draft]) -> Result<()> {
    if drafts.len() > 1 {
        let released: HashSet<(ProfileFieldId, String)> = drafts.iter().flat_map(Draft::released).collect();
        let claimed = drafts.iter().flat_map(Draft::claimed);
        // One may be refused what another lets go of only after it.
        if claimed.into_iter().any(|claim| released.contains(&claim)) {
            return Err(in_the_way(Code::ValueTaken));
        }
    }
    queries::write_profiles(tx, drafts.iter().filter(|draft| draft.is_edited()))?;
    queries::write_names(tx, drafts.iter().filter(|draft| draft.has_new_name()))?;
    profile_fields::store_values(tx, &Vec::from_iter(drafts.iter().flat_map(Draft::new_values)))?;
    profile_fields::note_missing(tx, drafts.iter().flat_map(Draft::missing))?;
    profile_fields::note_given(tx, drafts.iter().flat_map(Draft::given))
}

/// As [`write`], for one, with what happened.
fn write_alone(tx: &mut Tx, draft: &Draft) -> Result<()> {
    write(tx, std::slice::from_ref(draft))?;
    events::record_all(tx, Vec::from_iter(draft.event()))
}

/// Needed only where telephone numbers are checked.
fn country(tx: &mut Tx, fields: &[ProfileField]) -> Result<String> {
    match fields.iter().any(|field| field.field_type == FieldType::Phone) {
        true => access::country(tx),
        false => Ok(String::new()),
    }
}
