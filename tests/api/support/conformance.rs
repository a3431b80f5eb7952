//! Whether an answer is one that the document allows: asked of every answer in every test.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use reqwest::Method;
use serde_json::Value;

use super::answer::Answer;
use super::document::{Operation, document, operations, resolve};

/// Headers of HTTP itself, which the document doesn't have.
const GENERAL: [&str; 7] =
    ["connection", "content-encoding", "content-length", "content-type", "date", "transfer-encoding", "vary"];

/// The document's schemas, each made ready once.
pub struct Schemas {
    document: Value,
    ready: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    pub fn of(document: Value) -> Self {
        Self { document, ready: Mutex::default() }
    }

    /// What is wrong with a value, by the schema at this JSON pointer.
    pub fn faults(&self, pointer: &str, value: &Value) -> Vec<String> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = ready.entry(pointer.to_owned()).or_insert_with(|| Arc::new(self.validator(pointer))).clone();
        drop(ready);
        validator
            .iter_errors(value)
            .map(|error| format!("{error} at {:?}", error.instance_path().to_string()))
            .collect()
    }

    fn validator(&self, pointer: &str) -> Validator {
        let mut root = self.document.clone();
        // A fragment of a URI has no braces.
        root["$ref"] = format!("#{}", pointer.replace('{', "%7B").replace('}', "%7D")).into();
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        options.build(&root).unwrap_or_else(|error| panic!("{pointer}: {error}"))
    }
}

struct Contract {
    operations: Vec<Operation>,
    schemas: Schemas,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let document = document();
    Contract { operations: operations(&document), schemas: Schemas::of(document) }
});

/// Fails unless the document has this answer: its status, its code, its headers, its content type and its body.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let contract = &*CONTRACT;
    let document = &contract.schemas.document;
    let is_head = *method == Method::HEAD;
    let method = if is_head { &Method::GET } else { method };
    let Some(operation) = contract.operation(method, path) else { return };
    let demand = |holds: bool, what: &str| {
        assert!(holds, "{}: the document doesn't have {what}: {} {}", answer.what, answer.status, answer.body());
    };
    // What comes before any route.
    if answer.json["code"] == "route_not_found" {
        return;
    }
    let status = answer.status.to_string();
    let response = &operation.spec["responses"][&status];
    demand(response.is_object(), "this status");
    let (response, pointer) = match response["$ref"].as_str() {
        Some(reference) => (resolve(document, reference), reference.trim_start_matches('#').to_owned()),
        None => {
            let path = escape(&operation.path);
            (response, format!("/paths/{path}/{}/responses/{status}", method.as_str().to_lowercase()))
        }
    };
    let documented = headers(response);
    for header in sent(answer) {
        demand(documented.contains(&header), &format!("the header {header}"));
    }
    let contents = response["content"].as_object();
    let kind = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    if answer.bytes.is_empty() {
        let may_be_empty = is_head || contents.is_none() || kind != "application/json";
        demand(may_be_empty, "an empty body");
        return;
    }
    let content = contents.and_then(|all| all.get_key_value(kind).or_else(|| all.get_key_value("*/*")));
    demand(content.is_some(), &format!("the content type {kind}"));
    let (name, media) = content.unwrap();
    if answer.status >= 400 {
        let code = answer.json["code"].as_str().unwrap_or_default();
        demand(media["examples"][code].is_object(), &format!("the code {code}"));
    }
    if kind.ends_with("json") && name != "*/*" && answer.header("content-encoding").is_none() {
        let faults = contract.schemas.faults(&format!("{pointer}/content/{}/schema", escape(name)), &answer.json);
        demand(faults.is_empty(), &format!("this body ({})", faults.join("; ")));
    }
}

/// The headers that an answer has, without those that any has.
pub fn sent(answer: &Answer) -> BTreeSet<String> {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    names.filter(|name| !GENERAL.contains(&name.as_str()) && !name.starts_with("access-control-")).collect()
}

/// The headers that a response of the document has.
pub fn headers(response: &Value) -> BTreeSet<String> {
    response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()).collect()
}

impl Contract {
    /// The one that a request reaches: a path without variables goes before one that has some.
    fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let path: Vec<&str> = path.split('/').collect();
        let fits = |operation: &&Operation| {
            let pattern: Vec<&str> = operation.path.split('/').collect();
            let mut pairs = pattern.iter().zip(&path);
            pattern.len() == path.len() && pairs.all(|(one, other)| one.starts_with('{') || one == other)
        };
        let literal = self.operations.iter().filter(fits).find(|operation| !operation.path.contains('{'));
        let fitting = |operation: &&Operation| fits(operation) && operation.method == *method;
        match literal {
            Some(literal) => self.operations.iter().filter(|one| one.path == literal.path).find(fitting),
            None => self.operations.iter().find(fitting),
        }
    }
}

/// A name as a JSON pointer has it (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
