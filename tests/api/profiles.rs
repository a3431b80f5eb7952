//! Profiles, and attaching contacts to them.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World, race};

async fn profile(agent: &Client, name: &str) -> String {
    agent.post("/v1/profiles", json!({ "name": name })).await.expect(201).id()
}

async fn contact(agent: &Client, address: &str) -> String {
    agent.post("/v1/contacts", json!({ "medium": "email", "address": address })).await.expect(201).id()
}

async fn attach(agent: &Client, contact: &str, body: Value) -> Answer {
    agent.put(&format!("/v1/contacts/{contact}/profile"), body).await
}

/// What happened, oldest first: the action, where to and where from.
async fn history(agent: &Client, path: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut entries = agent.walk(&format!("{path}/history"), 3).await;
    entries.reverse();
    entries
        .iter()
        .map(|entry| (text(&entry["action"]), text(&entry["profile"]["name"]), text(&entry["from_profile"]["name"])))
        .collect()
}

fn happened(action: &str, to: &str, from: &str) -> (String, String, String) {
    (action.to_owned(), to.to_owned(), from.to_owned())
}

#[actix_web::test]
async fn an_agent_types_numbers_in_groups() {
    let world = World::new().await;
    let admin = world.admin();
    for (key, kind) in [("number", "text"), ("born", "date")] {
        let field = json!({ "key": key, "label": key, "type": kind, "searchable": true });
        admin.post("/v1/profile-fields", field).await.expect(201);
    }
    for (name, number) in
        [("Ada", "00777"), ("Bea", "10-042"), ("Cas", "Q-1"), ("De 4-5 Molens", "2024/0018"), ("Eva", "Q-10")]
    {
        let fields = json!({ "number": number, "born": "1987-06-05" });
        admin.post("/v1/profiles", json!({ "name": name, "fields": fields })).await.expect(201);
    }
    // So many that none of their words is rare.
    for place in 2..70 {
        let body = json!({
            "name": format!("Zoë {place}"), "fields": { "number": format!("Q-1{place}") },
            "contacts": [
                { "medium": "email", "address": format!("jan.p{place}@gmail.example") },
                { "medium": "email", "address": format!("p{place}.jansen@gmail.example") },
            ],
        });
        admin.post("/v1/profiles", body).await.expect(201);
    }
    let contacts = json!([
        { "medium": "email", "address": "jan.jansen@gmail.example" },
        { "medium": "voice", "address": "+31201112233" },
    ]);
    admin.post("/v1/profiles", json!({ "name": "Fay", "contacts": contacts })).await.expect(201);
    for (typed, name) in [
        ("00777", "Ada"),
        ("10-042", "Bea"),
        ("4-5", "De 4-5 Molens"),
        ("2024/0018", "De 4-5 Molens"),
        ("Q-1", "Cas"),
        ("q-10", "Eva"),
        ("jan.jansen@gmail.example", "Fay"),
        ("jan.jansen@gm", "Fay"),
        ("+31 (0)20 111 22 33", "Fay"),
        ("020\u{2013}1112233", "Fay"),
        ("０２０ １１１２２３３", "Fay"),
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
        let found = admin.get(&format!("/v1/profiles?{query}")).await.expect(200);
        assert_eq!(found.each("name").first().map(String::as_str), Some(name), "{typed}");
    }
    let born = admin.get("/v1/profiles?q=1987-06-05").await.expect(200);
    assert_eq!(born.data().len(), 5);
    let number = admin.get("/v1/contacts?q=%2B31(0)20-1112233").await.expect(200);
    assert_eq!(number.each("address"), ["+31201112233"]);
}

