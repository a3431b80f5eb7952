//! All Diesel of channels.

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, Queryable};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Uuid};
use serde_json::{Value, json};

use super::types::{Channel, ChannelFilter, ChannelList, ChannelRef, CreateChannel, Medium, UpdateChannel};
use crate::db::events::{self, Event};
use crate::db::schema::{channels, contact_channels, conversations};
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::http::version::IfMatch;
use crate::ids::{ChannelId, OrganizationId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = channels, check_for_backend(diesel::pg::Pg))]
struct ChannelRow {
    id: ChannelId,
    name: String,
    medium: Medium,
    settings: Value,
    archived_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<ChannelRow> for Channel {
    fn from(row: ChannelRow) -> Self {
        let ChannelRow { id, name, medium, settings, archived_at, version, created_at, updated_at } = row;
        Self { id, name, medium, settings, archived_at, created_at, updated_at, version }
    }
}

/// Selected as its id, name and medium.
impl Queryable<(Uuid, Text, Text), Pg> for ChannelRef {
    type Row = (ChannelId, String, Medium);

    fn build((id, name, medium): Self::Row) -> deserialize::Result<Self> {
        Ok(Self { id, name, medium })
    }
}

/// By name.
pub fn list_channels(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &ChannelFilter,
    page: &Page,
) -> Result<ChannelList> {
    let filtered = || {
        let mut query = channels::table.filter(channels::organization_id.eq(organization)).into_boxed();
        if !filter.medium.is_empty() {
            query = query.filter(channels::medium.eq_any(filter.medium.clone()));
        }
        match filter.archived {
            Some(true) => query.filter(channels::archived_at.is_not_null()),
            Some(false) => query.filter(channels::archived_at.is_null()),
            None => query,
        }
    };
    let mut query = filtered().select(ChannelRow::as_select()).order((channels::name, channels::id)).limit(page.rows());
    if let Some((name, id)) = page.after::<(String, ChannelId)>()? {
        query = query.filter((channels::name, channels::id).into_sql::<Record<(Text, Uuid)>>().gt((name, id)));
    }
    let mut rows: Vec<ChannelRow> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| (row.name.clone(), row.id))?;
    let count = keyset::count(conn, page, || filtered().select(channels::id))?;
    Ok(ChannelList { data: rows.into_iter().map(Channel::from).collect(), next_cursor, count })
}

pub fn get_channel(conn: &mut PgConnection, organization: OrganizationId, id: ChannelId) -> Result<Channel> {
    let row: Option<ChannelRow> =
        channels::table.find((organization, id)).select(ChannelRow::as_select()).first(conn).optional()?;
    row.map(Channel::from).ok_or_else(|| Error::not_found(Code::ChannelNotFound))
}

/// A channel through which something may come in or go out: one that isn't archived.
pub fn open_channel(conn: &mut PgConnection, organization: OrganizationId, id: ChannelId) -> Result<Channel> {
    let channel = get_channel(conn, organization, id)?;
    match channel.archived_at {
        None => Ok(channel),
        Some(_) => Err(Error::new(Code::ChannelArchived, "Nothing comes in or goes out through an archived channel.")),
    }
}

/// The ids and media of the channels with this name, in whichever organization.
pub fn channel_named(conn: &mut PgConnection, name: &str) -> Result<Vec<(OrganizationId, ChannelId, Medium)>> {
    Ok(channels::table
        .filter(channels::name.eq(name))
        .select((channels::organization_id, channels::id, channels::medium))
        .limit(10)
        .load(conn)?)
}

