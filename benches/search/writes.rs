//! What the words cost who writes: making and renaming profiles, beside the same with the search's tables left empty.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;

use crate::data::Data;
use crate::sample;
use crate::service::Service;

const ROUNDS: usize = 600;
const TABLES: [&str; 5] =
    ["profile_terms", "profile_words", "profile_spellings", "profile_field_terms", "contact_terms"];

pub async fn print(data: &Data) {
    let conn = &mut PgConnection::establish(&data.url).unwrap();
    let service = Service::start(data, false).await;
    let names: Vec<String> = sample::customers(data, "writes", ROUNDS).into_iter().map(|one| one.name).collect();
    let (mut with, mut without) = ((vec![], vec![]), (vec![], vec![]));
    for (round, name) in names.iter().enumerate() {
        // By turns, so that what else the machine does meets both.
        let is_with = round / 50 % 2 == 0;
        if round % 50 == 0 {
            leave_empty(conn, !is_with);
        }
        let (made, making) = service.post("/v1/profiles", &json!({ "name": name })).await;
        let path = format!("/v1/profiles/{}", made["id"].as_str().unwrap());
        let (_, renaming) = service.patch(&path, &json!({ "name": format!("{name} {round}") })).await;
        let times = if is_with { &mut with } else { &mut without };
        times.0.push(making);
        times.1.push(renaming);
    }
    leave_empty(conn, false);
    service.stop();
    let ratio = |with: &mut Vec<Duration>, without: &mut Vec<Duration>| {
        with.sort();
        without.sort();
        let (with, without) = (with[with.len() / 2], without[without.len() / 2]);
        format!("{with:.2?} against {without:.2?}: {:.2}", with.as_secs_f64() / without.as_secs_f64())
    };
    println!("\nwith and without the search's rows (its statements are sent either way), medians");
    println!("create a profile      {}", ratio(&mut with.0, &mut without.0));
    println!("rename a profile      {}", ratio(&mut with.1, &mut without.1));
}

/// Makes writes to the search's tables write nothing, or something again.
fn leave_empty(conn: &mut PgConnection, is_empty: bool) {
    let mut sql = String::from(
        "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';",
    );
    for table in TABLES {
        sql += &format!("DROP TRIGGER IF EXISTS nothing ON {table};");
        if is_empty {
            sql += &format!("CREATE TRIGGER nothing BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION nothing();");
        }
    }
    conn.batch_execute(&sql).unwrap();
}