#[actix_web::test]
async fn a_filter_holds_within_a_search_and_the_label_says_what_matched() {
    let world = World::new().await;
    let admin = world.admin();
    let options = json!([{ "value": "a", "label": "Land" }, { "value": "c", "label": "Sea" }]);
    let field = json!({ "key": "by", "label": "By", "type": "multi_select", "options": options, "searchable": true });
    let field = admin.post("/v1/profile-fields", field).await.expect(201).id();
    for _ in 0..3 {
        admin.post("/v1/profiles", json!({ "name": "Willem Zwart" })).await.expect(201);
    }
    let contacts = json!([{ "medium": "email", "address": "w@example.com", "name": "Willem Zwart" }]);
    let body = json!({ "name": "Hidden BV", "contacts": contacts, "fields": { "by": ["a", "c"] } });
    let hidden = admin.post("/v1/profiles", body).await.expect(201).id();
    let found = admin.get("/v1/profiles?q=willem+zwart&medium=email").await.expect(200);
    assert_eq!(found.each("name"), ["Hidden BV"]);
    assert_eq!(admin.get("/v1/profiles?q=willem+zwart").await.expect(200)["truncated"], true);
    let found = admin.get("/v1/profiles?q=sea").await.expect(200);
    assert_eq!(found.data()[0]["matched"], json!({ "on": "field", "text": "Sea" }));

    // In the order of the options, whichever that is.
    let options = json!([{ "value": "c", "label": "Sea" }, { "value": "a", "label": "Land" }]);
    admin.patch(&format!("/v1/profile-fields/{field}"), json!({ "options": options })).await.expect(200);
    let path = format!("/v1/profiles/{hidden}");
    assert_eq!(admin.get(&path).await.expect(200)["fields"]["by"], json!(["c", "a"]));
    let same = admin.patch(&path, json!({ "fields": { "by": ["a", "c"] } })).await.expect(200);
    assert_eq!((&same["version"], &same["fields"]["by"]), (&json!(1), &json!(["c", "a"])));
}

#[actix_web::test]
async fn profiles_without_a_contact_moment_come_last_in_either_direction() {
    let world = World::new().await;
    let admin = world.admin();
    for (name, day) in [("Ada", None), ("Bea", Some(2)), ("Cas", None), ("Dora", Some(1))] {
        let id = admin.post("/v1/profiles", json!({ "name": name })).await.expect(201).id();
        if let Some(day) = day {
            world.database.execute(&format!(
                "UPDATE profile_activity SET last_contact_moment_at = '2026-01-0{day}' WHERE profile_id = '{id}'"
            ));
        }
    }
    for (query, expected) in [
        ("sort=last_contact_moment_at", ["Dora", "Bea", "Ada", "Cas"]),
        ("sort=-last_contact_moment_at", ["Bea", "Dora", "Cas", "Ada"]),
        ("sort=last_contact_moment_at&kind=person", ["Dora", "Bea", "Ada", "Cas"]),
    ] {
        for limit in [1, 2, 3, 4] {
            let walked = admin.walk(&format!("/v1/profiles?{query}"), limit).await;
            let names: Vec<&str> = walked.iter().map(|profile| profile["name"].as_str().unwrap()).collect();
            assert_eq!(names, expected, "{query} by {limit}");
        }
    }
}

#[actix_web::test]
async fn contacts_are_counted_whether_they_are_all_shown_or_not() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    for count in [0, 1, 3, 4, 10] {
        let address = |place| json!({ "medium": "email", "address": format!("{place}@of-{count}.example") });
        let contacts: Vec<Value> = (0..count).map(address).collect();
        let made = agent.post("/v1/profiles", json!({ "name": "Ada", "contacts": contacts })).await.expect(201);
        let shown = made["contacts_preview"].as_array().unwrap().len();
        assert_eq!((&made["contact_count"], shown), (&json!(count), count.min(3)));
    }
}

