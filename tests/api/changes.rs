//! A script that mirrors an organization by following what happens, while others write.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, World};

/// By type and id, what the mirror keeps of each resource: what changes with its version.
type Mirror = BTreeMap<(String, String), Value>;

fn kept(kind: &str, resource: &Value) -> Value {
    let members: &[&str] = match kind {
        "profile" => &["name", "kind", "fields", "version"],
        "contact" => &["address", "name", "profile_id", "version"],
        "conversation" => &["subject", "status", "assignee_id", "version"],
        "message" => &["body", "direction"],
        _ => &["body", "pinned", "version"],
    };
    members.iter().map(|member| ((*member).to_owned(), resource[*member].clone())).collect()
}

/// Follows from the cursor on, until the resource comes that is made last. Gives the mirror, and how many changes.
async fn follow(client: Client, mut cursor: String, last: Arc<OnceLock<String>>) -> (Mirror, usize) {
    let started = Instant::now();
    let mut mirror = Mirror::new();
    let mut seen = HashSet::new();
    // Who began earlier may come to the same resource later: its versions come in the order of transactions.
    let mut versions: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    loop {
        assert!(started.elapsed() < Duration::from_secs(120), "the last change didn't come");
        let page = client.get(&format!("/v1/changes?wait=1&limit=20&cursor={cursor}")).await.expect(200);
        for change in page.data() {
            assert!(seen.insert(change["id"].to_string()), "{change} came twice");
            let text = |pointer: &str| change.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
            let (kind, id) = (text("/resource/type"), text("/resource/id"));
            if let Some(version) = change["version"].as_i64() {
                versions.entry(id.clone()).or_default().insert(version);
            }
            if !["profile", "contact", "conversation", "message", "note"].contains(&kind.as_str()) {
                continue;
            }
            let path = format!("/v1/{kind}s/{id}");
            let key = (kind, id);
            // It may be gone by now, or part of another: then a later change says so.
            match client.get(&path).await {
                found if found.status == 200 => mirror.insert(key.clone(), kept(&key.0, &found.json)),
                gone => {
                    assert!([404, 308].contains(&gone.status), "{}", gone.body());
                    mirror.remove(&key)
                }
            };
        }
        cursor = page.text("/next_cursor");
        // Nothing is behind it: an empty page alone may only say that some transaction on the server still runs.
        if last.get().is_some_and(|last| versions.contains_key(last)) {
            for (id, versions) in versions {
                assert_eq!(
                    versions.last(),
                    i64::try_from(versions.len()).ok().as_ref(),
                    "{id} lacks some of {versions:?}"
                );
            }
            return (mirror, seen.len());
        }
    }
}

/// What the lists show in the end.
async fn store(client: &Client) -> Mirror {
    let mut store = Mirror::new();
    let mut notes_of = Vec::new();
    for (kind, list) in [
        ("profile", "/v1/profiles"),
        ("contact", "/v1/contacts"),
        ("conversation", "/v1/conversations?status=open&status=closed&status=spam"),
    ] {
        for resource in client.walk(list, 50).await {
            let id = resource["id"].as_str().unwrap().to_owned();
            notes_of.push((kind, format!("/v1/{kind}s/{id}")));
            store.insert((kind.to_owned(), id), kept(kind, &resource));
        }
    }
    for (kind, path) in notes_of {
        let mut lists = vec![("note", format!("{path}/notes"))];
        if kind == "conversation" {
            lists.push(("message", format!("{path}/messages")));
        }
        for (kind, list) in lists {
            for one in client.walk(&list, 50).await {
                let id = one["id"].as_str().unwrap().to_owned();
                store.insert((kind.to_owned(), id), kept(kind, &one));
            }
        }
    }
    store
}

/// Someone who works, and meets what others did meanwhile.
async fn work(client: Client, writer: usize, phone: String, mail: String) {
    let mut profiles: Vec<String> = Vec::new();
    for round in 0..12 {
        let number = writer * 100 + round;
        let shared = round % 4;
        let contacts = json!([{ "medium": "email", "address": format!("{number}@example.com") }]);
        let made = client.post("/v1/profiles", json!({ "name": format!("P {number}"), "contacts": contacts })).await;
        profiles.push(made.expect(201).id());
        // Several write for the same contact, and mails join conversations that began apart.
        let message = json!({
            "external_id": format!("{number}"), "from": { "address": format!("+3161234567{shared}") }, "body": "Hello",
        });
        let inbound = client.post(&format!("/v1/channels/{phone}/inbound"), message).await.expect(201);
        let raw = format!(
            "From: {shared}@example.org\r\nMessage-ID: <{number}@x>\r\nReferences: <{}@x> <{}@x>\r\nSubject: {number}\r\n\r\nHi",
            number.saturating_sub(100),
            number.saturating_sub(3),
        );
        let request = client.request(reqwest::Method::POST, &format!("/v1/channels/{mail}/inbound"));
        let joined = request.raw("message/rfc822", raw).await.expect(201);
        let contact = inbound.text("/contact_id");
        let profile = &profiles[(round * 7) % profiles.len()];
        let attach = json!({ "profile_id": profile, "on_conflict": "move" });
        let close = json!({ "status": "closed", "subject": number.to_string() });
        let writes = [
            client.put(&format!("/v1/contacts/{contact}/profile"), attach),
            client.patch(&format!("/v1/profiles/{profile}"), json!({ "name": format!("Q {number}") })),
            client.patch(&format!("/v1/contacts/{contact}"), json!({ "name": format!("C {number}") })),
            client.patch(&format!("/v1/conversations/{}", joined.text("/conversation_id")), close),
            client
                .post(&format!("/v1/conversations/{}/notes", joined.text("/conversation_id")), json!({ "body": "!" })),
            client.post(
                "/v1/batch",
                json!({ "operations": [
                { "op": "update", "resource": "profile", "id": profile, "body": { "kind": "company" } },
                { "op": "detach", "resource": "contact", "id": contact },
            ] }),
            ),
            client.delete(&format!("/v1/profiles/{profile}")),
        ];
        for (at, write) in writes.into_iter().enumerate() {
            // Every third profile is deleted, and only then.
            if at < 6 || round % 3 == 2 {
                let answer = write.await;
                assert!([200, 201, 204, 308, 404, 409].contains(&answer.status), "{}", answer.body());
            }
        }
    }
}

