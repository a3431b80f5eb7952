//! All Diesel of users.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Uuid as SqlUuid};
use serde_json::json;

use super::api_tokens::revoke_api_tokens_of;
use super::end_sessions;
use crate::access::types::{CreateUser, UpdateUser, User, UserFilter, UserList};
use crate::actor::Role;
use crate::db::events::{self, Event};
use crate::db::schema::users;
use crate::db::{Tx, keyset};
use crate::error::{Code, Error, Result};
use crate::http::page::Page;
use crate::http::version::IfMatch;
use crate::ids::{OrganizationId, UserId};

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

/// Someone who can be mentioned.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Colleague {
    pub id: UserId,
    pub name: String,
    /// In lower case.
    pub email: String,
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
    if_match.check(tx, id.0, row.version)?;
    let name = body.name.as_deref().map_or(row.name.as_str(), str::trim).to_owned();
    let role = body.role.unwrap_or(row.role);
    let active = body.active.unwrap_or(row.deactivated_at.is_none());
    if admins == [id] && (role != Role::Admin || !active) {
        return Err(Error::new(Code::LastAdmin, "This is the only active administrator: make another one first."));
    }
    let was = json!({ "name": row.name, "role": row.role, "active": row.deactivated_at.is_none() });
    let mut becomes = json!({ "name": name, "role": role, "active": active });
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
        // That it changed is told, not to what.
        if let Some(members) = becomes.as_object_mut() {
            members.insert("password".to_owned(), "new".into());
        }
        diesel::update(target)
            .set((users::password_hash.eq(password_hash), users::failed_logins.eq(0)))
            .execute(tx.conn)?;
    }
    if !active || password_hash.is_some() {
        end_sessions(tx.conn, tx.organization, id)?;
    }
    if !active {
        // For good: who comes back makes new ones.
        revoke_api_tokens_of(tx, id)?;
    }
    events::record(tx, Event::new("user.updated", id.0).version(row.version).change(was, becomes))?;
    Ok(row.into())
}

pub fn password_hash(conn: &mut PgConnection, organization: OrganizationId, id: UserId) -> Result<String> {
    Ok(users::table.find((organization, id)).select(users::password_hash).first(conn)?)
}

/// Everyone who is active. The whole of an organization's people is small.
pub fn colleagues(conn: &mut PgConnection, organization: OrganizationId) -> Result<Vec<Colleague>> {
    Ok(users::table
        .filter(users::organization_id.eq(organization))
        .filter(users::deactivated_at.is_null())
        .select(Colleague::as_select())
        .load(conn)?)
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