#[actix_web::test]
async fn a_profile_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let body = json!({ "name": " Ada ", "contacts": [
        { "medium": "email", "address": "Ada@example.com", "name": "Ada L." },
        { "medium": "whatsapp", "address": "06 12345678" },
    ] });
    let made = agent.post("/v1/profiles", body).await.expect(201);
    assert_eq!((&made["name"], &made["kind"], &made["version"]), (&json!("Ada"), &json!("person"), &json!(1)));
    assert_eq!(made["created_by"], json!({ "type": "user", "id": agent.id, "name": "Grace" }));
    let preview = json!([
        { "medium": "email", "address": "ada@example.com" },
        { "medium": "whatsapp", "address": "+31612345678" }
    ]);
    assert_eq!((&made["contact_count"], &made["contacts_preview"]), (&json!(2), &preview));
    assert_eq!(made["last_contact_moment_at"], json!(null));
    let path = format!("/v1/profiles/{}", made.id());
    assert_eq!(agent.get(&path).await.expect(200).json, made.json);
    assert_eq!(agent.patch(&path, json!({})).await.expect(200).json, made.json);
    let renamed = agent.patch(&path, json!({ "name": "Analytical Ltd", "kind": "company" })).await.expect(200);
    assert_eq!((&renamed["kind"], &renamed["version"]), (&json!("company"), &json!(2)));
    let stale = agent.patch(&path, json!({ "name": "Late" })).header("If-Match", "\"1-0\"").await;
    stale.problem(412, "version_mismatch");
    let contacts = agent.walk(&format!("{path}/contacts"), 1).await;
    assert_eq!(contacts.len(), 2);
    let stranger = world.stranger().await;
    for refused in [stranger.get(&path), stranger.delete(&path), stranger.patch(&path, json!({ "name": "Mine" }))] {
        refused.await.problem(404, "profile_not_found");
    }
    agent.delete(&path).await.expect(204);
    agent.get(&path).await.problem(404, "profile_not_found");
    assert!(agent.get("/v1/profiles?q=anal").await.expect(200).data().is_empty());
    assert!(agent.get("/v1/profiles").await.expect(200).data().is_empty());
    // Its history stays with its contacts, which name it.
    let of_contact = format!("/v1/contacts/{}", contacts[0]["id"].as_str().unwrap());
    let expected = [
        happened("created", "", ""),
        happened("attached", "Analytical Ltd", ""),
        happened("detached", "", "Analytical Ltd"),
    ];
    assert_eq!(history(&agent, &of_contact).await, expected);
}

#[actix_web::test]
async fn an_agent_attaches_moves_and_detaches_a_contact() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let (ada, bea) = (profile(&agent, "Ada").await, profile(&agent, "Bea").await);
    let id = contact(&agent, "a@example.com").await;
    let attached = attach(&agent, &id, json!({ "profile_id": ada })).await.expect(200);
    assert_eq!(attached["contact"]["profile"], json!({ "id": ada, "name": "Ada" }));
    assert_eq!((&attached["profile"]["contact_count"], &attached["previous_profile_id"]), (&json!(1), &json!(null)));
    let version = attached["contact"]["version"].clone();
    // There already: nothing happens.
    let again = attach(&agent, &id, json!({ "profile_id": ada })).await.expect(200);
    assert_eq!(again["contact"]["version"], version);
    let refused = attach(&agent, &id, json!({ "profile_id": bea })).await.problem(409, "contact_already_attached");
    assert_eq!(refused["holder"], json!({ "profile_id": ada, "name": "Ada" }));
    let from_bea = json!({ "profile_id": bea, "on_conflict": "move", "expected_profile_id": bea });
    attach(&agent, &id, from_bea).await.problem(409, "contact_already_attached");
    let from_ada = json!({ "profile_id": bea, "on_conflict": "move", "expected_profile_id": ada });
    let moved = attach(&agent, &id, from_ada.clone()).await.expect(200);
    assert_eq!((&moved["previous_profile_id"], &moved["profile"]["name"]), (&json!(ada), &json!("Bea")));
    let new = json!({ "new_profile": { "name": "Cas", "kind": "company" } });
    attach(&agent, &id, new.clone()).await.problem(409, "contact_already_attached");
    assert!(agent.get("/v1/profiles?q=cas").await.expect(200).data().is_empty());
    let made =
        attach(&agent, &id, json!({ "new_profile": new["new_profile"], "on_conflict": "move" })).await.expect(201);
    assert_eq!(made.header("location"), Some(format!("/v1/profiles/{}", made.text("/profile/id")).as_str()));
    let path = format!("/v1/contacts/{id}/profile");
    let refused = agent.delete(&format!("{path}?profile_id={ada}")).await.problem(409, "contact_not_attached");
    assert_eq!(refused["holder"]["name"], "Cas");
    agent.delete(&path).await.expect(204);
    agent.delete(&format!("{path}?profile_id={ada}")).await.expect(204);
    attach(&agent, &id, from_ada).await.problem(409, "contact_not_attached");
    let expected = [
        happened("created", "", ""),
        happened("attached", "Ada", ""),
        happened("moved", "Bea", "Ada"),
        happened("moved", "Cas", "Bea"),
        happened("detached", "", "Cas"),
    ];
    assert_eq!(history(&agent, &format!("/v1/contacts/{id}")).await, expected);
    let expected = [happened("created", "Bea", ""), happened("moved", "Bea", "Ada"), happened("moved", "Cas", "Bea")];
    assert_eq!(history(&agent, &format!("/v1/profiles/{bea}")).await, expected);
}

