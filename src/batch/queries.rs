//! All Diesel of batches: the lock that they share.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::db::Tx;
use crate::db::types::Void;
use crate::error::Result;

#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_advisory_xact_lock(key: BigInt) -> Void;
    fn pg_advisory_xact_lock_shared(key: BigInt) -> Void;
}

/// Lets the organization's batches run beside each other, or this one `alone`, until the transaction ends.
pub fn lock_batches(tx: &mut Tx, alone: bool) -> Result<()> {
    // The random half of the id. That it is another lock's key too costs time only.
    let key = tx.organization.0.as_u64_pair().1.cast_signed();
    if alone {
        diesel::select(pg_advisory_xact_lock(key)).execute(tx.conn)?;
    } else {
        diesel::select(pg_advisory_xact_lock_shared(key)).execute(tx.conn)?;
    }
    Ok(())
}
