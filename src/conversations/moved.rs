//! A conversation that became part of another answers 308 to it.

use super::queries;
use crate::answer::Answer;
use crate::db::Tx;
use crate::error::{Code, Result};
use crate::ids::ConversationId;

/// What `work` answers to the request for `uri`, a path with its query; where the conversation became part of another,
/// 308 to the same of that one.
pub fn or_moved(
    tx: &mut Tx,
    id: ConversationId,
    uri: &str,
    work: impl FnOnce(&mut Tx) -> Result<Answer>,
) -> Result<Answer> {
    let error = match work(tx) {
        Err(error) if error.code() == Code::ConversationNotFound => error,
        result => return result,
    };
    let into = queries::merged_into(tx.conn, tx.organization, id)?.ok_or(error)?;
    Ok(Answer::moved(uri.replacen(&id.to_string(), &into.to_string(), 1)))
}

/// The conversation that this one is today: itself, unless it became part of another.
pub fn today(tx: &mut Tx, id: ConversationId) -> Result<ConversationId> {
    Ok(queries::merged_into(tx.conn, tx.organization, id)?.unwrap_or(id))
}
