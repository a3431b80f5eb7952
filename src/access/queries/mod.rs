//! All Diesel of organizations, users and tokens.

mod api_tokens;
mod organizations;
mod people;
mod sessions;
mod users;

pub use api_tokens::*;
pub use organizations::*;
pub use people::*;
pub use sessions::*;
pub use users::*;
