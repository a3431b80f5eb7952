//! Handlers of profiles, and of the profile of a contact.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::filter::ProfileFilter;
use super::types::{
    CreateProfile, DetachParams, HistoryList, Outcome, Profile, ProfileList, UpdateProfile, UpsertParams,
};
use super::{attach, delete, queries, retype, save, search};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::contacts::{self, ContactList};
use crate::db::Db;
use crate::db::subject::Subject;
use crate::error::Result;
use crate::http::body::{Body, Proposed};
use crate::http::caller::Admin;
use crate::http::page::{FieldList, List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::{NoFilter, Path, Query};
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::{ContactId, ProfileFieldId, ProfileId};
use crate::profile_fields::{self, DryRun, ProfileFieldChanged, UpdateProfileField};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ProfilePath {
    #[param(value_type = uuid::Uuid)]
    id: ProfileId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ContactPath {
    #[param(value_type = uuid::Uuid)]
    id: ContactId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ProfileFieldPath {
    #[param(value_type = uuid::Uuid)]
    id: ProfileFieldId,
}

/// List profiles, or search them
///
/// By name, where `sort` doesn't say otherwise; with `q`, best first. Where filters together fit few profiles, a page
/// may have fewer than `limit`, even none: go on while there is a `next_cursor`.
#[utoipa::path(tag = "profiles", params(
    ProfileFilter,
    ("field" = Option<HashMap<String, String>>, Query, style = DeepObject, explode, example = json!({}),
        description = "Filters by profile fields: `field[key]=value` (exact; repeat it for any of several), \
            `field[key.gte]=value` and `field[key.lt]=value` (text, number and date), `field[key.set]=true` or `false`."),
    PageParams,
), responses(
    (status = 200, description = "The organization's profiles.", body = ProfileList),
))]
#[get("/v1/profiles")]
pub async fn list_profiles(caller: Caller, list: FieldList<ProfileFilter>, db: Data<Db>) -> Result<Answer> {
    db.read(&caller, move |tx| search::list_profiles(tx, &list)).await?.answer()
}

/// Create a profile
///
/// With `upsert_on`, the profile that has the body's value of that unique field is changed instead; the answer's
/// `outcome` says what happened. With `If-Match`, none is made: 412 where there is none that has the value.
#[utoipa::path(tag = "profiles", params(UpsertParams, IfMatchHeader), request_body = CreateProfile, responses(
    (status = 201, description = "The profile.", body = Profile),
    (status = 200, description = "With `upsert_on`: the profile that was there.", body = Profile),
    (status = 404, description = "`channel_not_found`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`contact_already_attached`: a contact is attached to the `holder`. `value_taken`: the `holder` has this value of a unique field, `field`. Each with its profile_id and name.", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/profiles")]
pub async fn create_profile(
    caller: Caller,
    query: Query<UpsertParams>,
    if_match: IfMatch,
    body: Proposed<CreateProfile>,
    db: Data<Db>,
) -> Result<Answer> {
    let Proposed(Body { value, retry }) = body;
    db.write(&caller, retry, move |tx| {
        let saved = save::save_profile(tx, query.upsert_on.as_deref(), &if_match, &value)?;
        let mut profile = queries::get_profile(tx.conn, tx.organization, saved.id)?;
        profile.outcome = query.upsert_on.is_some().then_some(saved.outcome);
        let answer = match saved.outcome {
            Outcome::Created => Answer::created(format!("/v1/profiles/{}", profile.id), &profile)?,
            Outcome::Updated | Outcome::Unchanged => Answer::ok(&profile)?,
        };
        Ok(answer.version(profile.version))
    })
    .await
}

/// Get a profile
#[utoipa::path(tag = "profiles", params(ProfilePath), responses(
    (status = 200, description = "The profile.", body = Profile),
))]
#[get("/v1/profiles/{id}")]
pub async fn get_profile(caller: Caller, path: Path<ProfilePath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    let profile = db.read(&caller, move |tx| queries::get_profile(tx.conn, tx.organization, id)).await?;
    Ok(Answer::ok(&profile)?.version(profile.version))
}

/// Change a profile
#[utoipa::path(tag = "profiles", params(ProfilePath, IfMatchHeader), request_body = UpdateProfile, responses(
    (status = 200, description = "The profile.", body = Profile),
    (status = 409, description = "`value_taken`: the `holder` has this value of a unique field, `field`.", body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/profiles/{id}")]
pub async fn update_profile(
    caller: Caller,
    path: Path<ProfilePath>,
    if_match: IfMatch,
    body: Proposed<UpdateProfile>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Proposed(Body { value, retry }) = body;
    db.write(&caller, retry, move |tx| {
        save::update_profile(tx, id, &if_match, &value)?;
        let profile = queries::get_profile(tx.conn, tx.organization, id)?;
        Ok(Answer::ok(&profile)?.version(profile.version))
    })
    .await
}

/// Delete a profile
///
/// Its contacts are detached; they and their history stay.
#[utoipa::path(tag = "profiles", params(ProfilePath, IfMatchHeader), responses(
    (status = 204, description = "The profile is gone."),
))]
#[delete("/v1/profiles/{id}")]
pub async fn delete_profile(
    caller: Caller,
    path: Path<ProfilePath>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        delete::delete_profile(tx, id, &if_match)?;
        Ok(Answer::no_content())
    })
    .await
}

