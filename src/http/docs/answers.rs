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

/// An example of each answer in JSON, put together from those of its parts, so that it can't go stale.
pub fn add_examples(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer("/components/schemas").cloned() else { return };
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    let operations = paths.filter_map(|(_, item)| item.as_object_mut()).flat_map(Map::values_mut);
    let responses = operations.filter_map(|operation| operation.get_mut("responses")?.as_object_mut()).flatten();
    for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
        let media = response.pointer_mut("/content/application~1json").and_then(Value::as_object_mut);
        let Some(media) = media.filter(|media| !media.contains_key("examples")) else { continue };
        if let Some(schema) = media.get("schema") {
            let example = example(&schemas, schema, &mut Vec::new());
            media.entry("example").or_insert(example);
        }
    }
}

/// The schema's own example, else one of what is always there. `within` are the schemas on the way to it.
pub fn example<'s>(schemas: &'s Map<String, Value>, schema: &'s Value, within: &mut Vec<&'s str>) -> Value {
    let several = |key: &str| schema.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let own = schema.get("example").or(several("examples").first()).or(schema.get("default"));
    if let Some(value) = own.or(several("enum").first()) {
        return value.clone();
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS)) {
        let Some(target) = schemas.get(name).filter(|_| !within.contains(&name)) else { return Value::Null };
        within.push(name);
        let example = example(schemas, target, within);
        within.pop();
        return example;
    }
    if let Some(first) = several("oneOf").first() {
        return example(schemas, first, within);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {
            let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            let required = several("required");
            let required = members.filter(|(name, _)| required.iter().any(|one| one == name.as_str()));
            required.map(|(name, member)| (name.clone(), example(schemas, member, within))).collect()
        }
        Some("array") => schema.get("items").map(|item| example(schemas, item, within)).into_iter().collect(),
        Some("integer") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => false.into(),
        Some("string") => match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => "2026-01-26T09:30:00Z".into(),
            Some("uuid") => "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11".into(),
            _ => "…".into(),
        },
        // What may be null, or anything.
        _ => Value::Null,
    }
}
