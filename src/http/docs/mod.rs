//! The OpenAPI document: what every operation has in common is added here, so that no handler repeats it.

mod answers;
mod failures;
mod parameters;
mod shared;

pub use shared::one_of;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::failures::Facts;
use super::deprecation::Deprecation;

const BEARER: &str = "bearer";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Operations without a caller can't claim a key.
const IDEMPOTENCY_KEY: &str = "#/components/parameters/IdempotencyKey";
const IF_NONE_MATCH: &str = "#/components/parameters/IfNoneMatch";
const RANGE: &str = "#/components/parameters/Range";

/// Swagger UI on the generated document.
pub fn swagger_ui() -> SwaggerUi {
    let config = Config::from("/openapi.json")
        .persist_authorization(true)
        .try_it_out_enabled(true)
        .filter(true)
        // Without the bar that asks for another document's address.
        .use_base_layout();
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
pub fn complete(document: OpenApi, deprecated: &[Deprecation]) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document)?;
    let mut responses = Map::new();
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let paths = document.pointer_mut("/paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else { continue };
            let facts = complete_request(path, method, &schemas, operation);
            let Some(of_operation) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
            complete_success(method, &facts, &schemas, of_operation);
            failures::add(&facts, of_operation, &mut responses);
            add_conditions(operation);
            if let Some(row) = Deprecation::of(deprecated, method, path) {
                deprecate(operation, row);
            }
        }
    }
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        responses.sort_keys();
        components.insert("responses".to_owned(), Value::Object(responses));
        let mut parameters = shared::parameters();
        parameters.as_object_mut().into_iter().flat_map(|all| all.values_mut()).for_each(parameters::tell_example);
        components.insert("parameters".to_owned(), parameters);
        components.insert("headers".to_owned(), shared::headers(deprecated));
    }
    answers::require_what_may_be_null(&mut document);
    answers::add_examples(&mut document);
    Ok(document)
}

/// `name: {"$ref": …}` of a shared header.
fn header(name: &str, shared: &str) -> (String, Value) {
    (name.to_owned(), json!({ "$ref": format!("#/components/headers/{shared}") }))
}

/// Security, role, description and parameters.
fn complete_request<'p>(
    path: &'p str,
    method: &str,
    schemas: &Map<String, Value>,
    operation: &mut Map<String, Value>,
) -> Facts<'p> {
    let is_public = operation.get("security").is_some_and(|security| security == &json!([{}]));
    let is_write = method != "get";
    // What a handler says itself names the role that is needed: `security(("bearer" = ["admin"]))`. A bearer token has
    // no scopes in the document, so the role goes beside them.
    let role = operation.get("security").and_then(|security| security.pointer("/0/bearer/0")).cloned();
    let security = if is_public { json!([]) } else { json!([{ BEARER: [] }]) };
    operation.insert("security".to_owned(), security);
    describe(operation, role.as_ref().and_then(Value::as_str));
    let is_for_admins = role.as_ref().is_some_and(|role| role == "admin");
    if let Some(role) = role {
        operation.insert("x-required-role".to_owned(), role);
    }
    let takes_body = operation.contains_key("requestBody");
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut()
        && is_write
        && !is_public
    {
        parameters.push(json!({ "$ref": IDEMPOTENCY_KEY }));
    }
    parameters.as_array_mut().into_iter().flatten().for_each(|one| parameters::complete(path, schemas, one));
    let has = |place: &str, name: &str| {
        let mut all = parameters.as_array().into_iter().flatten();
        all.any(|one| one["in"] == place && one["name"] == name)
    };
    let (has_if_match, has_cursor) = (has("header", "If-Match"), has("query", "cursor"));
    if parameters.as_array().is_some_and(Vec::is_empty) {
        operation.remove("parameters");
    }
    Facts { path, is_public, is_write, is_for_admins, takes_body, has_if_match, has_cursor }
}

