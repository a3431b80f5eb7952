//! The timeline of contacts and profiles, as agents read it.

use serde_json::{Value, json};

use crate::support::{Client, World};

async fn channel(client: &Client, medium: &str) -> String {
    client.post("/v1/channels", json!({ "name": medium, "medium": medium })).await.expect(201).id()
}

/// A message at a minute of one hour, in the named conversation; gives the answer to it.
async fn inbound(client: &Client, channel: &str, address: &str, conversation: &str, minute: u32) -> Value {
    let message = json!({
        "external_id": format!("{address} {conversation} {minute}"), "from": { "address": address },
        "conversation": { "external_id": conversation, "subject": conversation },
        "body": format!("At {minute}"), "sent_at": format!("2026-03-01T10:{minute:02}:00Z"),
    });
    client.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201).json
}

/// A raw e-mail; gives the answer to it.
async fn mail(client: &Client, channel: &str, from: &str, minute: u32, id: &str, references: &str, end: &str) -> Value {
    let text = format!(
        "From: {from}\r\nMessage-ID: <{id}@example.com>\r\n{references}Subject: Lamp\r\n\
         Date: Sun, 1 Mar 2026 10:{minute:02}:00 +0000\r\nMIME-Version: 1.0\r\n{end}"
    );
    let path = format!("/v1/channels/{channel}/inbound");
    client.request(reqwest::Method::POST, &path).raw("message/rfc822", text).await.expect(201).json
}

fn text(made: &Value, member: &str) -> String {
    made[member].as_str().unwrap().to_owned()
}

async fn attach(client: &Client, contact: &str, profile: &str) {
    let body = json!({ "profile_id": profile, "on_conflict": "move" });
    client.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(200);
}

async fn types(client: &Client, path: &str) -> Vec<String> {
    client.get(path).await.expect(200).each("type")
}

fn ids(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn an_agent_sees_all_that_happened() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let city = json!({ "key": "city", "label": "City", "type": "text" });
    admin.post("/v1/profile-fields", city).await.expect(201);
    let mails = channel(&admin, "email").await;
    let made = mail(
        &admin,
        &mails,
        "Ada <ada@example.com>",
        1,
        "one",
        "",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nMy lamp broke\r\n\
         <img src=\"cid:logo\">\r\n--b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo>\r\nContent-Disposition: inline; \
         filename=logo.png\r\n\r\nGIF89a\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; \
         filename=lamp.txt\r\n\r\nlamp\r\n--b--\r\n",
    )
    .await;
    let (contact, conversation) = (text(&made, "contact_id"), text(&made, "conversation_id"));
    let body = json!({ "new_profile": { "name": "Ada", "fields": { "city": "Paris" } } });
    let attached = grace.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(201);
    let profile = attached.text("/profile/id");
    let timeline = format!("/v1/profiles/{profile}/timeline");

    let body = json!({ "name": "Ada L.", "fields": { "city": "London" } });
    grace.patch(&format!("/v1/profiles/{profile}"), body).await.expect(200);
    grace.patch(&format!("/v1/contacts/{contact}"), json!({ "name": "Ada Lovelace" })).await.expect(200);
    let body = json!({ "status": "closed", "assignee_id": grace.id });
    grace.patch(&format!("/v1/conversations/{conversation}"), body).await.expect(200);
    let answer = json!({ "body": "It is on its way." });
    grace.post(&format!("/v1/conversations/{conversation}/messages"), answer).await.expect(201);
    for on in [format!("profiles/{profile}"), format!("contacts/{contact}"), format!("conversations/{conversation}")] {
        let note = grace.post(&format!("/v1/{on}/notes"), json!({ "body": "Secret" })).await.expect(201).id();
        grace.patch(&format!("/v1/notes/{note}"), json!({ "pinned": true })).await.expect(200);
        if !on.starts_with("profiles") {
            grace.patch(&format!("/v1/notes/{note}"), json!({ "body": "More secret" })).await.expect(200);
        }
        if on.starts_with("conversations") {
            grace.delete(&format!("/v1/notes/{note}")).await.expect(204);
        }
    }
    let entries = grace.get(&timeline).await.expect(200).data();
    let kinds: Vec<_> = entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "note_deleted",
            "note_edited",
            "note_created",
            "note_edited",
            "note_created",
            "note_created",
            "message",
            "assignee_changed",
            "status_changed",
            "contact_renamed",
            "profile_updated",
            "contact_attached",
            "profile_created",
            "file",
            "message",
        ]
    );
    let one = |kind: &str| entries.iter().rfind(|entry| entry["type"] == kind).unwrap();
    assert_eq!(one("message")["at"], "2026-03-01T10:01:00Z");
    assert_eq!(one("message")["data"]["message"]["body"].as_str().unwrap().trim(), "My lamp broke");
    assert_eq!(one("message")["actor"]["type"], "channel");
    assert_eq!(one("message")["conversation_id"], conversation.as_str());
    assert_eq!(one("message")["contact"]["address"], "ada@example.com");
    assert_eq!(entries[6]["actor"]["name"], "Grace");
    assert_eq!(one("file")["data"]["file"]["filename"], "lamp.txt");
    assert_eq!(one("file")["actor"]["type"], "channel");
    assert_eq!(one("status_changed")["data"]["status"], json!({ "old": "open", "new": "closed" }));
    assert_eq!(one("status_changed")["data"]["conversation"]["subject"], "Lamp");
    assert_eq!(one("assignee_changed")["data"]["assignee"]["new"]["name"], "Grace");
    assert_eq!(one("assignee_changed")["data"]["assignee"]["old"], Value::Null);
    assert_eq!(one("profile_updated")["actor"]["name"], "Grace");
    assert_eq!(one("profile_updated")["contact"], Value::Null);
    assert_eq!(
        one("profile_updated")["data"]["changes"],
        json!([
            { "field": "name", "label": null, "old": "Ada", "new": "Ada L." },
            { "field": "fields.city", "label": "City", "old": "Paris", "new": "London" },
        ])
    );
    assert_eq!(one("contact_renamed")["data"]["changes"][0]["new"], "Ada Lovelace");
    assert_eq!(one("contact_attached")["data"]["profile"]["name"], "Ada L.");
    assert_eq!(one("contact_attached")["contact"]["id"], contact.as_str());
    assert_eq!(one("profile_created")["data"]["profile"]["id"], profile.as_str());
    // What a deleted note said is gone, who wrote and deleted it and when is not.
    let bodies: Vec<_> = entries[..6].iter().map(|entry| &entry["data"]["note"]["body"]).collect();
    assert_eq!(
        bodies,
        [&Value::Null, &Value::Null, &Value::Null, &json!("More secret"), &json!("Secret"), &json!("Secret")]
    );
    assert_eq!(entries[0]["actor"]["name"], "Grace");

    let of_contact = format!("/v1/contacts/{contact}/timeline");
    let told = types(&grace, &of_contact).await;
    assert_eq!(told.iter().filter(|kind| kind.starts_with("profile")).count(), 0);
    assert_eq!(told.iter().filter(|kind| kind.starts_with("contact")).count(), 3, "{told:?}");
    for (filter, found) in [
        ("types=message", vec!["message", "message"]),
        ("types=file&types=profile_created", vec!["profile_created", "file"]),
        ("types=status_changed&types=assignee_changed", vec!["assignee_changed", "status_changed"]),
        ("types=contact_attached&types=contact_created", vec!["contact_attached"]),
        ("types=contact_deleted", vec![]),
    ] {
        assert_eq!(types(&grace, &format!("{timeline}?{filter}")).await, found, "{filter}");
    }
    assert_eq!(grace.get(&format!("{timeline}?count=exact")).await.expect(200)["count"]["value"], 15);
    let counted =
        grace.get(&format!("{timeline}?types=status_changed&types=contact_created&types=file&count=exact")).await;
    assert_eq!(counted.expect(200)["count"]["value"], 2);
    assert_eq!(grace.get(&format!("{timeline}?count=estimate")).await.expect(200)["count"]["exact"], false);
    grace
        .get(&format!("{timeline}?types=pigeon&limit=0"))
        .await
        .wrong_fields(&[("types", "choice"), ("limit", "range")]);
    let stranger = world.stranger().await;
    stranger.get(&timeline).await.problem(404, "profile_not_found");
    stranger.get(&of_contact).await.problem(404, "contact_not_found");
}

