//! The service, tested through its API.
//!
//! Each test makes a [`support::World`]: an organization in a database of its own behind a server of its own, in which
//! people do things. So tests run at the same time and share nothing but one PostgreSQL server. Read `channels.rs` for
//! how they look; there is a file for each room, and these walk through all of them:
//!
//! - `openapi.rs`: the document says all of what a client needs, and the checked-in one is current.
//! - `released.rs`: it takes nothing away that a client of the last release relies on.
//! - `tenancy.rs`: every operation refuses who has no token, and doesn't know what belongs to others.
//! - `contract.rs`: failures, retries, versions and cursors behave alike everywhere.
//! - `paging.rs`: cursors, links, HEAD and compression, of every list and every read.
//! - `passed_over.rs`: every operation refuses what it doesn't take.
//! - `walks.rs`: lists that are walked while another client writes.
//! - `structure.rs`: which folder of the source may use which.
//!
//! A room that is added is covered by those seven without a change to them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod access;
mod attachments;
mod batch;
mod changes;
mod channels;
mod contacts;
mod contract;
mod conversations;
mod edits;
mod field_changes;
mod hostile_files;
mod inbound;
mod moments;
mod notes;
mod openapi;
mod paging;
mod passed_over;
mod profile_fields;
mod profiles;
mod released;
mod search;
mod structure;
mod support;
mod tenancy;
mod thumbnails;
mod timeline;
mod walks;
