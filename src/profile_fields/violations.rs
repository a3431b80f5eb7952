//! The profiles that stand in the way of a change, a page at a time.

use super::plan::{self, Unconvertible};
use super::queries::{self, Kept};
use super::types::{FieldType, ProfileField, ViolatedRule, Violation, ViolationFilter, ViolationList};
use super::value::{MAX_UNIQUE, Refusal, indexed};
use crate::contacts::ProfileRef;
use crate::db::Tx;
use crate::error::{Error, FieldCode, FieldError, Result};
use crate::http::page::{Count, List, Page};
use crate::ids::{ProfileFieldId, ProfileId};

/// Where a violation stands: by value, for those that share one, and by profile.
type Place = (String, ProfileId);

pub fn list_violations(tx: &mut Tx, id: ProfileFieldId, list: &List<ViolationFilter>) -> Result<ViolationList> {
    let List { page, filter } = list;
    let field = queries::get_field(tx.conn, tx.organization, id)?;
    let refused = |name, code, message| Err(Error::invalid_field(FieldError::query(name, code, message)));
    let rule = filter.rule.unwrap_or(ViolatedRule::Required);
    match (rule, filter.to) {
        (ViolatedRule::Type, Some(to)) => unconvertible(tx, &field, to, filter, page),
        (ViolatedRule::Type, None) => refused("to", FieldCode::Required, "is required with rule=type"),
        (_, Some(_)) => refused("to", FieldCode::Unsupported, "is taken with rule=type only"),
        (_, None) if !filter.option.is_empty() => {
            refused("option", FieldCode::Unsupported, "is taken with rule=type only")
        }
        (_, None) if !filter.label.is_empty() => {
            refused("label", FieldCode::Unsupported, "is taken with rule=type only")
        }
        (ViolatedRule::Required, None) => without(tx, &field, page),
        (ViolatedRule::Unique, None) => unfit_to_be_unique(tx, &field, page),
    }
}

fn answer(page: &Page, mut rows: Vec<(Place, Violation)>, count: Option<i64>) -> Result<ViolationList> {
    let next_cursor = page.cut(&mut rows, |(place, _)| place.clone())?;
    let count = count.map(|value| Count { value, exact: true });
    Ok(ViolationList { data: rows.into_iter().map(|(_, violation)| violation).collect(), next_cursor, count })
}

fn violation(kept: Kept, (code, message): Refusal) -> Violation {
    let profile = ProfileRef { id: kept.profile, name: kept.name };
    Violation { profile, value: kept.value, code, message }
}

fn without(tx: &mut Tx, field: &ProfileField, page: &Page) -> Result<ViolationList> {
    let after = page.after::<Place>()?.map(|(_, id)| id);
    let rows = queries::without(tx.conn, tx.organization, field.id, after, page.rows())?;
    let row =
        |kept: Kept| ((String::new(), kept.profile), violation(kept, (FieldCode::Required, "has no value".to_owned())));
    let count = page.count.map(|_| queries::count_without(tx.conn, tx.organization, field.id)).transpose()?;
    answer(page, rows.into_iter().map(row).collect(), count)
}

fn unfit_to_be_unique(tx: &mut Tx, field: &ProfileField, page: &Page) -> Result<ViolationList> {
    let rows = queries::unfit_to_be_unique(tx.conn, tx.organization, field.id, page.after()?, page.rows())?;
    let row = |(place, kept): (String, Kept)| {
        let value = kept.value.as_ref().map(|value| indexed(field, value)).unwrap_or_default();
        let is_long = value.iter().any(|entry| entry.value.chars().nth(MAX_UNIQUE).is_some());
        let refusal = match is_long {
            true => (FieldCode::Length, format!("has more than {MAX_UNIQUE} characters")),
            false => (FieldCode::Unique, "another profile has it, too".to_owned()),
        };
        ((place, kept.profile), violation(kept, refusal))
    };
    let count =
        page.count.map(|_| queries::count_unfit_to_be_unique(tx.conn, tx.organization, field.id)).transpose()?;
    answer(page, rows.into_iter().map(row).collect(), count)
}

/// Only the values themselves say whether they can be converted: they are read until the page is full.
fn unconvertible(
    tx: &mut Tx,
    was: &ProfileField,
    to: FieldType,
    filter: &ViolationFilter,
    page: &Page,
) -> Result<ViolationList> {
    let target = plan::with_type(was, to, &filter.option, &filter.label)?;
    let behind = page.after::<Place>()?.map(|(_, id)| id);
    let limit = usize::try_from(page.rows()).map_err(Error::internal)?;
    let mut unconvertible = Unconvertible::new(tx, &target)?;
    // Which of two equal values is the second is seen from the beginning on.
    let mut after = behind.filter(|_| !target.unique);
    let mut rows = Vec::new();
    while rows.len() < limit {
        let kept = queries::kept_values(tx.conn, tx.organization, was.id, after)?;
        let Some(last) = kept.last() else { break };
        after = Some(last.profile);
        for kept in kept {
            let why = unconvertible.why(&kept).filter(|_| behind.is_none_or(|behind| kept.profile > behind));
            rows.extend(why.map(|refusal| ((String::new(), kept.profile), violation(kept, refusal))));
        }
    }
    let count = page.count.map(|_| plan::count_unconvertible(tx, &target)).transpose()?;
    answer(page, rows, count)
}
