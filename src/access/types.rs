//! Bodies of access.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationError};

use crate::actor::{Actor, Role, Scope};
use crate::error::FieldCode;
use crate::http::number::integer;
use crate::http::page::list_of;
use crate::http::patch::not_null;
use crate::http::query::flag;
use crate::http::validate::{is_country, is_language, is_time_zone, not_blank, refuse};
use crate::ids::{ApiTokenId, OrganizationId, UserId};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "admin@demo.example", "password": "correct horse battery staple"}))]
pub struct Login {
    #[validate(length(min = 1, max = 254))]
    #[schema(format = Email, min_length = 1, max_length = 254, example = "admin@demo.example")]
    pub email: String,
    #[validate(length(min = 1, max = 200))]
    #[schema(format = Password, min_length = 1, max_length = 200, example = "correct horse battery staple")]
    pub password: String,
    /// Which one, where the e-mail address and password fit several.
    pub organization: Option<OrganizationId>,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "8Jq0Yw…"}))]
pub struct Refresh {
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "8Jq0Yw…")]
    pub refresh_token: String,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "8Jq0Yw…", "all": false}))]
pub struct Logout {
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "8Jq0Yw…")]
    pub refresh_token: String,
    /// Ends every session of the user, not only this one.
    #[serde(default)]
    pub all: bool,
}

/// A session (RFC 6749, 5.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// A JWT, for `Authorization: Bearer`.
    #[schema(example = "eyJ0eXAiOiJKV1Qi…")]
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Gives the next session, once.
    #[schema(example = "8Jq0Yw…")]
    pub refresh_token: String,
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    pub id: UserId,
    #[schema(format = Email, example = "admin@demo.example")]
    pub email: String,
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    pub role: Role,
    /// What the token may do.
    #[schema(example = json!(["read", "write"]))]
    pub scopes: Vec<&'static str>,
    pub organization: Organization,
    pub version: i32,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace"}))]
pub struct UpdateMe {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub password: Option<ChangePassword>,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[validate(length(min = 1, max = 200))]
    #[schema(format = Password, min_length = 1, max_length = 200)]
    pub current: String,
    #[validate(length(min = 10, max = 200))]
    #[schema(format = Password, min_length = 10, max_length = 200)]
    pub new: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Organization {
    pub id: OrganizationId,
    #[schema(example = "Demo")]
    pub name: String,
    /// IANA name; a bare date in a filter is a day in it.
    #[schema(example = "Europe/Amsterdam")]
    pub time_zone: String,
    /// ISO 3166-1 alpha-2; completes phone numbers written without a country.
    #[schema(example = "NL")]
    pub default_country: String,
    #[schema(example = "nl")]
    pub language: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"time_zone": "Europe/Amsterdam"}))]
pub struct UpdateOrganization {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[validate(custom(function = "is_time_zone"))]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9_+/-]+$")]
    pub time_zone: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[validate(custom(function = "is_country"))]
    #[schema(nullable = false, pattern = "^[A-Z]{2}$")]
    pub default_country: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[validate(custom(function = "is_language"))]
    #[schema(nullable = false, pattern = "^[a-z]{2,3}$")]
    pub language: Option<String>,
}

/// A colleague.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    pub id: UserId,
    #[schema(format = Email, example = "grace@demo.example")]
    pub email: String,
    #[schema(example = "Grace Hopper")]
    pub name: String,
    pub role: Role,
    /// A user who isn't can't log in; what they wrote keeps their name.
    pub active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

list_of! {
    pub struct UserList(User);
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "grace@demo.example", "name": "Grace Hopper", "role": "agent", "password": "nanoseconds in a wire"
}))]
pub struct CreateUser {
    /// Unique in its organization, whatever its case.
    #[validate(length(max = 254), email)]
    #[schema(format = Email, max_length = 254, example = "grace@demo.example")]
    pub email: String,
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "Grace Hopper")]
    pub name: String,
    pub role: Role,
    #[validate(length(min = 10, max = 200))]
    #[schema(format = Password, min_length = 10, max_length = 200, example = "nanoseconds in a wire")]
    pub password: String,
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "admin"}))]
pub struct UpdateUser {
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(nullable = false, min_length = 1, pattern = r"[^\s\x85]", max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// False deactivates: the user's sessions and tokens end at once.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub active: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    #[validate(length(min = 10, max = 200))]
    #[schema(nullable = false, format = Password, min_length = 10, max_length = 200)]
    pub password: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Only active users, or only deactivated ones.
    #[serde(default, deserialize_with = "flag")]
    pub active: Option<bool>,
}

/// A token of a script. It has the role of the user who made it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiToken {
    pub id: ApiTokenId,
    #[schema(example = "ERP nightly")]
    pub name: String,
    #[schema(example = "read write")]
    pub scope: String,
    pub created_by: Option<Actor>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The JWT; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "eyJ0eXAiOiJKV1Qi…")]
    pub token: Option<String>,
}

list_of! {
    pub struct ApiTokenList(ApiToken);
}

#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "ERP nightly", "scope": "read", "days": 90}))]
pub struct CreateApiToken {
    #[validate(length(max = 200), custom(function = "not_blank"))]
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 200, example = "ERP nightly")]
    pub name: String,
    /// What it may do, divided by spaces; `write` includes `read`.
    #[serde(default = "full_scope")]
    #[validate(custom(function = "known_scope"))]
    #[schema(default = "read write", pattern = "^(read|write)( (read|write))*$", example = "read")]
    pub scope: String,
    /// After how many days it expires.
    #[serde(default = "ninety", deserialize_with = "integer")]
    #[validate(range(min = 1, max = 3650))]
    #[schema(default = 90, minimum = 1, maximum = 3650)]
    pub days: i64,
}

fn full_scope() -> String {
    Scope::ALL.as_str().to_owned()
}

fn ninety() -> i64 {
    90
}

fn known_scope(text: &str) -> Result<(), ValidationError> {
    match Scope::parse(text) {
        Some(_) => Ok(()),
        None => Err(refuse(FieldCode::Choice, "must be words of: read, write")),
    }
}
