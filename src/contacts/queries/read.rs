//! Contacts as they are shown.

use std::collections::HashMap;
use std::iter;

use chrono::{DateTime, Utc};
use diesel::dsl::{AsSelect, exists};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Timestamptz, Uuid};

use super::super::address;
use super::super::types::{Contact, ContactFilter, ContactList, ContactSort, ProfileRef};
use super::ContactRow;
use crate::access;
use crate::channels::{ChannelRef, Medium};
use crate::db::keyset;
use crate::db::schema::{
    channels as channel_table, contact_channels, contact_terms, contacts, conversation_participants, profiles,
};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{ChannelId, ContactId, OrganizationId, ProfileId};
use crate::text;

pub fn list_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &ContactFilter,
    page: &Page,
) -> Result<ContactList> {
    let addresses = match &filter.address {
        Some(address) => {
            let country = access::default_country(conn, organization)?;
            let media = if filter.medium.is_empty() { Medium::ALL } else { &filter.medium };
            Some(media.iter().map(|medium| address::normalise(*medium, address, &country)).collect::<Vec<_>>())
        }
        None => None,
    };
    let filtered = || {
        let mut query = contacts::table.filter(contacts::organization_id.eq(organization)).into_boxed();
        if !filter.medium.is_empty() {
            query = query.filter(contacts::medium.eq_any(filter.medium.clone()));
        }
        if let Some(addresses) = &addresses {
            query = query.filter(contacts::address.eq_any(addresses.clone()));
        }
        if !filter.profile_id.is_empty() {
            query = query.filter(contacts::profile_id.eq_any(filter.profile_id.clone()));
        }
        match filter.attached {
            Some(true) => query = query.filter(contacts::profile_id.is_not_null()),
            Some(false) => query = query.filter(contacts::profile_id.is_null()),
            None => {}
        }
        if !filter.channel_id.is_empty() {
            query = query.filter(exists(
                contact_channels::table
                    .filter(contact_channels::organization_id.eq(organization))
                    .filter(contact_channels::contact_id.eq(contacts::id))
                    .filter(contact_channels::channel_id.eq_any(filter.channel_id.clone())),
            ));
        }
        let typed = filter.q.as_deref().unwrap_or_default();
        for word in text::query_number(typed).map_or_else(|| text::query_words(typed), |number| vec![number]) {
            query = query.filter(exists(
                contact_terms::table
                    .filter(contact_terms::organization_id.eq(organization))
                    .filter(contact_terms::contact_id.eq(contacts::id))
                    .filter(contact_terms::term.ge(word.clone()))
                    .filter(contact_terms::term.lt(keyset::prefix_end(&word))),
            ));
        }
        query
    };
    let mut query = filtered().select(shown(organization)).limit(page.rows());
    query = match filter.sort {
        ContactSort::Name => query.order((contacts::sort_name, contacts::id)),
        ContactSort::NameDescending => query.order((contacts::sort_name.desc(), contacts::id.desc())),
        ContactSort::CreatedAt => query.order((contacts::created_at, contacts::id)),
        ContactSort::CreatedAtDescending => query.order((contacts::created_at.desc(), contacts::id.desc())),
    };
    let by_name = matches!(filter.sort, ContactSort::Name | ContactSort::NameDescending);
    if by_name {
        if let Some(after) = page.after::<(String, ContactId)>()? {
            let key = (contacts::sort_name, contacts::id).into_sql::<Record<(Text, Uuid)>>();
            query = match filter.sort {
                ContactSort::Name => query.filter(key.gt(after)),
                _ => query.filter(key.lt(after)),
            };
        }
    } else if let Some(after) = page.after::<(DateTime<Utc>, ContactId)>()? {
        let key = (contacts::created_at, contacts::id).into_sql::<Record<(Timestamptz, Uuid)>>();
        query = match filter.sort {
            ContactSort::CreatedAt => query.filter(key.gt(after)),
            _ => query.filter(key.lt(after)),
        };
    }
    let mut rows: Vec<Shown> = query.load(conn)?;
    let next_cursor = if by_name {
        page.cut(&mut rows, |(row, ..)| (row.sort_name.clone(), row.id))?
    } else {
        page.cut(&mut rows, |(row, ..)| (row.created_at, row.id))?
    };
    let count = keyset::count(conn, page, || filtered().select(contacts::id))?;
    Ok(ContactList { data: views(conn, organization, rows)?, next_cursor, count })
}

/// By medium, then name.
pub fn contacts_of_profile(
    conn: &mut PgConnection,
    organization: OrganizationId,
    profile: ProfileId,
    page: &Page,
) -> Result<ContactList> {
    let (rows, next_cursor) = page_of_profile(conn, organization, profile, page)?;
    let count = keyset::count(conn, page, || of_profile(organization, profile).select(contacts::id))?;
    Ok(ContactList { data: views(conn, organization, rows)?, next_cursor, count })
}

