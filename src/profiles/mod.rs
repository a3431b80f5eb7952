//! Profiles: the customers of an organization, each with any number of contacts.
//!
//! [`attach_contact`] is what the product is about: it points a contact to a profile, and from then on the whole
//! history of that contact is the profile's. Nothing is copied; the events say who did it, when, and from where.

mod attach;
mod changes;
mod delete;
mod draft;
mod filter;
mod queries;
mod rank;
mod retype;
mod routes;
mod save;
mod search;
mod terms;
mod types;

pub use attach::{Moved, attach, attach_contact, detach_contact};
pub use delete::delete_profile;
pub use queries::{get_profile, note_contact_moment, profile_with_contacts, recount_contact_moments};
pub use save::{save_profile, save_profiles, update_profile};
pub use search::find_profiles;
pub use terms::{joined, name_terms, spellings};
pub use types::{
    AttachContact, Attached, CreateProfile, NewProfile, OnConflict, Outcome, Profile, ProfileKind, Saved, UpdateProfile,
};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_profiles)
        .service(routes::create_profile)
        .service(routes::get_profile)
        .service(routes::update_profile)
        .service(routes::delete_profile)
        .service(routes::list_profile_contacts)
        .service(routes::list_profile_history)
        .service(routes::list_contact_history)
        .service(routes::detach_contact)
        .service(routes::update_profile_field);
}
