//! The locks by which batches keep out of each other's way.

use uuid::Uuid;

use crate::db::{Tx, advisory};
use crate::error::Result;

/// Lets the organization's batches run beside each other, or this one `alone`, until the transaction ends.
///
/// Those that write the same ones of `ids` come one after the other.
pub fn lock_batches(tx: &mut Tx, alone: bool, ids: impl IntoIterator<Item = Uuid>) -> Result<()> {
    advisory::lock(tx, tx.organization.0, alone)?;
    advisory::lock_all(tx, ids)
}
