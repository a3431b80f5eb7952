//! What the sidebar reads itself: who stands in a conversation. All else it asks of the rooms below.

use diesel::PgConnection;
use diesel::prelude::*;

use super::types::{
    AttachmentFolder, ContactFolder, ContactFolders, ContactMomentFolder, NoteFolder, ProfileFieldValue,
    ProfileFolders, Sidebar,
};
use crate::attachments::{self, AttachmentList, Links};
use crate::contacts::{self, ContactList};
use crate::db::schema::{conversation_participants, conversations};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::ids::{ContactId, ConversationId, OrganizationId, ProfileId};
use crate::moments::{self, ContactMomentList};
use crate::notes::{self, NoteList};
use crate::{profile_fields, profiles};

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
    let first = |path: &str, list: &str| Page::first(organization, &format!("{path}/{list}"), ENTRIES);
    let path = format!("/v1/contacts/{}", contact.id);
    let notes_of_contact = (notes::On::Contact(contact.id), first(&path, "notes"));
    let mut owners = vec![(vec![contact.id], path)];
    let mut notes_of_profile = None;
    if let Some(id) = contact.profile_id {
        let path = format!("/v1/profiles/{id}");
        notes_of_profile = Some((notes::On::Profile(id), first(&path, "notes")));
        owners.push((contacts::contact_ids_of_profile(conn, organization, id)?, path));
    }
    let pages = |list: &str| -> Vec<(&[ContactId], Page)> {
        owners.iter().map(|(ids, path)| (ids.as_slice(), first(path, list))).collect()
    };
    let moments = moments::first_moments(conn, organization, &pages("contact-moments"), CAP)?;
    let files = attachments::first_attachments(conn, organization, links, &pages("attachments"), CAP)?;
    let notes = notes::first_notes(conn, organization, notes_of_contact, notes_of_profile, CAP)?;
    let mut folders = moments.into_iter().zip(files).zip(notes).map(|((moments, files), notes)| Folders {
        contact_moments: moments_folder(moments),
        attachments: attachments_folder(files),
        notes: notes_folder(notes),
    });
    let of_contact = folders.next().ok_or_else(|| Error::internal("a contact without folders"))?;
    let profile = match (owners.get(1), contact.profile_id, folders.next()) {
        (Some((ids, path)), Some(id), Some(folders)) => {
            let contacts = contacts::contacts_of_profile(conn, organization, id, &first(path, "contacts"))?;
            Some(profile_folders(conn, organization, id, ids.len(), contacts, folders)?)
        }
        _ => None,
    };
    let Folders { contact_moments, attachments, notes } = of_contact;
    Ok(Sidebar { contact: ContactFolders { contact_moments, attachments, notes, contact }, profile })
}

/// What contacts and profiles have.
struct Folders {
    contact_moments: ContactMomentFolder,
    attachments: AttachmentFolder,
    notes: NoteFolder,
}

fn profile_folders(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: ProfileId,
    contact_count: usize,
    contacts: ContactList,
    Folders { contact_moments, attachments, notes }: Folders,
) -> Result<ProfileFolders> {
    let fields = profile_fields::fields(conn, organization)?;
    let contact_count = i64::try_from(contact_count).map_err(Error::internal)?;
    let profile = profiles::profile_with_contacts(conn, organization, &fields, id, contact_count)?;
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
    let (count, count_capped) = capped(contact_count);
    let contacts = ContactFolder { data: contacts.data, next_cursor: contacts.next_cursor, count, count_capped };
    Ok(ProfileFolders { contacts, profile_fields, contact_moments, attachments, notes, profile })
}

fn moments_folder((list, count): (ContactMomentList, i64)) -> ContactMomentFolder {
    let (count, count_capped) = capped(count);
    ContactMomentFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped }
}

fn attachments_folder((list, count): (AttachmentList, i64)) -> AttachmentFolder {
    let (count, count_capped) = capped(count);
    AttachmentFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped }
}

fn notes_folder((list, count): (NoteList, i64)) -> NoteFolder {
    let (count, count_capped) = capped(count);
    NoteFolder { data: list.data, next_cursor: list.next_cursor, count, count_capped }
}

fn capped(count: i64) -> (i64, bool) {
    (count.min(CAP), count > CAP)
}
