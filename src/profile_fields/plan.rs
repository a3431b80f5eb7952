//! What a change of a definition would do, and what profiles have against it: read only, and so a dry run too.

use std::collections::HashSet;

use serde_json::Value;
use url::form_urlencoded;

use super::convert::convert;
use super::options::{check_options_fit, checked_options, keep_options_in_use};
use super::queries::{self, Kept};
use super::types::{
    CreateProfileField, FieldType, OptionInput, ProfileField, ProfileFieldDryRun, ProfileFieldProblem, Rule,
    UpdateProfileField,
};
use super::update::{changed, editable};
use super::value::{Refusal, Rules, check, indexed};
use crate::access;
use crate::db::Tx;
use crate::error::{Code, Error, FieldCode, FieldError, Result};
use crate::ids::ProfileFieldId;

const MAX_FIELDS: usize = 200;
/// Profiles that one request touches at most: what it locks until it is done, and the changes that nobody can follow
/// until then, wait for seconds. On a busy machine with two cores, 100,000 values were made unique in 5 s, searchable
/// in 8 s and of another type in 29 s, by a build without optimizations.
const MAX_TOUCHED: i64 = 100_000;

/// A change of a field that fits its definition; whether it fits the profiles, `problems` say.
#[derive(Debug)]
pub struct Plan {
    pub was: ProfileField,
    pub field: ProfileField,
    /// How many profiles it touches.
    pub profiles: i64,
    problems: Vec<ProfileFieldProblem>,
}

impl Plan {
    pub fn is_change(&self) -> bool {
        self.field.version != self.was.version
    }

    /// Whether values become those of another type.
    pub fn converts(&self) -> bool {
        self.field.field_type != self.was.field_type
    }

    /// The first problem as a failure that names them all.
    pub fn refuse(&self) -> Result<()> {
        let Some(first) = self.problems.first() else { return Ok(()) };
        let code = if first.rule == Rule::Limit { Code::ChangeTooLarge } else { Code::InUse };
        let problems = serde_json::to_value(&self.problems).map_err(Error::internal)?;
        let error = Error::new(code, first.detail.clone()).with("count", first.count).with("problems", problems);
        Err(match &first.listed_by {
            Some(url) => error.with("listed_by", url.clone()),
            None => error,
        })
    }

    /// What it would do, and leave of the field.
    pub fn dry_run(self, is_gone: bool) -> ProfileFieldDryRun {
        ProfileFieldDryRun {
            possible: self.problems.is_empty(),
            profile_field: (!is_gone).then_some(self.field),
            profiles: self.profiles,
            problems: self.problems,
        }
    }

    fn problem(&mut self, rule: Rule, count: i64, what: &str, listed_by: Option<String>) {
        if count > 0 {
            self.problems.push(ProfileFieldProblem {
                rule,
                count,
                detail: format!("{count} profiles {what}."),
                listed_by,
            });
        }
    }

    fn bound(&mut self) {
        if self.profiles > MAX_TOUCHED {
            let what = format!("are touched by it; one request touches at most {MAX_TOUCHED}");
            self.problem(Rule::Limit, self.profiles, &what, None);
        }
    }
}

pub fn create(tx: &mut Tx, body: &CreateProfileField) -> Result<Plan> {
    let mut errors = Vec::new();
    let options = body.options.as_deref().map(|options| checked_options(options, &mut errors));
    check_options_fit(body.field_type, options.is_some(), &mut errors);
    let present = queries::fields(tx.conn, tx.organization)?;
    if present.len() >= MAX_FIELDS {
        let message = format!("an organization has at most {MAX_FIELDS} fields");
        errors.push(FieldError::body("/key", FieldCode::Limit, message));
    }
    let mut field = ProfileField {
        id: ProfileFieldId::new(),
        key: body.key.clone(),
        label: body.label.trim().to_owned(),
        description: written(body.description.as_deref()),
        field_type: body.field_type,
        options,
        required: body.required,
        unique: body.unique,
        searchable: body.searchable,
        default: body.default.clone(),
        position: present.iter().map(|field| field.position + 1).max().unwrap_or(0),
        created_at: tx.now,
        updated_at: tx.now,
        version: 1,
    };
    check_unique_fits(&field, &mut errors);
    check_default(tx, &mut field, &mut errors)?;
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    if present.iter().any(|other| other.key == field.key) {
        return Err(Error::new(Code::ProfileFieldKeyTaken, "Another field of this organization has this key."));
    }
    let profiles = if field.required { queries::count_profiles(tx.conn, tx.organization)? } else { 0 };
    let mut plan = Plan { was: field.clone(), field, profiles, problems: Vec::new() };
    plan.bound();
    Ok(plan)
}

