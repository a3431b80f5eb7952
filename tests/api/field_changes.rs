//! Changes of profile fields that profiles have values of: tried dry, refused, carried out, and raced.

use serde_json::{Value, json};

use crate::support::{Client, World, race};

/// A field's path.
async fn field(admin: &Client, body: Value) -> String {
    format!("/v1/profile-fields/{}", admin.post("/v1/profile-fields", body).await.expect(201).id())
}

async fn profile(client: &Client, name: &str, fields: Value) -> String {
    client.post("/v1/profiles", json!({ "name": name, "fields": fields })).await.expect(201).id()
}

async fn fields_of(client: &Client, id: &str) -> Value {
    client.get(&format!("/v1/profiles/{id}")).await.expect(200)["fields"].clone()
}

/// The name of the profile, the value and the code of each violation.
async fn violations(client: &Client, list: &str) -> Vec<(String, Value, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = client.walk(list, 2).await;
    all.iter().map(|one| (text(&one["profile"]["name"]), one["value"].clone(), text(&one["code"]))).collect()
}

fn named(name: &str, value: impl Into<Value>, code: &str) -> (String, Value, String) {
    (name.to_owned(), value.into(), code.to_owned())
}

#[actix_web::test]
async fn an_administrator_sees_what_a_change_would_do_and_nothing_happens() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let city = field(&admin, json!({ "key": "city", "label": "City", "type": "text" })).await;
    let tier = field(&admin, json!({ "key": "tier", "label": "Tier", "type": "select", "options": ["a"] })).await;
    for (name, fields) in [("Ada", json!({ "city": "Delft" })), ("Bea", json!({ "city": "Delft" })), ("Cas", json!({}))]
    {
        profile(&admin, name, fields).await;
    }
    let counts =
        || ["events", "idempotency_keys"].map(|table| world.database.number(&format!("SELECT count(*) FROM {table}")));
    let before = (counts(), admin.get("/v1/profile-fields").await.expect(200).json);

    let patch = format!("{city}?dry_run=true");
    let ok = admin.patch(&patch, json!({ "label": "Town", "searchable": true })).key("k").await.expect(200);
    assert_eq!((&ok["possible"], &ok["profiles"], &ok["problems"]), (&json!(true), &json!(2), &json!([])));
    assert_eq!((&ok["profile_field"]["label"], &ok["profile_field"]["version"]), (&json!("Town"), &json!(2)));
    // The key wasn't used up.
    admin.patch(&patch, json!({ "label": "Other" })).key("k").await.expect(200);
    let refused = admin.patch(&patch, json!({ "required": true, "unique": true })).await.expect(200);
    assert_eq!(refused["possible"], false);
    let problems = refused["problems"].as_array().unwrap();
    let problems: Vec<_> =
        problems.iter().map(|one| (one["rule"].as_str().unwrap(), one["count"].as_i64().unwrap())).collect();
    assert_eq!(problems, [("required", 1), ("unique", 2)]);
    admin.patch(&patch, json!({ "label": " " })).await.wrong_fields(&[("/label", "blank")]);
    admin.patch(&patch, json!({})).header("If-Match", "\"7-x\"").await.problem(412, "version_mismatch");
    agent.patch(&patch, json!({})).await.problem(403, "role_required");
    world.stranger().await.patch(&patch, json!({})).await.problem(404, "profile_field_not_found");

    let gone = admin.delete(&patch).await.expect(200);
    assert_eq!(
        (&gone["possible"], &gone["profiles"], &gone["profile_field"]),
        (&json!(false), &json!(2), &Value::Null)
    );
    let url = gone["problems"][0]["listed_by"].as_str().unwrap();
    assert_eq!(admin.get(url).await.expect(200).each("name"), ["Ada", "Bea"]);
    assert_eq!(admin.delete(&format!("{patch}&force=true")).await.expect(200)["possible"], true);
    let new = json!({ "key": "vat", "label": "VAT", "type": "text", "required": true });
    let made = admin.post("/v1/profile-fields?dry_run=true", new).await.expect(200);
    assert_eq!((&made["profiles"], &made["profile_field"]["position"]), (&json!(3), &json!(2)));
    let taken = json!({ "key": "city", "label": "City", "type": "text" });
    admin.post("/v1/profile-fields?dry_run=true", taken).await.problem(409, "profile_field_key_taken");
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let order = json!({ "ids": [id(&tier), id(&city)] });
    let ordered = admin.put("/v1/profile-fields/order?dry_run=true", order.clone()).await.expect(200);
    assert_eq!(ordered.each("key"), ["tier", "city"]);

    world.anonymous().get("/healthz").await.expect(200);
    // Only the stranger's organization came to be meanwhile, and she isn't asked.
    assert_eq!(admin.get("/v1/profile-fields").await.expect(200).json, before.1);
    let of_fields = "SELECT count(*) FROM events WHERE resource_type = 'profile_field'";
    assert_eq!(world.database.number(of_fields), 2);
    assert_eq!(counts()[1], before.0[1]);
    // Done, it is as it was said.
    let done = admin.put("/v1/profile-fields/order", order).await.expect(200);
    assert_eq!(done.each("key"), ordered.each("key"));
    assert_eq!(done.data()[0]["version"], ordered.data()[0]["version"]);
}

