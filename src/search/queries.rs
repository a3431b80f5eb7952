//! All Diesel of search: messages, notes and attachments by their words, and what is shown of each.

use std::collections::HashMap;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Float4, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::find::hit;
use super::types::{SearchHit, SearchType};
use crate::channels::ChannelRef;
use crate::contacts::{self, ContactRef, ProfileRef};
use crate::db::newest::{self, Source};
use crate::db::schema::{attachments, channels, contacts as contact_table, conversations, messages, notes, profiles};
use crate::error::Result;
use crate::ids::{ChannelId, ContactId, ConversationId, MessageId, OrganizationId, ProfileId};
use crate::search_query::SearchQuery;

/// How many entries may be looked at for a page.
const MOST: usize = 20_000;

/// By which entries are sorted.
pub type Key = (DateTime<Utc>, Uuid);

/// A table of texts.
#[derive(Debug, Clone, Copy)]
struct Texts {
    table: &'static str,
    /// By which it is sorted.
    at: &'static str,
    /// What of it is there to be found.
    only: &'static str,
}

const MESSAGES: Texts = Texts { table: "messages", at: "occurred_at", only: "" };
const ATTACHMENTS: Texts = Texts { table: "attachments", at: "occurred_at", only: " AND message_id IS NOT NULL" };
const NOTES: Texts = Texts {
    table: "notes",
    at: "created_at",
    only: " AND (profile_id IS NULL OR EXISTS (SELECT FROM profiles WHERE profiles.deleted_at IS NULL \
        AND profiles.organization_id = notes.organization_id AND profiles.id = notes.profile_id))",
};

/// The texts of an organization, in which words are sought.
pub struct Searched<'q> {
    texts: Texts,
    organization: OrganizationId,
    query: &'q SearchQuery,
}

impl<'q> Searched<'q> {
    pub fn new(kind: SearchType, organization: OrganizationId, query: &'q SearchQuery) -> Self {
        let texts = match kind {
            SearchType::Note => NOTES,
            SearchType::Attachment => ATTACHMENTS,
            _ => MESSAGES,
        };
        Self { texts, organization, query }
    }

    /// How well each fits that is still there and has the words.
    pub fn ranks(&self, conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, f32>> {
        let rank = Ask::Rank(ids.to_vec(), self.query.whole().tsquery());
        let ranks: Vec<(Uuid, f32)> = self.ask::<(SqlUuid, Float4)>(rank, self.query.tsquery()).load(conn)?;
        Ok(ranks.into_iter().collect())
    }

    fn ask<ST>(&self, what: Ask, tsquery: String) -> Asked<ST> {
        Asked { texts: self.texts, organization: self.organization, tsquery, what, columns: PhantomData }
    }

    fn scoped(&self) -> String {
        newest::scoped(self.organization, self.query)
    }
}

impl Source for Searched<'_> {
    type Key = Key;

    fn next(&self, conn: &mut PgConnection, after: Option<Key>, step: i64) -> Result<(Vec<Key>, bool)> {
        let keys: Vec<Key> = self.ask::<(Timestamptz, SqlUuid)>(Ask::Next(after, step), String::new()).load(conn)?;
        let is_end = i64::try_from(keys.len()).unwrap_or(i64::MAX) < step;
        Ok((keys, is_end))
    }

    fn having(&self, conn: &mut PgConnection, keys: Vec<Key>) -> Result<Vec<Key>> {
        let ids = keys.iter().map(|(_, id)| *id).collect();
        let having = newest::having(conn, self.organization, self.texts.table, "id", ids, self.query)?;
        Ok(keys.into_iter().filter(|(_, id)| having.contains(id)).collect())
    }

    fn is_rare(&self, conn: &mut PgConnection) -> Result<bool> {
        newest::is_rare(conn, self.organization, self.texts.table, self.query)
    }

    fn looked_up(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
        Ok(self.ask::<(Timestamptz, SqlUuid)>(Ask::LookedUp(after, limit), self.scoped()).load(conn)?)
    }

    fn most(&self) -> usize {
        MOST
    }
}

enum Ask {
    Next(Option<Key>, i64),
    LookedUp(Option<Key>, i64),
    /// Of these, where the last word as it is typed goes before others that begin so.
    Rank(Vec<Uuid>, String),
}

struct Asked<ST> {
    texts: Texts,
    organization: OrganizationId,
    tsquery: String,
    what: Ask,
    columns: PhantomData<ST>,
}

/// Prepared by its text.
impl<ST> QueryId for Asked<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Asked<ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<PgConnection> for Asked<ST> {}

