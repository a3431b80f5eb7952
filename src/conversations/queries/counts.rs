//! How many conversations wait: counted up to a bound, so that a large organization's are not all read.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Uuid};

use super::super::types::{ConversationCounts, ConversationStatus};
use crate::db::keyset;
use crate::db::schema::conversations;
use crate::error::Result;
use crate::ids::{OrganizationId, UserId};

/// Nobody needs to know of more.
const MAX_COUNT: i64 = 10_000;

/// How many conversations wait for anyone, and for `user`.
pub fn count_conversations(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
) -> Result<ConversationCounts> {
    let of = |status| {
        let all = conversations::table.filter(conversations::organization_id.eq(organization)).into_boxed();
        all.filter(conversations::status.eq(status)).select(conversations::id).limit(MAX_COUNT)
    };
    let mut count = |query: Counted| keyset::count_limited(conn, query);
    Ok(ConversationCounts {
        open: count(of(ConversationStatus::Open))?,
        mine: count(of(ConversationStatus::Open).filter(conversations::assignee_id.eq(user)))?,
        unassigned: count(of(ConversationStatus::Open).filter(conversations::assignee_id.is_null()))?,
        spam: count(of(ConversationStatus::Spam))?,
        unread: Unread { organization, user, among: MAX_COUNT }.get_result(conn)?,
    })
}

type Counted = conversations::BoxedQuery<'static, Pg, Uuid>;

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
