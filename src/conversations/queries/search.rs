//! Words sought in conversations: in what is said, in what they are called, and in who takes part.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Text, Uuid};

use super::list::{Filtered, page_of};
use super::people::People;
use crate::db::newest::{self, Source};
use crate::db::schema::conversations;
use crate::error::Result;
use crate::ids::{ConversationId, OrganizationId};
use crate::search_query::SearchQuery;

/// How many conversations may be looked at for a page.
const MOST: usize = 2000;

/// By which conversations are sorted.
pub type Key = (DateTime<Utc>, ConversationId);

/// Filtered conversations in which words are sought.
pub struct Searched<'q, F> {
    pub organization: OrganizationId,
    pub query: &'q SearchQuery,
    pub people: People,
    /// All of them, or of these.
    pub filtered: F,
}

impl<'a, F: Fn() -> Filtered<'a>> Searched<'_, F> {
    /// By the indexes of words, all that have them.
    pub fn found(&self, conn: &mut PgConnection) -> Result<Vec<ConversationId>> {
        let mut found = self.people.all(conn)?;
        let saying: Vec<ConversationId> = Found::new(self.organization, self.query).load(conn)?;
        found.extend(saying);
        Ok(found)
    }
}

impl<'a, F: Fn() -> Filtered<'a>> Source for Searched<'_, F> {
    type Key = Key;

    fn next(&self, conn: &mut PgConnection, after: Option<Key>, step: i64) -> Result<(Vec<Key>, bool)> {
        let keys = page_of(conn, (self.filtered)(), after, step)?;
        let is_end = i64::try_from(keys.len()).unwrap_or(i64::MAX) < step;
        Ok((keys, is_end))
    }

    fn having(&self, conn: &mut PgConnection, keys: Vec<Key>) -> Result<Vec<Key>> {
        let ids: Vec<ConversationId> = keys.iter().map(|(_, id)| *id).collect();
        let mut having = having_words(conn, self.organization, &ids, self.query)?;
        having.extend(self.people.having(conn, &ids)?);
        Ok(keys.into_iter().filter(|(_, id)| having.contains(id)).collect())
    }

    fn is_rare(&self, conn: &mut PgConnection) -> Result<bool> {
        Ok(are_rare_words(conn, self.organization, self.query)? && self.people.few(conn)?.is_some())
    }

    fn looked_up(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
        let ids = self.found(conn)?;
        page_of(conn, (self.filtered)().filter(conversations::id.eq_any(ids)), after, limit)
    }

    fn most(&self) -> usize {
        MOST
    }
}

/// Where the words of a conversation are.
const TEXTS: [&str; 2] = ["messages", "conversation_subjects"];

/// Those of these conversations whose subject, or one of whose messages, has all that is sought.
pub fn having_words(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ConversationId],
    query: &SearchQuery,
) -> Result<HashSet<ConversationId>> {
    let mut having = HashSet::new();
    for table in TEXTS {
        let ids = ids.iter().map(|id| id.0).collect();
        having.extend(newest::having(conn, organization, table, "conversation_id", ids, query)?);
    }
    Ok(having.into_iter().map(ConversationId).collect())
}

/// Whether the index of words finds all that have them in a few steps.
pub fn are_rare_words(conn: &mut PgConnection, organization: OrganizationId, query: &SearchQuery) -> Result<bool> {
    for table in TEXTS {
        if !newest::is_rare(conn, organization, table, query)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every conversation that the index of words finds, once, in no order.
#[derive(Debug, Clone, QueryId)]
pub struct Found {
    organization: OrganizationId,
    tsquery: String,
}

impl Found {
    pub fn new(organization: OrganizationId, query: &SearchQuery) -> Self {
        Self { organization, tsquery: newest::scoped(organization, query) }
    }
}

impl Query for Found {
    type SqlType = Uuid;
}

impl RunQueryDsl<PgConnection> for Found {}

impl QueryFragment<Pg> for Found {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (index, table) in TEXTS.into_iter().enumerate() {
            out.push_sql(if index == 0 { "" } else { " UNION " });
            out.push_sql("SELECT conversation_id FROM ");
            out.push_identifier(table)?;
            out.push_sql(" WHERE organization_id = ");
            out.push_bind_param::<Uuid, _>(&self.organization)?;
            out.push_sql(" AND search @@ ");
            out.push_bind_param::<Text, _>(&self.tsquery)?;
            out.push_sql("::tsquery");
        }
        Ok(())
    }
}