impl<ST> QueryFragment<Pg> for Asked<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Texts { table, at, only } = self.texts;
        match &self.what {
            Ask::Next(after, limit) => {
                out.push_sql(&format!("SELECT {at}, id FROM {table} WHERE organization_id = "));
                out.push_bind_param::<SqlUuid, _>(&self.organization)?;
                out.push_sql(only);
                push_page(out, at, after, limit)
            }
            Ask::LookedUp(after, limit) => {
                // First all that there are: newest first, the planner would rather look at everything.
                out.push_sql(&format!("WITH found AS MATERIALIZED (SELECT {at}, id FROM {table} WHERE search @@ "));
                out.push_bind_param::<Text, _>(&self.tsquery)?;
                out.push_sql("::tsquery AND organization_id = ");
                out.push_bind_param::<SqlUuid, _>(&self.organization)?;
                out.push_sql(only);
                out.push_sql(&format!(") SELECT {at}, id FROM found WHERE true"));
                push_page(out, at, after, limit)
            }
            Ask::Rank(ids, whole) => {
                // What has the last word as it is typed goes before what only has others that begin so: ranks are below 1.
                out.push_sql("SELECT wanted.id, CASE WHEN held.search @@ ");
                out.push_bind_param::<Text, _>(whole)?;
                out.push_sql("::tsquery THEN 1::real + ts_rank(held.search, ");
                out.push_bind_param::<Text, _>(whole)?;
                out.push_sql("::tsquery) ELSE ts_rank(held.search, ");
                out.push_bind_param::<Text, _>(&self.tsquery)?;
                out.push_sql("::tsquery) END FROM unnest(");
                out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
                // Each by its id, which `OFFSET 0` holds the planner to.
                out.push_sql(&format!(") AS wanted (id) CROSS JOIN LATERAL (SELECT search FROM {table} "));
                out.push_sql("WHERE id = wanted.id AND organization_id = ");
                out.push_bind_param::<SqlUuid, _>(&self.organization)?;
                out.push_sql(only);
                out.push_sql(" OFFSET 0) AS held WHERE held.search @@ ");
                out.push_bind_param::<Text, _>(&self.tsquery)?;
                out.push_sql("::tsquery");
                Ok(())
            }
        }
    }
}

fn push_page<'b>(
    mut out: AstPass<'_, 'b, Pg>,
    at: &'static str,
    after: &'b Option<Key>,
    limit: &'b i64,
) -> QueryResult<()> {
    if let Some((time, id)) = after {
        out.push_sql(&format!(" AND ({at}, id) < ("));
        out.push_bind_param::<Timestamptz, _>(time)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(id)?;
        out.push_sql(")");
    }
    out.push_sql(&format!(" ORDER BY {at} DESC, id DESC LIMIT "));
    out.push_bind_param::<BigInt, _>(limit)
}

/// What is shown of these, in their order.
pub fn hits(
    conn: &mut PgConnection,
    organization: OrganizationId,
    kind: SearchType,
    query: &SearchQuery,
    ids: &[Uuid],
) -> Result<Vec<SearchHit>> {
    let mut hits = match kind {
        SearchType::Note => notes_found(conn, organization, query, ids)?,
        SearchType::Attachment => attachments_found(conn, organization, query, ids)?,
        _ => messages_found(conn, organization, query, ids)?,
    };
    hits.sort_by_key(|hit| ids.iter().position(|id| *id == hit.id));
    Ok(hits)
}

type FoundMessage = (Uuid, ConversationId, ContactId, ChannelId, Option<String>, String, DateTime<Utc>);

fn messages_found(
    conn: &mut PgConnection,
    organization: OrganizationId,
    query: &SearchQuery,
    ids: &[Uuid],
) -> Result<Vec<SearchHit>> {
    let rows: Vec<FoundMessage> = messages::table
        .filter(messages::organization_id.eq(organization))
        .filter(messages::id.eq_any(ids))
        .select((
            messages::id,
            messages::conversation_id,
            messages::contact_id,
            messages::channel_id,
            messages::subject,
            messages::body,
            messages::occurred_at,
        ))
        .load(conn)?;
    let contacts = contact_refs(conn, organization, rows.iter().map(|row| row.2).collect())?;
    let channels = channel_refs(conn, organization, rows.iter().map(|row| row.3).collect())?;
    let hits = rows.into_iter().map(|(id, conversation, contact, channel, subject, body, at)| {
        let (contact, profile) = contacts.get(&contact).cloned().unzip();
        let text = subject.as_ref().map_or_else(|| body.clone(), |subject| format!("{subject} — {body}"));
        SearchHit {
            snippet: query.snippet(&text),
            title: subject,
            at,
            profile: profile.flatten(),
            contact,
            channel: channels.get(&channel).cloned(),
            conversation_id: Some(conversation),
            message_id: Some(MessageId(id)),
            ..hit(SearchType::Message, id)
        }
    });
    Ok(hits.collect())
}

type FoundFile = (
    Uuid,
    String,
    Option<MessageId>,
    Option<ConversationId>,
    Option<ContactId>,
    Option<ChannelId>,
    Option<DateTime<Utc>>,
);

