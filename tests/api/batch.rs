//! Many writes in one request: each as its own route would do it, all or none where that is asked for.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World, race};

async fn batch(client: &Client, operations: Value) -> Vec<Value> {
    let answer = client.post("/v1/batch", json!({ "operations": operations })).await.expect(200);
    let results = answer["results"].as_array().unwrap().clone();
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
    }
    results
}

/// Status, outcome and version of each.
fn told(results: &[Value]) -> Vec<(i64, &str, Option<i64>)> {
    let told = |one: &Value| (one["status"].as_i64().unwrap(), one["version"].as_i64());
    results.iter().map(|one| (told(one).0, one["outcome"].as_str().unwrap(), told(one).1)).collect()
}

fn id(result: &Value) -> String {
    result["id"].as_str().unwrap().to_owned()
}

async fn relation_number(admin: &Client) {
    let field = json!({ "key": "relation_number", "label": "Number", "type": "text", "unique": true });
    admin.post("/v1/profile-fields", field).await.expect(201);
}

fn upsert(number: u32, name: &str) -> Value {
    json!({ "op": "upsert", "resource": "profile", "upsert_on": "relation_number", "body": {
        "name": name,
        "fields": { "relation_number": format!("R-{number}") },
        "contacts": [
            { "medium": "email", "address": format!("customer-{number}@example.com") },
            { "medium": "whatsapp", "address": format!("+3161{number:07}") },
        ],
    } })
}

#[actix_web::test]
async fn every_kind_of_operation_does_what_its_route_does() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let made = batch(
        &admin,
        json!([
            upsert(1, "Ada"),
            { "op": "create", "resource": "profile", "body": { "name": "Grace" } },
            { "op": "create", "resource": "contact", "body": { "medium": "whatsapp", "address": "+31687654321" } },
            { "op": "create", "resource": "channel", "body": { "name": "Phone", "medium": "whatsapp" } },
        ]),
    )
    .await;
    assert_eq!(told(&made), vec![(201, "created", Some(1)); 4]);
    let [ada, grace, contact, channel] = [0, 1, 2, 3].map(|at| id(&made[at]));
    let profile = admin.get(&format!("/v1/profiles/{ada}")).await.expect(200);
    assert_eq!(
        (&profile["name"], &profile["contact_count"], &profile["version"]),
        (&json!("Ada"), &json!(2), &json!(1))
    );
    let from = json!({ "address": "+31687654321" });
    let message = json!({ "external_id": "1", "from": from, "body": "Hello" });
    let inbound = admin.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201);
    let conversation = inbound.text("/conversation_id");

    let read = admin.get(&format!("/v1/contacts/{contact}")).await.expect(200).header("etag").unwrap().to_owned();
    let changed = batch(
        &admin,
        json!([
            upsert(1, "Ada Lovelace"),
            upsert(1, "Ada Lovelace"),
            { "op": "update", "resource": "profile", "id": grace, "body": { "kind": "company" } },
            { "op": "update", "resource": "profile", "id": grace, "if_match": 2, "body": {} },
            { "op": "update", "resource": "contact", "id": contact, "if_match": read, "body": { "name": "Grace" } },
            { "op": "attach", "resource": "contact", "id": contact, "body": { "profile_id": grace } },
            { "op": "attach", "resource": "contact", "id": contact, "body": { "profile_id": grace } },
            { "op": "attach", "resource": "contact", "id": contact, "body": { "profile_id": ada, "on_conflict": "move" } },
            { "op": "detach", "resource": "contact", "id": contact, "body": { "profile_id": ada } },
            { "op": "detach", "resource": "contact", "id": contact },
            { "op": "attach", "resource": "contact", "id": contact, "body": { "new_profile": { "name": "New" } } },
            { "op": "update", "resource": "conversation", "id": conversation, "body": { "status": "closed" } },
            { "op": "create", "resource": "conversation", "body": { "channel_id": channel, "contact_id": contact, "message": { "body": "Hi" } } },
            { "op": "create", "resource": "note", "body": { "on": { "type": "profile", "id": ada }, "body": "Calls" } },
            { "op": "update", "resource": "channel", "id": channel, "body": { "name": "Phones" } },
        ]),
    )
    .await;
    assert_eq!(
        told(&changed),
        [
            (200, "updated", Some(2)),
            (200, "unchanged", Some(2)),
            (200, "updated", Some(2)),
            (200, "unchanged", Some(2)),
            (200, "updated", Some(2)),
            (200, "attached", Some(3)),
            (200, "unchanged", Some(3)),
            (200, "attached", Some(4)),
            (204, "detached", Some(5)),
            (204, "unchanged", Some(5)),
            (201, "attached", Some(6)),
            (200, "updated", Some(2)),
            (201, "created", Some(1)),
            (201, "created", Some(1)),
            (200, "updated", Some(2)),
        ]
    );
    let note = id(&changed[13]);
    assert_eq!(admin.get(&format!("/v1/contacts/{contact}")).await.expect(200)["profile"]["name"], "New");
    assert_eq!(admin.get(&format!("/v1/conversations/{conversation}")).await.expect(200)["status"], "closed");
    let gone = batch(
        &admin,
        json!([
            { "op": "update", "resource": "note", "id": note, "body": { "body": "Calls today" } },
            { "op": "delete", "resource": "note", "id": note },
            { "op": "delete", "resource": "profile", "id": ada, "if_match": 2 },
            { "op": "delete", "resource": "contact", "id": contact },
            { "op": "delete", "resource": "channel", "id": channel },
        ]),
    )
    .await;
    let statuses: Vec<&Value> = gone.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, [200, 204, 204, 409, 409], "{gone:?}");
    for refused in &gone[3..] {
        assert_eq!((&refused["outcome"], &refused["problem"]["code"]), (&json!("refused"), &json!("in_use")));
    }
}

