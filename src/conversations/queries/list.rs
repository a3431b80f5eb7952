//! What is read of conversations.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Record, Timestamptz, Uuid};

use super::super::types::{Assigned, Conversation, ConversationFilter, ConversationList, ConversationStatus};
use super::people::People;
use super::search::{Key, Searched};
use super::wanted::{Assignees, Wanted};
use super::write::ConversationRow;
use crate::actor::Actor;
use crate::channels::{ChannelRef, Direction};
use crate::contacts::{self, ContactList, ContactRef, ProfileRef};
use crate::db::schema::{
    channels, contacts as contact_table, conversation_participants, conversation_reads, conversations, messages,
    profiles, users,
};
use crate::db::types::TimeOrNever;
use crate::db::{Tx, keyset, newest, search_vector};
use crate::error::{Code, Error, Result};
use crate::http::page::{Count, Page};
use crate::ids::{ChannelId, ContactId, ConversationId, OrganizationId, UserId};
use crate::search_query::SearchQuery;
use crate::text;

pub type Filtered<'a> = conversations::BoxedQuery<'a, Pg>;

/// Newest message first.
pub fn list_conversations(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    filter: &ConversationFilter,
    page: &Page,
) -> Result<ConversationList> {
    let typed = text::typed(filter.q.as_deref());
    let query = match typed {
        None => None,
        Some(typed) => match SearchQuery::parse(typed, search_vector::stemmer(conn, organization)?) {
            Some(query) => Some(query),
            None => {
                let count = page.count.map(|_| Count { value: 0, exact: true });
                return Ok(ConversationList { data: Vec::new(), next_cursor: None, count, truncated: Some(false) });
            }
        },
    };
    let filtered = || filtered(organization, user, filter);
    let after: Option<Key> = page.after()?;
    let (keys, next_cursor, truncated, count) = match &query {
        Some(query) => {
            let people = People::of(conn, organization, typed.filter(|_| query.is_plain()))?;
            let searched = Searched { organization, query, people, filtered };
            let mut found = newest::search(conn, &searched, after, page.rows())?;
            let (next_cursor, truncated) = found.cut(page)?;
            let count = match page.count {
                Some(_) => {
                    let ids = searched.found(conn)?;
                    let all = || filtered().filter(conversations::id.eq_any(ids)).select(conversations::id);
                    keyset::count(conn, page, all)?
                }
                None => None,
            };
            (found.keys, next_cursor, Some(truncated), count)
        }
        None => {
            let wanted = wanted(conn, organization, user, filter)?;
            let mut found = wanted.page(conn, after, page.rows())?;
            let (next_cursor, truncated) = found.cut(page)?;
            (
                found.keys,
                next_cursor,
                truncated.then_some(true),
                keyset::count(conn, page, || filtered().select(conversations::id))?,
            )
        }
    };
    let ids: Vec<ConversationId> = keys.into_iter().map(|(_, id)| id).collect();
    let data = conversation_views(conn, organization, user, &ids)?;
    Ok(ConversationList { data, next_cursor, count, truncated })
}

/// The first conversations after a key.
pub fn page_of(conn: &mut PgConnection, of: Filtered, after: Option<Key>, limit: i64) -> Result<Vec<Key>> {
    let mut query = of
        .select((conversations::last_message_at, conversations::id))
        .order((conversations::last_message_at.desc(), conversations::id.desc()))
        .limit(limit);
    if let Some(after) = after {
        let key = (conversations::last_message_at, conversations::id).into_sql::<Record<(Timestamptz, Uuid)>>();
        query = query.filter(key.lt(after));
    }
    Ok(query.load(conn)?)
}

/// What a list without `q` shows.
fn wanted(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    filter: &ConversationFilter,
) -> Result<Wanted> {
    let of_profiles: Option<Vec<ContactId>> = match filter.profile_id.as_slice() {
        [] => None,
        profiles => Some(
            contact_table::table
                .filter(contact_table::organization_id.eq(organization))
                .filter(contact_table::profile_id.eq_any(profiles))
                .select(contact_table::id)
                .load(conn)?,
        ),
    };
    let (contacts, beside) = match filter.contact_id.as_slice() {
        [] => (of_profiles, None),
        contacts => (Some(contacts.to_vec()), of_profiles),
    };
    let statuses = match filter.status.as_slice() {
        [] => vec![ConversationStatus::Open, ConversationStatus::Closed],
        statuses => statuses.to_vec(),
    };
    let all = Wanted {
        contacts,
        beside,
        statuses: Some(statuses),
        assignees: Assignees::of(&filter.assignee_id, user),
        unread: filter.unread.map(|unread| (user, unread)),
        ..Wanted::of(organization)
    };
    all.on(conn, &filter.channel_id, &filter.medium)
}

