//! Handlers of timelines.

use actix_web::get;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::IntoParams;

use super::queries;
use super::types::{TimelineFilter, TimelineList};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::attachments::Links;
use crate::db::Db;
use crate::error::Result;
use crate::http::page::{List, PageParams};
use crate::http::query::Path;
use crate::ids::{ContactId, ProfileId};
use crate::moments::Of;

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

/// List a profile's timeline
///
/// What happened to the profile and to the contacts that are attached to it now, one by one, newest first: messages,
/// files, notes, changed fields, what changed about conversations, attached and detached contacts. With `q`, those that say what is
/// sought, each with a `snippet`.
#[utoipa::path(tag = "timeline", params(ProfilePath, TimelineFilter, PageParams), responses(
    (status = 200, description = "A part of the profile's timeline.", body = TimelineList),
))]
#[get("/v1/profiles/{id}/timeline")]
pub async fn list_profile_timeline(
    caller: Caller,
    path: Path<ProfilePath>,
    list: List<TimelineFilter>,
    db: Data<Db>,
    links: Data<Links>,
) -> Result<Answer> {
    timeline(caller, Of::Profile(path.id), list, db, links).await
}

/// List a contact's timeline
///
/// What happened to the contact, one by one, newest first. A message and its files stand on the timeline of the contact
/// that wrote it, an agent's answer on that of the contact it was written to, which is whoever wrote last; what happens to
/// the conversation itself on that of everyone who takes part. With `q`, what says what is sought, each with a `snippet`.
#[utoipa::path(tag = "timeline", params(ContactPath, TimelineFilter, PageParams), responses(
    (status = 200, description = "A part of the contact's timeline.", body = TimelineList),
))]
#[get("/v1/contacts/{id}/timeline")]
pub async fn list_contact_timeline(
    caller: Caller,
    path: Path<ContactPath>,
    list: List<TimelineFilter>,
    db: Data<Db>,
    links: Data<Links>,
) -> Result<Answer> {
    timeline(caller, Of::Contact(path.id), list, db, links).await
}

async fn timeline(
    caller: Caller,
    of: Of,
    list: List<TimelineFilter>,
    db: Data<Db>,
    links: Data<Links>,
) -> Result<Answer> {
    let timeline = db
        .read(&caller, move |tx| queries::list_timeline(tx.conn, tx.organization, &links, of, &list.filter, &list.page))
        .await?;
    timeline.answer()
}
