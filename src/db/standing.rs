//! Is the caller still who the token says? Asked at the beginning of each transaction, so that deactivating a user,
//! changing a role or revoking a token works at once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{api_tokens, users};
use crate::actor::{ActorRef, ActorType, Caller, Role};
use crate::error::{Code, Error, Result};
use crate::ids::ApiTokenId;

type Standing = (Role, Option<DateTime<Utc>>, Option<ApiTokenId>, Option<DateTime<Utc>>);

/// Who acts for this caller: the user, or the API token.
pub fn check(conn: &mut PgConnection, caller: &Caller) -> Result<ActorRef> {
    let standing: Option<Standing> = users::table
        .left_join(api_tokens::table.on(
            api_tokens::organization_id.eq(users::organization_id).and(api_tokens::id.eq(ApiTokenId(caller.token))),
        ))
        .filter(users::organization_id.eq(caller.organization))
        .filter(users::id.eq(caller.user))
        .select((users::role, users::deactivated_at, api_tokens::id.nullable(), api_tokens::revoked_at.nullable()))
        .first(conn)
        .optional()?;
    match standing {
        Some((role, None, api_token, None)) if role == caller.role => Ok(match api_token {
            Some(id) => ActorRef { kind: ActorType::Token, id: Some(id.0) },
            None => ActorRef::user(caller.user),
        }),
        _ => {
            Err(Error::new(Code::TokenInvalid, "The user, the role or the token behind it has changed: log in again."))
        }
    }
}
