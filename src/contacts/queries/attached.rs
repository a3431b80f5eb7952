//! Where contacts are attached stays so while others rely on it.
//!
//! A message tells the profiles of all who take part, and an attached contact brings its messages along: each must see
//! what the other did. The contacts themselves can't be locked for that, since who writes has locked its conversation by
//! then. So there is a lock beside each contact, which is taken after contacts and conversations, in the order of ids.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};

use crate::db::Tx;
use crate::db::advisory::{pg_advisory_xact_lock, pg_advisory_xact_lock_shared};
use crate::db::schema::{contacts, conversation_participants};
use crate::error::Result;
use crate::ids::{ContactId, ConversationId};

#[diesel::declare_sql_function]
extern "SQL" {
    /// That another lock has the same key costs time only.
    fn uuid_hash_extended(id: SqlUuid, seed: BigInt) -> BigInt;
}

/// Nobody attaches or detaches these locked contacts, or tells their profiles of a message, until the transaction ends.
pub fn lock_attached(tx: &mut Tx, ids: &[ContactId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    contacts::table
        .filter(contacts::organization_id.eq(tx.organization))
        .filter(contacts::id.eq_any(ids))
        .order(contacts::id)
        .select(pg_advisory_xact_lock(uuid_hash_extended(contacts::id, 0)))
        .execute(tx.conn)?;
    Ok(())
}

/// Nobody attaches or detaches who takes part in a locked conversation, until the transaction ends.
pub fn hold_attached(tx: &mut Tx, conversation: ConversationId) -> Result<()> {
    let contact = conversation_participants::contact_id;
    conversation_participants::table
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::conversation_id.eq(conversation))
        .order(contact)
        .select(pg_advisory_xact_lock_shared(uuid_hash_extended(contact, 0)))
        .execute(tx.conn)?;
    Ok(())
}
