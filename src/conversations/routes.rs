//! Handlers of conversations and their messages.

use actix_web::body::SizedStream;
use actix_web::http::Uri;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use serde::Deserialize;
use utoipa::IntoParams;

use super::types::{
    Conversation, ConversationCounts, ConversationFilter, ConversationList, CreateConversation, CreateMessage, Message,
    MessageFilter, MessageList, RawMessage, UpdateConversation,
};
use super::{desk, queries};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::attachments::{Links, Store};
use crate::contacts::ContactList;
use crate::db::moved::{or_moved, or_moved_if};
use crate::db::{Db, Tx};
use crate::error::{Code, Error, Result};
use crate::http::body::{Body, Large, Proposed};
use crate::http::file::{FileHead, Reply};
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::{NoFilter, Path};
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::{ConversationId, MessageId};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ConversationPath {
    #[param(value_type = uuid::Uuid)]
    id: ConversationId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MessagePath {
    #[param(value_type = uuid::Uuid)]
    id: MessageId,
}

/// List conversations
///
/// Newest message first; spam only when `status` asks for it.
#[utoipa::path(tag = "conversations", params(ConversationFilter, PageParams), responses(
    (status = 200, description = "The organization's conversations.", body = ConversationList),
))]
#[get("/v1/conversations")]
pub async fn list_conversations(caller: Caller, list: List<ConversationFilter>, db: Data<Db>) -> Result<Answer> {
    let user = caller.user;
    let work = move |tx: &mut Tx| {
        queries::list_conversations(tx.conn, tx.organization, user, &list.filter, &list.page)?.answer()
    };
    db.read(&caller, work).await
}

/// Begin a conversation
///
/// With a contact of the channel's medium. The message is recorded, and sent nowhere.
#[utoipa::path(tag = "conversations", request_body = CreateConversation, responses(
    (status = 201, description = "The conversation.", body = Conversation),
    (status = 404, description = "`channel_not_found`, `contact_not_found`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`channel_archived`, `attachment_sent`", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "`too_large`: The body is larger than 8 MiB.", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/conversations")]
pub async fn create_conversation(caller: Caller, body: Large<CreateConversation>, db: Data<Db>) -> Result<Answer> {
    let user = caller.user;
    let Large(Body { value, retry }, _room) = body;
    db.write(&caller, retry, move |tx| {
        let (id, _) = desk::create_conversation(tx, user, &value)?;
        let conversation = queries::conversation_view(tx.conn, tx.organization, user, id)?;
        Ok(Answer::created(format!("/v1/conversations/{id}"), &conversation)?.version(conversation.version))
    })
    .await
}

/// Count the conversations that wait
#[utoipa::path(tag = "conversations", responses(
    (status = 200, description = "How many there are.", body = ConversationCounts),
))]
#[get("/v1/conversations/counts")]
pub async fn count_conversations(caller: Caller, db: Data<Db>) -> Result<Answer> {
    let user = caller.user;
    Answer::ok(&db.read(&caller, move |tx| queries::count_conversations(tx.conn, tx.organization, user)).await?)
}

/// Get a conversation
#[utoipa::path(tag = "conversations", params(ConversationPath), responses(
    (status = 200, description = "The conversation.", body = Conversation),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[get("/v1/conversations/{id}")]
pub async fn get_conversation(caller: Caller, path: Path<ConversationPath>, uri: Uri, db: Data<Db>) -> Result<Answer> {
    let (id, user) = (path.id, caller.user);
    let work = move |tx: &mut Tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            let conversation = queries::conversation_view(tx.conn, tx.organization, user, id)?;
            Ok(Answer::ok(&conversation)?.version(conversation.version))
        })
    };
    db.read(&caller, work).await
}

/// Change a conversation
#[utoipa::path(tag = "conversations", params(ConversationPath, IfMatchHeader), request_body = UpdateConversation,
    responses(
        (status = 200, description = "The conversation.", body = Conversation),
        (status = 308, description = "It became part of the conversation that `Location` names."),
    ),
)]
#[patch("/v1/conversations/{id}")]
pub async fn update_conversation(
    caller: Caller,
    path: Path<ConversationPath>,
    if_match: IfMatch,
    uri: Uri,
    body: Proposed<UpdateConversation>,
    db: Data<Db>,
) -> Result<Answer> {
    let (id, user) = (path.id, caller.user);
    let Proposed(Body { value, retry }) = body;
    db.write(&caller, retry, move |tx| {
        or_moved_if(tx, id, &uri.to_string(), &if_match, |tx| {
            desk::update_conversation(tx, id, &if_match, &value)?;
            let conversation = queries::conversation_view(tx.conn, tx.organization, user, id)?;
            Ok(Answer::ok(&conversation)?.version(conversation.version))
        })
    })
    .await
}

/// Mark a conversation as read
///
/// By you, as far as it goes now.
#[utoipa::path(tag = "conversations", params(ConversationPath), responses(
    (status = 204, description = "You have read it."),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[put("/v1/conversations/{id}/read")]
pub async fn mark_read(
    caller: Caller,
    path: Path<ConversationPath>,
    uri: Uri,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let (id, user) = (path.id, caller.user);
    db.write(&caller, retry, move |tx| {
        or_moved(tx, id, &uri.to_string(), |tx| queries::mark_read(tx, id, user).map(|()| Answer::no_content()))
    })
    .await
}