#[actix_web::test]
async fn what_is_refused_leaves_nothing_and_the_others_are_done() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let agent = world.agent("Grace").await;
    let ada = admin.post("/v1/profiles", upsert(1, "Ada")["body"].clone()).await.expect(201).id();
    let before = world.database.number("SELECT count(*) FROM events");
    let answer = agent
        .post(
            "/v1/batch",
            json!({ "operations": [
                { "op": "create", "resource": "profile", "body": { "name": " ", "kind": "robot", "extra": 1, "contacts": [{}] } },
                { "op": "create", "resource": "profile", "body": { "name": "Eve", "fields": { "relation_number": "R-1" } } },
                // The first of its contacts is made before the second turns out to be taken.
                { "op": "create", "resource": "profile", "body": { "name": "Eve", "contacts": [
                    { "medium": "email", "address": "a@example.com" }, { "medium": "email", "address": "customer-1@example.com" },
                ] } },
                { "op": "update", "resource": "profile", "id": ada, "if_match": 7, "body": { "name": "Eve" } },
                { "op": "delete", "resource": "profile", "id": uuid::Uuid::nil() },
                { "op": "create", "resource": "channel", "body": { "name": "Mail", "medium": "email" } },
                { "op": "upsert", "resource": "profile", "upsert_on": "nothing", "body": { "name": "Eve" } },
                { "op": "create", "resource": "profile", "body": { "name": "Done" } },
            ] }),
        )
        .await
        .expect(200);
    let problems: Vec<(i64, &str)> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["status"].as_i64().unwrap(), result["problem"]["code"].as_str().unwrap_or("none")))
        .collect();
    assert_eq!(
        problems,
        [
            (422, "invalid"),
            (409, "value_taken"),
            (409, "contact_already_attached"),
            (412, "version_mismatch"),
            (404, "profile_not_found"),
            (403, "role_required"),
            (422, "invalid"),
            (201, "none"),
        ]
    );
    let first = &answer["results"][0]["problem"];
    assert_eq!((&first["type"], &first["status"]), (&json!("urn:dossier:problem:invalid"), &json!(422)));
    assert_eq!(first["request_id"].as_str(), answer.header("x-request-id"));
    let mut fields: Vec<&str> =
        first["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["/contacts/0/address", "/contacts/0/medium", "/extra", "/kind", "/name"]);
    assert_eq!(answer["results"][1]["problem"]["holder"]["profile_id"], ada);
    assert_eq!(answer["results"][3]["problem"]["version"], 1);
    assert_eq!(world.database.number("SELECT count(*) FROM events") - before, 1, "only of what was done");
    assert_eq!(world.database.number("SELECT count(*) FROM contacts"), 2);
    let names: Vec<String> = agent.get("/v1/profiles").await.expect(200).each("name");
    assert_eq!(names, ["Ada", "Done"]);
}

