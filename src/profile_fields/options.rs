//! The options of a select or multi_select.

use std::collections::HashSet;

use super::queries;
use super::types::{FieldOption, FieldType, OptionInput, ProfileField};
use crate::db::Tx;
use crate::error::{FieldCode, FieldError, Result};

const MAX_OPTION: usize = 100;

pub fn check_options_fit(field_type: FieldType, has_options: bool, errors: &mut Vec<FieldError>) {
    let (code, message) = match (field_type.has_options(), has_options) {
        (true, false) => (FieldCode::Required, format!("is required for {field_type}")),
        (false, true) => (FieldCode::Unsupported, format!("a field of type {field_type} has no options")),
        _ => return,
    };
    errors.push(FieldError::body("/options", code, message));
}

pub fn checked_options(inputs: &[OptionInput], errors: &mut Vec<FieldError>) -> Vec<FieldOption> {
    let options: Vec<FieldOption> = inputs.iter().map(FieldOption::from).collect();
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let texts = [option.value.as_str(), option.label.as_str()];
        let (code, message) = if texts.iter().any(|text| text.trim().is_empty()) {
            (FieldCode::Blank, "value and label must not be blank".to_owned())
        } else if texts.iter().any(|text| text.chars().count() > MAX_OPTION) {
            (FieldCode::Length, format!("value and label must have at most {MAX_OPTION} characters"))
        } else if !seen.insert(option.value.as_str()) {
            (FieldCode::Repeated, "this value stands there already".to_owned())
        } else {
            continue;
        };
        errors.push(FieldError::body(format!("/options/{index}"), code, message));
    }
    options
}

/// An option that is left out while profiles have it stays readable: it is retired.
pub fn keep_options_in_use(tx: &mut Tx, was: &ProfileField, field: &mut ProfileField) -> Result<()> {
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
