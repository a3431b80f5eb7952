//! Profile fields: what an organization keeps of its customers, in its own words.
//!
//! A definition says how a value is checked ([`check`]: pure), how it is searched, and whether two profiles may share
//! it. The room owns the definitions and the searched form of the values; the profiles' room keeps the values that
//! are read, and calls [`store_values`] with those that change. A change of a definition is planned first, against the
//! values that are there: what stands in its way can be asked for ahead, and listed.

mod convert;
mod options;
mod plan;
mod queries;
mod routes;
mod types;
mod update;
mod value;
mod violations;

pub use convert::convert;
pub use queries::{
    NewValue, fields, fields_for_create, fields_for_write, holders, lock_fields, note_given, note_missing,
    profiles_with, release_values, store_values,
};
pub use types::{
    CreateProfileField, DryRun, FieldOption, FieldType, ProfileField, ProfileFieldChanged, UpdateProfileField,
    ViolatedRule,
};
pub use update::{create_field, plan_update, update_field};
pub use value::{Indexed, Rules, check, in_order, indexed, matched_text, query_value, terms};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_profile_fields)
        .service(routes::create_profile_field)
        .service(routes::order_profile_fields)
        .service(routes::get_profile_field)
        .service(routes::delete_profile_field)
        .service(routes::list_profile_field_violations);
}