/// Mark a conversation as unread
#[utoipa::path(tag = "conversations", params(ConversationPath), responses(
    (status = 204, description = "You haven't read it."),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[delete("/v1/conversations/{id}/read")]
pub async fn mark_unread(
    caller: Caller,
    path: Path<ConversationPath>,
    uri: Uri,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let (id, user) = (path.id, caller.user);
    db.write(&caller, retry, move |tx| {
        or_moved(tx, id, &uri.to_string(), |tx| queries::mark_unread(tx, id, user).map(|()| Answer::no_content()))
    })
    .await
}

/// List who took part in a conversation
///
/// Who started it first, then in the order in which they joined.
#[utoipa::path(tag = "conversations", params(ConversationPath, PageParams), responses(
    (status = 200, description = "The contacts, each with its profile.", body = ContactList),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[get("/v1/conversations/{id}/contacts")]
pub async fn list_conversation_contacts(
    caller: Caller,
    path: Path<ConversationPath>,
    list: List<NoFilter>,
    uri: Uri,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let work = move |tx: &mut Tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            queries::conversation_contacts(tx.conn, tx.organization, id, &list.page)?.answer()
        })
    };
    db.read(&caller, work).await
}

/// List the messages of a conversation
///
/// Newest first, by when they occurred.
#[utoipa::path(tag = "conversations", params(ConversationPath, MessageFilter, PageParams), responses(
    (status = 200, description = "The messages.", body = MessageList),
    (status = 404, description = "`conversation_not_found`: There is no such conversation. `message_not_found`: `around` names a message that it doesn't have.", body = Problem, content_type = "application/problem+json"),
    (status = 308, description = "It became part of the conversation that `Location` names."),
))]
#[get("/v1/conversations/{id}/messages")]
pub async fn list_messages(
    caller: Caller,
    path: Path<ConversationPath>,
    list: List<MessageFilter>,
    uri: Uri,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let work = move |tx: &mut Tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            queries::list_messages(tx.conn, tx.organization, &links, id, &list.filter, &list.page)?.answer()
        })
    };
    db.read(&caller, work).await
}

/// Answer
///
/// To whoever wrote last. Recorded, and sent nowhere; you have read the conversation then.
#[utoipa::path(tag = "conversations", params(ConversationPath), request_body = CreateMessage, responses(
    (status = 201, description = "The message.", body = Message),
    (status = 308, description = "It became part of the conversation that `Location` names."),
    (status = 409, description = "`channel_archived`, `attachment_sent`", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "`too_large`: The body is larger than 8 MiB.", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/conversations/{id}/messages")]
pub async fn create_message(
    caller: Caller,
    path: Path<ConversationPath>,
    uri: Uri,
    body: Large<CreateMessage>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<Answer> {
    let (id, user) = (path.id, caller.user);
    let Large(Body { value, retry }, _room) = body;
    db.write(&caller, retry, move |tx| {
        or_moved(tx, id, &uri.to_string(), |tx| {
            let message = desk::create_message(tx, user, id, &value)?;
            let message = queries::get_message(tx.conn, tx.organization, &links, message)?;
            Answer::created(format!("/v1/messages/{}", message.id), &message)
        })
    })
    .await
}

/// Get a message
#[utoipa::path(tag = "conversations", params(MessagePath), responses(
    (status = 200, description = "The message.", body = Message),
))]
#[get("/v1/messages/{id}")]
pub async fn get_message(caller: Caller, path: Path<MessagePath>, links: Data<Links>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    Answer::ok(&db.read(&caller, move |tx| queries::get_message(tx.conn, tx.organization, &links, id)).await?)
}

/// Get the mail that a message came as
///
/// Byte for byte.
#[utoipa::path(tag = "conversations", params(MessagePath), responses(
    (status = 200, description = "The mail.", body = RawMessage, content_type = "message/rfc822"),
    (status = 206, description = "The part that `Range` names.", body = RawMessage, content_type = "message/rfc822"),
    (status = 304, description = "The client has the mail already (`If-None-Match`)."),
    (status = 416, description = "`range_not_satisfiable`", body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/messages/{id}/raw")]
pub async fn get_message_raw(
    caller: Caller,
    path: Path<MessagePath>,
    request: HttpRequest,
    store: Data<Store>,
    db: Data<Db>,
) -> Result<HttpResponse> {
    let id = path.id;
    let mail = db.read(&caller, move |tx| queries::raw_mail(tx.conn, tx.organization, id)).await?;
    let mail = mail.ok_or_else(|| Error::new(Code::NotFound, "The message didn't come as a mail."))?;
    let head = FileHead {
        filename: format!("{id}.eml"),
        content_type: "message/rfc822".to_owned(),
        byte_size: mail.byte_size,
        tag: mail.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        inline: false,
        max_age: 0,
    };
    Ok(match head.reply(&request) {
        Reply::Done(response) => response,
        Reply::Bytes(mut response, range) => {
            let size = range.end - range.start;
            response.body(SizedStream::new(size, store.read(caller.organization, &mail.sha256, range).await?))
        }
    })
}
