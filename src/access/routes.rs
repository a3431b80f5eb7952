//! Handlers of access.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::types::{
    ApiToken, ApiTokenList, CreateApiToken, CreateUser, Login, Logout, Me, Organization, Refresh, Session, UpdateMe,
    UpdateOrganization, UpdateUser, User, UserFilter, UserList,
};
use super::{password, queries, sessions};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::db::Db;
use crate::error::{Error, FieldCode, FieldError, Result};
use crate::http::body::Body;
use crate::http::caller::Admin;
use crate::http::jwt::Jwt;
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::Path;
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::{ApiTokenId, UserId};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct UserPath {
    #[param(value_type = uuid::Uuid)]
    id: UserId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ApiTokenPath {
    #[param(value_type = uuid::Uuid)]
    id: ApiTokenId,
}

/// Log in
///
/// After ten wrong passwords in a row a user waits a quarter of an hour.
#[utoipa::path(tag = "access", security(()), request_body = Login, responses(
    (status = 200, description = "A session.", body = Session),
    (status = 401, description = "`credentials_invalid`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`organization_ambiguous`: the password fits several `organizations`, listed with id and name.", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too_many_attempts`", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/login")]
pub async fn login(body: Body<Login>, db: Data<Db>, jwt: Data<Jwt>) -> Result<Answer> {
    Answer::ok(&sessions::login(&db, &jwt, body.value).await?)
}

/// Go on with a session
///
/// The refresh token is used up; one that is used again, later than ten seconds, ends every session that came from
/// the same login.
#[utoipa::path(tag = "access", security(()), request_body = Refresh, responses(
    (status = 200, description = "The next session.", body = Session),
    (status = 401, description = "`token_invalid`", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/refresh")]
pub async fn refresh_session(body: Body<Refresh>, db: Data<Db>, jwt: Data<Jwt>) -> Result<Answer> {
    Answer::ok(&sessions::refresh(&db, &jwt, body.value.refresh_token).await?)
}

/// Log out
#[utoipa::path(tag = "access", security(()), request_body = Logout, responses((status = 204, description = "The session has ended.")))]
#[post("/v1/auth/logout")]
pub async fn logout(body: Body<Logout>, db: Data<Db>) -> Result<Answer> {
    let body = body.value;
    sessions::logout(&db, body.refresh_token, body.all).await?;
    Ok(Answer::no_content())
}

/// Who am I
#[utoipa::path(tag = "access", responses((status = 200, description = "The caller.", body = Me)))]
#[get("/v1/me")]
pub async fn get_me(caller: Caller, db: Data<Db>) -> Result<Answer> {
    let scopes = caller.scope.as_str().split(' ').collect();
    let id = caller.user;
    let me = db
        .read(&caller, move |tx| {
            let user = queries::get_user(tx.conn, tx.organization, id)?;
            Ok(me(user, scopes, queries::organization(tx.conn, tx.organization)?))
        })
        .await?;
    Ok(Answer::ok(&me)?.version(me.version))
}

/// Change my name or password
///
/// A new password ends every session.
#[utoipa::path(tag = "access", params(IfMatchHeader), request_body = UpdateMe, responses(
    (status = 200, description = "The caller.", body = Me),
))]
#[patch("/v1/me")]
pub async fn update_me(caller: Caller, if_match: IfMatch, body: Body<UpdateMe>, db: Data<Db>) -> Result<Answer> {
    let id = caller.user;
    let scopes: Vec<_> = caller.scope.as_str().split(' ').collect();
    let Body { value: UpdateMe { name, password }, retry } = body;
    let change = match password {
        Some(change) => {
            let new_hash = password::hash(change.new).await?;
            Some((change.current, new_hash, password::Turn::take().await?))
        }
        None => None,
    };
    let update = UpdateUser { name, role: None, active: None, password: None };
    db.write(&caller, retry, move |tx| {
        // Looked at in here, since the same request, sent again, finds another password.
        if let Some((current, _, turn)) = &change
            && !turn.verify(current, &queries::password_hash(tx.conn, tx.organization, id)?)?
        {
            let error = FieldError::body("/password/current", FieldCode::Password, "is not the current password");
            return Err(Error::invalid_field(error));
        }
        let new_hash = change.as_ref().map(|(_, new_hash, _)| new_hash.as_str());
        let user = queries::update_user(tx, id, &if_match, &update, new_hash)?;
        let me = me(user, scopes.clone(), queries::organization(tx.conn, tx.organization)?);
        Ok(Answer::ok(&me)?.version(me.version))
    })
    .await
}

fn me(user: User, scopes: Vec<&'static str>, organization: Organization) -> Me {
    let User { id, email, name, role, version, .. } = user;
    Me { id, email, name, role, scopes, organization, version }
}

/// Get the organization
#[utoipa::path(tag = "access", responses((status = 200, description = "The caller's organization.", body = Organization)))]
#[get("/v1/organization")]
pub async fn get_organization(caller: Caller, db: Data<Db>) -> Result<Answer> {
    let organization = db.read(&caller, |tx| queries::organization(tx.conn, tx.organization)).await?;
    Ok(Answer::ok(&organization)?.version(organization.version))
}

/// Change the organization
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatchHeader), request_body = UpdateOrganization, responses(
    (status = 200, description = "The organization.", body = Organization),
))]
#[patch("/v1/organization")]
pub async fn update_organization(
    caller: Admin,
    if_match: IfMatch,
    body: Body<UpdateOrganization>,
    db: Data<Db>,
) -> Result<Answer> {
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        let organization = queries::update_organization(tx, &if_match, &value)?;
        Ok(Answer::ok(&organization)?.version(organization.version))
    })
    .await
}

/// List users
///
/// By name. Every role may.
#[utoipa::path(tag = "access", params(UserFilter, PageParams), responses(
    (status = 200, description = "The organization's users.", body = UserList),
))]
#[get("/v1/users")]
pub async fn list_users(caller: Caller, list: List<UserFilter>, db: Data<Db>) -> Result<Answer> {
    let users =
        db.read(&caller, move |tx| queries::list_users(tx.conn, tx.organization, &list.filter, &list.page)).await?;
    users.answer()
}

/// Create a user
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body = CreateUser, responses(
    (status = 201, description = "The user.", body = User),
    (status = 409, description = "`email_taken`", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/users")]
pub async fn create_user(caller: Admin, body: Body<CreateUser>, db: Data<Db>) -> Result<Answer> {
    let Body { value, retry } = body;
    let password_hash = password::hash(value.password.clone()).await?;
    db.write(&caller, retry, move |tx| {
        let user = queries::insert_user(tx, &value, &password_hash)?;
        Ok(Answer::created(format!("/v1/users/{}", user.id), &user)?.version(user.version))
    })
    .await
}

/// Get a user
#[utoipa::path(tag = "access", params(UserPath), responses((status = 200, description = "The user.", body = User)))]
#[get("/v1/users/{id}")]
pub async fn get_user(caller: Caller, path: Path<UserPath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    let user = db.read(&caller, move |tx| queries::get_user(tx.conn, tx.organization, id)).await?;
    Ok(Answer::ok(&user)?.version(user.version))
}

/// Change a user
///
/// Users are deactivated, never deleted.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(UserPath, IfMatchHeader), request_body = UpdateUser, responses(
    (status = 200, description = "The user.", body = User),
    (status = 409, description = "`last_admin`", body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/users/{id}")]
pub async fn update_user(
    caller: Admin,
    path: Path<UserPath>,
    if_match: IfMatch,
    body: Body<UpdateUser>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Body { value, retry } = body;
    let password_hash = match value.password.clone() {
        Some(password) => Some(password::hash(password).await?),
        None => None,
    };
    db.write(&caller, retry, move |tx| {
        let user = queries::update_user(tx, id, &if_match, &value, password_hash.as_deref())?;
        Ok(Answer::ok(&user)?.version(user.version))
    })
    .await
}

/// List API tokens
///
/// Newest first, ended ones too.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(PageParams), responses(
    (status = 200, description = "The organization's API tokens.", body = ApiTokenList),
))]
#[get("/v1/api-tokens")]
pub async fn list_api_tokens(caller: Admin, list: List<crate::http::query::NoFilter>, db: Data<Db>) -> Result<Answer> {
    let tokens = db.read(&caller, move |tx| queries::list_api_tokens(tx.conn, tx.organization, &list.page)).await?;
    tokens.answer()
}

/// Create an API token
///
/// It has the caller's role. The JWT is shown once.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body = CreateApiToken, responses(
    (status = 201, description = "The token, with its JWT.", body = ApiToken),
))]
#[post("/v1/api-tokens")]
pub async fn create_api_token(
    caller: Admin,
    body: Body<CreateApiToken>,
    db: Data<Db>,
    jwt: Data<Jwt>,
) -> Result<Answer> {
    let Body { value, retry } = body;
    let (user, role) = (caller.user, caller.role);
    db.write(&caller, retry, move |tx| {
        let token = queries::insert_api_token(tx, &jwt, user, role, &value)?;
        Ok(Answer::created(format!("/v1/api-tokens/{}", token.id), &token)?.shown_once("token"))
    })
    .await
}

/// Get an API token
///
/// Without its JWT, which is shown once.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(ApiTokenPath), responses((status = 200, description = "The token.", body = ApiToken)))]
#[get("/v1/api-tokens/{id}")]
pub async fn get_api_token(caller: Admin, path: Path<ApiTokenPath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    Answer::ok(&db.read(&caller, move |tx| queries::get_api_token(tx.conn, tx.organization, id)).await?)
}

/// Revoke an API token
///
/// It ends at once, and stays in the list.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(ApiTokenPath), responses((status = 204, description = "The token has ended.")))]
#[delete("/v1/api-tokens/{id}")]
pub async fn revoke_api_token(caller: Admin, path: Path<ApiTokenPath>, retry: Retry, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        queries::revoke_api_token(tx, id)?;
        Ok(Answer::no_content())
    })
    .await
}
