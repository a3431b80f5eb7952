//! The conversations of contacts, in the order in which they are read.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid};

use crate::channels::Medium;
use crate::conversations::{Assignees, ConversationStatus, Found, Wanted};
use crate::error::Result;
use crate::ids::{ChannelId, ContactId, ConversationId, OrganizationId};

/// The conversations of some contacts, newest first.
///
/// For each contact the newest few are read from the index, and of those the newest few: the cost is that of the page
/// and the number of contacts, however long the history.
#[derive(Debug, Clone)]
pub struct History {
    pub organization: OrganizationId,
    pub contacts: Vec<ContactId>,
    pub after: Option<Key>,
    pub channels: Vec<ChannelId>,
    pub media: Vec<Medium>,
    pub statuses: Vec<ConversationStatus>,
    pub assignees: Option<Assignees>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub has_attachment: Option<bool>,
    /// Only those that the index of words finds.
    pub found: Option<Found>,
    /// How many are read of each contact, and of all.
    pub each: i64,
    pub limit: i64,
}

impl History {
    /// Newest first.
    pub fn load(self, conn: &mut PgConnection) -> Result<Vec<Key>> {
        Ok(self.load_marked(conn)?.into_iter().map(|(at, id, _)| (at, id)).collect())
    }

    /// Also whether it is the last that was read of some contact, of which there may be others before the next.
    pub fn load_marked(self, conn: &mut PgConnection) -> Result<Vec<(DateTime<Utc>, ConversationId, bool)>> {
        Ok(RunQueryDsl::load(self, conn)?)
    }

    /// The same without a search.
    pub fn wanted(&self, conn: &mut PgConnection) -> Result<Wanted> {
        let all = Wanted {
            contacts: Some(self.contacts.clone()),
            statuses: Some(self.statuses.clone()).filter(|statuses| !statuses.is_empty()),
            assignees: self.assignees.clone(),
            has_attachments: self.has_attachment,
            from: self.from,
            to: self.to,
            ..Wanted::of(self.organization)
        };
        all.on(conn, &self.channels, &self.media)
    }

    pub fn of(organization: OrganizationId, contacts: Vec<ContactId>, limit: i64) -> Self {
        Self {
            organization,
            contacts,
            after: None,
            channels: Vec::new(),
            media: Vec::new(),
            statuses: Vec::new(),
            assignees: None,
            from: None,
            to: None,
            has_attachment: None,
            found: None,
            each: limit,
            limit,
        }
    }
}

/// By which a history is sorted.
pub type Key = (DateTime<Utc>, ConversationId);

/// The statement depends on which filters there are: it is prepared by its text.
impl QueryId for History {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for History {
    type SqlType = (Timestamptz, Uuid, Bool);
}

impl RunQueryDsl<PgConnection> for History {}

impl QueryFragment<Pg> for History {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(found) = &self.found {
            // Each conversation is looked up by its id: a prepared plan can't know how many there are.
            out.push_sql("WITH found AS MATERIALIZED (");
            found.walk_ast(out.reborrow())?;
            out.push_sql(") ");
        }
        out.push_sql("SELECT newest.last_message_at, newest.conversation_id, bool_or(newest.place = ");
        out.push_bind_param::<BigInt, _>(&self.each)?;
        out.push_sql(") FROM ");
        if self.found.is_some() {
            out.push_sql(
                "(SELECT taken.conversation_id, taken.last_message_at, 0 AS place FROM found CROSS JOIN LATERAL (\
                 SELECT * FROM conversation_participants WHERE conversation_id = found.conversation_id \
                 AND organization_id = ",
            );
            out.push_bind_param::<Uuid, _>(&self.organization)?;
            out.push_sql(" OFFSET 0) AS taken");
        } else {
            out.push_sql("unnest(");
            out.push_bind_param::<Array<Uuid>, _>(&self.contacts)?;
            out.push_sql(
                ") AS wanted (contact_id) CROSS JOIN LATERAL (SELECT taken.conversation_id, taken.last_message_at, \
                 row_number() OVER (ORDER BY taken.last_message_at DESC, taken.conversation_id DESC) AS place \
                 FROM conversation_participants AS taken",
            );
        }
        let is_conversation_asked = !(self.channels.is_empty() && self.statuses.is_empty() && self.media.is_empty())
            || self.assignees.is_some();
        if is_conversation_asked {
            out.push_sql(
                " JOIN conversations ON conversations.organization_id = taken.organization_id \
                 AND conversations.id = taken.conversation_id",
            );
        }
        out.push_sql(" WHERE taken.organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        if self.found.is_some() {
            out.push_sql(" AND taken.contact_id = ANY(");
            out.push_bind_param::<Array<Uuid>, _>(&self.contacts)?;
            out.push_sql(")");
        } else {
            out.push_sql(" AND taken.contact_id = wanted.contact_id");
        }
        self.push_filters(out.reborrow())?;
        if self.found.is_none() {
            out.push_sql(" ORDER BY taken.last_message_at DESC, taken.conversation_id DESC LIMIT ");
            out.push_bind_param::<BigInt, _>(&self.each)?;
        }
        // Contacts of one profile may have taken part in the same conversation.
        out.push_sql(") AS newest GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl History {
    fn push_filters<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
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
        if let Some(Assignees { users, nobody }) = &self.assignees {
            out.push_sql(" AND (conversations.assignee_id = ANY(");
            out.push_bind_param::<Array<Uuid>, _>(users)?;
            out.push_sql(if *nobody { ") OR conversations.assignee_id IS NULL)" } else { "))" });
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
                 AND attachments.conversation_id = taken.conversation_id AND attachments.message_id IS NOT NULL \
                 AND NOT attachments.inline) = ",
            );
            out.push_bind_param::<Bool, _>(has_attachment)?;
        }
        Ok(())
    }
}
