//! All Diesel of contact moments.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid};

use super::types::{ContactMoment, ContactMomentFilter, ContactMomentList, MessageHit};
use crate::access;
use crate::actor::ActorRef;
use crate::channels::{ChannelRef, Medium};
use crate::contacts::ContactRef;
use crate::conversations::ConversationStatus;
use crate::db::keyset;
use crate::db::schema::{channels, contacts, conversation_participants, conversations};
use crate::db::subject::Subject;
use crate::error::{Error, Result};
use crate::http::page::Page;
use crate::ids::{ChannelId, ContactId, ConversationId, MessageId, OrganizationId, ProfileId, UserId};
use crate::search::SearchQuery;

/// Whose history.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    Contact(ContactId),
    Profile(ProfileId),
}

/// Newest first.
pub fn list_moments(
    conn: &mut PgConnection,
    organization: OrganizationId,
    of: Of,
    filter: &ContactMomentFilter,
    page: &Page,
) -> Result<ContactMomentList> {
    let contact_ids = contact_ids(conn, organization, of)?;
    let query = match filter.q.as_deref() {
        Some(typed) if !typed.trim().is_empty() => match SearchQuery::parse(typed) {
            Some(query) => Some(query),
            // Nothing that could be found: signs only, or exclusions only.
            None => return Ok(ContactMomentList { data: Vec::new(), next_cursor: None, count: None }),
        },
        _ => None,
    };
    let mut sought = History::of(organization, contact_ids.clone(), page.rows());
    if !filter.contact_id.is_empty() {
        sought.contacts.retain(|id| filter.contact_id.contains(id));
    }
    sought.after = page.after()?;
    sought.channels = filter.channel_id.clone();
    sought.media = filter.medium.clone();
    sought.statuses = filter.status.clone();
    sought.has_attachment = filter.has_attachments;
    sought.tsquery = query.as_ref().map(SearchQuery::tsquery);
    if filter.from.is_some() || filter.to.is_some() {
        let zone = access::time_zone(conn, organization)?;
        sought.from = filter.from.map(|when| when.start(zone));
        sought.to = filter.to.map(|when| when.start(zone));
    }
    let mut keys: Vec<(ConversationId, DateTime<Utc>)> = sought.clone().load(conn)?;
    let next_cursor = page.cut(&mut keys, |(id, at)| (*at, *id))?;
    let count = keyset::count(conn, page, || History { after: None, limit: i64::MAX, ..sought })?;
    let ids: Vec<ConversationId> = keys.iter().map(|(id, _)| *id).collect();
    let mut data = moments(conn, organization, &ids, &contact_ids)?;
    if let Some(query) = query {
        add_hits(conn, organization, &query, &mut data)?;
    }
    Ok(ContactMomentList { data, next_cursor, count })
}

/// How many moments there are, counted up to `cap` and one more.
pub fn count_moments(conn: &mut PgConnection, organization: OrganizationId, of: Of, cap: i64) -> Result<i64> {
    let contact_ids = contact_ids(conn, organization, of)?;
    let counted: Vec<(ConversationId, DateTime<Utc>)> = History::of(organization, contact_ids, cap + 1).load(conn)?;
    i64::try_from(counted.len()).map_err(Error::internal)
}

/// Whose conversations they are; 404 for what isn't there.
pub fn contact_ids(conn: &mut PgConnection, organization: OrganizationId, of: Of) -> Result<Vec<ContactId>> {
    match of {
        Of::Contact(id) => Subject::Contact(id).find(conn, organization).map(|_| vec![id]),
        Of::Profile(id) => {
            Subject::Profile(id).find(conn, organization)?;
            Ok(contacts::table
                .filter(contacts::organization_id.eq(organization))
                .filter(contacts::profile_id.eq(id))
                .order(contacts::id)
                .select(contacts::id)
                .load(conn)?)
        }
    }
}