fn filtered<'a>(organization: OrganizationId, user: UserId, filter: &'a ConversationFilter) -> Filtered<'a> {
    let mut query = conversations::table.filter(conversations::organization_id.eq(organization)).into_boxed();
    query = match filter.status.as_slice() {
        [] => query.filter(conversations::status.eq_any([ConversationStatus::Open, ConversationStatus::Closed])),
        // One alone lets the index give the order too.
        [one] => query.filter(conversations::status.eq(*one)),
        several => query.filter(conversations::status.eq_any(several)),
    };
    if !filter.assignee_id.is_empty() {
        let users: Vec<UserId> = filter
            .assignee_id
            .iter()
            .filter_map(|assigned| match assigned {
                Assigned::Me => Some(user),
                Assigned::User(id) => Some(*id),
                Assigned::None => None,
            })
            .collect();
        query = match (filter.assignee_id.contains(&Assigned::None), users.as_slice()) {
            (true, []) => query.filter(conversations::assignee_id.is_null()),
            (true, _) => {
                query.filter(conversations::assignee_id.is_null().or(conversations::assignee_id.eq_any(users)))
            }
            (false, [one]) => query.filter(conversations::assignee_id.eq(*one)),
            (false, _) => query.filter(conversations::assignee_id.eq_any(users)),
        };
    }
    query = match filter.channel_id.as_slice() {
        [] => query,
        [one] => query.filter(conversations::channel_id.eq(*one)),
        several => query.filter(conversations::channel_id.eq_any(several)),
    };
    if !filter.medium.is_empty() {
        query = query.filter(
            conversations::channel_id.eq_any(
                channels::table
                    .filter(channels::organization_id.eq(organization))
                    .filter(channels::medium.eq_any(&filter.medium))
                    .select(channels::id),
            ),
        );
    }
    if !filter.contact_id.is_empty() {
        query = query.filter(exists(
            conversation_participants::table
                .filter(conversation_participants::organization_id.eq(organization))
                .filter(conversation_participants::conversation_id.eq(conversations::id))
                .filter(conversation_participants::contact_id.eq_any(&filter.contact_id)),
        ));
    }
    if !filter.profile_id.is_empty() {
        query = query.filter(exists(
            conversation_participants::table
                .inner_join(
                    contact_table::table.on(contact_table::organization_id
                        .eq(conversation_participants::organization_id)
                        .and(contact_table::id.eq(conversation_participants::contact_id))),
                )
                .filter(conversation_participants::organization_id.eq(organization))
                .filter(conversation_participants::conversation_id.eq(conversations::id))
                .filter(contact_table::profile_id.eq_any(&filter.profile_id)),
        ));
    }
    if let Some(unread) = filter.unread {
        let is_read = exists(
            conversation_reads::table
                .filter(conversation_reads::organization_id.eq(organization))
                .filter(conversation_reads::user_id.eq(user))
                .filter(conversation_reads::conversation_id.eq(conversations::id))
                .filter(conversation_reads::read_at.ge(conversations::last_inbound_at)),
        );
        let has_inbound = conversations::last_inbound_at.gt(TimeOrNever(None));
        query = match unread {
            true => query.filter(has_inbound.and(diesel::dsl::not(is_read))),
            false => query.filter(diesel::dsl::not(has_inbound).or(is_read)),
        };
    }
    query
}

/// One conversation as `user` sees it.
pub fn conversation_view(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    id: ConversationId,
) -> Result<Conversation> {
    let found = conversation_views(conn, organization, user, &[id])?.pop();
    found.ok_or_else(|| Error::not_found(Code::ConversationNotFound))
}

type Named = (ChannelRef, ContactRef, Option<ProfileRef>, Option<(UserId, String)>, Option<TimeOrNever>, DateTime<Utc>);

