//! Contacts as they are found or made: many at a time, so that one is a set of one.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::query_builder::Query;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::json;

use super::super::address;
use super::super::types::CreateContact;
use super::ContactRow;
use super::write::{insert_terms, lock_contacts, rename};
use crate::access;
use crate::channels::{self, Medium};
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::rows::rows;
use crate::db::schema::contacts;
use crate::error::{Code, Error, FieldCode, FieldError, Result};
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

/// A contact that was found, and is locked, or that was made.
#[derive(Debug)]
pub struct Found {
    pub row: ContactRow,
    pub is_new: bool,
    /// What happened to it, for the caller to record.
    pub event: Option<Event>,
}

/// What a contact is unique by: medium, scope and normalised address.
type Key = (Medium, String, String);

/// What a person asks to be made, once it is complete; `at` is where it stands in the body.
pub fn checked(tx: &mut Tx, body: &CreateContact, at: &str) -> Result<NewContact> {
    let refused =
        |code, message| Err(Error::invalid_field(FieldError::body(format!("{at}/channel_id"), code, message)));
    if let Some(channel) = body.channel_id {
        let channel = channels::get_channel(tx.conn, tx.organization, channel)?;
        if channel.medium != body.medium {
            return refused(FieldCode::Channel, format!("is a channel of {}", channel.medium));
        }
    } else if !body.medium.has_global_addresses() {
        return refused(FieldCode::Required, format!("is required for {}", body.medium));
    }
    Ok(NewContact {
        medium: body.medium,
        address: body.address.clone(),
        name: body.name.clone(),
        channel: body.channel_id,
    })
}

/// The contact with this address, and whether it was made just now. Whoever makes the same one at the same time waits
/// for the other, and finds it.
pub fn find_or_make(tx: &mut Tx, new: &NewContact) -> Result<(ContactRow, bool)> {
    let found = find_or_make_all(tx, &[(new, None)])?.pop();
    let Found { row, is_new, event } = found.ok_or_else(|| Error::internal("a contact was neither found nor made"))?;
    events::record_all(tx, Vec::from_iter(event))?;
    Ok((row, is_new))
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

/// As [`find_or_make`], for many, in their order. One that is made has the profile beside it: that it was attached is
/// the caller's to record.
pub fn find_or_make_all(tx: &mut Tx, wanted: &[(&NewContact, Option<ProfileId>)]) -> Result<Vec<Found>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let country = access::country(tx)?;
    let keys: Vec<Key> = wanted.iter().map(|(new, _)| key(new, &country)).collect();
    // Each once, in the order in which everyone makes contacts.
    let mut distinct: BTreeMap<&Key, ContactRow> = BTreeMap::new();
    for (key, (new, profile)) in keys.iter().zip(wanted) {
        let name = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = name.map(|name| text::truncate(name, 200).to_owned());
        let row = distinct.entry(key).or_insert_with(|| row(tx.now, key, *profile));
        row.name = row.name.take().or(name);
    }
    let mut found = make(tx, &mut distinct)?;
    find(tx, &distinct, &mut found)?;
    let all: Result<Vec<Found>> = keys
        .iter()
        .map(|key| {
            // What happened to one that is wanted twice, happened once.
            let found = found.get_mut(key).ok_or_else(gone)?;
            Ok(Found { row: found.row.clone(), is_new: found.is_new, event: found.event.take() })
        })
        .collect();
    let all = all?;
    let mut met = ChannelRows::of(tx.organization);
    for (found, (new, _)) in all.iter().zip(wanted) {
        new.channel.into_iter().for_each(|channel| met.push(found.row.id, channel));
    }
    met.insert(tx.conn)?;
    Ok(all)
}

fn key(new: &NewContact, country: &str) -> Key {
    let scope = match new.channel {
        Some(channel) if !new.medium.has_global_addresses() => channel.to_string(),
        _ => String::new(),
    };
    (new.medium, scope, address::normalise(new.medium, &new.address, country))
}

