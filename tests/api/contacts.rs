//! Contacts.

use serde_json::{Value, json};

use crate::support::{World, race};

#[actix_web::test]
async fn a_contact_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let body = json!({ "medium": "email", "address": " Ada@Example.COM", "name": "Ada" });
    let made = agent.post("/v1/contacts", body).await.expect(201);
    assert_eq!(
        (&made["address"], &made["name"], &made["profile"]),
        (&json!("ada@example.com"), &json!("Ada"), &json!(null))
    );
    let path = format!("/v1/contacts/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    assert_eq!(agent.get(&path).await.expect(200).json, made.json);
    let renamed = agent.patch(&path, json!({ "name": " Ada Lovelace " })).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("Ada Lovelace"), &json!(2)));
    assert_eq!(agent.patch(&path, json!({})).await.expect(200).json, renamed.json);
    let nameless = agent.patch(&path, json!({ "name": null })).await.expect(200);
    assert_eq!((&nameless["name"], &nameless["version"]), (&json!(null), &json!(3)));
    agent.patch(&path, json!({ "address": "b@example.com" })).await.wrong_fields(&[("/address", "unknown")]);
    agent.delete(&path).await.expect(204);
    agent.get(&path).await.problem(404, "contact_not_found");
    assert_eq!(agent.get("/v1/contacts?q=ada").await.expect(200).data(), [json!(null); 0]);
}

#[actix_web::test]
async fn notes_go_with_their_contact() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let made = agent.post("/v1/contacts", json!({ "medium": "email", "address": "ada@example.com" })).await.expect(201);
    let path = format!("/v1/contacts/{}", made.id());
    let note = agent.post(&format!("{path}/notes"), json!({ "body": "Twice the same?" })).await.expect(201);
    agent.delete(&path).await.expect(204);
    agent.get(&format!("/v1/notes/{}", note.id())).await.problem(404, "note_not_found");
}

#[actix_web::test]
async fn a_name_is_never_blank() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let body = |name| json!({ "medium": "email", "address": "ada@example.com", "name": name });
    agent.post("/v1/contacts", body(" ")).await.wrong_fields(&[("/name", "blank")]);
    let made = agent.post("/v1/contacts", body("Ada")).await.expect(201);
    let path = format!("/v1/contacts/{}", made.id());
    agent.patch(&path, json!({ "name": " \t" })).await.wrong_fields(&[("/name", "blank")]);
}

#[actix_web::test]
async fn an_address_is_one_contact_however_it_is_written() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    for (medium, first, second, normalised) in [
        ("email", "ada@example.com", "ADA@example.com ", "ada@example.com"),
        ("whatsapp", "06 12 34 56 78", "31612345678", "+31612345678"),
        ("telegram", "4711", " 4711", "4711"),
    ] {
        let made = agent.post("/v1/contacts", json!({ "medium": medium, "address": first })).await.expect(201);
        assert_eq!(made["address"], normalised);
        let body = json!({ "medium": medium, "address": second, "name": "Ada" });
        let refused = agent.post("/v1/contacts", body).await.problem(409, "contact_exists");
        assert_eq!(refused["holder"]["contact_id"], made["id"]);
        let url = format!("/v1/contacts?medium={medium}&address={}", second.replace(' ', "%20"));
        assert_eq!(agent.get(&url).await.expect(200).each("id"), [made.id()]);
        // Another organization may know the same person.
        let stranger = world.organization("Others", &format!("{medium}@others.example")).await;
        stranger.post("/v1/contacts", json!({ "medium": medium, "address": first })).await.expect(201);
    }
}

#[actix_web::test]
async fn an_address_of_a_live_chat_is_one_of_its_channel() {
    let world = World::new().await;
    let admin = world.admin();
    let mut channels = Vec::new();
    for (name, medium) in [("Web", "live_chat"), ("Shop", "live_chat"), ("Mail", "email")] {
        channels.push(admin.post("/v1/channels", json!({ "name": name, "medium": medium })).await.expect(201).id());
    }
    let visitor = |channel: Option<&str>| {
        admin.post("/v1/contacts", json!({ "medium": "live_chat", "address": "visitor 7", "channel_id": channel }))
    };
    visitor(None).await.wrong_fields(&[("/channel_id", "required")]);
    visitor(Some(&channels[2])).await.wrong_fields(&[("/channel_id", "channel")]);
    let web = visitor(Some(&channels[0])).await.expect(201);
    assert_eq!(web["channels"], json!([{ "id": channels[0], "name": "Web", "medium": "live_chat" }]));
    visitor(Some(&channels[1])).await.expect(201);
    visitor(Some(&channels[0])).await.problem(409, "contact_exists");
    let foreign = world.stranger().await.post("/v1/channels", json!({ "name": "Web", "medium": "live_chat" }));
    visitor(Some(&foreign.await.expect(201).id())).await.problem(404, "channel_not_found");
    let found = admin.get(&format!("/v1/contacts?channel_id={}", channels[0])).await.expect(200);
    assert_eq!(found.each("id"), [web.id()]);
}

