//! A conversation that became part of another answers 308 to it, on every route below it.

use diesel::prelude::*;

use super::Tx;
use super::schema::conversation_redirects;
use super::subject::Subject;
use crate::answer::Answer;
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
    let into = merged_into(tx, id)?.ok_or(error)?;
    Ok(Answer::moved(of_other(uri, into)))
}

/// The conversation that this one is today: itself, unless it became part of another. It stays that until the
/// transaction ends; 404 where there is none.
pub fn today(tx: &mut Tx, mut id: ConversationId) -> Result<ConversationId> {
    loop {
        match Subject::Conversation(id).hold(tx) {
            Err(error) if error.code() == Code::ConversationNotFound => {
                // It may become part of another while this waits, and that one of a third.
                id = merged_into(tx, id)?.ok_or(error)?;
            }
            held => return held.map(|_| id),
        }
    }
}

fn merged_into(tx: &mut Tx, id: ConversationId) -> Result<Option<ConversationId>> {
    Ok(conversation_redirects::table
        .find((tx.organization, id))
        .select(conversation_redirects::conversation_id)
        .first(tx.conn)
        .optional()?)
}

/// The same of another conversation. An id may be written in capitals or percent-encoded: it is found by its place.
fn of_other(uri: &str, id: ConversationId) -> String {
    const BEFORE: &str = "/conversations/";
    let (before, after) = uri.split_once(BEFORE).unwrap_or((uri, ""));
    let rest = after.trim_start_matches(|letter| !matches!(letter, '/' | '?'));
    format!("{before}{BEFORE}{id}{rest}")
}