#[actix_web::test]
async fn what_stands_in_the_way_of_a_stricter_field_is_listed() {
    let world = World::new().await;
    let admin = world.admin();
    let city = field(&admin, json!({ "key": "city", "label": "City", "type": "text" })).await;
    let long = "x".repeat(256);
    for (name, value) in [
        ("Ada", json!("Gouda")),
        ("Bea", json!("Delft")),
        ("Cas", json!("Delft")),
        ("Dora", json!(null)),
        ("Eve", json!("Delft")),
        ("Finn", json!(long)),
        ("Gus", json!(null)),
        ("Hal", json!("Leiden")),
    ] {
        profile(&admin, name, json!({ "city": value })).await;
    }
    let refused = admin.patch(&city, json!({ "required": true })).await.problem(409, "in_use");
    assert_eq!(refused["count"], 2);
    let missing = [named("Dora", Value::Null, "required"), named("Gus", Value::Null, "required")];
    assert_eq!(violations(&admin, &refused.text("/listed_by")).await, missing);
    let refused = admin.patch(&city, json!({ "unique": true })).await.problem(409, "in_use");
    assert_eq!(refused["count"], 4);
    let list = refused.text("/listed_by");
    let expected = [
        named("Bea", "Delft", "unique"),
        named("Cas", "Delft", "unique"),
        named("Eve", "Delft", "unique"),
        named("Finn", long.as_str(), "length"),
    ];
    assert_eq!(violations(&admin, &list).await, expected);
    assert_eq!(admin.get(&format!("{list}&count=exact&limit=1")).await.expect(200)["count"]["value"], 4);
    // A page of exactly so many has no next one.
    assert_eq!(admin.get(&format!("{list}&limit=4")).await.expect(200)["next_cursor"], Value::Null);
    let of = |query: &str| admin.get(&format!("{city}/violations?{query}"));
    of("rule=type").await.wrong_fields(&[("to", "required")]);
    of("rule=unique&to=number").await.wrong_fields(&[("to", "unsupported")]);
    of("rule=type&to=select").await.wrong_fields(&[("option", "required")]);
    of("rule=type&to=date&option=a").await.wrong_fields(&[("option", "unsupported")]);
    of("rule=nope").await.wrong_fields(&[("rule", "choice")]);
    world.stranger().await.get(&list).await.problem(404, "profile_field_not_found");
}

