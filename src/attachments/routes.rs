//! Handlers of attachments.

use actix_web::body::SizedStream;
use actix_web::http::Uri;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::Utc;
use serde::Deserialize;
use utoipa::IntoParams;

use super::links::{self, Links};
use super::queries::{self, AttachmentRow, File, ThumbnailRow};
use super::store::{Store, hex};
use super::types::{Attachment, AttachmentFilter, AttachmentList, FileContent, SignedLink, UploadForm, Variant};
use super::{Of, content_type, keep};
use crate::actor::{ActorRef, Caller};
use crate::answer::Answer;
use crate::config::Config;
use crate::db::moved::or_moved;
use crate::db::{Db, Tx};
use crate::error::{Code, Error, FieldCode, Result};
use crate::http::body::retry;
use crate::http::file::{FileHead, Reply};
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::{NoFilter, Path, Query};
use crate::http::upload;
use crate::ids::{AttachmentId, ContactId, ConversationId, OrganizationId, ProfileId};

/// What a link leads to may be used again without asking for as long as the shortest of them lives.
const LINKED_MAX_AGE: u32 = 3600;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AttachmentPath {
    #[param(value_type = uuid::Uuid)]
    id: AttachmentId,
}

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
struct ConversationPath {
    #[param(value_type = uuid::Uuid)]
    id: ConversationId,
}

/// Upload a file
///
/// For a message to name it in its `attachment_ids`. Its type is told from its bytes.
#[utoipa::path(tag = "attachments",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The attachment.", body = Attachment),
        (status = 413, description = "`too_large`: The file is larger than is configured (`DOSSIER_MAX_UPLOAD_MIB`): 100 MiB, unless said otherwise.", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/attachments")]
pub async fn create_attachment(
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
    config: Data<Config>,
    store: Data<Store>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    db.admit_writer(&caller).await?;
    let mut upload = upload::receive(&request, payload.into_inner(), "file", config.max_upload_bytes).await?;
    let said = [upload.filename.as_str(), upload.content_type.as_deref().unwrap_or_default(), &hex(&upload.sha256)];
    let retry = retry(&request, said.join("\0").as_bytes())?;
    let blob = keep::store_upload(&db, &store, caller.organization, &mut upload).await?;
    let file =
        File { filename: upload.filename, content_type: upload.content_type, content_id: None, inline: false, blob };
    db.write(&caller, retry, move |tx| {
        let attachment = queries::create_attachment(tx, &links, &file)?;
        Answer::created(format!("/v1/attachments/{}", attachment.id), &attachment)
    })
    .await
}

/// Get an attachment
#[utoipa::path(tag = "attachments", params(AttachmentPath), responses(
    (status = 200, description = "The attachment.", body = Attachment),
))]
#[get("/v1/attachments/{id}")]
pub async fn get_attachment(
    caller: Caller,
    path: Path<AttachmentPath>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    Answer::ok(&db.read(&caller, move |tx| queries::get_attachment(tx.conn, tx.organization, &links, id)).await?)
}

