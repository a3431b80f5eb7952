//! What every parameter has in the document: a description, an example, and a schema that can be met.

use serde_json::{Map, Value, json};

use super::answers;

const CURSOR: &str = "eyJhZnRlciI6NDJ9";

/// Completes a parameter of an operation with this path.
pub fn complete(path: &str, schemas: &Map<String, Value>, parameter: &mut Value) {
    let Some(name) = parameter["name"].as_str().map(str::to_owned) else { return };
    let (in_path, in_query) = (parameter["in"] == "path", parameter["in"] == "query");
    if let Some(schema) = parameter.get_mut("schema") {
        take_default_in(schema);
        // What is not repeated even once is not there.
        if in_query
            && schema["type"] == "array"
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("minItems".to_owned(), 1.into());
        }
    }
    if let Some(members) = parameter.as_object_mut() {
        if in_path {
            members.entry("description").or_insert_with(|| id_of(path).into());
        }
        if let Some(schema) = members.get("schema").filter(|schema| schema.get("example").is_none()) {
            let example = example(&name, schemas, schema);
            members.entry("example").or_insert(example);
        }
    }
    tell_example(parameter);
}

/// For a parameter whose handler names none.
fn example(name: &str, schemas: &Map<String, Value>, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => schema.get("items").map(|item| example(name, schemas, item)).into_iter().collect(),
        // Others than the default, which is what goes without saying.
        Some("boolean") => true.into(),
        Some("integer") => schema.get("maximum").cloned().unwrap_or_else(|| 1.into()),
        Some("string") if ["cursor", "before", "after"].contains(&name) => CURSOR.into(),
        _ => answers::example(schemas, schema, &mut Vec::new()),
    }
}

/// What the id in a path is: `/v1/profile-fields/{id}` has that of a profile field.
fn id_of(path: &str) -> String {
    let collection = path.split("/{").next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let one = collection.strip_suffix('s').unwrap_or(collection).replace('-', " ").replace("api", "API");
    format!("Id of the {one}.")
}

/// Swagger UI fills an example in, and what is optional should be left out until somebody wants it: a list would be
/// filtered to nothing, a write refused for a version that nobody read. So the description tells the example.
pub fn tell_example(parameter: &mut Value) {
    let is_required = parameter["required"] == true;
    let Some(parameter) = parameter.as_object_mut().filter(|_| !is_required) else { return };
    let of_schema =
        parameter.get_mut("schema").and_then(Value::as_object_mut).and_then(|schema| schema.remove("example"));
    let Some(example) = parameter.remove("example").or(of_schema) else { return };
    if example == json!({}) {
        // Without one, Swagger UI would send members that it made up.
        parameter.insert("example".to_owned(), example);
        return;
    }
    let values = example.as_array().cloned().unwrap_or_else(|| vec![example]);
    let told: Vec<String> = values
        .iter()
        .map(|value| format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let description = parameter.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = format!("{description}\n\nFor example {}.", told.join(", "));
    parameter.insert("description".to_owned(), description.trim().into());
}

/// utoipa puts the default of an enum beside it, as `allOf: [the enum, {type: object, default}]`, which nothing fits.
fn take_default_in(schema: &mut Value) {
    if let Some([of, with]) = schema.get_mut("allOf").and_then(Value::as_array_mut).map(Vec::as_mut_slice)
        && let (Some(of), Some(default)) = (of.as_object_mut(), with.get("default"))
    {
        of.insert("default".to_owned(), default.clone());
        *schema = Value::Object(std::mem::take(of));
    }
}
