//! The life of a field: it is made, changed as far as the profiles' values allow, put in order, deleted.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::plan::{self, Plan};
use super::queries;
use super::types::{CreateProfileField, ProfileField, UpdateProfileField};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Code, Error, FieldCode, FieldError, Result};
use crate::http::version::IfMatch;
use crate::ids::ProfileFieldId;

/// Adds a field behind the others. Profiles that lack a required one say so in `missing_fields`.
pub fn create_field(tx: &mut Tx, body: &CreateProfileField) -> Result<ProfileField> {
    // Also for its place behind the others.
    queries::lock_required(tx)?;
    let plan = plan::create(tx, body)?;
    plan.refuse()?;
    let field = plan.field;
    queries::insert_field(tx, &field)?;
    if field.required {
        queries::note_missing_of_all(tx, field.id)?;
    }
    let mut after = editable(&field);
    after.insert("key".to_owned(), json!(field.key));
    events::record(tx, Event::new("profile_field.created", field.id.0).version(1).after(after.into()))?;
    Ok(field)
}

/// Changes a field, once the profiles' values fit it. Values that are to be of another type are still as they were:
/// whoever keeps them converts them.
pub fn update_field(tx: &mut Tx, id: ProfileFieldId, if_match: &IfMatch, body: &UpdateProfileField) -> Result<Plan> {
    if body.required.is_some() {
        queries::lock_required(tx)?;
    }
    let was = queries::lock_field(tx, id)?.ok_or_else(|| Error::not_found(Code::ProfileFieldNotFound))?;
    if_match.check(tx, id.0, was.version)?;
    let plan = plan::update(tx, was, body)?;
    plan.refuse()?;
    let Plan { was, field, .. } = &plan;
    if !plan.is_change() {
        return Ok(plan);
    }
    write(tx, was, field)?;
    if was.required && !field.required {
        queries::forget_missing(tx, id)?;
    }
    if field.unique != was.unique && !plan.converts() {
        queries::set_unique_keys(tx, id, field.unique)?;
    }
    let has_other_words = field.searchable != was.searchable || (field.searchable && field.options != was.options);
    // Values that are converted bring their words.
    if has_other_words && !(field.searchable && plan.converts()) {
        queries::write_terms(tx, field)?;
    }
    Ok(plan)
}

/// What [`update_field`] would do.
pub fn plan_update(tx: &mut Tx, id: ProfileFieldId, if_match: &IfMatch, body: &UpdateProfileField) -> Result<Plan> {
    let was = queries::get_field(tx.conn, tx.organization, id)?;
    if_match.check(tx, id.0, was.version)?;
    plan::update(tx, was, body)
}

/// Writes a field, and what changed of it.
fn write(tx: &mut Tx, was: &ProfileField, field: &ProfileField) -> Result<()> {
    let (mut before, mut after) = (editable(was), editable(field));
    let same: Vec<String> =
        after.iter().filter(|(name, value)| before.get(*name) == Some(value)).map(|(name, _)| name.clone()).collect();
    for name in same {
        before.remove(&name);
        after.remove(&name);
    }
    queries::write_field(tx, field)?;
    let event = Event::new("profile_field.updated", field.id.0).version(field.version);
    events::record(tx, event.change(before.into(), after.into()))
}

/// A field that is about to change.
pub fn changed(tx: &Tx, was: &ProfileField) -> ProfileField {
    ProfileField { version: was.version + 1, updated_at: tx.now, ..was.clone() }
}

/// All fields in the order of `ids`, which names each of them once: as they would be.
pub fn in_order(tx: &mut Tx, ids: &[ProfileFieldId]) -> Result<Vec<ProfileField>> {
    let mut present = queries::fields(tx.conn, tx.organization)?;
    let known: HashSet<ProfileFieldId> = present.iter().map(|field| field.id).collect();
    let mut seen = HashSet::new();
    let mut errors = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let refusal = match (known.contains(id), seen.insert(*id)) {
            (false, _) => (FieldCode::Unknown, "is no profile field of this organization"),
            (true, false) => (FieldCode::Repeated, "stands there already"),
            (true, true) => continue,
        };
        errors.push(FieldError::body(format!("/ids/{index}"), refusal.0, refusal.1));
    }
    let missing: Vec<&str> =
        present.iter().filter(|field| !seen.contains(&field.id)).map(|field| field.key.as_str()).collect();
    if !missing.is_empty() {
        errors.push(FieldError::body(
            "/ids",
            FieldCode::Required,
            format!("must name every field; missing: {}", missing.join(", ")),
        ));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let places: HashMap<ProfileFieldId, i32> = ids.iter().copied().zip(0..).collect();
    for field in &mut present {
        let position = places.get(&field.id).copied().unwrap_or(field.position);
        if field.position != position {
            *field = ProfileField { position, ..changed(tx, field) };
        }
    }
    present.sort_by_key(|field| field.position);
    Ok(present)
}

/// Puts the fields in the order of `ids`.
pub fn order_fields(tx: &mut Tx, ids: &[ProfileFieldId]) -> Result<Vec<ProfileField>> {
    // None is made meanwhile, which would have the place of another.
    queries::lock_required(tx)?;
    let mut sorted = ids.to_vec();
    sorted.sort();
    let mut before = HashMap::new();
    for id in sorted {
        // One that isn't there is named with all that is wrong.
        if let Some(was) = queries::lock_field(tx, id)? {
            before.insert(id, was);
        }
    }
    let fields = in_order(tx, ids)?;
    for field in &fields {
        match before.get(&field.id) {
            Some(was) if was.position != field.position => write(tx, was, field)?,
            _ => {}
        }
    }
    Ok(fields)
}

/// Deletes a field; one that profiles have values of only when `force` says so.
pub fn delete_field(tx: &mut Tx, id: ProfileFieldId, if_match: &IfMatch, force: bool) -> Result<()> {
    let field = queries::lock_field(tx, id)?.ok_or_else(|| Error::not_found(Code::ProfileFieldNotFound))?;
    if_match.check(tx, id.0, field.version)?;
    let plan = plan::delete(tx, field, force)?;
    plan.refuse()?;
    queries::delete_field(tx, id)?;
    let Plan { field, profiles, .. } = plan;
    let before = json!({ "key": field.key, "label": field.label, "type": field.field_type, "values": profiles });
    events::record(tx, Event::new("profile_field.deleted", id.0).change(before, json!({})))
}

/// What a PATCH or a new order can change.
pub fn editable(field: &ProfileField) -> Map<String, Value> {
    let ProfileField {
        label, description, field_type, options, required, unique, searchable, default, position, ..
    } = field;
    let members = [
        ("label", json!(label)),
        ("description", json!(description)),
        ("type", json!(field_type)),
        ("options", json!(options)),
        ("required", json!(required)),
        ("unique", json!(unique)),
        ("searchable", json!(searchable)),
        ("default", json!(default)),
        ("position", json!(position)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
