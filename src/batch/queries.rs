//! The lock that batches share.

use crate::db::{Tx, advisory};
use crate::error::Result;

/// Lets the organization's batches run beside each other, or this one `alone`, until the transaction ends.
pub fn lock_batches(tx: &mut Tx, alone: bool) -> Result<()> {
    advisory::lock(tx, tx.organization.0, alone)
}