#[actix_web::test]
async fn an_atomic_batch_is_done_whole_or_not_at_all() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let send = |operations: Value| {
        admin.post("/v1/batch", json!({ "atomic": true, "operations": operations })).key(&operations.to_string()[..200])
    };
    let bad = json!({ "op": "create", "resource": "profile", "body": { "name": "", "fields": { "no": 1 } } });
    let refused = send(json!([upsert(1, "Ada"), bad, upsert(2, "Grace"), bad])).await.problem(409, "batch_refused");
    let results = refused["results"].as_array().unwrap();
    let none = |at: usize| (results[at]["status"].as_i64().unwrap(), results[at]["outcome"].as_str().unwrap());
    assert_eq!(
        [none(0), none(1), none(2), none(3)],
        [(424, "not_done"), (422, "refused"), (424, "not_done"), (422, "refused")]
    );
    assert!(results.iter().all(|result| result["id"].is_null()), "what was made is gone: {}", refused.body());
    assert_eq!(results[1]["problem"]["errors"][0]["field"], "/name");
    for table in ["profiles", "contacts", "profile_terms", "contact_terms", "profile_field_values"] {
        assert_eq!(world.database.number(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let done = send(json!([upsert(1, "Ada"), upsert(2, "Grace")])).await.expect(200);
    assert_eq!(told(done["results"].as_array().unwrap()), vec![(201, "created", Some(1)); 2]);
    // Later operations see what earlier ones did.
    let profile = format!("/v1/profiles/{}", done["results"][0]["id"].as_str().unwrap());
    let stale = json!({ "op": "update", "resource": "profile", "id": done["results"][0]["id"], "if_match": 1, "body": { "kind": "company" } });
    let refused = send(json!([upsert(1, "Ada Lovelace"), stale])).await.problem(409, "batch_refused");
    assert_eq!(refused["results"][1]["problem"]["changed_fields"], json!(["/name"]));
    assert_eq!(admin.get(&profile).await.expect(200)["version"], 1);
}

#[actix_web::test]
async fn an_operation_has_what_its_kind_needs() {
    let world = World::new().await;
    let admin = world.admin();
    let nil = uuid::Uuid::nil();
    let send = |operations: Value| admin.post("/v1/batch", json!({ "operations": operations }));
    send(json!([])).await.wrong_fields(&[("/operations", "length")]);
    send(json!(vec![json!({ "op": "delete", "resource": "note", "id": nil }); 101]))
        .await
        .wrong_fields(&[("/operations", "length")]);
    send(json!([
        { "op": "merge", "resource": "profile", "body": {} },
        { "op": "create", "resource": "user", "body": {} },
        { "op": "update", "resource": "profile", "extra": 1 },
        { "op": "create", "resource": "profile", "id": nil, "if_match": 1, "upsert_on": "x" },
        { "op": "upsert", "resource": "profile", "body": [] },
        { "op": "attach", "resource": "note", "id": nil, "body": {} },
        { "op": "delete", "resource": "contact", "id": "1", "if_match": true },
        { "op": "detach", "resource": "contact", "id": nil, "if_match": null, "body": null },
        { "op": "create", "resource": "profile", "id": null, "upsert_on": null, "body": {} },
        { "op": "delete", "resource": "note", "id": nil, "if_match": 1.5 },
        { "op": "delete", "resource": "note", "id": nil, "if_match": -1 },
        { "op": "delete", "resource": "note", "id": nil, "if_match": "" },
        { "op": "delete", "resource": "note", "id": nil, "if_match": "latest" },
        { "op": "upsert", "resource": "profile", "upsert_on": "a\0", "body": {} },
        // Of what kind it is isn't known, nor what that needs.
        { "op": "remove", "resource": "contact", "id": nil },
        { "op": 1, "resource": "contact", "id": nil },
        {},
    ]))
    .await
    .wrong_fields(&[
        ("/operations/14/op", "choice"),
        ("/operations/15/op", "choice"),
        ("/operations/16/op", "required"),
        ("/operations/16/resource", "required"),
        ("/operations/0/op", "choice"),
        ("/operations/1/resource", "choice"),
        ("/operations/2/extra", "unknown"),
        ("/operations/2/id", "required"),
        ("/operations/2/body", "required"),
        ("/operations/3/id", "unknown"),
        ("/operations/3/if_match", "unknown"),
        ("/operations/3/upsert_on", "unknown"),
        ("/operations/3/body", "required"),
        ("/operations/4/body", "type"),
        ("/operations/4/upsert_on", "required"),
        ("/operations/5/op", "choice"),
        ("/operations/6/id", "type"),
        ("/operations/6/if_match", "type"),
        ("/operations/7/if_match", "type"),
        ("/operations/7/body", "type"),
        ("/operations/8/id", "type"),
        ("/operations/8/upsert_on", "type"),
        ("/operations/9/if_match", "type"),
        ("/operations/10/if_match", "type"),
        ("/operations/11/if_match", "type"),
        ("/operations/12/if_match", "type"),
        ("/operations/13/upsert_on", "nul"),
    ]);
    admin
        .post("/v1/batch", json!({ "atomic": 1 }))
        .await
        .wrong_fields(&[("/atomic", "type"), ("/operations", "required")]);
}

#[actix_web::test]
async fn nul_in_one_operation_is_not_the_fault_of_the_others() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = json!({ "name": "Support", "medium": "email", "settings": { "k\0": ["a\0"] } });
    let operations = json!([
        { "op": "create", "resource": "profile", "body": { "name": "a\0" } },
        { "op": "create", "resource": "profile", "body": { "name": "Ada" } },
        { "op": "create", "resource": "channel", "body": channel },
    ]);
    let results = batch(&admin, operations.clone()).await;
    assert_eq!(told(&results), [(422, "refused", None), (201, "created", Some(1)), (422, "refused", None)]);
    let named = |at: usize| {
        let errors = results[at]["problem"]["errors"].as_array().unwrap().iter();
        Vec::from_iter(errors.map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())))
    };
    assert_eq!(named(0), [("/name", "nul")]);
    assert_eq!(named(2), [("/settings/k\0", "nul"), ("/settings/k\0/0", "nul")]);
    let atomic = admin.post("/v1/batch", json!({ "atomic": true, "operations": operations })).await;
    atomic.problem(409, "batch_refused");
}