#[actix_web::test]
async fn a_frontend_jumps_to_a_date_and_scrolls_both_ways() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    for minute in 0..24 {
        let address = format!("+3161234567{}", minute % 3);
        let made = inbound(&admin, &whatsapp, &address, &address, minute).await;
        attach(&admin, &text(&made, "contact_id"), &profile).await;
    }
    let timeline = format!("/v1/profiles/{profile}/timeline");
    let all = admin.get(&timeline).await.expect(200);
    let entries = all.data();
    assert_eq!(entries.len(), 28);
    assert_eq!((&all["before"], &all["next_cursor"]), (&Value::Null, &Value::Null));
    for limit in [1, 5, 27, 28] {
        assert_eq!(ids(&admin.walk(&timeline, limit).await), ids(&entries), "{limit}");
    }
    let messages: Vec<Value> = entries.iter().filter(|entry| entry["type"] == "message").cloned().collect();

    let page = admin.get(&format!("{timeline}?at=2026-03-01T10:11:00Z&limit=5")).await.expect(200);
    assert_eq!(page.data()[0]["at"], "2026-03-01T10:11:00Z");
    assert_eq!(ids(&page.data()), ids(&messages[12..17]));
    // Down to the first, up to the last, and nothing twice.
    let mut seen = page.data();
    let mut before = page.json["before"].clone();
    assert_eq!(before, page["next_cursor"]);
    while let Some(cursor) = before.as_str() {
        let next = admin.get(&format!("{timeline}?before={cursor}&limit=5")).await.expect(200);
        seen.extend(next.data());
        before = next.json["before"].clone();
    }
    let mut after = page.text("/after");
    loop {
        let next = admin.get(&format!("{timeline}?after={after}&limit=5")).await.expect(200);
        assert!(next["before"].is_string());
        if next.data().is_empty() {
            assert_eq!(next.text("/after"), after);
            break;
        }
        seen.splice(0..0, next.data());
        after = next.text("/after");
    }
    assert_eq!(ids(&seen), ids(&entries));
    // Back again from the second page.
    let first = admin.get(&format!("{timeline}?limit=5")).await.expect(200);
    let second = admin.get(&format!("{timeline}?limit=5&cursor={}", first.text("/next_cursor"))).await.expect(200);
    let back = admin.get(&format!("{timeline}?limit=5&after={}", second.text("/after"))).await.expect(200);
    assert_eq!((ids(&back.data()), &back["after"]), (ids(&first.data()), &first["after"]));
    assert_eq!(back["before"], first["before"]);

    // A day is that of the organization.
    let day = admin.get(&format!("{timeline}?at=2026-03-01&types=message&limit=3")).await.expect(200);
    assert_eq!(ids(&day.data()), ids(&messages[..3]));
    let earlier = admin.get(&format!("{timeline}?at=2026-02-28&limit=3")).await.expect(200);
    assert_eq!((earlier.data().len(), &earlier["before"]), (0, &Value::Null));
    let oldest = admin.get(&format!("{timeline}?limit=3&after={}", earlier.text("/after"))).await.expect(200);
    assert_eq!(ids(&oldest.data()), ids(&entries[25..]));
    assert_eq!((&oldest["before"], oldest.header("link")), (&Value::Null, None));
    let found = admin.get(&format!("{timeline}?limit=3&q=message&at=2026-02-28")).await.expect(200).text("/after");
    let found = admin.get(&format!("{timeline}?limit=3&q=message&after={found}")).await.expect(200);
    assert_eq!(found["before"], Value::Null);

    let cursor = first.text("/before");
    for query in
        [format!("before={cursor}&types=message"), format!("after={cursor}&types=message"), "after=x".to_owned()]
    {
        admin.get(&format!("{timeline}?{query}")).await.problem(422, "cursor_invalid");
    }
    for (one, other) in [("before", "after"), ("before", "at"), ("after", "at"), ("cursor", "after"), ("cursor", "at")]
    {
        let place = |name| if name == "at" { "2026-03-01" } else { &cursor };
        let both = admin.get(&format!("{timeline}?{one}={}&{other}={}", place(one), place(other))).await;
        both.wrong_fields(&[(one, "exclusive"), (other, "exclusive")]);
    }
    // The link to the next page is one that is taken.
    for begin in ["at=2026-03-01T10:11:00Z", &format!("before={cursor}"), &format!("after={}", oldest.text("/after"))] {
        let page = admin.get(&format!("{timeline}?{begin}&limit=1")).await.expect(200);
        let link = page.header("link").and_then(|link| link.strip_prefix('<')?.split('>').next()).unwrap().to_owned();
        assert_eq!(admin.get(&link).await.expect(200).data().len(), 1, "{link}");
    }
    admin.get(&format!("{timeline}?at=yesterday")).await.wrong_fields(&[("at", "type")]);
}

