//! Nobody reaches what isn't theirs: walks through every operation of the document, so that a new one is covered.
//!
//! What a new kind of resource needs is a line in [`furnish`], which says how one comes to be.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Client, Operation, World, document, operations};

/// By the name of a collection in paths, such as `contacts`, the id of one that the first organization has.
pub type Ids = BTreeMap<String, String>;

/// Gives the first organization one of everything.
pub async fn furnish(world: &World, document: &Value) -> Ids {
    let admin = world.admin();
    let has = |path: &str| document["paths"].get(path).is_some();
    let mut ids = Ids::new();
    let mut keep = |collection: &str, id: &Value| {
        ids.insert(collection.to_owned(), id.as_str().unwrap_or_else(|| panic!("no id of {collection}")).to_owned());
    };
    keep("users", &json!(admin.id));
    keep("api-tokens", &admin.post("/v1/api-tokens", json!({ "name": "secret script" })).await.expect(201)["id"]);
    let channel = json!({ "name": "Secret channel", "medium": "whatsapp" });
    let channel = admin.post("/v1/channels", channel).await.expect(201).id();
    keep("channels", &json!(channel));
    let file = admin.request(reqwest::Method::POST, "/v1/attachments").file("secret.txt", "text/plain", "secret");
    keep("attachments", &file.await.expect(201)["id"]);
    if has("/v1/channels/{id}/inbound") {
        let message = json!({
            "external_id": "1",
            "from": { "address": "+31612345678", "name": "Secret contact" },
            "body": "secret words",
        });
        let made = admin.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201);
        keep("contacts", &made["contact_id"]);
        keep("conversations", &made["conversation_id"]);
        keep("messages", &made["message_id"]);
    } else {
        let contact = json!({ "medium": "whatsapp", "address": "+31612345678", "name": "Secret contact" });
        keep("contacts", &admin.post("/v1/contacts", contact).await.expect(201)["id"]);
        keep("conversations", &json!(uuid::Uuid::nil().to_string()));
        keep("messages", &json!(uuid::Uuid::nil().to_string()));
    }
    if has("/v1/profile-fields") {
        let field = json!({ "key": "secret", "label": "Secret field", "type": "text" });
        keep("profile-fields", &admin.post("/v1/profile-fields", field).await.expect(201)["id"]);
    }
    if has("/v1/profiles") {
        keep("profiles", &admin.post("/v1/profiles", json!({ "name": "Secret profile" })).await.expect(201)["id"]);
    } else {
        keep("profiles", &json!(uuid::Uuid::nil().to_string()));
    }
    let path = format!("/v1/contacts/{}/notes", ids["contacts"]);
    let note = json!({ "body": "secret note", "mentions": [admin.id] });
    let note = admin.post(&path, note).await.expect(201).id();
    // A mention is known by its note.
    ids.insert("mentions".to_owned(), note.clone());
    ids.insert("notes".to_owned(), note);
    ids
}

/// The operation's path with the first organization's ids; None where it has no variable.
pub fn path_with(operation: &Operation, ids: &Ids) -> Option<String> {
    let mut collection = "";
    let mut path = String::new();
    for part in operation.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{') {
            Some(_) => path += ids.get(collection).unwrap_or_else(|| panic!("furnish() makes none of {collection}")),
            None => {
                collection = part;
                path += part;
            }
        }
    }
    operation.path.contains('{').then_some(path)
}

/// What the first organization sees, to be compared with what it sees later.
async fn everything(reader: &Client, document: &Value, ids: &Ids) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    for operation in operations(document).iter().filter(|operation| operation.is_read() && operation.is_protected()) {
        let path = path_with(operation, ids).unwrap_or_else(|| operation.path.clone());
        let mut answer = reader.get(&path).await.json;
        forget_time(&mut answer);
        seen.insert(path, answer);
    }
    seen
}

/// Leaves out what is another at every moment: signed links, the end of what has changed.
fn forget_time(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.contains("url") && name != "next_cursor" && name != "request_id");
            members.values_mut().for_each(forget_time);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_time),
        _ => {}
    }
}