#[actix_web::test]
async fn a_mirror_is_equal_in_the_end() {
    let world = World::new().await;
    let admin = world.admin();
    let phone = admin.post("/v1/channels", json!({ "name": "Phone", "medium": "whatsapp" })).await.expect(201).id();
    let mail = admin.post("/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.expect(201).id();
    let cursor = admin.get("/v1/changes").await.expect(200).text("/next_cursor");
    let events = world.database.number("SELECT count(*) FROM events");
    let last = Arc::new(OnceLock::new());
    let follower = actix_web::rt::spawn(follow(admin.clone(), cursor, last.clone()));
    let writers = (0..4).map(|writer| actix_web::rt::spawn(work(admin.clone(), writer, phone.clone(), mail.clone())));
    for writer in join_all(writers.collect::<Vec<_>>()).await {
        writer.unwrap();
    }
    let happened = world.database.number("SELECT count(*) FROM events") - events;
    let end = admin.post("/v1/channels", json!({ "name": "The end", "medium": "custom" })).await.expect(201);
    last.set(end.id()).unwrap();
    let (mirror, changes) = follower.await.unwrap();
    let store = store(&admin).await;
    let differing: Vec<_> = store.iter().filter(|(key, value)| mirror.get(key) != Some(value)).collect();
    assert_eq!(differing, vec![], "the mirror lacks these");
    let left: Vec<_> = mirror.keys().filter(|key| !store.contains_key(*key)).collect();
    assert_eq!(left, Vec::<&(String, String)>::new(), "the mirror has these, and the store doesn't");
    // While some transaction still ran, the beginning lay a little before now.
    assert!(i64::try_from(changes).unwrap() >= happened, "{changes} of {happened}");
    for kind in ["profile", "contact", "conversation", "message", "note"] {
        assert!(store.keys().any(|(of, _)| of == kind), "{kind}");
    }
}

#[actix_web::test]
async fn what_goes_with_a_profile_or_a_contact_is_told() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
    for path in [format!("/v1/profiles/{profile}"), format!("/v1/contacts/{contact}")] {
        let notes = format!("{path}/notes");
        let note = admin.post(&notes, json!({ "body": "one" })).await.expect(201).id();
        let cursor = admin.get("/v1/changes").await.expect(200).text("/next_cursor");
        admin.delete(&path).await.expect(204);
        admin.get(&format!("/v1/notes/{note}")).await.problem(404, "note_not_found");
        let changes = admin.get(&format!("/v1/changes?cursor={cursor}")).await.expect(200);
        let told: Vec<_> =
            changes.data().iter().map(|change| (change["type"].clone(), change["resource"]["id"].clone())).collect();
        assert!(told.contains(&(json!("note.deleted"), json!(note))), "{told:?}");
    }
}

#[actix_web::test]
async fn an_empty_answer_comes_when_the_wait_is_over() {
    let world = World::new().await;
    let cursor = world.admin().get("/v1/changes?type=note.deleted").await.expect(200).text("/next_cursor");
    let started = Instant::now();
    let page = world.admin().get(&format!("/v1/changes?wait=1&type=note.deleted&cursor={cursor}")).await.expect(200);
    assert_eq!(page.data().len(), 0);
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn a_type_that_nothing_has_is_refused() {
    let world = World::new().await;
    for wrong in ["profile.update", "", "type=profile.updated&type=profile", "Profile.updated"] {
        let query = if wrong.starts_with("type=") { wrong.to_owned() } else { format!("type={wrong}") };
        world.admin().get(&format!("/v1/changes?{query}")).await.wrong_fields(&[("type", "choice")]);
    }
    world.admin().get("/v1/changes?count=exact").await.wrong_fields(&[("count", "unknown")]);
    world.admin().get("/v1/changes?type=profile.updated&type=channel.archived").await.expect(200);
}
