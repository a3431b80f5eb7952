//! What holds for every list and every read of the document: cursors, links, HEAD, compression; and where what was made
//! can be read.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Operation, World, document, operations, resolve};
use crate::tenancy::{Ids, furnish, path_with};

/// Two or more of everything, so that every list has a second page.
async fn fill(world: &World, document: &Value) -> Ids {
    let ids = furnish(world, document).await;
    let admin = world.admin();
    let id = |collection: &str| ids[collection].clone();
    world.agent("Grace").await;
    admin.post("/v1/api-tokens", json!({ "name": "another" })).await.expect(201);
    admin.post("/v1/channels", json!({ "name": "Another", "medium": "email" })).await.expect(201);
    let field = json!({ "key": "another", "label": "Another", "type": "text" });
    admin.post("/v1/profile-fields", field).await.expect(201);
    admin.post("/v1/profiles", json!({ "name": "Another" })).await.expect(201);
    let attach = |contact: String| {
        admin.put(&format!("/v1/contacts/{contact}/profile"), json!({ "profile_id": ids["profiles"] }))
    };
    attach(id("contacts")).await.expect(200);
    let other =
        admin.post("/v1/contacts", json!({ "medium": "whatsapp", "address": "+31698765432" })).await.expect(201);
    attach(other.id()).await.expect(200);
    admin.delete(&format!("/v1/contacts/{}/profile", other.id())).await.expect(204);
    attach(other.id()).await.expect(200);
    admin.delete(&format!("/v1/contacts/{}/profile", id("contacts"))).await.expect(204);
    attach(id("contacts")).await.expect(200);
    for (message, conversation) in [("2", "a"), ("3", "a"), ("4", "b")] {
        let file = json!({ "filename": "a.txt", "content_type": "text/plain", "data": "YQ==" });
        let body = json!({
            "external_id": message,
            "from": { "address": "+31612345678" },
            "conversation": { "external_id": conversation },
            "body": "words",
            "attachments": [file, file],
        });
        admin.post(&format!("/v1/channels/{}/inbound", id("channels")), body).await.expect(201);
    }
    let conversation = format!("/v1/conversations/{}", id("conversations"));
    let file = |name: &str| admin.request(Method::POST, "/v1/attachments").file(name, "text/plain", "a");
    let files = [file("1.txt").await.expect(201).id(), file("2.txt").await.expect(201).id()];
    for body in [json!({ "body": "an answer", "attachment_ids": files }), json!({ "body": "another" })] {
        admin.post(&format!("{conversation}/messages"), body).await.expect(201);
    }
    for on in ["contacts", "conversations", "profiles"] {
        for body in ["one", "two"] {
            let path = format!("/v1/{on}/{}/notes", id(on));
            admin.post(&path, json!({ "body": body })).await.expect(201);
        }
    }
    ids
}

fn address(operation: &Operation, ids: &Ids) -> String {
    path_with(operation, ids).unwrap_or_else(|| operation.path.clone())
}

fn is_list(operation: &Operation) -> bool {
    operation.parameters("query").iter().any(|parameter| parameter["name"] == "cursor")
}

#[actix_web::test]
async fn a_cursor_belongs_to_one_list_with_one_sort_and_filter() {
    let document = document();
    let world = World::new().await;
    let ids = fill(&world, &document).await;
    let admin = world.admin();
    let foreign = admin.get("/v1/contacts?limit=1&medium=whatsapp").await.expect(200).text("/next_cursor");
    let (mut walked, mut single) = (0, Vec::new());
    for operation in operations(&document).iter().filter(|operation| is_list(operation)) {
        let path = address(operation, &ids);
        let refused = |query: String| admin.get(&format!("{path}?{query}"));
        refused(format!("cursor={foreign}")).await.problem(422, "cursor_invalid");
        let page = admin.get(&format!("{path}?limit=1")).await.expect(200);
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(page.header("link"), None, "{path}: a link to no page");
            single.push(path);
            continue;
        };
        let next = refused(format!("limit=1&cursor={cursor}")).await.expect(200);
        let link = page.header("link").unwrap_or_else(|| panic!("{path}: no link to the next page"));
        let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
        assert_eq!(admin.get(target).await.expect(200)["data"], next["data"], "{path}");
        for at in [0, cursor.len() / 2, cursor.len() - 1] {
            let mut tampered = cursor.as_bytes().to_vec();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            refused(format!("cursor={tampered}")).await.problem(422, "cursor_invalid");
        }
        for parameter in operation.parameters("query") {
            if let Some(value) = value_of(&document, parameter) {
                let name = parameter["name"].as_str().unwrap();
                refused(format!("cursor={cursor}&{name}={value}")).await.problem(422, "cursor_invalid");
            }
        }
        walked += 1;
    }
    assert!(walked > 15, "only {walked} lists have a second page; not {single:?}");
}

