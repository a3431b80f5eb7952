//! JSON Web Tokens (RFC 7519): one algorithm, one issuer, one audience.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::{Caller, Role, Scope};
use crate::error::{Code, Error, Result};
use crate::ids::{OrganizationId, UserId};

const ALGORITHM: Algorithm = Algorithm::HS256;
const ISSUER: &str = "dossier";
const AUDIENCE: &str = "dossier-api";
/// Clocks may differ by this many seconds.
const LEEWAY_SECONDS: u64 = 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    org: OrganizationId,
    role: Role,
    scope: String,
    jti: Uuid,
    iat: i64,
    exp: i64,
}

/// Signs and verifies tokens with the service's secret.
#[derive(Clone)]
pub struct Jwt {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Jwt {
    pub fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY_SECONDS;
        Self { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret), validation }
    }

    /// A token for `caller`, good from `now` until `expires_at`.
    pub fn sign(&self, caller: &Caller, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Result<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.user,
            org: caller.organization,
            role: caller.role,
            scope: caller.scope.as_str().to_owned(),
            jti: caller.token,
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        jsonwebtoken::encode(&Header::new(ALGORITHM), &claims, &self.encoding).map_err(Error::internal)
    }

    /// Who the token says is asking, or 401.
    pub fn verify(&self, token: &str) -> Result<Caller> {
        let refused = || Error::new(Code::TokenInvalid, "The token is malformed, expired or not from here.");
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| refused())?.claims;
        Ok(Caller {
            organization: claims.org,
            user: claims.sub,
            role: claims.role,
            scope: Scope::parse(&claims.scope).ok_or_else(refused)?,
            token: claims.jti,
            request_id: None,
        })
    }
}
