//! People who edit the same thing at the same time: nobody overwrites another unawares, and all keep what they wrote.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World, race};

async fn made(client: &Client, path: &str, body: Value) -> Answer {
    client.post(path, body).await.expect(201)
}

async fn etag(client: &Client, path: &str) -> String {
    client.get(path).await.expect(200).header("etag").unwrap().to_owned()
}

/// What changed since `etag`, as who comes second is told.
async fn since(client: &Client, path: &str, etag: &str) -> Value {
    let refused = client.patch(path, json!({})).header("If-Match", etag).await.problem(412, "version_mismatch");
    assert!(refused["version"].is_i64(), "{}", refused.body());
    refused["changed_fields"].clone()
}

#[actix_web::test]
async fn who_comes_second_is_told_what_changed() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let channel = made(&admin, "/v1/channels", json!({ "name": "Phone", "medium": "whatsapp" })).await.id();
    let message = json!({ "external_id": "1", "from": { "address": "+31612345678" }, "body": "Hello" });
    let inbound = made(&admin, &format!("/v1/channels/{channel}/inbound"), message).await;
    let field = json!({ "key": "relation_number", "label": "Number", "type": "text" });
    let field = made(&admin, "/v1/profile-fields", field).await.id();
    let profile = made(&admin, "/v1/profiles", json!({ "name": "Ada" })).await.id();
    let note = made(&admin, &format!("/v1/profiles/{profile}/notes"), json!({ "body": "Calls later" })).await.id();
    for (path, change, changed) in [
        (
            format!("/v1/profiles/{profile}"),
            json!({ "kind": "company", "fields": { "relation_number": "R-1" } }),
            json!(["/fields/relation_number", "/kind"]),
        ),
        (format!("/v1/contacts/{}", inbound.text("/contact_id")), json!({ "name": "Ada" }), json!(["/name"])),
        (
            format!("/v1/conversations/{}", inbound.text("/conversation_id")),
            json!({ "status": "closed", "assignee_id": grace.id }),
            json!(["/assignee_id", "/status"]),
        ),
        (format!("/v1/notes/{note}"), json!({ "body": "Calls today", "pinned": true }), json!(["/body", "/pinned"])),
        (
            format!("/v1/channels/{channel}"),
            json!({ "settings": { "number": "1", "deep": { "a/b": 1 } } }),
            json!(["/settings/deep", "/settings/number"]),
        ),
        (
            format!("/v1/profile-fields/{field}"),
            json!({ "label": "Relation number", "searchable": true }),
            json!(["/label", "/searchable"]),
        ),
        (format!("/v1/users/{}", grace.id), json!({ "name": "Grace Hopper" }), json!(["/name"])),
        ("/v1/organization".to_owned(), json!({ "language": "nl" }), json!(["/language"])),
        ("/v1/me".to_owned(), json!({ "name": "Ada King" }), json!(["/name"])),
    ] {
        let read = etag(&admin, &path).await;
        admin.patch(&path, change).header("If-Match", &read).await.expect(200);
        assert_eq!(since(&admin, &path, &read).await, changed, "{path}");
        // A version that never was says nothing of what its client knows.
        for never in ["\"99-x\"", "\"x\""] {
            assert_eq!(since(&admin, &path, never).await, Value::Null, "{path}");
        }
    }
}

#[actix_web::test]
async fn what_is_as_it_was_read_is_not_named() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = made(&admin, "/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.id();
    let path = format!("/v1/channels/{channel}");
    let read = etag(&admin, &path).await;
    admin.patch(&path, json!({ "name": "Post" })).await.expect(200);
    admin.post(&format!("{path}/archive"), json!(null)).await.expect(200);
    assert_eq!(since(&admin, &path, &read).await, json!(["/archived_at", "/name"]));
    let between = etag(&admin, &path).await;
    admin.delete(&format!("{path}/archive")).await.expect(200);
    admin.patch(&path, json!({ "name": "Mail" })).await.expect(200);
    assert_eq!(since(&admin, &path, &read).await, json!([]));
    assert_eq!(since(&admin, &path, &between).await, json!(["/archived_at", "/name"]));
    // Of several that were read, the newest counts.
    assert_eq!(since(&admin, &path, &format!("{read}, {between}")).await, json!(["/archived_at", "/name"]));
}

#[actix_web::test]
async fn attaching_is_among_what_changed() {
    let world = World::new().await;
    let admin = world.admin();
    let contact = made(&admin, "/v1/contacts", json!({ "medium": "email", "address": "ada@example.com" })).await.id();
    let (path, profile) = (format!("/v1/contacts/{contact}"), format!("/v1/contacts/{contact}/profile"));
    let read = etag(&admin, &path).await;
    let ada = admin.put(&profile, json!({ "new_profile": { "name": "Ada" } })).await.expect(201).text("/profile/id");
    assert_eq!(since(&admin, &path, &read).await, json!(["/profile_id"]));
    let attached = etag(&admin, &path).await;
    let refused = admin.delete(&profile).header("If-Match", &read).await.problem(412, "version_mismatch");
    assert_eq!(refused["changed_fields"], json!(["/profile_id"]));
    // The profile itself was not edited by that, but the contact is by its profile's end.
    admin
        .patch(&format!("/v1/profiles/{ada}"), json!({ "name": "Ada" }))
        .header("If-Match", "\"1-x\"")
        .await
        .expect(200);
    admin.delete(&format!("/v1/profiles/{ada}")).await.expect(204);
    assert_eq!(since(&admin, &path, &attached).await, json!(["/profile_id"]));
    assert_eq!(since(&admin, &path, &read).await, json!([]));
}

