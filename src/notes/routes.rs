//! Handlers of notes.

use actix_web::http::Uri;
use actix_web::web::Data;
use actix_web::{delete, get, patch, post, put};
use serde::Deserialize;
use utoipa::IntoParams;

use super::On;
use super::queries;
use super::types::{
    CreateNote, MentionCounts, MentionFilter, MentionList, Note, NoteList, NoteRevisionList, UpdateNote,
};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::db::moved::or_moved;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::http::body::{Body, Proposed};
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::{NoFilter, Path};
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::{ContactId, ConversationId, NoteId, ProfileId};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NotePath {
    #[param(value_type = uuid::Uuid)]
    id: NoteId,
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

/// List a profile's notes
///
/// Pinned ones first, then the newest.
#[utoipa::path(tag = "notes", params(ProfilePath, PageParams), responses(
    (status = 200, description = "The notes.", body = NoteList),
))]
#[get("/v1/profiles/{id}/notes")]
pub async fn list_profile_notes(
    caller: Caller,
    path: Path<ProfilePath>,
    list: List<NoFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    list_notes(&caller, On::Profile(path.id), list, db).await
}

/// Write a note on a profile
#[utoipa::path(tag = "notes", params(ProfilePath), request_body = CreateNote, responses(
    (status = 201, description = "The note.", body = Note),
))]
#[post("/v1/profiles/{id}/notes")]
pub async fn create_profile_note(
    caller: Caller,
    path: Path<ProfilePath>,
    body: Proposed<CreateNote>,
    db: Data<Db>,
) -> Result<Answer> {
    create_note(&caller, On::Profile(path.id), body, db).await
}

/// List a contact's notes
///
/// Pinned ones first, then the newest.
#[utoipa::path(tag = "notes", params(ContactPath, PageParams), responses(
    (status = 200, description = "The notes.", body = NoteList),
))]
#[get("/v1/contacts/{id}/notes")]
pub async fn list_contact_notes(
    caller: Caller,
    path: Path<ContactPath>,
    list: List<NoFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    list_notes(&caller, On::Contact(path.id), list, db).await
}

/// Write a note on a contact
#[utoipa::path(tag = "notes", params(ContactPath), request_body = CreateNote, responses(
    (status = 201, description = "The note.", body = Note),
))]
#[post("/v1/contacts/{id}/notes")]
pub async fn create_contact_note(
    caller: Caller,
    path: Path<ContactPath>,
    body: Proposed<CreateNote>,
    db: Data<Db>,
) -> Result<Answer> {
    create_note(&caller, On::Contact(path.id), body, db).await
}

/// List a conversation's notes
///
/// Pinned ones first, then the newest.
#[utoipa::path(tag = "notes", params(ConversationPath, PageParams), responses(
    (status = 200, description = "The notes.", body = NoteList),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[get("/v1/conversations/{id}/notes")]
pub async fn list_conversation_notes(
    caller: Caller,
    path: Path<ConversationPath>,
    list: List<NoFilter>,
    uri: Uri,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let work = move |tx: &mut Tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            queries::list_notes(tx.conn, tx.organization, On::Conversation(id), &list.page)?.answer()
        })
    };
    db.read(&caller, work).await
}

/// Write a note on a conversation
#[utoipa::path(tag = "notes", params(ConversationPath), request_body = CreateNote, responses(
    (status = 201, description = "The note.", body = Note),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[post("/v1/conversations/{id}/notes")]
pub async fn create_conversation_note(
    caller: Caller,
    path: Path<ConversationPath>,
    uri: Uri,
    body: Proposed<CreateNote>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Proposed(Body { value, retry }) = body;
    db.write(&caller, retry, move |tx| {
        or_moved(tx, id, &uri.to_string(), |tx| created(tx, On::Conversation(id), &value))
    })
    .await
}

async fn list_notes(caller: &Caller, on: On, list: List<NoFilter>, db: Data<Db>) -> Result<Answer> {
    let notes = db.read(caller, move |tx| queries::list_notes(tx.conn, tx.organization, on, &list.page)).await?;
    notes.answer()
}

async fn create_note(caller: &Caller, on: On, body: Proposed<CreateNote>, db: Data<Db>) -> Result<Answer> {
    let Proposed(Body { value, retry }) = body;
    db.write(caller, retry, move |tx| created(tx, on, &value)).await
}

fn created(tx: &mut Tx, on: On, body: &CreateNote) -> Result<Answer> {
    let note = queries::create_note(tx, on, body)?;
    Ok(Answer::created(format!("/v1/notes/{}", note.id), &note)?.version(note.version))
}

