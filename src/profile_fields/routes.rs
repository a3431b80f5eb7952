//! Handlers of profile fields.

use actix_web::web::Data;
use actix_web::{delete, get, post, put};
use serde::Deserialize;
use utoipa::IntoParams;

use super::types::{
    CreateProfileField, DeleteProfileField, DryRun, ProfileField, ProfileFieldDryRun, ProfileFieldList,
    ProfileFieldOrder, ViolationFilter, ViolationList,
};
use super::{plan, queries, update, violations};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::db::Db;
use crate::error::Result;
use crate::http::body::{Body, Proposed};
use crate::http::caller::Admin;
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::{NoFilter, Path, Query};
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::ProfileFieldId;

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
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), params(DryRun), request_body = CreateProfileField, responses(
    (status = 201, description = "The profile field.", body = ProfileField),
    (status = 200, description = "With `dry_run=true`: what would happen.", body = ProfileFieldDryRun),
    (status = 409, description = "`profile_field_key_taken`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`: names every wrong field. `change_too_large`: more profiles than one request touches, `count`, would lack it, so that it can't be required from the beginning.", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/profile-fields")]
pub async fn create_profile_field(
    caller: Admin,
    query: Query<DryRun>,
    body: Proposed<CreateProfileField>,
    db: Data<Db>,
) -> Result<Answer> {
    let Proposed(Body { value, retry }) = body;
    if query.dry_run == Some(true) {
        retry.check()?;
        return Answer::ok(&db.read(&caller, move |tx| Ok(plan::create(tx, &value)?.dry_run(false))).await?);
    }
    db.write(&caller, retry, move |tx| {
        let field = update::create_field(tx, &value)?;
        Ok(Answer::created(format!("/v1/profile-fields/{}", field.id), &field)?.version(field.version))
    })
    .await
}

/// Put the profile fields in order
///
/// With `dry_run=true`, they are answered as they would be. `ids` names all of them: one that was made or deleted
/// meanwhile is told (422).
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), params(DryRun), request_body = ProfileFieldOrder, responses(
    (status = 200, description = "All profile fields, in their order.", body = ProfileFieldList),
))]
#[put("/v1/profile-fields/order")]
pub async fn order_profile_fields(
    caller: Admin,
    query: Query<DryRun>,
    body: Body<ProfileFieldOrder>,
    db: Data<Db>,
) -> Result<Answer> {
    let Body { value, retry } = body;
    let answer = |data| ProfileFieldList { data, next_cursor: None, count: None }.answer();
    if query.dry_run == Some(true) {
        return answer(db.read(&caller, move |tx| update::in_order(tx, &value.ids)).await?);
    }
    db.write(&caller, retry, move |tx| answer(update::order_fields(tx, &value.ids)?)).await
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

/// Delete a profile field
///
/// Its values go with it, which is one change, `profile_field.deleted`: the profiles that had one keep their versions, and
/// none is told as updated.
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), params(ProfileFieldPath, DeleteProfileField, IfMatchHeader), responses(
    (status = 204, description = "The profile field is gone, and every value of it."),
    (status = 200, description = "With `dry_run=true`: what would happen.", body = ProfileFieldDryRun),
    (status = 409, description = "`in_use`: `count` profiles have a value of it, listed at `listed_by`; `force=true` deletes it with them.", body = Problem, content_type = "application/problem+json"),
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
    if query.dry_run == Some(true) {
        let plan = db.read(&caller, move |tx| {
            let field = queries::get_field(tx.conn, tx.organization, id)?;
            if_match.check(tx, field.id.0, field.version)?;
            plan::delete(tx, field, force)
        });
        return Answer::ok(&plan.await?.dry_run(true));
    }
    db.write(&caller, retry, move |tx| {
        update::delete_field(tx, id, &if_match, force)?;
        Ok(Answer::no_content())
    })
    .await
}

/// List the profiles that stand in the way of a change
///
/// Of making the field required or unique, or of giving it another type: by the ids of the profiles, those that share
/// a value side by side. A refused change names its list in `listed_by`.
#[utoipa::path(tag = "profile fields", params(ProfileFieldPath, ViolationFilter, PageParams), responses(
    (status = 200, description = "The profiles, each with its value and what is wrong with it.", body = ViolationList),
))]
#[get("/v1/profile-fields/{id}/violations")]
pub async fn list_profile_field_violations(
    caller: Caller,
    path: Path<ProfileFieldPath>,
    list: List<ViolationFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.read(&caller, move |tx| violations::list_violations(tx, id, &list)).await?.answer()
}
