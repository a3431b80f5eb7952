//! Conversations and their messages, as agents work with them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, race};

/// A channel of this medium.
async fn channel(client: &Client, medium: &str) -> String {
    client.post("/v1/channels", json!({ "name": medium, "medium": medium })).await.expect(201).id()
}

/// A message that comes in; gives the answer to it.
async fn inbound(client: &Client, channel: &str, address: &str, body: &str) -> Value {
    let message = json!({
        "external_id": uuid::Uuid::now_v7(), "from": { "address": address, "name": address }, "body": body,
    });
    client.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201).json
}

fn path(made: &Value) -> String {
    format!("/v1/conversations/{}", made["conversation_id"].as_str().unwrap())
}

#[actix_web::test]
async fn an_agent_answers() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let channel = channel(&admin, "whatsapp").await;
    let made = inbound(&admin, &channel, "+31612345678", "Where is my order?").await;
    let path = path(&made);
    let before = grace.get(&path).await.expect(200);
    assert_eq!((&before["unread"], &before["last_message_direction"]), (&json!(true), &json!("inbound")));

    let file =
        grace.request(Method::POST, "/v1/attachments").file("label.txt", "text/plain", "label").await.expect(201);
    let body = json!({ "body": "It left yesterday.", "attachment_ids": [file.id()] });
    let answer = grace.post(&format!("{path}/messages"), body.clone()).await.expect(201);
    assert_eq!(answer["author"], json!({ "type": "user", "id": grace.id, "name": "Grace" }));
    assert_eq!((&answer["direction"], &answer["contact"]["address"]), (&json!("outbound"), &json!("+31612345678")));
    assert_eq!(answer["attachments"][0]["filename"], "label.txt");
    grace.post(&format!("{path}/messages"), body).await.problem(409, "attachment_sent");

    let after = grace.get(&path).await.expect(200);
    assert_eq!((&after["unread"], &after["message_count"]), (&json!(false), &json!(2)));
    assert_eq!(
        (&after["preview"], &after["last_message_direction"]),
        (&json!("It left yesterday."), &json!("outbound"))
    );
    assert_eq!(after["version"], before["version"]);
    assert_eq!(admin.get(&path).await.expect(200)["unread"], true);

    // A file alone says enough.
    for body in [json!({}), json!({ "body": "" })] {
        let mut body = body;
        let photo = grace.request(Method::POST, "/v1/attachments").file("photo.txt", "text/plain", "photo").await;
        body["attachment_ids"] = json!([photo.expect(201).id()]);
        let answer = grace.post(&format!("{path}/messages"), body).await.expect(201);
        assert_eq!((&answer["body"], &answer["attachments"][0]["filename"]), (&json!(""), &json!("photo.txt")));
        let shown = grace.get(path.trim_end_matches("/messages")).await.expect(200);
        assert_eq!(shown["preview"], "photo.txt");
    }
    for (wrong, field, code) in [
        (json!({}), "/body", "blank"),
        (json!({ "body": " ", "attachment_ids": [] }), "/body", "blank"),
        (json!({ "body": "x", "attachment_ids": [uuid::Uuid::nil()] }), "/attachment_ids/0", "attachment_not_found"),
    ] {
        grace.post(&format!("{path}/messages"), wrong).await.wrong_fields(&[(field, code)]);
    }
    admin.post(&format!("/v1/channels/{channel}/archive"), json!(null)).await.expect(200);
    grace.post(&format!("{path}/messages"), json!({ "body": "x" })).await.problem(409, "channel_archived");
}

