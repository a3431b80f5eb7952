//! The rows of bytes in the storage, and which of them nothing uses any more.
//!
//! A row is there before its bytes are ([`reserve_blobs`]), and its bytes are removed under its lock
//! ([`remove_unused_blobs`]): so whoever is about to write the same bytes waits, and finds that they are gone.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::upsert::excluded;
use serde_json::json;

use crate::attachments::store::Blob;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::schema::{attachments, blobs, messages};
use crate::error::Result;
use crate::ids::{AttachmentId, OrganizationId};

/// Says that these bytes are about to be written: until something uses them they are unused, and kept for a day.
pub fn reserve_blobs(tx: &mut Tx, about_to_be: &[Blob]) -> Result<()> {
    // Should it be lost with the server's power, then so is what was to use them.
    diesel::sql_query("SET LOCAL synchronous_commit = off").execute(tx.conn)?;
    for blob in in_order(about_to_be.iter()) {
        write_row(tx, blob, Some(tx.now))?;
    }
    Ok(())
}

/// Keeps the row of a blob that is in the store, for what uses it in this transaction.
pub fn keep_blob(tx: &mut Tx, blob: &Blob) -> Result<()> {
    write_row(tx, blob, None)
}

fn write_row(tx: &mut Tx, blob: &Blob, unused_since: Option<DateTime<Utc>>) -> Result<()> {
    if is_in_use(tx, blob)? {
        return Ok(());
    }
    let insert = diesel::insert_into(blobs::table)
        .values((
            blobs::organization_id.eq(tx.organization),
            blobs::sha256.eq(&blob.sha256),
            blobs::byte_size.eq(blob.byte_size),
            blobs::created_at.eq(tx.now),
            blobs::unused_since.eq(unused_since),
        ))
        .on_conflict((blobs::organization_id, blobs::sha256))
        .do_update()
        .set(blobs::unused_since.eq(excluded(blobs::unused_since)));
    diesel::query_dsl::methods::FilterDsl::filter(insert, blobs::unused_since.is_not_null()).execute(tx.conn)?;
    Ok(())
}

/// Then there is nothing to write, and no message waits for another with the same logo. Should its last file be removed
/// just now, a day is left.
fn is_in_use(tx: &mut Tx, blob: &Blob) -> Result<bool> {
    let unused_since: Option<Option<DateTime<Utc>>> =
        blobs::table.find((tx.organization, &blob.sha256)).select(blobs::unused_since).first(tx.conn).optional()?;
    Ok(unused_since == Some(None))
}

/// Each once and in one order, so that two transactions with the same files don't wait for each other.
pub fn in_order<'a>(all: impl Iterator<Item = &'a Blob>) -> Vec<&'a Blob> {
    let mut all: Vec<&Blob> = all.collect();
    all.sort_by(|one, other| one.sha256.cmp(&other.sha256));
    all.dedup_by(|one, other| one.sha256 == other.sha256);
    all
}

/// Whose uploads no message named before `until`; as many as `limit` of them tell.
pub fn owners_of_unsent(conn: &mut PgConnection, until: DateTime<Utc>, limit: i64) -> Result<Vec<OrganizationId>> {
    let mut owners: Vec<OrganizationId> = attachments::table
        .filter(attachments::message_id.is_null())
        .filter(attachments::created_at.lt(until))
        .order(attachments::created_at)
        .limit(limit)
        .select(attachments::organization_id)
        .load(conn)?;
    owners.sort();
    owners.dedup();
    Ok(owners)
}

/// Removes uploads that no message named before `until`, and says how many; their bytes, if nothing else has them, are
/// unused from now on. A message that takes one just now goes first.
pub fn remove_unsent(tx: &mut Tx, until: DateTime<Utc>, limit: i64) -> Result<usize> {
    let unsent: Vec<(AttachmentId, Vec<u8>, String)> = attachments::table
        .filter(attachments::organization_id.eq(tx.organization))
        .filter(attachments::message_id.is_null())
        .filter(attachments::created_at.lt(until))
        .order(attachments::created_at)
        .limit(limit)
        .select((attachments::id, attachments::sha256, attachments::filename))
        .for_update()
        .skip_locked()
        .load(tx.conn)?;
    diesel::delete(attachments::table)
        .filter(attachments::organization_id.eq(tx.organization))
        .filter(attachments::id.eq_any(unsent.iter().map(|(id, ..)| *id)))
        .execute(tx.conn)?;
    for (id, _, filename) in &unsent {
        events::record(tx, Event::new("attachment.deleted", id.0).before(json!({ "filename": filename })))?;
    }
    let mut bytes: Vec<&[u8]> = unsent.iter().map(|(_, sha256, _)| sha256.as_slice()).collect();
    bytes.sort_unstable();
    bytes.dedup();
    for sha256 in bytes {
        let blob = blobs::table.find((tx.organization, sha256));
        diesel::update(blob.filter(is_unused())).set(blobs::unused_since.eq(tx.now)).execute(tx.conn)?;
    }
    Ok(unsent.len())
}

/// Removes blobs that nothing has used since `until`: the bytes by `remove`, then the row. Says how many rows it saw.
///
/// The row is locked meanwhile. Should this end between the two, the row is still there, and the next one goes on.
pub fn remove_unused_blobs(
    conn: &mut PgConnection,
    until: DateTime<Utc>,
    limit: i64,
    remove: impl Fn(OrganizationId, &[u8]) -> Result<()>,
) -> Result<usize> {
    let unused: Vec<(OrganizationId, Vec<u8>)> = blobs::table
        .filter(blobs::unused_since.lt(until))
        .order(blobs::unused_since)
        .limit(limit)
        .select((blobs::organization_id, blobs::sha256))
        .for_update()
        .skip_locked()
        .load(conn)?;
    for (organization, sha256) in &unused {
        let blob = blobs::table.find((*organization, sha256));
        let deleted = diesel::delete(blob.filter(is_unused())).execute(conn)?;
        if deleted > 0 {
            remove(*organization, sha256)?;
        } else {
            // Something that had begun before has it.
            diesel::update(blob).set(blobs::unused_since.eq(None::<DateTime<Utc>>)).execute(conn)?;
        }
    }
    Ok(unused.len())
}

#[diesel::dsl::auto_type]
fn is_unused() -> _ {
    let of_attachments = attachments::table
        .filter(attachments::organization_id.eq(blobs::organization_id))
        .filter(attachments::sha256.eq(blobs::sha256));
    let of_messages = messages::table
        .filter(messages::organization_id.eq(blobs::organization_id))
        .filter(messages::raw_sha256.eq(blobs::sha256.nullable()));
    not(exists(of_attachments)).and(not(exists(of_messages)))
}
