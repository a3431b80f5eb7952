//! Handlers of contacts.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::queries;
use super::types::{Contact, ContactFilter, ContactList, CreateContact, UpdateContact};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::db::Db;
use crate::error::Result;
use crate::http::body::{Body, Proposed};
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::Path;
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::ContactId;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ContactPath {
    #[param(value_type = uuid::Uuid)]
    id: ContactId,
}

/// List contacts
///
/// By name, where `sort` doesn't say otherwise.
#[utoipa::path(tag = "contacts", params(ContactFilter, PageParams), responses(
    (status = 200, description = "The organization's contacts.", body = ContactList),
))]
#[get("/v1/contacts")]
pub async fn list_contacts(caller: Caller, list: List<ContactFilter>, db: Data<Db>) -> Result<Answer> {
    let contacts =
        db.read(&caller, move |tx| queries::list_contacts(tx.conn, tx.organization, &list.filter, &list.page)).await?;
    contacts.answer()
}

/// Create a contact
///
/// Contacts are also made by themselves, when a message comes in.
#[utoipa::path(tag = "contacts", request_body = CreateContact, responses(
    (status = 201, description = "The contact.", body = Contact),
    (status = 404, description = "`channel_not_found`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`contact_exists`: the `holder` has this address, with its contact_id and name.", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/contacts")]
pub async fn create_contact(caller: Caller, body: Proposed<CreateContact>, db: Data<Db>) -> Result<Answer> {
    let Proposed(Body { value, retry }) = body;
    db.write(&caller, retry, move |tx| {
        let row = queries::create_contact(tx, &value)?;
        let contact = queries::get_contact(tx.conn, tx.organization, row.id)?;
        Ok(Answer::created(format!("/v1/contacts/{}", contact.id), &contact)?.version(contact.version))
    })
    .await
}

/// Get a contact
#[utoipa::path(tag = "contacts", params(ContactPath), responses(
    (status = 200, description = "The contact.", body = Contact),
))]
#[get("/v1/contacts/{id}")]
pub async fn get_contact(caller: Caller, path: Path<ContactPath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    let contact = db.read(&caller, move |tx| queries::get_contact(tx.conn, tx.organization, id)).await?;
    Ok(Answer::ok(&contact)?.version(contact.version))
}

/// Change a contact
#[utoipa::path(tag = "contacts", params(ContactPath, IfMatchHeader), request_body = UpdateContact, responses(
    (status = 200, description = "The contact.", body = Contact),
))]
#[patch("/v1/contacts/{id}")]
pub async fn update_contact(
    caller: Caller,
    path: Path<ContactPath>,
    if_match: IfMatch,
    body: Body<UpdateContact>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        queries::update_contact(tx, id, &if_match, &value)?;
        let contact = queries::get_contact(tx.conn, tx.organization, id)?;
        Ok(Answer::ok(&contact)?.version(contact.version))
    })
    .await
}

/// Delete a contact
///
/// Only one that never took part in a conversation.
#[utoipa::path(tag = "contacts", params(ContactPath, IfMatchHeader), responses(
    (status = 204, description = "The contact is gone."),
    (status = 409, description = "`in_use`: it takes part in `count` conversations.", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/contacts/{id}")]
pub async fn delete_contact(
    caller: Caller,
    path: Path<ContactPath>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        queries::delete_contact(tx, id, &if_match)?;
        Ok(Answer::no_content())
    })
    .await
}