#[actix_web::test]
async fn a_frontend_asks_again_and_again_for_what_is_new() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let note = async |body: &str| {
        admin.post(&format!("/v1/profiles/{profile}/notes"), json!({ "body": body })).await.expect(201);
    };
    // From a page with entries, from one without, and from a search that found nothing.
    for filter in ["", "types=note_created&", "q=lamp&"] {
        let timeline = format!("/v1/profiles/{profile}/timeline?{filter}");
        let newest = admin.get(&format!("{timeline}limit=1")).await.expect(200);
        let mut after = newest.text("/after");
        for _ in 0..2 {
            let nothing = admin.get(&format!("{timeline}after={after}")).await.expect(200);
            assert_eq!((nothing.data().len(), nothing.text("/after")), (0, after.clone()), "{filter}");
        }
        for body in ["One lamp", "Another lamp"] {
            note(body).await;
            let new = admin.get(&format!("{timeline}after={after}")).await.expect(200);
            let said: Vec<_> = new.data().iter().map(|entry| entry["data"]["note"]["body"].clone()).collect();
            assert_eq!(said, [body], "{filter}");
            after = new.text("/after");
        }
        world.database.execute("DELETE FROM timeline_entries WHERE type = 'note_created'");
    }
}

#[actix_web::test]
async fn a_changed_subject_is_told_and_found() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let whatsapp = channel(&admin, "whatsapp").await;
    let made = inbound(&admin, &whatsapp, "+31612345678", "one", 1).await;
    let conversation = format!("/v1/conversations/{}", text(&made, "conversation_id"));
    let timeline = format!("/v1/contacts/{}/timeline", text(&made, "contact_id"));
    grace.patch(&conversation, json!({ "subject": "Broken lamp" })).await.expect(200);
    grace.patch(&conversation, json!({ "subject": "Refund", "status": "closed" })).await.expect(200);
    let told = admin.get(&format!("{timeline}?types=subject_changed")).await.expect(200).data();
    let changes: Vec<_> = told.iter().map(|entry| entry["data"]["subject"].clone()).collect();
    let expected = [json!({ "old": "Broken lamp", "new": "Refund" }), json!({ "old": "one", "new": "Broken lamp" })];
    assert_eq!(changes, expected);
    assert_eq!((&told[0]["actor"]["name"], &told[0]["contact"]["address"]), (&json!("Grace"), &json!("+31612345678")));
    // The change of status that was made with it doesn't say it.
    for (q, hits) in [("refund", 1), ("lamp", 2), ("closed", 0)] {
        let found = admin.get(&format!("{timeline}?q={q}&count=exact")).await.expect(200);
        assert!(found.data().iter().all(|entry| entry["type"] == "subject_changed"), "{q}");
        assert_eq!((found.data().len(), &found["count"]["value"]), (hits, &json!(hits)), "{q}");
    }
    let snippet = &admin.get(&format!("{timeline}?q=refund")).await.expect(200).data()[0]["snippet"];
    assert_eq!(*snippet, "Broken lamp — <mark>Refund</mark>");
}

