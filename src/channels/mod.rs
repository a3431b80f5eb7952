//! Channels: where messages come in, such as a mailbox or a WhatsApp number.
//!
//! A channel that has conversations is archived rather than deleted: its history stays readable, and nothing new
//! comes in through it.

mod queries;
mod routes;
mod types;

pub use queries::{channel_named, delete_channel, get_channel, insert_channel, open_channel, update_channel};
pub use types::{Channel, ChannelRef, CreateChannel, Direction, Medium, UpdateChannel};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(routes::list_channels)
        .service(routes::create_channel)
        .service(routes::get_channel)
        .service(routes::update_channel)
        .service(routes::archive_channel)
        .service(routes::unarchive_channel)
        .service(routes::delete_channel);
}