#[actix_web::test]
async fn an_attach_that_is_unclear_or_foreign_is_refused() {
    let world = World::new().await;
    let (agent, stranger) = (world.agent("Grace").await, world.stranger().await);
    let (mine, theirs) = (profile(&agent, "Ada").await, profile(&stranger, "Bea").await);
    let id = contact(&agent, "a@example.com").await;
    attach(&agent, &id, json!({})).await.wrong_fields(&[("/profile_id", "required")]);
    let both = json!({ "profile_id": mine, "new_profile": { "name": "Cas" } });
    attach(&agent, &id, both).await.wrong_fields(&[("/new_profile", "exclusive")]);
    let unclear = json!({ "profile_id": mine, "expected_profile_id": mine });
    attach(&agent, &id, unclear).await.wrong_fields(&[("/expected_profile_id", "unsupported")]);
    attach(&agent, &id, json!({ "profile_id": theirs })).await.problem(404, "profile_not_found");
    attach(&stranger, &id, json!({ "profile_id": theirs })).await.problem(404, "contact_not_found");
    let path = format!("/v1/contacts/{id}/profile");
    stranger.delete(&path).await.problem(404, "contact_not_found");
    stranger.get(&format!("/v1/contacts/{id}/history")).await.problem(404, "contact_not_found");
    agent.delete(&format!("/v1/profiles/{mine}")).await.expect(204);
    attach(&agent, &id, json!({ "profile_id": mine })).await.problem(404, "profile_not_found");
}

#[actix_web::test]
async fn of_fifty_agents_who_attach_one_contact_to_two_profiles_those_of_one_succeed() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let profiles = [profile(&agent, "Ada").await, profile(&agent, "Bea").await];
    let id = contact(&agent, "a@example.com").await;
    let path = format!("/v1/contacts/{id}/profile");
    let answers = race((0..50).map(|turn| agent.put(&path, json!({ "profile_id": profiles[turn % 2] })))).await;
    let held = agent.get(&format!("/v1/contacts/{id}")).await.expect(200).text("/profile_id");
    for answer in answers {
        match answer.status {
            200 => assert_eq!(answer["profile"]["id"], held),
            409 => assert_eq!(answer["holder"]["profile_id"], held),
            _ => panic!("{}", answer.body()),
        }
    }
    assert_eq!(history(&agent, &format!("/v1/contacts/{id}")).await.len(), 2);
}

#[actix_web::test]
async fn the_ledger_is_unbroken_however_many_move_detach_and_delete_at_once() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let profiles = [profile(&agent, "Ada").await, profile(&agent, "Bea").await];
    let id = contact(&agent, "a@example.com").await;
    let path = format!("/v1/contacts/{id}/profile");
    let requests = (0..40).map(|turn| match turn % 4 {
        0 => agent.delete(&path),
        3 if turn == 23 => agent.delete(&format!("/v1/profiles/{}", profiles[1])),
        other => agent.put(&path, json!({ "profile_id": profiles[other % 2], "on_conflict": "move" })),
    });
    for answer in race(requests).await {
        assert!(matches!(answer.status, 200 | 204 | 404), "{}", answer.body());
    }
    let mut at = json!(null);
    let mut entries = agent.walk(&format!("/v1/contacts/{id}/history"), 7).await;
    entries.reverse();
    for entry in entries.iter().skip(1) {
        assert_eq!(entry["from_profile"], at, "{entry}");
        at = entry["profile"].clone();
    }
    assert_eq!(agent.get(&format!("/v1/contacts/{id}")).await.expect(200)["profile"], at);
}

