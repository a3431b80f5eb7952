//! Search through everything that an organization has: profiles, contacts, messages, notes and the names of files.
//!
//! Profiles and contacts are found as one types ([`crate::profiles::find_profiles`], [`crate::contacts::find_contacts`]);
//! what was written, by its words ([`crate::search_query`]). It only reads; the words of what others keep are indexed
//! by them. [`reindex`] has them do that anew for what an earlier edition of the service indexed.

mod find;
mod queries;
mod reindex;
mod routes;
mod types;

pub use reindex::reindex;
pub use types::{SearchHit, SearchSection, SearchSections, SearchSort, SearchType};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::search);
}