/// In the order of their ids in `ids`.
fn conversation_views(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    ids: &[ConversationId],
) -> Result<Vec<Conversation>> {
    let rows: Vec<(ConversationRow, Named)> = conversations::table
        .inner_join(
            channels::table.on(channels::organization_id
                .eq(conversations::organization_id)
                .and(channels::id.eq(conversations::channel_id))),
        )
        .inner_join(
            contact_table::table.on(contact_table::organization_id
                .eq(conversations::organization_id)
                .and(contact_table::id.eq(conversations::contact_id))),
        )
        .left_join(
            profiles::table.on(profiles::organization_id
                .eq(conversations::organization_id)
                .and(profiles::id.nullable().eq(contact_table::profile_id))),
        )
        .left_join(
            users::table.on(users::organization_id
                .eq(conversations::organization_id)
                .and(users::id.nullable().eq(conversations::assignee_id))),
        )
        .left_join(
            conversation_reads::table.on(conversation_reads::organization_id
                .eq(conversations::organization_id)
                .and(conversation_reads::user_id.eq(user))
                .and(conversation_reads::conversation_id.eq(conversations::id))),
        )
        .filter(conversations::organization_id.eq(organization))
        .filter(conversations::id.eq_any(ids))
        .select((
            ConversationRow::as_select(),
            (
                (channels::id, channels::name, channels::medium),
                (contact_table::id, contact_table::name, contact_table::medium, contact_table::address),
                (profiles::id, profiles::name).nullable(),
                (users::id, users::name).nullable(),
                conversation_reads::read_at.nullable(),
                conversations::created_at,
            ),
        ))
        .load(conn)?;
    let mut views: Vec<Conversation> = rows
        .into_iter()
        .map(|(row, (channel, contact, profile, assignee, read_at, created_at))| Conversation {
            id: row.id,
            channel_id: row.channel_id,
            channel,
            contact_id: row.contact_id,
            contact,
            profile_id: profile.as_ref().map(|profile| profile.id),
            profile,
            subject: row.subject,
            status: row.status,
            assignee_id: row.assignee_id,
            assignee: assignee.map(|(id, name)| Actor::user(id, name)),
            unread: row.last_inbound_at > read_at.unwrap_or(TimeOrNever(None)),
            message_count: row.message_count,
            first_message_at: row.first_message_at,
            last_message_at: row.last_message_at,
            last_message_direction: row.last_message_direction,
            preview: row.preview,
            created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
        .collect();
    views.sort_by_key(|view| ids.iter().position(|id| *id == view.id));
    Ok(views)
}

/// Everyone who took part: who started it first, then in the order in which they joined.
pub fn conversation_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: ConversationId,
    page: &Page,
) -> Result<ContactList> {
    let starter: ContactId = conversations::table
        .find((organization, id))
        .select(conversations::contact_id)
        .first(conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ConversationNotFound))?;
    let all = || {
        conversation_participants::table
            .filter(conversation_participants::organization_id.eq(organization))
            .filter(conversation_participants::conversation_id.eq(id))
            .into_boxed()
    };
    let key = (
        conversation_participants::contact_id.ne(starter),
        conversation_participants::joined_at,
        conversation_participants::contact_id,
    );
    let mut query = all().select(key).order(key).limit(page.rows());
    if let Some(after) = page.after::<(bool, DateTime<Utc>, ContactId)>()? {
        query = query.filter(key.into_sql::<Record<(Bool, Timestamptz, Uuid)>>().gt(after));
    }
    let mut rows: Vec<(bool, DateTime<Utc>, ContactId)> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| *row)?;
    let count = keyset::count(conn, page, || all().select(conversation_participants::contact_id))?;
    let ids: Vec<ContactId> = rows.into_iter().map(|(_, _, id)| id).collect();
    Ok(ContactList { data: contacts::contact_views(conn, organization, &ids)?, next_cursor, count })
}

/// The conversation, and whom an answer goes to: whoever wrote last, else who it is with.
pub fn partner(tx: &mut Tx, id: ConversationId) -> Result<(ConversationRow, ContactId)> {
    let conversation: ConversationRow = conversations::table
        .find((tx.organization, id))
        .select(ConversationRow::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ConversationNotFound))?;
    let last_writer: Option<ContactId> = messages::table
        .filter(messages::organization_id.eq(tx.organization))
        .filter(messages::conversation_id.eq(id))
        .filter(messages::direction.eq(Direction::Inbound))
        .order((messages::occurred_at.desc(), messages::id.desc()))
        .select(messages::contact_id)
        .first(tx.conn)
        .optional()?;
    let contact = last_writer.unwrap_or(conversation.contact_id);
    Ok((conversation, contact))
}

/// Whether the contact's address means something on this channel.
pub fn is_known_on(tx: &mut Tx, contact: ContactId, channel: ChannelId) -> Result<bool> {
    let scope: String =
        contact_table::table.find((tx.organization, contact)).select(contact_table::scope).first(tx.conn)?;
    Ok(scope.is_empty() || scope == channel.to_string())
}