#[actix_web::test]
async fn a_field_gets_another_type_once_every_value_can_be_converted() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "key": "size", "label": "Size", "type": "text", "searchable": true, "default": "7" });
    let size = field(&admin, body).await;
    let ada = profile(&admin, "Ada", json!({ "size": "10" })).await;
    let bea = profile(&admin, "Bea", json!({ "size": "9.50" })).await;
    let cas = profile(&admin, "Cas", json!({ "size": "large" })).await;
    let none = profile(&admin, "Dora", json!({ "size": null })).await;
    let dry = admin.patch(&format!("{size}?dry_run=true"), json!({ "type": "number" })).await.expect(200);
    assert_eq!(
        (&dry["possible"], &dry["profiles"], &dry["problems"][0]["count"]),
        (&json!(false), &json!(3), &json!(1))
    );
    let refused = admin.patch(&size, json!({ "type": "number" })).await.problem(409, "in_use");
    assert_eq!(refused["count"], 1);
    assert_eq!(violations(&admin, &refused.text("/listed_by")).await, [named("Cas", "large", "type")]);
    // Of two values, one becomes an option by its label.
    let options = json!([{ "value": "ten", "label": "10" }, { "value": "big", "label": "large" }]);
    let refused = admin
        .patch(&size, json!({ "type": "select", "options": options, "default": null }))
        .await
        .problem(409, "in_use");
    assert_eq!(refused["count"], 1);
    let left = violations(&admin, &refused.text("/listed_by")).await;
    assert_eq!(left.len(), 1);
    admin
        .patch(&size, json!({ "type": "select", "options": [["ten", "10", false]] }))
        .await
        .wrong_fields(&[("/options/0", "type")]);
    assert_eq!(fields_of(&admin, &ada).await["size"], "10");
    assert_eq!(admin.get(&size).await.expect(200)["version"], 1);

    admin.patch(&format!("/v1/profiles/{cas}"), json!({ "fields": { "size": "-3" } })).await.expect(200);
    let changed = admin.patch(&size, json!({ "type": "number" })).await.expect(200);
    assert_eq!((&changed["type"], &changed["default"], &changed["version"]), (&json!("number"), &json!(7), &json!(2)));
    let converted = admin.get(&format!("/v1/profiles/{ada}")).await.expect(200);
    assert_eq!((&converted["fields"], &converted["version"]), (&json!({ "size": 10 }), &json!(2)));
    assert_eq!(fields_of(&admin, &bea).await, json!({ "size": 9.5 }));
    assert_eq!(fields_of(&admin, &none).await, json!({}));
    assert_eq!(admin.get(&format!("/v1/profiles/{none}")).await.expect(200)["version"], 1);
    // Sorted, bounded and found as numbers.
    let names = |query: &'static str| {
        let admin = admin.clone();
        async move { admin.get(&format!("/v1/profiles?{query}")).await.expect(200).each("name") }
    };
    assert_eq!(names("sort=field[size]").await, ["Cas", "Bea", "Ada", "Dora"]);
    assert_eq!(names("field[size.gte]=9.5").await, ["Bea", "Ada"]);
    assert_eq!(names("q=10").await, ["Ada"]);
    let events =
        "SELECT count(*) FROM events WHERE type = 'profile.updated' AND before @> '{\"fields\": {\"size\": \"10\"}}'";
    assert_eq!(world.database.number(events), 1);

    // To a select of numbers, which names what isn't one of its options; then to several, and back to text.
    let options = json!(["10", "9.5"]);
    admin.patch(&size, json!({ "type": "select" })).await.wrong_fields(&[("/options", "required")]);
    let refused = admin.patch(&size, json!({ "type": "select", "options": options, "default": null })).await;
    let list = refused.problem(409, "in_use").text("/listed_by");
    assert_eq!(violations(&admin, &list).await, [named("Cas", -3, "option")]);
    admin.patch(&size, json!({ "type": "select", "options": options })).await.wrong_fields(&[("/default", "option")]);
    let options = json!(["10", { "value": "9.5", "label": "Nearly ten" }, "-3"]);
    admin.patch(&size, json!({ "type": "select", "options": options, "default": null })).await.expect(200);
    assert_eq!(names("q=nearly").await, ["Bea"]);
    let several = admin.patch(&size, json!({ "type": "multi_select" })).await.expect(200);
    assert_eq!(several["options"].as_array().unwrap().len(), 3);
    assert_eq!(fields_of(&admin, &ada).await, json!({ "size": ["10"] }));
    admin.patch(&format!("/v1/profiles/{ada}"), json!({ "fields": { "size": ["10", "-3"] } })).await.expect(200);
    let list = admin.patch(&size, json!({ "type": "text" })).await.problem(409, "in_use").text("/listed_by");
    assert_eq!(violations(&admin, &list).await, [named("Ada", json!(["10", "-3"]), "several")]);
    admin.patch(&format!("/v1/profiles/{ada}"), json!({ "fields": { "size": ["10"] } })).await.expect(200);
    let text = admin.patch(&size, json!({ "type": "text" })).await.expect(200);
    assert_eq!(text.json.get("options"), None);
    assert_eq!(fields_of(&admin, &bea).await, json!({ "size": "9.5" }));
    assert_eq!(names("field[size]=9.5").await, ["Bea"]);
    assert!(names("q=nearly").await.is_empty());
}