#[actix_web::test]
async fn required_fields_bind_those_who_create_but_not_an_open_conversation() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let body = json!({ "key": "number", "label": "Number", "type": "text", "required": true });
    admin.post("/v1/profile-fields", body).await.expect(201);
    agent.post("/v1/profiles", json!({ "name": "Ada" })).await.wrong_fields(&[("/fields/number", "required")]);
    let id = contact(&agent, "a@example.com").await;
    let made = attach(&agent, &id, json!({ "new_profile": { "name": "Ada" } })).await.expect(201);
    assert_eq!(made["profile"]["missing_fields"], json!(["number"]));
    let path = format!("/v1/profiles/{}", made.text("/profile/id"));
    // Its name alone can be changed; who edits its fields has to give what it lacks.
    agent.patch(&path, json!({ "name": "Ada L." })).await.expect(200);
    let nulled = agent.patch(&path, json!({ "fields": { "number": null } })).await;
    nulled.wrong_fields(&[("/fields/number", "required")]);
    let filled = agent.patch(&path, json!({ "fields": { "number": "R-1" } })).await.expect(200);
    assert_eq!(filled["missing_fields"], json!([]));
    let cleared = agent.patch(&path, json!({ "fields": { "number": null } })).await;
    cleared.wrong_fields(&[("/fields/number", "required")]);
}

#[actix_web::test]
async fn a_script_keeps_a_customer_in_step_by_its_number() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "key": "number", "label": "Number", "type": "text", "unique": true });
    admin.post("/v1/profile-fields", body).await.expect(201);
    let script = admin.api_token("write").await;
    let upsert = |body: Value| script.post("/v1/profiles?upsert_on=number", body);
    let ada = json!({
        "name": "Ada", "fields": { "number": "R-1" }, "contacts": [{ "medium": "email", "address": "ada@example.com" }],
    });
    let answers = race((0..20).map(|_| upsert(ada.clone()))).await;
    let outcomes: Vec<(u16, &str)> =
        answers.iter().map(|answer| (answer.status, answer["outcome"].as_str().unwrap())).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == (201, "created")).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == (200, "unchanged")).count(), 19, "{outcomes:?}");
    let changed = upsert(json!({ "name": "Ada L.", "fields": { "number": "R-1" } })).await.expect(200);
    assert_eq!((&changed["outcome"], &changed["contact_count"]), (&json!("updated"), &json!(1)));
    upsert(json!({ "name": "Ada" })).await.wrong_fields(&[("upsert_on", "required")]);
    let unknown = script.post("/v1/profiles?upsert_on=nope", json!({ "name": "Ada" })).await;
    unknown.wrong_fields(&[("upsert_on", "unknown")]);
    // A contact of another is not taken away.
    let thief = json!({
        "name": "Eve", "fields": { "number": "R-2" }, "contacts": [{ "medium": "email", "address": "ADA@example.com" }],
    });
    let refused = upsert(thief).await.problem(409, "contact_already_attached");
    assert_eq!(refused["holder"]["name"], "Ada L.");
    let path = format!("/v1/profiles/{}", changed.id());
    script.delete(&path).await.expect(204);
    assert_eq!(upsert(ada).await.expect(201)["outcome"], "created");
}

#[actix_web::test]
async fn a_script_that_read_a_customer_changes_only_what_it_read() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "key": "number", "label": "Number", "type": "text", "unique": true });
    admin.post("/v1/profile-fields", body).await.expect(201);
    let upsert = |name: &str, if_match: &str| {
        let body = json!({ "name": name, "fields": { "number": "R-1" } });
        let request = admin.post("/v1/profiles?upsert_on=number", body);
        if if_match.is_empty() { request } else { request.header("If-Match", if_match) }
    };
    // What isn't there has no version.
    for any in ["*", "\"1-x\""] {
        upsert("Ada", any).await.problem(412, "version_mismatch");
        let made = admin.post("/v1/profiles", json!({ "name": "Ada" })).header("If-Match", any);
        made.await.problem(412, "version_mismatch");
    }
    let made = upsert("Ada", "").await.expect(201);
    let read = made.header("etag").unwrap();
    let changed = upsert("Ada Lovelace", read).await.expect(200);
    assert_eq!((&changed["version"], &changed["outcome"]), (&json!(2), &json!("updated")));
    let refused = upsert("Eve", read).await.problem(412, "version_mismatch");
    assert_eq!((&refused["version"], &refused["changed_fields"]), (&json!(2), &json!(["/name"])));
    upsert("Eve", "nonsense").await.problem(412, "version_mismatch");
    assert_eq!(upsert("Ada King", "*").await.expect(200)["version"], 3);
    assert_eq!(admin.get("/v1/profiles").await.expect(200).each("name"), ["Ada King"]);
}

