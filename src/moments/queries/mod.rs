//! All Diesel of contact moments.

mod history;
mod search;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use self::history::History;
use super::types::{ContactMoment, ContactMomentFilter, ContactMomentList};
use crate::access;
use crate::actor::Actor;
use crate::channels::ChannelRef;
use crate::contacts::{ContactRef, contact_ids_of_profile};
use crate::conversations::{Assignees, ConversationStatus, Wanted};
use crate::db::schema::{channels, contacts, conversation_participants, conversations, users};
use crate::db::subject::Subject;
use crate::db::{keyset, newest, search_vector};
use crate::error::{Error, Result};
use crate::http::page::{Count, Page};
use crate::ids::{ContactId, ConversationId, OrganizationId, ProfileId, UserId};
use crate::search_query::SearchQuery;
use crate::text;

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
    me: UserId,
    of: Of,
    filter: &ContactMomentFilter,
    page: &Page,
) -> Result<ContactMomentList> {
    let contact_ids = contact_ids(conn, organization, of)?;
    let query = match text::typed(filter.q.as_deref()) {
        None => None,
        Some(typed) => match SearchQuery::parse(typed, search_vector::stemmer(conn, organization)?) {
            Some(query) => Some(query),
            None => {
                let count = page.count.map(|_| Count { value: 0, exact: true });
                return Ok(ContactMomentList { data: Vec::new(), next_cursor: None, count, truncated: Some(false) });
            }
        },
    };
    let mut sought = History::of(organization, contact_ids.clone(), page.rows());
    if !filter.contact_id.is_empty() {
        sought.contacts.retain(|id| filter.contact_id.contains(id));
    }
    sought.channels = filter.channel_id.clone();
    sought.media = filter.medium.clone();
    sought.statuses = filter.status.clone();
    sought.assignees = Assignees::of(&filter.assignee_id, me);
    sought.has_attachment = filter.has_attachments;
    if filter.from.is_some() || filter.to.is_some() {
        let zone = access::time_zone(conn, organization)?;
        sought.from = filter.from.map(|when| when.start(zone));
        sought.to = filter.to.map(|when| when.start(zone));
    }
    let after = page.after()?;
    let (keys, next_cursor, truncated, count) = match &query {
        Some(query) => {
            let history = search::Searched::new(sought, query);
            let mut found = newest::search(conn, &history, after, page.rows())?;
            let (next_cursor, truncated) = found.cut(page)?;
            let count = keyset::count(conn, page, || history.all())?;
            (found.keys, next_cursor, Some(truncated), count)
        }
        None => {
            let wanted = sought.wanted(conn)?;
            let mut found = wanted.page(conn, after, page.rows())?;
            let (next_cursor, truncated) = found.cut(page)?;
            (found.keys, next_cursor, truncated.then_some(true), wanted.count(conn, page)?)
        }
    };
    let ids: Vec<ConversationId> = keys.iter().map(|(_, id)| *id).collect();
    let mut data = Moments::load(conn, organization, &ids)?.of(&ids, &contact_ids);
    if let Some(query) = query {
        search::add_hits(conn, organization, &query, &mut data)?;
    }
    Ok(ContactMomentList { data, next_cursor, count, truncated })
}

/// The first pages of the moments of these contacts and of those, and how many each has; at most `cap + 1`, which says
/// that there are more.
pub fn first_moments(
    conn: &mut PgConnection,
    organization: OrganizationId,
    of: &[(&[ContactId], Page)],
    cap: i64,
) -> Result<Vec<(ContactMomentList, i64)>> {
    let mut pages = Vec::new();
    for (contacts, page) in of {
        let wanted = Wanted { contacts: Some(contacts.to_vec()), ..Wanted::of(organization) };
        let mut keys = wanted.page(conn, None, page.rows().max(cap + 1))?.keys;
        let count = i64::try_from(keys.len()).map_err(Error::internal)?;
        let next_cursor = page.cut(&mut keys, |key| *key)?;
        let ids: Vec<ConversationId> = keys.into_iter().map(|(_, id)| id).collect();
        pages.push((*contacts, ids, next_cursor, count));
    }
    let ids: Vec<ConversationId> = pages.iter().flat_map(|(_, ids, ..)| ids).copied().collect();
    let moments = Moments::load(conn, organization, &ids)?;
    let list = |(contacts, ids, next_cursor, count): (&[ContactId], Vec<ConversationId>, Option<String>, i64)| {
        let data = moments.of(&ids, contacts);
        (ContactMomentList { data, next_cursor, count: None, truncated: None }, count)
    };
    Ok(pages.into_iter().map(list).collect())
}

