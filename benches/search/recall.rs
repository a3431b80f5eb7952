//! Whether who is sought is there: the profile, or one that what was typed fits as well, among the first ten.

use std::collections::BTreeMap;

use dossier::text;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::data::Data;
use crate::sample;
use crate::service::Service;
use crate::typing::slip;

pub async fn print(data: &Data, count: usize) {
    let service = Service::start(data, false).await;
    let mut kinds: BTreeMap<&str, (usize, usize, Vec<String>)> = BTreeMap::new();
    let rng = &mut StdRng::seed_from_u64(11);
    for customer in sample::customers(data, "recall", count) {
        let name = customer.name.trim();
        let words = text::words(name);
        let mut asked = vec![("full name", name.to_owned()), ("without accents", text::fold(name))];
        asked.extend(words.iter().map(|word| ("one word", word.clone())));
        asked.extend((0..3).filter_map(|_| slip(name, rng)));
        for (kind, typed) in asked {
            let (found, _) = service.get("/v1/profiles", &[("q", &typed), ("limit", "10")]).await;
            let is_found = found["data"].as_array().unwrap().iter().any(|hit| {
                let other = text::words(hit["name"].as_str().unwrap());
                hit["id"] == customer.id.to_string() || other == words || (kind == "one word" && other.contains(&typed))
            });
            let (tried, missed, examples) = kinds.entry(kind).or_default();
            *tried += 1;
            if !is_found {
                *missed += 1;
                examples.push(format!("{typed:?} for {name:?}"));
            }
        }
    }
    service.stop();
    println!(
        "\nrecall: of {count} profiles, the one sought is among the first ten, or one whose name has the same words; \
         for one word, one whose name has just this word, begun and ended"
    );
    for (kind, (tried, missed, examples)) in kinds {
        let share = 100.0 * (tried - missed) as f64 / tried as f64;
        println!(
            "{kind:<22}{share:>8.2} % of {tried}  {}",
            examples.into_iter().take(3).collect::<Vec<_>>().join("; ")
        );
    }
}
