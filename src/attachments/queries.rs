//! All Diesel of attachments and blobs.

mod blobs;
mod gallery;
mod occurrences;
mod reindex;
mod thumbnails;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::links::Links;
use super::store::{Blob, hex};
use super::types::{Attachment, AttachmentKind, ThumbnailStatus, Variant};
use super::{content_type, filename};
use crate::actor::ActorType;
use crate::channels::{ChannelRef, Direction};
use crate::contacts::ContactRef;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::schema::{attachments, channels, contacts, thumbnails as thumbnail_table};
use crate::db::search_vector::{self, EDITION, SearchVector};
use crate::error::{Code, Error, FieldCode, FieldError, Result};
use crate::ids::{AttachmentId, ChannelId, ContactId, ConversationId, MessageId, OrganizationId};
use crate::text::stem::Stemmer;

pub use blobs::{in_order, keep_blob, owners_of_unsent, remove_unsent, remove_unused_blobs, reserve_blobs};
pub use gallery::{first_attachments, list_attachments};
pub use occurrences::list_occurrences;
pub use reindex::reindex_attachments;
pub use thumbnails::{Pending, ThumbnailRow, settle_thumbnail, take_pending, thumbnail_row};

/// A file whose bytes are in the store.
#[derive(Debug, Clone)]
pub struct File {
    pub filename: String,
    /// As its sender says.
    pub content_type: Option<String>,
    /// By which an HTML mail refers to it.
    pub content_id: Option<String>,
    /// An image in a mail's text rather than a file that was sent.
    pub inline: bool,
    pub blob: Blob,
}

/// The message with which files are exchanged.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub message: MessageId,
    pub conversation: ConversationId,
    pub contact: ContactId,
    pub channel: ChannelId,
    pub direction: Direction,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = attachments, check_for_backend(diesel::pg::Pg))]
pub struct AttachmentRow {
    pub id: AttachmentId,
    pub sha256: Vec<u8>,
    pub filename: String,
    pub content_type: String,
    pub byte_size: i64,
    pub kind: AttachmentKind,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub content_id: Option<String>,
    pub inline: bool,
    pub message_id: Option<MessageId>,
    pub conversation_id: Option<ConversationId>,
    pub contact_id: Option<ContactId>,
    pub channel_id: Option<ChannelId>,
    pub direction: Option<Direction>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = attachments)]
struct NewAttachment<'a> {
    organization_id: OrganizationId,
    id: AttachmentId,
    sha256: &'a [u8],
    filename: String,
    content_type: String,
    byte_size: i64,
    kind: AttachmentKind,
    width: Option<i32>,
    height: Option<i32>,
    content_id: Option<&'a str>,
    inline: bool,
    message_id: Option<MessageId>,
    conversation_id: Option<ConversationId>,
    contact_id: Option<ContactId>,
    channel_id: Option<ChannelId>,
    direction: Option<Direction>,
    position: i32,
    occurred_at: Option<DateTime<Utc>>,
    created_by_type: ActorType,
    created_by_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    search: SearchVector,
    search_edition: i16,
}

/// Rows of one INSERT: PostgreSQL takes 65,535 values.
const ROWS_AT_A_TIME: usize = 500;

impl<'a> NewAttachment<'a> {
    fn new(tx: &Tx, stemmer: Stemmer, file: &'a File, position: i32, exchange: Option<&Exchange>) -> Self {
        let filename = filename::clean(&file.filename);
        let content_type =
            content_type::settle(file.blob.content_type.as_deref(), file.content_type.as_deref(), &filename);
        Self {
            organization_id: tx.organization,
            id: AttachmentId::new(),
            sha256: &file.blob.sha256,
            search: reindex::vector(tx.organization, stemmer, &filename),
            search_edition: EDITION,
            filename,
            kind: content_type::kind(&content_type),
            content_type,
            byte_size: file.blob.byte_size,
            width: file.blob.width,
            height: file.blob.height,
            content_id: file.content_id.as_deref(),
            inline: file.inline,
            message_id: exchange.map(|exchange| exchange.message),
            conversation_id: exchange.map(|exchange| exchange.conversation),
            contact_id: exchange.map(|exchange| exchange.contact),
            channel_id: exchange.map(|exchange| exchange.channel),
            direction: exchange.map(|exchange| exchange.direction),
            position,
            occurred_at: exchange.map(|exchange| exchange.occurred_at),
            created_by_type: tx.actor.kind,
            created_by_id: tx.actor.id,
            created_at: tx.now,
        }
    }
}

