//! All Diesel of logging in and of refresh tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::actor::Role;
use crate::db::schema::{organizations, refresh_tokens, users};
use crate::error::Result;
use crate::ids::{OrganizationId, RefreshTokenId, UserId};

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
