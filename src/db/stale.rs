//! A write that is based on what isn't so any more: refused, with what changed since.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::Tx;
use super::schema::events;
use crate::error::{Code, Error, Result};
use crate::http::json::escape;
use crate::http::version::IfMatch;

impl IfMatch {
    /// 412 unless the resource, locked and of this `version`, is as the client read it. What others changed meanwhile
    /// is named as a body names it, in JSON Pointers, unless it is as it was by now.
    pub fn check(&self, tx: &mut Tx, resource: Uuid, version: i32) -> Result<()> {
        let Self::Versions(versions) = self else { return Ok(()) };
        if versions.contains(&version) {
            return Ok(());
        }
        let detail = format!("It has version {version} by now: read it again, and decide again.");
        let error = Error::new(Code::VersionMismatch, detail).with("version", version);
        // A version that never was says nothing of what its client knows.
        match versions.iter().filter(|read| (1..version).contains(*read)).max() {
            Some(read) => match changed_since(tx, resource, *read)? {
                Some(fields) => Err(error.with("changed_fields", fields)),
                None => Err(error),
            },
            None => Err(error),
        }
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

/// Fields as they were and as they became, as far as an event tells.
type Changed = (Option<Value>, Option<Value>);

/// None where an event doesn't tell.
fn changed_since(tx: &mut Tx, resource: Uuid, version: i32) -> Result<Option<Vec<String>>> {
    let happened: Vec<Changed> = events::table
        .filter(events::organization_id.eq(tx.organization))
        .filter(events::resource_id.eq(resource))
        .filter(events::version.gt(version))
        .order((events::version, events::id))
        .select((events::before, events::after))
        .load(tx.conn)?;
    let told: Option<Vec<_>> = happened.iter().map(|(before, after)| before.as_ref().zip(after.as_ref())).collect();
    Ok(told.map(|changes| changed_fields(&changes)))
}

/// What differs between the first `before` and the last `after` that tell of it.
fn changed_fields(changes: &[(&Value, &Value)]) -> Vec<String> {
    let mut fields = BTreeMap::new();
    for (before, after) in changes {
        collect(before, after, "", &mut fields);
    }
    fields.into_iter().filter(|(_, (was, is))| was != is).map(|(field, _)| field).collect()
}

fn collect<'v>(was: &'v Value, is: &'v Value, at: &str, fields: &mut BTreeMap<String, (&'v Value, &'v Value)>) {
    let (Value::Object(old), Value::Object(new)) = (was, is) else {
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
            (json!({ "settings": { "gone": 1 } }), json!({ "settings": {} })),
        ];
        let changes: Vec<_> = changes.iter().map(|(before, after)| (before, after)).collect();
        assert_eq!(changed_fields(&changes), ["/fields/a~1b", "/fields/c", "/settings/gone"]);
    }
}
