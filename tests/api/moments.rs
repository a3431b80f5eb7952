//! Contact moments, the sidebar and the changes, as agents and scripts see them.

use serde_json::{Value, json};

use crate::support::{Client, World, race};

async fn channel(client: &Client, medium: &str) -> String {
    client.post("/v1/channels", json!({ "name": medium, "medium": medium })).await.expect(201).id()
}

/// A message in a conversation of its own, at a minute of one hour; gives the answer to it.
async fn inbound(client: &Client, channel: &str, address: &str, minute: u32, body: &str) -> Value {
    let message = json!({
        "external_id": format!("{address} {minute}"), "from": { "address": address },
        "conversation": { "external_id": format!("{address} {minute}"), "subject": format!("At {minute}") },
        "body": body, "sent_at": format!("2026-03-01T10:{minute:02}:00Z"),
    });
    client.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201).json
}

fn text(made: &Value, member: &str) -> String {
    made[member].as_str().unwrap().to_owned()
}

async fn attach(client: &Client, contact: &str, profile: &str) {
    let body = json!({ "profile_id": profile });
    client.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(200);
}

async fn subjects(client: &Client, path: &str) -> Vec<String> {
    client.get(path).await.expect(200).each("subject")
}

#[actix_web::test]
async fn an_agent_sees_one_history_of_all_contacts() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let (mail, phone) = (channel(&admin, "email").await, channel(&admin, "whatsapp").await);
    let first = inbound(&admin, &mail, "ada@example.com", 1, "My lamp is broken").await;
    inbound(&admin, &mail, "ada@example.com", 3, "Thanks <3 for the lamp & shade").await;
    let second = inbound(&admin, &phone, "+31612345678", 2, "Is anyone there?").await;
    inbound(&admin, &mail, "other@example.com", 4, "A lamp of somebody else").await;
    let profile = grace.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let (one, other) = (text(&first, "contact_id"), text(&second, "contact_id"));
    let history = format!("/v1/profiles/{profile}/contact-moments");

    attach(&grace, &one, &profile).await;
    assert_eq!(subjects(&grace, &history).await, ["At 3", "At 1"]);
    attach(&grace, &other, &profile).await;
    assert_eq!(subjects(&grace, &history).await, ["At 3", "At 2", "At 1"]);
    assert_eq!(subjects(&grace, &format!("/v1/contacts/{one}/contact-moments")).await, ["At 3", "At 1"]);
    // What comes in later is there without anyone doing anything.
    inbound(&admin, &phone, "+31612345678", 5, "Hello again").await;
    assert_eq!(subjects(&grace, &history).await, ["At 5", "At 3", "At 2", "At 1"]);

    let walked: Vec<Value> = grace.walk(&history, 2).await;
    assert_eq!(walked.len(), 4);
    assert_eq!(grace.get(&format!("{history}?limit=4")).await.expect(200)["next_cursor"], Value::Null);
    for (filter, found) in [
        ("medium=whatsapp", vec!["At 5", "At 2"]),
        (&*format!("channel_id={mail}"), vec!["At 3", "At 1"]),
        (&*format!("contact_id={other}"), vec!["At 5", "At 2"]),
        ("status=closed", vec![]),
        ("from=2026-03-01T10:02:00Z&to=2026-03-01T10:05:00Z", vec!["At 3", "At 2"]),
        ("from=2026-03-02", vec![]),
        ("has_attachments=true", vec![]),
        ("has_attachments=false&medium=email", vec!["At 3", "At 1"]),
    ] {
        assert_eq!(subjects(&grace, &format!("{history}?{filter}")).await, found, "{filter}");
    }
    grace
        .get(&format!("{history}?medium=pigeon&limit=0"))
        .await
        .wrong_fields(&[("limit", "range"), ("medium", "choice")]);

    grace.delete(&format!("/v1/contacts/{one}/profile")).await.expect(204);
    assert_eq!(subjects(&grace, &history).await, ["At 5", "At 2"]);
    let stranger = world.stranger().await;
    stranger.get(&history).await.problem(404, "profile_not_found");
    stranger.get(&format!("{history}?q=--")).await.problem(404, "profile_not_found");
    stranger.get(&format!("/v1/contacts/{one}/contact-moments")).await.problem(404, "contact_not_found");
}