pub fn insert_channel(tx: &mut Tx, body: &CreateChannel) -> Result<Channel> {
    let row: ChannelRow = diesel::insert_into(channels::table)
        .values((
            channels::organization_id.eq(tx.organization),
            channels::id.eq(ChannelId::new()),
            channels::name.eq(body.name.trim()),
            channels::medium.eq(body.medium),
            channels::settings.eq(Value::Object(body.settings.clone())),
            channels::created_at.eq(tx.now),
            channels::updated_at.eq(tx.now),
        ))
        .returning(ChannelRow::as_returning())
        .get_result(tx.conn)?;
    let after = json!({ "name": row.name, "medium": row.medium, "settings": row.settings });
    events::record(tx, Event::new("channel.created", row.id.0).version(row.version).after(after))?;
    Ok(row.into())
}

pub fn update_channel(tx: &mut Tx, id: ChannelId, if_match: &IfMatch, body: &UpdateChannel) -> Result<Channel> {
    let row = lock_channel(tx, id, if_match)?;
    let name = body.name.as_deref().map_or(row.name.as_str(), str::trim).to_owned();
    let settings = body.settings.clone().map_or_else(|| row.settings.clone(), Value::Object);
    if name == row.name && settings == row.settings {
        return Ok(row.into());
    }
    let before = json!({ "name": row.name, "settings": row.settings });
    let after = json!({ "name": name, "settings": settings });
    let row: ChannelRow = diesel::update(channels::table.find((tx.organization, id)))
        .set((
            channels::name.eq(name),
            channels::settings.eq(settings),
            channels::version.eq(row.version + 1),
            channels::updated_at.eq(tx.now),
        ))
        .returning(ChannelRow::as_returning())
        .get_result(tx.conn)?;
    events::record(tx, Event::new("channel.updated", id.0).version(row.version).change(before, after))?;
    Ok(row.into())
}

/// Archives a channel, or opens it again; one that is so already stays as it is.
pub fn archive_channel(tx: &mut Tx, id: ChannelId, if_match: &IfMatch, archived: bool) -> Result<Channel> {
    let row = lock_channel(tx, id, if_match)?;
    if row.archived_at.is_some() == archived {
        return Ok(row.into());
    }
    let was = row.archived_at;
    let row: ChannelRow = diesel::update(channels::table.find((tx.organization, id)))
        .set((
            channels::archived_at.eq(archived.then_some(tx.now)),
            channels::version.eq(row.version + 1),
            channels::updated_at.eq(tx.now),
        ))
        .returning(ChannelRow::as_returning())
        .get_result(tx.conn)?;
    let kind = if archived { "channel.archived" } else { "channel.unarchived" };
    let (before, after) = (json!({ "archived_at": was }), json!({ "archived_at": row.archived_at }));
    events::record(tx, Event::new(kind, id.0).version(row.version).change(before, after))?;
    Ok(row.into())
}

/// Deletes a channel that was never used.
pub fn delete_channel(tx: &mut Tx, id: ChannelId, if_match: &IfMatch) -> Result<()> {
    // Locked against a conversation that begins meanwhile: its foreign key waits for this row.
    lock_channel(tx, id, if_match)?;
    let used: i64 = conversations::table
        .filter(conversations::organization_id.eq(tx.organization))
        .filter(conversations::channel_id.eq(id))
        .count()
        .get_result(tx.conn)?;
    if used > 0 {
        return Err(Error::new(Code::InUse, format!("The channel has {used} conversations; it can be archived."))
            .with("count", used));
    }
    diesel::delete(contact_channels::table)
        .filter(contact_channels::organization_id.eq(tx.organization))
        .filter(contact_channels::channel_id.eq(id))
        .execute(tx.conn)?;
    diesel::delete(channels::table.find((tx.organization, id))).execute(tx.conn)?;
    events::record(tx, Event::new("channel.deleted", id.0))
}

fn lock_channel(tx: &mut Tx, id: ChannelId, if_match: &IfMatch) -> Result<ChannelRow> {
    let row: ChannelRow = channels::table
        .find((tx.organization, id))
        .select(ChannelRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ChannelNotFound))?;
    if_match.check(tx, id.0, row.version)?;
    Ok(row)
}
