//! Contact moments: the history of a contact or a profile, every conversation it took part in, across channels.
//!
//! The history hangs on contacts. A profile's is that of the contacts attached to it now, resolved when it is read:
//! attach, and it is there; detach, and it is gone. It only reads; nothing is written here.

mod queries;
mod routes;
mod types;

pub use queries::{Of, contact_ids, first_moments};
pub use types::{ContactMoment, ContactMomentFilter, ContactMomentList};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::list_profile_contact_moments).service(routes::list_contact_contact_moments);
}
