//! Dossier: the backend that a shared inbox stands on.
//!
//! Customers write over e-mail, WhatsApp, phone and chat; each address they use is a *contact*; an agent attaches
//! contacts to a *profile*, the customer; and from then on everything about that customer is in one place.
//!
//! # Reading order
//!
//! 1. [`app`]: every room, its routes, and what stands around them.
//! 2. [`db`]: one request, one transaction ([`db::Db::read`], [`db::Db::write`]); its events ([`db::events`]) and its
//!    idempotency key ([`db::idempotency`]) in the same one.
//! 3. One room, such as [`channels`]: `mod.rs` says what it is, `routes.rs` has the handlers, `types.rs` the bodies,
//!    `queries.rs` all of its Diesel. Whoever knows one room knows them all.
//! 4. [`profiles::attach_contact`]: what the product is about.
//!
//! # Which room may call which
//!
//! `app → rooms → {http, db} → {error, ids, actor, answer, text, search_query, config}`. The rooms stand from the ground
//! floor up: access, channels, contacts, profile_fields, profiles, attachments, notes, conversations, moments,
//! timeline, search, inbound, sidebar, changes, demo. A room calls only rooms below it. A read may join any table; only the
//! room that owns a table writes it. A test holds this.

pub mod access;
pub mod actor;
pub mod answer;
pub mod app;
pub mod attachments;
pub mod changes;
pub mod channels;
pub mod command;
pub mod config;
pub mod contacts;
pub mod conversations;
pub mod db;
pub mod demo;
pub mod error;
pub mod http;
pub mod ids;
pub mod inbound;
pub mod moments;
pub mod notes;
pub mod profile_fields;
pub mod profiles;
pub mod search;
pub mod search_query;
pub mod sidebar;
pub mod telemetry;
pub mod text;
mod text_enum;
pub mod timeline;
