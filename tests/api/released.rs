//! Nothing that a client of the last release relies on is taken away, unless the changelog says so.
//!
//! `openapi/released/` keeps the document of each release; the last one is compared with that of today. What breaks is
//! listed in `openapi/CHANGELOG.md` under "Unreleased", "Breaking", with the finding in backticks as this test words it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{breaks, document, files};

const CHANGELOG: &str = include_str!("../../openapi/CHANGELOG.md");

#[test]
fn what_breaks_is_in_the_changelog() {
    let found = breaks(&last_release(), &document());
    let listed = listed();
    let unlisted: Vec<&String> = found.difference(&listed).collect();
    assert!(
        unlisted.is_empty(),
        "this breaks clients of the last release; undo it, or list it in openapi/CHANGELOG.md under Breaking:\n{unlisted:#?}"
    );
    let stale: Vec<&String> = listed.difference(&found).collect();
    assert!(stale.is_empty(), "openapi/CHANGELOG.md lists what doesn't break: {stale:#?}");
}

#[test]
fn every_release_is_in_the_changelog() {
    for file in released() {
        let version = file.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(CHANGELOG.contains(&format!("\n## {version}")), "openapi/CHANGELOG.md says nothing of {version}");
    }
}

fn released() -> Vec<std::path::PathBuf> {
    files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/released"))
}

/// The document of the highest version.
fn last_release() -> Value {
    let version = |file: &std::path::PathBuf| -> Vec<u32> {
        file.file_stem().unwrap().to_str().unwrap().split('.').map(|part| part.parse().unwrap()).collect()
    };
    let last = released().into_iter().max_by_key(version).unwrap();
    serde_json::from_str(&std::fs::read_to_string(last).unwrap()).unwrap()
}

/// What the changelog says will break with the next release.
fn listed() -> BTreeSet<String> {
    let unreleased = CHANGELOG.split("\n## Unreleased").nth(1).unwrap_or_default();
    let unreleased = unreleased.split("\n## ").next().unwrap();
    let breaking = unreleased.split("\n### Breaking").nth(1).unwrap_or_default().split("\n### ").next().unwrap();
    breaking.lines().filter_map(|line| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned())).collect()
}

/// Every rule, on the document of today with one thing changed: as it was, as it would be, and what that breaks.
#[test]
fn what_breaks_and_what_does_not() {
    let today = document();
    let check = |pointer: &str, was: Value, is: Value, expected: &[&str]| {
        let with = |value: Value| {
            let mut document = today.clone();
            let (object, member) = pointer.rsplit_once('/').unwrap();
            let object = document.pointer_mut(object).unwrap_or_else(|| panic!("{pointer}")).as_object_mut().unwrap();
            match value {
                Value::Null => object.remove(&member.replace("~1", "/")),
                value => object.insert(member.replace("~1", "/"), value),
            };
            document
        };
        let found: Vec<String> = breaks(&with(was), &with(is)).into_iter().collect();
        assert_eq!(found, expected, "{pointer}");
    };
    let now = |pointer: &str| today.pointer(pointer).unwrap().clone();
    let gone = Value::Null;
    let channel = "/paths/~1v1~1channels~1{id}/get";
    check(channel, now(channel), gone.clone(), &["GET /v1/channels/{id}: removed"]);
    check(channel, gone.clone(), now(channel), &[]);
    let parameters = "/paths/~1v1~1contacts/get/parameters";
    let one = json!([{ "in": "query", "name": "vip", "schema": { "type": "boolean" } }]);
    let required = json!([{ "in": "query", "name": "vip", "required": true, "schema": { "type": "boolean" } }]);
    check(parameters, json!([]), one.clone(), &[]);
    check(parameters, one.clone(), json!([]), &["GET /v1/contacts: query parameter vip removed"]);
    check(parameters, json!([]), required.clone(), &["GET /v1/contacts: query parameter vip is new and required"]);
    check(parameters, one, required, &["GET /v1/contacts: query parameter vip became required"]);
    let created = "/paths/~1v1~1channels/post/responses/201";
    check(created, now(created), gone.clone(), &["POST /v1/channels: no 201 any more"]);
    let location = "/paths/~1v1~1channels/post/responses/201/headers/Location";
    check(location, now(location), gone.clone(), &["POST /v1/channels: 201 without the header Location"]);
    let conflict = "/paths/~1v1~1contacts/post/responses/409";
    check(conflict, now(conflict), gone.clone(), &["POST /v1/contacts: no 409 any more"]);
    let code = &format!("{conflict}/content/application~1problem+json/examples/contact_exists");
    check(code, now(code), gone, &["POST /v1/contacts: 409 without the code contact_exists"]);
    let codes = "/components/schemas/ErrorCode/enum";
    check(codes, json!(["a", "b"]), json!(["a"]), &["ErrorCode (received): value \"b\" removed"]);
    check(codes, json!(["a"]), json!(["a", "b"]), &[]);

    // (what is sent, before, after, finding), and the same of what is received.
    let rules: [(Value, Value, &[&str], &[&str]); 12] = [
        (json!({ "type": "string" }), json!({ "type": ["string", "null"] }), &[], &["type string became null|string"]),
        (json!({ "type": "number" }), json!({ "type": "integer" }), &["type integer|number became integer"], &[]),
        (json!({ "enum": ["a", "b"] }), json!({ "enum": ["a"] }), &["value \"b\" removed"], &[]),
        (json!({ "enum": ["a"] }), json!({ "enum": ["a", "b"] }), &[], &[]),
        (json!({}), json!({ "enum": ["a"] }), &["only some values are allowed"], &[]),
        (json!({ "maximum": 9 }), json!({ "maximum": 8 }), &["maximum 9 became 8"], &[]),
        (json!({ "maximum": 8 }), json!({ "maximum": 9 }), &[], &["maximum 8 became 9"]),
        (json!({ "minLength": 1 }), json!({}), &[], &["minLength 1 became null"]),
        (json!({}), json!({ "pattern": "^a" }), &["pattern null became \"^a\""], &[]),
        (json!({ "format": "date" }), json!({}), &[], &["format \"date\" became null"]),
        (json!({ "default": 1 }), json!({ "default": 2 }), &["default 1 became 2"], &[]),
        (
            json!({ "properties": { "a": {}, "b": {} }, "required": ["a"] }),
            json!({ "properties": { "a": {}, "c": {} }, "required": ["c"] }),
            &["b removed", "c became required"],
            &["a may be absent", "b removed"],
        ),
    ];
    for (was, is, sent, received) in rules {
        for (name, way, findings) in [("CreateChannel", "sent", sent), ("Channel", "received", received)] {
            let findings: Vec<String> = findings.iter().map(|finding| format!("{name} ({way}): {finding}")).collect();
            let findings: Vec<&str> = findings.iter().map(String::as_str).collect();
            check(&format!("/components/schemas/{name}"), was.clone(), is.clone(), &findings);
        }
    }
}