/// The conversations of some contacts, newest first.
///
/// For each contact the newest few are read from the index, and of those the newest few: the cost is that of the page
/// and the number of contacts, however long the history.
#[derive(Debug, Clone)]
struct History {
    organization: OrganizationId,
    contacts: Vec<ContactId>,
    after: Option<(DateTime<Utc>, ConversationId)>,
    channels: Vec<ChannelId>,
    media: Vec<Medium>,
    statuses: Vec<ConversationStatus>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    has_attachment: Option<bool>,
    tsquery: Option<String>,
    limit: i64,
}

impl History {
    fn of(organization: OrganizationId, contacts: Vec<ContactId>, limit: i64) -> Self {
        Self {
            organization,
            contacts,
            after: None,
            channels: Vec::new(),
            media: Vec::new(),
            statuses: Vec::new(),
            from: None,
            to: None,
            has_attachment: None,
            tsquery: None,
            limit,
        }
    }
}

/// The statement depends on which filters there are: it is prepared by its text.
impl QueryId for History {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for History {
    type SqlType = (Uuid, Timestamptz);
}

impl RunQueryDsl<PgConnection> for History {}

impl QueryFragment<Pg> for History {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT newest.conversation_id, newest.last_message_at FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.contacts)?;
        out.push_sql(
            ") AS wanted (contact_id) CROSS JOIN LATERAL (\
             SELECT taken.conversation_id, taken.last_message_at FROM conversation_participants AS taken \
             JOIN conversations ON conversations.organization_id = taken.organization_id \
             AND conversations.id = taken.conversation_id WHERE taken.organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND taken.contact_id = wanted.contact_id");
        if let Some((at, id)) = &self.after {
            out.push_sql(" AND (taken.last_message_at, taken.conversation_id) < (");
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<Uuid, _>(id)?;
            out.push_sql(")");
        }
        if let Some(from) = &self.from {
            out.push_sql(" AND taken.last_message_at >= ");
            out.push_bind_param::<Timestamptz, _>(from)?;
        }
        if let Some(to) = &self.to {
            out.push_sql(" AND taken.last_message_at < ");
            out.push_bind_param::<Timestamptz, _>(to)?;
        }
        if !self.channels.is_empty() {
            out.push_sql(" AND conversations.channel_id = ANY(");
            out.push_bind_param::<Array<Uuid>, _>(&self.channels)?;
            out.push_sql(")");
        }
        if !self.statuses.is_empty() {
            out.push_sql(" AND conversations.status = ANY(");
            out.push_bind_param::<Array<Text>, _>(&self.statuses)?;
            out.push_sql(")");
        }
        if !self.media.is_empty() {
            out.push_sql(
                " AND EXISTS (SELECT 1 FROM channels WHERE channels.organization_id = taken.organization_id \
                 AND channels.id = conversations.channel_id AND channels.medium = ANY(",
            );
            out.push_bind_param::<Array<Text>, _>(&self.media)?;
            out.push_sql("))");
        }
        if let Some(has_attachment) = &self.has_attachment {
            out.push_sql(
                " AND EXISTS (SELECT 1 FROM attachments WHERE attachments.organization_id = taken.organization_id \
                 AND attachments.conversation_id = taken.conversation_id AND attachments.message_id IS NOT NULL) = ",
            );
            out.push_bind_param::<Bool, _>(has_attachment)?;
        }
        if let Some(tsquery) = &self.tsquery {
            out.push_sql(
                " AND taken.conversation_id IN (SELECT messages.conversation_id FROM messages \
                 WHERE messages.organization_id = ",
            );
            out.push_bind_param::<Uuid, _>(&self.organization)?;
            out.push_sql(" AND messages.search @@ ");
            out.push_bind_param::<Text, _>(tsquery)?;
            out.push_sql("::tsquery)");
        }
        out.push_sql(" ORDER BY taken.last_message_at DESC, taken.conversation_id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        // Contacts of one profile may have taken part in the same conversation.
        out.push_sql(") AS newest GROUP BY 1, 2 ORDER BY 2 DESC, 1 DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

#[derive(Queryable)]
struct MomentRow {
    id: ConversationId,
    channel_id: ChannelId,
    channel_name: String,
    medium: Medium,
    starter: ContactId,
    subject: Option<String>,
    status: ConversationStatus,
    assignee_id: Option<UserId>,
    first_message_at: Option<DateTime<Utc>>,
    last_message_at: DateTime<Utc>,
    message_count: i32,
    preview: String,
}

/// These conversations, in the order of `ids`.
fn moments(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ConversationId],
    contact_ids: &[ContactId],
) -> Result<Vec<ContactMoment>> {
    let rows: Vec<MomentRow> = conversations::table
        .inner_join(
            channels::table.on(channels::organization_id
                .eq(conversations::organization_id)
                .and(channels::id.eq(conversations::channel_id))),
        )
        .filter(conversations::organization_id.eq(organization))
        .filter(conversations::id.eq_any(ids))
        .select((
            conversations::id,
            channels::id,
            channels::name,
            channels::medium,
            conversations::contact_id,
            conversations::subject,
            conversations::status,
            conversations::assignee_id,
            conversations::first_message_at,
            conversations::last_message_at,
            conversations::message_count,
            conversations::preview,
        ))
        .load(conn)?;
    let mut took_part: HashMap<ConversationId, Vec<ContactRef>> = HashMap::new();
    let participants: Vec<(ConversationId, ContactId, Option<String>, Medium, String)> =
        conversation_participants::table
            .inner_join(
                contacts::table.on(contacts::organization_id
                    .eq(conversation_participants::organization_id)
                    .and(contacts::id.eq(conversation_participants::contact_id))),
            )
            .filter(conversation_participants::organization_id.eq(organization))
            .filter(conversation_participants::conversation_id.eq_any(ids))
            .filter(conversation_participants::contact_id.eq_any(contact_ids))
            .order((conversation_participants::joined_at, contacts::id))
            .select((
                conversation_participants::conversation_id,
                contacts::id,
                contacts::name,
                contacts::medium,
                contacts::address,
            ))
            .load(conn)?;
    for (conversation, id, name, medium, address) in participants {
        took_part.entry(conversation).or_default().push(ContactRef { id, name, medium, address });
    }
    let assignees = rows.iter().filter_map(|row| row.assignee_id).map(ActorRef::user);
    let people = access::people(conn, organization, assignees)?;
    let mut moments: Vec<ContactMoment> = rows
        .into_iter()
        .map(|row| {
            let mut contacts = took_part.remove(&row.id).unwrap_or_default();
            // Stable: the others stay in the order in which they joined.
            contacts.sort_by_key(|contact| contact.id != row.starter);
            ContactMoment {
                conversation_id: row.id,
                contact_ids: contacts.iter().map(|contact| contact.id).collect(),
                contact: contacts.into_iter().next(),
                channel: ChannelRef { id: row.channel_id, name: row.channel_name, medium: row.medium },
                medium: row.medium,
                subject: row.subject,
                status: row.status,
                assignee: row.assignee_id.and_then(|id| people.get(ActorRef::user(id))),
                first_message_at: row.first_message_at,
                last_message_at: row.last_message_at,
                message_count: row.message_count,
                preview: row.preview,
                snippet: None,
                hits: None,
                hit_count: None,
            }
        })
        .collect();
    moments.sort_by_key(|moment| ids.iter().position(|id| *id == moment.conversation_id));
    Ok(moments)
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
        out.push_sql("::tsquery) DESC, occurred_at DESC, id DESC) AS place FROM messages WHERE organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND conversation_id = ANY(");
        out.push_bind_param::<Array<Uuid>, _>(&self.conversations)?;
        out.push_sql(") AND search @@ ");
        out.push_bind_param::<Text, _>(&self.tsquery)?;
        out.push_sql("::tsquery) AS ranked JOIN messages ON messages.organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND messages.id = ranked.id WHERE ranked.place <= 3 ORDER BY ranked.place");
        Ok(())
    }
}

fn add_hits(
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
        moment.snippet = hits.first().map(|hit| hit.snippet.clone());
        moment.hits = Some(hits);
    }
    Ok(())
}