fn attachments_found(
    conn: &mut PgConnection,
    organization: OrganizationId,
    query: &SearchQuery,
    ids: &[Uuid],
) -> Result<Vec<SearchHit>> {
    let rows: Vec<FoundFile> = attachments::table
        .filter(attachments::organization_id.eq(organization))
        .filter(attachments::id.eq_any(ids))
        .select((
            attachments::id,
            attachments::filename,
            attachments::message_id,
            attachments::conversation_id,
            attachments::contact_id,
            attachments::channel_id,
            attachments::occurred_at,
        ))
        .load(conn)?;
    let contacts = contact_refs(conn, organization, rows.iter().filter_map(|row| row.4).collect())?;
    let channels = channel_refs(conn, organization, rows.iter().filter_map(|row| row.5).collect())?;
    let hits = rows.into_iter().map(|(id, filename, message_id, conversation_id, contact, channel, at)| {
        let (contact, profile) = contact.and_then(|id| contacts.get(&id).cloned()).unzip();
        SearchHit {
            snippet: query.snippet(&filename),
            title: Some(filename),
            at: at.unwrap_or_default(),
            profile: profile.flatten(),
            contact,
            channel: channel.and_then(|id| channels.get(&id).cloned()),
            conversation_id,
            message_id,
            ..hit(SearchType::Attachment, id)
        }
    });
    Ok(hits.collect())
}

type FoundNote = (
    Uuid,
    String,
    Option<ProfileId>,
    Option<ContactId>,
    Option<(ConversationId, ContactId, ChannelId, Option<String>)>,
    DateTime<Utc>,
);

fn notes_found(
    conn: &mut PgConnection,
    organization: OrganizationId,
    query: &SearchQuery,
    ids: &[Uuid],
) -> Result<Vec<SearchHit>> {
    let rows: Vec<FoundNote> = notes::table
        .left_join(
            conversations::table.on(conversations::organization_id
                .eq(notes::organization_id)
                .and(conversations::id.nullable().eq(notes::conversation_id))),
        )
        .filter(notes::organization_id.eq(organization))
        .filter(notes::id.eq_any(ids))
        .select((
            notes::id,
            notes::body,
            notes::profile_id,
            notes::contact_id,
            (conversations::id, conversations::contact_id, conversations::channel_id, conversations::subject)
                .nullable(),
            notes::created_at,
        ))
        .load(conn)?;
    let of_conversations = rows.iter().filter_map(|row| row.4.as_ref());
    let channels = channel_refs(conn, organization, of_conversations.clone().map(|of| of.2).collect())?;
    let on_contacts = rows.iter().filter_map(|row| row.3);
    let contacts = contact_refs(conn, organization, on_contacts.chain(of_conversations.map(|of| of.1)).collect())?;
    let profiles = contacts::profile_refs(conn, organization, rows.iter().filter_map(|row| row.2))?;
    let hits = rows.into_iter().map(|(id, body, on_profile, on_contact, conversation, at)| {
        let contact = on_contact.or(conversation.as_ref().map(|of| of.1));
        let (contact, of_contact) = contact.and_then(|id| contacts.get(&id).cloned()).unzip();
        let profile = on_profile.and_then(|id| profiles.get(&id).cloned());
        SearchHit {
            snippet: query.snippet(&body),
            at,
            profile: profile.or(of_contact.flatten()),
            contact,
            channel: conversation.as_ref().and_then(|of| channels.get(&of.2).cloned()),
            conversation_id: conversation.as_ref().map(|of| of.0),
            title: conversation.and_then(|of| of.3),
            ..hit(SearchType::Note, id)
        }
    });
    Ok(hits.collect())
}

type Contacts = HashMap<ContactId, (ContactRef, Option<ProfileRef>)>;

/// These contacts, and the profile of each.
fn contact_refs(conn: &mut PgConnection, organization: OrganizationId, ids: Vec<ContactId>) -> Result<Contacts> {
    let rows: Vec<(ContactRef, Option<ProfileRef>)> = contact_table::table
        .left_join(
            profiles::table.on(profiles::organization_id
                .eq(contact_table::organization_id)
                .and(profiles::id.nullable().eq(contact_table::profile_id))),
        )
        .filter(contact_table::organization_id.eq(organization))
        .filter(contact_table::id.eq_any(ids))
        .select((
            (contact_table::id, contact_table::name, contact_table::medium, contact_table::address),
            (profiles::id, profiles::name).nullable(),
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(|(contact, profile)| (contact.id, (contact, profile))).collect())
}

fn channel_refs(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: Vec<ChannelId>,
) -> Result<HashMap<ChannelId, ChannelRef>> {
    let refs: Vec<ChannelRef> = channels::table
        .filter(channels::organization_id.eq(organization))
        .filter(channels::id.eq_any(ids))
        .select((channels::id, channels::name, channels::medium))
        .load(conn)?;
    Ok(refs.into_iter().map(|channel| (channel.id, channel)).collect())
}
