//! From the `Authorization` header to a [`Caller`]; a handler that takes one is protected by its signature.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use tracing_actix_web::RequestId;

use super::jwt::Jwt;
use crate::actor::Caller;
use crate::error::{Code, Error, Result};

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request))
    }
}

/// A caller who is an administrator.
pub struct Admin(Caller);

impl Deref for Admin {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl FromRequest for Admin {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).and_then(|caller| caller.require_admin().map(|()| Self(caller))))
    }
}

/// Whose request it is: verified once, whoever asks.
pub fn caller(request: &HttpRequest) -> Result<Caller> {
    if let Some(known) = request.extensions().get::<Caller>() {
        return Ok(known.clone());
    }
    let jwt = request.app_data::<web::Data<Jwt>>().ok_or_else(|| Error::internal("no Jwt in the app's data"))?;
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .ok_or_else(|| Error::new(Code::TokenMissing, "Send a token: Authorization: Bearer <JWT>."))?;
    let token = header
        .to_str()
        .ok()
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Error::new(Code::TokenInvalid, "The header must read: Authorization: Bearer <JWT>."))?;
    let mut caller = jwt.verify(token)?;
    caller.request_id = request.extensions().get::<RequestId>().map(|id| **id);
    request.extensions_mut().insert(caller.clone());
    Ok(caller)
}
