//! What the sidebar reads itself: who stands in a conversation. All else it asks of the rooms below.

use diesel::PgConnection;
use diesel::prelude::*;

use super::types::{
    AttachmentFolder, ContactFolder, ContactFolders, ContactMomentFolder, NoteFolder, ProfileFieldValue,
    ProfileFolders, Sidebar,
};
use crate::attachments::{self, AttachmentList, Links};
use crate::contacts;
use crate::db::schema::{conversation_participants, conversations};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{ContactId, ConversationId, OrganizationId, ProfileId};
use crate::moments::{self, ContactMomentList};
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

/// The folders of a contact, and of its profile: what both have is read at once.
pub fn sidebar(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    contact: ContactId,
) -> Result<Sidebar> {
    let contact = contacts::get_contact(conn, organization, contact)?;
    let path = format!("/v1/contacts/{}", contact.id);
    let mut owners = vec![(vec![contact.id], path.clone())];
    if let Some(id) = contact.profile_id {
        owners.push((contacts::contact_ids_of_profile(conn, organization, id)?, format!("/v1/profiles/{id}")));
    }
    let pages = |list: &str| -> Vec<(&[ContactId], Page)> {
        owners
            .iter()
            .map(|(ids, path)| (ids.as_slice(), Page::first(organization, &format!("{path}/{list}"), ENTRIES)))
            .collect()
    };
    let moments = moments::first_moments(conn, organization, &pages("contact-moments"), CAP)?;
    let files = attachments::first_attachments(conn, organization, links, &pages("attachments"), CAP)?;
    let mut exchanged = moments.into_iter().map(moments_folder).zip(files.into_iter().map(attachments_folder));
    let of_contact = exchanged.next().ok_or_else(|| Error::internal("a contact without folders"))?;
    let profile = match (contact.profile_id, exchanged.next()) {
        (Some(id), Some(exchanged)) => Some(profile_folders(conn, organization, id, exchanged)?),
        _ => None,
    };
    let (contact_moments, attachments) = of_contact;
    let notes = notes_folder(conn, organization, notes::On::Contact(contact.id), &path)?;
    Ok(Sidebar { contact: ContactFolders { contact_moments, attachments, notes, contact }, profile })
}

fn profile_folders(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: ProfileId,
    (contact_moments, attachments): (ContactMomentFolder, AttachmentFolder),
) -> Result<ProfileFolders> {
    let fields = profile_fields::fields(conn, organization)?;
    let profile = profiles::profile_views(conn, organization, &fields, &[id])?.pop();
    let profile = profile.ok_or_else(|| Error::not_found(Code::ProfileNotFound))?;
    let path = format!("/v1/profiles/{id}");
    let first_contacts = Page::first(organization, &format!("{path}/contacts"), ENTRIES);
    let contacts = contacts::contacts_of_profile(conn, organization, id, &first_contacts)?;
    let profile_fields = fields
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
    let (count, count_capped) = capped(profile.contact_count);
    Ok(ProfileFolders {
        contacts: ContactFolder { data: contacts.data, next_cursor: contacts.next_cursor, count, count_capped },
        profile_fields,
        contact_moments,
        attachments,
        notes: notes_folder(conn, organization, notes::On::Profile(id), &path)?,
        profile,
    })
}

fn moments_folder((list, count): (ContactMomentList, i64)) -> ContactMomentFolder {
    let (count, count_capped) = capped(count);
    ContactMomentFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped }
}

fn attachments_folder((list, count): (AttachmentList, i64)) -> AttachmentFolder {
    let (count, count_capped) = capped(count);
    AttachmentFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped }
}

fn notes_folder(
    conn: &mut PgConnection,
    organization: OrganizationId,
    on: notes::On,
    path: &str,
) -> Result<NoteFolder> {
    let page = Page::first(organization, &format!("{path}/notes"), ENTRIES);
    let (list, count) = notes::first_notes(conn, organization, on, &page, CAP)?;
    let (count, count_capped) = capped(count);
    Ok(NoteFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped })
}

fn capped(count: i64) -> (i64, bool) {
    (count.min(CAP), count > CAP)
}
