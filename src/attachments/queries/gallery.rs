//! The files that were exchanged with a profile, a contact or in a conversation, newest first.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::super::Of;
use super::super::links::Links;
use super::super::types::{AttachmentFilter, AttachmentKind, AttachmentList};
use super::{AttachmentRow, views};
use crate::access;
use crate::db::keyset;
use crate::db::schema::{attachments, contacts};
use crate::error::Result;
use crate::http::page::Page;
use crate::ids::{AttachmentId, ChannelId, ContactId, OrganizationId, ProfileId};

/// Newest first. 404 for what isn't there.
pub fn list_attachments(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    of: Of,
    filter: &AttachmentFilter,
    page: &Page,
) -> Result<AttachmentList> {
    let owners = Owners::of(conn, organization, of, &filter.contact_id)?;
    let (from, to) = bounds(conn, organization, filter)?;
    let after = page.after::<(DateTime<Utc>, AttachmentId)>()?;
    let before = [after, to.map(|to| (to, AttachmentId(Uuid::nil())))].into_iter().flatten().min();
    let newest = Newest { organization, owners: &owners, filter, from, before, limit: page.rows() };
    let mut keys: Vec<(DateTime<Utc>, AttachmentId)> = newest.load(conn)?;
    let next_cursor = page.cut(&mut keys, |key| *key)?;
    let ids: Vec<AttachmentId> = keys.into_iter().map(|(_, id)| id).collect();
    let mut rows: HashMap<AttachmentId, AttachmentRow> = attachments::table
        .filter(attachments::organization_id.eq(organization))
        .filter(attachments::id.eq_any(&ids))
        .select(AttachmentRow::as_select())
        .load::<AttachmentRow>(conn)?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let count = keyset::count(conn, page, || {
        let mut query = owned(organization, &owners);
        if !filter.kind.is_empty() {
            query = query.filter(attachments::kind.eq_any(filter.kind.clone()));
        }
        if !filter.channel_id.is_empty() {
            query = query.filter(attachments::channel_id.eq_any(filter.channel_id.clone()));
        }
        if let Some(inline) = filter.inline {
            query = query.filter(attachments::inline.eq(inline));
        }
        if let Some(from) = from {
            query = query.filter(attachments::occurred_at.ge(from));
        }
        if let Some(to) = to {
            query = query.filter(attachments::occurred_at.lt(to));
        }
        query.select(attachments::id)
    })?;
    let rows = ids.iter().filter_map(|id| rows.remove(id)).collect();
    Ok(AttachmentList { data: views(conn, organization, links, rows)?, next_cursor, count })
}

/// How many there are; at most `cap + 1`, which says that there are more.
pub fn count_attachments(conn: &mut PgConnection, organization: OrganizationId, of: Of, cap: i64) -> Result<i64> {
    let owners = Owners::of(conn, organization, of, &[])?;
    keyset::count_limited(conn, owned(organization, &owners).select(attachments::id).limit(cap + 1))
}

/// By which key of its own an attachment is found, and which values that has.
struct Owners {
    column: Column,
    ids: Vec<Uuid>,
    /// Only those of these contacts; all when empty.
    contacts: Vec<ContactId>,
}

#[derive(Clone, Copy)]
enum Column {
    Contact,
    Conversation,
}

impl Owners {
    /// A profile's attachments hang on its contacts.
    fn of(conn: &mut PgConnection, organization: OrganizationId, of: Of, wanted: &[ContactId]) -> Result<Self> {
        let contacts = match of.find(conn, organization)? {
            Of::Conversation(id) => {
                return Ok(Self { column: Column::Conversation, ids: vec![id.0], contacts: wanted.to_vec() });
            }
            Of::Contact(id) => vec![id],
            Of::Profile(id) => contacts_of(conn, organization, id)?,
        };
        let contacts = contacts.into_iter().filter(|id| wanted.is_empty() || wanted.contains(id));
        Ok(Self { column: Column::Contact, ids: contacts.map(|id| id.0).collect(), contacts: Vec::new() })
    }
}

