//! Profile fields.

use serde_json::{Value, json};

use crate::support::{Client, World, race};

async fn field(admin: &Client, body: Value) -> String {
    admin.post("/v1/profile-fields", body).await.expect(201).id()
}

async fn profile(agent: &Client, name: &str, fields: Value) -> String {
    agent.post("/v1/profiles", json!({ "name": name, "fields": fields })).await.expect(201).id()
}

#[actix_web::test]
async fn an_administrator_defines_a_field_and_an_agent_reads_it() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let body = json!({ "key": "tier", "label": " Tier ", "type": "select", "options": ["Bronze", { "value": "gold", "label": "Gold" }] });
    agent.post("/v1/profile-fields", body.clone()).await.problem(403, "role_required");
    let made = admin.post("/v1/profile-fields", body.clone()).await.expect(201);
    assert_eq!((&made["label"], &made["position"], &made["version"]), (&json!("Tier"), &json!(0), &json!(1)));
    let options = json!([
        { "value": "Bronze", "label": "Bronze", "retired": false },
        { "value": "gold", "label": "Gold", "retired": false }
    ]);
    assert_eq!(made["options"], options);
    admin.post("/v1/profile-fields", body).await.problem(409, "profile_field_key_taken");
    let path = format!("/v1/profile-fields/{}", made.id());
    assert_eq!(agent.get(&path).await.expect(200).json, made.json);
    assert_eq!(admin.patch(&path, json!({})).await.expect(200).json, made.json);
    admin.patch(&path, json!({ "key": "other" })).await.wrong_fields(&[("/key", "unknown")]);
    let renamed = admin.patch(&path, json!({ "label": "Level" })).await.expect(200);
    assert_eq!((&renamed["label"], &renamed["version"]), (&json!("Level"), &json!(2)));
    world.stranger().await.get(&path).await.problem(404, "profile_field_not_found");
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.problem(404, "profile_field_not_found");
}

#[actix_web::test]
async fn a_definition_that_makes_no_sense_is_refused_with_all_that_is_wrong() {
    let world = World::new().await;
    let admin = world.admin();
    let refused = |body: Value| admin.post("/v1/profile-fields", body);
    refused(json!({ "key": "Tier", "label": " ", "type": "text" }))
        .await
        .wrong_fields(&[("/key", "key"), ("/label", "blank")]);
    refused(json!({ "key": "a", "label": "A", "type": "multi_select", "unique": true }))
        .await
        .wrong_fields(&[("/options", "required"), ("/unique", "unsupported")]);
    refused(json!({ "key": "a", "label": "A", "type": "text", "options": ["x"] }))
        .await
        .wrong_fields(&[("/options", "unsupported")]);
    refused(json!({ "key": "a", "label": "A", "type": "select", "options": ["x", "x", ""] }))
        .await
        .wrong_fields(&[("/options/1", "repeated"), ("/options/2", "blank")]);
}

#[actix_web::test]
async fn fields_are_put_in_order_all_at_once() {
    let world = World::new().await;
    let admin = world.admin();
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        ids.push(field(&admin, json!({ "key": key, "label": key, "type": "text" })).await);
    }
    ids.reverse();
    let ordered = admin.put("/v1/profile-fields/order", json!({ "ids": ids })).await.expect(200);
    assert_eq!(ordered.each("key"), ["c", "b", "a"]);
    assert_eq!(admin.walk("/v1/profile-fields", 1).await, ordered.data());
    let stranger = field(&world.stranger().await, json!({ "key": "x", "label": "X", "type": "text" })).await;
    let refused = admin.put("/v1/profile-fields/order", json!({ "ids": [ids[0], ids[0], stranger] })).await;
    let refused = refused.wrong_fields(&[("/ids", "required"), ("/ids/1", "repeated"), ("/ids/2", "unknown")]);
    assert!(refused.body().contains("missing: b, a"), "{}", refused.body());
}

#[actix_web::test]
async fn every_type_takes_its_own_values_and_names_all_that_are_wrong() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    for kind in ["text", "number", "boolean", "date", "url", "email", "phone"] {
        field(&admin, json!({ "key": kind, "label": kind, "type": kind })).await;
    }
    for kind in ["select", "multi_select"] {
        field(&admin, json!({ "key": kind, "label": kind, "type": kind, "options": ["a", "b"] })).await;
    }
    let given = json!({
        "text": " x ", "number": 5.0, "boolean": false, "date": "2024-02-29", "url": "https://example.com/a",
        "email": "Ada@Example.com", "phone": "06 12345678", "select": "a", "multi_select": ["b", "a"],
    });
    let kept = json!({
        "text": "x", "number": 5, "boolean": false, "date": "2024-02-29", "url": "https://example.com/a",
        "email": "ada@example.com", "phone": "+31612345678", "select": "a", "multi_select": ["a", "b"],
    });
    let id = profile(&agent, "Ada", given).await;
    let path = format!("/v1/profiles/{id}");
    assert_eq!(agent.get(&path).await.expect(200)["fields"], kept);
    let wrong = json!({
        "text": 1, "number": "5", "boolean": 0, "date": "2023-02-29", "url": "ftp://x", "email": "ada",
        "phone": "1", "select": "c", "multi_select": ["a", "c"], "nope": 1,
    });
    agent.patch(&path, json!({ "fields": wrong })).await.wrong_fields(&[
        ("/fields/boolean", "type"),
        ("/fields/date", "date"),
        ("/fields/email", "email"),
        ("/fields/multi_select", "option"),
        ("/fields/nope", "unknown"),
        ("/fields/number", "type"),
        ("/fields/phone", "phone"),
        ("/fields/select", "option"),
        ("/fields/text", "type"),
        ("/fields/url", "url"),
    ]);
    let cleared = agent.patch(&path, json!({ "fields": { "text": null, "number": null } })).await.expect(200);
    assert_eq!((cleared["fields"].get("text"), cleared["fields"].get("number")), (None, None));
    // Each is found by its value.
    for filter in
        ["boolean]=false", "date.gte]=2024-02-29", "phone]=0612345678", "multi_select]=b", "number.set]=false"]
    {
        let found = agent.get(&format!("/v1/profiles?field[{filter}")).await.expect(200);
        assert_eq!(found.each("id"), [id.as_str()], "{filter}");
    }
}

