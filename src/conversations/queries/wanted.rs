//! The newest conversations of which some hold: those of the inbox, and of a contact's or a profile's history.
//!
//! What is asked for decides which index is read: that of the contacts' conversations, of an assignee's, of a channel's,
//! or of a status; in each the conversations of one of them follow one another, newest first. The rest is looked at
//! conversation by conversation.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool, Text, Timestamptz, Uuid};

use super::super::types::{Assigned, ConversationStatus};
use crate::channels::Medium;
use crate::db::keyset;
use crate::db::newest::{self, Found, Source};
use crate::db::schema::channels;
use crate::db::streams::{Newest, Streams};
use crate::error::Result;
use crate::http::page::{Count, Page};
use crate::ids::{ChannelId, ContactId, ConversationId, OrganizationId, UserId};

/// By which conversations are sorted.
pub type Key = (DateTime<Utc>, ConversationId);

/// Conversations of which all of this holds.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub organization: OrganizationId,
    /// In which one of these takes part.
    pub contacts: Option<Vec<ContactId>>,
    /// And one of these too.
    pub beside: Option<Vec<ContactId>>,
    pub statuses: Option<Vec<ConversationStatus>>,
    pub assignees: Option<Assignees>,
    pub channels: Option<Vec<ChannelId>>,
    /// To this user they are unread, or are not.
    pub unread: Option<(UserId, bool)>,
    pub has_attachments: Option<bool>,
    /// Whose newest message occurred then or later.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// One of these users, or with `nobody`, none at all.
#[derive(Debug, Clone)]
pub struct Assignees {
    pub users: Vec<UserId>,
    pub nobody: bool,
}

impl Assignees {
    /// None where nobody is named: then it is of no matter.
    pub fn of(assigned: &[Assigned], me: UserId) -> Option<Self> {
        let user = |one: &Assigned| match one {
            Assigned::Me => Some(me),
            Assigned::User(id) => Some(*id),
            Assigned::None => None,
        };
        let nobody = assigned.contains(&Assigned::None);
        (!assigned.is_empty()).then(|| Self { users: assigned.iter().filter_map(user).collect(), nobody })
    }
}

/// Which index is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Contact,
    Assignee,
    Nobody,
    Channel,
    Status,
}

impl Wanted {
    /// All of them.
    pub fn of(organization: OrganizationId) -> Self {
        Self {
            organization,
            contacts: None,
            beside: None,
            statuses: None,
            assignees: None,
            channels: None,
            unread: None,
            has_attachments: None,
            from: None,
            to: None,
        }
    }

    /// On these channels and these media, empty for any.
    pub fn on(self, conn: &mut PgConnection, channel_ids: &[ChannelId], media: &[Medium]) -> Result<Self> {
        let channels = match (channel_ids, media) {
            ([], []) => None,
            (some, []) => Some(some.to_vec()),
            (some, media) => {
                let of_media: Vec<ChannelId> = channels::table
                    .filter(channels::organization_id.eq(self.organization))
                    .filter(channels::medium.eq_any(media))
                    .select(channels::id)
                    .load(conn)?;
                Some(of_media.into_iter().filter(|id| some.is_empty() || some.contains(id)).collect())
            }
        };
        Ok(Self { channels, ..self })
    }

    /// The first `limit` after a key. Where little holds of many, looking on ends before the page is full.
    pub fn page(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Found<Key>> {
        if self.is_given_by_an_index() {
            return Ok(Found { keys: self.newest(conn, after, limit)?, reached: None });
        }
        newest::search(conn, &Walk { wanted: self }, after, limit)
    }

    /// Of what the index gives; of the rest nothing is asked.
    fn newest(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
        let after = after.map(|(at, id)| (at, id.0));
        let after = [after, self.to.map(|to| (to, uuid::Uuid::nil()))].into_iter().flatten().min();
        Ok(Newest::new(&Reading::of(self, false), after, limit).load(conn)?)
    }

    /// How many there are, where the page asks for it.
    pub fn count(&self, conn: &mut PgConnection, page: &Page) -> Result<Option<Count>> {
        let reading = Reading::of(self, true);
        let after = self.to.map(|to| (to, uuid::Uuid::nil()));
        keyset::count(conn, page, || Newest::new(&reading, after, i64::MAX))
    }

    /// Whether nothing has to be asked of each conversation.
    fn is_given_by_an_index(&self) -> bool {
        let by = self.by();
        let others = self.unread.is_none() && self.has_attachments.is_none() && self.beside.is_none();
        others
            && (self.statuses.is_none() || by != By::Contact)
            && (self.assignees.is_none() || matches!(by, By::Assignee | By::Nobody))
            && (self.channels.is_none() || by == By::Channel)
    }

    fn by(&self) -> By {
        match (&self.contacts, &self.assignees, &self.channels) {
            (Some(_), ..) => By::Contact,
            (None, Some(Assignees { users, nobody: true }), _) if users.is_empty() => By::Nobody,
            (None, Some(Assignees { nobody: false, .. }), _) => By::Assignee,
            (None, _, Some(_)) => By::Channel,
            (None, _, None) => By::Status,
        }
    }
}

/// Wanted conversations, and the streams in which they are.
struct Reading<'w> {
    wanted: &'w Wanted,
    by: By,
    ids: Vec<uuid::Uuid>,
    statuses: Vec<ConversationStatus>,
    /// Whether what the index doesn't give is asked of each conversation too.
    asks_each: bool,
}

