//! The generated document.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dossier::error::Code;
use dossier::http::deprecation::DEPRECATED;
use dossier::http::problem;
use serde_json::{Value, json};

use crate::support::{Schemas, document, operations, resolve};

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
        for parameter in each(&spec["parameters"]).filter(|parameter| parameter["$ref"].is_null()) {
            let name = parameter["name"].as_str().unwrap();
            demand(parameter["description"].is_string(), &format!("a description of {name}"));
            let is_number = parameter["schema"]["type"] == "integer" && name != "expires";
            let has_range = parameter["schema"]["minimum"].is_number() && parameter["schema"]["maximum"].is_number();
            demand(!is_number || has_range, &format!("a range of {name}"));
        }
        demand(spec["description"].as_str().is_some_and(|text| !text.is_empty()), "a description");
        for parameter in each(&spec["parameters"]).filter(|parameter| parameter["$ref"].is_null()) {
            let schema = &parameter["schema"];
            // `field[key]=value`: names that the organization chooses.
            if parameter["style"] == "deepObject" {
                continue;
            }
            let is_plain = schema["type"].is_string() || schema["type"].is_array() || schema["$ref"].is_string();
            demand(is_plain && schema["type"] != "object", &format!("a type of the parameter {}", parameter["name"]));
        }
        let mut expected = BTreeSet::from(["422", "500", "503"]);
        if operation.is_protected() {
            expected.extend(["401", "403"]);
        }
        if operation.path.contains('{') {
            expected.insert("404");
        }
        if spec["requestBody"].is_object() {
            expected.extend(["400", "413", "415"]);
        }
        let responses = spec["responses"].as_object().unwrap();
        for status in expected {
            demand(responses.contains_key(status), &format!("the answer {status}"));
        }
        demand(responses.keys().any(|status| status.starts_with('2')), "the answer when all is well");
        for (status, response) in responses {
            let response = response["$ref"].as_str().map_or(response, |reference| resolve(&document, reference));
            demand(response["description"].is_string(), &format!("a description of {status}"));
            let says_how_much = response["description"].as_str().is_some_and(|text| text.contains(" MiB"));
            demand(status != "413" || says_how_much, "how large a body may be");
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

#[test]
fn every_answer_has_a_whole_example() {
    let document = document();
    let schemas = Schemas::of(document.clone());
    let mut seen = 0;
    for operation in operations(&document) {
        for (status, response) in operation.spec["responses"].as_object().unwrap() {
            let what = format!("{} {} {status}", operation.method, operation.path);
            let Some(media) = response.pointer("/content/application~1json").filter(|_| status.starts_with('2')) else {
                continue;
            };
            let example = &media["example"];
            let name = media["schema"]["$ref"].as_str().unwrap();
            assert!(example.is_object(), "{what}: no example");
            let faults = schemas.faults(name.trim_start_matches('#'), example);
            assert!(faults.is_empty(), "{what}: {faults:?}");
            // A text that has no example of its own, nor a format.
            assert!(!example.to_string().contains("\"…\""), "{what}: {example}");
            seen += 1;
        }
    }
    assert!(seen > 70, "{seen}");
}

/// Swagger UI fills in what is optional too: an id that was made up would make a request fail that needn't have one.
#[test]
fn examples_of_bodies_make_up_no_ids() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for operation in operations(&document) {
        let Some(name) = operation.spec.pointer("/requestBody/content/application~1json/schema/$ref") else { continue };
        let name = name.as_str().unwrap().rsplit('/').next().unwrap();
        let schema = &schemas[name];
        if schema["example"].is_object() {
            continue;
        }
        for (member, schema) in schema["properties"].as_object().into_iter().flatten() {
            let mut reached = BTreeSet::new();
            collect(schema, &mut reached);
            let is_id =
                reached.iter().any(|one| resolve(&document, one)["format"] == "uuid") || schema["format"] == "uuid";
            let is_list = schema["type"] == "array";
            assert!(!is_id || is_list, "{name} needs an example of its own, or one without {member}");
        }
    }
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
        if parameter["example"] == json!({}) {
            continue;
        }
        assert!(parameter.get("example").is_none() && parameter.get("examples").is_none(), "{parameter}");
        assert!(parameter.pointer("/schema/example").is_none(), "{parameter}");
    }
}

#[test]
fn every_parameter_has_an_example() {
    let document = document();
    let schemas = Schemas::of(document.clone());
    let mut wrong = Vec::new();
    visit(&document, "", &mut |pointer, parameter| {
        let Some(name) = parameter["name"].as_str().filter(|_| parameter["in"].is_string()) else { return };
        let schema = &parameter["schema"];
        let told = told(parameter["description"].as_str().unwrap(), schema);
        match parameter.get("example").or(told.as_ref()) {
            Some(example) if !example.to_string().contains('…') => {
                let faults = schemas.faults(&format!("{pointer}/schema"), example);
                wrong.extend(faults.into_iter().map(|fault| format!("{pointer}: {name}: {fault}")));
            }
            _ => wrong.push(format!("{pointer}: {name}")),
        }
    });
    assert!(wrong.is_empty(), "no example of\n{}", wrong.join("\n"));
}

