//! Contacts as they are found, made, renamed, pointed to a profile and deleted.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, SmallInt, Text, Uuid as SqlUuid};
use serde_json::json;

use super::super::address;
use super::super::types::{CreateContact, UpdateContact};
use super::ContactRow;
use crate::access;
use crate::channels::{self, Medium};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::rows::rows;
use crate::db::schema::{contact_channels, contact_terms, contacts, conversation_participants, conversations};
use crate::error::{Code, Error, FieldError, Result};
use crate::http::version::IfMatch;
use crate::ids::{ChannelId, ContactId, ProfileId};
use crate::text;

/// An address to be found or made.
#[derive(Debug, Clone)]
pub struct NewContact {
    pub medium: Medium,
    pub address: String,
    pub name: Option<String>,
    /// Where it was met.
    pub channel: Option<ChannelId>,
}

/// The contact with this address, and whether it was made just now. Whoever makes the same one at the same time waits
/// for the other, and finds it.
pub fn find_or_make(tx: &mut Tx, new: &NewContact) -> Result<(ContactRow, bool)> {
    let country = access::country(tx)?;
    let address = address::normalise(new.medium, &new.address, &country);
    let scope = match new.channel {
        Some(channel) if !new.medium.has_global_addresses() => channel.to_string(),
        _ => String::new(),
    };
    let name = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.map(|name| text::truncate(name, 200).to_owned());
    let made: Option<ContactRow> = diesel::insert_into(contacts::table)
        .values((
            contacts::organization_id.eq(tx.organization),
            contacts::id.eq(ContactId::new()),
            contacts::medium.eq(new.medium),
            contacts::scope.eq(&scope),
            contacts::address.eq(&address),
            contacts::sort_name.eq(text::sort_key(name.as_deref().unwrap_or(&address))),
            contacts::name.eq(&name),
            contacts::created_at.eq(tx.now),
            contacts::updated_at.eq(tx.now),
        ))
        .on_conflict((contacts::organization_id, contacts::medium, contacts::scope, contacts::address))
        .do_nothing()
        .returning(ContactRow::as_returning())
        .get_result(tx.conn)
        .optional()?;
    let (row, is_new) = match made {
        Some(row) => {
            insert_terms(tx, &row)?;
            let after = json!({ "medium": row.medium, "address": row.address, "name": row.name });
            events::record(tx, Event::new("contact.created", row.id.0).contact(row.id).version(1).after(after))?;
            (row, true)
        }
        None => {
            let row: ContactRow = contacts::table
                .filter(contacts::organization_id.eq(tx.organization))
                .filter(contacts::medium.eq(new.medium))
                .filter(contacts::scope.eq(&scope))
                .filter(contacts::address.eq(&address))
                .select(ContactRow::as_select())
                .first(tx.conn)?;
            (row, false)
        }
    };
    if let Some(channel) = new.channel {
        diesel::insert_into(contact_channels::table)
            .values((
                contact_channels::organization_id.eq(tx.organization),
                contact_channels::contact_id.eq(row.id),
                contact_channels::channel_id.eq(channel),
            ))
            .on_conflict_do_nothing()
            .execute(tx.conn)?;
    }
    // A contact that had no name takes the first one it comes with.
    if !is_new && row.name.is_none() && name.is_some() {
        let row = lock_contact(tx, row.id)?;
        return Ok((if row.name.is_none() { rename(tx, row, name)? } else { row }, false));
    }
    Ok((row, is_new))
}

/// What a person asks to be made, once it is complete; `at` is where it stands in the body.
pub fn checked(tx: &mut Tx, body: &CreateContact, at: &str) -> Result<NewContact> {
    let refused =
        |code, message| Err(Error::invalid_field(FieldError::body(format!("{at}/channel_id"), code, message)));
    if let Some(channel) = body.channel_id {
        let channel = channels::get_channel(tx.conn, tx.organization, channel)?;
        if channel.medium != body.medium {
            return refused("medium", format!("is a channel of {}", channel.medium));
        }
    } else if !body.medium.has_global_addresses() {
        return refused("required", format!("is required for {}", body.medium));
    }
    Ok(NewContact {
        medium: body.medium,
        address: body.address.clone(),
        name: body.name.clone(),
        channel: body.channel_id,
    })
}

/// Makes a contact that a person asked for; 409 names the one that has the address already.
pub fn create_contact(tx: &mut Tx, body: &CreateContact) -> Result<ContactRow> {
    let new = checked(tx, body, "")?;
    let (row, is_new) = find_or_make(tx, &new)?;
    if !is_new {
        return Err(Error::new(Code::ContactExists, "There is a contact with this medium and address.")
            .with("holder", json!({ "contact_id": row.id, "name": row.name })));
    }
    Ok(row)
}

