//! Which images have a thumbnail, and which wait for theirs.

use chrono::{Duration, Utc};
use diesel::prelude::*;

use crate::attachments::store::Blob;
use crate::attachments::thumbnail;
use crate::attachments::types::ThumbnailStatus;
use crate::db::Tx;
use crate::db::schema::{blobs, thumbnails};
use crate::error::Result;
use crate::ids::OrganizationId;

/// Attempts at one image: the storage may be away for a while, but what ends the process is not tried for ever.
const ATTEMPTS: i32 = 4;
/// An attempt is given up after this; each further one waits six times as long.
const ATTEMPT: Duration = Duration::minutes(10);

/// An image whose thumbnail is to be made now.
pub struct Pending {
    pub organization: OrganizationId,
    pub sha256: Vec<u8>,
    pub byte_size: i64,
}

/// A thumbnail that is in the store.
pub struct ThumbnailRow {
    pub content_type: String,
    pub byte_size: i64,
}

/// Asks for the thumbnails of those that are images, once for the same bytes.
pub fn want_thumbnails(tx: &mut Tx, of: &[&Blob]) -> Result<()> {
    let is_image = |blob: &&&Blob| blob.is_picture() && blob.byte_size <= thumbnail::MAX_SOURCE_BYTES;
    let rows = of.iter().filter(is_image).map(|blob| {
        (
            thumbnails::organization_id.eq(tx.organization),
            thumbnails::sha256.eq(&blob.sha256),
            thumbnails::next_attempt_at.eq(tx.now),
        )
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        diesel::insert_into(thumbnails::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    }
    Ok(())
}

/// Takes the image that has waited longest, and counts the attempt; nobody else takes it meanwhile.
pub fn take_pending(conn: &mut PgConnection) -> Result<Option<Pending>> {
    let now = Utc::now();
    let longest: Option<(OrganizationId, Vec<u8>, i32)> = thumbnails::table
        .filter(thumbnails::status.eq(ThumbnailStatus::Pending))
        .filter(thumbnails::next_attempt_at.le(now))
        .order(thumbnails::next_attempt_at)
        .select((thumbnails::organization_id, thumbnails::sha256, thumbnails::attempts))
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some((organization, sha256, attempts)) = longest else { return Ok(None) };
    let byte_size = blobs::table.find((organization, &sha256)).select(blobs::byte_size).first(conn)?;
    let (status, wait) = match attempts {
        0..ATTEMPTS => (ThumbnailStatus::Pending, ATTEMPT * 6_i32.pow(attempts.unsigned_abs())),
        _ => (ThumbnailStatus::Impossible, ATTEMPT),
    };
    diesel::update(thumbnails::table.find((organization, &sha256)))
        .set((
            thumbnails::status.eq(status),
            thumbnails::attempts.eq(attempts + 1),
            thumbnails::next_attempt_at.eq(now + wait),
        ))
        .execute(conn)?;
    Ok(Some(Pending { organization, sha256, byte_size }).filter(|_| status == ThumbnailStatus::Pending))
}

/// Keeps what became of it: a thumbnail, or none for good. False when the image is gone.
pub fn settle_thumbnail(conn: &mut PgConnection, pending: &Pending, made: Option<&ThumbnailRow>) -> Result<bool> {
    let status = if made.is_some() { ThumbnailStatus::Made } else { ThumbnailStatus::Impossible };
    let settled = diesel::update(thumbnails::table.find((pending.organization, &pending.sha256)))
        .set((
            thumbnails::status.eq(status),
            thumbnails::content_type.eq(made.map(|made| &made.content_type)),
            thumbnails::byte_size.eq(made.map(|made| made.byte_size)),
        ))
        .execute(conn)?;
    Ok(settled > 0)
}

pub fn thumbnail_row(
    conn: &mut PgConnection,
    organization: OrganizationId,
    image: &[u8],
) -> Result<Option<ThumbnailRow>> {
    let found: Option<(Option<String>, Option<i64>)> = thumbnails::table
        .find((organization, image))
        .select((thumbnails::content_type, thumbnails::byte_size))
        .first(conn)
        .optional()?;
    Ok(found.and_then(|(content_type, byte_size)| {
        Some(ThumbnailRow { content_type: content_type?, byte_size: byte_size? })
    }))
}