#[actix_web::test]
async fn an_agent_begins_a_conversation() {
    let world = World::new().await;
    let grace = world.agent("Grace").await;
    let admin = world.admin();
    let (mail, chat) = (channel(&admin, "email").await, channel(&admin, "live_chat").await);
    let contact = json!({ "medium": "email", "address": "ada@example.com", "name": "Ada" });
    let contact = grace.post("/v1/contacts", contact).await.expect(201).id();
    let visitor = json!({ "medium": "live_chat", "address": "v-7", "channel_id": chat });
    let visitor = grace.post("/v1/contacts", visitor).await.expect(201).id();

    let body = json!({ "channel_id": mail, "contact_id": contact, "subject": "Your order" });
    let made = grace.post("/v1/conversations", body).await.expect(201);
    assert_eq!(made.header("location"), Some(format!("/v1/conversations/{}", made.id()).as_str()));
    assert_eq!((&made["message_count"], &made["unread"], &made["status"]), (&json!(0), &json!(false), &json!("open")));
    assert_eq!(made["last_message_at"], made["created_at"]);
    assert_eq!(made["contact"]["name"], "Ada");
    assert!(made["first_message_at"].is_null() && made["last_message_direction"].is_null());
    assert_eq!(made["channel"], json!({ "id": mail, "name": "email", "medium": "email" }));

    let body = json!({ "channel_id": mail, "contact_id": contact, "subject": "Two", "message": { "body": "Hello" } });
    let made = grace.post("/v1/conversations", body).await.expect(201);
    assert_eq!((&made["message_count"], &made["preview"]), (&json!(1), &json!("Hello")));
    let took_part = grace.get(&format!("/v1/conversations/{}/contacts", made.id())).await.expect(200);
    assert_eq!(took_part.each("id"), [contact.as_str()]);
    let empty = json!({ "channel_id": mail, "contact_id": contact, "message": {} });
    grace.post("/v1/conversations", empty).await.wrong_fields(&[("/message/body", "blank")]);

    let other_chat = channel(&admin, "live_chat").await;
    let begin = |channel: &str, contact: &str| {
        grace.post("/v1/conversations", json!({ "channel_id": channel, "contact_id": contact }))
    };
    begin(&chat, &visitor).await.expect(201);
    begin(&other_chat, &visitor).await.wrong_fields(&[("/contact_id", "channel")]);
    begin(&chat, &contact).await.wrong_fields(&[("/contact_id", "channel")]);
    let nobody = uuid::Uuid::now_v7().to_string();
    begin(&nobody, &contact).await.problem(404, "channel_not_found");
    begin(&mail, &nobody).await.problem(404, "contact_not_found");
    admin.post(&format!("/v1/channels/{mail}/archive"), json!(null)).await.expect(200);
    begin(&mail, &contact).await.problem(409, "channel_archived");
}

#[actix_web::test]
async fn a_conversation_is_changed() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let channel = channel(&admin, "sms").await;
    let path = path(&inbound(&admin, &channel, "+31612345678", "Hello").await);
    let before = grace.get(&path).await.expect(200);
    let changes = json!({ "status": "closed", "assignee_id": grace.id, "subject": " Delivery " });
    let changed =
        admin.patch(&path, changes.clone()).header("If-Match", before.header("etag").unwrap()).await.expect(200);
    assert_eq!((&changed["status"], &changed["subject"]), (&json!("closed"), &json!("Delivery")));
    assert_eq!(changed["assignee"], json!({ "type": "user", "id": grace.id, "name": "Grace" }));
    assert_eq!(changed["version"], 2);
    for harmless in [json!({}), changes.clone()] {
        assert_eq!(admin.patch(&path, harmless).await.expect(200)["version"], 2);
    }
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'conversation.updated'"), 1);
    // By its subject of today it is found.
    assert_eq!(admin.get("/v1/conversations?q=deliv").await.expect(200).each("subject"), ["Delivery"]);
    let stale = admin.patch(&path, changes).header("If-Match", before.header("etag").unwrap());
    stale.await.problem(412, "version_mismatch");
    let cleared = admin.patch(&path, json!({ "assignee_id": null, "subject": null })).await.expect(200);
    assert!(cleared["assignee"].is_null() && cleared["subject"].is_null());
    assert!(admin.get("/v1/conversations?q=deliv").await.expect(200).data().is_empty());

    admin.patch(&path, json!({ "status": null })).await.wrong_fields(&[("/status", "choice")]);
    let stranger = world.stranger().await;
    admin.patch(&path, json!({ "assignee_id": stranger.id })).await.wrong_fields(&[("/assignee_id", "user_not_found")]);
    let user = format!("/v1/users/{}", grace.id);
    admin.patch(&user, json!({ "active": false })).await.expect(200);
    admin.patch(&path, json!({ "assignee_id": grace.id })).await.wrong_fields(&[("/assignee_id", "user_not_found")]);
    stranger.patch(&path, json!({})).await.problem(404, "conversation_not_found");
}

