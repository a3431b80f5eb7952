//! A profile as it is to be, before it is written: pure rules.

use serde_json::{Map, Value, json};

use super::changes::{self, Change, Values};
use super::queries::ProfileRow;
use super::types::ProfileKind;
use crate::db::events::Event;
use crate::error::{Error, Result};
use crate::ids::{ProfileFieldId, ProfileId};
use crate::profile_fields::{NewValue, ProfileField, indexed};

/// Whether a profile must have every required field. From an open conversation only a name is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    Bind,
    Waived,
}

/// What a draft is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'f> {
    pub fields: &'f [ProfileField],
    /// Completes a telephone number written without a country.
    pub country: &'f str,
}

pub struct Draft<'f> {
    pub id: ProfileId,
    pub name: String,
    pub kind: ProfileKind,
    pub values: Values,
    /// As it is, locked; None for one that is to be made.
    was: Option<ProfileRow>,
    changes: Vec<Change<'f>>,
    fields: &'f [ProfileField],
}

impl<'f> Draft<'f> {
    /// One that is to be made.
    pub fn new(
        rules: Rules<'f>,
        name: &str,
        kind: Option<ProfileKind>,
        wanted: &Map<String, Value>,
        required: Required,
    ) -> Result<Self> {
        let fields = rules.fields;
        let wanted = changes::with_defaults(fields, wanted);
        let none = Values::new();
        let changes = fitting(rules, &none, &wanted, required)?;
        let values = changes::apply(&none, &changes);
        let (id, name, kind) = (ProfileId::new(), name.trim().to_owned(), kind.unwrap_or(ProfileKind::Person));
        Ok(Self { id, name, kind, values, was: None, changes, fields })
    }

    /// One that is there, locked, with what is given changed.
    pub fn of(
        row: ProfileRow,
        rules: Rules<'f>,
        name: Option<&str>,
        kind: Option<ProfileKind>,
        wanted: &Map<String, Value>,
    ) -> Result<Self> {
        let fields = rules.fields;
        // Who edits its fields has to give what it lacks; its name alone can be changed.
        let required = if wanted.is_empty() { Required::Waived } else { Required::Bind };
        let changes = fitting(rules, row.values(), wanted, required)?;
        let values = changes::apply(row.values(), &changes);
        let name = name.map_or(row.name.as_str(), str::trim).to_owned();
        let (id, kind) = (row.id, kind.unwrap_or(row.kind));
        Ok(Self { id, name, kind, values, was: Some(row), changes, fields })
    }

    pub fn is_new(&self) -> bool {
        self.was.is_none()
    }

    pub fn has_new_name(&self) -> bool {
        self.was.as_ref().is_none_or(|was| was.name != self.name)
    }

    /// Whether anything of one that is there changes.
    pub fn is_edited(&self) -> bool {
        let is_other = |was: &ProfileRow| was.kind != self.kind || self.has_new_name() || !self.changes.is_empty();
        self.was.as_ref().is_some_and(is_other)
    }

    /// That it has once it is written.
    pub fn version(&self) -> i32 {
        self.was.as_ref().map_or(1, |was| was.version + i32::from(self.is_edited()))
    }

    /// The values that it has instead of others.
    pub fn new_values(&self) -> impl Iterator<Item = NewValue<'_>> {
        self.changes.iter().map(|Change { field, was, becomes }| NewValue {
            profile: self.id,
            field,
            value: becomes.as_ref(),
            replaces: was.is_some(),
        })
    }

    /// The unique values that it lets go of.
    pub fn released(&self) -> impl Iterator<Item = (ProfileFieldId, String)> {
        unique_values(self.changes.iter().filter_map(|change| Some((change.field, change.was.as_ref()?))))
    }

    /// The unique values that it has from now on.
    pub fn claimed(&self) -> impl Iterator<Item = (ProfileFieldId, String)> {
        unique_values(self.changes.iter().filter_map(|change| Some((change.field, change.becomes.as_ref()?))))
    }

    /// Required fields that a new one has no value of.
    pub fn missing(&self) -> impl Iterator<Item = (ProfileId, ProfileFieldId)> {
        let missing = changes::missing(self.fields, &self.values).map(|field| (self.id, field.id));
        missing.filter(|_| self.is_new())
    }

    /// Required fields that one that is there had no value of.
    pub fn given(&self) -> impl Iterator<Item = (ProfileId, ProfileFieldId)> {
        let given = self.changes.iter().filter(|change| change.field.required && change.was.is_none());
        given.map(|change| (self.id, change.field.id)).filter(|_| !self.is_new())
    }

    /// What happened, once it is written.
    pub fn event(&self) -> Option<Event> {
        let event = |kind| Event::new(kind, self.id.0).profile(self.id).version(self.version());
        let Some(was) = &self.was else {
            let fields = changes::by_key(self.fields, &self.values);
            return Some(
                event("profile.created").after(json!({ "name": self.name, "kind": self.kind, "fields": fields })),
            );
        };
        if !self.is_edited() {
            return None;
        }
        let (mut before, mut after) = (Map::new(), Map::new());
        for (member, old, new) in
            [("name", json!(was.name), json!(self.name)), ("kind", json!(was.kind), json!(self.kind))]
        {
            if old != new {
                before.insert(member.to_owned(), old);
                after.insert(member.to_owned(), new);
            }
        }
        if !self.changes.is_empty() {
            let by_key = |of: fn(&Change) -> Value| -> Map<String, Value> {
                self.changes.iter().map(|change| (change.field.key.clone(), of(change))).collect()
            };
            before.insert("fields".to_owned(), by_key(|change| json!(change.was)).into());
            after.insert("fields".to_owned(), by_key(|change| json!(change.becomes)).into());
        }
        Some(event("profile.updated").change(before.into(), after.into()))
    }
}

/// What changes, or all that is wrong.
fn fitting<'f>(
    Rules { fields, country }: Rules<'f>,
    present: &Values,
    wanted: &Map<String, Value>,
    required: Required,
) -> Result<Vec<Change<'f>>> {
    let mut errors = Vec::new();
    if required == Required::Bind {
        errors.extend(changes::absent(fields, present, wanted));
    }
    let changes = changes::changes(fields, present, wanted, country).unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Vec::new()
    });
    if errors.is_empty() { Ok(changes) } else { Err(Error::invalid(errors)) }
}

fn unique_values<'v>(
    values: impl Iterator<Item = (&'v ProfileField, &'v Value)>,
) -> impl Iterator<Item = (ProfileFieldId, String)> {
    let unique = values.filter(|(field, _)| field.unique);
    unique.flat_map(|(field, value)| indexed(field, value).into_iter().map(|entry| (field.id, entry.value)))
}
