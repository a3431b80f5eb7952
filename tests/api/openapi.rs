//! The generated document.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::support::{document, operations, resolve};

#[test]
fn the_checked_in_document_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let current = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    let line = kept.lines().zip(current.lines()).position(|(one, other)| one != other);
    assert!(
        kept == current,
        "openapi/openapi.json differs from line {line:?} on: run `make openapi` and look at its diff"
    );
}

#[test]
fn every_operation_says_what_a_client_needs() {
    let document = document();
    let tags: HashSet<&str> = each(&document["tags"]).filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = HashSet::new();
    let mut missing = Vec::new();
    for operation in operations(&document) {
        let mut demand = |holds: bool, what: &str| {
            if !holds {
                missing.push(format!("{} {}: {what}", operation.method, operation.path));
            }
        };
        let spec = &operation.spec;
        demand(!operation.id().is_empty() && ids.insert(operation.id().to_owned()), "an operationId of its own");
        let summary = spec["summary"].as_str().unwrap_or_default();
        demand(!summary.is_empty() && !summary.ends_with('.'), "a summary without a full stop");
        demand(each(&spec["tags"]).all(|tag| tags.contains(tag.as_str().unwrap())), "tags that are declared");
        demand(each(&spec["tags"]).count() == 1, "one tag");
        demand(spec["security"].is_array(), "security");
        if operation.is_protected() {
            demand(spec.pointer("/security/0/bearer").is_some(), "the bearer token");
        }
        for name in operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let declared = operation.parameters("path").iter().any(|parameter| parameter["name"] == name);
            demand(declared, &format!("its path's {name}"));
        }
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            demand(parameter["description"].is_string() || name == "sort", &format!("a description of {name}"));
        }
        for parameter in each(&spec["parameters"]).filter(|parameter| parameter["$ref"].is_null()) {
            let schema = &parameter["schema"];
            // `field[key]=value`: names that the organization chooses.
            if parameter["style"] == "deepObject" {
                continue;
            }
            let is_plain = schema["type"].is_string() || schema["type"].is_array() || schema["$ref"].is_string();
            demand(is_plain && schema["type"] != "object", &format!("a type of the parameter {}", parameter["name"]));
        }
        let mut expected = BTreeSet::from(["500", "503"]);
        if operation.is_protected() {
            expected.extend(["401", "403"]);
        }
        if operation.path.contains('{') {
            expected.insert("404");
        }
        if spec["requestBody"].is_object() {
            expected.extend(["400", "413", "415", "422"]);
        }
        let responses = spec["responses"].as_object().unwrap();
        for status in expected {
            demand(responses.contains_key(status), &format!("the answer {status}"));
        }
        demand(responses.keys().any(|status| status.starts_with('2')), "the answer when all is well");
        for (status, response) in responses {
            let response = response["$ref"].as_str().map_or(response, |reference| resolve(&document, reference));
            demand(response["description"].is_string(), &format!("a description of {status}"));
            if status.starts_with('4') || status.starts_with('5') {
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                demand(problem == "#/components/schemas/Problem", &format!("a problem with {status}"));
            }
        }
    }
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}

#[test]
fn every_body_has_an_example() {
    let document = document();
    let mut missing = Vec::new();
    for operation in operations(&document) {
        let content = operation.spec["requestBody"]["content"].as_object();
        for (kind, media) in content.into_iter().flatten() {
            // Bytes can't be shown.
            if kind == "application/json" && !has_example(&document, media) {
                missing.push(format!("{} {}", operation.method, operation.path));
            }
        }
    }
    assert!(missing.is_empty(), "no example of the body of\n{}", missing.join("\n"));
}

/// Whether Swagger UI has something to show for a media type or schema: an example, or one for each required part.
fn has_example(document: &Value, schema: &Value) -> bool {
    if schema.get("example").or(schema.get("examples")).or(schema.get("default")).or(schema.get("enum")).is_some() {
        return true;
    }
    if let Some(schema) = schema.get("schema") {
        return has_example(document, schema);
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return has_example(document, resolve(document, reference));
    }
    if let Some(first) = schema["oneOf"].get(0) {
        return has_example(document, first);
    }
    let required: Vec<&Value> = each(&schema["required"]).collect();
    let is_boolean = schema["type"] == "boolean" || schema["type"][0] == "boolean";
    is_boolean
        || schema["format"] == "uuid"
        || schema["properties"].as_object().is_some_and(|properties| {
            let mut required =
                properties.iter().filter(|(name, _)| required.iter().any(|each| *each == name.as_str())).peekable();
            required.peek().is_some() && required.all(|(_, schema)| has_example(document, schema))
        })
}

/// `skip_serializing` on an input would keep a field from being shown, and so from being sent.
#[test]
fn a_file_that_comes_in_has_its_bytes() {
    let attachment = &document()["components"]["schemas"]["InboundAttachment"];
    assert!(each(&attachment["required"]).any(|name| name == "data"), "{attachment}");
    assert_eq!(attachment["properties"]["data"]["type"], "string");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    let dangling: Vec<_> =
        references.iter().filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none()).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
    assert!(references.len() > 20);
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

fn each(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

#[test]
fn what_is_optional_is_not_filled_in() {
    // Swagger UI sends every example that a person leaves as it is.
    let document = document();
    let shared = document["components"]["parameters"].as_object().unwrap().values();
    let operations = operations(&document);
    let own = operations.iter().flat_map(|operation| operation.spec["parameters"].as_array().into_iter().flatten());
    for parameter in shared.chain(own).filter(|parameter| parameter["required"] != true) {
        assert!(parameter.get("example").is_none() && parameter.get("examples").is_none(), "{parameter}");
        assert!(parameter.pointer("/schema/example").is_none(), "{parameter}");
    }
}