/// List the contacts of a profile
///
/// By medium, then name.
#[utoipa::path(tag = "profiles", params(ProfilePath, PageParams), responses(
    (status = 200, description = "The profile's contacts.", body = ContactList),
))]
#[get("/v1/profiles/{id}/contacts")]
pub async fn list_profile_contacts(
    caller: Caller,
    path: Path<ProfilePath>,
    list: List<NoFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let contacts = db.read(&caller, move |tx| {
        Subject::Profile(id).find(tx.conn, tx.organization)?;
        contacts::contacts_of_profile(tx.conn, tx.organization, id, &list.page)
    });
    contacts.await?.answer()
}

/// List what happened to a profile
///
/// Newest first: when it was made, and each contact that came or left, with who did it.
#[utoipa::path(tag = "profiles", params(ProfilePath, PageParams), responses(
    (status = 200, description = "The profile's history.", body = HistoryList),
))]
#[get("/v1/profiles/{id}/history")]
pub async fn list_profile_history(
    caller: Caller,
    path: Path<ProfilePath>,
    list: List<NoFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let history =
        db.read(&caller, move |tx| queries::profile_history(tx.conn, tx.organization, id, &list.page)).await?;
    history.answer()
}

/// List what happened to a contact
///
/// Newest first: when it was met, and each profile that it came to or left, with who did it.
#[utoipa::path(tag = "contacts", params(ContactPath, PageParams), responses(
    (status = 200, description = "The contact's history.", body = HistoryList),
))]
#[get("/v1/contacts/{id}/history")]
pub async fn list_contact_history(
    caller: Caller,
    path: Path<ContactPath>,
    list: List<NoFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let history =
        db.read(&caller, move |tx| queries::contact_history(tx.conn, tx.organization, id, &list.page)).await?;
    history.answer()
}

/// Detach a contact from its profile
///
/// Its history goes with it.
#[utoipa::path(tag = "contacts", params(ContactPath, DetachParams, IfMatchHeader), responses(
    (status = 204, description = "The contact is attached to no profile."),
    (status = 409, description = "`contact_not_attached`: it is attached to the `holder`, not to `profile_id`.", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/contacts/{id}/profile")]
pub async fn detach_contact(
    caller: Caller,
    path: Path<ContactPath>,
    query: Query<DetachParams>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        attach::detach_contact(tx, id, &if_match, query.profile_id)?;
        Ok(Answer::no_content())
    })
    .await
}

/// Change a profile field
///
/// Its key never changes. What profiles have against the change is counted, and listed at `listed_by`; until they
/// fit, nothing changes. While the values of many profiles are converted or indexed, writes of that field wait, and of
/// profiles whose value becomes another.
#[utoipa::path(tag = "profile fields", security(("bearer" = ["admin"])), params(ProfileFieldPath, DryRun, IfMatchHeader), request_body = UpdateProfileField, responses(
    (status = 200, description = "The profile field, or with `dry_run=true` what would happen.", body = ProfileFieldChanged),
    (status = 409, description = "`in_use`: `count` profiles have no value, share theirs, or have one that can't be converted, so that the field can't become required, unique or of that type; `listed_by` lists them, and `problems` says all of it.", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`: names every wrong field. `change_too_large`: the values of more profiles than one request touches, `count`, would be converted or indexed. A field that is made anew, and filled by scripts, takes its place.", body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/profile-fields/{id}")]
pub async fn update_profile_field(
    caller: Admin,
    path: Path<ProfileFieldPath>,
    query: Query<DryRun>,
    if_match: IfMatch,
    body: Proposed<UpdateProfileField>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Proposed(Body { value, retry }) = body;
    if query.dry_run == Some(true) {
        retry.check()?;
        let plan = db.read(&caller, move |tx| profile_fields::plan_update(tx, id, &if_match, &value));
        return Answer::ok(&ProfileFieldChanged::DryRun(Box::new(plan.await?.dry_run(false))));
    }
    db.write(&caller, retry, move |tx| {
        let field = retype::update_profile_field(tx, id, &if_match, &value)?;
        let version = field.version;
        Ok(Answer::ok(&ProfileFieldChanged::Done(Box::new(field)))?.version(version))
    })
    .await
}
