//! What comes in through a channel.
//!
//! One small adapter for each format ([`mail`], [`json`]) makes an [`receive::Incoming`] of what arrives; [`receive`]
//! carries it out, for requests and for [`import`] alike. The bytes are in the store before the transaction begins.

pub mod email;
mod import;
mod json;
mod mail;
pub mod mailbox;
mod receive;
mod routes;
mod types;

pub use import::import;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(routes::receive_message).service(routes::get_message_html);
}
