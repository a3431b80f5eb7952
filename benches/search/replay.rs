//! Ten thousand keystrokes of one client, beside point reads in the same minute.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::data::{Cluster, Data};
use crate::sample::{self, Customer};
use crate::service::Service;
use crate::typing::{self, Keystroke};

/// As many as a list under a search box shows.
pub const SHOWN: Option<&str> = Some("10");
/// As a client that says nothing is answered: fifty.
pub const BY_DEFAULT: Option<&str> = None;

pub struct Replay {
    limit: Option<&'static str>,
    point_read: Duration,
    keystrokes: Vec<(Keystroke, Duration)>,
}

/// What is asked for.
pub fn query<'q>(typed: &'q str, limit: Option<&'q str>) -> Vec<(&'q str, &'q str)> {
    [("q", typed)].into_iter().chain(limit.map(|limit| ("limit", limit))).collect()
}

pub async fn replay(data: &Data, count: usize, limit: Option<&'static str>) -> Replay {
    let service = Service::start(data, false).await;
    let customers = sample::customers(data, "typing", 2000);
    let keystrokes = typing::keystrokes(&customers, count, &mut StdRng::seed_from_u64(7));
    let (mut reads, mut timed) = (Vec::new(), Vec::new());
    // What is typed first fills the caches, and prepares the statements.
    for keystroke in keystrokes.iter().take(300) {
        service.get("/v1/profiles", &query(&keystroke.typed, limit)).await;
    }
    for (place, keystroke) in keystrokes.into_iter().enumerate() {
        // In between, so that what else the machine does meets both.
        if place % 5 == 0 {
            let Customer { id, .. } = customers[place / 5 % customers.len()];
            reads.push(service.get(&format!("/v1/profiles/{id}"), &[]).await.1);
        }
        let (_, took) = service.get("/v1/profiles", &query(&keystroke.typed, limit)).await;
        timed.push((keystroke, took));
    }
    service.stop();
    reads.sort();
    Replay { limit, point_read: reads[reads.len() / 2], keystrokes: timed }
}

impl Replay {
    pub fn print(&self) {
        let limit = self.limit.map_or("the default limit".to_owned(), |limit| format!("limit={limit}"));
        println!("\n{limit}; point read: median {:.2?}; searches as ratios to it", self.point_read);
        println!("{:<22}{:>8}{:>9}{:>9}{:>9}", "keystroke", "count", "median", "p99", "max");
        self.print_row("all", |_| true);
        let kinds: BTreeSet<typing::Kind> = self.keystrokes.iter().map(|(keystroke, _)| keystroke.kind).collect();
        for kind in &kinds {
            self.print_row(&format!("{kind:?}"), |keystroke| keystroke.kind == *kind);
        }
        for length in 1..=12 {
            self.print_row(&format!("{length} characters"), |keystroke| keystroke.typed.chars().count() == length);
        }
    }

    fn print_row(&self, name: &str, is_of: impl Fn(&Keystroke) -> bool) {
        let mut times: Vec<Duration> =
            self.keystrokes.iter().filter(|(keystroke, _)| is_of(keystroke)).map(|(_, took)| *took).collect();
        times.sort();
        let Some(last) = times.len().checked_sub(1) else { return };
        let ratio = |place: usize| times[place].as_secs_f64() / self.point_read.as_secs_f64();
        let (median, p99, max) = (ratio(last / 2), ratio(last * 99 / 100), ratio(last));
        println!("{name:<22}{:>8}{median:>9.2}{p99:>9.2}{max:>9.2}", times.len());
    }

    pub fn median(&self) -> Duration {
        let mut times: Vec<Duration> = self.keystrokes.iter().map(|(_, took)| *took).collect();
        times.sort();
        times[times.len() / 2]
    }

    pub fn ratio(&self) -> f64 {
        self.median().as_secs_f64() / self.point_read.as_secs_f64()
    }

    /// How the slowest ten were carried out.
    pub async fn print_worst(&self, cluster: &Cluster, data: &Data) {
        let mut worst: Vec<&(Keystroke, Duration)> = self.keystrokes.iter().collect();
        worst.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        let service = Service::start(data, true).await;
        // The caches of a connection are filled, and the statements' plans settled, before.
        for (keystroke, _) in self.keystrokes.iter().take(50) {
            service.get("/v1/profiles", &query(&keystroke.typed, self.limit)).await;
        }
        println!("\nThe slowest ten, and their plans:");
        for (keystroke, took) in worst.into_iter().take(10) {
            let before = cluster.log().len();
            let (_, again) = service.get("/v1/profiles", &query(&keystroke.typed, self.limit)).await;
            let ratio = took.as_secs_f64() / self.point_read.as_secs_f64();
            println!("\n== {:?} {:?}: {ratio:.1} point reads; again {again:.2?}", keystroke.kind, keystroke.typed);
            println!("{}", cluster.log().get(before..).unwrap_or_default());
        }
        service.stop();
    }
}
