//! What holds for schemas that are only answered, never sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const SCHEMAS: &str = "#/components/schemas/";

/// What may be null is sent nevertheless: only a member that a schema doesn't call nullable is left out of an answer.
pub fn require_what_may_be_null(document: &mut Value) {
    let sent = sent(document);
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !sent.contains(*name)) {
        let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let nullable: Vec<Value> =
            members.filter(|(_, member)| may_be_null(member)).map(|(name, _)| name.as_str().into()).collect();
        if nullable.is_empty() {
            continue;
        }
        let required =
            schema.as_object_mut().map(|schema| schema.entry("required").or_insert_with(|| Vec::<Value>::new().into()));
        let Some(required) = required.and_then(Value::as_array_mut) else { continue };
        for name in nullable {
            if !required.contains(&name) {
                required.push(name);
            }
        }
    }
}

fn may_be_null(schema: &Value) -> bool {
    let several = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
    several("type").any(|one| one == "null") || several("oneOf").any(|one| one["type"] == "null")
}

/// The names of the schemas that bodies and parameters of requests lead to.
fn sent(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    for operation in paths.filter_map(|(_, item)| item.as_object()).flat_map(Map::values) {
        for part in ["requestBody", "parameters"].into_iter().filter_map(|part| operation.get(part)) {
            follow(document, part, &mut found);
        }
    }
    found
}

fn follow(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS))
                && found.insert(name.to_owned())
                && let Some(schema) = document.pointer("/components/schemas").and_then(|schemas| schemas.get(name))
            {
                follow(document, schema, found);
            }
            members.values().for_each(|member| follow(document, member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| follow(document, item, found)),
        _ => {}
    }
}