impl<'w> Reading<'w> {
    fn of(wanted: &'w Wanted, asks_each: bool) -> Self {
        let by = wanted.by();
        let mut ids: Vec<uuid::Uuid> = match by {
            By::Contact => wanted.contacts.iter().flatten().map(|id| id.0).collect(),
            By::Assignee => wanted.assignees.iter().flat_map(|assignees| &assignees.users).map(|id| id.0).collect(),
            By::Channel => wanted.channels.iter().flatten().map(|id| id.0).collect(),
            // One, in which all are.
            By::Nobody | By::Status => vec![uuid::Uuid::nil()],
        };
        ids.sort_unstable();
        ids.dedup();
        let mut statuses = wanted.statuses.clone().unwrap_or_else(|| ConversationStatus::ALL.to_vec());
        statuses.sort_unstable();
        statuses.dedup();
        Self { wanted, by, ids, statuses, asks_each }
    }

    fn push_of_stream(&self, out: &mut AstPass<'_, '_, Pg>) {
        out.push_sql(match self.by {
            By::Contact => " AND taken.contact_id = stream.id",
            By::Assignee => " AND conversation.assignee_id = stream.id AND conversation.status = stream.status",
            By::Nobody => " AND conversation.assignee_id IS NULL AND conversation.status = stream.status",
            By::Channel => " AND conversation.channel_id = stream.id AND conversation.status = stream.status",
            By::Status => " AND conversation.status = stream.status",
        });
    }

    /// What the index doesn't give.
    fn push_filters<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Wanted { statuses, assignees, channels, unread, .. } = self.wanted;
        if let (By::Contact, Some(statuses)) = (self.by, statuses) {
            out.push_sql(" AND conversation.status = ANY (");
            out.push_bind_param::<Array<Text>, _>(statuses)?;
            out.push_sql(")");
        }
        if let (By::Contact | By::Assignee | By::Nobody, Some(channels)) = (self.by, channels) {
            out.push_sql(" AND conversation.channel_id = ANY (");
            out.push_bind_param::<Array<Uuid>, _>(channels)?;
            out.push_sql(")");
        }
        if let (By::Contact | By::Channel | By::Status, Some(Assignees { users, nobody })) = (self.by, assignees) {
            out.push_sql(" AND (conversation.assignee_id = ANY (");
            out.push_bind_param::<Array<Uuid>, _>(users)?;
            out.push_sql(if *nobody { ") OR conversation.assignee_id IS NULL)" } else { "))" });
        }
        if let Some((user, unread)) = unread {
            // What never had anything come in is not unread.
            out.push_sql(
                " AND (conversation.last_inbound_at > coalesce((SELECT read_at FROM conversation_reads \
             WHERE organization_id = conversation.organization_id AND conversation_id = conversation.id \
             AND user_id = ",
            );
            out.push_bind_param::<Uuid, _>(user)?;
            out.push_sql("), '-infinity')) = ");
            out.push_bind_param::<Bool, _>(unread)?;
        }
        if let Some(beside) = &self.wanted.beside {
            out.push_sql(
                " AND (SELECT true FROM conversation_participants WHERE organization_id = conversation.organization_id \
                 AND conversation_id = conversation.id AND contact_id = ANY (",
            );
            out.push_bind_param::<Array<Uuid>, _>(beside)?;
            out.push_sql(") LIMIT 1)");
        }
        if let Some(has_attachments) = &self.wanted.has_attachments {
            out.push_sql(
                " AND ((SELECT true FROM attachments WHERE organization_id = conversation.organization_id \
                 AND conversation_id = conversation.id AND message_id IS NOT NULL AND NOT inline LIMIT 1) \
                 IS NOT NULL) = ",
            );
            out.push_bind_param::<Bool, _>(has_attachments)?;
        }
        Ok(())
    }
}