/// Keeps an uploaded file, for a message to name it.
pub fn create_attachment(tx: &mut Tx, links: &Links, file: &File) -> Result<Attachment> {
    keep_blob(tx, &file.blob)?;
    let stemmer = search_vector::stemmer(tx.conn, tx.organization)?;
    thumbnails::want_thumbnails(tx, &[&file.blob])?;
    let row: AttachmentRow = diesel::insert_into(attachments::table)
        .values(NewAttachment::new(tx, stemmer, file, 0, None))
        .returning(AttachmentRow::as_returning())
        .get_result(tx.conn)?;
    let after = json!({ "filename": row.filename, "content_type": row.content_type, "byte_size": row.byte_size });
    events::record(tx, Event::new("attachment.created", row.id.0).after(after))?;
    get_attachment(tx.conn, tx.organization, links, row.id)
}

/// Keeps the files that came with a message, whose own event tells of them.
pub fn insert_exchanged(tx: &mut Tx, exchange: &Exchange, files: &[File]) -> Result<()> {
    let blobs = in_order(files.iter().map(|file| &file.blob));
    for blob in &blobs {
        keep_blob(tx, blob)?;
    }
    if files.is_empty() {
        return Ok(());
    }
    thumbnails::want_thumbnails(tx, &blobs)?;
    let stemmer = search_vector::stemmer(tx.conn, tx.organization)?;
    let rows: Vec<NewAttachment> = files
        .iter()
        .zip(0..)
        .map(|(file, position)| NewAttachment::new(tx, stemmer, file, position, Some(exchange)))
        .collect();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<NewAttachment> = rows.by_ref().take(ROWS_AT_A_TIME).collect();
        diesel::insert_into(attachments::table).values(some).execute(tx.conn)?;
    }
    Ok(())
}

/// What uploaded files are called, in the order of `ids`.
pub fn upload_names(tx: &mut Tx, ids: &[AttachmentId]) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut names: Vec<(AttachmentId, String)> = attachments::table
        .filter(attachments::organization_id.eq(tx.organization))
        .filter(attachments::id.eq_any(ids))
        .select((attachments::id, attachments::filename))
        .load(tx.conn)?;
    names.sort_by_key(|(id, _)| ids.iter().position(|named| named == id));
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

