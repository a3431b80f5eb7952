//! From a failure to its answer: problem details (RFC 9457), in one place.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{Array, ArrayBuilder};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::docs::one_of;
use crate::error::{Code, Error, FieldCode, Kind};

pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused (RFC 9457).
#[derive(ToSchema)]
#[allow(dead_code)] // describes what `value` writes
pub struct Problem {
    /// Identifies the code.
    #[schema(example = "urn:dossier:problem:contact_already_attached")]
    r#type: String,
    /// The same for every failure with this code.
    #[schema(example = "The contact is attached to another profile")]
    title: String,
    /// The HTTP status.
    #[schema(example = 409, minimum = 400, maximum = 599)]
    status: u16,
    code: ErrorCode,
    /// What happened this time, for a person.
    #[schema(example = "The contact is attached to Ada Lovelace.")]
    detail: String,
    /// Finds the request in the service's log.
    #[schema(example = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11")]
    request_id: Option<String>,
    /// Every wrong field, with `code` invalid.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// Where the body can't be read, with `malformed_request`: the line, from 1.
    #[schema(nullable = false, minimum = 1, example = 2)]
    line: Option<usize>,
    /// Which byte of the line, from 1.
    #[schema(nullable = false, minimum = 1, example = 12)]
    column: Option<usize>,
    /// Who has what was asked for, with a conflict that has a holder.
    #[schema(nullable = false)]
    holder: Option<ProblemHolder>,
    /// The version it has by now, with `version_mismatch`.
    #[schema(nullable = false, example = 4)]
    version: Option<i32>,
    /// What changed since the version that was sent, with `version_mismatch`: JSON Pointers (RFC 6901) in the
    /// resource, without what is as it was again. Absent for a version that never was.
    #[schema(nullable = false, example = json!(["/name", "/fields/relation_number"]))]
    changed_fields: Option<Vec<String>>,
    /// A JSON Pointer to the field in the body whose value is another's, with `value_taken`.
    #[schema(nullable = false, example = "/fields/relation_number")]
    field: Option<String>,
    /// How many stand in the way, with `in_use` and `change_too_large`.
    #[schema(nullable = false, minimum = 0, example = 3)]
    count: Option<i64>,
    /// Where the profiles that stand in the way are listed.
    #[schema(
        nullable = false,
        example = "/v1/profile-fields/0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11/violations?rule=required"
    )]
    listed_by: Option<String>,
    /// All that stands in the way of a change of a profile field.
    #[schema(schema_with = field_problems)]
    problems: Option<Vec<Value>>,
    /// Those of which one must be named, with `organization_ambiguous`.
    #[schema(nullable = false)]
    organizations: Option<Vec<ProblemOrganization>>,
    /// Which attachment belongs to a message already, with `attachment_sent`.
    #[schema(nullable = false)]
    attachment_id: Option<Uuid>,
    /// What became of each operation, with `batch_refused`: as in the answer to a batch.
    #[schema(schema_with = results)]
    results: Option<Vec<Value>>,
}

/// A profile, or with `contact_exists` a contact.
#[derive(ToSchema)]
#[allow(dead_code)] // describes what rooms put into `holder`
pub struct ProblemHolder {
    #[schema(nullable = false)]
    profile_id: Option<Uuid>,
    #[schema(nullable = false)]
    contact_id: Option<Uuid>,
    /// Null for a contact without one.
    #[schema(example = "Ada Lovelace")]
    name: Option<String>,
}

/// An organization in which the password is right too.
#[derive(ToSchema)]
#[allow(dead_code)] // describes what a login answers
pub struct ProblemOrganization {
    id: Uuid,
    name: String,
}

// Rooms stand above this module, which knows their schemas by name only.
fn field_problems() -> Array {
    list_of("ProfileFieldProblem", "All that stands in the way of a change of a profile field.")
}

fn results() -> Array {
    list_of("BatchResult", "What became of each operation, with `batch_refused`: as in the answer to a batch.")
}

fn list_of(name: &str, description: &str) -> Array {
    ArrayBuilder::new().items(Ref::from_schema_name(name)).description(Some(description)).build()
}

/// The stable names of failures, for the document.
pub struct ErrorCode;

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let description = format!("A stable name to act on.\n\n{}", catalogue());
        one_of(Code::ALL.iter().map(|code| code.as_str()), &description, Code::ContactAlreadyAttached.as_str())
    }
}

impl ToSchema for ErrorCode {}

impl PartialSchema for FieldCode {
    fn schema() -> RefOr<Schema> {
        let description = format!("What is wrong with a field.\n\n{}", field_catalogue());
        one_of(Self::ALL.iter().map(|code| code.as_str()), &description, Self::Length.as_str())
    }
}

impl ToSchema for FieldCode {}

/// All codes with their status and their meaning: a table in Markdown.
pub fn catalogue() -> String {
    let row = |code: &Code| format!("| {} | `{}` | {} |\n", status(*code).as_u16(), code.as_str(), code.title());
    let rows: String = Code::ALL.iter().map(row).collect();
    format!("| status | code | meaning |\n|---|---|---|\n{rows}")
}

/// All codes of wrong fields with their meaning: a table in Markdown.
pub fn field_catalogue() -> String {
    let row = |code: &FieldCode| format!("| `{}` | {} |\n", code.as_str(), code.title());
    let rows: String = FieldCode::ALL.iter().map(row).collect();
    format!("| code | meaning |\n|---|---|\n{rows}")
}

/// One wrong field.
#[derive(ToSchema)]
#[allow(dead_code)] // describes crate::error::FieldError
pub struct FieldProblem {
    r#in: FieldLocation,
    /// A JSON Pointer (RFC 6901) in a body, else the parameter's name.
    #[schema(example = "/fields/relation_number")]
    field: String,
    code: FieldCode,
    #[schema(example = "at most 200 characters")]
    message: String,
    #[schema(nullable = false)]
    params: Option<FieldBounds>,
}

/// What a field must keep to, with `length` and `range`, where the document says it; else the message does.
#[derive(ToSchema)]
#[allow(dead_code)] // describes the parameters of validator's rules
pub struct FieldBounds {
    #[schema(nullable = false, example = 1)]
    min: Option<i64>,
    #[schema(nullable = false, example = 200)]
    max: Option<i64>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)] // describes crate::error::Location
pub enum FieldLocation {
    Body,
    Query,
    Path,
    Header,
}

pub fn status(code: Code) -> StatusCode {
    match code.kind() {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The problem document of a failure.
pub fn value(error: &Error, request_id: Option<Uuid>) -> Value {
    let code = error.code();
    let mut problem = Map::new();
    problem.insert("type".into(), format!("urn:dossier:problem:{}", code.as_str()).into());
    problem.insert("title".into(), code.title().into());
    problem.insert("status".into(), status(code).as_u16().into());
    problem.insert("code".into(), code.as_str().into());
    problem.insert("detail".into(), error.detail().into());
    problem.insert("request_id".into(), request_id.map(|id| id.to_string()).into());
    if !error.errors().is_empty() {
        problem.insert("errors".into(), json!(error.errors()));
    }
    problem.extend(error.extensions().clone());
    Value::Object(problem)
}

/// The answer to a failure.
pub fn render(error: &Error, request_id: Option<Uuid>) -> HttpResponse {
    let mut response = HttpResponse::build(status(error.code()));
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
    if let Some(seconds) = error.retry_after_seconds() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    if error.code().kind() == Kind::Unauthenticated {
        response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    }
    response.body(value(error, request_id).to_string())
}

/// The middleware renders it again, with the request's id.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.code())
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        render(self, None)
    }
}