#[actix_web::test]
async fn an_option_that_is_in_use_is_retired_rather_than_lost() {
    let world = World::new().await;
    let admin = world.admin();
    let options = ["gold", "silver", "tin"];
    let id = field(&admin, json!({ "key": "tier", "label": "Tier", "type": "select", "options": options })).await;
    let holder = profile(&admin, "Ada", json!({ "tier": "gold" })).await;
    let path = format!("/v1/profile-fields/{id}");
    let changed = admin.patch(&path, json!({ "options": ["silver"] })).await.expect(200);
    let expected = json!([
        { "value": "silver", "label": "silver", "retired": false },
        { "value": "gold", "label": "gold", "retired": true }
    ]);
    assert_eq!(changed["options"], expected);
    let of_holder = format!("/v1/profiles/{holder}");
    let kept = json!({ "name": "Ada L.", "fields": { "tier": "gold" } });
    assert_eq!(admin.patch(&of_holder, kept).await.expect(200)["fields"]["tier"], "gold");
    let other = json!({ "name": "Bea", "fields": { "tier": "gold" } });
    admin.post("/v1/profiles", other).await.wrong_fields(&[("/fields/tier", "option")]);
}

#[actix_web::test]
async fn a_field_becomes_stricter_only_when_the_profiles_allow_it() {
    let world = World::new().await;
    let admin = world.admin();
    let path = format!(
        "/v1/profile-fields/{}",
        field(&admin, json!({ "key": "city", "label": "City", "type": "text" })).await
    );
    let ada = profile(&admin, "Ada", json!({ "city": "Delft" })).await;
    let bea = profile(&admin, "Bea", json!({ "city": "Delft" })).await;
    profile(&admin, "Cas", json!({})).await;
    let refused = admin.patch(&path, json!({ "required": true })).await.problem(409, "in_use");
    assert_eq!(refused["count"], 1);
    let refused = admin.patch(&path, json!({ "unique": true })).await.problem(409, "in_use");
    assert_eq!(refused["count"], 2);
    admin.patch(&format!("/v1/profiles/{bea}"), json!({ "fields": { "city": "Gouda" } })).await.expect(200);
    admin.patch(&path, json!({ "unique": true })).await.expect(200);
    let refused = admin.post("/v1/profiles", json!({ "name": "Dora", "fields": { "city": "Delft" } })).await;
    assert_eq!(refused.problem(409, "value_taken")["holder"], json!({ "profile_id": ada, "name": "Ada" }));
    let refused = admin.delete(&path).await.problem(409, "in_use");
    assert_eq!(refused["count"], 2);
    admin.delete(&format!("{path}?force=true")).await.expect(204);
    // A new field with its key has none of its values.
    field(&admin, json!({ "key": "city", "label": "City", "type": "number" })).await;
    assert_eq!(admin.get(&format!("/v1/profiles/{ada}")).await.expect(200)["fields"], json!({}));
}

#[actix_web::test]
async fn a_field_becomes_searchable_with_the_values_that_are_there() {
    let world = World::new().await;
    let admin = world.admin();
    let id = field(&admin, json!({ "key": "city", "label": "City", "type": "text" })).await;
    profile(&admin, "Ada", json!({ "city": "’s-Gravenhage" })).await;
    let found = || admin.get("/v1/profiles?q=graven");
    assert!(found().await.expect(200).data().is_empty());
    let path = format!("/v1/profile-fields/{id}");
    admin.patch(&path, json!({ "searchable": true })).await.expect(200);
    assert_eq!(found().await.expect(200).data()[0]["matched"], json!({ "on": "field", "text": "’s-Gravenhage" }));
    admin.patch(&path, json!({ "searchable": false })).await.expect(200);
    assert!(found().await.expect(200).data().is_empty());
}

#[actix_web::test]
async fn of_fifty_profiles_that_claim_one_unique_value_at_once_one_has_it() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "key": "number", "label": "Number", "type": "number", "unique": true });
    field(&admin, body).await;
    let claim = |_| admin.post("/v1/profiles", json!({ "name": "Ada", "fields": { "number": 7 } }));
    let answers = race((0..50).map(claim)).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status, &answer["holder"]["profile_id"]), (409, &made[0]["id"]), "{}", answer.body());
    }
}