#[actix_web::test]
async fn a_unique_field_stays_unique_in_its_new_type() {
    let world = World::new().await;
    let admin = world.admin();
    let number = field(&admin, json!({ "key": "number", "label": "Number", "type": "text", "unique": true })).await;
    let ada = profile(&admin, "Ada", json!({ "number": "5" })).await;
    let bea = profile(&admin, "Bea", json!({ "number": "5.0" })).await;
    admin.patch(&number, json!({ "type": "boolean" })).await.wrong_fields(&[("/unique", "unsupported")]);
    let list = admin.patch(&number, json!({ "type": "number" })).await.problem(409, "in_use").text("/listed_by");
    assert_eq!(violations(&admin, &list).await, [named("Bea", "5.0", "unique")]);
    admin.patch(&format!("/v1/profiles/{bea}"), json!({ "fields": { "number": "6.0" } })).await.expect(200);
    admin.patch(&number, json!({ "type": "number" })).await.expect(200);
    let taken = admin.post("/v1/profiles", json!({ "name": "Cas", "fields": { "number": 6 } })).await;
    assert_eq!(taken.problem(409, "value_taken")["holder"]["profile_id"], bea);
    let same = admin.post("/v1/profiles?upsert_on=number", json!({ "name": "Ada", "fields": { "number": 5.0 } })).await;
    assert_eq!(same.expect(200).id(), ada);
    admin.patch(&number, json!({ "default": 1 })).await.wrong_fields(&[("/default", "unsupported")]);
}

#[actix_web::test]
async fn a_default_is_what_a_new_profile_has_that_says_nothing() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let before = profile(&admin, "Before", json!({})).await;
    let body = json!({ "key": "tier", "label": "Tier", "type": "select", "options": ["a", "b"], "default": "c" });
    admin.post("/v1/profile-fields", body).await.wrong_fields(&[("/default", "option")]);
    let body = json!({ "key": "x", "label": "X", "type": "text", "unique": true, "default": "x" });
    admin.post("/v1/profile-fields", body).await.wrong_fields(&[("/default", "unsupported")]);
    let body = json!({ "key": "tier", "label": "Tier", "type": "select", "options": ["a", "b"], "required": true, "default": "a" });
    let tier = field(&admin, body).await;
    field(&admin, json!({ "key": "phone", "label": "Phone", "type": "phone", "default": "06 12345678" })).await;
    assert_eq!(admin.get(&tier).await.expect(200)["default"], "a");
    assert_eq!(fields_of(&agent, &before).await, json!({}));
    let made = profile(&agent, "Ada", json!({})).await;
    assert_eq!(fields_of(&agent, &made).await, json!({ "tier": "a", "phone": "+31612345678" }));
    let made = profile(&agent, "Bea", json!({ "tier": "b", "phone": null })).await;
    assert_eq!(fields_of(&agent, &made).await, json!({ "tier": "b" }));
    agent
        .post("/v1/profiles", json!({ "name": "Cas", "fields": { "tier": null } }))
        .await
        .wrong_fields(&[("/fields/tier", "required")]);
    // Beside an open conversation, too.
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = agent.post("/v1/contacts", contact).await.expect(201).id();
    let attach = json!({ "new_profile": { "name": "Dora" } });
    let attached = agent.put(&format!("/v1/contacts/{contact}/profile"), attach).await.expect(201);
    assert_eq!(
        (&attached["profile"]["fields"]["tier"], &attached["profile"]["missing_fields"]),
        (&json!("a"), &json!([]))
    );
    // Found by it.
    assert_eq!(agent.get("/v1/profiles?field[tier]=a").await.expect(200).each("name"), ["Ada", "Dora"]);
    // It must stay a value that can be chosen.
    admin.patch(&tier, json!({ "options": ["b"] })).await.wrong_fields(&[("/default", "option")]);
    let changed = admin.patch(&tier, json!({ "options": ["b"], "default": "b" })).await.expect(200);
    assert_eq!((&changed["default"], &changed["options"][1]["retired"]), (&json!("b"), &json!(true)));
    let cleared = admin.patch(&tier, json!({ "default": null })).await.expect(200);
    assert_eq!(cleared["default"], Value::Null);
    agent.post("/v1/profiles", json!({ "name": "Eve" })).await.wrong_fields(&[("/fields/tier", "required")]);
}

