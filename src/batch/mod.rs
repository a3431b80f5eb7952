//! Batches: many writes in one request, and so in one transaction.
//!
//! Each operation is carried out by the verb of its own route ([`carry_out`]), under a savepoint: one that is refused
//! leaves nothing behind, and says why in its result. Profiles that are saved one after another share a savepoint, and
//! with it their statements, as long as none of them is refused. [`kinds`] is the one table of what a batch can hold,
//! from which operations are checked and the document is made.

mod carry_out;
mod kinds;
mod queries;
mod routes;
mod types;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::create_batch);
}
