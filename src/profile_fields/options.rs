//! The options of a select or multi_select.

use std::collections::HashSet;

use super::queries;
use super::types::{FieldOption, FieldType, OptionInput, ProfileField};
use crate::db::Tx;
use crate::error::{FieldCode, FieldError, Result};

const MAX_OPTION: usize = 100;

pub fn check_options_fit(field_type: FieldType, has_options: bool, errors: &mut Vec<FieldError>) {
    match (field_type.has_options(), has_options) {
        (true, false) => {
            errors.push(FieldError::body("/options", FieldCode::Required, format!("is required for {field_type}")))
        }
        (false, true) => {
            errors.push(FieldError::body(
                "/options",
                FieldCode::Type,
                format!("a field of type {field_type} has no options"),
            ));
        }
        _ => {}
    }
}

pub fn checked_options(inputs: &[OptionInput], errors: &mut Vec<FieldError>) -> Vec<FieldOption> {
    let options: Vec<FieldOption> = inputs.iter().map(FieldOption::from).collect();
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let fits = |text: &str| (1..=MAX_OPTION).contains(&text.chars().count());
        if !fits(&option.value) || !fits(&option.label) {
            let message = format!("value and label must have 1 to {MAX_OPTION} characters");
            errors.push(FieldError::body(format!("/options/{index}"), FieldCode::Length, message));
        } else if !seen.insert(option.value.as_str()) {
            errors.push(FieldError::body(
                format!("/options/{index}"),
                FieldCode::Repeated,
                "this value stands there already",
            ));
        }
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
