//! What batches save: profiles with two addresses each, upserted singly and in batches of a hundred by one client.
//!
//! `CUSTOMERS` of each (default 5,000), in an organization of their own that begins empty. The two take turns, so that
//! what else the machine does meets both.

use std::time::Duration;

use serde_json::{Value, json};

use crate::data::{Data, another_organization};
use crate::sample;
use crate::service::Service;

const BATCH: usize = 100;
const TURN: usize = 500;

pub async fn print(data: &Data) {
    let count = std::env::var("CUSTOMERS").ok().map_or(5000, |count| count.parse().expect("CUSTOMERS: a number"));
    let names: Vec<String> = sample::customers(data, "batches", count).into_iter().map(|one| one.name).collect();
    let service = Service::start(&another_organization(data).await, false).await;
    let city = json!({ "key": "city", "label": "City", "type": "text" });
    service.post("/v1/profile-fields", &city).await;
    println!("\n{count} profiles with two addresses each, upserted singly and in batches of {BATCH}, profiles/s");
    println!("{:<12}{:>9}{:>9}{:>9}", "", "singly", "batches", "ratio");
    for (what, outcome, edition) in
        [("new", "created", ""), ("changed", "updated", " jr"), ("unchanged", "unchanged", " jr")]
    {
        let (mut singly, mut together) = (Duration::ZERO, Duration::ZERO);
        let customers: Vec<usize> = (0..count).collect();
        for turn in customers.chunks(TURN) {
            for customer in turn {
                let body = body("S", *customer, &names, edition);
                let (answer, took) = service.post("/v1/profiles?upsert_on=relation_number", &body).await;
                assert_eq!(answer["outcome"], outcome);
                singly += took;
            }
            for batch in turn.chunks(BATCH) {
                let operation = |customer: &usize| {
                    let body = body("B", *customer, &names, edition);
                    json!({ "op": "upsert", "resource": "profile", "upsert_on": "relation_number", "body": body })
                };
                let operations: Vec<Value> = batch.iter().map(operation).collect();
                let (answer, took) = service.post("/v1/batch", &json!({ "operations": operations })).await;
                assert!(answer["results"].as_array().unwrap().iter().all(|result| result["outcome"] == outcome));
                together += took;
            }
        }
        let rate = |took: Duration| count as f64 / took.as_secs_f64();
        let (singly, together) = (rate(singly), rate(together));
        println!("{what:<12}{singly:>9.0}{together:>9.0}{:>9.2}", together / singly);
    }
    service.stop();
}

/// Of the customers of one kind, the one with this place.
fn body(kind: &str, place: usize, names: &[String], edition: &str) -> Value {
    let kind_digit = if kind == "S" { 1 } else { 2 };
    json!({
        "name": format!("{}{edition}", names[place % names.len()]),
        "fields": { "relation_number": format!("{kind}-{place}"), "city": format!("City{edition} {}", place % 100) },
        "contacts": [
            { "medium": "email", "address": format!("{kind}{place}@customers.example") },
            { "medium": "whatsapp", "address": format!("+316{kind_digit}{place:07}") },
        ],
    })
}
