//! Whether the history of a customer stays fast however long it is: `make bench-history`.
//!
//! Organizations with 10,000, a million and `MESSAGES` messages (default 10,000,000) are made once in `BENCH_DIR`; a
//! tenth of the messages is one profile's. `PARTS` chooses among `measure`, the last one alone, and `growth`, all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod cast;
#[path = "../data/mod.rs"]
#[allow(dead_code)] // What only the other benchmark asks for.
mod data;
mod fill;
mod measure;
mod report;
mod rows;
#[path = "../search/service.rs"]
#[allow(dead_code)]
mod service;
mod words;

use data::Cluster;

/// Of the data, part of their name: another number makes them anew.
const EDITION: &str = "2";

fn main() {
    let messages =
        std::env::var("MESSAGES").ok().map_or(10_000_000, |count| count.parse().expect("MESSAGES: a number"));
    let parts = std::env::var("PARTS").unwrap_or_else(|_| "growth".to_owned());
    let cluster = Cluster::start();
    let data =
        |messages| cluster.made(&format!("history_{messages}_{EDITION}"), |db, url| fill::fill(db, url, messages));
    let measured = |messages| (messages, block_on(measure::measure(&data(messages))));
    match parts.as_str() {
        "fill" => drop(data(messages)),
        "measure" => report::print(&measured(messages).1),
        _ => {
            let mut sizes = vec![10_000, 1_000_000];
            sizes.retain(|size| *size < messages);
            sizes.push(messages);
            let all: Vec<_> = sizes.into_iter().map(measured).collect();
            report::print(&all.last().expect("at least one").1);
            report::print_growth(&all);
        }
    }
    cluster.stop();
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}