#[actix_web::test]
async fn each_user_reads_alone() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let channel = channel(&admin, "sms").await;
    let path = path(&inbound(&admin, &channel, "+31612345678", "one").await);
    let read = format!("{path}/read");
    let unread = async |client: &Client| client.get(&path).await.expect(200)["unread"].as_bool().unwrap();
    assert!(unread(&grace).await && unread(&admin).await);
    grace.request(Method::PUT, &read).await.expect(204);
    grace.request(Method::PUT, &read).await.expect(204);
    assert!(!unread(&grace).await && unread(&admin).await);
    assert_eq!(grace.get("/v1/conversations?unread=true").await.expect(200).data().len(), 0);
    assert_eq!(grace.get("/v1/conversations?unread=false").await.expect(200).data().len(), 1);
    inbound(&admin, &channel, "+31612345678", "two").await;
    assert!(unread(&grace).await);
    grace.request(Method::PUT, &read).await.expect(204);
    grace.delete(&read).await.expect(204);
    assert!(unread(&grace).await);
    grace.delete(&read).await.expect(204);
    let nowhere = format!("/v1/conversations/{}/read", uuid::Uuid::now_v7());
    grace.request(Method::PUT, &nowhere).await.problem(404, "conversation_not_found");
    grace.delete(&nowhere).await.problem(404, "conversation_not_found");
}

#[actix_web::test]
async fn conversations_are_found() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let (sms, mail) = (channel(&admin, "sms").await, channel(&admin, "email").await);
    let bikes = inbound(&admin, &sms, "+31612345671", "My bicycle squeaks").await;
    let lamps = inbound(&admin, &mail, "lou@example.com", "The lampshade cracked").await;
    let spam = inbound(&admin, &mail, "spam@example.com", "Lamps for free").await;
    let quiet = json!({ "channel_id": sms, "contact_id": bikes["contact_id"], "subject": "Zeppelins" });
    let quiet = admin.post("/v1/conversations", quiet).await.expect(201).id();
    admin.patch(&path(&spam), json!({ "status": "spam" })).await.expect(200);
    admin.patch(&path(&bikes), json!({ "assignee_id": grace.id })).await.expect(200);
    admin.patch(&path(&lamps), json!({ "status": "closed" })).await.expect(200);
    let profile = json!({ "name": "Lou", "contacts": [{ "medium": "email", "address": "lou@example.com" }] });
    let profile = admin.post("/v1/profiles", profile).await.expect(201).id();

    let (bikes_id, lamps_id) = (&bikes["conversation_id"], &lamps["conversation_id"]);
    let spam_id = &spam["conversation_id"];
    let quiet_id = &json!(quiet);
    let contact = bikes["contact_id"].as_str().unwrap();
    let cases: Vec<(String, Vec<&Value>)> = vec![
        (String::new(), vec![quiet_id, lamps_id, bikes_id]),
        ("status=spam".to_owned(), vec![spam_id]),
        ("status=spam&status=closed".to_owned(), vec![spam_id, lamps_id]),
        ("assignee_id=none".to_owned(), vec![quiet_id, lamps_id]),
        ("assignee_id=me".to_owned(), vec![bikes_id]),
        (format!("assignee_id={}&assignee_id=none&status=open", grace.id), vec![quiet_id, bikes_id]),
        (format!("channel_id={mail}"), vec![lamps_id]),
        ("medium=sms".to_owned(), vec![quiet_id, bikes_id]),
        ("medium=voice".to_owned(), vec![]),
        (format!("contact_id={contact}"), vec![quiet_id, bikes_id]),
        (format!("profile_id={profile}"), vec![lamps_id]),
        ("unread=true".to_owned(), vec![lamps_id, bikes_id]),
        ("unread=false".to_owned(), vec![quiet_id]),
        ("q=BICYCLE".to_owned(), vec![bikes_id]),
        ("q=squeaks bicy".to_owned(), vec![bikes_id]),
        ("q=lamp".to_owned(), vec![lamps_id]),
        ("q=lamp&status=spam".to_owned(), vec![spam_id]),
        ("q=bicycle lampshade".to_owned(), vec![]),
        ("q=zepp".to_owned(), vec![quiet_id]),
        ("q=...".to_owned(), vec![]),
    ];
    for (filter, expected) in cases {
        let found = grace.get(&format!("/v1/conversations?{filter}&count=exact")).await.expect(200);
        let ids: Vec<Value> = found.data().iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "{filter}");
        assert_eq!(found["count"], json!({ "value": expected.len(), "exact": true }), "{filter}");
    }
    let walked = grace.walk("/v1/conversations", 1).await;
    assert_eq!(walked.len(), 3);
    for wrong in ["assignee_id=you", "status=new", "x=1", "unread=maybe"] {
        grace.get(&format!("/v1/conversations?{wrong}")).await.problem(422, "invalid");
    }
    let counts = grace.get("/v1/conversations/counts").await.expect(200);
    assert_eq!(counts.json, json!({ "open": 2, "mine": 1, "unassigned": 1, "unread": 1, "spam": 1 }));
    let found = grace.get(&format!("/v1/conversations?profile_id={profile}")).await.expect(200);
    assert_eq!(found.data()[0]["profile"], json!({ "id": profile, "name": "Lou" }));
    assert_eq!(world.stranger().await.get("/v1/conversations").await.expect(200).data().len(), 0);
}

