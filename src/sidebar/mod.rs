//! The sidebar: what stands beside an open conversation, for its contact and for that contact's profile, in one call.
//!
//! The roof of the house: each folder is the first page of a list of another room, whose cursor goes on there.

mod queries;
mod routes;
mod types;

pub use types::Include;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::get_sidebar).service(routes::attach_contact);
}
