//! Profile fields: what an organization keeps of its customers, in its own words.
//!
//! A definition says how a value is checked ([`check`]: pure), how it is searched, and whether two profiles may share
//! it. The room owns the definitions and the searched form of the values; the profiles' room keeps the values that
//! are read, and calls [`store_value`] for each that changes.

mod queries;
mod routes;
mod types;
mod update;
mod value;

pub use queries::{add_value, fields, fields_for_write, holder, release_values, store_value};
pub use types::{CreateProfileField, FieldOption, FieldType, ProfileField, UpdateProfileField};
pub use update::{create_field, delete_field, update_field};
pub use value::{Indexed, Rules, check, indexed, query_value, terms};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_profile_fields)
        .service(routes::create_profile_field)
        .service(routes::order_profile_fields)
        .service(routes::get_profile_field)
        .service(routes::update_profile_field)
        .service(routes::delete_profile_field);
}
