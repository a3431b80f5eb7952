//! A conversation that became part of another answers 308 to it, on every route below it.

use diesel::prelude::*;

use super::Tx;
use super::schema::conversation_redirects;
use super::subject::Subject;
use crate::answer::Answer;
use crate::error::{Code, Result};
use crate::http::version::IfMatch;
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

/// The same, unless the request has a condition: a version that was read of the one says nothing of the other, though it
/// may have that number too. So 412 instead of a redirect that takes the condition along.
pub fn or_moved_if(
    tx: &mut Tx,
    id: ConversationId,
    uri: &str,
    if_match: &IfMatch,
    work: impl FnOnce(&mut Tx) -> Result<Answer>,
) -> Result<Answer> {
    let answer = or_moved(tx, id, uri, work)?;
    if !answer.is_done() {
        if_match.check_moved()?;
    }
    Ok(answer)
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

/// The same of another conversation. All may be percent-encoded but the slashes: the id is found by its place, that of
/// `/v1/conversations/{id}`. A cursor belongs to the list that it came from.
fn of_other(uri: &str, id: ConversationId) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    // A proxy may be asked with the host before it.
    let before = if path.starts_with('/') { 4 } else { 6 };
    let rest = path.splitn(before + 1, '/').nth(before).map(|rest| format!("/{rest}")).unwrap_or_default();
    let is_cursor = |part: &str| url::form_urlencoded::parse(part.as_bytes()).any(|(name, _)| name == "cursor");
    let query: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && !is_cursor(part)).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    format!("/v1/conversations/{id}{rest}{query}")
}
