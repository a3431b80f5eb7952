//! The figures, as ratios.

use std::time::Duration;

use crate::measure::Figures;

/// What is said of one request beside another: at most so many times as long.
type Promise = (&'static str, &'static str, f64);

const LISTS: [&str; 3] = ["contact-moments", "timeline", "attachments"];
const SEARCHES: [&str; 8] = [
    "search every",
    "search hundredth",
    "search rare",
    "search once",
    "timeline search every",
    "timeline search hundredth",
    "timeline search rare",
    "timeline search once",
];
const OTHERS: [Promise; 5] = [
    ("sidebar", "profile", 5.0),
    ("attach heavy", "attach light", 5.0),
    ("detach heavy", "detach light", 5.0),
    ("attach heavy, newest", "attach light, newest", 5.0),
    ("detach heavy, newest", "detach light, newest", 5.0),
];
const PLAIN: [&str; 27] = [
    "profile",
    "notes",
    "history",
    "contacts",
    "messages around one",
    "timeline, one type",
    "gallery, rare kind",
    "gallery, rare channel",
    "moments, rare channel",
    "moments, rare status",
    "moments, rare assignee",
    "moments, with files",
    "moments, one medium",
    "inbox",
    "inbox, open",
    "inbox, mine",
    "inbox, unassigned",
    "inbox, rare assignee",
    "inbox, rare channel",
    "inbox, rare channel, mine",
    "inbox, one medium",
    "inbox, open and unread",
    "inbox, unread",
    "inbox, largest profile",
    "inbox, largest profile, spam",
    "inbox, heaviest contact",
    "inbox counts",
];

pub fn print(figures: &Figures) {
    println!("\n{:<36}{:>10}  {:<34}{:>10}{:>8}{:>8}", "median of", "ms", "beside", "ms", "ratio", "at most");
    for list in LISTS {
        let of = |place: &str| format!("{list} {place}");
        for place in ["large first", "large deep", "large jump"] {
            let others = ["large first", "large deep", "large jump"].map(of);
            let fastest = others.iter().min_by_key(|name| figures.median(name)).unwrap();
            compare(figures, &of(place), fastest, 1.5);
            compare(figures, &of(place), &of("middle first"), 3.0);
            compare(figures, &of(place), &of("single first"), 10.0);
        }
    }
    for (name, beside, most) in OTHERS {
        compare(figures, name, beside, most);
    }
    println!(
        "\n{:<36}{:>10}{:>10}  {:>24}{:>8}",
        "search in the largest profile", "median", "p99", "p99 / profile's median", "at most"
    );
    for name in SEARCHES {
        let (Some(median), Some(p99)) = (figures.median(name), figures.p99(name)) else { continue };
        let ratio = ratio(Some(p99), figures.median("profile beside searches"));
        println!("{name:<36}{:>10}{:>10}  {ratio:>24.1}{:>8}", ms(median), ms(p99), 100);
    }
    println!("\n{:<36}{:>10}{:>10}{:>16}", "other requests", "median", "p99", "to a profile's");
    for name in PLAIN {
        let (Some(median), Some(p99)) = (figures.median(name), figures.p99(name)) else { continue };
        println!("{name:<36}{:>10}{:>10}{:>16.1}", ms(median), ms(p99), ratio(Some(median), figures.median("profile")));
    }
}

fn compare(figures: &Figures, name: &str, beside: &str, most: f64) {
    let (Some(one), Some(other)) = (figures.median(name), figures.median(beside)) else { return };
    let ratio = ratio(Some(one), Some(other));
    let verdict = if ratio > most { "  !" } else { "" };
    println!("{name:<36}{:>10}  {beside:<34}{:>10}{ratio:>8.2}{most:>8.1}{verdict}", ms(one), ms(other));
}

fn ratio(one: Option<Duration>, other: Option<Duration>) -> f64 {
    one.zip(other).map_or(f64::NAN, |(one, other)| one.as_secs_f64() / other.as_secs_f64())
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

/// The same requests in ever larger organizations.
pub fn print_growth(of: &[(usize, Figures)]) {
    print!("\n{:<36}", "growth: median ms at messages");
    for (messages, _) in of {
        print!("{messages:>12}");
    }
    println!("{:>10}", "last/first");
    let lists =
        LISTS.iter().flat_map(|list| ["large first", "large deep", "large jump"].map(|at| format!("{list} {at}")));
    let others = OTHERS.iter().flat_map(|(one, other, _)| [*one, *other]).chain(SEARCHES).chain(PLAIN);
    let mut names: Vec<String> = lists.chain(others.map(str::to_owned)).collect();
    let mut known = std::collections::HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    for name in names {
        print!("{name:<36}");
        let medians: Vec<Option<Duration>> = of.iter().map(|(_, figures)| figures.median(&name)).collect();
        for median in &medians {
            print!("{:>12}", median.map(ms).unwrap_or_default());
        }
        println!("{:>10.2}", ratio(medians.last().copied().flatten(), medians.first().copied().flatten()));
    }
}