#[actix_web::test]
async fn a_message_that_opens_a_conversation_again_spoils_no_edit() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = made(&admin, "/v1/channels", json!({ "name": "Phone", "medium": "whatsapp" })).await.id();
    let inbound = async |id: &str, name: Value| {
        let from = json!({ "address": "+31612345678", "name": name });
        let body = json!({ "external_id": id, "from": from, "conversation": { "external_id": "c" }, "body": "Hello" });
        made(&admin, &format!("/v1/channels/{channel}/inbound"), body).await
    };
    let first = inbound("1", json!(null)).await;
    let conversation = format!("/v1/conversations/{}", first.text("/conversation_id"));
    let contact = format!("/v1/contacts/{}", first.text("/contact_id"));
    admin.patch(&conversation, json!({ "status": "closed" })).await.expect(200);
    let read = (etag(&admin, &conversation).await, etag(&admin, &contact).await);
    // It opens the conversation again, and says how the contact is called.
    inbound("2", json!("Ada")).await;
    assert_eq!(admin.get(&conversation).await.expect(200)["status"], "open");
    assert_eq!(admin.get(&contact).await.expect(200)["name"], "Ada");
    let edited =
        admin.patch(&conversation, json!({ "subject": "Lamps" })).header("If-Match", &read.0).await.expect(200);
    assert_eq!((&edited["status"], &edited["subject"]), (&json!("open"), &json!("Lamps")));
    admin.patch(&contact, json!({ "name": "Ada King" })).header("If-Match", &read.1).await.expect(200);
    // What a colleague did counts, with what the message did.
    assert_eq!(since(&admin, &conversation, &read.0).await, json!(["/status", "/subject"]));
}

#[actix_web::test]
async fn of_many_who_edit_at_once_nothing_is_lost() {
    let world = World::new().await;
    let admin = world.admin();
    let keys: Vec<String> = (0..8).map(|number| format!("field_{number}")).collect();
    for key in &keys {
        made(&admin, "/v1/profile-fields", json!({ "key": key, "label": key, "type": "text" })).await;
    }
    let path = format!("/v1/profiles/{}", made(&admin, "/v1/profiles", json!({ "name": "Ada" })).await.id());
    let mut left = keys.clone();
    let mut rounds = 0;
    while !left.is_empty() {
        let read = etag(&admin, &path).await;
        let edit = |key: &String| admin.patch(&path, json!({ "fields": { key: key } })).header("If-Match", &read);
        let answers = race(left.iter().map(edit)).await;
        let done: Vec<usize> = (0..left.len()).filter(|at| answers[*at].status == 200).collect();
        assert_eq!(done.len(), 1, "one edits the version that all have read");
        let winner = left.remove(done[0]);
        for refused in answers.into_iter().filter(|answer| answer.status != 200) {
            let refused = refused.problem(412, "version_mismatch");
            assert_eq!(refused["changed_fields"], json!([format!("/fields/{winner}")]));
        }
        rounds += 1;
    }
    let profile = admin.get(&path).await.expect(200);
    assert_eq!((rounds, &profile["version"]), (8, &json!(9)));
    for key in keys {
        assert_eq!(profile["fields"][&key], key);
    }
}

#[actix_web::test]
async fn a_message_that_comes_in_spoils_no_edit() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let channel = made(&admin, "/v1/channels", json!({ "name": "Phone", "medium": "whatsapp" })).await.id();
    let inbound = format!("/v1/channels/{channel}/inbound");
    let say = |number: u32| {
        let from = json!({ "address": "+31612345678", "name": "Ada" });
        let place = json!({ "external_id": "one" });
        let id = number.to_string();
        admin.post(&inbound, json!({ "external_id": id, "from": from, "conversation": place, "body": "Hello" }))
    };
    let first = say(0).await.expect(201);
    let contact = format!("/v1/contacts/{}", first.text("/contact_id"));
    let attached = admin.put(&format!("{contact}/profile"), json!({ "new_profile": { "name": "Ada" } })).await;
    let profile = format!("/v1/profiles/{}", attached.expect(201).text("/profile/id"));
    let conversation = format!("/v1/conversations/{}", first.text("/conversation_id"));
    let note = made(&grace, &format!("{conversation}/notes"), json!({ "body": "?" })).await.id();
    for (number, path, change) in [
        (1, &contact, json!({ "name": "Ada Lovelace" })),
        (2, &profile, json!({ "name": "Ada Lovelace" })),
        (3, &conversation, json!({ "assignee_id": grace.id, "subject": "Lamp", "status": "closed" })),
        (4, &format!("/v1/notes/{note}"), json!({ "body": "!" })),
    ] {
        let read = etag(&grace, path).await;
        say(number).await.expect(201);
        grace.patch(path, change).header("If-Match", &read).await.expect(200);
    }
}
