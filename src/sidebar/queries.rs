//! What the sidebar reads itself: who stands in a conversation. All else it asks of the rooms below.

use diesel::PgConnection;
use diesel::prelude::*;

use super::types::{
    AttachmentFolder, ContactFolder, ContactFolders, ContactMomentFolder, NoteFolder, ProfileFieldValue,
    ProfileFolders, Sidebar,
};
use crate::attachments::{self, Links};
use crate::contacts;
use crate::db::schema::{conversation_participants, conversations};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{ContactId, ConversationId, OrganizationId, ProfileId};
use crate::moments;
use crate::{notes, profile_fields, profiles};

/// Entries of a folder.
const ENTRIES: i64 = 10;
/// A folder counts up to here: "99+".
const CAP: i64 = 99;

/// The contact beside a conversation: who started it, or another who took part.
pub fn contact_beside(
    conn: &mut PgConnection,
    organization: OrganizationId,
    conversation: ConversationId,
    other: Option<ContactId>,
) -> Result<ContactId> {
    let starter: ContactId = conversations::table
        .find((organization, conversation))
        .select(conversations::contact_id)
        .first(conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ConversationNotFound))?;
    let Some(other) = other.filter(|other| *other != starter) else { return Ok(starter) };
    conversation_participants::table
        .find((organization, conversation, other))
        .select(conversation_participants::contact_id)
        .first(conn)
        .optional()?
        .ok_or_else(|| Error::new(Code::ContactNotFound, "The contact takes no part in this conversation."))
}

/// The folders of a contact, and of its profile.
pub fn sidebar(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    contact: ContactId,
) -> Result<Sidebar> {
    let contact = contacts::get_contact(conn, organization, contact)?;
    let profile = contact.profile_id;
    let path = format!("/v1/contacts/{}", contact.id);
    Ok(Sidebar {
        contact: ContactFolders {
            contact_moments: moments_folder(conn, organization, &[contact.id], &path)?,
            attachments: attachments_folder(conn, organization, links, &[contact.id], &path)?,
            notes: notes_folder(conn, organization, notes::On::Contact(contact.id), &path)?,
            contact,
        },
        profile: profile.map(|id| profile_folders(conn, organization, links, id)).transpose()?,
    })
}

fn profile_folders(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    id: ProfileId,
) -> Result<ProfileFolders> {
    let profile = profiles::get_profile(conn, organization, id)?;
    let path = format!("/v1/profiles/{id}");
    let profile_fields = profile_fields::fields(conn, organization)?
        .into_iter()
        .map(|field| ProfileFieldValue {
            value: profile.fields.get(&field.key).cloned(),
            key: field.key,
            label: field.label,
            field_type: field.field_type,
            options: field.options.unwrap_or_default(),
            position: field.position,
        })
        .collect();
    let page = Page::first(&format!("{path}/contacts"), ENTRIES);
    let contacts = contacts::contacts_of_profile(conn, organization, id, &page)?;
    let (count, count_capped) = capped(profile.contact_count);
    let contact_ids = moments::contact_ids(conn, organization, moments::Of::Profile(id))?;
    Ok(ProfileFolders {
        contacts: ContactFolder { data: contacts.data, next_cursor: contacts.next_cursor, count, count_capped },
        profile_fields,
        contact_moments: moments_folder(conn, organization, &contact_ids, &path)?,
        attachments: attachments_folder(conn, organization, links, &contact_ids, &path)?,
        notes: notes_folder(conn, organization, notes::On::Profile(id), &path)?,
        profile,
    })
}

fn moments_folder(
    conn: &mut PgConnection,
    organization: OrganizationId,
    contacts: &[ContactId],
    path: &str,
) -> Result<ContactMomentFolder> {
    let page = Page::first(&format!("{path}/contact-moments"), ENTRIES);
    let (list, count) = moments::first_moments(conn, organization, contacts, &page, CAP)?;
    let (count, count_capped) = capped(count);
    Ok(ContactMomentFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped })
}

fn attachments_folder(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    contacts: &[ContactId],
    path: &str,
) -> Result<AttachmentFolder> {
    let page = Page::first(&format!("{path}/attachments"), ENTRIES);
    let (list, count) = attachments::first_attachments(conn, organization, links, contacts, &page, CAP)?;
    let (count, count_capped) = capped(count);
    Ok(AttachmentFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped })
}

fn notes_folder(
    conn: &mut PgConnection,
    organization: OrganizationId,
    on: notes::On,
    path: &str,
) -> Result<NoteFolder> {
    let page = Page::first(&format!("{path}/notes"), ENTRIES);
    let list = notes::list_notes(conn, organization, on, &page)?;
    let (count, count_capped) = match list.next_cursor {
        Some(_) => capped(notes::count_notes(conn, organization, on, CAP)?),
        None => whole(list.data.len()),
    };
    Ok(NoteFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped })
}

fn capped(count: i64) -> (i64, bool) {
    (count.min(CAP), count > CAP)
}

/// All entries are here: nothing has to be counted.
fn whole(entries: usize) -> (i64, bool) {
    (i64::try_from(entries).unwrap_or(CAP), false)
}
