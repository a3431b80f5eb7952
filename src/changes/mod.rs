//! Changes: what happened, in an order that no late commit breaks, for scripts and frontends that follow along.
//!
//! It reads the events that every verb writes ([`crate::db::events`]), up to the oldest transaction that may still
//! commit: what is passed by a cursor never gains another entry.

mod queries;
mod routes;
mod types;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::list_changes);
}
