//! Handlers of what comes in.

use std::collections::HashMap;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{Bytes, Data, Payload, block};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::receive::{self, Incoming};
use super::types::{InboundMessage, MessageHtml, RawMail, Received};
use super::{email, json, mail};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::attachments::{self, Links, Store};
use crate::channels::{self, Channel, Medium};
use crate::config::Config;
use crate::conversations::{self, html};
use crate::db::Db;
use crate::error::{Code, Error, Result};
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Path;
use crate::http::version::{etag, not_modified};
use crate::ids::{ChannelId, MessageId};

/// What a message in JSON may have beside its attachments.
const JSON_ROOM: usize = 1024 * 1024;
/// Text in its own styles and images of this service: nothing runs, nothing is sent, nothing is fetched elsewhere.
const HTML_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self'; \
                           style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ChannelPath {
    #[param(value_type = uuid::Uuid)]
    id: ChannelId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MessagePath {
    #[param(value_type = uuid::Uuid)]
    id: MessageId,
}

/// The formats in which a message may come.
#[derive(Clone, Copy)]
enum Format {
    Mail,
    Json,
}

impl Format {
    /// As the request says, where the channel takes it.
    fn of(request: &HttpRequest, channel: &Channel) -> Result<Self> {
        if body::is_json(request) {
            return Ok(Self::Json);
        }
        match (body::media_type(request).as_str(), channel.medium) {
            ("message/rfc822", Medium::Email) => Ok(Self::Mail),
            ("message/rfc822", medium) => {
                Err(Error::new(Code::UnsupportedMediaType, format!("A channel of {medium} takes application/json.")))
            }
            _ => Err(Error::new(
                Code::UnsupportedMediaType,
                "Content-Type must be application/json, or on an e-mail channel message/rfc822.",
            )),
        }
    }

    /// How long a body may be. Base64 makes four bytes of three.
    fn limit(self, max_message_bytes: usize) -> usize {
        match self {
            Self::Mail => max_message_bytes,
            Self::Json => max_message_bytes.div_ceil(3) * 4 + JSON_ROOM,
        }
    }

    fn read(self, channel: &Channel, body: Bytes) -> Result<Incoming> {
        match self {
            Self::Mail => Ok(mail::read(channel.id, body)),
            Self::Json => json::read(channel, &body),
        }
    }
}

/// Receive a message
///
/// A raw e-mail (`message/rfc822`) on an e-mail channel, or the generic message (`application/json`) on any. Its sender
/// becomes a contact, and it joins its conversation, or begins one. The same message again, known by its Message-ID
/// or `external_id`, changes nothing.
#[utoipa::path(tag = "inbound", params(ChannelPath),
    request_body(content((InboundMessage = "application/json"), (RawMail = "message/rfc822"))),
    responses(
        (status = 200, description = "It was there already.", body = Received),
        (status = 201, description = "It came in.", body = Received),
        (status = 409, description = "`channel_archived`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`: The message is larger than is configured (`DOSSIER_MAX_MESSAGE_MIB`): 25 MiB, unless said otherwise. In JSON, its files count as they are before base64, and what is beside them may have 1 MiB more.", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/channels/{id}/inbound")]
pub async fn receive_message(
    caller: Caller,
    path: Path<ChannelPath>,
    request: HttpRequest,
    payload: Payload,
    config: Data<Config>,
    store: Data<Store>,
    db: Data<Db>,
) -> Result<Answer> {
    db.admit_writer(&caller).await?;
    let id = path.id;
    let channel = db.read(&caller, move |tx| channels::open_channel(tx.conn, tx.organization, id)).await?;
    let format = Format::of(&request, &channel)?;
    let limit = format.limit(config.max_message_bytes);
    let _room = body::room(&request, limit).await?;
    let body = body::read(&request, payload.into_inner(), limit).await?;
    let retry = body::retry(&request, &body)?;
    let incoming = block(move || format.read(&channel, body)).await.map_err(Error::internal)??;
    let message = receive::keep(&db, &store, caller.organization, incoming).await?;
    db.write(&caller, retry, move |tx| {
        let (received, _) = receive::receive(tx, &message)?;
        if received.is_new {
            Answer::created(format!("/v1/messages/{}", received.message_id), &received)
        } else {
            Answer::ok(&received)
        }
    })
    .await
}

/// Get a message as HTML
///
/// As its sender wrote it, made safe to show: images that came along are shown, by links that expire; those elsewhere
/// aren't fetched. 404 where the message has none (`has_html`).
#[utoipa::path(tag = "conversations", params(MessagePath), responses(
    (status = 200, description = "The HTML.", body = MessageHtml, content_type = "text/html"),
    (status = 304, description = "The client has the HTML already (`If-None-Match`)."),
))]
#[get("/v1/messages/{id}/html")]
pub async fn get_message_html(
    caller: Caller,
    path: Path<MessagePath>,
    request: HttpRequest,
    store: Data<Store>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<HttpResponse> {
    let id = path.id;
    let (mail, files) = db
        .read(&caller, move |tx| {
            let mail = conversations::raw_mail(tx.conn, tx.organization, id)?;
            Ok((mail, attachments::attachments_of_messages(tx.conn, tx.organization, &links, &[id])?))
        })
        .await?;
    let no_html = || Error::new(Code::NotFound, "The message has no HTML.");
    let mail = mail.filter(|mail| mail.has_html).ok_or_else(no_html)?;
    let images = files.into_values().flatten().filter(|file| file.inline);
    let images: HashMap<String, String> = images.filter_map(|file| Some((file.content_id?, file.url))).collect();
    let raw = store.get(caller.organization, &mail.sha256).await?;
    let safe = move || email::parse(&raw).html.map(|text| html::sanitise(&text, move |id| images.get(id).cloned()));
    let html = block(safe).await.map_err(Error::internal)?.ok_or_else(no_html)?;
    let tag = etag(None, &html);
    let cache_control = (CACHE_CONTROL, "private, no-cache");
    if not_modified(&request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).insert_header(cache_control).finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((ETAG, tag))
        .insert_header((CONTENT_SECURITY_POLICY, HTML_POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header(cache_control)
        .body(html))
}
