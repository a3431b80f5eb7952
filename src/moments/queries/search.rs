//! Words sought in a history: a conversation is found when one of its messages, or its subject, has them all.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid};

use super::super::types::{ContactMoment, MessageHit};
use super::history::{History, Key};
use crate::conversations::{self, Found};
use crate::db::newest::Source;
use crate::error::Result;
use crate::ids::{ConversationId, MessageId, OrganizationId};
use crate::search_query::SearchQuery;

/// How many conversations may be looked at for a page.
const MOST: usize = 2000;
/// How many of each contact are read at least at a time.
const LEAST_OF_EACH: i64 = 8;

pub struct Searched<'q> {
    history: History,
    query: &'q SearchQuery,
}

impl<'q> Searched<'q> {
    pub fn new(history: History, query: &'q SearchQuery) -> Self {
        Self { history, query }
    }

    /// All that the index of words finds.
    pub fn all(&self) -> History {
        let found = Some(Found::new(self.history.organization, self.query));
        History { found, limit: i64::MAX, ..self.history.clone() }
    }
}

impl Source for Searched<'_> {
    type Key = Key;

    /// Of many contacts a few of each are read. What is older than the last of one of them comes with the next step.
    fn next(&self, conn: &mut PgConnection, after: Option<Key>, step: i64) -> Result<(Vec<Key>, bool)> {
        let contacts = i64::try_from(self.history.contacts.len()).unwrap_or(i64::MAX).max(1);
        let each = (4 * step / contacts).max(LEAST_OF_EACH).min(step);
        let read = History { after, each, limit: i64::MAX, ..self.history.clone() }.load_marked(conn)?;
        let last = read.iter().position(|(.., is_last)| *is_last);
        let wanted = usize::try_from(step).unwrap_or(usize::MAX);
        let complete = last.map_or(read.len(), |last| last + 1).min(wanted);
        let is_end = complete == read.len() && last.is_none();
        Ok((read.into_iter().take(complete).map(|(at, id, _)| (at, id)).collect(), is_end))
    }

    fn having(&self, conn: &mut PgConnection, keys: Vec<Key>) -> Result<Vec<Key>> {
        let ids: Vec<ConversationId> = keys.iter().map(|(_, id)| *id).collect();
        let having = conversations::having_words(conn, self.history.organization, &ids, self.query)?;
        Ok(keys.into_iter().filter(|(_, id)| having.contains(id)).collect())
    }

    fn is_rare(&self, conn: &mut PgConnection) -> Result<bool> {
        conversations::are_rare_words(conn, self.history.organization, self.query)
    }

    fn looked_up(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
        History { after, limit, ..self.all() }.load(conn)
    }

    fn most(&self) -> usize {
        MOST
    }
}

/// The best three messages of each conversation that match, and how many do.
#[derive(Debug, QueryId)]
struct Hits {
    organization: OrganizationId,
    conversations: Vec<ConversationId>,
    tsquery: String,
}

type HitRow = (ConversationId, MessageId, DateTime<Utc>, Option<String>, String, i64);

impl Query for Hits {
    type SqlType = (Uuid, Uuid, Timestamptz, diesel::sql_types::Nullable<Text>, Text, BigInt);
}

impl RunQueryDsl<PgConnection> for Hits {}

impl QueryFragment<Pg> for Hits {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT messages.conversation_id, messages.id, messages.occurred_at, messages.subject, messages.body, \
             ranked.total FROM (SELECT conversation_id, id, count(*) OVER (PARTITION BY conversation_id) AS total, \
             row_number() OVER (PARTITION BY conversation_id ORDER BY ts_rank(search, ",
        );
        out.push_bind_param::<Text, _>(&self.tsquery)?;
        out.push_sql("::tsquery) DESC, occurred_at DESC, id DESC) AS place FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.conversations)?;
        // `OFFSET 0` holds the planner to the conversations: it might go through all that have a common word.
        out.push_sql(
            ") AS wanted (conversation) CROSS JOIN LATERAL (SELECT conversation_id, id, occurred_at, search \
             FROM messages WHERE conversation_id = wanted.conversation AND organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" OFFSET 0) AS said WHERE search @@ ");
        out.push_bind_param::<Text, _>(&self.tsquery)?;
        out.push_sql("::tsquery) AS ranked JOIN messages ON messages.organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND messages.id = ranked.id WHERE ranked.place <= 3 ORDER BY ranked.place");
        Ok(())
    }
}

pub fn add_hits(
    conn: &mut PgConnection,
    organization: OrganizationId,
    query: &SearchQuery,
    moments: &mut [ContactMoment],
) -> Result<()> {
    let conversations = moments.iter().map(|moment| moment.conversation_id).collect();
    let rows: Vec<HitRow> = Hits { organization, conversations, tsquery: query.tsquery() }.load(conn)?;
    for moment in moments {
        let of_moment = rows.iter().filter(|(conversation, ..)| *conversation == moment.conversation_id);
        let hits: Vec<MessageHit> = of_moment
            .clone()
            .map(|(_, message_id, occurred_at, subject, body, _)| {
                let text = match subject {
                    Some(subject) => format!("{subject} — {body}"),
                    None => body.clone(),
                };
                MessageHit { message_id: *message_id, occurred_at: *occurred_at, snippet: query.snippet(&text) }
            })
            .collect();
        moment.hit_count = of_moment.map(|(.., total)| *total).next();
        // Where no message was found, the subject was.
        let subject = moment.subject.as_deref().unwrap_or_default();
        moment.snippet = Some(hits.first().map_or_else(|| query.snippet(subject), |hit| hit.snippet.clone()));
        moment.hits = Some(hits);
    }
    Ok(())
}