#[actix_web::test]
async fn a_customer_of_many_contacts_has_one_history_and_one_gallery() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    // By turns, and the newest of one contact only.
    let who = |minute: u32| if minute < 36 { minute % 12 } else { 3 };
    for minute in 0..42 {
        let message = json!({
            "external_id": minute.to_string(), "from": { "address": format!("ada-{}@example.com", who(minute)) },
            "conversation": { "external_id": minute.to_string(), "subject": format!("At {minute}") },
            "body": "Hello", "sent_at": format!("2026-03-01T10:{minute:02}:00Z"),
            "attachments": [{ "filename": format!("{minute}.txt"), "content_type": "text/plain", "data": "aGVsbG8=" }],
        });
        let made = admin.post(&format!("/v1/channels/{mail}/inbound"), message).await.expect(201).json;
        attach(&admin, &text(&made, "contact_id"), &profile).await;
    }
    for limit in [1, 2, 5, 41, 42] {
        for (list, member, named) in [("contact-moments", "subject", "At #"), ("attachments", "filename", "#.txt")] {
            let walked = admin.walk(&format!("/v1/profiles/{profile}/{list}"), limit).await;
            let walked: Vec<&str> = walked.iter().map(|entry| entry[member].as_str().unwrap()).collect();
            let all: Vec<String> = (0..42).rev().map(|minute| named.replace('#', &minute.to_string())).collect();
            assert_eq!(walked, all, "{list} by {limit}");
        }
    }
    let until = format!("/v1/profiles/{profile}/contact-moments?to=2026-03-01T10:20:00Z&limit=3");
    assert_eq!(subjects(&admin, &until).await, ["At 19", "At 18", "At 17"]);
}

#[actix_web::test]
async fn an_agent_searches_a_history() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    let made = inbound(&admin, &mail, "ada@example.com", 1, "My <b>lamp</b> is broken, the green one").await;
    inbound(&admin, &mail, "ada@example.com", 2, "The lamp shade came, the green shade").await;
    inbound(&admin, &mail, "other@example.com", 3, "A lamp of somebody else").await;
    let history = format!("/v1/contacts/{}/contact-moments", text(&made, "contact_id"));
    for (q, found) in [
        ("lamp", vec!["At 2", "At 1"]),
        ("LÁMP", vec!["At 2", "At 1"]),
        ("lam", vec!["At 2", "At 1"]),
        ("%22lamp+shade%22", vec!["At 2"]),
        ("lamp+-shade", vec!["At 1"]),
        ("green+broken", vec!["At 1"]),
        ("nothing", vec![]),
        ("--", vec![]),
    ] {
        assert_eq!(subjects(&admin, &format!("{history}?q={q}")).await, found, "{q}");
    }
    let hit = &admin.get(&format!("{history}?q=broken")).await.expect(200).data()[0];
    assert_eq!(hit["snippet"], "At 1 — My &lt;b&gt;lamp&lt;/b&gt; is <mark>broken</mark>, the green one");
    assert_eq!((&hit["hit_count"], &hit["hits"][0]["message_id"]), (&json!(1), &made["message_id"]));
    // By what an agent called it, too, which no message says.
    let conversation = format!("/v1/conversations/{}", text(&made, "conversation_id"));
    admin.patch(&conversation, json!({ "subject": "Complaint & refund" })).await.expect(200);
    let found = admin.get(&format!("{history}?q=refund&count=exact")).await.expect(200);
    assert_eq!((found.each("subject"), &found["count"]["value"]), (vec!["Complaint & refund".to_owned()], &json!(1)));
    let hit = &found.data()[0];
    assert_eq!((&hit["snippet"], &hit["hits"]), (&json!("Complaint &amp; <mark>refund</mark>"), &json!([])));
    assert_eq!(hit.get("hit_count"), None);
    assert!(subjects(&admin, &format!("{history}?q=refund+broken")).await.is_empty());
    admin.patch(&conversation, json!({ "subject": null })).await.expect(200);
    assert!(subjects(&admin, &format!("{history}?q=refund")).await.is_empty());
}