#[actix_web::test]
async fn an_upsert_changes_only_what_was_read() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let meant = |number: u32, name: &str, if_match: Value| {
        let mut operation = upsert(number, name);
        operation["if_match"] = if_match;
        operation
    };
    let operations = json!([
        upsert(1, "Ada"),
        meant(1, "Ada Lovelace", json!(1)),
        meant(1, "Eve", json!(1)),
        meant(2, "Grace", json!("*")),
        meant(2, "Grace", json!(1)),
        upsert(2, "Grace"),
        meant(2, "Grace Hopper", json!("*")),
    ]);
    let results = batch(&admin, operations).await;
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, [201, 200, 412, 412, 412, 201, 200], "{results:?}");
    assert_eq!(results[2]["problem"]["changed_fields"], json!(["/name"]));
}

#[actix_web::test]
async fn a_note_follows_the_rules_of_its_own_route() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let notes = [
        json!({ "body": " \n" }),
        json!({ "body": "x".repeat(20_001) }),
        json!({ "body": "x", "mentions": vec![admin.id.clone(); 51] }),
    ];
    for mut note in notes {
        let alone = admin.post(&format!("/v1/profiles/{profile}/notes"), note.clone()).await.problem(422, "invalid");
        note["on"] = json!({ "type": "profile", "id": profile });
        let results = batch(&admin, json!([{ "op": "create", "resource": "note", "body": note }])).await;
        assert_eq!(results[0]["problem"]["errors"], alone["errors"]);
    }
}

