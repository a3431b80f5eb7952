//! From an [`Answer`] to an HTTP response.

use actix_web::body::BoxBody;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderValue, LINK, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::page::is_place;
use super::version::{etag, not_modified};
use crate::answer::Answer;

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if let Some(location) = &self.location {
            response.insert_header((LOCATION, location.as_str()));
        }
        if self.replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        let Some(body) = self.body else {
            return response.finish();
        };
        let is_read = request.method() == Method::GET;
        if is_read || self.version.is_some() {
            let tag = etag(self.version, &body);
            if is_read && not_modified(request, &tag) {
                return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
            }
            response.insert_header((ETAG, tag));
        }
        if let Some(link) = self.next_cursor.and_then(|cursor| next_link(request, &cursor)) {
            response.insert_header((LINK, link));
        }
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        response.body(body)
    }
}

/// `Link: <…>; rel="next"` (RFC 8288): this list, from its next page on, wherever this page began.
fn next_link(request: &HttpRequest, cursor: &str) -> Option<String> {
    let mut url = url::Url::parse("http://localhost").ok()?;
    url.set_path(request.path());
    let others = url::form_urlencoded::parse(request.query_string().as_bytes()).filter(|(name, _)| !is_place(name));
    url.query_pairs_mut().extend_pairs(others).append_pair("cursor", cursor);
    Some(format!("<{}?{}>; rel=\"next\"", url.path(), url.query().unwrap_or_default()))
}