/// Get a file
///
/// Or a part of it (`Range`). What a browser could run is offered for saving only.
#[utoipa::path(tag = "attachments", params(AttachmentPath), responses(
    (status = 200, description = "The file.", body = FileContent, content_type = "*/*"),
    (status = 206, description = "The part that `Range` names.", body = FileContent, content_type = "*/*"),
    (status = 304, description = "The client has the file already (`If-None-Match`)."),
    (status = 416, description = "`range_not_satisfiable`", body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/attachments/{id}/content")]
pub async fn get_attachment_content(
    caller: Caller,
    path: Path<AttachmentPath>,
    request: HttpRequest,
    store: Data<Store>,
    db: Data<Db>,
) -> Result<HttpResponse> {
    let id = path.id;
    let row = db.read(&caller, move |tx| queries::attachment_row(tx.conn, tx.organization, id)).await?;
    content(&request, &store, caller.organization, row, 0).await
}

/// Get a file by its link
///
/// As the `url` of an attachment says: it needs no token, and expires.
#[utoipa::path(tag = "attachments", security(()), params(AttachmentPath, SignedLink), responses(
    (status = 200, description = "The file.", body = FileContent, content_type = "*/*"),
    (status = 206, description = "The part that `Range` names.", body = FileContent, content_type = "*/*"),
    (status = 304, description = "The client has the file already (`If-None-Match`)."),
    (status = 403, description = "`link_invalid`: it was changed or has expired.", body = Problem, content_type = "application/problem+json"),
    (status = 416, description = "`range_not_satisfiable`", body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/attachments/{id}/signed")]
pub async fn get_signed_attachment(
    path: Path<AttachmentPath>,
    link: Result<Query<SignedLink>>,
    request: HttpRequest,
    links: Data<Links>,
    store: Data<Store>,
    db: Data<Db>,
) -> Result<HttpResponse> {
    let id = path.id;
    let has_unknown = |error: &Error| error.errors().iter().any(|error| error.code == FieldCode::Unknown);
    let link = link.map_err(|error| if has_unknown(&error) { error } else { links::refused() })?;
    let organization = link.organization_id;
    links.verify(organization, id, link.variant, link.expires, &link.signature, Utc::now())?;
    let find = move |tx: &mut Tx| {
        let row = queries::attachment_row(tx.conn, tx.organization, id)?;
        let thumbnail = match link.variant {
            Variant::Original => None,
            // It is gone only with the file.
            Variant::Thumbnail => Some(
                queries::thumbnail_row(tx.conn, tx.organization, &row.sha256)?
                    .ok_or_else(|| Error::not_found(Code::AttachmentNotFound))?,
            ),
        };
        Ok((row, thumbnail))
    };
    match db.act(organization, ActorRef::SYSTEM, find).await? {
        (row, None) => content(&request, &store, organization, row, LINKED_MAX_AGE).await,
        (row, Some(thumbnail)) => small(&request, &store, organization, row, thumbnail).await,
    }
}

async fn small(
    request: &HttpRequest,
    store: &Store,
    organization: OrganizationId,
    row: AttachmentRow,
    thumbnail: ThumbnailRow,
) -> Result<HttpResponse> {
    let head = FileHead {
        inline: true,
        filename: row.filename,
        content_type: thumbnail.content_type,
        byte_size: u64::try_from(thumbnail.byte_size).map_err(Error::internal)?,
        tag: format!("{}-thumbnail", hex(&row.sha256)),
        max_age: LINKED_MAX_AGE,
    };
    Ok(match head.reply(request) {
        Reply::Done(response) => response,
        Reply::Bytes(mut response, range) => {
            let size = range.end - range.start;
            response.body(SizedStream::new(size, store.read_thumbnail(organization, &row.sha256, range).await?))
        }
    })
}

async fn content(
    request: &HttpRequest,
    store: &Store,
    organization: OrganizationId,
    row: AttachmentRow,
    max_age: u32,
) -> Result<HttpResponse> {
    let head = FileHead {
        inline: content_type::is_shown_inline(&row.content_type),
        filename: row.filename,
        content_type: row.content_type,
        byte_size: u64::try_from(row.byte_size).map_err(Error::internal)?,
        tag: hex(&row.sha256),
        max_age,
    };
    Ok(match head.reply(request) {
        Reply::Done(response) => response,
        Reply::Bytes(mut response, range) => {
            let size = range.end - range.start;
            response.body(SizedStream::new(size, store.read(organization, &row.sha256, range).await?))
        }
    })
}

/// List the occurrences of a file
///
/// Every attachment with the same bytes that was exchanged, with whomever, this one included; newest first by
/// `occurred_at`. The bytes are stored once.
#[utoipa::path(tag = "attachments", params(AttachmentPath, PageParams), responses(
    (status = 200, description = "The occurrences.", body = AttachmentList),
))]
#[get("/v1/attachments/{id}/occurrences")]
pub async fn list_attachment_occurrences(
    caller: Caller,
    path: Path<AttachmentPath>,
    list: List<NoFilter>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let occurrences =
        db.read(&caller, move |tx| queries::list_occurrences(tx.conn, tx.organization, &links, id, &list.page)).await?;
    occurrences.answer()
}

/// List a profile's attachments
///
/// All that was exchanged with its contacts, on every channel, newest first by `occurred_at`.
#[utoipa::path(tag = "attachments", params(ProfilePath, AttachmentFilter, PageParams), responses(
    (status = 200, description = "The files.", body = AttachmentList),
))]
#[get("/v1/profiles/{id}/attachments")]
pub async fn list_profile_attachments(
    caller: Caller,
    path: Path<ProfilePath>,
    list: List<AttachmentFilter>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    attachments(&caller, Of::Profile(path.id), list, links, db).await
}

/// List a contact's attachments
///
/// All that was exchanged with it, newest first by `occurred_at`.
#[utoipa::path(tag = "attachments", params(ContactPath, AttachmentFilter, PageParams), responses(
    (status = 200, description = "The files.", body = AttachmentList),
))]
#[get("/v1/contacts/{id}/attachments")]
pub async fn list_contact_attachments(
    caller: Caller,
    path: Path<ContactPath>,
    list: List<AttachmentFilter>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    attachments(&caller, Of::Contact(path.id), list, links, db).await
}

/// List a conversation's attachments
///
/// Newest first by `occurred_at`.
#[utoipa::path(tag = "attachments", params(ConversationPath, AttachmentFilter, PageParams), responses(
    (status = 200, description = "The files.", body = AttachmentList),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[get("/v1/conversations/{id}/attachments")]
pub async fn list_conversation_attachments(
    caller: Caller,
    path: Path<ConversationPath>,
    list: List<AttachmentFilter>,
    uri: Uri,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let work = move |tx: &mut Tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            let of = Of::Conversation(id);
            queries::list_attachments(tx.conn, tx.organization, &links, of, &list.filter, &list.page)?.answer()
        })
    };
    db.read(&caller, work).await
}

async fn attachments(
    caller: &Caller,
    of: Of,
    list: List<AttachmentFilter>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    let attachments = db
        .read(caller, move |tx| {
            queries::list_attachments(tx.conn, tx.organization, &links, of, &list.filter, &list.page)
        })
        .await?;
    attachments.answer()
}