#[actix_web::test]
async fn profiles_are_listed_by_what_they_lack() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    profile(&admin, "Old", json!({})).await;
    profile(&admin, "Older still", json!({})).await;
    let city = field(&admin, json!({ "key": "city", "label": "City", "type": "text", "required": true })).await;
    field(&admin, json!({ "key": "vat", "label": "VAT", "type": "text" })).await;
    let whole = profile(&agent, "Whole", json!({ "city": "Delft" })).await;
    let contact =
        agent.post("/v1/contacts", json!({ "medium": "email", "address": "n@example.com" })).await.expect(201).id();
    let attach = json!({ "new_profile": { "name": "New", "kind": "company" } });
    let attached = agent.put(&format!("/v1/contacts/{contact}/profile"), attach).await.expect(201);
    assert_eq!(attached["profile"]["missing_fields"], json!(["city"]));
    let new = attached.text("/profile/id");
    let lacking = |query: &'static str| {
        let agent = agent.clone();
        async move {
            let all = agent.walk(&format!("/v1/profiles?missing_fields=true{query}"), 1).await;
            all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(lacking("").await, ["New", "Older still", "Old"]);
    assert_eq!(lacking("&sort=created_at").await, ["Old", "Older still", "New"]);
    assert_eq!(lacking("&kind=company").await, ["New"]);
    assert_eq!(lacking("&field[city.set]=false").await, ["New", "Older still", "Old"]);
    assert_eq!(lacking("&field[city.set]=false&field[vat]=x").await, [""; 0]);
    let counted = agent.get("/v1/profiles?missing_fields=true&count=exact&limit=1").await.expect(200);
    assert_eq!(counted["count"]["value"], 3);
    assert_eq!(agent.get("/v1/profiles?missing_fields=true&q=old").await.expect(200).data().len(), 2);
    agent.get("/v1/profiles?missing_fields=true&sort=name").await.wrong_fields(&[("sort", "unsupported")]);
    agent.get("/v1/profiles?missing_fields=false").await.wrong_fields(&[("missing_fields", "unsupported")]);
    agent.get("/v1/profiles?missing_fields=1").await.wrong_fields(&[("missing_fields", "type")]);
    // Whoever gets a value, or goes, is off the list; so are all once it isn't required.
    agent.patch(&format!("/v1/profiles/{new}"), json!({ "fields": { "city": "Gouda" } })).await.expect(200);
    assert_eq!(lacking("").await, ["Older still", "Old"]);
    let old = agent.get("/v1/profiles?q=older").await.expect(200).data()[0]["id"].as_str().unwrap().to_owned();
    agent.delete(&format!("/v1/profiles/{old}")).await.expect(204);
    assert_eq!(lacking("").await, ["Old"]);
    let clear = json!({ "fields": { "city": null } });
    agent.patch(&format!("/v1/profiles/{whole}"), clear.clone()).await.wrong_fields(&[("/fields/city", "required")]);
    admin.patch(&city, json!({ "required": false })).await.expect(200);
    assert_eq!(lacking("").await, [""; 0]);
    agent.patch(&format!("/v1/profiles/{whole}"), clear).await.expect(200);
    admin.patch(&city, json!({ "required": true })).await.problem(409, "in_use");
}

/// Each value as it is read is its searched form, and each lack is noted, whatever happened at once.
fn assert_consistent(world: &World) {
    for (what, query) in [
        (
            "a value that is read and not searched, or the other way round",
            "SELECT count(*) FROM profiles JOIN profile_fields AS f USING (organization_id)
             LEFT JOIN profile_field_values AS v ON v.organization_id = f.organization_id AND v.field_id = f.id AND v.profile_id = profiles.id
             WHERE deleted_at IS NULL AND fields ->> f.id::text IS DISTINCT FROM v.value",
        ),
        (
            "a value of another type",
            "SELECT count(*) FROM profiles JOIN profile_fields AS f USING (organization_id)
             WHERE deleted_at IS NULL AND f.type IN ('number', 'text')
                 AND jsonb_typeof(fields -> f.id::text) <> CASE f.type WHEN 'number' THEN 'number' ELSE 'string' END",
        ),
        (
            "a unique value without its key, or another's with one",
            "SELECT count(*) FROM profile_field_values AS v JOIN profile_fields AS f ON f.organization_id = v.organization_id AND f.id = v.field_id
             WHERE v.unique_key IS DISTINCT FROM CASE WHEN f.unique THEN v.value END",
        ),
        (
            "a lack that isn't noted, or is no lack",
            "SELECT count(*) FROM profiles JOIN profile_fields AS f USING (organization_id)
             LEFT JOIN profile_missing_values AS m ON m.organization_id = f.organization_id AND m.field_id = f.id AND m.profile_id = profiles.id
             WHERE (f.required AND deleted_at IS NULL AND NOT fields ? f.id::text) <> (m.field_id IS NOT NULL)",
        ),
    ] {
        assert_eq!(world.database.number(query), 0, "{what}");
    }
}

