//! The generated document, as walks through all operations read it.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Client, Request};

/// The document that the service answers with.
pub fn document() -> Value {
    dossier::app::document().unwrap()
}

/// One operation of the document.
pub struct Operation {
    pub path: String,
    pub method: Method,
    /// Its operation object.
    pub spec: Value,
}

impl Operation {
    pub fn id(&self) -> &str {
        self.spec["operationId"].as_str().unwrap_or_default()
    }

    pub fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether it needs a token.
    pub fn is_protected(&self) -> bool {
        self.spec["security"] != json!([])
    }

    /// Whether only an administrator may.
    pub fn is_for_admins(&self) -> bool {
        self.spec["x-required-role"] == "admin"
    }

    /// Its parameters in the path, the query or the header.
    pub fn parameters(&self, place: &str) -> Vec<&Value> {
        self.spec["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == place).collect()
    }

    /// The request as the document's examples have it, to a path whose variables are filled in.
    pub fn example(&self, document: &Value, client: &Client, path: &str) -> Request {
        let request = client.request(self.method.clone(), path);
        let Some(content) = self.spec["requestBody"]["content"].as_object() else { return request };
        if let Some(media) = content.get("application/json") {
            return request.json(&example(document, media));
        }
        match content.keys().next().map(String::as_str) {
            Some("multipart/form-data") => request.file("note.txt", "text/plain", "a note"),
            Some(other) => request.raw(other, "From: ada@example.com\r\n\r\nHello"),
            None => request,
        }
    }
}

/// Every operation, in the order of the document.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if let Some(spec) = item.get(method.as_str().to_lowercase()) {
                found.push(Operation { path: path.clone(), method, spec: spec.clone() });
            }
        }
    }
    found
}

/// The example of a media type, or of a schema: its own, else one made of those of its required parts.
pub fn example(document: &Value, schema: &Value) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(example) = schema["examples"].as_object().and_then(|all| all.values().next()) {
        return example["value"].clone();
    }
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if let Some(schema) = schema.get("schema") {
        return example(document, schema);
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return example(document, resolve(document, reference));
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(first) = schema[several].get(0) {
            return example(document, first);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let members = parts.iter().filter_map(|part| example(document, part).as_object().cloned()).flatten();
        return Value::Object(members.collect());
    }
    if let Some(value) = schema.get("default").or(schema["enum"].get(0)) {
        return value.clone();
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let properties = schema["properties"].as_object().into_iter().flatten();
            let members: Map<String, Value> = properties
                .filter(|(name, _)| required.contains(&name.as_str()))
                .map(|(name, schema)| (name.clone(), example(document, schema)))
                .collect();
            Value::Object(members)
        }
        Some("array") => json!([]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        _ => match schema["format"].as_str() {
            Some("uuid") => json!("0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11"),
            Some("date-time") => json!("2026-01-01T00:00:00Z"),
            _ => json!("correct horse battery staple"),
        },
    }
}

/// What a `$ref` points to.
pub fn resolve<'d>(document: &'d Value, reference: &str) -> &'d Value {
    let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}
