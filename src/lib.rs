//! Dossier: the backend that a shared inbox stands on.

pub mod access;
pub mod actor;
pub mod answer;
pub mod app;
pub mod attachments;
pub mod channels;
pub mod command;
pub mod config;
pub mod contacts;
pub mod conversations;
pub mod db;
pub mod error;
pub mod http;
pub mod ids;
pub mod inbound;
pub mod notes;
pub mod profile_fields;
pub mod profiles;
pub mod telemetry;
pub mod text;
mod text_enum;
