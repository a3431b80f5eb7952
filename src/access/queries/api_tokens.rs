//! All Diesel of API tokens.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use serde_json::json;

use super::{People, people};
use crate::access::types::{ApiToken, ApiTokenList, CreateApiToken};
use crate::actor::{ActorRef, Caller, Role, Scope};
use crate::db::events::{self, Event};
use crate::db::schema::api_tokens;
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::jwt::Jwt;
use crate::http::page::Page;
use crate::ids::{ApiTokenId, OrganizationId, UserId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
struct ApiTokenRow {
    id: ApiTokenId,
    user_id: UserId,
    name: String,
    scope: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl ApiTokenRow {
    fn view(self, people: &People, token: Option<String>) -> ApiToken {
        ApiToken {
            id: self.id,
            name: self.name,
            scope: self.scope,
            created_by: people.get(ActorRef::user(self.user_id)),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            token,
        }
    }
}

/// Newest first.
pub fn list_api_tokens(conn: &mut PgConnection, organization: OrganizationId, page: &Page) -> Result<ApiTokenList> {
    let all = || api_tokens::table.filter(api_tokens::organization_id.eq(organization)).into_boxed();
    let mut query = all().select(ApiTokenRow::as_select()).order(api_tokens::id.desc()).limit(page.rows());
    if let Some(id) = page.after::<ApiTokenId>()? {
        query = query.filter(api_tokens::id.lt(id));
    }
    let mut rows: Vec<ApiTokenRow> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| row.id)?;
    let people = people(conn, organization, rows.iter().map(|row| ActorRef::user(row.user_id)))?;
    let count = keyset::count(conn, page, || all().select(api_tokens::id))?;
    Ok(ApiTokenList { data: rows.into_iter().map(|row| row.view(&people, None)).collect(), next_cursor, count })
}

pub fn get_api_token(conn: &mut PgConnection, organization: OrganizationId, id: ApiTokenId) -> Result<ApiToken> {
    let row = api_tokens::table.find((organization, id)).select(ApiTokenRow::as_select()).first(conn).optional()?;
    let row: ApiTokenRow = row.ok_or_else(|| Error::not_found(Code::ApiTokenNotFound))?;
    let people = people(conn, organization, [ActorRef::user(row.user_id)])?;
    Ok(row.view(&people, None))
}

pub fn insert_api_token(tx: &mut Tx, jwt: &Jwt, user: UserId, role: Role, body: &CreateApiToken) -> Result<ApiToken> {
    let scope = Scope::parse(&body.scope).unwrap_or(Scope::ALL);
    let id = ApiTokenId::new();
    let expires_at = tx.now + Duration::days(body.days);
    let row: ApiTokenRow = diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::organization_id.eq(tx.organization),
            api_tokens::id.eq(id),
            api_tokens::user_id.eq(user),
            api_tokens::name.eq(body.name.trim()),
            api_tokens::scope.eq(scope.as_str()),
            api_tokens::created_at.eq(tx.now),
            api_tokens::expires_at.eq(expires_at),
        ))
        .returning(ApiTokenRow::as_returning())
        .get_result(tx.conn)?;
    events::record(tx, Event::new("api_token.created", id.0).after(json!({ "name": row.name, "scope": row.scope })))?;
    let bearer = Caller { organization: tx.organization, user, role, scope, token: id.0, request_id: None };
    let token = jwt.sign(&bearer, tx.now, expires_at)?;
    let people = people(tx.conn, tx.organization, [ActorRef::user(user)])?;
    Ok(row.view(&people, Some(token)))
}

/// Ends a token; one that has ended already stays as it is.
pub fn revoke_api_token(tx: &mut Tx, id: ApiTokenId) -> Result<()> {
    let revoked: Option<Option<DateTime<Utc>>> = api_tokens::table
        .find((tx.organization, id))
        .select(api_tokens::revoked_at)
        .for_update()
        .first(tx.conn)
        .optional()?;
    match revoked {
        None => Err(Error::not_found(Code::ApiTokenNotFound)),
        Some(Some(_)) => Ok(()),
        Some(None) => {
            diesel::update(api_tokens::table.find((tx.organization, id)))
                .set(api_tokens::revoked_at.eq(tx.now))
                .execute(tx.conn)?;
            events::record(tx, Event::new("api_token.revoked", id.0))
        }
    }
}

/// Ends all tokens of a user.
pub fn revoke_api_tokens_of(tx: &mut Tx, user: UserId) -> Result<()> {
    let of_user = api_tokens::table
        .filter(api_tokens::organization_id.eq(tx.organization))
        .filter(api_tokens::user_id.eq(user))
        .filter(api_tokens::revoked_at.is_null());
    let ended = diesel::update(of_user).set(api_tokens::revoked_at.eq(tx.now)).returning(api_tokens::id);
    let ended: Vec<ApiTokenId> = ended.get_results(tx.conn)?;
    events::record_all(tx, ended.into_iter().map(|id| Event::new("api_token.revoked", id.0)).collect())
}
