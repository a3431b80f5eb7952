//! Vectors that an earlier edition made are made anew.

use diesel::prelude::*;

use crate::db::schema::{conversation_subjects, conversations, messages};
use crate::db::search_vector::{self, EDITION, SearchVector, Weight};
use crate::error::Result;
use crate::ids::{ConversationId, MessageId, OrganizationId};
use crate::text::stem::Stemmer;

type StaleMessage = (OrganizationId, MessageId, Option<String>, String);

/// By which a message is found.
pub fn message_vector(
    conn: &mut PgConnection,
    organization: OrganizationId,
    subject: Option<&str>,
    body: &str,
) -> Result<SearchVector> {
    Ok(vector_of_message(organization, search_vector::stemmer(conn, organization)?, subject, body))
}

/// By which a message is found, in an organization with this language.
pub fn vector_of_message(
    organization: OrganizationId,
    stemmer: Stemmer,
    subject: Option<&str>,
    body: &str,
) -> SearchVector {
    SearchVector::new(organization, stemmer).with(subject.unwrap_or_default(), Weight::Title).with_body(body)
}

/// By which a conversation is found beside its messages.
pub fn subject_vector(conn: &mut PgConnection, organization: OrganizationId, subject: &str) -> Result<SearchVector> {
    Ok(SearchVector::new(organization, search_vector::stemmer(conn, organization)?).with(subject, Weight::Title))
}

/// Up to `limit` messages, locked for nobody else to do the same; says how many there were.
pub fn reindex_messages(conn: &mut PgConnection, limit: i64) -> Result<usize> {
    let stale: Vec<StaleMessage> = messages::table
        .filter(messages::search_edition.lt(EDITION))
        .select((messages::organization_id, messages::id, messages::subject, messages::body))
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .load(conn)?;
    for (organization, id, subject, body) in &stale {
        let search = message_vector(conn, *organization, subject.as_deref(), body)?;
        diesel::update(messages::table.find((organization, id)))
            .set((messages::search.eq(search), messages::search_edition.eq(EDITION)))
            .execute(conn)?;
    }
    Ok(stale.len())
}

/// As [`reindex_messages`], of the subjects of conversations.
pub fn reindex_subjects(conn: &mut PgConnection, limit: i64) -> Result<usize> {
    let stale: Vec<(OrganizationId, ConversationId)> = conversation_subjects::table
        .filter(conversation_subjects::search_edition.lt(EDITION))
        .select((conversation_subjects::organization_id, conversation_subjects::conversation_id))
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .load(conn)?;
    for key in stale.iter().copied() {
        let subject: Option<String> = conversations::table.find(key).select(conversations::subject).first(conn)?;
        let search = subject_vector(conn, key.0, subject.as_deref().unwrap_or_default())?;
        diesel::update(conversation_subjects::table.find(key))
            .set((conversation_subjects::search.eq(search), conversation_subjects::search_edition.eq(EDITION)))
            .execute(conn)?;
    }
    Ok(stale.len())
}
