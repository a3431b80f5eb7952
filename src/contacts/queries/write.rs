//! Contacts as they are renamed, pointed to a profile and deleted.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::json;

use super::super::address;
use super::super::types::UpdateContact;
use super::ContactRow;
use crate::db::Tx;
use crate::db::events::{self, Event};
use crate::db::gone_notes;
use crate::db::rows::rows;
use crate::db::schema::{contact_terms, contacts, conversation_participants, conversations};
use crate::db::subject::Subject;
use crate::error::{Code, Error, Result};
use crate::http::version::IfMatch;
use crate::ids::{ContactId, OrganizationId, ProfileId};
use crate::text;

pub fn update_contact(tx: &mut Tx, id: ContactId, if_match: &IfMatch, body: &UpdateContact) -> Result<ContactRow> {
    let row = lock_contact(tx, id)?;
    if_match.check(tx, id.0, row.version)?;
    let name = match body.name.clone().change() {
        Some(name) => name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        None => row.name.clone(),
    };
    if name == row.name {
        return Ok(row);
    }
    let (row, event) = rename(tx, row, name)?;
    events::record(tx, event)?;
    Ok(row)
}

/// Gives a locked contact another name, and what happened for the caller to record.
pub(super) fn rename(tx: &mut Tx, row: ContactRow, name: Option<String>) -> Result<(ContactRow, Event)> {
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
    insert_terms(tx, [&row])?;
    let event = Event::new("contact.updated", row.id.0)
        .contact(row.id)
        .profile(row.profile_id)
        .version(row.version)
        .change(before, json!({ "name": name }));
    Ok((row, event))
}

/// Deletes a contact that never took part in a conversation.
pub fn delete_contact(tx: &mut Tx, id: ContactId, if_match: &IfMatch) -> Result<()> {
    // Against whoever refers to it, too: nobody writes a note on it or a conversation with it any more.
    let row = contacts::table.find((tx.organization, id)).select(ContactRow::as_select()).for_update().first(tx.conn);
    let row = row.optional()?.ok_or_else(|| Error::not_found(Code::ContactNotFound))?;
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
    gone_notes::delete_notes_on(tx, Subject::Contact(id))?;
    // Its channels and terms go with it.
    diesel::delete(contacts::table.find((tx.organization, id))).execute(tx.conn)?;
    let before = json!({ "name": row.name, "medium": row.medium, "address": row.address });
    events::record(tx, Event::new("contact.deleted", id.0).contact(id).from_profile(row.profile_id).before(before))
}

/// These contacts, locked in the order of their ids: whoever attaches, detaches or renames one at the same time waits.
pub fn lock_contacts(tx: &mut Tx, ids: &[ContactId]) -> Result<Vec<ContactRow>> {
    Ok(contacts::table
        .filter(contacts::organization_id.eq(tx.organization))
        .filter(contacts::id.eq_any(ids))
        .order(contacts::id)
        .select(ContactRow::as_select())
        .for_no_key_update()
        .load(tx.conn)?)
}

/// As [`lock_contacts`], for one.
pub fn lock_contact(tx: &mut Tx, id: ContactId) -> Result<ContactRow> {
    contacts::table
        .find((tx.organization, id))
        .select(ContactRow::as_select())
        .for_no_key_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ContactNotFound))
}

/// Points locked contacts to their profiles, or to none: each has its next version then. The verbs of the profiles' room
/// record why.
pub fn set_profiles(tx: &mut Tx, pointed: &[(ContactId, Option<ProfileId>)]) -> Result<()> {
    if pointed.is_empty() {
        return Ok(());
    }
    let (contacts, profiles) = pointed.iter().copied().unzip();
    SetProfiles { organization: tx.organization, now: tx.now, contacts, profiles }.execute(tx.conn)?;
    Ok(())
}

#[derive(Debug, QueryId)]
struct SetProfiles {
    organization: OrganizationId,
    now: DateTime<Utc>,
    contacts: Vec<ContactId>,
    profiles: Vec<Option<ProfileId>>,
}

impl RunQueryDsl<PgConnection> for SetProfiles {}

impl QueryFragment<Pg> for SetProfiles {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH pointed AS (SELECT * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.contacts)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.profiles)?;
        out.push_sql(
            ") AS listed (id, profile_id)), terms AS (UPDATE contact_terms SET profile_id = pointed.profile_id \
             FROM pointed WHERE contact_terms.organization_id = ",
        );
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        out.push_sql(
            " AND contact_terms.contact_id = pointed.id) UPDATE contacts SET profile_id = pointed.profile_id, \
             version = contacts.version + 1, updated_at = ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" FROM pointed WHERE contacts.organization_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        out.push_sql(" AND contacts.id = pointed.id");
        Ok(())
    }
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

pub(super) fn insert_terms<'r>(tx: &mut Tx, contacts: impl IntoIterator<Item = &'r ContactRow>) -> Result<()> {
    let mut rows = TermRows::of(tx.organization);
    for row in contacts {
        let terms = address::terms(row.medium, &row.address, row.name.as_deref());
        for (term, position) in terms.into_iter().zip(0_i16..) {
            rows.push(row.id, position, term, row.profile_id);
        }
    }
    rows.insert(tx.conn)?;
    Ok(())
}

fn delete_terms(tx: &mut Tx, id: ContactId) -> Result<()> {
    diesel::delete(contact_terms::table)
        .filter(contact_terms::organization_id.eq(tx.organization))
        .filter(contact_terms::contact_id.eq(id))
        .execute(tx.conn)?;
    Ok(())
}
