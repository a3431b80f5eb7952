//! The timeline of a contact or a profile: single events, newest first, and pages in both directions.
//!
//! It only reads. Messages and files are in tables of their own, and hang on contacts; everything else is an event,
//! which `db::timeline` puts on the timelines it belongs to when it is recorded. A profile's timeline is its own
//! events and those of the contacts attached to it now: attach, and they are there; detach, and they are gone.
//!
//! Words are sought in what entries say themselves: messages and files have theirs in their tables, events in
//! `db::event_texts`. They are sought in the direction of the page, as in every list ([`crate::db::newest`]).

mod queries;
mod routes;
mod types;

pub use crate::db::timeline::TimelineType;
pub use types::{TimelineEntry, TimelineFilter, TimelineList};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::list_profile_timeline).service(routes::list_contact_timeline);
}
