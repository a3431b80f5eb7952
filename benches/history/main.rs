//! Whether the history of a customer stays fast however long it is: `make bench-history`.
//!
//! An organization with `MESSAGES` messages (default 10,000,000) is made once in `BENCH_DIR`; a tenth of them is one
//! profile's. `PARTS` chooses among `fill`, `measure` and `growth`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod cast;
#[path = "../data/mod.rs"]
#[allow(dead_code)] // What only the other benchmark asks for.
mod data;
mod fill;
mod rows;
#[path = "../search/service.rs"]
mod service;
mod words;

use data::Cluster;

/// Of the data, part of their name: another number makes them anew.
const EDITION: &str = "1";

fn main() {
    let messages = std::env::var("MESSAGES").ok().map_or(10_000_000, |count| count.parse().expect("MESSAGES: a number"));
    let cluster = Cluster::start();
    let data = cluster.made(&format!("history_{messages}_{EDITION}"), |db, url| fill::fill(db, url, messages));
    println!("{}", data.url);
    cluster.stop();
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}
