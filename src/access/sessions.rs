//! Logging in, going on, logging out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, SubsecRound, Utc};
use rand::Rng;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::password;
use super::queries::{self, Candidate};
use super::types::{Login, Session};
use crate::actor::{Caller, Role, Scope};
use crate::db::{Db, PgConnection};
use crate::error::{Code, Error, Result};
use crate::http::jwt::Jwt;
use crate::ids::{OrganizationId, UserId};

const ACCESS_MINUTES: i64 = 15;
const REFRESH_DAYS: i64 = 30;
/// Two tabs may send the same refresh token within this many seconds.
const GRACE_SECONDS: i64 = 10;
/// After this many wrong passwords in a row, a user waits.
const FREE_FAILURES: i32 = 10;
const WAIT_MINUTES: i64 = 15;

/// A hash of no one's password: looking at it takes as long for an unknown e-mail address as for a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$R0Qx0qWfX0ZpZ2h0c2l0b3V0d2l0aG5vb25lLi4uLi4";

pub async fn login(db: &Db, jwt: &Jwt, body: Login) -> Result<Session> {
    let email = body.email.trim().to_lowercase();
    let found = db.transact(move |conn| queries::candidates(conn, &email, body.organization)).await?;
    let now = Utc::now();
    let waits = |candidate: &Candidate| must_wait(candidate.failed_logins, candidate.failed_login_at, now);
    if !found.is_empty() && found.iter().all(waits) {
        return Err(too_many_attempts());
    }
    if found.is_empty() {
        password::verify(body.password.clone(), NOBODY.to_owned()).await?;
    }
    let mut fitting = Vec::new();
    let mut failing = Vec::new();
    for candidate in found.into_iter().filter(|candidate| !waits(candidate)) {
        match password::verify(body.password.clone(), candidate.password_hash.clone()).await? {
            true => fitting.push(candidate),
            false => failing.push(candidate),
        }
    }
    match fitting.as_slice() {
        [] => {
            // A refusal that is remembered: it commits.
            db.transact(move |conn| {
                failing.iter().try_for_each(|candidate| queries::note_failure(conn, candidate, now))
            })
            .await?;
            Err(Error::new(Code::CredentialsInvalid, "E-mail address and password don't fit."))
        }
        [only] => {
            let (candidate, jwt) = (only.clone(), jwt.clone());
            db.transact(move |conn| {
                // Asked again: of many guesses at once, all were let in before the first had failed.
                let (failed_logins, failed_login_at) = queries::lock_failures(conn, &candidate)?;
                if must_wait(failed_logins, failed_login_at, now) {
                    return Err(too_many_attempts());
                }
                if failed_logins > 0 {
                    queries::forget_failures(conn, &candidate)?;
                }
                queries::sweep_refresh_tokens(conn, candidate.organization, candidate.user, now)?;
                open(conn, &jwt, candidate.organization, candidate.user, candidate.role, Uuid::now_v7())
            })
            .await
        }
        several => {
            let organizations: Vec<_> = several
                .iter()
                .map(|candidate| json!({ "id": candidate.organization, "name": candidate.organization_name }))
                .collect();
            Err(Error::new(Code::OrganizationAmbiguous, "Send the id of one of them as organization.")
                .with("organizations", organizations))
        }
    }
}

fn must_wait(failed_logins: i32, failed_login_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    failed_logins >= FREE_FAILURES && failed_login_at.is_some_and(|at| at > now - Duration::minutes(WAIT_MINUTES))
}

fn too_many_attempts() -> Error {
    Error::new(Code::TooManyAttempts, "Too many wrong passwords: wait, or ask an administrator for a new one.")
        .retry_after((WAIT_MINUTES * 60).unsigned_abs())
}

/// The next session for a refresh token, which is used up by it. One that is used again ends its family: either its
/// owner or a thief has come second.
pub async fn refresh(db: &Db, jwt: &Jwt, refresh_token: String) -> Result<Session> {
    let jwt = jwt.clone();
    let session = db
        .transact(move |conn| {
            let now = Utc::now().trunc_subsecs(6);
            let Some(row) = queries::lock_refresh_token(conn, &hash(&refresh_token))? else { return Ok(None) };
            let Some(role) = queries::active_role(conn, row.organization_id, row.user_id)? else { return Ok(None) };
            if row.expires_at <= now {
                return Ok(None);
            }
            match row.rotated_at {
                None => queries::mark_rotated(conn, &row, now)?,
                Some(rotated_at) if rotated_at > now - Duration::seconds(GRACE_SECONDS) => {}
                Some(_) => {
                    // A refusal that is remembered: it commits.
                    queries::end_family(conn, &row)?;
                    return Ok(None);
                }
            }
            open(conn, &jwt, row.organization_id, row.user_id, role, row.family_id).map(Some)
        })
        .await?;
    session.ok_or_else(|| Error::new(Code::TokenInvalid, "The refresh token is not valid any more: log in again."))
}

/// Ends the session, or all of its user's. A token that isn't known has ended already.
pub async fn logout(db: &Db, refresh_token: String, all: bool) -> Result<()> {
    db.transact(move |conn| match queries::lock_refresh_token(conn, &hash(&refresh_token))? {
        Some(row) if all => queries::end_sessions(conn, row.organization_id, row.user_id),
        Some(row) => queries::end_family(conn, &row),
        None => Ok(()),
    })
    .await
}

fn open(
    conn: &mut PgConnection,
    jwt: &Jwt,
    organization: OrganizationId,
    user: UserId,
    role: Role,
    family: Uuid,
) -> Result<Session> {
    let now = Utc::now().trunc_subsecs(6);
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let refresh_token = URL_SAFE_NO_PAD.encode(bytes);
    let expires_at = now + Duration::days(REFRESH_DAYS);
    queries::insert_refresh_token(conn, organization, user, family, &hash(&refresh_token), now, expires_at)?;
    let caller = Caller { organization, user, role, scope: Scope::ALL, token: Uuid::now_v7(), request_id: None };
    Ok(Session {
        access_token: jwt.sign(&caller, now, now + Duration::minutes(ACCESS_MINUTES))?,
        token_type: "Bearer",
        expires_in: ACCESS_MINUTES * 60,
        refresh_token,
    })
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
