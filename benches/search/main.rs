//! How fast search as you type is, and whether it finds: `make bench-search`.
//!
//! `SCALE` profiles (default 1,000,000) are made once in `BENCH_DIR`, from the name lists in the folder `NAMES` when it
//! is set. `PARTS` chooses among `replay`, `worst`, `default`
//! (the same with the default limit), `recall`, `lists`, `same`, `writes`, `batch` (of `CUSTOMERS`) and `growth`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod batches;
#[path = "../data/mod.rs"]
#[allow(dead_code)] // What only the other benchmark asks for.
mod data;
mod lists;
mod recall;
mod replay;
mod same;
mod sample;
#[allow(dead_code)]
mod service;
mod typing;
mod writes;

use data::{Cluster, Scale};

fn main() {
    let profiles = std::env::var("SCALE").ok().map_or(1_000_000, |scale| scale.parse().expect("SCALE: a number"));
    let parts = std::env::var("PARTS")
        .unwrap_or_else(|_| "replay worst default recall lists same writes batch growth".to_owned());
    let does = |part: &str| parts.split(' ').any(|named| named == part);
    let cluster = Cluster::start();
    let data = cluster.data(Scale { profiles });
    block_on(async {
        if does("replay") {
            let replay = replay::replay(&data, 10_000, replay::SHOWN).await;
            replay.print();
            if does("worst") {
                replay.print_worst(&cluster, &data).await;
            }
        }
        if does("default") {
            replay::replay(&data, 10_000, replay::BY_DEFAULT).await.print();
        }
        if does("recall") {
            recall::print(&data, 1000).await;
        }
        if does("lists") {
            lists::print(&data).await;
        }
        if does("same") {
            same::print(&data, 20).await;
        }
        if does("writes") {
            writes::print(&data).await;
        }
        if does("batch") {
            batches::print(&data).await;
        }
    });
    if does("growth") {
        println!("\ngrowth: the median keystroke, to that of the fewest profiles, and to a point read among as many");
        let mut fewest = None;
        for profiles in [10_000, 100_000, profiles] {
            let data = cluster.data(Scale { profiles });
            let replay = block_on(replay::replay(&data, 2000, replay::SHOWN));
            let median = replay.median();
            let growth = median.as_secs_f64() / fewest.get_or_insert(median).as_secs_f64();
            println!("{profiles:>10} profiles {median:>10.2?} {growth:>8.2} {:>8.2}", replay.ratio());
        }
    }
    cluster.stop();
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}
