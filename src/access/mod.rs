//! Access: organizations, their users, how they log in, and the tokens of scripts.
//!
//! The ground floor: every other room may ask it who someone is ([`people`]). A token says who calls; that it still
//! holds is checked in each transaction, by [`crate::db::standing`].

mod password;
mod queries;
mod routes;
mod sessions;
mod types;

pub use password::hash as hash_password;
pub use queries::{
    Colleague, People, active_role, colleagues, country, default_country, has_organization, insert_organization,
    insert_user, people, time_zone, user_by_email,
};
pub use types::{ApiToken, CreateApiToken, CreateUser, User};

use utoipa_actix_web::service_config::ServiceConfig;

use crate::actor::Role;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::{OrganizationId, UserId};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::login)
        .service(routes::refresh_session)
        .service(routes::logout)
        .service(routes::get_me)
        .service(routes::update_me)
        .service(routes::get_organization)
        .service(routes::update_organization)
        .service(routes::list_users)
        .service(routes::create_user)
        .service(routes::get_user)
        .service(routes::update_user)
        .service(routes::list_api_tokens)
        .service(routes::create_api_token)
        .service(routes::get_api_token)
        .service(routes::revoke_api_token);
}

/// Creates an organization with its first administrator.
pub async fn create_organization(db: &Db, name: String, admin: CreateUser) -> Result<(OrganizationId, UserId)> {
    let organization = OrganizationId::new();
    let password_hash = hash_password(admin.password.clone()).await?;
    let admin = CreateUser { role: Role::Admin, ..admin };
    db.act(organization, crate::actor::ActorRef::SYSTEM, move |tx: &mut Tx| {
        insert_organization(tx, &name)?;
        let user = insert_user(tx, &admin, &password_hash)?;
        Ok((organization, user.id))
    })
    .await
}

/// Makes an API token for a user, and signs it.
pub fn create_api_token(
    tx: &mut Tx,
    jwt: &crate::http::jwt::Jwt,
    user: UserId,
    role: Role,
    body: &CreateApiToken,
) -> Result<ApiToken> {
    queries::insert_api_token(tx, jwt, user, role, body)
}