/// A value that a filter or a sort takes; None for what says how to page.
fn value_of(document: &Value, parameter: &Value) -> Option<String> {
    let name = parameter["name"].as_str()?;
    // A page around a message begins anew.
    if ["limit", "cursor", "count", "wait", "around"].contains(&name) || parameter["style"] == "deepObject" {
        return None;
    }
    let mut schema = &parameter["schema"];
    loop {
        schema = match (schema["$ref"].as_str(), &schema["items"], &schema["anyOf"][0]) {
            (Some(reference), _, _) => resolve(document, reference),
            (_, items, _) if items.is_object() => items,
            (_, _, first) if first.is_object() => first,
            _ => break,
        };
    }
    let last = schema["enum"].as_array().and_then(|values| values.last()?.as_str());
    Some(match (last, schema["type"].as_str(), schema["format"].as_str(), name) {
        (Some(value), ..) => value.to_owned(),
        (_, Some("boolean"), ..) => "true".to_owned(),
        (_, _, Some("uuid"), _) => "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11".to_owned(),
        (_, _, Some("date" | "date-time"), _) => "2026-01-01".to_owned(),
        (.., "sort") => "-created_at".to_owned(),
        (.., "address" | "type") => return None,
        _ => "word".to_owned(),
    })
}

#[actix_web::test]
async fn every_read_can_be_asked_for_its_head_and_compressed() {
    let document = document();
    let world = World::new().await;
    let ids = fill(&world, &document).await;
    let admin = world.admin();
    let mut seen = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_read() && operation.is_protected()) {
        let path = address(operation, &ids);
        let get = admin.get(&path).await;
        let head = admin.request(Method::HEAD, &path).await.expect(get.status);
        assert_eq!((head.bytes.len(), head.header("content-type")), (0, get.header("content-type")), "{path}");
        if get.status != 200 || get.header("content-type") != Some("application/json") {
            continue;
        }
        // Signed links and the end of what has changed are others at every moment.
        let again = admin.get(&path).await;
        if again.bytes == get.bytes {
            assert_eq!(head.header("etag"), get.header("etag"), "{path}");
            let etag = get.header("etag").unwrap();
            admin.get(&path).header("If-None-Match", etag).await.expect(304);
            admin.request(Method::HEAD, &path).header("If-None-Match", etag).await.expect(304);
        }
        for encoding in ["gzip", "br"] {
            let small = admin.get(&path).header("Accept-Encoding", encoding).await.expect(200);
            assert_eq!(small.header("content-encoding"), Some(encoding), "{path}");
            let varies = small
                .headers
                .get_all("vary")
                .iter()
                .any(|vary| vary.to_str().is_ok_and(|names| names.to_lowercase().contains("accept-encoding")));
            assert!(varies, "{path}");
        }
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
}

#[actix_web::test]
async fn what_is_made_can_be_read_where_the_answer_says() {
    let document = document();
    let world = World::new().await;
    let ids = fill(&world, &document).await;
    let mut seen = 0;
    for operation in operations(&document).iter().filter(|operation| operation.spec["responses"]["201"].is_object()) {
        let path = address(operation, &ids);
        let answer = operation.example(&document, &world.admin(), &path).await;
        if answer.status != 201 {
            continue;
        }
        let location = answer.header("location").unwrap_or_else(|| panic!("{path}: no Location")).to_owned();
        world.admin().get(&location).await.expect(200);
        seen += 1;
    }
    assert!(seen > 8, "{seen}");
}

/// Walks while others come and go between and beside what stays.
async fn walk_among_changes(admin: &Client, path: &str, member: &str, make: impl Fn(String) -> Value) {
    let list = path.split('?').next().unwrap();
    let mut kept = Vec::new();
    for number in 0..20 {
        kept.push(admin.post(list, make(format!("kept {number:02}"))).await.expect(201).text(member));
    }
    kept.sort();
    let done = AtomicBool::new(false);
    let changes = async {
        let mut number = 0;
        while !done.load(Ordering::Relaxed) {
            let made = admin.post(list, make(format!("kept {:02} passing {number}", number % 20))).await.expect(201);
            admin.delete(&format!("{list}/{}", made.id())).await.expect(204);
            admin.post(list, make(format!("kept {:02} staying {number}", (number + 7) % 20))).await.expect(201);
            number += 1;
        }
    };
    let walks = async {
        for _ in 0..3 {
            let seen = admin.walk(path, 3).await;
            let name = |entry: &Value| entry[member.trim_start_matches('/')].as_str().unwrap().to_owned();
            let mut seen: Vec<String> = seen.iter().map(name).filter(|name| kept.contains(name)).collect();
            seen.sort();
            assert_eq!(seen, kept, "{path}");
        }
        done.store(true, Ordering::Relaxed);
    };
    join(walks, changes).await;
}

#[actix_web::test]
async fn a_walk_shows_once_what_does_not_change() {
    let world = World::new().await;
    let admin = world.admin();
    for path in ["/v1/profiles", "/v1/profiles?sort=created_at"] {
        walk_among_changes(&admin, path, "/id", |name| json!({ "name": name })).await;
    }
    let stranger = world.stranger().await;
    for (tag, path) in [("a", "/v1/contacts"), ("b", "/v1/contacts?sort=created_at")] {
        walk_among_changes(&stranger, path, "/id", |name| {
            let address = format!("{tag}-{}@example.com", name.replace(' ', "-"));
            json!({ "medium": "email", "address": address, "name": name })
        })
        .await;
    }
}
