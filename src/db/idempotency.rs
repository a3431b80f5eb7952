//! A write that is sent twice is done once.
//!
//! The key is claimed, the work done and the answer kept in one transaction, so a crash in between leaves none of
//! them. A second request with the key waits on the first one's row and then finds its answer.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::Tx;
use super::schema::idempotency_keys;
use crate::answer::{Answer, Retry};
use crate::error::{Code, Error, Result};

/// How long an answer is kept, in hours.
pub const KEPT_HOURS: i64 = 24;

type Kept = (Vec<u8>, Option<i16>, Option<String>, Option<String>, Option<i32>, DateTime<Utc>);

/// Claims the key for this transaction, or finds the answer that was given before.
pub fn claim(tx: &mut Tx, caller_id: Uuid, key: &str, retry: &Retry) -> Result<Option<Answer>> {
    let claimed = diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::organization_id.eq(tx.organization),
            idempotency_keys::caller_id.eq(caller_id),
            idempotency_keys::key.eq(key),
            idempotency_keys::fingerprint.eq(&retry.fingerprint),
            idempotency_keys::created_at.eq(tx.now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    if claimed == 1 {
        return Ok(None);
    }
    let row = idempotency_keys::table.find((tx.organization, caller_id, key));
    let (fingerprint, status, body, location, version, created_at): Kept = row
        .select((
            idempotency_keys::fingerprint,
            idempotency_keys::status,
            idempotency_keys::body,
            idempotency_keys::location,
            idempotency_keys::version,
            idempotency_keys::created_at,
        ))
        .for_update()
        .first(tx.conn)?;
    if created_at < tx.now - Duration::hours(KEPT_HOURS) {
        diesel::update(row)
            .set((idempotency_keys::fingerprint.eq(&retry.fingerprint), idempotency_keys::created_at.eq(tx.now)))
            .execute(tx.conn)?;
        return Ok(None);
    }
    if fingerprint != retry.fingerprint {
        return Err(Error::new(
            Code::IdempotencyKeyReused,
            "This Idempotency-Key came with another method, route or body before.",
        ));
    }
    let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(204);
    Ok(Some(Answer::replay(status, body, location, version)))
}

/// Keeps the answer with the key that this transaction claimed.
pub fn keep(tx: &mut Tx, caller_id: Uuid, key: &str, answer: &Answer) -> Result<()> {
    diesel::update(idempotency_keys::table.find((tx.organization, caller_id, key)))
        .set((
            idempotency_keys::status.eq(i16::try_from(answer.status).map_err(Error::internal)?),
            idempotency_keys::body.eq(answer.body_to_keep()?),
            idempotency_keys::location.eq(&answer.location),
            idempotency_keys::version.eq(answer.version),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Gives up the key that this transaction claimed.
pub fn release(tx: &mut Tx, caller_id: Uuid, key: &str) -> Result<()> {
    diesel::delete(idempotency_keys::table.find((tx.organization, caller_id, key))).execute(tx.conn)?;
    Ok(())
}

/// Deletes a bounded number of keys that are too old to be answered. Says how many.
pub fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<usize> {
    let old = idempotency_keys::table
        .filter(idempotency_keys::created_at.lt(now - Duration::hours(KEPT_HOURS)))
        .select((idempotency_keys::organization_id, idempotency_keys::caller_id, idempotency_keys::key))
        .limit(1000)
        .load::<(crate::ids::OrganizationId, Uuid, String)>(conn)?;
    let mut swept = 0;
    for (organization, caller_id, key) in old {
        swept += diesel::delete(idempotency_keys::table.find((organization, caller_id, key)))
            .filter(idempotency_keys::created_at.lt(now - Duration::hours(KEPT_HOURS)))
            .execute(conn)?;
    }
    Ok(swept)
}
