//! Contacts: one address on one medium, found or made when a message comes in.
//!
//! A contact is unique in its organization by medium, scope and normalised address, and PostgreSQL sees to it
//! ([`find_or_make`]). Its profile is one pointer, which only the profiles' room moves ([`set_profiles`]).

mod address;
mod queries;
mod routes;
mod types;

pub use address::{phone_number, prepare, terms as address_terms};
pub use queries::{
    ContactRow, Found, NewContact, checked, contact_ids_of_profile, contact_refs, contact_views, contacts_of_profile,
    create_contact, delete_contact, deleted_contact_refs, find_contacts, find_or_make, find_or_make_all, find_people,
    get_contact, hold_attached, is_known_beginning, lock_attached, lock_contact, lock_contacts, profile_refs,
    set_profiles, update_contact,
};
pub use types::{Contact, ContactList, ContactRef, ContactSort, CreateContact, ProfileRef, UpdateContact};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_contacts)
        .service(routes::create_contact)
        .service(routes::get_contact)
        .service(routes::update_contact)
        .service(routes::delete_contact);
}
