//! The OpenAPI document: what every operation has in common is added here, so that no handler repeats it.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::problem::PROBLEM_JSON;
use crate::error::{Code, Kind};

const BEARER: &str = "bearer";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Operations without a caller can't claim a key.
const IDEMPOTENCY_KEY: &str = "#/components/parameters/IdempotencyKey";
const IF_NONE_MATCH: &str = "#/components/parameters/IfNoneMatch";
const RANGE: &str = "#/components/parameters/Range";

/// Swagger UI on the generated document.
pub fn swagger_ui() -> SwaggerUi {
    let config = Config::from("/openapi.json").persist_authorization(true).try_it_out_enabled(true).filter(true);
    SwaggerUi::new("/docs/{_:.*}").config(config)
}

/// The scheme that "Authorize" offers.
pub fn bearer() -> (&'static str, SecurityScheme) {
    let mut http = Http::new(HttpAuthScheme::Bearer);
    http.bearer_format = Some("JWT".to_owned());
    http.description = Some("A token from `POST /v1/auth/login`, `POST /v1/api-tokens` or `dossier token`.".to_owned());
    (BEARER, SecurityScheme::Http(http))
}

/// The document as it is served: every operation with the failures, headers and parameters that follow from what it is.
pub fn complete(document: OpenApi) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document)?;
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), shared_responses());
        let mut parameters = shared_parameters();
        parameters.as_object_mut().into_iter().flat_map(|all| all.values_mut()).for_each(tell_example);
        components.insert("parameters".to_owned(), parameters);
        components.insert("headers".to_owned(), shared_headers());
    }
    let Some(paths) = document.pointer_mut("/paths").and_then(Value::as_object_mut) else { return Ok(document) };
    for (path, item) in paths.iter_mut() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                complete_operation(path, method, operation);
            }
        }
    }
    Ok(document)
}

fn complete_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let is_public = operation.get("security").is_some_and(|security| security == &json!([{}]));
    let is_write = method != "get";
    let takes_body = operation.contains_key("requestBody");
    // What a handler says itself names the role that is needed: `security(("bearer" = ["admin"]))`. A bearer token has
    // no scopes in the document, so the role goes beside them.
    let role = operation.get("security").and_then(|security| security.pointer("/0/bearer/0")).cloned();
    let security = if is_public { json!([]) } else { json!([{ BEARER: [] }]) };
    operation.insert("security".to_owned(), security);
    describe(operation, role.as_ref().and_then(Value::as_str));
    if let Some(role) = role {
        operation.insert("x-required-role".to_owned(), role);
    }
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut()
        && is_write
        && !is_public
    {
        parameters.push(json!({ "$ref": IDEMPOTENCY_KEY }));
    }
    for parameter in parameters.as_array_mut().into_iter().flatten() {
        let in_query = parameter["in"] == "query";
        tell_example(parameter);
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
    }
    let has = |place: &str, name: Option<&str>| {
        parameters
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["in"] == place && name.is_none_or(|name| one["name"] == name)))
    };
    let (has_query, has_if_match, has_cursor) =
        (has("query", None), has("header", Some("If-Match")), has("query", Some("cursor")));
    if parameters.as_array().is_some_and(Vec::is_empty) {
        operation.remove("parameters");
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    let mut common = vec![("500", "Internal"), ("503", "Unavailable")];
    if !is_public {
        common.extend([("401", "Unauthenticated"), ("403", "Forbidden")]);
    }
    if path.contains('{') {
        common.push(("404", "NotFound"));
    }
    if takes_body {
        common.extend([("400", "Malformed"), ("413", "TooLarge"), ("415", "UnsupportedMediaType")]);
    }
    if takes_body || has_query || (is_write && !is_public) {
        common.push(("422", "Invalid"));
    }
    if has_if_match {
        common.push(("412", "PreconditionFailed"));
    }
    let answers_json = |ok: &Value| ok.pointer("/content/application~1json").is_some();
    if !is_write && responses.get("200").is_some_and(answers_json) {
        let not_modified = json!({ "description": "The client has this answer already (`If-None-Match`)." });
        responses.entry("304").or_insert(not_modified);
    }
    for (status, response) in common {
        let reference = json!({ "$ref": format!("#/components/responses/{response}") });
        responses.entry(status).or_insert(reference);
    }
    for (status, response) in responses.iter_mut().filter(|(_, response)| response.get("$ref").is_none()) {
        let headers = response.as_object_mut().map(|members| members.entry("headers").or_insert_with(|| json!({})));
        let Some(headers) = headers.and_then(Value::as_object_mut) else { continue };
        let mut refer = |name: &str, header: &str| {
            headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{header}") }));
        };
        refer("X-Request-Id", "RequestId");
        match (status.as_str(), method) {
            ("308", _) => refer("Location", "Location"),
            ("429", _) => refer("Retry-After", "RetryAfter"),
            ("206" | "416", _) => refer("Content-Range", "ContentRange"),
            ("304", _) => refer("ETag", "ETag"),
            ("200", "get") => {
                refer("ETag", "ETag");
                if has_cursor {
                    refer("Link", "Link");
                }
            }
            ("201", _) => refer("Location", "Location"),
            _ => {}
        }
        if is_write && !is_public && status.starts_with('2') {
            headers.insert(
                "Idempotency-Replayed".to_owned(),
                json!({ "$ref": "#/components/headers/IdempotencyReplayed" }),
            );
        }
    }
    let conditions =
        [("304", IF_NONE_MATCH), ("206", RANGE)].into_iter().filter(|(status, _)| responses.contains_key(*status));
    let conditions: Vec<Value> = conditions.map(|(_, parameter)| json!({ "$ref": parameter })).collect();
    if !conditions.is_empty()
        && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut()
    {
        parameters.extend(conditions);
    }
}