#[actix_web::test]
async fn without_a_token_nothing_is_answered() {
    let world = World::new().await;
    let document = document();
    let ids = furnish(&world, &document).await;
    let mut count = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_protected()) {
        let path = path_with(operation, &ids).unwrap_or_else(|| operation.path.clone());
        operation.example(&document, &world.anonymous(), &path).await.problem(401, "token_missing");
        operation
            .example(&document, &world.admin().with_token("e30.e30.e30"), &path)
            .await
            .problem(401, "token_invalid");
        count += 1;
    }
    assert!(count > 10);
}

#[actix_web::test]
async fn what_belongs_to_others_is_not_there() {
    let world = World::new().await;
    let document = document();
    let ids = furnish(&world, &document).await;
    let stranger = world.stranger().await;
    let before = everything(&world.admin(), &document, &ids).await;
    let mut count = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_protected()) {
        if let Some(path) = path_with(operation, &ids) {
            let answer = operation.example(&document, &stranger, &path).await.expect(404);
            assert!(!answer.body().to_lowercase().contains("secret"), "{path}: {}", answer.body());
            count += 1;
        }
    }
    assert!(count > 5);
    assert_eq!(everything(&world.admin(), &document, &ids).await, before, "a stranger changed something");
}

#[actix_web::test]
async fn lists_show_nothing_of_others() {
    let world = World::new().await;
    let document = document();
    let ids = furnish(&world, &document).await;
    let stranger = world.stranger().await;
    for operation in operations(&document) {
        if !operation.is_read() || !operation.is_protected() || operation.path.contains('{') {
            continue;
        }
        let mut queries = vec![String::new(), "?q=secret".to_owned()];
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            let collection = format!("{}s", name.strip_suffix("_id").unwrap_or("none"));
            queries.extend(ids.get(&collection).map(|id| format!("?{name}={id}")));
        }
        for query in queries {
            let path = format!("{}{query}", operation.path);
            let answer = stranger.get(&path).await;
            assert!([200, 404, 422].contains(&answer.status), "{path}: {}", answer.body());
            let leaked = ids.values().find(|id| answer.status == 200 && answer.body().contains(*id));
            assert_eq!(leaked, None, "{path}: {}", answer.body());
            assert!(
                answer.status != 200 || !answer.body().to_lowercase().contains("secret"),
                "{path}: {}",
                answer.body()
            );
        }
    }
}

#[actix_web::test]
async fn an_agent_may_all_but_what_the_document_reserves() {
    let document = document();
    let world = World::new().await;
    let ids = furnish(&world, &document).await;
    let agent = world.agent("Grace").await;
    let mut reserved = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_protected()) {
        // Deletes come last, so that there is something left to refuse.
        let path = path_with(operation, &ids).unwrap_or_else(|| operation.path.clone());
        let answer = operation.example(&document, &agent, &path).await;
        if operation.is_for_admins() {
            answer.problem(403, "role_required");
            reserved += 1;
        } else {
            assert_ne!(
                answer["code"], "role_required",
                "{} {path} is for administrators: say `security((\"bearer\" = [\"admin\"]))` in its #[utoipa::path]",
                operation.method
            );
        }
    }
    assert!(reserved > 5);
}

#[actix_web::test]
async fn a_reading_token_reads_and_changes_nothing() {
    let document = document();
    let world = World::new().await;
    let ids = furnish(&world, &document).await;
    let reader = world.admin().api_token("read").await;
    for operation in operations(&document).iter().filter(|operation| operation.is_protected()) {
        let path = path_with(operation, &ids).unwrap_or_else(|| operation.path.clone());
        let answer = operation.example(&document, &reader, &path).await;
        if operation.is_read() {
            assert_ne!(answer.status, 403, "{path}: {}", answer.body());
        } else {
            answer.problem(403, "scope_required");
        }
    }
}

#[actix_web::test]
async fn the_examples_in_the_document_are_good() {
    let document = document();
    let world = World::new().await;
    let ids = furnish(&world, &document).await;
    // Its example can't name the fields that an organization has.
    let good = |operation: &&Operation| operation.id() != "order_profile_fields";
    let with_body = |operation: &&Operation| operation.spec["requestBody"].is_object();
    for operation in operations(&document).iter().filter(with_body).filter(good) {
        let path = path_with(operation, &ids).unwrap_or_else(|| operation.path.clone());
        let answer = operation.example(&document, &world.admin(), &path).await;
        assert!(![400, 413, 415, 422, 500].contains(&answer.status), "{} {path}: {}", operation.method, answer.body());
    }
}