/// The example in a description, as its schema has it.
fn told(description: &str, schema: &Value) -> Option<Value> {
    let (_, told) = description.rsplit_once("For example ")?;
    let is_text = !["integer", "number", "boolean"].contains(&schema["type"].as_str().unwrap_or_default());
    let read = |text: &str| if is_text { Some(json!(text)) } else { serde_json::from_str(text).ok() };
    let values: Vec<Value> = told.split('`').skip(1).step_by(2).map(read).collect::<Option<_>>()?;
    if schema["type"] == "array" { Some(json!(values)) } else { values.into_iter().next() }
}

#[test]
fn the_catalogues_of_codes_in_the_readme_are_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let mut readme = std::fs::read_to_string(file).unwrap();
    let document = document();
    for (name, current, schema) in
        [("codes", problem::catalogue(), "ErrorCode"), ("codes of fields", problem::field_catalogue(), "FieldCode")]
    {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = readme.split_once(&begin).unwrap();
        let (kept, after) = rest.split_once(&end).unwrap();
        if std::env::var_os("UPDATE_README").is_none() {
            let how = "UPDATE_README=1 cargo test --test api catalogue";
            assert!(kept == current, "README.md's {name} are out of date: run `{how}`, or write\n{current}");
        }
        readme = format!("{before}{begin}{current}{end}{after}");
        let schema = &document["components"]["schemas"][schema];
        assert!(schema["description"].as_str().unwrap().contains(&current), "{name}");
        for code in schema["enum"].as_array().unwrap() {
            let row = format!("| `{}` |", code.as_str().unwrap());
            assert_eq!(current.matches(&row).count(), 1, "{code} in {name}");
        }
    }
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(file, readme).unwrap();
    }
}

#[test]
fn every_failure_has_its_codes() {
    let document = document();
    let codes: BTreeMap<&str, u16> =
        Code::ALL.iter().map(|code| (code.as_str(), problem::status(*code).as_u16())).collect();
    assert_eq!(codes.len(), Code::ALL.len(), "a code stands twice in the table");
    let mut named = BTreeSet::new();
    for operation in operations(&document) {
        for (status, response) in operation.spec["responses"].as_object().unwrap() {
            let response = response["$ref"].as_str().map_or(response, |reference| resolve(&document, reference));
            if !status.starts_with(['4', '5']) {
                continue;
            }
            let what = format!("{} {} {status}", operation.method, operation.path);
            let examples = response["content"]["application/problem+json"]["examples"].as_object();
            let examples = examples.unwrap_or_else(|| panic!("{what}: its description names no code"));
            assert!(!examples.is_empty(), "{what}");
            for (code, example) in examples {
                assert_eq!(codes.get(code.as_str()).map(u16::to_string).as_ref(), Some(status), "{what}: {code}");
                assert_eq!(example["value"]["code"], code.as_str(), "{what}");
                let description = response["description"].as_str().unwrap();
                assert!(description.contains(&format!("`{code}`: ")), "{what}: {description}");
                named.insert(code.clone());
            }
        }
    }
    // What belongs to no operation.
    named.extend(["route_not_found", "method_not_allowed"].map(str::to_owned));
    let unused: Vec<_> = codes.keys().filter(|code| !named.contains(**code)).collect();
    assert!(unused.is_empty(), "no operation has {unused:?}");
}

#[test]
fn examples_are_valid() {
    let document = document();
    let schemas = Schemas::of(document.clone());
    let mut faults = Vec::new();
    let mut seen = 0;
    let mut check = |schema: &str, example: &Value| {
        seen += 1;
        let found = schemas.faults(schema, example);
        faults.extend(found.into_iter().map(|fault| format!("{schema}: {fault}: {example}")));
    };
    visit(&document, "", &mut |pointer, value| {
        // A media type or a parameter beside its schema.
        if value["schema"].is_object() {
            let schema = format!("{pointer}/schema");
            value.get("example").into_iter().for_each(|example| check(&schema, example));
            let several = value["examples"].as_object().into_iter().flat_map(|all| all.values());
            several.for_each(|example| check(&schema, &example["value"]));
        }
        // A schema with its own.
        if pointer.contains("/schema") && !pointer.ends_with("/properties") {
            value.get("example").into_iter().for_each(|example| check(pointer, example));
            each(&value["examples"]).for_each(|example| check(pointer, example));
            value.get("default").into_iter().for_each(|default| check(pointer, default));
        }
    });
    // What Swagger UI puts together from the parts.
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let pointer = format!("/components/schemas/{name}");
        check(&pointer, &crate::support::example(&document, schema));
    }
    assert!(faults.is_empty(), "{} of {seen}:\n{}", faults.len(), faults.join("\n"));
    assert!(seen > 300, "{seen}");
}