#[actix_web::test]
async fn what_did_not_change_is_seen_once_while_others_write() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let whatsapp = channel(&admin, "whatsapp").await;
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let mut contact = String::new();
    for minute in 0..20 {
        let made = inbound(&admin, &whatsapp, "+31612345678", "one", 2 * minute).await;
        contact = text(&made, "contact_id");
    }
    attach(&admin, &contact, &profile).await;
    let timeline = format!("/v1/profiles/{profile}/timeline");
    let before = grace.walk(&timeline, 50).await;
    let mut page = grace.get(&format!("{timeline}?limit=3")).await.expect(200);
    let mut seen = page.data();
    let mut minute = 1;
    while let Some(cursor) = page["next_cursor"].as_str() {
        // Older and newer than where the reader is.
        inbound(&admin, &whatsapp, "+31612345678", "one", minute).await;
        admin.post(&format!("/v1/profiles/{profile}/notes"), json!({ "body": "Note" })).await.expect(201);
        minute += 2;
        page = grace.get(&format!("{timeline}?limit=3&cursor={cursor}")).await.expect(200);
        seen.extend(page.data());
    }
    let seen = ids(&seen);
    for id in ids(&before) {
        assert_eq!(seen.iter().filter(|other| **other == id).count(), 1);
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
}

#[actix_web::test]
async fn attached_contacts_bring_their_timeline_and_take_it_along() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let made = inbound(&admin, &whatsapp, "+31612345678", "one", 1).await;
    let contact = text(&made, "contact_id");
    admin.post(&format!("/v1/contacts/{contact}/notes"), json!({ "body": "Note" })).await.expect(201);
    let profile = async |name: &str| admin.post("/v1/profiles", json!({ "name": name })).await.expect(201).id();
    let (one, other) = (profile("One").await, profile("Other").await);
    let (of_one, of_other) = (format!("/v1/profiles/{one}/timeline"), format!("/v1/profiles/{other}/timeline"));
    assert_eq!(types(&admin, &of_one).await, ["profile_created"]);
    attach(&admin, &contact, &one).await;
    assert_eq!(types(&admin, &of_one).await, ["contact_attached", "profile_created", "note_created", "message"]);
    attach(&admin, &contact, &other).await;
    assert_eq!(types(&admin, &of_one).await, ["contact_moved", "contact_attached", "profile_created"]);
    // Where the contact was before is not this profile's.
    assert_eq!(types(&admin, &of_other).await, ["contact_moved", "profile_created", "note_created", "message"]);
    let moved = &admin.get(&of_other).await.expect(200).data()[0];
    assert_eq!(moved["data"]["from_profile"], json!({ "id": one, "name": "One" }));
    assert_eq!(moved["data"]["profile"]["name"], "Other");
    admin.delete(&format!("/v1/contacts/{contact}/profile")).await.expect(204);
    assert_eq!(types(&admin, &of_other).await, ["contact_detached", "contact_moved", "profile_created"]);
    assert_eq!(
        types(&admin, &format!("/v1/contacts/{contact}/timeline")).await,
        ["contact_detached", "contact_moved", "contact_attached", "note_created", "contact_created", "message"]
    );
    let types_of_contact = format!("{of_other}?types=contact_created&types=message");
    assert!(types(&admin, &types_of_contact).await.is_empty());
}