fn page_of_profile(
    conn: &mut PgConnection,
    organization: OrganizationId,
    profile: ProfileId,
    page: &Page,
) -> Result<(Vec<Shown>, Option<String>)> {
    let mut query = of_profile(organization, profile)
        .select(shown(organization))
        .order((contacts::medium, contacts::sort_name, contacts::id))
        .limit(page.rows());
    if let Some(after) = page.after::<(Medium, String, ContactId)>()? {
        let key = (contacts::medium, contacts::sort_name, contacts::id).into_sql::<Record<(Text, Text, Uuid)>>();
        query = query.filter(key.gt(after));
    }
    let mut rows: Vec<Shown> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |(row, ..)| (row.medium, row.sort_name.clone(), row.id))?;
    Ok((rows, next_cursor))
}

fn of_profile<'a>(organization: OrganizationId, profile: ProfileId) -> contacts::BoxedQuery<'a, Pg> {
    contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq(profile))
        .into_boxed()
}

/// The contacts of a profile, in the order in which they are locked.
pub fn contact_ids_of_profile(
    conn: &mut PgConnection,
    organization: OrganizationId,
    profile: ProfileId,
) -> Result<Vec<ContactId>> {
    Ok(contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq(profile))
        .order(contacts::id)
        .select(contacts::id)
        .load(conn)?)
}

pub fn get_contact(conn: &mut PgConnection, organization: OrganizationId, id: ContactId) -> Result<Contact> {
    let row = with_id(conn, organization, id)?;
    views(conn, organization, vec![row])?.pop().ok_or_else(not_found)
}

/// These contacts, in the order of their ids in `ids`; what isn't there is left out.
pub fn contact_views(conn: &mut PgConnection, organization: OrganizationId, ids: &[ContactId]) -> Result<Vec<Contact>> {
    let rows: Vec<Shown> = contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::id.eq_any(ids))
        .select(shown(organization))
        .load(conn)?;
    let mut views = views(conn, organization, rows)?;
    views.sort_by_key(|contact| ids.iter().position(|id| *id == contact.id));
    Ok(views)
}

/// A contact, and where it is attached the first page of its profile's contacts.
pub fn contact_with_profiles(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: ContactId,
    page: impl FnOnce(ProfileId) -> Page,
) -> Result<(Contact, Option<ContactList>)> {
    let row = with_id(conn, organization, id)?;
    let profile = row.0.profile_id;
    let (others, next_cursor) = match profile {
        Some(profile) => page_of_profile(conn, organization, profile, &page(profile))?,
        None => (Vec::new(), None),
    };
    let mut views = views(conn, organization, iter::once(row).chain(others).collect())?.into_iter();
    let contact = views.next().ok_or_else(not_found)?;
    Ok((contact, profile.map(|_| ContactList { data: views.collect(), next_cursor, count: None })))
}

/// A contact's row with what is shown beside it: its profile's name, and when its newest message was exchanged.
type Shown = (ContactRow, Option<String>, Option<DateTime<Utc>>);

#[diesel::dsl::auto_type]
fn shown(organization: OrganizationId) -> _ {
    let row: AsSelect<ContactRow, Pg> = ContactRow::as_select();
    let profile_name = profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::id.nullable().eq(contacts::profile_id))
        .select(profiles::name)
        .single_value();
    let newest = conversation_participants::table
        .filter(conversation_participants::organization_id.eq(organization))
        .filter(conversation_participants::contact_id.eq(contacts::id))
        .order(conversation_participants::last_message_at.desc())
        .select(conversation_participants::last_message_at)
        .single_value();
    (row, profile_name, newest)
}

fn with_id(conn: &mut PgConnection, organization: OrganizationId, id: ContactId) -> Result<Shown> {
    let row = contacts::table.find((organization, id)).select(shown(organization)).first(conn).optional()?;
    row.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::not_found(Code::ContactNotFound)
}

fn views(conn: &mut PgConnection, organization: OrganizationId, rows: Vec<Shown>) -> Result<Vec<Contact>> {
    let ids: Vec<ContactId> = rows.iter().map(|(row, ..)| row.id).collect();
    let met: Vec<(ContactId, ChannelId, String, Medium)> = contact_channels::table
        .inner_join(
            channel_table::table.on(channel_table::organization_id
                .eq(contact_channels::organization_id)
                .and(channel_table::id.eq(contact_channels::channel_id))),
        )
        .filter(contact_channels::organization_id.eq(organization))
        .filter(contact_channels::contact_id.eq_any(&ids))
        .order((channel_table::name, channel_table::id))
        .select((contact_channels::contact_id, channel_table::id, channel_table::name, channel_table::medium))
        .load(conn)?;
    let mut channels: HashMap<ContactId, Vec<ChannelRef>> = HashMap::new();
    for (contact, id, name, medium) in met {
        channels.entry(contact).or_default().push(ChannelRef { id, name, medium });
    }
    let view = |(row, profile_name, last_message_at): Shown| Contact {
        id: row.id,
        medium: row.medium,
        address: row.address,
        name: row.name,
        profile_id: row.profile_id,
        profile: row.profile_id.zip(profile_name).map(|(id, name)| ProfileRef { id, name }),
        channels: channels.get(&row.id).cloned().unwrap_or_default(),
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
        last_message_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