#[actix_web::test]
async fn an_agent_finds_a_profile_while_typing() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let body = json!({ "key": "number", "label": "Number", "type": "text", "searchable": true });
    admin.post("/v1/profile-fields", body).await.expect(201);
    for (name, number, address) in [
        ("Amsterdam Janssen BV", "R-2024/7", "info@janssen.example"),
        ("Jan", "R-1", "jan@example.com"),
        ("José Ångström", "R-2", "jose@example.com"),
        ("株式会社東京", "R-3", "tokyo@example.com"),
    ] {
        let contacts = json!([{ "medium": "email", "address": address }]);
        let body = json!({ "name": name, "fields": { "number": number }, "contacts": contacts });
        agent.post("/v1/profiles", body).await.expect(201);
    }
    for (typed, names, on) in [
        ("jan", vec!["Jan", "Amsterdam Janssen BV"], "name"),
        ("j", vec!["Jan", "José Ångström", "Amsterdam Janssen BV"], "name"),
        ("JAN%20am", vec!["Amsterdam Janssen BV"], "name"),
        ("jose%20ang", vec!["José Ångström"], "name"),
        ("amstredam", vec!["Amsterdam Janssen BV"], "name"),
        ("%E6%9D%B1%E4%BA%AC", vec!["株式会社東京"], "name"),
        ("info@jan", vec!["Amsterdam Janssen BV"], "contact"),
        ("r-2024", vec!["Amsterdam Janssen BV"], "field"),
        ("jan%20r-1", vec!["Jan"], "field"),
        ("amsterdam%20jansen", vec!["Amsterdam Janssen BV"], "name"),
        ("janssen%20amsterdm", vec!["Amsterdam Janssen BV"], "name"),
        ("amsterdam%20gouda", vec![], ""),
        ("...", vec![], ""),
    ] {
        let found = agent.get(&format!("/v1/profiles?q={typed}")).await.expect(200);
        assert_eq!(found.each("name"), names, "{typed}");
        assert_eq!(found["truncated"], false);
        for hit in found.data() {
            assert_eq!(hit["matched"]["on"], on, "{typed}: {hit}");
        }
    }
    let walked = agent.walk("/v1/profiles?q=j", 1).await;
    assert_eq!(walked.len(), 3);
    assert!(agent.get("/v1/profiles?q=jan&kind=company").await.expect(200).data().is_empty());
    agent.get("/v1/profiles?q=jan&sort=name").await.wrong_fields(&[("sort", "exclusive")]);
    assert!(world.stranger().await.get("/v1/profiles?q=jan").await.expect(200).data().is_empty());
}

#[actix_web::test]
async fn the_best_fit_comes_first_and_of_equal_ones_the_latest_contact() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    for name in ["Piet Jansen", "Janssen Piet", "Piet Jan", "Jan Visser", "Jan Bakker", "Jan", "Piet Janszen"] {
        profile(&agent, name).await;
    }
    let typed = async |typed: &str| agent.get(&format!("/v1/profiles?q={typed}")).await.expect(200).each("name");
    let expected = ["Jan", "Jan Bakker", "Jan Visser", "Piet Jan", "Janssen Piet", "Piet Jansen", "Piet Janszen"];
    assert_eq!(typed("jan").await, expected);
    assert_eq!(typed("jan%20pie").await, ["Janssen Piet", "Piet Jansen", "Piet Jan", "Piet Janszen"]);
    assert_eq!(typed("janszn").await, ["Piet Jansen", "Piet Janszen"]);
    for (name, day) in [("Jan Visser", 2), ("Jan Bakker", 1), ("Piet Janszen", 3)] {
        world.database.execute(&format!(
            "UPDATE profile_activity SET last_contact_moment_at = '2026-01-0{day}' FROM profiles \
             WHERE profiles.id = profile_id AND name = '{name}'"
        ));
    }
    let expected = ["Jan", "Jan Visser", "Jan Bakker", "Piet Jan", "Janssen Piet", "Piet Janszen", "Piet Jansen"];
    assert_eq!(typed("jan").await, expected);
}

