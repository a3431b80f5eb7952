//! Handlers of contact moments.

use actix_web::get;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::IntoParams;

use super::queries::{self, Of};
use super::types::{ContactMomentFilter, ContactMomentList};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::db::Db;
use crate::error::Result;
use crate::http::page::{List, PageParams};
use crate::http::query::Path;
use crate::ids::{ContactId, ProfileId};

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

/// List a profile's contact moments
///
/// Every conversation in which any of its contacts takes part, on every channel, newest first.
#[utoipa::path(tag = "contact moments", params(ProfilePath, ContactMomentFilter, PageParams), responses(
    (status = 200, description = "The profile's history.", body = ContactMomentList),
))]
#[get("/v1/profiles/{id}/contact-moments")]
pub async fn list_profile_contact_moments(
    caller: Caller,
    path: Path<ProfilePath>,
    list: List<ContactMomentFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    moments(caller, Of::Profile(path.id), list, db).await
}

/// List a contact's contact moments
///
/// Every conversation in which it takes part, newest first.
#[utoipa::path(tag = "contact moments", params(ContactPath, ContactMomentFilter, PageParams), responses(
    (status = 200, description = "The contact's history.", body = ContactMomentList),
))]
#[get("/v1/contacts/{id}/contact-moments")]
pub async fn list_contact_contact_moments(
    caller: Caller,
    path: Path<ContactPath>,
    list: List<ContactMomentFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    moments(caller, Of::Contact(path.id), list, db).await
}

async fn moments(caller: Caller, of: Of, list: List<ContactMomentFilter>, db: Data<Db>) -> Result<Answer> {
    let me = caller.user;
    let moments = db
        .read(&caller, move |tx| queries::list_moments(tx.conn, tx.organization, me, of, &list.filter, &list.page))
        .await?;
    moments.answer()
}
