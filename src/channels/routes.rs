//! Handlers of channels.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::queries;
use super::types::{Channel, ChannelFilter, ChannelList, CreateChannel, UpdateChannel};
use crate::actor::Caller;
use crate::answer::{Answer, Retry};
use crate::db::Db;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::caller::Admin;
use crate::http::page::{List, PageParams};
use crate::http::problem::Problem;
use crate::http::query::Path;
use crate::http::version::{IfMatch, IfMatchHeader};
use crate::ids::ChannelId;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ChannelPath {
    #[param(value_type = uuid::Uuid)]
    id: ChannelId,
}

/// List channels
///
/// By name.
#[utoipa::path(tag = "channels", params(ChannelFilter, PageParams), responses(
    (status = 200, description = "The organization's channels.", body = ChannelList),
))]
#[get("/v1/channels")]
pub async fn list_channels(caller: Caller, list: List<ChannelFilter>, db: Data<Db>) -> Result<Answer> {
    let channels =
        db.read(&caller, move |tx| queries::list_channels(tx.conn, tx.organization, &list.filter, &list.page)).await?;
    channels.answer()
}

/// Create a channel
#[utoipa::path(tag = "channels", security(("bearer" = ["admin"])), request_body = CreateChannel, responses(
    (status = 201, description = "The channel.", body = Channel),
))]
#[post("/v1/channels")]
pub async fn create_channel(caller: Admin, body: Body<CreateChannel>, db: Data<Db>) -> Result<Answer> {
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        let channel = queries::insert_channel(tx, &value)?;
        Ok(Answer::created(format!("/v1/channels/{}", channel.id), &channel)?.version(channel.version))
    })
    .await
}

/// Get a channel
#[utoipa::path(tag = "channels", params(ChannelPath), responses(
    (status = 200, description = "The channel.", body = Channel),
))]
#[get("/v1/channels/{id}")]
pub async fn get_channel(caller: Caller, path: Path<ChannelPath>, db: Data<Db>) -> Result<Answer> {
    let id = path.id;
    let channel = db.read(&caller, move |tx| queries::get_channel(tx.conn, tx.organization, id)).await?;
    Ok(Answer::ok(&channel)?.version(channel.version))
}

/// Change a channel
#[utoipa::path(tag = "channels", security(("bearer" = ["admin"])), params(ChannelPath, IfMatchHeader), request_body = UpdateChannel, responses(
    (status = 200, description = "The channel.", body = Channel),
))]
#[patch("/v1/channels/{id}")]
pub async fn update_channel(
    caller: Admin,
    path: Path<ChannelPath>,
    if_match: IfMatch,
    body: Body<UpdateChannel>,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    let Body { value, retry } = body;
    db.write(&caller, retry, move |tx| {
        let channel = queries::update_channel(tx, id, &if_match, &value)?;
        Ok(Answer::ok(&channel)?.version(channel.version))
    })
    .await
}

/// Archive a channel
///
/// Nothing comes in through it any more; its history stays.
#[utoipa::path(tag = "channels", security(("bearer" = ["admin"])), params(ChannelPath, IfMatchHeader), responses(
    (status = 200, description = "The channel.", body = Channel),
))]
#[post("/v1/channels/{id}/archive")]
pub async fn archive_channel(
    caller: Admin,
    path: Path<ChannelPath>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        let channel = queries::archive_channel(tx, id, &if_match, true)?;
        Ok(Answer::ok(&channel)?.version(channel.version))
    })
    .await
}

/// Open an archived channel again
#[utoipa::path(tag = "channels", security(("bearer" = ["admin"])), params(ChannelPath, IfMatchHeader), responses(
    (status = 200, description = "The channel.", body = Channel),
))]
#[delete("/v1/channels/{id}/archive")]
pub async fn unarchive_channel(
    caller: Admin,
    path: Path<ChannelPath>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        let channel = queries::archive_channel(tx, id, &if_match, false)?;
        Ok(Answer::ok(&channel)?.version(channel.version))
    })
    .await
}

/// Delete a channel
///
/// Only one without conversations; others can be archived.
#[utoipa::path(tag = "channels", security(("bearer" = ["admin"])), params(ChannelPath, IfMatchHeader), responses(
    (status = 204, description = "The channel is gone."),
    (status = 409, description = "`in_use`: it has conversations, `count` of them.", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/channels/{id}")]
pub async fn delete_channel(
    caller: Admin,
    path: Path<ChannelPath>,
    if_match: IfMatch,
    retry: Retry,
    db: Data<Db>,
) -> Result<Answer> {
    let id = path.id;
    db.write(&caller, retry, move |tx| {
        queries::delete_channel(tx, id, &if_match)?;
        Ok(Answer::no_content())
    })
    .await
}