#[actix_web::test]
async fn whoever_changes_a_field_while_profiles_are_written_leaves_it_true() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let path = field(&admin, json!({ "key": "size", "label": "Size", "type": "text" })).await;
    let mut present = Vec::new();
    for place in 0..6 {
        present.push(profile(&agent, "Ada", json!({ "size": place.to_string() })).await);
    }
    for round in 0..6 {
        let change = match round % 6 {
            0 => json!({ "required": true }),
            1 => json!({ "unique": true }),
            2 => json!({ "type": "number" }),
            3 => json!({ "required": false, "unique": false }),
            4 => json!({ "type": "text", "searchable": true }),
            _ => json!({ "required": true, "default": "x" }),
        };
        let mut requests = vec![admin.patch(&path, change)];
        for (place, id) in present.iter().enumerate() {
            let is_number = admin.get(&path).await.expect(200)["type"] == "number";
            let value = if is_number { json!(place + 1) } else { json!((place + 1).to_string()) };
            requests.push(agent.patch(&format!("/v1/profiles/{id}"), json!({ "fields": { "size": value } })));
            requests.push(agent.patch(&format!("/v1/profiles/{id}"), json!({ "name": format!("Ada {round}") })));
            requests.push(agent.post("/v1/profiles", json!({ "name": "Bea" })));
            requests.push(agent.post("/v1/profiles", json!({ "name": "Cas", "fields": { "size": value } })));
        }
        requests.push(agent.delete(&format!("/v1/profiles/{}", present.pop().unwrap())));
        for answer in race(requests).await {
            assert!([200, 201, 204, 409, 404, 422].contains(&answer.status), "{}", answer.body());
        }
        assert_consistent(&world);
    }
}

#[actix_web::test]
async fn of_two_profiles_that_take_one_unique_value_at_once_one_has_it() {
    let world = World::new().await;
    let admin = world.admin();
    field(&admin, json!({ "key": "number", "label": "Number", "type": "text", "unique": true })).await;
    for round in 0..10 {
        let ids = [profile(&admin, "Ada", json!({})).await, profile(&admin, "Bea", json!({})).await];
        let take = |id: &String| {
            let body = json!({ "fields": { "number": format!("R-{round}") } });
            admin.patch(&format!("/v1/profiles/{id}"), body)
        };
        let answers = race(ids.iter().map(take)).await;
        let won = answers.iter().position(|answer| answer.status == 200).unwrap();
        let lost = answers.into_iter().nth(1 - won).unwrap().problem(409, "value_taken");
        assert_eq!(lost["holder"]["profile_id"], ids[won]);
        assert_eq!(lost["field"], "/fields/number");
    }
}

#[actix_web::test]
async fn a_script_steps_a_profile_that_is_deleted_at_the_same_time() {
    let world = World::new().await;
    let admin = world.admin();
    field(&admin, json!({ "key": "number", "label": "Number", "type": "text", "unique": true })).await;
    let body = json!({ "name": "Ada", "fields": { "number": "R-1" } });
    for _ in 0..25 {
        let id =
            admin.post("/v1/profiles?upsert_on=number", body.clone()).await.json["id"].as_str().unwrap().to_owned();
        let mut requests = vec![admin.delete(&format!("/v1/profiles/{id}"))];
        requests.extend((0..4).map(|_| admin.post("/v1/profiles?upsert_on=number", body.clone())));
        let answers = race(requests).await;
        for answer in &answers[1..] {
            assert!([200, 201].contains(&answer.status), "{}", answer.body());
        }
        let holders = "SELECT count(*) FROM profile_field_values";
        assert!(world.database.number(holders) <= 1);
    }
}

#[actix_web::test]
async fn a_change_of_more_profiles_than_one_request_touches_is_refused() {
    let world = World::new().await;
    let admin = world.admin();
    let path = field(&admin, json!({ "key": "city", "label": "City", "type": "text" })).await;
    profile(&admin, "Ada", json!({ "city": "Delft" })).await;
    world.database.execute(
        "SET session_replication_role = replica;
         INSERT INTO profile_field_values SELECT organization_id, field_id, gen_random_uuid(), n::text, n::text
         FROM profile_field_values CROSS JOIN generate_series(1, 100000) AS n",
    );
    let refused = admin.patch(&path, json!({ "searchable": true })).await.problem(422, "change_too_large");
    assert_eq!(refused["count"], 100_001);
    let dry = admin.patch(&format!("{path}?dry_run=true"), json!({ "searchable": true })).await.expect(200);
    assert_eq!((&dry["possible"], &dry["problems"][0]["rule"]), (&json!(false), &json!("limit")));
    admin.patch(&path, json!({ "label": "Town" })).await.expect(200);
}