fn contacts_of(conn: &mut PgConnection, organization: OrganizationId, profile: ProfileId) -> Result<Vec<ContactId>> {
    Ok(contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq(profile))
        .select(contacts::id)
        .load(conn)?)
}

fn owned<'a>(organization: OrganizationId, owners: &Owners) -> attachments::BoxedQuery<'a, Pg> {
    let query = attachments::table
        .filter(attachments::organization_id.eq(organization))
        .filter(attachments::message_id.is_not_null())
        .into_boxed();
    let query = match owners.column {
        Column::Contact => query.filter(attachments::contact_id.eq_any(owners.ids.clone())),
        Column::Conversation => query.filter(attachments::conversation_id.eq_any(owners.ids.clone())),
    };
    match owners.contacts.is_empty() {
        true => query,
        false => query.filter(attachments::contact_id.eq_any(owners.contacts.clone())),
    }
}

type Bound = Option<DateTime<Utc>>;

/// From when on, and before when.
fn bounds(conn: &mut PgConnection, organization: OrganizationId, filter: &AttachmentFilter) -> Result<(Bound, Bound)> {
    if filter.from.is_none() && filter.to.is_none() {
        return Ok((None, None));
    }
    let zone = access::time_zone(conn, organization)?;
    Ok((filter.from.map(|from| from.start(zone)), filter.to.map(|to| to.start(zone))))
}

/// The newest of each owner, and the newest of those: what is read doesn't grow with the history.
///
/// Diesel has no LATERAL; the statement is prepared once for each set of filters.
struct Newest<'a> {
    organization: OrganizationId,
    owners: &'a Owners,
    filter: &'a AttachmentFilter,
    from: Option<DateTime<Utc>>,
    before: Option<(DateTime<Utc>, AttachmentId)>,
    limit: i64,
}

impl QueryId for Newest<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Newest<'_> {
    type SqlType = (Timestamptz, SqlUuid);
}

impl RunQueryDsl<PgConnection> for Newest<'_> {}

impl QueryFragment<Pg> for Newest<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT newest.occurred_at, newest.id FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.owners.ids)?;
        out.push_sql(
            ") AS owner (id) CROSS JOIN LATERAL (SELECT occurred_at, id FROM attachments \
             WHERE message_id IS NOT NULL AND organization_id = ",
        );
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        out.push_sql(match self.owners.column {
            Column::Contact => " AND contact_id = owner.id",
            Column::Conversation => " AND conversation_id = owner.id",
        });
        if !self.owners.contacts.is_empty() {
            out.push_sql(" AND contact_id = ANY (");
            out.push_bind_param::<Array<SqlUuid>, Vec<ContactId>>(&self.owners.contacts)?;
            out.push_sql(")");
        }
        if !self.filter.kind.is_empty() {
            out.push_sql(" AND kind = ANY (");
            out.push_bind_param::<Array<Text>, Vec<AttachmentKind>>(&self.filter.kind)?;
            out.push_sql(")");
        }
        if !self.filter.channel_id.is_empty() {
            out.push_sql(" AND channel_id = ANY (");
            out.push_bind_param::<Array<SqlUuid>, Vec<ChannelId>>(&self.filter.channel_id)?;
            out.push_sql(")");
        }
        if let Some(inline) = self.filter.inline {
            out.push_sql(if inline { " AND inline" } else { " AND NOT inline" });
        }
        if let Some(from) = &self.from {
            out.push_sql(" AND occurred_at >= ");
            out.push_bind_param::<Timestamptz, _>(from)?;
        }
        if let Some((occurred_at, id)) = &self.before {
            out.push_sql(" AND (occurred_at, id) < (");
            out.push_bind_param::<Timestamptz, _>(occurred_at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        out.push_sql(" ORDER BY occurred_at DESC, id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS newest ORDER BY newest.occurred_at DESC, newest.id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
