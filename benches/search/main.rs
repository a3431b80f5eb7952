//! How fast search as you type is, and whether it finds: `make bench-search`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

#[path = "../data/mod.rs"]
mod data;

use data::{Cluster, Scale};

fn main() {
    let profiles = std::env::var("SCALE").ok().map_or(1_000_000, |scale| scale.parse().expect("SCALE: a number"));
    let cluster = Cluster::start();
    let data = cluster.data(Scale { profiles });
    println!("{}", data.url);
    cluster.stop();
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}