/// A contact as it is made: attached to its profile, where it has one, in the same step.
fn row(now: DateTime<Utc>, (medium, _, address): &Key, profile_id: Option<ProfileId>) -> ContactRow {
    let version = if profile_id.is_some() { MADE + 1 } else { MADE };
    let (id, address) = (ContactId::new(), address.clone());
    let medium = *medium;
    ContactRow {
        id,
        medium,
        address,
        name: None,
        sort_name: String::new(),
        profile_id,
        version,
        created_at: now,
        updated_at: now,
    }
}

/// The version of a contact that was made.
const MADE: i32 = 1;

/// Makes those that aren't there.
fn make<'k>(tx: &mut Tx, wanted: &mut BTreeMap<&'k Key, ContactRow>) -> Result<HashMap<&'k Key, Found>> {
    let mut rows = ContactRows::of(tx.organization);
    for ((_, scope, _), row) in &mut *wanted {
        row.sort_name = text::sort_key(row.name.as_deref().unwrap_or(&row.address));
        rows.push(
            row.id,
            row.medium,
            scope.clone(),
            row.address.clone(),
            row.name.clone(),
            row.sort_name.clone(),
            row.profile_id,
            row.version,
            row.created_at,
            row.updated_at,
        );
    }
    let made: HashSet<ContactId> = HashSet::from_iter(rows.load::<ContactId>(tx.conn)?);
    let made = || wanted.iter().filter(|(_, row)| made.contains(&row.id));
    insert_terms(tx, made().map(|(_, row)| row))?;
    let found = made().map(|(key, row)| {
        let after = json!({ "medium": row.medium, "address": row.address, "name": row.name });
        let event = Event::new("contact.created", row.id.0).contact(row.id).version(MADE).after(after);
        (*key, Found { row: row.clone(), is_new: true, event: Some(event) })
    });
    Ok(found.collect())
}

/// Finds, and locks, those that were there.
fn find<'k>(tx: &mut Tx, wanted: &BTreeMap<&'k Key, ContactRow>, found: &mut HashMap<&'k Key, Found>) -> Result<()> {
    let known: HashMap<&Key, &ContactRow> =
        wanted.iter().filter(|(key, _)| !found.contains_key(*key)).map(|(key, row)| (*key, row)).collect();
    if known.is_empty() {
        return Ok(());
    }
    let addresses: Vec<&str> = known.keys().map(|(_, _, address)| address.as_str()).collect();
    let there: Vec<(ContactId, Key)> = contacts::table
        .filter(contacts::organization_id.eq(tx.organization))
        .filter(contacts::address.eq_any(addresses))
        .select((contacts::id, (contacts::medium, contacts::scope, contacts::address)))
        .load(tx.conn)?;
    let there: HashMap<ContactId, &Key> =
        there.iter().filter_map(|(id, key)| Some((*id, *known.get_key_value(key)?.0))).collect();
    let ids: Vec<ContactId> = there.keys().copied().collect();
    for row in lock_contacts(tx, &ids)? {
        let Some(key) = there.get(&row.id) else { continue };
        let name = known.get(key).and_then(|wanted| wanted.name.clone());
        // A contact that had no name takes the first one it comes with.
        let (row, event) = match name {
            Some(name) if row.name.is_none() => rename(tx, row, Some(name)).map(|(row, event)| (row, Some(event)))?,
            _ => (row, None),
        };
        found.insert(key, Found { row, is_new: false, event });
    }
    Ok(())
}

/// It was deleted since it was in the way: run again, the transaction makes another.
fn gone() -> Error {
    Error::unavailable(1, "a contact was deleted while it was looked for").transient()
}

rows! {
    struct ContactRows into "contacts" {
        id: SqlUuid = ContactId,
        medium: Text = Medium,
        scope: Text = String,
        address: Text = String,
        name: Nullable<Text> = Option<String>,
        sort_name: Text = String,
        profile_id: Nullable<SqlUuid> = Option<ProfileId>,
        version: Integer = i32,
        created_at: Timestamptz = DateTime<Utc>,
        updated_at: Timestamptz = DateTime<Utc>,
    }
    "ON CONFLICT (organization_id, medium, scope, address) DO NOTHING RETURNING id"
}

impl Query for ContactRows {
    type SqlType = SqlUuid;
}

rows! {
    struct ChannelRows into "contact_channels" { contact_id: SqlUuid = ContactId, channel_id: SqlUuid = ChannelId, }
    "ON CONFLICT DO NOTHING"
}