impl Streams for Reading<'_> {
    fn count(&self) -> usize {
        self.ids.len() * if self.by == By::Contact { 1 } else { self.statuses.len() }
    }

    fn key(&self) -> (&'static str, &'static str) {
        match self.by {
            By::Contact => ("taken.last_message_at", "taken.conversation_id"),
            _ => ("conversation.last_message_at", "conversation.id"),
        }
    }

    fn push_streams<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT * FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql(") AS wanted (id)");
        if self.by != By::Contact {
            out.push_sql(" CROSS JOIN unnest(");
            out.push_bind_param::<Array<Text>, _>(&self.statuses)?;
            out.push_sql(") AS one_of (status)");
        }
        out.push_sql(") AS stream");
        Ok(())
    }

    fn push_entries<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let wanted = self.wanted;
        let asks_each = self.asks_each && !wanted.is_given_by_an_index();
        let (at, _) = self.key();
        if self.by == By::Contact {
            out.push_sql("FROM conversation_participants AS taken");
            if asks_each {
                // Fenced: each by its key, as it comes. A prepared plan would read all conversations.
                out.push_sql(
                    " CROSS JOIN LATERAL (SELECT * FROM conversations WHERE organization_id = taken.organization_id \
             AND id = taken.conversation_id OFFSET 0) AS conversation",
                );
            }
            out.push_sql(" WHERE taken.organization_id = ");
        } else {
            out.push_sql("FROM conversations AS conversation WHERE conversation.organization_id = ");
        }
        out.push_bind_param::<Uuid, _>(&wanted.organization)?;
        self.push_of_stream(&mut out);
        if asks_each {
            self.push_filters(out.reborrow())?;
        }
        if let Some(from) = &wanted.from {
            for part in [" AND ", at, " >= "] {
                out.push_sql(part);
            }
            out.push_bind_param::<Timestamptz, _>(from)?;
        }
        Ok(())
    }
}

/// Walks what an index gives, and asks the rest of each conversation.
struct Walk<'w> {
    wanted: &'w Wanted,
}

/// How many conversations may be looked at for a page.
const MOST: usize = 10_000;

impl Source for Walk<'_> {
    type Key = Key;

    fn next(&self, conn: &mut PgConnection, after: Option<Key>, step: i64) -> Result<(Vec<Key>, bool)> {
        let keys = self.wanted.newest(conn, after, step)?;
        let is_end = i64::try_from(keys.len()).is_ok_and(|read| read < step);
        Ok((keys, is_end))
    }

    fn having(&self, conn: &mut PgConnection, keys: Vec<Key>) -> Result<Vec<Key>> {
        let ids = keys.iter().map(|(_, id)| id.0).collect();
        let reading = Reading::of(self.wanted, true);
        let having: HashSet<ConversationId> = Having { reading: &reading, ids }.load(conn)?.into_iter().collect();
        Ok(keys.into_iter().filter(|(_, id)| having.contains(id)).collect())
    }

    /// No index knows.
    fn is_rare(&self, _: &mut PgConnection) -> Result<bool> {
        Ok(false)
    }

    fn looked_up(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
        self.wanted.newest(conn, after, limit)
    }

    fn most(&self) -> usize {
        MOST
    }
}

/// Those of `ids` of which all holds.
struct Having<'r> {
    reading: &'r Reading<'r>,
    ids: Vec<uuid::Uuid>,
}

/// Prepared by its text, which depends on what is asked.
impl QueryId for Having<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Having<'_> {
    type SqlType = Uuid;
}

impl RunQueryDsl<PgConnection> for Having<'_> {}

impl QueryFragment<Pg> for Having<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Fenced: each by its key.
        out.push_sql("SELECT conversation.id FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql(") AS one_of (id) CROSS JOIN LATERAL (SELECT * FROM conversations WHERE organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.reading.wanted.organization)?;
        out.push_sql(" AND id = one_of.id OFFSET 0) AS conversation WHERE true");
        self.reading.push_filters(out.reborrow())
    }
}
