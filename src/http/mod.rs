//! What every room borrows to speak HTTP; knows no room.

pub mod body;
pub mod caller;
pub mod deprecation;
pub mod diagnose;
pub mod docs;
pub mod file;
pub mod json;
pub mod jwt;
pub mod middleware;
pub mod number;
pub mod page;
pub mod patch;
pub mod problem;
pub mod query;
pub mod reply;
pub mod routes;
pub mod upload;
pub mod validate;
pub mod version;