#[actix_web::test]
async fn a_batch_that_is_sent_again_is_done_once() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "operations": [{ "op": "create", "resource": "profile", "body": { "name": "Ada" } }] });
    let answers = race((0..6).map(|_| admin.post("/v1/batch", body.clone()).key("key"))).await;
    let bodies: std::collections::HashSet<String> = answers.into_iter().map(|one| one.expect(200).body()).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(admin.get("/v1/profiles").await.expect(200).data().len(), 1);
    let reader = admin.api_token("read").await;
    reader.post("/v1/batch", body).await.problem(403, "scope_required");
}

#[actix_web::test]
async fn nothing_of_others_is_reached() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
    let stranger = world.stranger().await;
    let results = batch(
        &stranger,
        json!([
            { "op": "update", "resource": "profile", "id": profile, "body": { "name": "Eve" } },
            { "op": "delete", "resource": "profile", "id": profile },
            { "op": "attach", "resource": "contact", "id": contact, "body": { "new_profile": { "name": "Eve" } } },
            { "op": "detach", "resource": "contact", "id": contact },
            { "op": "create", "resource": "note", "body": { "on": { "type": "profile", "id": profile }, "body": "?" } },
        ]),
    )
    .await;
    assert!(results.iter().all(|result| result["status"] == 404), "{results:?}");
    assert_eq!(admin.get(&format!("/v1/profiles/{profile}")).await.expect(200)["name"], "Ada");
}

#[actix_web::test]
async fn a_conversation_that_became_part_of_another_is_that_other() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = admin.post("/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.expect(201).id();
    let mail = |id: &str, references: &str| {
        let raw = format!(
            "From: ada@example.com\r\nMessage-ID: <{id}>\r\nReferences: {references}\r\nSubject: Lamp\r\n\r\nHello"
        );
        admin.request(reqwest::Method::POST, &format!("/v1/channels/{channel}/inbound")).raw("message/rfc822", raw)
    };
    let one = mail("1@x", "").await.expect(201).text("/conversation_id");
    let other = mail("2@x", "").await.expect(201).text("/conversation_id");
    mail("3@x", "<1@x> <2@x>").await.expect(201);
    let close =
        |id: &str| json!({ "op": "update", "resource": "conversation", "id": id, "body": { "status": "closed" } });
    let note = json!({ "op": "create", "resource": "note",
        "body": { "on": { "type": "conversation", "id": other }, "body": "Mind this" } });
    let results = batch(&admin, json!([close(&one), close(&other), note])).await;
    assert_eq!(told(&results).iter().map(|result| result.1).collect::<Vec<_>>(), ["updated", "unchanged", "created"]);
    assert_eq!(results[0]["id"], results[1]["id"]);
    let notes = admin.get(&format!("/v1/conversations/{one}/notes")).await.expect(200);
    assert_eq!(notes.each("body"), ["Mind this"]);
}

#[actix_web::test]
async fn batches_that_change_the_same_profiles_in_any_order_come_one_after_the_other() {
    let world = World::new().await;
    let admin = world.admin();
    let mut ids = Vec::new();
    for place in 0..8 {
        ids.push(admin.post("/v1/profiles", json!({ "name": format!("Ada {place}") })).await.expect(201).id());
    }
    let send = |turn: usize| {
        let rename = |place: usize| {
            let id = &ids[(place * 3 + turn * 5) % ids.len()];
            json!({ "op": "update", "resource": "profile", "id": id, "body": { "name": format!("{turn}") } })
        };
        let operations: Vec<Value> = (0..ids.len()).map(rename).collect();
        admin.post("/v1/batch", json!({ "operations": operations }))
    };
    for answer in race((0..12).map(send)).await {
        let answer = answer.expect(200);
        assert!(answer["results"].as_array().unwrap().iter().all(|result| result["status"] == 200));
    }
    for id in &ids {
        assert_eq!(admin.get(&format!("/v1/profiles/{id}")).await.expect(200)["version"], 13);
    }
}

