//! Who asks, and who did it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{Code, Error, Result};
use crate::ids::{ChannelId, OrganizationId, UserId};
use crate::text_enum::text_enum;

text_enum! {
    /// What a user may do: an administrator manages users, channels, fields and tokens; an agent works with customers.
    pub enum Role { Admin = "admin", Agent = "agent" }
}

text_enum! {
    /// What kind of actor did something.
    pub enum ActorType { User = "user", Token = "token", Channel = "channel", System = "system" }
}

/// Who a token says is asking. The first argument of every protected handler.
///
/// [`crate::db::Db`] checks in each transaction that it still holds.
#[derive(Debug, Clone)]
pub struct Caller {
    pub organization: OrganizationId,
    pub user: UserId,
    pub role: Role,
    pub scope: Scope,
    /// The `jti` of the token: of an API token its id.
    pub token: Uuid,
    pub request_id: Option<Uuid>,
}

impl Caller {
    /// The user when they are an administrator, else 403.
    pub fn require_admin(&self) -> Result<()> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Agent => Err(Error::new(Code::RoleRequired, "Only an administrator may do that.")),
        }
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    pub read: bool,
    pub write: bool,
}

impl Scope {
    pub const ALL: Self = Self { read: true, write: true };

    /// From words divided by single spaces (RFC 6749, 3.3); `write` includes `read`. None for an unknown word or none at all.
    pub fn parse(text: &str) -> Option<Self> {
        let mut scope = Self { read: false, write: false };
        for word in text.split(' ') {
            match word {
                "read" => scope.read = true,
                "write" => scope = Self::ALL,
                _ => return None,
            }
        }
        scope.read.then_some(scope)
    }

    pub fn as_str(self) -> &'static str {
        if self.write { "read write" } else { "read" }
    }
}

/// Who did something, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActorRef {
    pub kind: ActorType,
    /// None for the system.
    pub id: Option<Uuid>,
}

impl ActorRef {
    pub const SYSTEM: Self = Self { kind: ActorType::System, id: None };

    pub fn user(id: UserId) -> Self {
        Self { kind: ActorType::User, id: Some(id.0) }
    }

    pub fn channel(id: ChannelId) -> Self {
        Self { kind: ActorType::Channel, id: Some(id.0) }
    }
}

/// Who did something, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Actor {
    #[serde(rename = "type")]
    pub kind: ActorType,
    /// Null for the system.
    #[schema(example = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c12")]
    pub id: Option<Uuid>,
    #[schema(example = "Grace Hopper")]
    pub name: String,
}

impl Actor {
    pub fn user(id: UserId, name: String) -> Self {
        Self { kind: ActorType::User, id: Some(id.0), name }
    }
}