#[actix_web::test]
async fn a_search_among_many_says_where_it_was_cut_short_and_finds_the_newest() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let organization = admin.get("/v1/organization").await.expect(200).id();
    many(&world, &organization, 2500);
    for word in ["l", "lamar", "lamar%20j"] {
        let found = agent.get(&format!("/v1/profiles?q={word}")).await.expect(200);
        assert_eq!((found.data().len(), &found["truncated"]), (50, &json!(true)), "{word}");
    }
    assert_eq!(agent.walk("/v1/profiles?q=lamar", 70).await.len(), 100);
    let contacts = json!([{ "medium": "email", "address": "bikash@example.com" }]);
    let body = json!({ "name": "Bikash Lama", "kind": "company", "contacts": contacts });
    agent.post("/v1/profiles", body).await.expect(201);
    for (query, truncated) in [
        ("q=lama&limit=1", true),
        ("q=lama%20bik", false),
        ("q=lama&kind=company", true),
        ("q=lama&medium=email", true),
        ("q=bikash@exa", false),
        ("q=bikash@exa&kind=company", false),
        ("q=lama%20bikash@example.com", false),
        ("q=bikahs", false),
    ] {
        let found = agent.get(&format!("/v1/profiles?{query}")).await.expect(200);
        assert_eq!(found.each("name"), ["Bikash Lama"], "{query}");
        assert_eq!(found["truncated"], truncated, "{query}");
    }
    assert!(agent.get("/v1/profiles?q=lama&medium=telegram").await.expect(200).data().is_empty());
}

/// Profiles by the names Lamar J1, Lamar J2 and so on.
fn many(world: &World, organization: &str, count: usize) {
    world.database.execute(&format!(
        "INSERT INTO profiles (organization_id, id, name, sort_name, created_by_type) \
         SELECT '{organization}', gen_random_uuid(), 'Lamar J' || n, 'lamar j' || n, 'system' \
         FROM generate_series(1, {count}) AS n"
    ));
    for sql in [
        "INSERT INTO profile_activity SELECT organization_id, id FROM profiles",
        "INSERT INTO profile_terms SELECT organization_id, id, 0, 'lamar', ' ' || sort_name FROM profiles",
        "INSERT INTO profile_terms SELECT organization_id, id, 1, substr(sort_name, 7), ' ' || sort_name FROM profiles",
        "ANALYZE",
    ] {
        world.database.execute(sql);
    }
}

#[actix_web::test]
async fn a_filter_that_fits_hardly_any_profile_is_served_in_every_order() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    let field = json!({ "key": "number", "label": "Number", "type": "text" });
    let field = admin.post("/v1/profile-fields", field).await.expect(201).id();
    let organization = admin.get("/v1/organization").await.expect(200).id();
    many(&world, &organization, 12_000);
    world.database.execute(&format!(
        "INSERT INTO profile_field_values (organization_id, field_id, profile_id, sort_value, value) \
         SELECT organization_id, '{field}', id, sort_name, sort_name FROM profiles WHERE sort_name <> 'lamar j9999'"
    ));
    let contacts = json!([{ "medium": "email", "address": "zoe@example.com" }]);
    let body = json!({ "name": "Zoë", "kind": "company", "contacts": contacts, "fields": { "number": "z" } });
    agent.post("/v1/profiles", body).await.expect(201);
    for sort in ["name", "-created_at", "updated_at", "last_contact_moment_at", "field[number]"] {
        for filter in
            ["kind=company", "medium=email", "field[number]=z", &format!("created_by={}&kind=company", agent.id)]
        {
            let found = agent.get(&format!("/v1/profiles?{filter}&sort={sort}")).await.expect(200);
            assert_eq!(
                (found.each("name"), &found["next_cursor"]),
                (vec!["Zoë".to_owned()], &json!(null)),
                "{filter} {sort}"
            );
        }
        assert!(agent.get(&format!("/v1/profiles?medium=telegram&sort={sort}")).await.expect(200).data().is_empty());
        assert_eq!(walk_short_pages(&agent, &format!("field[number.set]=false&sort={sort}")).await, ["Lamar J9999"]);
    }
    assert_eq!(walk_short_pages(&agent, "kind=person&sort=field[number]&limit=200").await.len(), 12_000);
}

/// The names in a list of which a page may be short though another follows: no index tells which profiles fit.
async fn walk_short_pages(agent: &Client, query: &str) -> Vec<String> {
    let mut page = agent.get(&format!("/v1/profiles?{query}")).await.expect(200);
    let mut names = page.each("name");
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = agent.get(&format!("/v1/profiles?{query}&cursor={cursor}")).await.expect(200);
        names.extend(page.each("name"));
    }
    names
}

