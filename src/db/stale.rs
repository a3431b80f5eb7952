//! A write that is based on what isn't so any more: refused, with what changed since.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::Tx;
use super::schema::events;
use crate::actor::ActorType;
use crate::error::{Code, Error, Result};
use crate::http::json::escape;
use crate::http::version::IfMatch;

impl IfMatch {
    /// 412 unless the resource, locked and of this `version`, is as the client read it. What colleagues changed meanwhile
    /// is named as a body names it, in JSON Pointers, unless it is as it was by now.
    pub fn check(&self, tx: &mut Tx, resource: Uuid, version: i32) -> Result<()> {
        let Self::Versions(versions) = self else { return Ok(()) };
        if versions.contains(&version) {
            return Ok(());
        }
        let detail = format!("It has version {version} by now: read it again, and decide again.");
        let error = Error::new(Code::VersionMismatch, detail).with("version", version);
        // A version that never was says nothing of what its client knows.
        let Some(read) = versions.iter().filter(|read| (1..version).contains(*read)).max() else { return Err(error) };
        let changes = changes_since(tx, resource, *read)?;
        // What only a message did, such as opening its conversation again, spoils no edit.
        if !changes.is_empty() && changes.iter().all(|(actor, ..)| *actor == ActorType::Channel) {
            return Ok(());
        }
        Err(match changed_fields(&changes) {
            Some(fields) => error.with("changed_fields", fields),
            None => error,
        })
    }

    /// 412 for whoever means something that is there, where nothing is.
    pub fn check_absent(&self) -> Result<()> {
        self.refuse("What is to be changed isn't there yet.")
    }

    /// 412 for whoever means a conversation that became part of another.
    pub fn check_moved(&self) -> Result<()> {
        self.refuse("It became part of another conversation: read that, and decide again.")
    }

    fn refuse(&self, detail: &str) -> Result<()> {
        match self {
            Self::Anything => Ok(()),
            Self::Present | Self::Versions(_) => Err(Error::new(Code::VersionMismatch, detail)),
        }
    }
}

/// By whom; and the fields as they were and as they became, as far as an event tells.
type Change = (ActorType, Option<Value>, Option<Value>);

fn changes_since(tx: &mut Tx, resource: Uuid, version: i32) -> Result<Vec<Change>> {
    Ok(events::table
        .filter(events::organization_id.eq(tx.organization))
        .filter(events::resource_id.eq(resource))
        .filter(events::version.gt(version))
        .order((events::version, events::id))
        .select((events::actor_type, events::before, events::after))
        .load(tx.conn)?)
}

/// What differs between the first `before` and the last `after` that tell of it; None where an event doesn't tell.
fn changed_fields(changes: &[Change]) -> Option<Vec<String>> {
    let mut fields = BTreeMap::new();
    for (_, before, after) in changes {
        collect(before.as_ref()?, after.as_ref()?, "", &mut fields);
    }
    Some(fields.into_iter().filter(|(_, (was, is))| was != is).map(|(field, _)| field).collect())
}

/// Members of `fields` and `settings` change one by one, and each of them as a whole.
fn collect<'v>(was: &'v Value, is: &'v Value, at: &str, fields: &mut BTreeMap<String, (&'v Value, &'v Value)>) {
    let (Value::Object(old), Value::Object(new), ..2) = (was, is, at.matches('/').count()) else {
        fields.entry(at.to_owned()).or_insert((was, is)).1 = is;
        return;
    };
    for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
        let (was, is) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
        collect(was, is, &format!("{at}/{}", escape(name)), fields);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_as_it_was_is_not_named() {
        let changes = [
            (
                json!({ "name": "Ada", "fields": { "a/b": null, "c": 1 } }),
                json!({ "name": "Eve", "fields": { "a/b": "x", "c": 2 } }),
            ),
            (json!({ "name": "Eve", "kind": "person" }), json!({ "name": "Ada", "kind": "person" })),
            (json!({ "settings": { "gone": 1, "back": { "b": 1 } } }), json!({ "settings": { "back": { "b": 2 } } })),
            (json!({ "settings": { "back": { "b": 2 } } }), json!({ "settings": {} })),
            (json!({ "settings": {} }), json!({ "settings": { "back": { "b": 1 } } })),
        ];
        let changes = changes.map(|(before, after)| (ActorType::User, Some(before), Some(after)));
        let fields = ["/fields/a~1b", "/fields/c", "/settings/gone"];
        assert_eq!(changed_fields(&changes), Some(fields.map(str::to_owned).to_vec()));
    }
}