/// Gives uploaded files to the message that names them, in its order.
pub fn adopt_uploads(tx: &mut Tx, exchange: &Exchange, ids: &[AttachmentId]) -> Result<()> {
    let uploads: HashMap<AttachmentId, Option<MessageId>> = attachments::table
        .filter(attachments::organization_id.eq(tx.organization))
        .filter(attachments::id.eq_any(ids))
        .order(attachments::id)
        .select((attachments::id, attachments::message_id))
        .for_no_key_update()
        .load::<(AttachmentId, Option<MessageId>)>(tx.conn)?
        .into_iter()
        .collect();
    let refused = ids.iter().enumerate().filter_map(|(index, id)| {
        let (code, message) = match uploads.contains_key(id) {
            false => (FieldCode::AttachmentNotFound, "is no attachment of this organization"),
            true if ids.iter().take(index).any(|earlier| earlier == id) => (FieldCode::Repeated, "is named twice"),
            true => return None,
        };
        Some(FieldError::body(format!("/attachment_ids/{index}"), code, message))
    });
    let refused: Vec<FieldError> = refused.collect();
    if !refused.is_empty() {
        return Err(Error::invalid(refused));
    }
    if let Some(id) = ids.iter().find(|id| uploads.get(id).is_some_and(Option::is_some)) {
        return Err(Error::new(Code::AttachmentSent, "An attachment belongs to one message: upload the file again.")
            .with("attachment_id", json!(id)));
    }
    for (id, position) in ids.iter().zip(0..) {
        diesel::update(attachments::table.find((tx.organization, *id)))
            .set((
                attachments::message_id.eq(exchange.message),
                attachments::conversation_id.eq(exchange.conversation),
                attachments::contact_id.eq(exchange.contact),
                attachments::channel_id.eq(exchange.channel),
                attachments::direction.eq(exchange.direction),
                attachments::position.eq(position),
                attachments::occurred_at.eq(exchange.occurred_at),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Moves the files of conversations that turned out to be part of another.
pub fn move_attachments(tx: &mut Tx, from: &[ConversationId], to: ConversationId) -> Result<()> {
    diesel::update(attachments::table)
        .filter(attachments::organization_id.eq(tx.organization))
        .filter(attachments::conversation_id.eq_any(from))
        .filter(attachments::message_id.is_not_null())
        .set(attachments::conversation_id.eq(to))
        .execute(tx.conn)?;
    Ok(())
}

pub fn attachment_row(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: AttachmentId,
) -> Result<AttachmentRow> {
    attachments::table
        .find((organization, id))
        .select(AttachmentRow::as_select())
        .first(conn)
        .optional()?
        .ok_or_else(not_found)
}

pub fn get_attachment(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    id: AttachmentId,
) -> Result<Attachment> {
    let row = exchanged(organization).filter(attachments::id.eq(id)).first(conn).optional()?;
    Ok(view(organization, links, row.ok_or_else(not_found)?))
}

/// The files of these messages, each message's in its order.
pub fn attachments_of_messages(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Attachment>>> {
    let rows: Vec<Exchanged> = exchanged(organization)
        .filter(attachments::message_id.eq_any(messages))
        .order((attachments::message_id, attachments::position, attachments::id))
        .load(conn)?;
    let mut of_messages: HashMap<MessageId, Vec<Attachment>> = HashMap::new();
    for row in rows {
        if let Some(message) = row.0.message_id {
            of_messages.entry(message).or_default().push(view(organization, links, row));
        }
    }
    Ok(of_messages)
}

/// These attachments, in whatever order.
pub fn attachments_with_ids(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    ids: &[AttachmentId],
) -> Result<Vec<Attachment>> {
    let rows: Vec<Exchanged> = exchanged(organization).filter(attachments::id.eq_any(ids)).load(conn)?;
    Ok(rows.into_iter().map(|row| view(organization, links, row)).collect())
}

/// A file, with whom and where it was exchanged, and what became of its thumbnail.
type Exchanged = (AttachmentRow, Option<ContactRef>, Option<ChannelRef>, Option<ThumbnailStatus>);

#[diesel::dsl::auto_type]
fn exchanged(organization: OrganizationId) -> _ {
    let row: AsSelect<AttachmentRow, Pg> = AttachmentRow::as_select();
    attachments::table
        .left_join(
            contacts::table.on(contacts::organization_id
                .eq(attachments::organization_id)
                .and(contacts::id.nullable().eq(attachments::contact_id))),
        )
        .left_join(
            channels::table.on(channels::organization_id
                .eq(attachments::organization_id)
                .and(channels::id.nullable().eq(attachments::channel_id))),
        )
        .left_join(
            thumbnail_table::table.on(thumbnail_table::organization_id
                .eq(attachments::organization_id)
                .and(thumbnail_table::sha256.eq(attachments::sha256))),
        )
        .filter(attachments::organization_id.eq(organization))
        .select((
            row,
            (contacts::id, contacts::name, contacts::medium, contacts::address).nullable(),
            (channels::id, channels::name, channels::medium).nullable(),
            thumbnail_table::status.nullable(),
        ))
}

fn view(organization: OrganizationId, links: &Links, (row, contact, channel, thumbnail): Exchanged) -> Attachment {
    let now = Utc::now();
    let link = links.sign(organization, row.id, Variant::Original, now);
    let thumbnail = (thumbnail == Some(ThumbnailStatus::Made))
        .then(|| links.sign(organization, row.id, Variant::Thumbnail, now).url);
    Attachment {
        id: row.id,
        filename: row.filename,
        content_type: row.content_type,
        byte_size: row.byte_size,
        sha256: hex(&row.sha256),
        kind: row.kind,
        width: row.width,
        height: row.height,
        inline: row.inline,
        content_id: row.content_id,
        created_at: row.created_at,
        url: link.url,
        thumbnail_url: thumbnail,
        url_expires_at: link.expires_at,
        message_id: row.message_id,
        conversation_id: row.conversation_id,
        contact_id: row.contact_id,
        contact,
        channel_id: row.channel_id,
        channel,
        direction: row.direction,
        occurred_at: row.occurred_at,
    }
}

fn not_found() -> Error {
    Error::not_found(Code::AttachmentNotFound)
}
