//! What tests are made of: a [`World`], the [`Client`]s of the people in it, and the [`Answer`]s they get.

// A room's tests use what they need.
#![allow(unused_imports, dead_code)]

mod answer;
mod breaks;
mod client;
mod conformance;
mod database;
mod document;
mod world;

pub use answer::Answer;
pub use breaks::breaks;
pub use client::{Client, Request, race};
pub use conformance::{Schemas, headers, sent};
pub use database::files;
pub use document::{Operation, document, example, operations, resolve};
pub use world::{ORIGIN, PASSWORD, SECRET, World};