/// Get a note
#[utoipa::path(tag = "notes", params(NotePath), responses(
    (status = 200, description = "The note.", body = Note),
))]
#[get("/v1/notes/{id}")]
pub async fn get_note(caller: Caller, path: Path<NotePath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    let note = db.read(&caller, move |tx| queries::get_note(tx.conn, tx.organization, id)).await?;
    Ok(Answer::ok(&note)?.version(note.version))
}

/// Edit a note
///
/// Everyone may; the author stays, and so does the earlier text, in the note's history.
#[utoipa::path(tag = "notes", params(NotePath, IfMatchHeader), request_body = UpdateNote, responses(
    (status = 200, description = "The note.", body = Note),
))]
#[patch("/v1/notes/{id}")]
pub async fn update_note(
    caller: Caller,
    path: Path<NotePath>,
    if_match: IfMatch,
    body: Proposed<UpdateNote>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Proposed(Body { value, retry }) = body;
    db.write(&caller, retry, move |tx| {
        let note = queries::update_note(tx, id, &if_match, &value)?;
        Ok(Answer::ok(&note)?.version(note.version))
    })
    .await
}

/// Delete a note
///
/// One's own; another's only as an administrator.
#[utoipa::path(tag = "notes", params(NotePath, IfMatchHeader), responses(
    (status = 204, description = "The note is gone."),
    (status = 403, description = "`not_author`", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/notes/{id}")]
pub async fn delete_note(
    caller: Caller,
    path: Path<NotePath>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let deleter = caller.clone();
    db.write(&caller, retry, move |tx| {
        queries::delete_note(tx, &deleter, id, &if_match)?;
        Ok(Answer::no_content())
    })
    .await
}

/// List the earlier texts of a note
///
/// Newest first, each with who wrote it and when. The text that the note has now isn't among them.
#[utoipa::path(tag = "notes", params(NotePath, PageParams), responses(
    (status = 200, description = "The earlier texts.", body = NoteRevisionList),
))]
#[get("/v1/notes/{id}/revisions")]
pub async fn list_note_revisions(
    caller: Caller,
    path: Path<NotePath>,
    list: List<NoFilter>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let revisions =
        db.read(&caller, move |tx| queries::list_revisions(tx.conn, tx.organization, id, &list.page)).await?;
    revisions.answer()
}

/// List the notes in which I am mentioned
///
/// The newest mention first.
#[utoipa::path(tag = "notes", params(MentionFilter, PageParams), responses(
    (status = 200, description = "The mentions.", body = MentionList),
))]
#[get("/v1/me/mentions")]
pub async fn list_mentions(caller: Caller, list: List<MentionFilter>, db: Data<Db>) -> Result<Answer> {
    let user = caller.user;
    let mentions = db
        .read(&caller, move |tx| queries::list_mentions(tx.conn, tx.organization, user, &list.filter, &list.page))
        .await?;
    mentions.answer()
}

/// Count the mentions that I haven't read
#[utoipa::path(tag = "notes", responses((status = 200, description = "How many there are.", body = MentionCounts)))]
#[get("/v1/me/mentions/counts")]
pub async fn count_mentions(caller: Caller, db: Data<Db>) -> Result<Answer> {
    let user = caller.user;
    Answer::ok(&db.read(&caller, move |tx| queries::count_mentions(tx.conn, tx.organization, user)).await?)
}

/// Mark a mention as read
///
/// `id` is the note's.
#[utoipa::path(tag = "notes", params(NotePath), responses(
    (status = 204, description = "You have read it."),
    (status = 404, description = "`not_found`, `note_not_found`", body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/me/mentions/{id}/read")]
pub async fn mark_mention_read(caller: Caller, path: Path<NotePath>, retry: Retry, db: Data<Db>) -> Result<Answer> {
    mark_mention(&caller, path, retry, db, true).await
}

/// Mark a mention as unread
///
/// `id` is the note's.
#[utoipa::path(tag = "notes", params(NotePath), responses(
    (status = 204, description = "You haven't read it."),
    (status = 404, description = "`not_found`, `note_not_found`", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/me/mentions/{id}/read")]
pub async fn mark_mention_unread(caller: Caller, path: Path<NotePath>, retry: Retry, db: Data<Db>) -> Result<Answer> {
    mark_mention(&caller, path, retry, db, false).await
}

async fn mark_mention(
    caller: &Caller,
    path: Path<NotePath>,
    retry: Retry,
    db: Data<Db>,
    is_read: bool,
) -> Result<Answer> {
    let (id, user) = (path.id, caller.user);
    db.write(caller, retry, move |tx| queries::mark_mention(tx, id, user, is_read).map(|()| Answer::no_content())).await
}
