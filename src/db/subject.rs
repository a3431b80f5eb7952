//! What notes, files and histories hang on: a profile, a contact or a conversation.

use diesel::prelude::*;

use super::Tx;
use super::schema::{contacts, conversations, profiles};
use crate::error::{Code, Error, Result};
use crate::ids::{ContactId, ConversationId, OrganizationId, ProfileId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Profile(ProfileId),
    Contact(ContactId),
    Conversation(ConversationId),
}

impl Subject {
    /// The subject that is there; 404 where there is none, or where it became part of another ([`super::moved`]).
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
            Self::Conversation(id) => conversations::table
                .find((organization, id))
                .select(conversations::id)
                .first(conn)
                .optional()?
                .map(Self::Conversation)
                .ok_or_else(|| Error::not_found(Code::ConversationNotFound)),
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
            Self::Conversation(id) => conversations::table
                .find((tx.organization, id))
                .select(conversations::id)
                .for_key_share()
                .first(tx.conn)
                .optional()?
                .map(Self::Conversation)
                .ok_or_else(|| Error::not_found(Code::ConversationNotFound)),
        }
    }
}
