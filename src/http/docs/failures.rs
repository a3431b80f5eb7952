//! The failures of each operation in the document, with every code that they can have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::header;
use crate::error::{Code, Kind};
use crate::http::body::MAX_JSON_BYTES;
use crate::http::problem::{self, PROBLEM_JSON};

/// What an operation is, as far as its failures follow from that.
pub struct Facts<'a> {
    pub path: &'a str,
    pub is_public: bool,
    pub is_write: bool,
    pub is_for_admins: bool,
    pub takes_body: bool,
    pub has_if_match: bool,
    pub has_cursor: bool,
}

impl Facts<'_> {
    /// The codes that follow from what it is; a handler names its own.
    fn codes(&self) -> Vec<Code> {
        let mut codes = Vec::new();
        let mut add = |applies: bool, more: &[Code]| codes.extend_from_slice(if applies { more } else { &[] });
        add(self.takes_body, &[Code::MalformedRequest, Code::TooLarge, Code::UnsupportedMediaType]);
        add(!self.is_public, &[Code::TokenMissing, Code::TokenInvalid]);
        add(self.is_for_admins, &[Code::RoleRequired]);
        add(!self.is_public, &[Code::ScopeRequired]);
        add(self.path.contains('{'), &[Code::NotFound]);
        codes.extend(self.resource());
        codes.extend(self.has_if_match.then_some(Code::VersionMismatch));
        // At least for a parameter that it doesn't have.
        codes.push(Code::Invalid);
        let mut add = |applies: bool, code: Code| codes.extend(applies.then_some(code));
        add(self.has_cursor, Code::CursorInvalid);
        add(self.is_write && !self.is_public, Code::IdempotencyKeyReused);
        codes.extend([Code::Internal, Code::Unavailable]);
        codes
    }

    /// `/v1/api-tokens/{id}` without one: `api_token_not_found`.
    fn resource(&self) -> Option<Code> {
        let (collection, _) = self.path.strip_prefix("/v1/")?.split_once("/{")?;
        let name = format!("{}_not_found", collection.trim_end_matches('s').replace('-', "_"));
        Code::named(&name)
    }
}

/// The failures, by status: those that the handler describes, whose codes stand in backticks in its description, and
/// those that follow from what the operation is. Responses that several operations can share are put into `shared`.
pub fn add(facts: &Facts, responses: &mut Map<String, Value>, shared: &mut Map<String, Value>) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in facts.codes() {
        by_status.entry(problem::status(code).as_u16()).or_default().push(code);
    }
    for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
        let Ok(status) = status.parse() else { continue };
        let named = by_status.entry(status).or_default();
        let description = response.get("description").and_then(Value::as_str).unwrap_or_default();
        named.extend(codes_in(description).filter(|code| !named.contains(code)).collect::<Vec<_>>());
    }
    for (status, codes) in by_status {
        match responses.get_mut(&status.to_string()).and_then(Value::as_object_mut) {
            Some(own) => complete(own, &codes),
            None => {
                let name = codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join("Or");
                responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
                shared.entry(name).or_insert_with(|| {
                    let mut response = Map::new();
                    complete(&mut response, &codes);
                    Value::Object(response)
                });
            }
        }
    }
}

/// The codes in backticks in a text.
fn codes_in(text: &str) -> impl Iterator<Item = Code> {
    text.split('`').skip(1).step_by(2).filter_map(Code::named)
}

/// A response with these codes: each is described, and has an example.
fn complete(response: &mut Map<String, Value>, codes: &[Code]) {
    let own = response.get("description").and_then(Value::as_str).unwrap_or_default();
    // Codes without a word more are described by their titles.
    let is_bare = own.split('`').step_by(2).all(|between| between.trim_matches([',', ' ']).is_empty());
    let own = if is_bare { "" } else { own };
    let described: Vec<Code> = codes_in(own).collect();
    let more = codes.iter().filter(|code| !described.contains(code));
    let more = more.map(|code| format!("`{}`: {}.", code.as_str(), said(*code)));
    let own = (!own.is_empty()).then(|| own.to_owned());
    let description = own.into_iter().chain(more).collect::<Vec<_>>().join(" ");
    response.insert("description".to_owned(), description.into());

    let mut headers = Map::from_iter([header("X-Request-Id", "RequestId")]);
    match codes.first().map(|code| code.kind()) {
        Some(Kind::Unavailable | Kind::TooMany) => headers.extend([header("Retry-After", "RetryAfter")]),
        Some(Kind::Unauthenticated) => headers.extend([header("WWW-Authenticate", "WwwAuthenticate")]),
        Some(Kind::RangeNotSatisfiable) => headers.extend([header("Content-Range", "ContentRange")]),
        _ => {}
    }
    response.insert("headers".to_owned(), Value::Object(headers));
    let examples: Map<String, Value> = codes.iter().map(|code| (code.as_str().to_owned(), example(*code))).collect();
    let media = json!({ "schema": { "$ref": "#/components/schemas/Problem" }, "examples": examples });
    response.insert("content".to_owned(), json!({ PROBLEM_JSON: media }));
}

/// Of a code that the handler doesn't describe.
fn said(code: Code) -> String {
    match code {
        Code::TooLarge => format!("The body is larger than {} MiB", MAX_JSON_BYTES >> 20),
        code => code.title().to_owned(),
    }
}

/// A problem document with this code.
fn example(code: Code) -> Value {
    let mut value = json!({
        "type": format!("urn:dossier:problem:{}", code.as_str()),
        "title": code.title(),
        "status": problem::status(code).as_u16(),
        "code": code.as_str(),
        "detail": format!("{}.", code.title()),
        "request_id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11",
    });
    let more = match code {
        Code::VersionMismatch => json!({ "version": 4, "changed_fields": ["/name", "/fields/relation_number"] }),
        // What every operation can refuse.
        Code::Invalid => json!({ "errors": [
            { "in": "query", "field": "colour", "code": "unknown", "message": "unknown field `colour`" },
        ] }),
        _ => json!({}),
    };
    if let (Some(members), Value::Object(more)) = (value.as_object_mut(), more) {
        members.extend(more);
    }
    json!({ "value": value })
}