/// Swagger UI fills an example in, and what is optional should be left out until somebody wants it: a list would be
/// filtered to nothing, a write refused for a version that nobody read. So the description tells the example.
fn tell_example(parameter: &mut Value) {
    let is_required = parameter["required"] == true;
    let Some(parameter) = parameter.as_object_mut().filter(|_| !is_required) else { return };
    let of_schema =
        parameter.get_mut("schema").and_then(Value::as_object_mut).and_then(|schema| schema.remove("example"));
    let Some(example) = parameter.remove("example").or(of_schema) else { return };
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

/// Every operation has a description, which names the role it needs.
fn describe(operation: &mut Map<String, Value>, role: Option<&str>) {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut description = text("description");
    if description.is_empty() {
        description = format!("{}.", text("summary"));
    }
    if role == Some("admin") {
        description.push_str("\n\nOnly for administrators.");
    }
    operation.insert("description".to_owned(), description.into());
}

fn shared_responses() -> Value {
    let response = |description: &str, codes: &[Code]| {
        let examples: Map<String, Value> =
            codes.iter().map(|code| (code.as_str().to_owned(), example(*code))).collect();
        let request_id = ("X-Request-Id", "RequestId");
        let names = match codes.first().map(|code| code.kind()) {
            Some(Kind::Unavailable) => vec![request_id, ("Retry-After", "RetryAfter")],
            Some(Kind::Unauthenticated) => vec![request_id, ("WWW-Authenticate", "WwwAuthenticate")],
            _ => vec![request_id],
        };
        let headers: Map<String, Value> = names
            .into_iter()
            .map(|(name, header)| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{header}") })))
            .collect();
        json!({
            "description": description,
            "headers": headers,
            "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" }, "examples": examples } }
        })
    };
    json!({
        "Malformed": response("The body can't be parsed.", &[Code::MalformedRequest]),
        "Unauthenticated": response("No token, or one that isn't valid.", &[Code::TokenMissing, Code::TokenInvalid]),
        "Forbidden": response("The role or the token's scope doesn't allow it.", &[Code::RoleRequired, Code::ScopeRequired]),
        "NotFound": response("Absent, or another organization's.", &[Code::NotFound]),
        "PreconditionFailed": response(
            "It has another version than `If-Match` says; `changed_fields` names what changed since.",
            &[Code::VersionMismatch]),
        "TooLarge": response("The body is too large.", &[Code::TooLarge]),
        "UnsupportedMediaType": response("The content type is not one this route takes.", &[Code::UnsupportedMediaType]),
        "Invalid": response(
            "Fields are not valid; each is named.",
            &[Code::Invalid, Code::CursorInvalid, Code::IdempotencyKeyReused],
        ),
        "Internal": response("A bug here. The log has the details, by request id.", &[Code::Internal]),
        "Unavailable": response("Busy: try again after `Retry-After` seconds.", &[Code::Unavailable]),
    })
}

/// A problem document with this code.
pub fn example(code: Code) -> Value {
    let mut value = json!({
        "type": format!("urn:dossier:problem:{}", code.as_str()),
        "title": code.title(),
        "status": super::problem::status(code).as_u16(),
        "code": code.as_str(),
        "detail": format!("{}.", code.title()),
        "request_id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
    });
    if code == Code::VersionMismatch
        && let Some(members) = value.as_object_mut()
    {
        members.insert("version".to_owned(), json!(4));
        members.insert("changed_fields".to_owned(), json!(["/name", "/fields/relation_number"]));
    }
    json!({ "value": value })
}

fn shared_parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Any text of your choice, such as a UUID: the same request with the same key is carried out \
                once and answered the same again, for 24 hours.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$" },
            "example": "5f0c3b1e-8d0a-4b57-9d3e-1a2f4c6b8d70"
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of the answer that the client has: answered with 304 while it is the same.",
            "schema": { "type": "string" },
            "example": "\"3-5f2d0c9e1ab34c77d0e1\""
        },
        "Range": {
            "name": "Range",
            "in": "header",
            "description": "Which bytes of the file: one range (RFC 9110, 14.2).",
            "schema": { "type": "string" },
            "example": "bytes=0-1023"
        }
    })
}

fn shared_headers() -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "RequestId": text("Finds the request in the service's log."),
        "ETag": text("`\"<version>-<hash of the answer>\"`, or only a hash where there is no version."),
        "Location": text("Where what was made can be read."),
        "RetryAfter": {
            "description": "After how many seconds to try again.",
            "schema": { "type": "integer", "minimum": 0 }
        },
        "WwwAuthenticate": text("`Bearer`"),
        "ContentRange": text("Which bytes these are, of how many; or how many there are."),
        "Link": text("The next page, with rel=\"next\" (RFC 8288)."),
        "IdempotencyReplayed": text("`true` when the answer is that of an earlier request with the same key."),
    })
}