pub fn update_contact(tx: &mut Tx, id: ContactId, if_match: &IfMatch, body: &UpdateContact) -> Result<ContactRow> {
    let row = lock_contact(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    let name = match body.name.clone().change() {
        Some(name) => name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        None => row.name.clone(),
    };
    if name == row.name { Ok(row) } else { rename(tx, row, name) }
}

fn rename(tx: &mut Tx, row: ContactRow, name: Option<String>) -> Result<ContactRow> {
    let before = json!({ "name": row.name });
    let row: ContactRow = diesel::update(contacts::table.find((tx.organization, row.id)))
        .set((
            contacts::name.eq(&name),
            contacts::sort_name.eq(text::sort_key(name.as_deref().unwrap_or(&row.address))),
            contacts::version.eq(row.version + 1),
            contacts::updated_at.eq(tx.now),
        ))
        .returning(ContactRow::as_returning())
        .get_result(tx.conn)?;
    delete_terms(tx, row.id)?;
    insert_terms(tx, &row)?;
    let event = Event::new("contact.updated", row.id.0)
        .contact(row.id)
        .profile(row.profile_id)
        .version(row.version)
        .change(before, json!({ "name": name }));
    events::record(tx, event)?;
    Ok(row)
}

/// Deletes a contact that never took part in a conversation.
pub fn delete_contact(tx: &mut Tx, id: ContactId, if_match: &IfMatch) -> Result<()> {
    let row = lock_contact(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    let used: i64 = conversations::table
        .filter(conversations::organization_id.eq(tx.organization))
        .filter(conversations::contact_id.eq(id))
        .count()
        .get_result(tx.conn)?;
    let took_part: i64 = conversation_participants::table
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::contact_id.eq(id))
        .count()
        .get_result(tx.conn)?;
    let count = used.max(took_part);
    if count > 0 {
        return Err(
            Error::new(Code::InUse, format!("The contact takes part in {count} conversations.")).with("count", count)
        );
    }
    // Its channels, terms and notes go with it.
    diesel::delete(contacts::table.find((tx.organization, id))).execute(tx.conn)?;
    events::record(tx, Event::new("contact.deleted", id.0).contact(id).from_profile(row.profile_id))
}

/// The contact, locked: whoever attaches, detaches or renames it at the same time waits.
pub fn lock_contact(tx: &mut Tx, id: ContactId) -> Result<ContactRow> {
    contacts::table
        .find((tx.organization, id))
        .select(ContactRow::as_select())
        .for_no_key_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ContactNotFound))
}

/// Points contacts that were made in this transaction to their profile: two statements, however many.
pub fn set_profile_of_new(tx: &mut Tx, ids: &[ContactId], profile: ProfileId) -> Result<()> {
    diesel::update(contacts::table)
        .filter(contacts::organization_id.eq(tx.organization))
        .filter(contacts::id.eq_any(ids))
        .set((contacts::profile_id.eq(profile), contacts::version.eq(contacts::version + 1)))
        .execute(tx.conn)?;
    diesel::update(contact_terms::table)
        .filter(contact_terms::organization_id.eq(tx.organization))
        .filter(contact_terms::contact_id.eq_any(ids))
        .set(contact_terms::profile_id.eq(profile))
        .execute(tx.conn)?;
    Ok(())
}

/// Points a locked contact to its profile, or to none. The verbs of the profiles' room record why.
pub fn set_profile(tx: &mut Tx, id: ContactId, profile: Option<ProfileId>) -> Result<i32> {
    let version = diesel::update(contacts::table.find((tx.organization, id)))
        .set((
            contacts::profile_id.eq(profile),
            contacts::version.eq(contacts::version + 1),
            contacts::updated_at.eq(tx.now),
        ))
        .returning(contacts::version)
        .get_result(tx.conn)?;
    diesel::update(contact_terms::table)
        .filter(contact_terms::organization_id.eq(tx.organization))
        .filter(contact_terms::contact_id.eq(id))
        .set(contact_terms::profile_id.eq(profile))
        .execute(tx.conn)?;
    Ok(version)
}

rows! {
    struct TermRows into "contact_terms" {
        contact_id: SqlUuid = ContactId,
        position: SmallInt = i16,
        term: Text = String,
        profile_id: Nullable<SqlUuid> = Option<ProfileId>,
    }
    ""
}

fn insert_terms(tx: &mut Tx, row: &ContactRow) -> Result<()> {
    let terms = address::terms(row.medium, &row.address, row.name.as_deref());
    let mut rows = TermRows::of(tx.organization);
    for (term, position) in terms.into_iter().zip(0_i16..) {
        rows.push(row.id, position, term, row.profile_id);
    }
    rows.execute(tx.conn)?;
    Ok(())
}

fn delete_terms(tx: &mut Tx, id: ContactId) -> Result<()> {
    diesel::delete(contact_terms::table)
        .filter(contact_terms::organization_id.eq(tx.organization))
        .filter(contact_terms::contact_id.eq(id))
        .execute(tx.conn)?;
    Ok(())
}
