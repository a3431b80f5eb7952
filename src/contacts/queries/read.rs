//! Contacts as they are shown.

use chrono::{DateTime, Utc};
use diesel::dsl::{AsSelect, array, exists};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Timestamptz, Uuid};

use super::super::address;
use super::super::types::{Contact, ContactFilter, ContactList, ContactSort, ProfileRef};
use super::ContactRow;
use crate::access;
use crate::channels::{ChannelRef, Medium};
use crate::db::keyset;
use crate::db::schema::{channels, contact_channels, contact_terms, contacts, conversation_participants, profiles};
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
    Ok(ContactList { data: rows.into_iter().map(view).collect(), next_cursor, count })
}

/// By medium, then name.
pub fn contacts_of_profile(
    conn: &mut PgConnection,
    organization: OrganizationId,
    profile: ProfileId,
    page: &Page,
) -> Result<ContactList> {
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
    let count = keyset::count(conn, page, || of_profile(organization, profile).select(contacts::id))?;
    Ok(ContactList { data: rows.into_iter().map(view).collect(), next_cursor, count })
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
    Ok(view(with_id(conn, organization, id)?))
}

/// These contacts, in the order of their ids in `ids`; what isn't there is left out.
pub fn contact_views(conn: &mut PgConnection, organization: OrganizationId, ids: &[ContactId]) -> Result<Vec<Contact>> {
    let rows: Vec<Shown> = contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::id.eq_any(ids))
        .select(shown(organization))
        .load(conn)?;
    let mut views: Vec<Contact> = rows.into_iter().map(view).collect();
    views.sort_by_key(|contact| ids.iter().position(|id| *id == contact.id));
    Ok(views)
}

/// A contact's row with what is shown beside it: its profile's name, when its newest message was exchanged, and the
/// channels that it uses.
type Shown = (ContactRow, Option<String>, Option<DateTime<Utc>>, Vec<(ChannelId, String, Medium)>);

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
    let channels: array<Record<(Uuid, Text, Text)>, used_channels> = array(used_channels(organization));
    (row, profile_name, newest, channels)
}

#[diesel::dsl::auto_type]
fn used_channels(organization: OrganizationId) -> _ {
    contact_channels::table
        .inner_join(
            channels::table.on(channels::organization_id
                .eq(contact_channels::organization_id)
                .and(channels::id.eq(contact_channels::channel_id))),
        )
        .filter(contact_channels::organization_id.eq(organization))
        .filter(contact_channels::contact_id.eq(contacts::id))
        .order((channels::name, channels::id))
        .select((channels::id, channels::name, channels::medium).into_sql::<Record<(Uuid, Text, Text)>>())
}

fn with_id(conn: &mut PgConnection, organization: OrganizationId, id: ContactId) -> Result<Shown> {
    let row = contacts::table.find((organization, id)).select(shown(organization)).first(conn).optional()?;
    row.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::not_found(Code::ContactNotFound)
}

fn view((row, profile_name, last_message_at, channels): Shown) -> Contact {
    Contact {
        id: row.id,
        medium: row.medium,
        address: row.address,
        name: row.name,
        profile_id: row.profile_id,
        profile: row.profile_id.zip(profile_name).map(|(id, name)| ProfileRef { id, name }),
        channels: channels.into_iter().map(|(id, name, medium)| ChannelRef { id, name, medium }).collect(),
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
        last_message_at,
    }
}