#[actix_web::test]
async fn batches_in_opposite_orders_get_through() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let numbers: Vec<u32> = (0..40).collect();
    let send = |numbers: Vec<u32>, name: &str| {
        let operations: Vec<Value> = numbers.into_iter().map(|number| upsert(number, name)).collect();
        admin.post("/v1/batch", json!({ "operations": operations }))
    };
    for round in ["Ada", "Grace", "Eve"] {
        let backwards = || numbers.iter().rev().copied().collect();
        let all = [
            send(numbers.clone(), round),
            send(backwards(), round),
            send(numbers.clone(), round),
            send(backwards(), round),
        ];
        let mut answers: Vec<Answer> = race(all).await;
        // On a busy machine one may wait too long for the others, and is told to come back.
        for (at, answer) in answers.iter_mut().enumerate() {
            if answer.status == 503 {
                let order = if at % 2 == 0 { numbers.clone() } else { backwards() };
                *answer = send(order, round).await;
            }
            assert_eq!(answer.status, 200, "{}", answer.body());
        }
        let results: Vec<&Value> = answers.iter().flat_map(|answer| answer["results"].as_array().unwrap()).collect();
        let count = |outcome: &str| results.iter().filter(|result| result["outcome"] == outcome).count();
        assert_eq!(count("unchanged"), 120, "each was written once");
    }
    let profiles = admin.walk("/v1/profiles", 100).await;
    assert_eq!(profiles.len(), 40);
    assert!(profiles.iter().all(|profile| profile["contact_count"] == 2 && profile["version"] == 3));
    assert_eq!(world.database.number("SELECT count(*) FROM contacts"), 80);
}

/// A hundred, of which the 37th wants a contact that another has.
async fn hundred_with_a_refusal(admin: &Client) -> Vec<Value> {
    let taken = json!({ "name": "Grace", "contacts": [{ "medium": "email", "address": "customer-37@example.com" }] });
    admin.post("/v1/profiles", taken).await.expect(201);
    (1..=100).map(|number| upsert(number, "Ada")).collect()
}

#[actix_web::test]
async fn a_script_learns_which_of_a_hundred_was_refused() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let mut operations = hundred_with_a_refusal(&admin).await;
    let before = world.database.number("SELECT count(*) FROM events");
    let results = batch(&admin, json!(operations)).await;
    let mut expected = vec![(201, "created", Some(1)); 100];
    expected[36] = (409, "refused", None);
    assert_eq!(told(&results), expected);
    let problem = &results[36]["problem"];
    assert_eq!((&problem["code"], &problem["holder"]["name"]), (&json!("contact_already_attached"), &json!("Grace")));
    assert_eq!(world.database.number("SELECT count(*) FROM profiles"), 100);
    assert_eq!(world.database.number("SELECT count(*) FROM contacts"), 199);
    assert_eq!(
        world.database.number("SELECT count(*) FROM contacts WHERE version = 2 AND profile_id IS NOT NULL"),
        199
    );
    assert_eq!(world.database.number("SELECT count(*) FROM events") - before, 5 * 99, "only of what was done");
    let profile = admin.get(&format!("/v1/profiles/{}", id(&results[99]))).await.expect(200);
    assert_eq!(profile["fields"]["relation_number"], "R-100");
    assert_eq!(profile["contacts_preview"][0]["address"], "customer-100@example.com");

    // Sent again, with others that are refused: for what they lack, before and after they are looked for.
    operations[0]["body"]["name"] = json!("");
    operations[1]["body"]["fields"]["relation_number"] = json!(null);
    operations[2]["body"]["name"] = json!("Eve");
    operations[99]["body"]["fields"]["nothing"] = json!(1);
    let mut expected = vec![(200, "unchanged", Some(1)); 100];
    (expected[0], expected[1], expected[99]) = ((422, "refused", None), (422, "refused", None), (422, "refused", None));
    (expected[2], expected[36]) = ((200, "updated", Some(2)), (409, "refused", None));
    let results = batch(&admin, json!(operations)).await;
    assert_eq!(told(&results), expected);
    let field = |at: usize| &results[at]["problem"]["errors"][0]["field"];
    assert_eq!([field(0), field(1), field(99)], ["/name", "/upsert_on", "/fields/nothing"]);
    assert_eq!(results[1]["problem"]["errors"][0]["in"], "body");
}