#[actix_web::test]
async fn a_deleted_contact_is_named_as_it_was() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = async |name: &str| admin.post("/v1/profiles", json!({ "name": name })).await.expect(201).id();
    let (one, other) = (profile("One").await, profile("Other").await);
    let body = json!({ "medium": "voice", "address": "+31612345678", "name": "Ida" });
    let contact = admin.post("/v1/contacts", body.clone()).await.expect(201).id();
    let path = format!("/v1/contacts/{contact}");
    attach(&admin, &contact, &one).await;
    attach(&admin, &contact, &other).await;
    admin.patch(&path, json!({ "name": "Ada" })).await.expect(200);
    let nameless = json!({ "medium": "email", "address": "eva@example.com" });
    let nameless = admin.post("/v1/contacts", nameless).await.expect(201).id();
    attach(&admin, &nameless, &other).await;
    for id in [&contact, &nameless] {
        admin.delete(&format!("/v1/contacts/{id}")).await.expect(204);
    }
    // Whoever comes by that address later is another.
    attach(&admin, &admin.post("/v1/contacts", body).await.expect(201).id(), &other).await;

    let named = async |path: &str, what: &str| -> Vec<(String, String)> {
        let answer = admin.get(path).await.expect(200);
        let name = |contact: &Value| contact["name"].as_str().unwrap_or("-").to_owned();
        let pair = |entry: &Value| (text(entry, what), name(&entry["contact"]));
        answer.data().iter().filter(|entry| entry["contact"] != Value::Null).map(pair).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(what, name)| (what.to_string(), name.to_string())).collect()
    };
    let check = async || {
        assert_eq!(
            named(&format!("/v1/profiles/{other}/timeline"), "type").await,
            pairs(&[
                ("contact_attached", "Ida"),
                ("contact_deleted", "-"),
                ("contact_deleted", "Ada"),
                ("contact_attached", "-"),
                ("contact_moved", "Ada"),
            ])
        );
        assert_eq!(
            named(&format!("/v1/profiles/{other}/history"), "action").await,
            pairs(&[("attached", "Ida"), ("deleted", "-"), ("deleted", "Ada"), ("attached", "-"), ("moved", "Ada")])
        );
        let ada = json!({ "id": contact, "name": "Ada", "medium": "voice", "address": "+31612345678" });
        for history in ["timeline", "history"] {
            let entries = admin.get(&format!("/v1/profiles/{one}/{history}")).await.expect(200);
            assert_eq!(entries.data()[0]["contact"], ada, "{history}");
            assert_eq!(entries.data()[1]["contact"], ada, "{history}");
        }
    };
    check().await;
    // Those of before that was kept are known from what happened to them.
    world.database.execute(include_str!("../../migrations/2026-11-26-050001_deleted_contacts/down.sql"));
    assert!(named(&format!("/v1/profiles/{one}/history"), "action").await.is_empty());
    world.database.execute(include_str!("../../migrations/2026-11-26-050001_deleted_contacts/up.sql"));
    check().await;
}

#[actix_web::test]
async fn who_joins_a_conversation_later_has_what_happened_to_it() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let mails = channel(&admin, "email").await;
    let plain = "\r\nHello\r\n";
    let first = mail(&admin, &mails, "ada@example.com", 1, "one", "", plain).await;
    let conversation = format!("/v1/conversations/{}", text(&first, "conversation_id"));
    grace.patch(&conversation, json!({ "status": "closed" })).await.expect(200);
    grace.post(&format!("{conversation}/notes"), json!({ "body": "Note" })).await.expect(201);
    let reply = "References: <one@example.com>\r\n";
    let later = mail(&admin, &mails, "bob@example.com", 2, "two", reply, plain).await;
    assert_eq!(first["conversation_id"], later["conversation_id"]);
    // What comes in opens it again.
    let told = ["status_changed", "note_created", "status_changed"];
    let of = |made: &Value| format!("/v1/contacts/{}/timeline", text(made, "contact_id"));
    let of_conversation = "types=status_changed&types=note_created";
    for made in [&first, &later] {
        assert_eq!(types(&admin, &format!("{}?{of_conversation}", of(made))).await, told);
    }
    // Contacts of one profile tell it once.
    let profile = admin.post("/v1/profiles", json!({ "name": "Both" })).await.expect(201).id();
    attach(&admin, &text(&first, "contact_id"), &profile).await;
    attach(&admin, &text(&later, "contact_id"), &profile).await;
    let timeline = format!("/v1/profiles/{profile}/timeline");
    let all = admin.get(&timeline).await.expect(200).data();
    assert_eq!(all.len(), 8, "{all:#?}");
    assert_eq!(ids(&admin.walk(&timeline, 1).await), ids(&all));
    assert_eq!(types(&admin, &format!("{timeline}?{of_conversation}")).await, told);
    assert_eq!(ids(&admin.walk(&format!("{timeline}?{of_conversation}"), 1).await).len(), 3);
}

#[actix_web::test]
async fn conversations_that_become_one_have_one_timeline() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let mails = channel(&admin, "email").await;
    let plain = "\r\nHello\r\n";
    let one = mail(&admin, &mails, "ada@example.com", 1, "one", "", plain).await;
    let two = mail(&admin, &mails, "bob@example.com", 2, "two", "", plain).await;
    for made in [&one, &two] {
        let conversation = format!("/v1/conversations/{}", text(made, "conversation_id"));
        grace.patch(&conversation, json!({ "assignee_id": grace.id })).await.expect(200);
        grace.post(&format!("{conversation}/notes"), json!({ "body": "Note" })).await.expect(201);
    }
    let both = "References: <one@example.com> <two@example.com>\r\n";
    let three = mail(&admin, &mails, "eve@example.com", 3, "three", both, plain).await;
    for made in [&one, &two, &three] {
        let path =
            format!("/v1/contacts/{}/timeline?types=note_created&types=assignee_changed", text(made, "contact_id"));
        let entries = admin.get(&path).await.expect(200);
        assert_eq!(entries.each("type"), ["note_created", "assignee_changed", "note_created", "assignee_changed"]);
        for entry in entries.data() {
            assert_eq!(entry["conversation_id"], three["conversation_id"]);
            assert_eq!(entry["contact"]["id"], made["contact_id"]);
        }
    }
}

/// A message at a minute of one hour that says something; gives the answer to it.
async fn said(client: &Client, channel: &str, address: &str, minute: u32, body: &str) -> Value {
    let message = json!({
        "external_id": format!("{address} {minute}"), "from": { "address": address },
        "body": body, "sent_at": format!("2026-03-01T10:{minute:02}:00Z"),
    });
    client.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201).json
}