#[actix_web::test]
async fn messages_are_read_from_the_newest_or_around_one() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = channel(&admin, "sms").await;
    let mut made = Vec::new();
    for number in 0..9 {
        made.push(inbound(&admin, &channel, "+31612345678", &number.to_string()).await);
    }
    let path = format!("{}/messages", path(&made[0]));
    let bodies = |page: &Answer| page.each("body").concat();
    assert_eq!(bodies(&admin.get(&format!("{path}?limit=4")).await.expect(200)), "8765");
    assert_eq!(admin.walk(&path, 4).await.len(), 9);
    let around = |number: usize| format!("{path}?limit=4&around={}", made[number]["message_id"].as_str().unwrap());
    for (number, page) in [(8, "8765"), (5, "6543"), (0, "10")] {
        assert_eq!(bodies(&admin.get(&around(number)).await.expect(200)), page);
    }
    let page = admin.get(&around(5)).await.expect(200);
    let next = format!("{}&cursor={}", around(5), page.text("/next_cursor"));
    assert_eq!(bodies(&admin.get(&next).await.expect(200)), "210");
    let elsewhere = inbound(&admin, &channel, "+31612345679", "x").await;
    let elsewhere = format!("{path}?around={}", elsewhere["message_id"].as_str().unwrap());
    admin.get(&elsewhere).await.problem(404, "message_not_found");
    admin
        .get(&format!("/v1/conversations/{}/messages", uuid::Uuid::now_v7()))
        .await
        .problem(404, "conversation_not_found");
}

#[actix_web::test]
async fn a_profile_shows_when_its_contacts_were_last_in_touch() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = channel(&admin, "sms").await;
    let made = inbound(&admin, &channel, "+31612345678", "one").await;
    let profile = json!({ "name": "Ada", "contacts": [{ "medium": "sms", "address": "+31612345678" }] });
    let profile = format!("/v1/profiles/{}", admin.post("/v1/profiles", profile).await.expect(201).id());
    let made = [made, inbound(&admin, &channel, "+31612345678", "two").await];
    let newest = admin.get(&path(&made[1])).await.expect(200);
    assert_eq!(admin.get(&profile).await.expect(200)["last_contact_moment_at"], newest["last_message_at"]);
}