#[actix_web::test]
async fn the_list_is_filtered_and_sorted_and_its_pages_are_whole() {
    let world = World::new().await;
    let (admin, agent) = (world.admin(), world.agent("Grace").await);
    for (key, kind) in [("spend", "number"), ("city", "text")] {
        admin.post("/v1/profile-fields", json!({ "key": key, "label": key, "type": kind })).await.expect(201);
    }
    for (name, fields) in [
        ("Ada", json!({ "spend": 10, "city": "Delft" })),
        ("bea", json!({ "spend": -3 })),
        ("Cas", json!({ "spend": 9.5, "city": "Gouda" })),
        ("Dora", json!({})),
    ] {
        agent.post("/v1/profiles", json!({ "name": name, "fields": fields })).await.expect(201);
    }
    for (query, expected) in [
        ("sort=name", vec!["Ada", "bea", "Cas", "Dora"]),
        ("sort=-name", vec!["Dora", "Cas", "bea", "Ada"]),
        ("sort=-created_at", vec!["Dora", "Cas", "bea", "Ada"]),
        ("sort=updated_at", vec!["Ada", "bea", "Cas", "Dora"]),
        ("sort=field[spend]", vec!["bea", "Cas", "Ada", "Dora"]),
        ("sort=-field[spend]", vec!["Ada", "Cas", "bea", "Dora"]),
        ("field[spend.gte]=9.5", vec!["Cas", "Ada"]),
        ("field[spend.gte]=9.5&sort=-field[spend]", vec!["Ada", "Cas"]),
        ("field[spend.gte]=0&field[spend.lt]=10", vec!["Cas"]),
        ("field[city]=Delft&field[city]=Gouda", vec!["Ada", "Cas"]),
        ("field[city]=delft", vec![]),
        ("field[city.set]=false&sort=-field[spend]", vec!["bea", "Dora"]),
        ("kind=company", vec![]),
        ("medium=email", vec![]),
        ("created_at.gte=2020-01-01&sort=-created_at", vec!["Dora", "Cas", "bea", "Ada"]),
        ("last_contact_moment_at.lt=2020-01-01&kind=person", vec!["Ada", "bea", "Cas", "Dora"]),
        ("last_contact_moment_at.gte=2020-01-01", vec![]),
        ("created_at.lt=2020-01-01", vec![]),
    ] {
        for limit in [1, expected.len().max(1), 200] {
            let walked = agent.walk(&format!("/v1/profiles?{query}"), limit).await;
            let names: Vec<&str> = walked.iter().map(|profile| profile["name"].as_str().unwrap()).collect();
            assert_eq!(names, expected, "{query} by {limit}");
        }
    }
    let mine = agent.get(&format!("/v1/profiles?created_by={}&count=exact", agent.id)).await.expect(200);
    assert_eq!(mine["count"], json!({ "value": 4, "exact": true }));
    assert!(agent.get(&format!("/v1/profiles?created_by={}", admin.id)).await.expect(200).data().is_empty());
    agent.get("/v1/profiles?field[spend]=x&field[nope]=1&field[city.ge]=a&field[city.set]=maybe").await.wrong_fields(
        &[
            ("field[city.ge]", "unknown"),
            ("field[city.set]", "type"),
            ("field[nope]", "unknown"),
            ("field[spend]", "type"),
        ],
    );
    // What no index gives is refused: it would take as long as there are profiles.
    agent.get("/v1/profiles?created_at.gte=2020-01-01&sort=name").await.wrong_fields(&[("sort", "unsupported")]);
    agent
        .get("/v1/profiles?created_at.gte=2020-01-01&updated_at.lt=2020-01-01")
        .await
        .wrong_fields(&[("updated_at.lt", "unsupported")]);
    let both = agent.get("/v1/profiles?q=a&created_at.gte=2020-01-01&updated_at.lt=2020-01-01").await;
    assert!(both.expect(200).data().is_empty());
    agent.get("/v1/profiles?sort=field[nope]").await.wrong_fields(&[("sort", "unknown")]);
    agent.get("/v1/contacts?field[city]=Delft").await.wrong_fields(&[("field[city]", "unknown")]);
}
