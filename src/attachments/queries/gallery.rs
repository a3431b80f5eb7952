//! The files that were exchanged with a profile, a contact or in a conversation, newest first.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::super::Of;
use super::super::links::Links;
use super::super::types::{Attachment, AttachmentFilter, AttachmentKind, AttachmentList};
use super::attachments_with_ids;
use crate::access;
use crate::contacts::contact_ids_of_profile;
use crate::db::keyset;
use crate::db::schema::attachments;
use crate::db::streams::{Newest, Streams};
use crate::error::{Error, Result};
use crate::http::page::Page;
use crate::ids::{AttachmentId, ChannelId, ContactId, OrganizationId};

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
    let after = page.after::<(DateTime<Utc>, Uuid)>()?;
    let after = [after, to.map(|to| (to, Uuid::nil()))].into_iter().flatten().min();
    let files = Files { organization, owners: &owners, filter, from };
    let mut keys: Vec<Key> = Newest::new(&files, after, page.rows()).load(conn)?;
    let next_cursor = page.cut(&mut keys, |key| *key)?;
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
    Ok(AttachmentList { data: in_order(conn, organization, links, keys)?, next_cursor, count })
}

/// By which files are sorted.
type Key = (DateTime<Utc>, AttachmentId);

fn in_order(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    keys: Vec<Key>,
) -> Result<Vec<Attachment>> {
    let ids: Vec<AttachmentId> = keys.into_iter().map(|(_, id)| id).collect();
    let all = attachments_with_ids(conn, organization, links, &ids)?;
    let all: HashMap<AttachmentId, Attachment> = all.into_iter().map(|file| (file.id, file)).collect();
    Ok(ids.iter().filter_map(|id| all.get(id).cloned()).collect())
}

/// The first pages of the files of these contacts and of those, and how many each has; at most `cap + 1`, which says
/// that there are more.
pub fn first_attachments(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    of: &[(&[ContactId], Page)],
    cap: i64,
) -> Result<Vec<(AttachmentList, i64)>> {
    let (mut shown, mut pages) = (Vec::new(), Vec::new());
    for (contacts, page) in of {
        let ids = contacts.iter().map(|id| id.0).collect();
        let owners = Owners { column: Column::Contact, ids, contacts: Vec::new() };
        let files = Files { organization, owners: &owners, filter: &AttachmentFilter::default(), from: None };
        let mut keys: Vec<Key> = Newest::new(&files, None, page.rows().max(cap + 1)).load(conn)?;
        let count = i64::try_from(keys.len()).map_err(Error::internal)?;
        let next_cursor = page.cut(&mut keys, |key| *key)?;
        pages.push((keys.len(), next_cursor, count));
        shown.extend(keys);
    }
    let mut all = in_order(conn, organization, links, shown)?.into_iter();
    let list = |(length, next_cursor, count)| {
        (AttachmentList { data: all.by_ref().take(length).collect(), next_cursor, count: None }, count)
    };
    Ok(pages.into_iter().map(list).collect())
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
            Of::Profile(id) => contact_ids_of_profile(conn, organization, id)?,
        };
        let contacts = contacts.into_iter().filter(|id| wanted.is_empty() || wanted.contains(id));
        Ok(Self { column: Column::Contact, ids: contacts.map(|id| id.0).collect(), contacts: Vec::new() })
    }
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

/// The files of each owner, and where kinds are asked for, of each kind.
struct Files<'a> {
    organization: OrganizationId,
    owners: &'a Owners,
    filter: &'a AttachmentFilter,
    from: Bound,
}

impl Streams for Files<'_> {
    fn count(&self) -> usize {
        self.owners.ids.len() * self.filter.kind.len().max(1)
    }

    fn key(&self) -> (&'static str, &'static str) {
        ("occurred_at", "id")
    }

    fn push_streams<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.owners.ids)?;
        out.push_sql(") AS owner (owner_id)");
        if !self.filter.kind.is_empty() {
            out.push_sql(" CROSS JOIN (SELECT DISTINCT unnest(");
            out.push_bind_param::<Array<Text>, Vec<AttachmentKind>>(&self.filter.kind)?;
            out.push_sql(")) AS wanted (wanted_kind)");
        }
        out.push_sql(") AS stream");
        Ok(())
    }

    fn push_entries<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("FROM attachments WHERE message_id IS NOT NULL AND organization_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        out.push_sql(match self.owners.column {
            Column::Contact => " AND contact_id = stream.owner_id",
            Column::Conversation => " AND conversation_id = stream.owner_id",
        });
        if !self.filter.kind.is_empty() {
            out.push_sql(" AND kind = stream.wanted_kind");
        }
        if !self.owners.contacts.is_empty() {
            out.push_sql(" AND contact_id = ANY (");
            out.push_bind_param::<Array<SqlUuid>, Vec<ContactId>>(&self.owners.contacts)?;
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
        Ok(())
    }
}
