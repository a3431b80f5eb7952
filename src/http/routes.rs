//! What the document says of each route, asked before a handler is: its methods, and what a request to it may not have.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::guard::fn_guard;
use actix_web::http::header::ALLOW;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Data, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::caller::Admin;
use super::query::{NoFilter, Query};
use crate::actor::Caller;
use crate::error::{Error, FieldCode, FieldError, Location, Result};

const IF_MATCH_NAME: &str = "If-Match";
/// What a write may be made to depend on (RFC 9110, 13.1), and why it isn't where nothing looks at it.
const CONDITIONS: [(&str, &str); 3] = [
    (IF_MATCH_NAME, "nothing with a version of its own is changed"),
    ("If-None-Match", "it is for what is read"),
    ("If-Unmodified-Since", "a version tells more than a time, with If-Match"),
];

/// The operations of each path.
pub struct Routes(Vec<(ResourceDef, Vec<Operation>)>);

struct Operation {
    method: Method,
    /// Whether its handler reads a query, and so refuses what it doesn't know by itself.
    has_query: bool,
    has_if_match: bool,
    who: Who,
}

/// Who may ask.
enum Who {
    Anyone,
    Caller,
    Admin,
}

impl Operation {
    fn of(name: &str, described: &Value) -> Option<Self> {
        let parameters = described.get("parameters").and_then(Value::as_array);
        let has = |member: &str, value: &str| parameters.into_iter().flatten().any(|one| one[member] == value);
        let who = match described.get("x-required-role").and_then(Value::as_str) {
            Some("admin") => Who::Admin,
            _ if described.get("security") == Some(&json!([])) => Who::Anyone,
            _ => Who::Caller,
        };
        let (has_query, has_if_match) = (has("in", "query"), has("name", IF_MATCH_NAME));
        Some(Self { method: name.to_uppercase().parse().ok()?, has_query, has_if_match, who })
    }

    /// A page beside the API, which is only read.
    fn page() -> Self {
        Self { method: Method::GET, has_query: true, has_if_match: false, who: Who::Anyone }
    }

    /// Refuses what would otherwise be passed over: a parameter that may have been meant, such as `dry_run`, and a
    /// condition that nothing looks at. Who may not ask at all is told that, and nothing is read for them.
    async fn check(&self, request: &mut ServiceRequest) -> Result<()> {
        match self.who {
            Who::Anyone => {}
            Who::Caller => request.extract::<Caller>().await.map(|_| ())?,
            Who::Admin => request.extract::<Admin>().await.map(|_| ())?,
        }
        if !self.has_query {
            request.extract::<Query<NoFilter>>().await?;
        }
        let is_passed_over = |name: &str| {
            request.headers().contains_key(name)
                && self.method != Method::GET
                && !(self.has_if_match && name == IF_MATCH_NAME)
        };
        let refused = CONDITIONS.iter().filter(|(name, _)| is_passed_over(name));
        let errors: Vec<FieldError> = refused
            .map(|(name, why)| {
                FieldError::new(Location::Header, *name, FieldCode::Unsupported, format!("is not taken here: {why}"))
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
    }
}

impl Routes {
    /// Those of the document, and pages beside it.
    pub fn of(document: &Value, beside: &[&str]) -> Self {
        let paths = document.pointer("/paths").and_then(Value::as_object).into_iter().flatten();
        let described = paths.map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            let operations = operations.filter_map(|(name, described)| Operation::of(name, described)).collect();
            (ResourceDef::new(path.as_str()), operations)
        });
        let beside = beside.iter().map(|path| (ResourceDef::new(*path), vec![Operation::page()]));
        Self(described.chain(beside).collect())
    }

    /// Of the route that a request to this path, decoded as routing does it, reaches: a path without variables goes before one that has some.
    fn operations(&self, path: &str) -> &[Operation] {
        let mut matching = self.0.iter().filter(|(pattern, _)| pattern.is_match(path));
        let literal = matching.clone().find(|(pattern, _)| pattern.pattern() == Some(path));
        literal.or_else(|| matching.next()).map_or(&[], |(_, operations)| operations.as_slice())
    }

    /// Keeps a path without variables, such as `/v1/conversations/counts`, from being read as one that has an id there
    /// when it doesn't have the method.
    pub fn guard_literals(&self, config: &mut ServiceConfig) {
        for (pattern, operations) in &self.0 {
            let Some(path) = pattern.pattern().filter(|path| !path.contains('{')) else { continue };
            let methods: Vec<Method> = operations.iter().map(|operation| operation.method.clone()).collect();
            let other_method = fn_guard(move |context| !methods.contains(&context.head().method));
            config.service(resource(path).guard(other_method).to(no_handler));
        }
    }
}

/// Refuses what the operation doesn't take, before anything of it is done.
pub async fn only_what_is_taken<B: MessageBody + 'static>(
    routes: Data<Routes>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<EitherBody<B>>> {
    // Most requests have neither.
    let has_condition = CONDITIONS.iter().any(|(name, _)| request.headers().contains_key(*name));
    if !request.query_string().is_empty() || has_condition {
        let mut operations = routes.operations(request.match_info().as_str()).iter();
        if let Some(operation) = operations.find(|operation| operation.method == *request.method())
            && let Err(error) = operation.check(&mut request).await
        {
            return Ok(request.error_response(error).map_into_right_body());
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// The answer where no handler is: 404, or 405 with `Allow`, or OPTIONS, for a path that has other methods.
pub async fn no_handler(request: HttpRequest, routes: Data<Routes>) -> HttpResponse {
    let mut names: Vec<&str> =
        routes.operations(request.match_info().as_str()).iter().map(|operation| operation.method.as_str()).collect();
    if names.is_empty() {
        return HttpResponse::NotFound().finish();
    }
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let is_options = request.method() == Method::OPTIONS;
    let status = if is_options { StatusCode::NO_CONTENT } else { StatusCode::METHOD_NOT_ALLOWED };
    HttpResponse::build(status).insert_header((ALLOW, names.join(", "))).finish()
}