#[actix_web::test]
async fn an_image_in_the_text_of_a_mail_is_no_attachment() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = channel(&admin, "email").await;
    let mut contact = String::new();
    for (name, disposition) in [("logo.png", "inline"), ("offer.txt", "attachment")] {
        let mail = format!(
            "From: ada@example.com\r\nMessage-ID: <{name}@example.com>\r\nSubject: With {name}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/related; boundary=X\r\n\r\n\
             --X\r\nContent-Type: text/html\r\n\r\n<p>Hi <img src=\"cid:logo.png\"></p>\r\n\
             --X\r\nContent-ID: <{name}>\r\nContent-Disposition: {disposition}; filename={name}\r\n\
             Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--X--\r\n"
        );
        let inbound = admin.request(reqwest::Method::POST, &format!("/v1/channels/{channel}/inbound"));
        contact = text(&inbound.raw("message/rfc822", mail).await.expect(201).json, "contact_id");
    }
    let history = format!("/v1/contacts/{contact}/contact-moments?count=exact");
    for search in ["", "&q=hi"] {
        for (has, found) in [("true", "With offer.txt"), ("false", "With logo.png")] {
            let list = admin.get(&format!("{history}{search}&has_attachments={has}")).await.expect(200);
            assert_eq!((list.each("subject"), &list["count"]["value"]), (vec![found.to_owned()], &json!(1)), "{has}");
        }
    }
}

#[actix_web::test]
async fn the_sidebar_stands_beside_a_conversation() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    for (key, label) in [("number", "Relation number"), ("city", "City")] {
        admin.post("/v1/profile-fields", json!({ "key": key, "label": label, "type": "text" })).await.expect(201);
    }
    let mail = channel(&admin, "email").await;
    let mut made = Value::Null;
    for minute in 0..12 {
        made = inbound(&admin, &mail, "ada@example.com", minute, "Hello").await;
    }
    let contact = text(&made, "contact_id");
    let sidebar = format!("/v1/conversations/{}/sidebar", text(&made, "conversation_id"));
    let alone = grace.get(&sidebar).await.expect(200);
    assert_eq!(alone["profile"], Value::Null);
    let folder = &alone["contact"]["contact_moments"];
    assert_eq!((&folder["count"], &folder["count_capped"]), (&json!(12), &json!(false)));
    // The folder's cursor goes on in the list of that name.
    let cursor = folder["next_cursor"].as_str().unwrap();
    let rest = grace.get(&format!("/v1/contacts/{contact}/contact-moments?cursor={cursor}")).await.expect(200);
    assert_eq!(rest.each("subject"), ["At 1", "At 0"]);

    let body = json!({ "new_profile": { "name": "Ada", "fields": { "city": "London" } } });
    let attached = grace.put(&format!("/v1/contacts/{contact}/profile?include=sidebar"), body).await.expect(201);
    assert_eq!(attached["previous_profile_id"], Value::Null);
    let note = json!({ "body": "Knows lamps." });
    grace.post(&format!("/v1/profiles/{}/notes", attached.text("/profile/id")), note).await.expect(201);
    let beside = grace.get(&sidebar).await.expect(200);
    let profile = &beside["profile"];
    assert_eq!(profile["profile"]["name"], "Ada");
    assert_eq!(profile["contacts"]["count"], 1);
    assert_eq!(profile["contact_moments"]["count"], 12);
    assert_eq!(profile["notes"]["data"][0]["body"], "Knows lamps.");
    let fields: Vec<_> = profile["profile_fields"].as_array().unwrap().iter().map(|field| &field["value"]).collect();
    assert_eq!(fields, [&Value::Null, &json!("London")]);
    assert_eq!(attached["sidebar"]["profile"]["profile"]["id"], profile["profile"]["id"]);

    let nobody = inbound(&admin, &mail, "other@example.com", 30, "Hello").await;
    let other = text(&nobody, "contact_id");
    grace.get(&format!("{sidebar}?contact_id={other}")).await.problem(404, "contact_not_found");
    world.stranger().await.get(&sidebar).await.problem(404, "conversation_not_found");
}

#[actix_web::test]
async fn a_script_follows_what_happens() {
    let world = World::new().await;
    let admin = world.admin();
    let begin = admin.get("/v1/changes").await.expect(200);
    assert!(begin.data().is_empty());
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let body = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", body).await.expect(201).id();
    attach(&admin, &contact, &profile).await;
    admin.delete(&format!("/v1/profiles/{profile}")).await.expect(204);

    let mut cursor = begin.text("/next_cursor");
    let mut seen: Vec<String> = Vec::new();
    // Transactions of other tests, in the same server, may hold back what is safe to show.
    while seen.last().is_none_or(|last| last != "profile.deleted") {
        let page = admin.get(&format!("/v1/changes?limit=2&wait=10&cursor={cursor}")).await.expect(200);
        // What comes of the organization's beginning may have been held back, too.
        seen.extend(
            page.each("type")
                .into_iter()
                .filter(|kind| !kind.starts_with("organization.") && !kind.starts_with("user.")),
        );
        cursor = page.text("/next_cursor");
    }
    assert_eq!(seen, ["profile.created", "contact.created", "contact.attached", "contact.detached", "profile.deleted"]);
    let after = begin.text("/next_cursor");
    let attached = admin.get(&format!("/v1/changes?type=contact.attached&cursor={after}")).await;
    // Bound to its filters, as every cursor is.
    attached.problem(422, "cursor_invalid");
    let stranger = world.stranger().await;
    assert!(stranger.get("/v1/changes").await.expect(200).data().is_empty());
}

