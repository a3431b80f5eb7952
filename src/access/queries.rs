//! All Diesel of organizations, users and tokens.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Uuid as SqlUuid};
use serde_json::{Map, json};
use uuid::Uuid;

use super::types::{
    ApiToken, ApiTokenList, CreateApiToken, CreateUser, Organization, UpdateOrganization, UpdateUser, User, UserFilter,
    UserList,
};
use crate::actor::{Actor, ActorRef, ActorType, Caller, Role, Scope};
use crate::db::events::{self, Event};
use crate::db::schema::{api_tokens, channels, organizations, refresh_tokens, users};
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::jwt::Jwt;
use crate::http::page::Page;
use crate::http::version::IfMatch;
use crate::ids::{ApiTokenId, OrganizationId, RefreshTokenId, UserId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct OrganizationRow {
    id: OrganizationId,
    name: String,
    time_zone: String,
    default_country: String,
    language: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            time_zone: row.time_zone,
            default_country: row.default_country,
            language: row.language,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

pub fn insert_organization(tx: &mut Tx, name: &str) -> Result<()> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(tx.organization),
            organizations::name.eq(name),
            organizations::created_at.eq(tx.now),
            organizations::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let event = Event::new("organization.created", tx.organization.0).version(1).after(json!({ "name": name }));
    events::record(tx, event)
}

pub fn organization(conn: &mut PgConnection, organization: OrganizationId) -> Result<Organization> {
    let row = organizations::table.find(organization).select(OrganizationRow::as_select()).first(conn)?;
    Ok(row.into())
}

pub fn update_organization(tx: &mut Tx, if_match: &IfMatch, body: &UpdateOrganization) -> Result<Organization> {
    let row: OrganizationRow =
        organizations::table.find(tx.organization).select(OrganizationRow::as_select()).for_update().first(tx.conn)?;
    if_match.check(row.version)?;
    let mut before = Map::new();
    let mut after = Map::new();
    let mut changed = row.clone();
    for (key, was, becomes) in [
        ("name", &mut changed.name, &body.name),
        ("time_zone", &mut changed.time_zone, &body.time_zone),
        ("default_country", &mut changed.default_country, &body.default_country),
        ("language", &mut changed.language, &body.language),
    ] {
        if let Some(becomes) = becomes.as_ref().filter(|becomes| *becomes != was) {
            before.insert(key.to_owned(), json!(was));
            after.insert(key.to_owned(), json!(becomes));
            was.clone_from(becomes);
        }
    }
    if after.is_empty() {
        return Ok(row.into());
    }
    let row: OrganizationRow = diesel::update(organizations::table.find(tx.organization))
        .set((
            organizations::name.eq(changed.name),
            organizations::time_zone.eq(changed.time_zone),
            organizations::default_country.eq(changed.default_country),
            organizations::language.eq(changed.language),
            organizations::version.eq(row.version + 1),
            organizations::updated_at.eq(tx.now),
        ))
        .returning(OrganizationRow::as_returning())
        .get_result(tx.conn)?;
    let event =
        Event::new("organization.updated", tx.organization.0).version(row.version).change(before.into(), after.into());
    events::record(tx, event)?;
    Ok(row.into())
}

/// The organization with this name; None where none or several have it.
pub fn organization_named(conn: &mut PgConnection, name: &str) -> Result<Option<OrganizationId>> {
    let ids: Vec<OrganizationId> =
        organizations::table.filter(organizations::name.eq(name)).select(organizations::id).limit(2).load(conn)?;
    Ok(match ids.as_slice() {
        [only] => Some(*only),
        _ => None,
    })
}

/// In which a bare date is a day.
pub fn time_zone(conn: &mut PgConnection, organization: OrganizationId) -> Result<Tz> {
    let name: String = organizations::table.find(organization).select(organizations::time_zone).first(conn)?;
    Ok(name.parse().unwrap_or(Tz::UTC))
}

/// Which completes phone numbers: ISO 3166-1 alpha-2.
pub fn default_country(conn: &mut PgConnection, organization: OrganizationId) -> Result<String> {
    Ok(organizations::table.find(organization).select(organizations::default_country).first(conn)?)
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct UserRow {
    id: UserId,
    email: String,
    name: String,
    role: Role,
    deactivated_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: row.role,
            active: row.deactivated_at.is_none(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// Sorted by name.
pub fn list_users(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &UserFilter,
    page: &Page,
) -> Result<UserList> {
    let filtered = || {
        let query = users::table.filter(users::organization_id.eq(organization)).into_boxed();
        match filter.active {
            Some(true) => query.filter(users::deactivated_at.is_null()),
            Some(false) => query.filter(users::deactivated_at.is_not_null()),
            None => query,
        }
    };
    // The whole of an organization's people is small: no index is needed for the name.
    let mut query = filtered().select(UserRow::as_select()).order((users::name, users::id)).limit(page.rows());
    if let Some((name, id)) = page.after::<(String, UserId)>()? {
        query = query.filter((users::name, users::id).into_sql::<Record<(Text, SqlUuid)>>().gt((name, id)));
    }
    let mut rows: Vec<UserRow> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |row| (row.name.clone(), row.id))?;
    let count = keyset::count(conn, page, || filtered().select(users::id))?;
    Ok(UserList { data: rows.into_iter().map(User::from).collect(), next_cursor, count })
}

pub fn get_user(conn: &mut PgConnection, organization: OrganizationId, id: UserId) -> Result<User> {
    let row: Option<UserRow> =
        users::table.find((organization, id)).select(UserRow::as_select()).first(conn).optional()?;
    row.map(User::from).ok_or_else(|| Error::not_found(Code::UserNotFound))
}

pub fn insert_user(tx: &mut Tx, body: &CreateUser, password_hash: &str) -> Result<User> {
    let row: UserRow = diesel::insert_into(users::table)
        .values((
            users::organization_id.eq(tx.organization),
            users::id.eq(UserId::new()),
            users::email.eq(body.email.trim().to_lowercase()),
            users::name.eq(body.name.trim()),
            users::role.eq(body.role),
            users::password_hash.eq(password_hash),
            users::created_at.eq(tx.now),
            users::updated_at.eq(tx.now),
        ))
        .returning(UserRow::as_returning())
        .get_result(tx.conn)?;
    let after = json!({ "email": row.email, "name": row.name, "role": row.role });
    events::record(tx, Event::new("user.created", row.id.0).version(1).after(after))?;
    Ok(row.into())
}

/// What changes in a user; `password_hash` is that of `body.password`.
pub fn update_user(
    tx: &mut Tx,
    id: UserId,
    if_match: &IfMatch,
    body: &UpdateUser,
    password_hash: Option<&str>,
) -> Result<User> {
    // Whoever changes roles waits for each other: of two administrators who demote one another, one stays.
    let admins: Vec<UserId> = users::table
        .filter(users::organization_id.eq(tx.organization))
        .filter(users::role.eq(Role::Admin))
        .filter(users::deactivated_at.is_null())
        .order(users::id)
        .select(users::id)
        .for_update()
        .load(tx.conn)?;
    let row: UserRow = users::table
        .find((tx.organization, id))
        .select(UserRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::UserNotFound))?;
    if_match.check(row.version)?;
    let name = body.name.as_deref().map_or(row.name.as_str(), str::trim).to_owned();
    let role = body.role.unwrap_or(row.role);
    let active = body.active.unwrap_or(row.deactivated_at.is_none());
    if admins == [id] && (role != Role::Admin || !active) {
        return Err(Error::new(Code::LastAdmin, "This is the only active administrator: make another one first."));
    }
    let was = json!({ "name": row.name, "role": row.role, "active": row.deactivated_at.is_none() });
    let becomes = json!({ "name": name, "role": role, "active": active });
    if was == becomes && password_hash.is_none() {
        return Ok(row.into());
    }
    let target = users::table.find((tx.organization, id));
    let row: UserRow = diesel::update(target)
        .set((
            users::name.eq(name),
            users::role.eq(role),
            users::deactivated_at.eq(if active { None } else { row.deactivated_at.or(Some(tx.now)) }),
            users::version.eq(row.version + 1),
            users::updated_at.eq(tx.now),
        ))
        .returning(UserRow::as_returning())
        .get_result(tx.conn)?;
    if let Some(password_hash) = password_hash {
        diesel::update(target)
            .set((users::password_hash.eq(password_hash), users::failed_logins.eq(0)))
            .execute(tx.conn)?;
    }
    if !active || password_hash.is_some() {
        end_sessions(tx.conn, tx.organization, id)?;
    }
    events::record(tx, Event::new("user.updated", id.0).version(row.version).change(was, becomes))?;
    Ok(row.into())
}

pub fn password_hash(conn: &mut PgConnection, organization: OrganizationId, id: UserId) -> Result<String> {
    Ok(users::table.find((organization, id)).select(users::password_hash).first(conn)?)
}

/// Someone who may be logging in.
#[derive(Debug, Clone, Queryable)]
pub struct Candidate {
    pub organization: OrganizationId,
    pub organization_name: String,
    pub user: UserId,
    pub role: Role,
    pub password_hash: String,
    pub failed_logins: i32,
    pub failed_login_at: Option<DateTime<Utc>>,
}

/// Active users with this e-mail address.
pub fn candidates(
    conn: &mut PgConnection,
    email: &str,
    organization: Option<OrganizationId>,
) -> Result<Vec<Candidate>> {
    let mut query = users::table
        .inner_join(organizations::table.on(organizations::id.eq(users::organization_id)))
        .filter(users::email.eq(email))
        .filter(users::deactivated_at.is_null())
        .select((
            users::organization_id,
            organizations::name,
            users::id,
            users::role,
            users::password_hash,
            users::failed_logins,
            users::failed_login_at,
        ))
        .order(users::organization_id)
        .limit(10)
        .into_boxed();
    if let Some(organization) = organization {
        query = query.filter(users::organization_id.eq(organization));
    }
    Ok(query.load(conn)?)
}

/// Remembers a wrong password.
pub fn note_failure(conn: &mut PgConnection, candidate: &Candidate, now: DateTime<Utc>) -> Result<()> {
    diesel::update(users::table.find((candidate.organization, candidate.user)))
        .set((users::failed_logins.eq(users::failed_logins + 1), users::failed_login_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// How often the user failed since the last success, and when last; whoever fails at the same time waits.
pub fn lock_failures(conn: &mut PgConnection, candidate: &Candidate) -> Result<(i32, Option<DateTime<Utc>>)> {
    Ok(users::table
        .find((candidate.organization, candidate.user))
        .select((users::failed_logins, users::failed_login_at))
        .for_no_key_update()
        .first(conn)?)
}

pub fn forget_failures(conn: &mut PgConnection, candidate: &Candidate) -> Result<()> {
    diesel::update(users::table.find((candidate.organization, candidate.user)))
        .set(users::failed_logins.eq(0))
        .execute(conn)?;
    Ok(())
}

/// The user with this e-mail address, in whichever organization; an error where several have it.
pub fn user_by_email(conn: &mut PgConnection, email: &str) -> Result<Option<(OrganizationId, UserId, Role)>> {
    let found: Vec<(OrganizationId, UserId, Role)> = users::table
        .filter(users::email.eq(email.trim().to_lowercase()))
        .filter(users::deactivated_at.is_null())
        .select((users::organization_id, users::id, users::role))
        .limit(2)
        .load(conn)?;
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => {
            Err(Error::new(Code::OrganizationAmbiguous, "Several organizations have a user with this e-mail address."))
        }
    }
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(diesel::pg::Pg))]
pub struct RefreshTokenRow {
    pub organization_id: OrganizationId,
    pub id: RefreshTokenId,
    pub user_id: UserId,
    pub family_id: Uuid,
    pub expires_at: DateTime<Utc>,
    pub rotated_at: Option<DateTime<Utc>>,
}

pub fn insert_refresh_token(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    family: Uuid,
    hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::organization_id.eq(organization),
            refresh_tokens::id.eq(RefreshTokenId::new()),
            refresh_tokens::user_id.eq(user),
            refresh_tokens::family_id.eq(family),
            refresh_tokens::token_hash.eq(hash),
            refresh_tokens::created_at.eq(now),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The token with this hash, locked; whoever rotates it at the same time waits.
pub fn lock_refresh_token(conn: &mut PgConnection, hash: &[u8]) -> Result<Option<RefreshTokenRow>> {
    Ok(refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(hash))
        .select(RefreshTokenRow::as_select())
        .for_update()
        .first(conn)
        .optional()?)
}

pub fn mark_rotated(conn: &mut PgConnection, row: &RefreshTokenRow, now: DateTime<Utc>) -> Result<()> {
    diesel::update(refresh_tokens::table.find((row.organization_id, row.id)))
        .set(refresh_tokens::rotated_at.eq(now))
        .execute(conn)?;
    Ok(())
}

pub fn end_family(conn: &mut PgConnection, row: &RefreshTokenRow) -> Result<()> {
    diesel::delete(refresh_tokens::table)
        .filter(refresh_tokens::organization_id.eq(row.organization_id))
        .filter(refresh_tokens::family_id.eq(row.family_id))
        .execute(conn)?;
    Ok(())
}

pub fn end_sessions(conn: &mut PgConnection, organization: OrganizationId, user: UserId) -> Result<()> {
    diesel::delete(refresh_tokens::table)
        .filter(refresh_tokens::organization_id.eq(organization))
        .filter(refresh_tokens::user_id.eq(user))
        .execute(conn)?;
    Ok(())
}

/// Deletes a user's refresh tokens that have expired.
pub fn sweep_refresh_tokens(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::delete(refresh_tokens::table)
        .filter(refresh_tokens::organization_id.eq(organization))
        .filter(refresh_tokens::user_id.eq(user))
        .filter(refresh_tokens::expires_at.lt(now))
        .execute(conn)?;
    Ok(())
}

pub fn active_role(conn: &mut PgConnection, organization: OrganizationId, user: UserId) -> Result<Option<Role>> {
    Ok(users::table
        .find((organization, user))
        .filter(users::deactivated_at.is_null())
        .select(users::role)
        .first(conn)
        .optional()?)
}

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

/// Names of actors.
#[derive(Debug, Default)]
pub struct People(HashMap<ActorRef, String>);

impl People {
    pub fn get(&self, actor: ActorRef) -> Option<Actor> {
        let name = match actor.kind {
            ActorType::System => "Dossier".to_owned(),
            _ => self.0.get(&actor)?.clone(),
        };
        Some(Actor { kind: actor.kind, id: actor.id, name })
    }
}

/// Looks up the names of these actors: one query for each type among them.
pub fn people(
    conn: &mut PgConnection,
    organization: OrganizationId,
    actors: impl IntoIterator<Item = ActorRef>,
) -> Result<People> {
    let mut wanted: HashMap<ActorType, Vec<Uuid>> = HashMap::new();
    for actor in actors {
        if let Some(id) = actor.id {
            let ids = wanted.entry(actor.kind).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let mut names = HashMap::new();
    for (kind, ids) in wanted {
        let found: Vec<(Uuid, String)> = match kind {
            ActorType::User => users::table
                .filter(users::organization_id.eq(organization))
                .filter(users::id.eq_any(ids.into_iter().map(UserId)))
                .select((users::id, users::name))
                .load::<(UserId, String)>(conn)?
                .into_iter()
                .map(|(id, name)| (id.0, name))
                .collect(),
            ActorType::Token => api_tokens::table
                .filter(api_tokens::organization_id.eq(organization))
                .filter(api_tokens::id.eq_any(ids.into_iter().map(ApiTokenId)))
                .select((api_tokens::id, api_tokens::name))
                .load::<(ApiTokenId, String)>(conn)?
                .into_iter()
                .map(|(id, name)| (id.0, name))
                .collect(),
            ActorType::Channel => channels::table
                .filter(channels::organization_id.eq(organization))
                .filter(channels::id.eq_any(ids.into_iter().map(crate::ids::ChannelId)))
                .select((channels::id, channels::name))
                .load::<(crate::ids::ChannelId, String)>(conn)?
                .into_iter()
                .map(|(id, name)| (id.0, name))
                .collect(),
            ActorType::System => Vec::new(),
        };
        names.extend(found.into_iter().map(|(id, name)| (ActorRef { kind, id: Some(id) }, name)));
    }
    Ok(People(names))
}
