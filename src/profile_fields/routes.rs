//! Handlers of profile fields.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post, put};
use serde::Deserialize;
use utoipa::IntoParams;

use super::types::{
    CreateProfileField, DeleteProfileField, ProfileField, ProfileFieldList, ProfileFieldOrder, UpdateProfileField,
};
use super::{queries, update};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::db::Db;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::caller::Admin;
use crate::http::page::{List, Page, PageParams};
use crate::http::problem::Problem;
use crate::http::query::{NoFilter, Path, Query};
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::ProfileFieldId;

/// Every field of an organization is on it.
const ALL: i64 = 1000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ProfileFieldPath {
    #[param(value_type = uuid::Uuid)]
    id: ProfileFieldId,
}

/// List profile fields
///
/// In their order.
#[utoipa::path(tag = "profile fields", params(PageParams), responses(
    (status = 200, description = "The organization's profile fields.", body = ProfileFieldList),
))]
#[get("/v1/profile-fields")]
pub async fn list_profile_fields(caller: Caller, list: List<NoFilter>, db: Data<Db>) -> Result<Answer> {
    let fields = db.read(&caller, move |tx| queries::list_fields(tx.conn, tx.organization, &list.page)).await?;
    fields.answer()
}

/// Create a profile field
///
/// It stands behind the others until it is put elsewhere.
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), request_body = CreateProfileField, responses(
    (status = 201, description = "The profile field.", body = ProfileField),
    (status = 409, description = "`profile_field_key_taken`", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/profile-fields")]
pub async fn create_profile_field(caller: Admin, body: Body<CreateProfileField>, db: Data<Db>) -> Result<Answer> {
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        let field = update::create_field(tx, &value)?;
        Ok(Answer::created(format!("/v1/profile-fields/{}", field.id), &field)?.version(field.version))
    })
    .await
}

/// Put the profile fields in order
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), request_body = ProfileFieldOrder, responses(
    (status = 200, description = "All profile fields, in their order.", body = ProfileFieldList),
))]
#[put("/v1/profile-fields/order")]
pub async fn order_profile_fields(caller: Admin, body: Body<ProfileFieldOrder>, db: Data<Db>) -> Result<Answer> {
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        update::order_fields(tx, &value.ids)?;
        queries::list_fields(tx.conn, tx.organization, &Page::first("/v1/profile-fields", ALL))?.answer()
    })
    .await
}

/// Get a profile field
#[utoipa::path(tag = "profile fields", params(ProfileFieldPath), responses(
    (status = 200, description = "The profile field.", body = ProfileField),
))]
#[get("/v1/profile-fields/{id}")]
pub async fn get_profile_field(caller: Caller, path: Path<ProfileFieldPath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    let field = db.read(&caller, move |tx| queries::get_field(tx.conn, tx.organization, id)).await?;
    Ok(Answer::ok(&field)?.version(field.version))
}

/// Change a profile field
///
/// Its key and type never change.
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), params(ProfileFieldPath, IfMatchHeader), request_body = UpdateProfileField, responses(
    (status = 200, description = "The profile field.", body = ProfileField),
    (status = 409, description = "`in_use`: `count` profiles have no value, or share theirs, so that it can't become required or unique.", body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/profile-fields/{id}")]
pub async fn update_profile_field(
    caller: Admin,
    path: Path<ProfileFieldPath>,
    if_match: IfMatch,
    body: Body<UpdateProfileField>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        let field = update::update_field(tx, id, &if_match, &value)?;
        Ok(Answer::ok(&field)?.version(field.version))
    })
    .await
}

/// Delete a profile field
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), params(ProfileFieldPath, DeleteProfileField, IfMatchHeader), responses(
    (status = 204, description = "The profile field is gone, and every value of it."),
    (status = 409, description = "`in_use`: `count` profiles have a value of it; `force=true` deletes it with them.", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/profile-fields/{id}")]
pub async fn delete_profile_field(
    caller: Admin,
    path: Path<ProfileFieldPath>,
    query: Query<DeleteProfileField>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let (id, force) = (path.id, query.force.unwrap_or_default());
    db.write(&caller, retry, move |tx| {
        update::delete_field(tx, id, &if_match, force)?;
        Ok(Answer::no_content())
    })
    .await
}