/// Whose conversations they are; 404 for what isn't there.
pub fn contact_ids(conn: &mut PgConnection, organization: OrganizationId, of: Of) -> Result<Vec<ContactId>> {
    match of {
        Of::Contact(id) => Subject::Contact(id).find(conn, organization).map(|_| vec![id]),
        Of::Profile(id) => {
            Subject::Profile(id).find(conn, organization)?;
            contact_ids_of_profile(conn, organization, id)
        }
    }
}

#[derive(Clone, Queryable)]
struct MomentRow {
    id: ConversationId,
    channel: ChannelRef,
    starter: ContactId,
    subject: Option<String>,
    status: ConversationStatus,
    assignee: Option<(UserId, String)>,
    first_message_at: Option<DateTime<Utc>>,
    last_message_at: DateTime<Utc>,
    message_count: i32,
    preview: String,
}

/// Conversations, as they may stand in several histories.
struct Moments {
    rows: HashMap<ConversationId, MomentRow>,
    /// In the order in which they joined.
    took_part: HashMap<ConversationId, Vec<ContactRef>>,
}

impl Moments {
    fn load(conn: &mut PgConnection, organization: OrganizationId, ids: &[ConversationId]) -> Result<Self> {
        let rows: Vec<MomentRow> = conversations::table
            .inner_join(
                channels::table.on(channels::organization_id
                    .eq(conversations::organization_id)
                    .and(channels::id.eq(conversations::channel_id))),
            )
            .left_join(
                users::table.on(users::organization_id
                    .eq(conversations::organization_id)
                    .and(users::id.nullable().eq(conversations::assignee_id))),
            )
            .filter(conversations::organization_id.eq(organization))
            .filter(conversations::id.eq_any(ids))
            .select((
                conversations::id,
                (channels::id, channels::name, channels::medium),
                conversations::contact_id,
                conversations::subject,
                conversations::status,
                (users::id, users::name).nullable(),
                conversations::first_message_at,
                conversations::last_message_at,
                conversations::message_count,
                conversations::preview,
            ))
            .load(conn)?;
        // All who took part, whosever history it is: few do, and a customer may have hundreds of contacts.
        let participants: Vec<(ConversationId, ContactRef)> = conversation_participants::table
            .inner_join(
                contacts::table.on(contacts::organization_id
                    .eq(conversation_participants::organization_id)
                    .and(contacts::id.eq(conversation_participants::contact_id))),
            )
            .filter(conversation_participants::organization_id.eq(organization))
            .filter(conversation_participants::conversation_id.eq_any(ids))
            .order((conversation_participants::joined_at, contacts::id))
            .select((
                conversation_participants::conversation_id,
                (contacts::id, contacts::name, contacts::medium, contacts::address),
            ))
            .load(conn)?;
        let mut took_part: HashMap<ConversationId, Vec<ContactRef>> = HashMap::new();
        for (conversation, contact) in participants {
            took_part.entry(conversation).or_default().push(contact);
        }
        Ok(Self { rows: rows.into_iter().map(|row| (row.id, row)).collect(), took_part })
    }

    /// These conversations, in the order of `ids`, as moments of these contacts.
    fn of(&self, ids: &[ConversationId], contacts: &[ContactId]) -> Vec<ContactMoment> {
        let theirs: HashSet<ContactId> = contacts.iter().copied().collect();
        let moment = |row: &MomentRow| {
            let all = self.took_part.get(&row.id).into_iter().flatten();
            let mut contacts: Vec<ContactRef> = all.filter(|contact| theirs.contains(&contact.id)).cloned().collect();
            // Stable: the others stay in the order in which they joined.
            contacts.sort_by_key(|contact| contact.id != row.starter);
            let row = row.clone();
            ContactMoment {
                conversation_id: row.id,
                contact_ids: contacts.iter().map(|contact| contact.id).collect(),
                contact: contacts.into_iter().next(),
                medium: row.channel.medium,
                channel: row.channel,
                subject: row.subject,
                status: row.status,
                assignee: row.assignee.map(|(id, name)| Actor::user(id, name)),
                first_message_at: row.first_message_at,
                last_message_at: row.last_message_at,
                message_count: row.message_count,
                preview: row.preview,
                snippet: None,
                hits: None,
                hit_count: None,
            }
        };
        ids.iter().filter_map(|id| self.rows.get(id)).map(moment).collect()
    }
}
