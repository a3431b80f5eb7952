//! From a failure to its answer: problem details (RFC 9457), in one place.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::error::{Code, Error, Kind};

pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused (RFC 9457).
#[derive(ToSchema)]
#[allow(dead_code)] // describes what `body` writes
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
    /// Who has what was asked for, with a conflict that has a holder.
    #[schema(nullable = false, value_type = Option<Object>)]
    holder: Option<Value>,
}

/// The stable names of failures, for the document.
pub struct ErrorCode;

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())))
            .description(Some(format!("A stable name to act on.\n\n{}", catalogue())))
            .examples([Code::ContactAlreadyAttached.as_str()])
            .into()
    }
}

impl ToSchema for ErrorCode {}

/// All codes with their status and their meaning: a table in Markdown.
pub fn catalogue() -> String {
    let row = |code: &Code| format!("| {} | `{}` | {} |\n", status(*code).as_u16(), code.as_str(), code.title());
    let rows: String = Code::ALL.iter().map(row).collect();
    format!("| status | code | meaning |\n|---|---|---|\n{rows}")
}

/// One wrong field.
#[derive(ToSchema)]
#[allow(dead_code)] // describes crate::error::FieldError
pub struct FieldProblem {
    r#in: FieldLocation,
    /// A JSON Pointer (RFC 6901) in a body, else the parameter's name.
    #[schema(example = "/fields/relation_number")]
    field: String,
    #[schema(example = "length")]
    code: String,
    #[schema(example = "at most 200 characters")]
    message: String,
    /// What the rule demands.
    #[schema(nullable = false, value_type = Option<Object>)]
    params: Option<Value>,
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
pub fn body(error: &Error, request_id: Option<Uuid>) -> String {
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
    Value::Object(problem).to_string()
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
    response.body(body(error, request_id))
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
