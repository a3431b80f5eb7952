//! Handlers of the sidebar.

use actix_web::http::Uri;
use actix_web::web::Data;
use actix_web::{get, put};
use serde::Deserialize;
use utoipa::IntoParams;

use super::queries;
use super::types::{AttachQuery, AttachedContact, Sidebar, SidebarQuery};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::attachments::Links;
use crate::db::Db;
use crate::db::moved::or_moved;
use crate::error::Result;
use crate::http::body::{Body, Proposed};
use crate::http::problem::Problem;
use crate::http::query::{Path, Query};
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::{ContactId, ConversationId};
use crate::profiles::{self, AttachContact};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ConversationPath {
    #[param(value_type = uuid::Uuid)]
    id: ConversationId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ContactPath {
    #[param(value_type = uuid::Uuid)]
    id: ContactId,
}

/// Get what stands beside a conversation
///
/// The folders of its contact and of that contact's profile: fields, contact moments, files, notes. Each folder's
/// cursor continues the list of that name.
#[utoipa::path(tag = "sidebar", params(ConversationPath, SidebarQuery), responses(
    (status = 200, description = "The sidebar.", body = Sidebar),
    (status = 404, description = "`conversation_not_found`: There is no such conversation. `contact_not_found`: `contact_id` takes no part in it.", body = Problem, content_type = "application/problem+json"),
    (status = 308, description = "The conversation is part of another: `Location` is that one's sidebar."),
))]
#[get("/v1/conversations/{id}/sidebar")]
pub async fn get_sidebar(
    caller: Caller,
    path: Path<ConversationPath>,
    query: Query<SidebarQuery>,
    uri: Uri,
    db: Data<Db>,
    links: Data<Links>,
) -> Result<Answer> {
    let (id, other) = (path.id, query.contact_id);
    db.read(&caller, move |tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            let contact = queries::contact_beside(tx.conn, tx.organization, id, other)?;
            Answer::ok(&queries::sidebar(tx.conn, tx.organization, &links, contact)?)
        })
    })
    .await
}

/// Attach a contact to a profile
///
/// To one that exists (`profile_id`), or to a new one (`new_profile`), which is created in the same step. From then on
/// all communication of the contact, past and future, is the profile's.
#[utoipa::path(tag = "contacts", params(ContactPath, AttachQuery, IfMatchHeader), request_body = AttachContact, responses(
    (status = 200, description = "The contact is attached; nothing is recorded when it was already.", body = AttachedContact),
    (status = 201, description = "The profile is created, and the contact attached to it.", body = AttachedContact),
    (status = 404, description = "`contact_not_found`, `profile_not_found`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`contact_already_attached`: to the `holder`, with its profile_id and name. `on_conflict: \"move\"` takes it from there. `contact_not_attached`: not to `expected_profile_id`. `value_taken`: the `holder` has the new profile's value of a unique field, `field`.", body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/contacts/{id}/profile")]
pub async fn attach_contact(
    caller: Caller,
    path: Path<ContactPath>,
    query: Query<AttachQuery>,
    if_match: IfMatch,
    body: Proposed<AttachContact>,
    db: Data<Db>,
    links: Data<Links>,
) -> Result<Answer> {
    let (id, include) = (path.id, query.include);
    let Proposed(Body { value, retry }) = body;
    // It may answer with the sidebar, which is why it is on the roof; attaching itself is the profiles' verb.
    db.write(&caller, retry, move |tx| {
        let attached = profiles::attach_contact(tx, id, &if_match, &value)?;
        let sidebar = match include {
            Some(_) => Some(queries::sidebar(tx.conn, tx.organization, &links, id)?),
            None => None,
        };
        let is_new = attached.created;
        let location = format!("/v1/profiles/{}", attached.profile.id);
        let view = AttachedContact {
            contact: attached.contact,
            profile: attached.profile,
            previous_profile_id: attached.previous_profile_id,
            sidebar,
        };
        if is_new { Answer::created(location, &view) } else { Answer::ok(&view) }
    })
    .await
}
