//! Changing a profile field: its definition, and where that gets another type, the value of every profile.
//!
//! Here and not with the fields, since the profiles keep the values.

use serde_json::{Value, json};

use super::queries;
use crate::access;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::error::{Error, Result};
use crate::http::version::IfMatch;
use crate::ids::{ProfileFieldId, ProfileId};
use crate::profile_fields::{self, NewValue, ProfileField, UpdateProfileField};

pub fn update_profile_field(
    tx: &mut Tx,
    id: ProfileFieldId,
    if_match: &IfMatch,
    body: &UpdateProfileField,
) -> Result<ProfileField> {
    let plan = profile_fields::update_field(tx, id, if_match, body)?;
    if plan.converts() {
        convert_values(tx, &plan.field)?;
    }
    Ok(plan.field)
}

/// Gives every profile its value as one of the field's new type, as if each were edited.
fn convert_values(tx: &mut Tx, field: &ProfileField) -> Result<()> {
    let country = access::default_country(tx.conn, tx.organization)?;
    let member = field.id.to_string();
    let mut after = None;
    loop {
        let ids = profile_fields::profiles_with(tx.conn, tx.organization, field.id, after)?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        let mut kept: Vec<(ProfileId, Value)> = Vec::new();
        let mut others: Vec<(ProfileId, Value)> = Vec::new();
        let mut happened: Vec<Event> = Vec::new();
        for row in queries::lock_profiles(tx, &ids)? {
            let Some(was) = row.values().get(&member) else { continue };
            let becomes = profile_fields::convert(field, was, &country)
                .map_err(|(_, why)| Error::internal(format!("a value that was to be converted {why}")))?;
            if *was != becomes {
                let change = |value: &Value| json!({ "fields": { &field.key: value } });
                let event = Event::new("profile.updated", row.id.0).profile(row.id).version(row.version + 1);
                happened.push(event.change(change(was), change(&becomes)));
                others.push((row.id, becomes.clone()));
            }
            kept.push((row.id, becomes));
        }
        queries::write_values(tx, field.id, others)?;
        let stored = kept.iter().map(|(profile, value)| NewValue {
            profile: *profile,
            field,
            value: Some(value),
            replaces: true,
        });
        profile_fields::store_values(tx, &Vec::from_iter(stored))?;
        events::record_all(tx, happened)?;
    }
}
