//! The life of a field: it is made, changed as far as the profiles' values allow, put in order, deleted.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::queries;
use super::types::{CreateProfileField, FieldOption, FieldType, OptionInput, ProfileField, UpdateProfileField};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Code, Error, FieldError, Result};
use crate::http::version::IfMatch;
use crate::ids::ProfileFieldId;

const MAX_FIELDS: usize = 200;
const MAX_OPTION: usize = 100;

/// Adds a field behind the others. Profiles that lack a required one say so in `missing_fields`.
pub fn create_field(tx: &mut Tx, body: &CreateProfileField) -> Result<ProfileField> {
    let mut errors = Vec::new();
    let options = body.options.as_deref().map(|options| checked_options(options, &mut errors));
    check_options_fit(body.field_type, options.is_some(), &mut errors);
    check_unique_fits(body.field_type, body.unique, &mut errors);
    let present = queries::fields(tx.conn, tx.organization)?;
    if present.len() >= MAX_FIELDS {
        let message = format!("an organization has at most {MAX_FIELDS} fields");
        errors.push(FieldError::body("/key", "limit", message));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let field = ProfileField {
        id: ProfileFieldId::new(),
        key: body.key.clone(),
        label: body.label.trim().to_owned(),
        description: written(body.description.as_deref()),
        field_type: body.field_type,
        options,
        required: body.required,
        unique: body.unique,
        searchable: body.searchable,
        position: present.iter().map(|field| field.position + 1).max().unwrap_or(0),
        created_at: tx.now,
        updated_at: tx.now,
        version: 1,
    };
    queries::insert_field(tx, &field)?;
    let mut after = editable(&field);
    after.insert("key".to_owned(), json!(field.key));
    after.insert("type".to_owned(), json!(field.field_type));
    events::record(tx, Event::new("profile_field.created", field.id.0).version(1).after(after.into()))?;
    Ok(field)
}

pub fn update_field(
    tx: &mut Tx,
    id: ProfileFieldId,
    if_match: &IfMatch,
    body: &UpdateProfileField,
) -> Result<ProfileField> {
    let was = queries::lock_field(tx, id)?;
    if_match.check(tx, id.0, was.version)?;
    let mut field = was.clone();
    if let Some(label) = &body.label {
        field.label = label.trim().to_owned();
    }
    if let Some(description) = body.description.clone().change() {
        field.description = written(description.as_deref());
    }
    field.required = body.required.unwrap_or(was.required);
    field.unique = body.unique.unwrap_or(was.unique);
    field.searchable = body.searchable.unwrap_or(was.searchable);
    let mut errors = Vec::new();
    check_unique_fits(field.field_type, field.unique, &mut errors);
    if let Some(options) = &body.options {
        check_options_fit(field.field_type, true, &mut errors);
        field.options = Some(checked_options(options, &mut errors));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    keep_options_in_use(tx, &was, &mut field)?;
    save(tx, was, field)
}

/// Writes what changed, once the profiles' values fit it.
fn save(tx: &mut Tx, was: ProfileField, mut field: ProfileField) -> Result<ProfileField> {
    let (mut before, mut after) = (editable(&was), editable(&field));
    if before == after {
        return Ok(was);
    }
    let same: Vec<String> =
        after.iter().filter(|(name, value)| before.get(*name) == Some(value)).map(|(name, _)| name.clone()).collect();
    for name in same {
        before.remove(&name);
        after.remove(&name);
    }
    if field.required && !was.required {
        refuse_where(queries::count_without(tx, field.id)?, "have no value of it")?;
    }
    if field.unique && !was.unique {
        refuse_where(queries::count_shared(tx, field.id)?, "share their value of it with another")?;
        refuse_where(
            queries::count_longer(tx, field.id, super::value::MAX_UNIQUE)?,
            "have a value too long to be unique",
        )?;
    }
    field.version += 1;
    field.updated_at = tx.now;
    queries::write_field(tx, &field)?;
    if field.unique != was.unique {
        queries::set_unique_keys(tx, field.id, field.unique)?;
    }
    if field.searchable != was.searchable || (field.searchable && field.options != was.options) {
        queries::write_terms(tx, &field)?;
    }
    let event = Event::new("profile_field.updated", field.id.0).version(field.version);
    events::record(tx, event.change(before.into(), after.into()))?;
    Ok(field)
}

/// Puts the fields in the order of `ids`, which names each of them once.
pub fn order_fields(tx: &mut Tx, ids: &[ProfileFieldId]) -> Result<()> {
    let present = queries::fields(tx.conn, tx.organization)?;
    let known: HashSet<ProfileFieldId> = present.iter().map(|field| field.id).collect();
    let mut seen = HashSet::new();
    let mut errors = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let refusal = match (known.contains(id), seen.insert(*id)) {
            (false, _) => ("unknown", "is no profile field of this organization"),
            (true, false) => ("repeated", "stands there already"),
            (true, true) => continue,
        };
        errors.push(FieldError::body(format!("/ids/{index}"), refusal.0, refusal.1));
    }
    let missing: Vec<&str> =
        present.iter().filter(|field| !seen.contains(&field.id)).map(|field| field.key.as_str()).collect();
    if !missing.is_empty() {
        errors.push(FieldError::body(
            "/ids",
            "missing",
            format!("must name every field; missing: {}", missing.join(", ")),
        ));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let mut sorted = ids.to_vec();
    sorted.sort();
    for id in sorted {
        let was = queries::lock_field(tx, id)?;
        let position = ids.iter().position(|other| *other == id).and_then(|index| i32::try_from(index).ok());
        let field = ProfileField { position: position.unwrap_or(was.position), ..was.clone() };
        save(tx, was, field)?;
    }
    Ok(())
}

/// Deletes a field; one that profiles have values of only when `force` says so.
pub fn delete_field(tx: &mut Tx, id: ProfileFieldId, if_match: &IfMatch, force: bool) -> Result<()> {
    let field = queries::lock_field(tx, id)?;
    if_match.check(tx, id.0, field.version)?;
    let used = queries::count_with(tx, id)?;
    if used > 0 && !force {
        let detail = format!("{used} profiles have a value of it; ?force=true deletes it with them.");
        return Err(Error::new(Code::InUse, detail).with("count", used));
    }
    queries::delete_field(tx, id)?;
    let before = json!({ "key": field.key, "label": field.label, "type": field.field_type, "values": used });
    events::record(tx, Event::new("profile_field.deleted", id.0).change(before, json!({})))
}

/// What a PATCH or a new order can change.
fn editable(field: &ProfileField) -> Map<String, Value> {
    let ProfileField { label, description, options, required, unique, searchable, position, .. } = field;
    let members = [
        ("label", json!(label)),
        ("description", json!(description)),
        ("options", json!(options)),
        ("required", json!(required)),
        ("unique", json!(unique)),
        ("searchable", json!(searchable)),
        ("position", json!(position)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn written(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn refuse_where(count: i64, what: &str) -> Result<()> {
    match count {
        0 => Ok(()),
        _ => Err(Error::new(Code::InUse, format!("{count} profiles {what}.")).with("count", count)),
    }
}

fn check_options_fit(field_type: FieldType, has_options: bool, errors: &mut Vec<FieldError>) {
    match (field_type.has_options(), has_options) {
        (true, false) => errors.push(FieldError::body("/options", "required", format!("is required for {field_type}"))),
        (false, true) => {
            errors.push(FieldError::body("/options", "type", format!("a field of type {field_type} has no options")));
        }
        _ => {}
    }
}

fn check_unique_fits(field_type: FieldType, unique: bool, errors: &mut Vec<FieldError>) {
    if unique && !field_type.can_be_unique() {
        errors.push(FieldError::body("/unique", "type", format!("a field of type {field_type} can't be unique")));
    }
}

fn checked_options(inputs: &[OptionInput], errors: &mut Vec<FieldError>) -> Vec<FieldOption> {
    let options: Vec<FieldOption> = inputs.iter().map(FieldOption::from).collect();
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let fits = |text: &str| (1..=MAX_OPTION).contains(&text.chars().count());
        if !fits(&option.value) || !fits(&option.label) {
            let message = format!("value and label must have 1 to {MAX_OPTION} characters");
            errors.push(FieldError::body(format!("/options/{index}"), "length", message));
        } else if !seen.insert(option.value.as_str()) {
            errors.push(FieldError::body(format!("/options/{index}"), "repeated", "this value stands there already"));
        }
    }
    options
}

/// An option that is left out while profiles have it stays readable: it is retired.
fn keep_options_in_use(tx: &mut Tx, was: &ProfileField, field: &mut ProfileField) -> Result<()> {
    let Some(options) = &mut field.options else { return Ok(()) };
    let gone: Vec<&FieldOption> = was
        .options
        .iter()
        .flatten()
        .filter(|option| !options.iter().any(|other| other.value == option.value))
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    let values: Vec<&str> = gone.iter().map(|option| option.value.as_str()).collect();
    let used = queries::options_in_use(tx, was.id, &values)?;
    let kept = gone.into_iter().filter(|option| used.contains(&option.value));
    let kept: Vec<FieldOption> = kept.map(|option| FieldOption { retired: true, ..option.clone() }).collect();
    options.extend(kept);
    Ok(())
}