/// The snippets of what a search finds.
async fn snippets(client: &Client, path: &str) -> Vec<String> {
    client.get(path).await.expect(200).each("snippet")
}

#[actix_web::test]
async fn an_agent_searches_all_that_happened() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let city = json!({ "key": "city", "label": "City", "type": "text" });
    admin.post("/v1/profile-fields", city).await.expect(201);
    let mails = channel(&admin, "email").await;
    let end = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         My <b>shade</b> & \"shade\" broke\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; \
         filename=\"shade <1>.txt\"\r\n\r\nlamp\r\n--b\r\nContent-Type: text/html\r\n\r\n\
         <img src=\"cid:logo\">\r\n--b\r\nContent-Type: image/png; name=shade.png\r\n\
         Content-ID: <logo>\r\nContent-Disposition: inline; filename=shade.png\r\n\r\nGIF89a\r\n--b--\r\n";
    let made = mail(&admin, &mails, "ada@example.com", 1, "one", "", end).await;
    let (contact, conversation) = (text(&made, "contact_id"), text(&made, "conversation_id"));
    let body = json!({ "new_profile": { "name": "Shade Ltd", "fields": { "city": "Paris" } } });
    let profile = grace.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(201).text("/profile/id");
    let of_profile = format!("/v1/profiles/{profile}/timeline");
    let of_contact = format!("/v1/contacts/{contact}/timeline");
    let note = async |on: String, body: &str| {
        grace.post(&format!("/v1/{on}/notes"), json!({ "body": body })).await.expect(201).id()
    };
    let edited = note(format!("profiles/{profile}"), "A shade was sent").await;
    grace.patch(&format!("/v1/notes/{edited}"), json!({ "body": "Two lamps were sent" })).await.expect(200);
    let deleted = note(format!("conversations/{conversation}"), "No shade left").await;
    grace.patch(&format!("/v1/notes/{deleted}"), json!({ "body": "No shades left" })).await.expect(200);
    grace.patch(&format!("/v1/conversations/{conversation}"), json!({ "status": "closed" })).await.expect(200);
    grace.patch(&format!("/v1/contacts/{contact}"), json!({ "name": "Ada Shade" })).await.expect(200);
    let body = json!({ "name": "Lamp Ltd", "fields": { "city": "London" } });
    grace.patch(&format!("/v1/profiles/{profile}"), body).await.expect(200);

    let found = grace.get(&format!("{of_profile}?q=shade")).await.expect(200);
    let hits: Vec<(String, String)> = found.each("type").into_iter().zip(found.each("snippet")).collect();
    let hits: Vec<(&str, &str)> = hits.iter().map(|(kind, snippet)| (kind.as_str(), snippet.as_str())).collect();
    assert_eq!(
        hits,
        [
            ("profile_updated", "<mark>Shade</mark> Ltd — Lamp Ltd — Paris — London"),
            ("contact_renamed", "Ada <mark>Shade</mark>"),
            ("note_edited", "No <mark>shades</mark> left"),
            ("note_created", "No <mark>shade</mark> left"),
            ("note_created", "A <mark>shade</mark> was sent"),
            ("profile_created", "<mark>Shade</mark> Ltd — Paris"),
            ("file", "<mark>shade</mark> &lt;1&gt;.txt"),
            ("message", "Lamp — My &lt;b&gt;<mark>shade</mark>&lt;/b&gt; &amp; &quot;<mark>shade</mark>&quot; broke"),
        ]
    );
    assert_eq!(found["truncated"], false);
    let plain = grace.get(&of_profile).await.expect(200);
    assert!(plain["truncated"].is_null() && plain.data().iter().all(|entry| entry["snippet"].is_null()));
    // A hit is the entry that it is without a search.
    for mut hit in found.data() {
        hit.as_object_mut().unwrap().remove("snippet");
        assert!(plain.data().contains(&hit), "{hit}");
    }
    let told = "types=message&types=note_edited&types=status_changed";
    for (path, kinds) in [
        (format!("{of_contact}?q=shade"), vec!["contact_renamed", "note_edited", "note_created", "file", "message"]),
        (format!("{of_contact}?q=ada"), vec!["contact_renamed", "contact_created"]),
        (format!("{of_profile}?q=ada"), vec!["contact_renamed"]),
        (format!("{of_profile}?q=shade&{told}"), vec!["note_edited", "message"]),
        (format!("{of_profile}?q=closed&types=status_changed"), vec![]),
        (format!("{of_profile}?q=paris"), vec!["profile_updated", "profile_created"]),
        (format!("{of_profile}?q=lamps"), vec!["profile_updated", "note_edited", "message"]),
        (format!("{of_profile}?q=--"), vec![]),
        (format!("{of_profile}?q=+&types=file"), vec!["file"]),
    ] {
        assert_eq!(types(&grace, &path).await, kinds, "{path}");
        let counted = grace.get(&format!("{path}&count=exact")).await.expect(200);
        assert_eq!(counted["count"]["value"], kinds.len(), "{path}");
    }
    // What a deleted note said is found no more.
    grace.delete(&format!("/v1/notes/{deleted}")).await.expect(204);
    assert!(types(&grace, &format!("{of_profile}?q=left")).await.is_empty());
    assert_eq!(types(&grace, &format!("{of_profile}?q=shade&types=note_created")).await, ["note_created"]);

    let long = "a".repeat(201);
    grace.get(&format!("{of_profile}?q={long}&limit=0")).await.wrong_fields(&[("q", "length"), ("limit", "range")]);
    let stranger = world.stranger().await;
    stranger.get(&format!("{of_profile}?q=shade")).await.problem(404, "profile_not_found");
    stranger.get(&format!("{of_contact}?q=shade")).await.problem(404, "contact_not_found");
    let own = stranger.post("/v1/profiles", json!({ "name": "Shade" })).await.expect(201).id();
    assert_eq!(types(&stranger, &format!("/v1/profiles/{own}/timeline?q=shade")).await, ["profile_created"]);
}