/// The headers of what is no failure, and 304.
fn complete_success(method: &str, facts: &Facts, schemas: &Map<String, Value>, responses: &mut Map<String, Value>) {
    let answers_json = |ok: &Value| ok.pointer("/content/application~1json").is_some();
    if !facts.is_write && responses.get("200").is_some_and(answers_json) {
        let not_modified = json!({ "description": "The client has this answer already (`If-None-Match`)." });
        responses.entry("304").or_insert(not_modified);
    }
    // A file can be asked for in parts.
    let is_file = responses.contains_key("206");
    let is_html = responses.get("200").is_some_and(|ok| ok.pointer("/content/text~1html").is_some());
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['2', '3'])) {
        let has_version = has_version(schemas, response);
        let headers = response.as_object_mut().map(|members| members.entry("headers").or_insert_with(|| json!({})));
        let Some(headers) = headers.and_then(Value::as_object_mut) else { continue };
        headers.extend([header("X-Request-Id", "RequestId")]);
        let more: &[_] = match (status.as_str(), method) {
            ("201" | "308", _) => &[("Location", "Location")],
            ("206", _) => &[("Content-Range", "ContentRange"), ("ETag", "ETag")],
            ("304", _) | ("200", "get") => &[("ETag", "ETag")],
            _ => &[],
        };
        headers.extend(more.iter().map(|(name, shared)| header(name, shared)));
        if facts.has_cursor && status == "200" {
            headers.extend([header("Link", "Link")]);
        }
        if (is_file || is_html) && ["200", "206", "304"].contains(&status.as_str()) {
            headers.extend([header("Cache-Control", "CacheControl")]);
            if status != "304" {
                headers.extend(shared::OF_DOWNLOADS.map(|(name, shared)| header(name, shared)));
                let more: &[_] = if is_file { &shared::OF_FILES } else { &shared::OF_HTML };
                headers.extend(more.iter().map(|(name, shared)| header(name, shared)));
            }
        }
        if has_version {
            headers.extend([header("ETag", "ETag")]);
        }
        if facts.is_write && !facts.is_public && status.starts_with('2') {
            headers.extend([header("Idempotency-Replayed", "IdempotencyReplayed")]);
        }
    }
}

/// Whether a response is a resource with a version, or has one in it.
fn has_version(schemas: &Map<String, Value>, response: &Value) -> bool {
    let named = |schema: &Value| {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
        name.and_then(|name| schemas.get(name)).cloned().unwrap_or_default()
    };
    let schema = response.pointer("/content/application~1json/schema").map(named).unwrap_or_default();
    let alternatives = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten().map(named);
    alternatives.chain([schema.clone()]).any(|schema| schema.pointer("/properties/version").is_some())
}

/// Where there is a 304 or a 206, the headers that ask for it.
fn add_conditions(operation: &mut Map<String, Value>) {
    let has = |status: &str| operation.get("responses").is_some_and(|responses| responses.get(status).is_some());
    let conditions: Vec<Value> = [("304", IF_NONE_MATCH), ("206", RANGE)]
        .into_iter()
        .filter(|(status, _)| has(status))
        .map(|(_, parameter)| json!({ "$ref": parameter }))
        .collect();
    if !conditions.is_empty()
        && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut()
    {
        parameters.extend(conditions);
    }
}

/// What the table says of an operation that will go.
fn deprecate(operation: &mut Map<String, Value>, row: &Deprecation) {
    operation.insert("deprecated".to_owned(), true.into());
    let description = operation.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = format!("{}\n\n{description}", row.sentence());
    operation.insert("description".to_owned(), description.into());
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for response in responses.into_iter().flat_map(|all| all.values_mut()) {
        let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else { continue };
        headers.extend([header("Deprecation", "Deprecation")]);
        if row.sunset.is_some() {
            headers.extend([header("Sunset", "Sunset")]);
        }
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

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use utoipa::OpenApi as _;

    use super::*;

    /// Get an old thing
    #[utoipa::path(get, path = "/v1/old/{id}", responses((status = 200, description = "It.", content_type = "text/plain")))]
    #[allow(dead_code)]
    fn get_old() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(get_old), components(schemas(crate::http::problem::Problem)))]
    struct Old;

    #[test]
    fn what_is_deprecated_says_so_in_the_document() {
        let row = Deprecation {
            method: "GET",
            path: "/v1/old/{id}",
            since: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
            sunset: NaiveDate::from_ymd_opt(2027, 6, 30),
            instead: "Use the new one.",
        };
        let operation =
            |table: &[Deprecation]| complete(Old::openapi(), table).unwrap()["paths"][row.path]["get"].clone();
        assert_eq!(operation(&[])["deprecated"], Value::Null);
        let deprecated = operation(&[row]);
        assert_eq!(deprecated["deprecated"], true);
        assert!(deprecated["description"].as_str().unwrap().starts_with("Deprecated since 2026-12-01, gone from"));
        for header in ["Deprecation", "Sunset"] {
            let reference = format!("#/components/headers/{header}");
            assert_eq!(deprecated["responses"]["200"]["headers"][header]["$ref"], reference);
            assert_eq!(operation(&[])["responses"]["200"]["headers"][header], Value::Null);
        }
    }
}