pub fn update(tx: &mut Tx, was: ProfileField, body: &UpdateProfileField) -> Result<Plan> {
    let mut field = fitting(tx, &was, body)?;
    if editable(&was) != editable(&field) {
        field = changed(tx, &field);
    }
    let mut plan = Plan { was, field, profiles: 0, problems: Vec::new() };
    let Plan { was, field, .. } = &plan;
    let id = field.id;
    let is_indexed_anew = field.unique != was.unique
        || field.searchable != was.searchable
        || (field.searchable && field.options != was.options);
    if plan.converts() || is_indexed_anew {
        plan.profiles = queries::count_with(tx.conn, tx.organization, id)?;
        plan.bound();
    }
    if plan.field.required && !plan.was.required {
        let count = queries::count_without(tx.conn, tx.organization, id)?;
        plan.problem(Rule::Required, count, "have no value of it", Some(listed_by(id, "required", &[])));
    }
    // What is too large isn't read either.
    let is_small = plan.profiles <= MAX_TOUCHED;
    if is_small && plan.converts() {
        let count = count_unconvertible(tx, &plan.field)?;
        let what = format!("have a value that is none of type {}", plan.field.field_type);
        let url = listed_by(id, "type", &target(&plan.field));
        plan.problem(Rule::Type, count, &what, Some(url));
    } else if is_small && plan.field.unique && !plan.was.unique {
        let count = queries::count_unfit_to_be_unique(tx.conn, tx.organization, id)?;
        let what = "share their value of it with another, or have one that is too long to be unique";
        plan.problem(Rule::Unique, count, what, Some(listed_by(id, "unique", &[])));
    }
    Ok(plan)
}

pub fn delete(tx: &mut Tx, field: ProfileField, force: bool) -> Result<Plan> {
    let profiles = queries::count_with(tx.conn, tx.organization, field.id)?;
    let mut plan = Plan { was: field.clone(), field, profiles, problems: Vec::new() };
    if !force {
        let list = format!("/v1/profiles?field%5B{}.set%5D=true", plan.field.key);
        plan.problem(Rule::Unused, profiles, "have a value of it; ?force=true deletes it with them", Some(list));
    }
    Ok(plan)
}

/// The field with the body's changes, or all that is wrong with them.
fn fitting(tx: &mut Tx, was: &ProfileField, body: &UpdateProfileField) -> Result<ProfileField> {
    let mut field = was.clone();
    if let Some(label) = &body.label {
        field.label = label.trim().to_owned();
    }
    if let Some(description) = body.description.clone().change() {
        field.description = written(description.as_deref());
    }
    field.field_type = body.field_type.unwrap_or(was.field_type);
    field.required = body.required.unwrap_or(was.required);
    field.unique = body.unique.unwrap_or(was.unique);
    field.searchable = body.searchable.unwrap_or(was.searchable);
    let mut errors = Vec::new();
    match &body.options {
        Some(options) => field.options = Some(checked_options(options, &mut errors)),
        None if !field.field_type.has_options() => field.options = None,
        None => {}
    }
    check_options_fit(field.field_type, field.options.is_some(), &mut errors);
    check_unique_fits(&field, &mut errors);
    if field.field_type != was.field_type && field.unique && !was.unique {
        let message = "can become true once the type has changed, in a request of its own";
        errors.push(FieldError::body("/unique", FieldCode::Unsupported, message));
    }
    if errors.is_empty() {
        keep_options_in_use(tx, was, &mut field)?;
    }
    if let Some(default) = body.default.clone().change() {
        field.default = default;
    } else if errors.is_empty()
        && field.field_type != was.field_type
        && let Some(default) = &was.default
    {
        let country = access::default_country(tx.conn, tx.organization)?;
        match convert(&field, default, &country) {
            Ok(default) => field.default = Some(default),
            Err((code, message)) => errors.push(FieldError::body("/default", code, message)),
        }
    }
    if errors.is_empty() {
        check_default(tx, &mut field, &mut errors)?;
    }
    if errors.is_empty() { Ok(field) } else { Err(Error::invalid(errors)) }
}

