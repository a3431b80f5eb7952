//! Filters beside point reads: what is exact, what hardly any profile has, and filters within a search.

use std::time::Duration;

use crate::data::Data;
use crate::sample::{self, Customer};
use crate::service::Service;

const ROUNDS: usize = 20;
/// Whom nothing was made by.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// What is asked for of a customer, by its relation number and the beginning of its name.
type Case = (&'static str, fn(&str, &str) -> String);

const CASES: [Case; 22] = [
    ("field[]=, exact", |number, _| format!("field[relation_number]={number}")),
    ("the same, by created_at", |number, _| format!("field[relation_number]={number}&sort=-created_at")),
    ("the same, by moment", |number, _| format!("field[relation_number]={number}&sort=-last_contact_moment_at")),
    ("the same, by field", |number, _| format!("field[relation_number]={number}&sort=field[relation_number]")),
    ("field[].set=false", |_, _| "field[relation_number.set]=false".to_owned()),
    ("everything, by name", |_, _| "sort=name".to_owned()),
    ("everything, by moment", |_, _| "sort=-last_contact_moment_at".to_owned()),
    ("everything, by field", |_, _| "sort=-field[relation_number]".to_owned()),
    ("kind, by name", |_, _| "kind=company".to_owned()),
    ("kind, by updated_at", |_, _| "kind=company&sort=-updated_at".to_owned()),
    ("kind, by moment", |_, _| "kind=company&sort=-last_contact_moment_at".to_owned()),
    ("nobody's medium, by name", |_, _| "medium=telegram".to_owned()),
    ("nobody's medium, by moment", |_, _| "medium=telegram&sort=-last_contact_moment_at".to_owned()),
    ("nobody's medium, by field", |_, _| "medium=telegram&sort=field[relation_number]".to_owned()),
    ("two filters, together none", |_, _| "kind=company&medium=telegram&sort=-created_at".to_owned()),
    ("made by nobody, by name", |_, _| format!("created_by={NOBODY}")),
    ("made by nobody, by moment", |_, _| format!("created_by={NOBODY}&sort=last_contact_moment_at")),
    ("q and kind", |_, typed| format!("q={typed}&kind=company")),
    ("q and nobody's medium", |_, typed| format!("q={typed}&medium=telegram")),
    ("q and nobody", |_, typed| format!("q={typed}&created_by={NOBODY}")),
    ("q and field[]=", |number, typed| format!("q={typed}&field[relation_number]={number}")),
    ("q and created_at.gte", |_, typed| format!("q={typed}&created_at.gte=2024-01-01")),
];

pub async fn print(data: &Data) {
    let service = Service::start(data, false).await;
    let customers = sample::customers(data, "lists", ROUNDS);
    let mut reads = Vec::new();
    let mut timed: Vec<(&str, Vec<Duration>, usize)> = CASES.iter().map(|(name, _)| (*name, Vec::new(), 0)).collect();
    // The first round fills the caches, and prepares the statements.
    for round in 0..=ROUNDS {
        let Customer { id, name, number, .. } = &customers[round % customers.len()];
        let typed: String = name.chars().take(1 + round % 3).collect();
        let typed: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
        for ((_, query), (_, times, found)) in CASES.iter().zip(&mut timed) {
            let (answer, took) = service.get(&format!("/v1/profiles?{}", query(number, &typed)), &[]).await;
            let (_, read) = service.get(&format!("/v1/profiles/{id}"), &[]).await;
            if round > 0 {
                times.push(took);
                reads.push(read);
                *found += answer["data"].as_array().unwrap().len();
            }
        }
    }
    service.stop();
    reads.sort();
    let read = reads[reads.len() / 2];
    println!("\nfilters, with the default limit; point read: median {read:.2?}; ratios to it");
    println!("{:<28}{:>9}{:>9}{:>9}", "", "found", "median", "max");
    for (name, mut times, found) in timed {
        times.sort();
        let ratio = |took: Duration| took.as_secs_f64() / read.as_secs_f64();
        let (median, max) = (ratio(times[times.len() / 2]), ratio(times[times.len() - 1]));
        println!("{name:<28}{:>9.1}{median:>9.2}{max:>9.2}", found as f64 / ROUNDS as f64);
    }
}
