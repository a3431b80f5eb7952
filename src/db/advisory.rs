//! PostgreSQL's advisory locks, for what has no row to lock: held until the transaction or its savepoint ends.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use uuid::Uuid;

use super::Tx;
use super::types::Void;
use crate::error::Result;

#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_advisory_xact_lock(key: BigInt) -> Void;
    fn pg_advisory_xact_lock_shared(key: BigInt) -> Void;
}

/// Has the lock of this id `alone`, or shares it with others; waits for who has it otherwise.
pub fn lock(tx: &mut Tx, id: Uuid, alone: bool) -> Result<()> {
    // The random half of the id. That another lock has the same key costs time only.
    let key = id.as_u64_pair().1.cast_signed();
    if alone {
        diesel::select(pg_advisory_xact_lock(key)).execute(tx.conn)?;
    } else {
        diesel::select(pg_advisory_xact_lock_shared(key)).execute(tx.conn)?;
    }
    Ok(())
}

/// Has a lock of each of these ids, other than that of [`lock`], in an order that is the same for everyone.
pub fn lock_all(tx: &mut Tx, ids: impl IntoIterator<Item = Uuid>) -> Result<()> {
    let mut keys: Vec<i64> = ids.into_iter().map(|id| !id.as_u64_pair().1.cast_signed()).collect();
    keys.sort_unstable();
    keys.dedup();
    if !keys.is_empty() {
        diesel::sql_query("SELECT pg_advisory_xact_lock(key) FROM unnest($1) AS listed (key)")
            .bind::<Array<BigInt>, _>(keys)
            .execute(tx.conn)?;
    }
    Ok(())
}