/// The default as it is kept; it must be a value that a profile could be given now.
fn check_default(tx: &mut Tx, field: &mut ProfileField, errors: &mut Vec<FieldError>) -> Result<()> {
    let Some(default) = &field.default else { return Ok(()) };
    if field.unique {
        let message = "a unique field has no default: only one profile could have it";
        errors.push(FieldError::body("/default", FieldCode::Unsupported, message));
        return Ok(());
    }
    let country = access::default_country(tx.conn, tx.organization)?;
    match check(field, default, &Rules { country: &country, present: None }) {
        Ok(default) => field.default = Some(default),
        Err(error) => errors.push(FieldError::body("/default", error.code, error.message)),
    }
    Ok(())
}

fn check_unique_fits(field: &ProfileField, errors: &mut Vec<FieldError>) {
    if field.unique && !field.field_type.can_be_unique() {
        let message = format!("a field of type {} can't be unique", field.field_type);
        errors.push(FieldError::body("/unique", FieldCode::Unsupported, message));
    }
}

fn written(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

pub fn count_unconvertible(tx: &mut Tx, to: &ProfileField) -> Result<i64> {
    let mut unconvertible = Unconvertible::new(tx, to)?;
    let mut count = 0;
    let mut after = None;
    loop {
        let kept = queries::kept_values(tx.conn, tx.organization, to.id, after)?;
        let Some(last) = kept.last() else { return Ok(count) };
        after = Some(last.profile);
        for kept in &kept {
            count += i64::from(unconvertible.why(kept).is_some());
        }
    }
}

/// Says why values can't become those of a field, each in its turn: a unique one's must stay apart.
pub struct Unconvertible<'f> {
    to: &'f ProfileField,
    country: String,
    seen: HashSet<String>,
}

impl<'f> Unconvertible<'f> {
    pub fn new(tx: &mut Tx, to: &'f ProfileField) -> Result<Self> {
        let country = access::default_country(tx.conn, tx.organization)?;
        Ok(Self { to, country, seen: HashSet::new() })
    }

    pub fn why(&mut self, kept: &Kept) -> Option<Refusal> {
        let value = match convert(self.to, kept.value.as_ref().unwrap_or(&Value::Null), &self.country) {
            Ok(value) => value,
            Err(refusal) => return Some(refusal),
        };
        let is_new = !self.to.unique || indexed(self.to, &value).into_iter().all(|entry| self.seen.insert(entry.value));
        (!is_new).then(|| (FieldCode::Unique, "becomes the same as another profile's value".to_owned()))
    }
}

/// The type wanted, as parameters.
fn target(field: &ProfileField) -> Vec<(&'static str, &str)> {
    let options = || field.options.iter().flatten();
    let mut target = vec![("to", field.field_type.as_str())];
    target.extend(options().map(|option| ("option", option.value.as_str())));
    // A value may become an option by its label.
    if options().any(|option| option.label != option.value) {
        target.extend(options().map(|option| ("label", option.label.as_str())));
    }
    target
}

fn listed_by(field: ProfileFieldId, rule: &str, more: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("rule", rule).extend_pairs(more).finish();
    format!("/v1/profile-fields/{field}/violations?{query}")
}

/// What the field would be with this type; `options`, with their `labels` if they have others, are those of a select or
/// multi_select, where not its own.
pub fn with_type(was: &ProfileField, to: FieldType, options: &[String], labels: &[String]) -> Result<ProfileField> {
    if !labels.is_empty() && labels.len() != options.len() {
        let error = FieldError::query("label", FieldCode::Length, "must be as many as there are options");
        return Err(Error::invalid_field(error));
    }
    let labelled = options.iter().enumerate().map(|(place, option)| (option, labels.get(place).unwrap_or(option)));
    let inputs: Vec<OptionInput> = labelled.map(|(value, label)| OptionInput::labelled(value, label)).collect();
    let mut errors = Vec::new();
    let options = match inputs.as_slice() {
        [] => was.options.clone().filter(|_| to.has_options()),
        inputs => Some(checked_options(inputs, &mut errors)),
    };
    // They came in the query.
    let mut errors: Vec<FieldError> =
        errors.into_iter().map(|error| FieldError::query("option", error.code, error.message)).collect();
    match (to.has_options(), options.is_some()) {
        (true, false) => errors.push(FieldError::query("option", FieldCode::Required, format!("is required for {to}"))),
        (false, true) => {
            errors.push(FieldError::query("option", FieldCode::Unsupported, format!("{to} has no options")))
        }
        _ => {}
    }
    match errors.is_empty() {
        true => Ok(ProfileField { field_type: to, options, ..was.clone() }),
        false => Err(Error::invalid(errors)),
    }
}