#[test]
fn schemas_have_names() {
    let document = document();
    let mut wrong = Vec::new();
    visit(&document, "", &mut |pointer, value| {
        let is_named = pointer.starts_with("/components/schemas/") && pointer.matches('/').count() == 3;
        // One value tells alternatives apart.
        let what = if each(&value["enum"]).count() > 1 {
            "an enumeration"
        } else if value["properties"].is_object() && value["type"] == "object" {
            "an object"
        } else {
            return;
        };
        // One alternative of a named schema belongs to it.
        let is_part = pointer.starts_with("/components/schemas/") && pointer.contains("Of/");
        if !is_named && !is_part && !pointer.contains("/examples/") {
            wrong.push(format!("{pointer} is {what} without a name: drop `inline`, and name it in src/app.rs"));
        }
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn bodies_take_nothing_unknown() {
    let document = document();
    let mut sent = BTreeSet::new();
    for operation in operations(&document) {
        collect_deep(&document, &operation.spec["requestBody"], &mut sent);
    }
    for name in &sent {
        let schema = resolve(&document, name);
        if schema["properties"].is_object() {
            assert_eq!(schema["additionalProperties"], false, "{name} lacks `#[serde(deny_unknown_fields)]`");
        }
    }
    assert!(sent.len() > 30, "{sent:?}");
}

/// Every reference that a value leads to.
fn collect_deep(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    let mut direct = BTreeSet::new();
    collect(value, &mut direct);
    for reference in direct {
        if found.insert(reference.clone()) {
            collect_deep(document, resolve(document, &reference), found);
        }
    }
}

#[test]
fn what_may_be_null_says_so_as_json_schema_does() {
    visit(&document(), "", &mut |pointer, value| {
        assert!(
            value.get("nullable").is_none() || pointer.ends_with("/properties"),
            "{pointer}: OpenAPI 3.0's nullable"
        );
    });
}

#[test]
fn headers_follow_from_what_an_answer_is() {
    let document = document();
    for operation in operations(&document) {
        let what = format!("{} {}", operation.method, operation.path);
        let names: Vec<&str> = each(&operation.spec["parameters"])
            .map(|one| one["$ref"].as_str().map_or(one, |reference| resolve(&document, reference)))
            .filter_map(|one| one["name"].as_str())
            .collect();
        let needs_key = operation.is_protected() && !operation.is_read();
        assert_eq!(names.contains(&"Idempotency-Key"), needs_key, "{what}");
        for (status, response) in operation.spec["responses"].as_object().unwrap() {
            let has = |header: &str| response["headers"][header].is_object();
            let schema = response.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
            let schema = schema.map(|reference| resolve(&document, reference));
            if schema.is_some_and(|schema| schema["properties"]["version"].is_object()) {
                assert!(has("ETag"), "{what} {status}: no ETag");
            }
            match status.as_str() {
                "200" if operation.is_read() && schema.is_some() => {
                    assert!(has("ETag") && names.contains(&"If-None-Match"), "{what}");
                    let is_list = schema.is_some_and(|schema| schema["properties"]["next_cursor"].is_object());
                    assert!(!is_list || names.contains(&"cursor"), "{what}: no cursor");
                    assert_eq!(has("Link"), names.contains(&"cursor"), "{what}: Link");
                }
                "201" | "308" => assert!(has("Location"), "{what} {status}: no Location"),
                _ => {}
            }
        }
        // What changes or deletes one thing with a version is conditional.
        let reads = operations(&document).into_iter().find(|one| one.path == operation.path && one.is_read());
        let read = reads.and_then(|one| {
            let schema = one.spec.pointer("/responses/200/content/application~1json/schema/$ref")?.as_str()?.to_owned();
            Some(resolve(&document, &schema)["properties"]["version"].is_object())
        });
        if read == Some(true) && ["PATCH", "PUT", "DELETE"].contains(&operation.method.as_str()) {
            assert!(names.contains(&"If-Match"), "{what}: no If-Match");
        }
    }
}

#[test]
fn what_is_deprecated_has_its_dates() {
    let document = document();
    for operation in operations(&document).iter().filter(|operation| operation.spec["deprecated"] == true) {
        let row = DEPRECATED.iter().find(|row| row.path == operation.path && row.method == operation.method.as_str());
        assert!(row.is_some(), "{} {}: not in src/http/deprecation.rs", operation.method, operation.path);
    }
    for row in DEPRECATED {
        let spec = &document["paths"][row.path][row.method.to_lowercase()];
        assert_eq!(spec["deprecated"], json!(true), "{} {} is in the table only", row.method, row.path);
        assert!(row.sunset.is_none_or(|sunset| sunset > row.since), "{}", row.path);
    }
}

/// Every object of the document, with its JSON pointer.
fn visit(value: &Value, pointer: &str, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            see(pointer, value);
            for (name, member) in members {
                visit(member, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), see);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(item, &format!("{pointer}/{index}"), see);
            }
        }
        _ => {}
    }
}