#[actix_web::test]
async fn a_conversation_without_messages_is_a_moment_until_its_first_one() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let made = inbound(&admin, &whatsapp, "+31612345678", 1, "Hello").await;
    let contact = text(&made, "contact_id");
    let body = json!({ "new_profile": { "name": "Ada" } });
    let profile = admin.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(201).text("/profile/id");
    let last = async || admin.get(&format!("/v1/profiles/{profile}")).await.expect(200).text("/last_contact_moment_at");
    assert_eq!(last().await, "2026-03-01T10:01:00Z");
    let body = json!({ "channel_id": whatsapp, "contact_id": contact });
    let begun = admin.post("/v1/conversations", body).await.expect(201);
    assert_eq!(last().await, begun.text("/last_message_at"));
    // It joins the newest open conversation, and was written before that was begun.
    let message = json!({ "external_id": "late", "from": { "address": "+31612345678" }, "body": "Hello", "sent_at": "2026-03-01T10:02:00Z" });
    let joined = admin.post(&format!("/v1/channels/{whatsapp}/inbound"), message).await.expect(201);
    assert_eq!(joined["conversation_id"], begun["id"]);
    assert_eq!(last().await, "2026-03-01T10:02:00Z");
}

/// Of a conversation with four who take part, and of two older ones of their own: messages come in, new and old ones,
/// while its contacts come to two profiles, move and leave, all at once.
#[actix_web::test]
async fn a_profile_knows_its_newest_moment_whatever_happens_at_once() {
    let world = World::new().await;
    let admin = world.admin();
    let whatsapp = channel(&admin, "whatsapp").await;
    let inbound = format!("/v1/channels/{whatsapp}/inbound");
    let message = |who: usize, conversation: &str, second: usize| {
        let at = chrono::DateTime::from_timestamp(1_750_000_000 + second as i64, 0).unwrap();
        let body = json!({
            "external_id": format!("{conversation} {who} {second}"), "from": { "address": format!("+3161234567{who}") },
            "conversation": { "external_id": conversation }, "body": "Hello", "sent_at": at.to_rfc3339(),
        });
        admin.post(&inbound, body)
    };
    let profile = async |name: &str| admin.post("/v1/profiles", json!({ "name": name })).await.expect(201).id();
    let profiles = [profile("One").await, profile("Other").await];
    let mut contacts = Vec::new();
    for who in 0..4 {
        contacts.push(message(who, &format!("old {who}"), who).await.expect(201).text("/contact_id"));
        message(who, "shared", 10 + who).await.expect(201);
    }
    let place = |who: usize, profile: usize| {
        let body = json!({ "profile_id": profiles[profile], "on_conflict": "move" });
        admin.put(&format!("/v1/contacts/{}/profile", contacts[who]), body)
    };
    let leave = |who: usize| admin.delete(&format!("/v1/contacts/{}/profile", contacts[who]));
    for round in 0..60 {
        let second = 100 * (round + 1);
        let all = [
            message(3, "shared", second),
            message(round % 3, &format!("old {}", round % 3), second - 50),
            place(round % 3, round % 2),
            leave((round + 1) % 3),
            place((round + 2) % 3, (round / 2) % 2),
            leave(3),
            place(3, round % 2),
            message((round + 1) % 3, "shared", second + 1),
        ];
        for answer in race(all).await {
            assert!(answer.status < 300, "{}: {}", answer.what, answer.body());
        }
        let wrong = "SELECT count(*) FROM profile_activity WHERE last_contact_moment_at <> coalesce((SELECT \
             max(last_message_at) FROM contacts JOIN conversation_participants taken ON taken.contact_id = contacts.id \
             WHERE contacts.profile_id = profile_activity.profile_id), '-infinity')";
        assert_eq!(world.database.number(wrong), 0, "in round {round}");
    }
    assert_eq!(world.database.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), 0);
}
