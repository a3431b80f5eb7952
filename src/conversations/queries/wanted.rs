//! The newest conversations of which some hold: those of the inbox, and of a contact's or a profile's history.
//!
//! What is asked for decides which index is read: that of the contacts' conversations, of an assignee's, of a channel's,
//! or of a status; in each the conversations of one of them follow one another, newest first. The rest is looked at
//! conversation by conversation.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid};

use super::super::types::{Assigned, ConversationStatus};
use crate::channels::Medium;
use crate::db::keyset;
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

    /// The first `limit` after a key.
    pub fn newest(&self, conn: &mut PgConnection, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
        let after = after.map(|(at, id)| (at, id.0));
        let after = [after, self.to.map(|to| (to, uuid::Uuid::nil()))].into_iter().flatten().min();
        Ok(Newest { streams: &Reading::of(self), after, limit }.load(conn)?)
    }

    /// How many there are, where the page asks for it.
    pub fn count(&self, conn: &mut PgConnection, page: &Page) -> Result<Option<Count>> {
        let reading = Reading::of(self);
        let after = self.to.map(|to| (to, uuid::Uuid::nil()));
        keyset::count(conn, page, || Newest { streams: &reading, after, limit: i64::MAX })
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
}

impl<'w> Reading<'w> {
    fn of(wanted: &'w Wanted) -> Self {
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
        Self { wanted, by, ids, statuses }
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
                " AND (conversation.last_inbound_at > coalesce((SELECT read_at FROM conversation_reads                  WHERE organization_id = conversation.organization_id AND conversation_id = conversation.id                  AND user_id = ",
            );
            out.push_bind_param::<Uuid, _>(user)?;
            out.push_sql("), '-infinity')) = ");
            out.push_bind_param::<Bool, _>(unread)?;
        }
        Ok(())
    }
}

impl Streams for Reading<'_> {
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
        let is_looked_at = wanted.statuses.is_some()
            || wanted.assignees.is_some()
            || wanted.channels.is_some()
            || wanted.unread.is_some();
        let (at, id) = self.key();
        if self.by == By::Contact {
            out.push_sql("FROM conversation_participants AS taken");
            if is_looked_at {
                // Fenced: each by its key, as it comes. A prepared plan would read all conversations.
                out.push_sql(
                    " CROSS JOIN LATERAL (SELECT * FROM conversations WHERE organization_id = taken.organization_id                      AND id = taken.conversation_id OFFSET 0) AS conversation",
                );
            }
            out.push_sql(" WHERE taken.organization_id = ");
        } else {
            out.push_sql("FROM conversations AS conversation WHERE conversation.organization_id = ");
        }
        out.push_bind_param::<Uuid, _>(&wanted.organization)?;
        self.push_of_stream(&mut out);
        self.push_filters(out.reborrow())?;
        if let Some(from) = &wanted.from {
            for part in [" AND ", at, " >= "] {
                out.push_sql(part);
            }
            out.push_bind_param::<Timestamptz, _>(from)?;
        }
        if let Some(beside) = &wanted.beside {
            out.push_sql(" AND (SELECT true FROM conversation_participants WHERE conversation_id = ");
            out.push_sql(id);
            out.push_sql(" AND organization_id = ");
            out.push_bind_param::<Uuid, _>(&wanted.organization)?;
            out.push_sql(" AND contact_id = ANY (");
            out.push_bind_param::<Array<Uuid>, _>(beside)?;
            out.push_sql(") LIMIT 1)");
        }
        if let Some(has_attachments) = &wanted.has_attachments {
            out.push_sql(" AND ((SELECT true FROM attachments WHERE message_id IS NOT NULL AND conversation_id = ");
            out.push_sql(id);
            out.push_sql(" AND organization_id = ");
            out.push_bind_param::<Uuid, _>(&wanted.organization)?;
            out.push_sql(" LIMIT 1) IS NOT NULL) = ");
            out.push_bind_param::<Bool, _>(has_attachments)?;
        }
        Ok(())
    }
}

/// How many of the newest open conversations are unread to a user: those of a whole organization are not looked at.
#[derive(Debug, QueryId)]
pub struct Unread {
    pub organization: OrganizationId,
    pub user: UserId,
    pub among: i64,
}

impl Query for Unread {
    type SqlType = BigInt;
}

impl RunQueryDsl<PgConnection> for Unread {}

impl QueryFragment<Pg> for Unread {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT count(*) FROM (SELECT organization_id, id, last_inbound_at FROM conversations \
             WHERE status = 'open' AND organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" ORDER BY last_message_at DESC, id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.among)?;
        out.push_sql(
            ") AS newest WHERE last_inbound_at > coalesce((SELECT read_at FROM conversation_reads \
             WHERE organization_id = newest.organization_id AND conversation_id = newest.id AND user_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.user)?;
        out.push_sql("), '-infinity')");
        Ok(())
    }
}