#[actix_web::test]
async fn an_agent_finds_words_phrases_and_beginnings() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let texts = [
        "The deliveries were late, José said",
        "A late delivery; and the lamp shade",
        "東京都に住んでいます",
        "Your order R-2024 is late",
    ];
    let mut contact = String::new();
    for (minute, body) in (0..).zip(texts) {
        contact = text(&said(&admin, &whatsapp, "+31612345678", minute, body).await, "contact_id");
    }
    for (q, found) in [
        ("late+", vec![3, 1, 0]),
        ("delivery+", vec![1, 0]),
        ("%22deliveries%22", vec![0]),
        ("deli", vec![1, 0]),
        ("deli+", vec![]),
        ("JOSE", vec![0]),
        ("%22late+delivery%22", vec![1]),
        ("late+-%22lamp+shade%22", vec![3, 0]),
        ("late+-deliveries", vec![3]),
        ("京都", vec![2]),
        ("%22住んで%22", vec![2]),
        ("R-2024", vec![3]),
        ("late+tokyo", vec![]),
    ] {
        let hits = admin.get(&format!("/v1/contacts/{contact}/timeline?q={q}")).await.expect(200).data();
        let bodies: Vec<_> = hits.iter().map(|hit| hit["data"]["message"]["body"].as_str().unwrap()).collect();
        let wanted: Vec<_> = found.into_iter().map(|place: usize| texts[place]).collect();
        assert_eq!(bodies, wanted, "{q}");
        assert!(hits.iter().all(|hit| hit["snippet"].as_str().unwrap().contains("<mark>")), "{q}");
    }
    // Behind the part of a long text that an entry shows.
    said(&admin, &whatsapp, "+31612345678", 5, &format!("{} needle", "hay ".repeat(1000))).await;
    let hit = &snippets(&admin, &format!("/v1/contacts/{contact}/timeline?q=needle")).await[0];
    assert!(hit.starts_with("…hay") && hit.ends_with("<mark>needle</mark>"), "{hit}");
}

#[actix_web::test]
async fn a_frontend_walks_what_it_found_in_both_directions() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    for minute in 0..24 {
        let body = if minute % 2 == 0 { "A lamp" } else { "A shade" };
        let made = said(&admin, &whatsapp, &format!("+3161234567{}", minute % 3), minute, body).await;
        attach(&admin, &text(&made, "contact_id"), &profile).await;
        admin.post(&format!("/v1/profiles/{profile}/notes"), json!({ "body": body })).await.expect(201);
    }
    let timeline = format!("/v1/profiles/{profile}/timeline?q=lamp");
    let entries = admin.get(&timeline).await.expect(200).data();
    assert_eq!(entries.len(), 24);
    for limit in [1, 5, 23, 24, 25] {
        assert_eq!(ids(&admin.walk(&timeline, limit).await), ids(&entries), "{limit}");
    }
    let exact = admin.get(&format!("{timeline}&limit=24")).await.expect(200);
    assert_eq!((exact.data().len(), &exact["before"]), (24, &Value::Null));

    // At 10:11 a shade was asked for, at 10:10 a lamp.
    for types in ["", "&types=message", "&types=message&types=note_created"] {
        let found = admin.get(&format!("{timeline}{types}")).await.expect(200).data();
        let page = admin.get(&format!("{timeline}{types}&at=2026-03-01T10:11:00Z&limit=4")).await.expect(200);
        assert_eq!(page.data()[0]["at"], "2026-03-01T10:10:00Z");
        let mut seen = page.data();
        let mut before = page.json["before"].clone();
        while let Some(cursor) = before.as_str() {
            let next = admin.get(&format!("{timeline}{types}&before={cursor}&limit=2")).await.expect(200);
            seen.extend(next.data());
            before = next.json["before"].clone();
        }
        let mut after = page.text("/after");
        loop {
            let next = admin.get(&format!("{timeline}{types}&after={after}&limit=5")).await.expect(200);
            assert!(next["before"].is_string());
            if next.data().is_empty() {
                assert_eq!(next.text("/after"), after);
                break;
            }
            seen.splice(0..0, next.data());
            after = next.text("/after");
        }
        assert_eq!(ids(&seen), ids(&found), "{types}");
    }
    // Nothing newer has the word, though there is something newer.
    let newest = admin.get(&format!("{timeline}&types=message&at=2026-03-01T10:22:00Z&limit=1")).await.expect(200);
    assert_eq!(newest.data()[0]["at"], "2026-03-01T10:22:00Z");
    let newer = admin.get(&format!("{timeline}&types=message&after={}", newest.text("/after"))).await.expect(200);
    assert_eq!((newer.data().len(), &newer["after"]), (0, &newest["after"]));
    let cursor = newest.text("/before");
    admin.get(&format!("{timeline}&types=message&before={cursor}&after={cursor}")).await.problem(422, "invalid");
    for other in ["shade", "lamps", ""] {
        let path = format!("/v1/profiles/{profile}/timeline?q={other}&types=message&before={cursor}");
        admin.get(&path).await.problem(422, "cursor_invalid");
    }
}

