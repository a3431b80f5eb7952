//! Around every request: its id, its metrics, HEAD, and one way to fail.

use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, AcceptEncoding, CONTENT_ENCODING, CONTENT_TYPE, Encoding, Header, HeaderName, HeaderValue,
    VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use metrics::{counter, histogram};
use tracing_actix_web::RequestId;

use super::deprecation::{DEPRECATED, Deprecation};
use super::problem::{self, PROBLEM_JSON};
use crate::error::{Code, Error, Kind};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// HEAD is GET without the body (RFC 9110, 9.3.2), which the server leaves out by itself.
pub async fn head_as_get<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}

/// Who takes none of what the service can give is answered without an encoding (RFC 9110, 12.5.3), since the compression
/// would refuse it with an answer that is no problem document. Every answer says that it would be another with another
/// `Accept-Encoding`, of which the compression tells only where it compressed.
pub async fn any_encoding<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let given = [Encoding::identity(), Encoding::brotli(), Encoding::gzip()];
    let accepted = AcceptEncoding::parse(&request);
    if accepted.is_ok_and(|accepted| accepted.negotiate(given.iter()).is_none()) {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    let mut response = next.call(request).await?;
    // Said of files to the compression only (RFC 9110, 8.4.1).
    if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "identity") {
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    let says_so = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes());
    if !response.headers().get_all(VARY).any(says_so) {
        response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    }
    Ok(response)
}

/// Gives every answer its `X-Request-Id`, every failure its problem document, and counts both.
pub async fn finish<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<EitherBody<B>>> {
    let started = Instant::now();
    let method = request.method().to_string();
    let request_id = request.extensions().get::<RequestId>().map(|id| **id);
    let response = next.call(request).await?;
    let mut response = match failure(&response) {
        Some(error) => {
            log(&error);
            let mut rendered = problem::render(&error, request_id);
            // What CORS and routing said stays true.
            for (name, value) in response.headers() {
                if *name == ALLOW || *name == VARY || name.as_str().starts_with("access-control-") {
                    rendered.headers_mut().append(name.clone(), value.clone());
                }
            }
            response.into_response(rendered).map_into_right_body()
        }
        None => response.map_into_left_body(),
    };
    if let Some(id) = request_id
        && let Ok(value) = HeaderValue::from_str(&id.to_string())
    {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let route = response.request().match_pattern().unwrap_or_else(|| "unknown".to_owned());
    if let Some(row) = Deprecation::of(DEPRECATED, &method, &route) {
        row.announce(response.headers_mut());
    }
    let labels = [("method", method), ("route", route), ("status", response.status().as_u16().to_string())];
    counter!("dossier_http_requests_total", &labels).increment(1);
    histogram!("dossier_http_request_seconds", &labels).record(started.elapsed().as_secs_f64());
    Ok(response)
}

/// The failure behind a response, if it is one that isn't rendered yet.
fn failure<B>(response: &ServiceResponse<B>) -> Option<Error> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let source = response.response().error();
    if let Some(error) = source.and_then(|error| error.as_error::<Error>()) {
        return Some(error.clone());
    }
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON) {
        return None;
    }
    let said = source.map(ToString::to_string).unwrap_or_default();
    Some(match status {
        StatusCode::NOT_FOUND => Error::new(Code::RouteNotFound, "No route has this path."),
        StatusCode::METHOD_NOT_ALLOWED => Error::new(Code::MethodNotAllowed, "The header Allow names its methods."),
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Code::TooLarge, "The body is larger than this route takes."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Error::new(Code::UnsupportedMediaType, said),
        StatusCode::RANGE_NOT_SATISFIABLE => Error::new(Code::RangeNotSatisfiable, "The range lies outside."),
        status if status.is_client_error() => Error::new(Code::MalformedRequest, said),
        _ => Error::internal(said),
    })
}

fn log(error: &Error) {
    match error.code().kind() {
        Kind::Internal => tracing::error!(%error, "request failed"),
        Kind::Unavailable => tracing::warn!(%error, "request refused"),
        _ => tracing::debug!(%error, "request refused"),
    }
}