#[actix_web::test]
async fn a_refusal_among_a_hundred_undoes_them_all_where_that_is_asked_for() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let operations = hundred_with_a_refusal(&admin).await;
    let before = world.database.number("SELECT count(*) FROM events");
    let body = json!({ "atomic": true, "operations": operations });
    let refused = admin.post("/v1/batch", body).await.problem(409, "batch_refused");
    let results = refused["results"].as_array().unwrap();
    let outcomes: Vec<&Value> = results.iter().map(|result| &result["outcome"]).collect();
    assert!(outcomes.iter().enumerate().all(|(at, outcome)| *outcome == if at == 36 { "refused" } else { "not_done" }));
    assert_eq!(world.database.number("SELECT count(*) FROM events") - before, 0);
    assert_eq!(world.database.number("SELECT count(*) FROM profiles"), 1);
    assert_eq!(world.database.number("SELECT count(*) FROM contacts"), 1);
}

#[actix_web::test]
async fn operations_on_the_same_customer_come_one_after_the_other() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let code = json!({ "key": "code", "label": "Code", "type": "text", "unique": true });
    admin.post("/v1/profile-fields", code).await.expect(201);
    let results =
        batch(&admin, json!([upsert(1, "Ada"), upsert(2, "Grace"), upsert(1, "Ada"), upsert(1, "Eve")])).await;
    let expected =
        [(201, "created", Some(1)), (201, "created", Some(1)), (200, "unchanged", Some(1)), (200, "updated", Some(2))];
    assert_eq!(told(&results), expected);
    assert_eq!([id(&results[2]), id(&results[3])], [id(&results[0]), id(&results[0])]);

    // The same new address is of who came first, however it is written.
    let with = |number: u32, address: &str| {
        let mut operation = upsert(number, "Ada");
        operation["body"]["contacts"] = json!([{ "medium": "email", "address": address }]);
        operation
    };
    let results = batch(&admin, json!([with(3, "new@example.com"), with(4, " New@Example.com")])).await;
    assert_eq!(told(&results), [(201, "created", Some(1)), (409, "refused", None)]);
    let problem = &results[1]["problem"];
    assert_eq!(problem["code"], "contact_already_attached");
    assert_eq!(problem["holder"]["profile_id"], results[0]["id"]);

    // A unique value is taken until it is let go of, and then free.
    let coded = |number: u32, code: &str| {
        let mut operation = upsert(number, "Ada");
        operation["body"]["fields"]["code"] = json!(code);
        operation
    };
    batch(&admin, json!([coded(1, "A"), coded(2, "B")])).await;
    let results =
        batch(&admin, json!([coded(5, "A"), coded(1, "C"), coded(6, "A"), coded(7, "D"), coded(8, "D")])).await;
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, [409, 200, 201, 201, 409], "{results:?}");
    for (refused, holder) in [(0, 1), (4, 3)] {
        assert_eq!(results[refused]["problem"]["field"], "/fields/code");
        assert_eq!(results[refused]["problem"]["holder"]["profile_id"], results[holder]["id"]);
    }
}

#[actix_web::test]
async fn scripts_that_bring_some_of_the_same_customers_at_once_make_each_once() {
    let world = World::new().await;
    let admin = world.admin();
    relation_number(&admin).await;
    let send = |numbers: std::ops::Range<u32>| {
        let operations: Vec<Value> = numbers.map(|number| upsert(number, "Ada")).collect();
        admin.post("/v1/batch", json!({ "operations": operations }))
    };
    let single = |number| admin.post("/v1/profiles?upsert_on=relation_number", upsert(number, "Ada")["body"].clone());
    let answers = race([send(0..60), single(50), send(40..100), single(45), send(50..55), single(99)]).await;
    let outcomes = answers.into_iter().flat_map(|answer| {
        assert!(answer.status < 300, "{}", answer.body());
        let results = answer["results"].as_array().cloned();
        results.unwrap_or_else(|| vec![json!({ "outcome": answer["outcome"] })])
    });
    let created = outcomes.filter(|result| {
        assert!(["created", "unchanged"].contains(&result["outcome"].as_str().unwrap()), "{result}");
        result["outcome"] == "created"
    });
    assert_eq!(created.count(), 100);
    assert_eq!(world.database.number("SELECT count(*) FROM profiles"), 100);
    assert_eq!(
        world.database.number("SELECT count(*) FROM contacts WHERE profile_id IS NOT NULL AND version = 2"),
        200
    );
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'profile.created'"), 100);
}