#[actix_web::test]
async fn hits_come_and_go_with_their_contact() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let made = said(&admin, &whatsapp, "+31612345678", 1, "A lamp").await;
    let contact = text(&made, "contact_id");
    admin.post(&format!("/v1/contacts/{contact}/notes"), json!({ "body": "Lamp" })).await.expect(201);
    let profile = async |name: &str| admin.post("/v1/profiles", json!({ "name": name })).await.expect(201).id();
    let (one, other) = (profile("One").await, profile("Other").await);
    let found = async |profile: &str| types(&admin, &format!("/v1/profiles/{profile}/timeline?q=lamp")).await;
    assert!(found(&one).await.is_empty());
    attach(&admin, &contact, &one).await;
    assert_eq!(found(&one).await, ["note_created", "message"]);
    attach(&admin, &contact, &other).await;
    assert!(found(&one).await.is_empty());
    assert_eq!(found(&other).await, ["note_created", "message"]);
    admin.delete(&format!("/v1/contacts/{contact}/profile")).await.expect(204);
    assert!(found(&other).await.is_empty());
}

/// 12,000 messages that don't have the word, between two that have it.
#[actix_web::test]
async fn a_search_of_a_timeline_that_is_cut_short_says_so_and_goes_on() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let made = said(&admin, &whatsapp, "+31612345678", 0, "needle in the hay").await;
    let (contact, message) = (text(&made, "contact_id"), text(&made, "message_id"));
    world.database.execute(&format!(
        "INSERT INTO messages (organization_id, id, conversation_id, channel_id, contact_id, type, direction, body, occurred_at, search, search_edition)
            SELECT organization_id, gen_random_uuid(), conversation_id, channel_id, contact_id, 'message', 'inbound', 'hay', occurred_at + n * interval '0.1 s',
            ('hay:1B ''@' || right(replace(organization_id::text, '-', ''), 12) || '''')::tsvector, 1
            FROM messages, generate_series(1, 12000) n WHERE id = '{message}';
        ANALYZE messages, event_texts, attachments;"
    ));
    said(&admin, &whatsapp, "+31612345678", 59, "another needle").await;
    let timeline = format!("/v1/contacts/{contact}/timeline?q=needle");
    // Rare: the index of words finds it at once.
    let found = admin.get(&timeline).await.expect(200);
    assert_eq!((found.data().len(), &found["truncated"], &found["before"]), (2, &json!(false), &Value::Null));
    let first = admin.get(&format!("{timeline}&limit=1")).await.expect(200);
    assert_eq!(ids(&first.data()), ids(&found.data()[..1]));
    let second = admin.get(&format!("{timeline}&limit=1&before={}", first.text("/before"))).await.expect(200);
    assert_eq!((ids(&second.data()), &second["before"]), (ids(&found.data()[1..]), &Value::Null));
    let back = admin.get(&format!("{timeline}&limit=1&after={}", second.text("/after"))).await.expect(200);
    assert_eq!((ids(&back.data()), &back["after"]), (ids(&first.data()), &first["after"]));
    // Common: the first that are looked at fill the page.
    let hay = admin.get(&format!("/v1/contacts/{contact}/timeline?q=hay&limit=5")).await.expect(200);
    assert_eq!((hay.data().len(), &hay["truncated"]), (5, &json!(false)));
    assert!(hay["before"].is_string());

    // Common as far as is known: the planner takes every entry for one that has it.
    world.database.execute("UPDATE pg_class SET reltuples = 1e8 WHERE relname = 'messages'");
    let page = admin.get(&timeline).await.expect(200);
    assert_eq!((ids(&page.data()), &page["truncated"]), (ids(&found.data()[..1]), &json!(true)));
    let rest = admin.get(&format!("{timeline}&before={}", page.text("/before"))).await.expect(200);
    assert_eq!((ids(&rest.data()), &rest["truncated"]), (ids(&found.data()[1..]), &json!(false)));
    assert_eq!(rest["before"], Value::Null);
    // Up again from the oldest, and what is at a time between them.
    let up = admin.get(&format!("{timeline}&after={}", rest.text("/after"))).await.expect(200);
    assert_eq!((up.data().len(), &up["truncated"]), (0, &json!(true)));
    let top = admin.get(&format!("{timeline}&after={}", up.text("/after"))).await.expect(200);
    assert_eq!((ids(&top.data()), &top["truncated"]), (ids(&found.data()[..1]), &json!(false)));
    let between = admin.get(&format!("{timeline}&at=2026-03-01T10:00:01Z")).await.expect(200);
    assert_eq!(ids(&between.data()), ids(&found.data()[1..]));
    assert!(between["after"].is_string());
}