#[actix_web::test]
async fn contacts_are_found_by_beginnings_of_words() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    for (medium, address, name) in [
        ("email", "ada.l@example.com", Some("Ada Lovelace")),
        ("email", "adam@example.org", None),
        ("whatsapp", "+31612345678", Some("Zoë Ångström")),
    ] {
        let body = json!({ "medium": medium, "address": address, "name": name });
        agent.post("/v1/contacts", body).await.expect(201);
    }
    for (asked, expected) in [
        ("ada", vec!["ada.l@example.com", "adam@example.org"]),
        ("ada%20LOVE", vec!["ada.l@example.com"]),
        ("org", vec!["adam@example.org"]),
        ("zoe", vec!["+31612345678"]),
        ("ANG", vec!["+31612345678"]),
        ("061234", vec!["+31612345678"]),
        ("31612", vec!["+31612345678"]),
        ("%2B31612345678", vec!["+31612345678"]),
        ("ada.l@example.com", vec!["ada.l@example.com"]),
        ("da", vec![]),
        ("100%25", vec![]),
        ("_", vec!["ada.l@example.com", "adam@example.org", "+31612345678"]),
    ] {
        let mut found = agent.get(&format!("/v1/contacts?q={asked}")).await.expect(200).each("address");
        let mut expected = expected;
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{asked}");
    }
    assert_eq!(agent.get("/v1/contacts?q=ada&medium=sms").await.expect(200).data().len(), 0);
    assert_eq!(agent.get("/v1/contacts?attached=true").await.expect(200).data().len(), 0);
    assert_eq!(agent.get("/v1/contacts?attached=false&count=exact").await.expect(200)["count"]["value"], 3);
}

#[actix_web::test]
async fn a_walk_shows_every_contact_once_in_every_sort() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let make = |n: usize| {
        // Four share each name, so that pages end among equals.
        let body =
            json!({ "medium": "email", "address": format!("{n}@example.com"), "name": format!("Name {}", n / 4) });
        agent.post("/v1/contacts", body)
    };
    for answer in race((0..30).map(make)).await {
        answer.expect(201);
    }
    world.database.execute("UPDATE contacts SET created_at = date_trunc('hour', created_at)");
    for sort in ["name", "-name", "created_at", "-created_at"] {
        let path = format!("/v1/contacts?sort={sort}");
        let whole = agent.walk(&path, 200).await;
        assert_eq!(whole.len(), 30);
        for limit in [1, 7, 10, 15, 29, 30, 31] {
            assert_eq!(agent.walk(&path, limit).await, whole, "{sort}, {limit} a page");
        }
        let names: Vec<_> = whole.iter().map(|contact| contact["name"].as_str().unwrap()).collect();
        match sort {
            "name" => assert!(names.is_sorted()),
            "-name" => assert!(names.iter().rev().is_sorted()),
            _ => {}
        }
    }
}

#[actix_web::test]
async fn a_page_of_exactly_the_limit_is_the_last() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    for n in 0..3 {
        agent.post("/v1/contacts", json!({ "medium": "telegram", "address": n.to_string() })).await.expect(201);
    }
    let page = agent.get("/v1/contacts?limit=3").await.expect(200);
    assert_eq!((page.data().len(), &page["next_cursor"], page.header("link")), (3, &Value::Null, None));
    let page = agent.get("/v1/contacts?limit=2").await.expect(200);
    assert_eq!(page.data().len(), 2);
    let link = page.header("link").unwrap().strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let last = agent.get(link).await.expect(200);
    assert_eq!((last.data().len(), &last["next_cursor"]), (1, &Value::Null));
}

#[actix_web::test]
async fn of_fifty_who_make_one_contact_at_once_one_does() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let make = |n: usize| {
        let address = if n.is_multiple_of(2) { "ada@example.com" } else { "ADA@example.com" };
        agent.post("/v1/contacts", json!({ "medium": "email", "address": address, "name": format!("{n}") }))
    };
    let answers = race((0..50).map(make)).await;
    let mut made = Vec::new();
    for answer in answers {
        match answer.status {
            201 => made.push(answer.id()),
            _ => drop(answer.problem(409, "contact_exists")),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(agent.get("/v1/contacts").await.expect(200).each("id"), made);
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'contact.created'"), 1);
}

#[actix_web::test]
async fn what_is_wrong_with_a_question_is_named() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    for (query, field, code) in [
        ("limit=0", "limit", "range"),
        ("limit=201", "limit", "range"),
        ("limit=many", "limit", "type"),
        ("sort=address", "sort", "choice"),
        ("sort=name&sort=name", "sort", "repeated"),
        ("address=a&address=b", "address", "repeated"),
        ("medium=pigeon", "medium", "choice"),
        ("profile_id=1", "profile_id", "type"),
        ("attached=maybe", "attached", "type"),
        ("colour=red", "colour", "unknown"),
        ("count=all", "count", "choice"),
        ("q=%00", "q", "nul"),
    ] {
        let refused = agent.get(&format!("/v1/contacts?{query}")).await.wrong_fields(&[(field, code)]);
        assert_eq!(refused["errors"][0]["in"], "query");
    }
    agent.get("/v1/contacts?limit=0&colour=red&medium=pigeon").await.wrong_fields(&[
        ("limit", "range"),
        ("colour", "unknown"),
        ("medium", "choice"),
    ]);
}