#[actix_web::test]
async fn a_history_does_not_tell_whether_a_batch_wrote_it() {
    let world = World::new().await;
    let (alone, together) = (world.admin(), world.stranger().await);
    for client in [&alone, &together] {
        relation_number(client).await;
        let city = json!({ "key": "city", "label": "City", "type": "text", "required": true, "searchable": true });
        client.post("/v1/profile-fields", city).await.expect(201);
        // Two who wrote before anyone knew them, one of them without a name.
        let channel = json!({ "name": "Phone", "medium": "whatsapp" });
        let channel = client.post("/v1/channels", channel).await.expect(201).id();
        for number in 1..3 {
            let from = json!({ "address": format!("+3161000000{number}"), "name": (number == 1).then_some("A.") });
            let message = json!({ "external_id": number.to_string(), "from": from, "body": "Hello" });
            client.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201);
        }
    }
    let rounds = ["Ada", "Ada Lovelace", "Ada Lovelace"].map(|name| {
        let customers = (1..9).map(|number| {
            let mut operation = upsert(number, &format!("{name} {number}"));
            operation["body"]["fields"]["city"] = json!(format!("{name}town"));
            operation["body"]["contacts"][1]["name"] = json!("Ada");
            operation
        });
        customers.collect::<Vec<Value>>()
    });
    for (operations, outcome) in rounds.into_iter().zip(["created", "updated", "unchanged"]) {
        for operation in &operations {
            let answer = alone.post("/v1/profiles?upsert_on=relation_number", operation["body"].clone()).await;
            assert_eq!(answer["outcome"], outcome);
        }
        let results = batch(&together, json!(operations)).await;
        assert!(results.iter().all(|result| result["outcome"] == outcome), "{results:?}");
    }
    // What is kept of either organization, in order, each thing by its name.
    let same = |what: &str, of: &str, order: &str| {
        let rows = format!("SELECT string_agg(concat_ws(' ', {what}), '; ' ORDER BY {order}) AS told FROM {of}");
        let sql = format!("SELECT count(DISTINCT told) FROM ({rows} GROUP BY it.organization_id) AS organizations");
        assert_eq!(world.database.number(&sql), 1, "{of}");
    };
    let joined = |table: &str, profile: &str, contact: &str| {
        format!(
            "{table} AS it LEFT JOIN profiles AS p ON p.organization_id = it.organization_id AND p.id = it.{profile} \
             LEFT JOIN contacts AS c ON c.organization_id = it.organization_id AND c.id = it.{contact}"
        )
    };
    let without_ids =
        |column: &str| format!("regexp_replace({column}::text, '[0-9a-f]{{8}}-[0-9a-f-]{{27}}', 'id', 'g')");
    let (before, after) = (without_ids("before"), without_ids("after"));
    let events = joined("events", "profile_id", "contact_id") + " WHERE type ~ '^(profile|contact)[.]'";
    same(&format!("type, it.version, {before}, {after}, p.name, c.address"), &events, "it.id");
    let entries = joined("timeline_entries", "owner_id", "owner_id");
    same("type, p.name, c.address", &entries, "it.id, p.name, c.address");
    let contacts = joined("contacts", "profile_id", "id");
    same("it.address, it.name, it.sort_name, it.version, p.name", &contacts, "it.address");
    same("name, sort_name, kind, version", "profiles AS it", "name");
    same("term, position, words", "profile_terms AS it", "term, words");
    same("spelling, term", "profile_spellings AS it", "spelling, term");
    same("term, position, p.name, c.address", &joined("contact_terms", "profile_id", "contact_id"), "term, c.address");
    same("value, sort_value, unique_key", "profile_field_values AS it", "value, profile_id");
    same("term", "profile_field_terms AS it", "term, profile_id");
    let moments = "profile_activity AS it WHERE last_contact_moment_at > '-infinity'";
    assert_eq!(world.database.number(&format!("SELECT count(*) FROM {moments}")), 4, "two of either");
    assert_eq!(world.database.number("SELECT count(*) FROM profile_missing_values"), 0);
}