#[actix_web::test]
async fn everyone_answers_and_writes_at_once() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = channel(&admin, "sms").await;
    let path = path(&inbound(&admin, &channel, "+31612345678", "first").await);
    let answers = (0..15).map(|number| admin.post(&format!("{path}/messages"), json!({ "body": number.to_string() })));
    let messages = (0..15).map(|number| {
        let message = json!({ "external_id": number.to_string(), "from": { "address": "+31612345678" }, "body": "in" });
        admin.post(&format!("/v1/channels/{channel}/inbound"), message)
    });
    let changes = (0..15).map(|number| admin.patch(&path, json!({ "subject": number.to_string() })));
    for answer in race(answers.chain(messages).chain(changes)).await {
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body());
    }
    let conversation = admin.get(&path).await.expect(200);
    assert_eq!((&conversation["message_count"], &conversation["version"]), (&json!(31), &json!(16)));
}

#[actix_web::test]
async fn an_agent_types_who_wrote() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = channel(&admin, "whatsapp").await;
    let mut contacts = Vec::new();
    for (address, name, body) in [
        ("+31612345670", "Ada Lovelace", "A question"),
        ("+31612345671", "Grace Hopper", "Ask Ada about the lamp"),
        ("+31612345672", "Lampard", "Nothing"),
    ] {
        let message = json!({ "external_id": name, "from": { "address": address, "name": name }, "body": body });
        let made = admin.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201);
        contacts.push(made.text("/contact_id"));
    }
    let profile = json!({ "new_profile": { "name": "Analytical Engines" } });
    admin.put(&format!("/v1/contacts/{}/profile", contacts[0]), profile).await.expect(201);
    admin.patch(&format!("/v1/contacts/{}", contacts[0]), json!({ "name": "Augusta Ada King" })).await.expect(200);
    let cases = [
        ("ada", vec!["Kay", "Grace Hopper", "Augusta Ada King"]),
        ("ada+king", vec!["Augusta Ada King"]),
        ("engines+anal", vec!["Augusta Ada King"]),
        ("king+engines", vec![]),
        ("lovelace", vec![]),
        ("Ada@mail.ex", vec!["Kay"]),
        ("kay+mail", vec!["Kay"]),
        ("Kay+%3Cada@mail.example%3E,", vec!["Kay"]),
        ("mail.example+kay@", vec!["Kay"]),
        ("da@mail", vec![]),
        ("kay+mail+kay+mail+kay+mail+kay+mail+zzz", vec![]),
        ("06+1234+5670", vec!["Augusta Ada King"]),
        ("lamp", vec!["Lampard", "Grace Hopper"]),
        // What was said, and only that.
        ("%22ada%22", vec!["Grace Hopper"]),
        ("“ada”", vec!["Grace Hopper"]),
        ("ada+-lamp", vec![]),
        ("ada&status=closed", vec![]),
        ("king&assignee_id=none", vec!["Augusta Ada King"]),
    ];
    let mail = json!({ "external_id": "4", "from": { "address": "ada@mail.example", "name": "Kay" }, "body": "Hi" });
    let email = self::channel(&admin, "email").await;
    admin.post(&format!("/v1/channels/{email}/inbound"), mail).await.expect(201);
    let names = |found: &Answer| -> Vec<String> {
        found.data().iter().map(|one| one["contact"]["name"].as_str().unwrap().to_owned()).collect()
    };
    // Both ways of looking: walking on, and by the indexes.
    for padding in [0, 150] {
        world.database.execute(&format!(
            "INSERT INTO conversations (organization_id, id, channel_id, contact_id, last_message_at)
                SELECT organization_id, gen_random_uuid(), channel_id, contact_id, now() + n * interval '1 s'
                FROM conversations, generate_series(1, {padding}) n WHERE contact_id = '{}';
            ANALYZE messages, conversation_subjects;",
            contacts[2]
        ));
        for (q, expected) in &cases {
            let found = admin.get(&format!("/v1/conversations?q={q}&count=exact")).await.expect(200);
            assert_eq!(names(&found), *expected, "{q} among {padding}");
            assert_eq!((&found["count"]["value"], &found["truncated"]), (&json!(expected.len()), &json!(false)), "{q}");
        }
    }
    assert_eq!(admin.walk("/v1/conversations?q=+", 50).await.len(), admin.walk("/v1/conversations", 50).await.len());
    let walked = admin.walk("/v1/conversations?q=ada", 1).await;
    assert_eq!(walked.len(), 3);
}
