//! What notes, files and histories hang on: a profile, a contact or a conversation.

use diesel::prelude::*;

use super::Tx;
use super::schema::{contacts, conversation_redirects, conversations, profiles};
use crate::error::{Code, Error, Result};
use crate::ids::{ContactId, ConversationId, OrganizationId, ProfileId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Profile(ProfileId),
    Contact(ContactId),
    Conversation(ConversationId),
}

impl Subject {
    /// The subject that is there: a conversation that became part of another is that other; 404 where there is none.
    pub fn find(self, conn: &mut PgConnection, organization: OrganizationId) -> Result<Self> {
        match self {
            Self::Profile(id) => profiles::table
                .find((organization, id))
                .filter(profiles::deleted_at.is_null())
                .select(profiles::id)
                .first(conn)
                .optional()?
                .map(Self::Profile)
                .ok_or_else(|| Error::not_found(Code::ProfileNotFound)),
            Self::Contact(id) => contacts::table
                .find((organization, id))
                .select(contacts::id)
                .first(conn)
                .optional()?
                .map(Self::Contact)
                .ok_or_else(|| Error::not_found(Code::ContactNotFound)),
            Self::Conversation(id) => {
                let found = conversations::table.find((organization, id)).select(conversations::id);
                let found = match found.first(conn).optional()? {
                    Some(id) => Some(id),
                    None => redirect(conn, organization, id)?,
                };
                found.map(Self::Conversation).ok_or_else(|| Error::not_found(Code::ConversationNotFound))
            }
        }
    }

    /// As [`Subject::find`], and it stays until the transaction ends: whoever deletes it or merges it away waits.
    pub fn hold(self, tx: &mut Tx) -> Result<Self> {
        match self {
            Self::Profile(id) => profiles::table
                .find((tx.organization, id))
                .filter(profiles::deleted_at.is_null())
                .select(profiles::id)
                .for_share()
                .first(tx.conn)
                .optional()?
                .map(Self::Profile)
                .ok_or_else(|| Error::not_found(Code::ProfileNotFound)),
            Self::Contact(id) => contacts::table
                .find((tx.organization, id))
                .select(contacts::id)
                .for_key_share()
                .first(tx.conn)
                .optional()?
                .map(Self::Contact)
                .ok_or_else(|| Error::not_found(Code::ContactNotFound)),
            Self::Conversation(id) => {
                let mut found = hold_conversation(tx, id)?;
                // It may have become part of another while this waited, and that one of a third.
                let mut next = id;
                while found.is_none() {
                    let Some(target) = redirect(tx.conn, tx.organization, next)?.filter(|target| *target != next)
                    else {
                        break;
                    };
                    found = hold_conversation(tx, target)?;
                    next = target;
                }
                found.map(Self::Conversation).ok_or_else(|| Error::not_found(Code::ConversationNotFound))
            }
        }
    }
}

fn hold_conversation(tx: &mut Tx, id: ConversationId) -> Result<Option<ConversationId>> {
    let row = conversations::table.find((tx.organization, id)).select(conversations::id);
    Ok(row.for_key_share().first(tx.conn).optional()?)
}

fn redirect(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: ConversationId,
) -> Result<Option<ConversationId>> {
    Ok(conversation_redirects::table
        .find((organization, id))
        .select(conversation_redirects::conversation_id)
        .first(conn)
        .optional()?)
}
