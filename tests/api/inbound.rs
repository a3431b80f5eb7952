//! What comes in through a channel: mails and the generic message.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Request, World, race};

/// Someone who hands mails and messages to one channel.
struct Channel {
    client: Client,
    id: String,
}

impl Channel {
    async fn new(client: Client, medium: &str) -> Self {
        let channel = json!({ "name": medium, "medium": medium });
        let id = client.post("/v1/channels", channel).await.expect(201).id();
        Self { client, id }
    }

    fn mail(&self, raw: impl Into<Vec<u8>>) -> Request {
        self.client.request(Method::POST, &self.path()).raw("message/rfc822", raw)
    }

    fn message(&self, body: Value) -> Request {
        self.client.post(&self.path(), body)
    }

    fn path(&self) -> String {
        format!("/v1/channels/{}/inbound", self.id)
    }

    async fn conversations(&self) -> Vec<Value> {
        self.client.walk(&format!("/v1/conversations?channel_id={}", self.id), 200).await
    }
}

/// A mail with this Message-ID, which names others.
fn mail(id: &str, references: &[&str]) -> String {
    let named: String = references.iter().map(|id| format!("<{id}@x> ")).collect();
    format!(
        "From: Ada <ada@example.com>\r\nTo: Help <help@example.com>\r\nSubject: About {id}\r\nMessage-ID: <{id}@x>\r\n\
         References: {named}\r\nDate: Tue, 20 Aug 2002 17:27:47 +0200\r\n\r\nThe text of {id}.\r\n"
    )
}

fn message(external_id: &str, address: &str) -> Value {
    json!({ "external_id": external_id, "from": { "address": address }, "body": format!("text of {external_id}") })
}

fn distinct<'a>(answers: &'a [Answer], member: &str) -> BTreeSet<&'a str> {
    answers.iter().map(|answer| answer[member].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_mail_becomes_a_message_of_its_sender() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "email").await;
    let raw = mail("a", &[]);
    let made = channel.mail(raw.clone()).await.expect(201);
    assert_eq!((&made["contact_created"], &made["conversation_created"]), (&json!(true), &json!(true)));
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/v1/messages/{}", made.text("/message_id")));

    let message = channel.client.get(&path).await.expect(200);
    assert_eq!(message["body"], "The text of a.");
    assert_eq!(message["subject"], "About a");
    assert_eq!(message["occurred_at"], "2002-08-20T15:27:47Z");
    assert_eq!(message["to"], json!([{ "name": "Help", "address": "help@example.com" }]));
    assert_eq!(message["contact"]["address"], "ada@example.com");
    assert_eq!((&message["direction"], &message["author"]), (&json!("inbound"), &Value::Null));

    let kept = channel.client.get(&format!("{path}/raw")).await.expect(200);
    assert_eq!(kept.bytes, raw.as_bytes());
    assert_eq!(kept.header("content-type"), Some("message/rfc822"));
    assert!(kept.header("content-disposition").unwrap().starts_with("attachment"));
    channel.client.get(&format!("{path}/html")).await.problem(404, "not_found");

    let again = channel.mail(raw).await.expect(200);
    assert_eq!(again["message_id"], made["message_id"]);
    assert_eq!((&again["contact_created"], &again["conversation_created"]), (&json!(false), &json!(false)));
}

#[actix_web::test]
async fn html_is_shown_without_what_it_could_do() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "email").await;
    let raw = "From: ada@example.com\r\nMessage-ID: <h@x>\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n\
               Content-Type: text/html\r\n\r\n<p onclick=x()>Hello <b>you</b><script>x()</script><img src=cid:logo@x>\
               <img src=http://tracker.example/1.gif></p>\r\n--b\r\nContent-Type: image/png; name=logo.png\r\n\
               Content-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    let id = channel.mail(raw).await.expect(201).text("/message_id");
    let message = channel.client.get(&format!("/v1/messages/{id}")).await.expect(200);
    assert_eq!((&message["has_html"], &message["body"]), (&json!(true), &json!("Hello you")));
    let file = &message["attachments"][0];
    assert_eq!((&file["filename"], &file["byte_size"]), (&json!("logo.png"), &json!(8)));

    let html = channel.client.get(&format!("/v1/messages/{id}/html")).await.expect(200);
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(html.header("x-content-type-options"), Some("nosniff"));
    let again = channel.client.get(&format!("/v1/messages/{id}/html"));
    assert!(again.header("If-None-Match", html.header("etag").unwrap()).await.expect(304).bytes.is_empty());
    let text = html.body();
    for dangerous in ["script", "onclick", "tracker"] {
        assert!(!text.contains(dangerous), "{text}");
    }
    assert!(text.contains("<b>you</b>"), "{text}");
    let link = text.split("src=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(world.anonymous().get(&link).await.expect(200).bytes, b"\x89PNG\r\n\x1a\n");
}

#[actix_web::test]
async fn a_broken_mail_is_kept_whole() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "email").await;
    let broken: [&[u8]; 5] =
        [b"", b"\xff\xfe\x00", b"no mail at all", b"From: \r\nDate: yesterday\r\n\r\n\x00", b"\r\n"];
    for raw in broken {
        let made = channel.mail(raw).await.expect(201);
        let kept = channel.client.get(&format!("/v1/messages/{}/raw", made.text("/message_id"))).await.expect(200);
        assert_eq!(kept.bytes, raw);
        assert_eq!(channel.mail(raw).await.expect(200)["message_id"], made["message_id"]);
    }
    // Nobody knows who sent them: not that it was one person.
    assert_eq!(world.database.number("SELECT count(*) FROM contacts"), 5);
    assert_eq!(channel.conversations().await.len(), 5);
}

#[actix_web::test]
async fn a_time_to_come_is_now() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "sms").await;
    let mut body = message("1", "+31612345678");
    body["sent_at"] = json!("9999-01-01T00:00:00Z");
    let id = channel.message(body).await.expect(201).text("/message_id");
    let message = channel.client.get(&format!("/v1/messages/{id}")).await.expect(200);
    assert_eq!(message["occurred_at"], message["created_at"]);
}

#[actix_web::test]
async fn fifty_deliveries_of_one_mail_are_one_message() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "email").await;
    let answers = race((0..50).map(|_| channel.mail(mail("a", &["b", "c"])))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200; 49], vec![201]].concat());
    for member in ["message_id", "conversation_id", "contact_id"] {
        assert_eq!(distinct(&answers, member).len(), 1, "{member}");
    }
    for table in ["messages", "conversations", "contacts", "conversation_participants"] {
        assert_eq!(world.database.number(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    let events =
        "SELECT count(*) FROM events WHERE type IN ('message.created', 'conversation.created', 'contact.created')";
    assert_eq!(world.database.number(events), 3);
}

#[actix_web::test]
async fn fifty_messages_of_a_newcomer_are_of_one_contact() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "whatsapp").await;
    let answers = race((0..50).map(|number| channel.message(message(&number.to_string(), "06 12 34 56 78")))).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(distinct(&answers, "message_id").len(), 50);
    assert_eq!(distinct(&answers, "contact_id").len(), 1);
    assert_eq!(distinct(&answers, "conversation_id").len(), 1);
    let conversations = channel.conversations().await;
    assert_eq!(conversations[0]["message_count"], 50);
    assert_eq!(conversations[0]["contact"]["address"], "+31612345678");

    let mails = Channel::new(world.admin(), "email").await;
    let answers = race((0..50).map(|number| mails.mail(mail(&number.to_string(), &[])))).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!((distinct(&answers, "contact_id").len(), distinct(&answers, "conversation_id").len()), (1, 50));
}

#[actix_web::test]
async fn the_same_message_in_two_conversations_at_once_is_in_one() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "live_chat").await;
    let send = |number: usize| {
        let mut body = message("same", &format!("visitor-{number}"));
        body["conversation"] = json!({ "external_id": format!("chat-{number}") });
        channel.message(body)
    };
    let answers = race((0..20).map(send)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
    assert_eq!(distinct(&answers, "conversation_id").len(), 1);
    // Of the others nothing was made either.
    for table in ["messages", "conversations", "contacts"] {
        assert_eq!(world.database.number(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
}

/// Eleven mails in three threads: `a`–`d` through `b`, `e`–`i` through mails that never come, and `j`, `k` alone.
const MAILS: [(&str, &[&str]); 11] = [
    ("a", &[]),
    ("b", &["a"]),
    ("c", &["b"]),
    ("d", &["a", "b", "c"]),
    ("e", &["missing"]),
    ("f", &["missing"]),
    ("g", &["lost"]),
    ("h", &["lost", "gone"]),
    ("i", &["f", "gone"]),
    ("j", &[]),
    ("k", &["other"]),
];

/// The subjects of each conversation's messages.
async fn threads(channel: &Channel) -> BTreeSet<BTreeSet<String>> {
    let mut threads = BTreeSet::new();
    for conversation in channel.conversations().await {
        let path = format!("/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
        let messages = channel.client.walk(&path, 50).await;
        assert_eq!(conversation["message_count"], messages.len());
        assert_eq!(conversation["last_message_at"], messages[0]["occurred_at"]);
        threads.insert(messages.iter().map(|message| message["subject"].as_str().unwrap().to_owned()).collect());
    }
    threads
}

fn expected_threads() -> BTreeSet<BTreeSet<String>> {
    let thread = |ids: &str| ids.chars().map(|id| format!("About {id}")).collect();
    ["abcd", "efghi", "j", "k"].into_iter().map(thread).collect()
}

#[actix_web::test]
async fn mails_find_their_thread_in_whatever_order_they_come() {
    let world = World::new().await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        let order = Just(MAILS.to_vec()).prop_shuffle().new_tree(&mut runner).unwrap().current();
        let channel = Channel::new(world.admin(), "email").await;
        let mut given = BTreeSet::new();
        for (id, references) in &order {
            let made = channel.mail(mail(id, references)).await.expect(201);
            given.insert(made.text("/conversation_id"));
        }
        assert_eq!(threads(&channel).await, expected_threads(), "{order:?}");
        // Every id that was ever given leads to a conversation that is there.
        let there: BTreeSet<String> =
            channel.conversations().await.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        for id in given.difference(&there) {
            let moved = channel.client.get(&format!("/v1/conversations/{id}/messages?limit=1")).await.expect(308);
            let location = moved.header("location").unwrap();
            assert!(location.ends_with("/messages?limit=1"), "{location}");
            assert!(there.contains(location.split('/').nth(3).unwrap()), "{location}");
            channel.client.get(location).await.expect(200);
        }
    }
}

#[actix_web::test]
async fn mails_find_their_thread_when_all_come_at_once() {
    let world = World::new().await;
    for _ in 0..5 {
        let channel = Channel::new(world.admin(), "email").await;
        // Each of them twice.
        let mails = MAILS.iter().chain(&MAILS).map(|(id, references)| channel.mail(mail(id, references)));
        let answers = race(mails).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), MAILS.len());
        assert_eq!(threads(&channel).await, expected_threads());
    }
}

#[actix_web::test]
async fn a_mail_that_joins_conversations_takes_all_of_them_along() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let channel = Channel::new(admin.clone(), "email").await;
    let dated = |id: &str, references: &[&str], year: &str| mail(id, references).replace("2002", year);
    let older = channel.mail(dated("a", &[], "2001")).await.expect(201).text("/conversation_id");
    let newer = channel
        .mail(dated("b", &[], "2003").replace("ada@example.com", "bob@example.com"))
        .await
        .expect(201)
        .text("/conversation_id");
    let path = format!("/v1/conversations/{newer}");
    for _ in 0..2 {
        admin.post(&format!("{path}/notes"), json!({ "body": "mind this" })).await.expect(201);
    }
    let cursor = admin.get(&format!("{path}/notes?limit=1")).await.expect(200).text("/next_cursor");
    admin.patch(&path, json!({ "assignee_id": grace.id, "status": "closed" })).await.expect(200);
    admin.put(&format!("/v1/conversations/{older}/read"), json!(null)).await.expect(204);
    admin.patch(&format!("/v1/conversations/{older}"), json!({ "status": "closed" })).await.expect(200);

    let joining = channel.mail(dated("c", &["a", "b"], "2002")).await.expect(201);
    assert_eq!(joining.text("/conversation_id"), older, "the oldest stays");
    assert_eq!(joining["conversation_created"], false);
    let conversation = admin.get(&format!("/v1/conversations/{older}")).await.expect(200);
    assert_eq!((&conversation["message_count"], &conversation["subject"]), (&json!(3), &json!("About a")));
    assert_eq!((&conversation["status"], &conversation["unread"]), (&json!("open"), &json!(true)));
    assert_eq!(conversation["assignee"]["name"], "Grace");
    assert_eq!(conversation["preview"], "The text of b.");
    let took_part = admin.get(&format!("/v1/conversations/{older}/contacts")).await.expect(200);
    assert_eq!(took_part.each("address"), ["ada@example.com", "bob@example.com"]);
    let notes = admin.get(&format!("/v1/conversations/{older}/notes")).await.expect(200);
    assert_eq!(notes.each("body"), ["mind this", "mind this"]);

    let reads = ["", "/contacts", "/messages?limit=1", "/notes", "/attachments?kind=image", "/sidebar"];
    for (method, rest) in reads.map(|rest| (Method::GET, rest)).into_iter().chain([(Method::PUT, "/read")]) {
        // However the id is written.
        for id in [newer.clone(), newer.to_uppercase(), newer.replacen('0', "%30", 1)] {
            let moved = admin.request(method.clone(), &format!("/v1/conversations/{id}{rest}")).await.expect(308);
            assert_eq!(moved.header("location"), Some(format!("/v1/conversations/{older}{rest}").as_str()));
        }
    }
    let moved = admin.get(&format!("/v1/conversation%73/{newer}/messages?limit=1")).await.expect(308);
    assert_eq!(moved.header("location"), Some(format!("/v1/conversations/{older}/messages?limit=1").as_str()));
    // Where a list was read before.
    let moved = admin.get(&format!("{path}/notes?limit=1&cursor={cursor}")).await.expect(308);
    assert_eq!(moved.header("location"), Some(format!("/v1/conversations/{older}/notes?limit=1").as_str()));
    // Who follows takes the key along.
    for (number, (method, rest, body)) in [
        (Method::POST, "/messages", json!({ "body": "x" })),
        (Method::POST, "/notes", json!({ "body": "x" })),
        (Method::PATCH, "", json!({ "subject": "x" })),
        (Method::PUT, "/read", json!(null)),
        (Method::DELETE, "/read", json!(null)),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key {number}");
        let send = |path: &str| admin.request(method.clone(), path).json(&body).key(&key);
        let moved = send(&format!("{path}{rest}")).await.expect(308);
        let there = moved.header("location").unwrap().to_owned();
        let done = send(&there).await;
        assert!(done.status < 300, "{there}: {}", done.body());
        assert_eq!(send(&there).await.header("idempotency-replayed"), Some("true"), "{there}");
        // And who sends it from the beginning again is led there again.
        let moved = send(&format!("{path}{rest}")).await.expect(308);
        assert_eq!(moved.header("location"), Some(there.as_str()));
    }
    // A version was one of the conversation that is gone.
    for tag in ["*", "\"1-x\""] {
        let refused = admin.patch(&path, json!({ "subject": "y" })).header("If-Match", tag).key("conditional").await;
        refused.problem(412, "version_mismatch");
    }
    let update = json!({ "op": "update", "resource": "conversation", "id": newer, "if_match": 1, "body": {} });
    let answer = admin.post("/v1/batch", json!({ "operations": [update] })).await.expect(200);
    assert_eq!(answer["results"][0]["status"], 412);
    // The same message again says where it is today.
    let again = channel.mail(dated("b", &[], "2003")).await.expect(200);
    assert_eq!(again.text("/conversation_id"), older);
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'conversation.merged'"), 1);
}

#[actix_web::test]
async fn a_mail_that_turns_out_to_be_the_first_gives_the_subject() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "email").await;
    let id = channel.mail(mail("b", &["a"])).await.expect(201).text("/conversation_id");
    let first = mail("a", &[]).replace("2002", "2001").replace("ada@", "bob@");
    channel.mail(first).await.expect(201);
    let conversation = channel.client.get(&format!("/v1/conversations/{id}")).await.expect(200);
    assert_eq!(conversation["subject"], "About a");
    assert_eq!(conversation["contact"]["address"], "bob@example.com");
    assert_eq!(conversation["preview"], "The text of b.");
}

#[actix_web::test]
async fn a_message_joins_the_open_conversation_of_its_sender() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "whatsapp").await;
    let sent = async |external_id: &str, conversation: Value| {
        let mut body = message(external_id, "+31612345678");
        body["conversation"] = conversation;
        channel.message(body).await.expect(201).text("/conversation_id")
    };
    let first = sent("1", Value::Null).await;
    assert_eq!(sent("2", json!({ "subject": "x" })).await, first);
    let named = sent("3", json!({ "external_id": "order-7", "subject": "Order 7" })).await;
    assert_ne!(named, first);
    let path = format!("/v1/conversations/{named}");
    let closed = channel.client.patch(&path, json!({ "status": "closed" })).await.expect(200);
    assert_eq!(sent("4", json!({ "external_id": "order-7" })).await, named);
    let open = channel.client.get(&path).await.expect(200);
    assert_eq!((&open["status"], &open["subject"]), (&json!("open"), &json!("Order 7")));
    assert!(open["version"].as_i64() > closed["version"].as_i64());

    for (id, status) in [(&first, "closed"), (&named, "spam")] {
        channel.client.patch(&format!("/v1/conversations/{id}"), json!({ "status": status })).await.expect(200);
    }
    let third = sent("5", Value::Null).await;
    assert!(third != first && third != named);
    assert_eq!(sent("6", json!({ "external_id": "order-7" })).await, named);
    assert_eq!(channel.client.get(&path).await.expect(200)["status"], "spam");
}

#[actix_web::test]
async fn a_call_and_files_come_in() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "voice").await;
    let body = json!({
        "external_id": "call-1", "from": { "address": "0612345678", "name": "Ada" }, "type": "call",
        "duration_seconds": 95, "body": "", "sent_at": "2024-05-01T10:00:00.1234567+02:00",
        "attachments": [{ "filename": "call.txt", "content_type": "text/plain", "data": "aGVsbG8=" }],
    });
    let made = channel.message(body.clone()).key("k").await.expect(201);
    let replayed = channel.message(body.clone()).key("k").await.expect(201);
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.json), (Some("true"), &made.json));
    channel.message(message("2", "0612345678")).key("k").await.problem(422, "idempotency_key_reused");
    let call = channel.client.get(made.header("location").unwrap()).await.expect(200);
    assert_eq!((&call["type"], &call["duration_seconds"]), (&json!("call"), &json!(95)));
    assert_eq!(call["occurred_at"], "2024-05-01T08:00:00.123456Z");
    assert_eq!(call["contact"]["address"], "+31612345678");
    let file = world.anonymous().get(&call.text("/attachments/0/url")).await.expect(200);
    assert_eq!(file.bytes, b"hello");
    let photo = json!({
        "external_id": "photo-1", "from": { "address": "0612345678" },
        "attachments": [{ "filename": "photo.txt", "content_type": "text/plain", "data": "aGVsbG8=" }],
    });
    let made = channel.message(photo).await.expect(201);
    let photo = channel.client.get(made.header("location").unwrap()).await.expect(200);
    assert_eq!((&photo["body"], &photo["attachments"][0]["filename"]), (&json!(""), &json!("photo.txt")));
}

#[actix_web::test]
async fn a_preview_begins_with_what_was_written() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "voice").await;
    for (number, (mut body, preview)) in [
        (json!({ "body": "On Monday, Ada wrote:\n> Shall we?\n\nYes, at five.\n-- \nBob" }), "Yes, at five."),
        (json!({ "body": "> Shall we?\n" }), "> Shall we?"),
        (json!({ "type": "call", "duration_seconds": 95, "body": " " }), "Call, 1:35"),
        (json!({ "type": "call" }), "Call"),
        (json!({ "type": "call", "body": "Left a message." }), "Left a message."),
    ]
    .into_iter()
    .enumerate()
    {
        body["external_id"] = json!(number.to_string());
        body["from"] = json!({ "address": "0612345678" });
        let conversation = channel.message(body).await.expect(201).text("/conversation_id");
        let conversation = channel.client.get(&format!("/v1/conversations/{conversation}")).await.expect(200);
        assert_eq!(conversation["preview"], preview);
    }
}

#[actix_web::test]
async fn every_wrong_field_is_named() {
    let world = World::new().await;
    let channel = Channel::new(world.admin(), "sms").await;
    let wrong = json!({
        "external_id": " ", "from": { "name": 7 }, "duration_seconds": 5, "sent_at": "yesterday", "extra": 1,
        "conversation": { "subject": "" },
        "attachments": [{ "filename": "x", "content_type": "text/plain", "data": "not base64!" }],
    });
    channel.message(wrong).await.wrong_fields(&[
        ("/external_id", "blank"),
        ("/from/address", "required"),
        ("/from/name", "type"),
        ("/duration_seconds", "unsupported"),
        ("/sent_at", "type"),
        ("/extra", "unknown"),
        ("/conversation/subject", "blank"),
        ("/attachments/0/data", "type"),
    ]);
    channel.message(json!({})).await.problem(422, "invalid");
    let broken = channel.client.request(Method::POST, &channel.path()).raw("application/json", "{\n\"body\": }");
    let broken = broken.await.problem(400, "malformed_request");
    assert_eq!(broken["line"], 2);
    assert_eq!(world.database.number("SELECT count(*) FROM contacts"), 0);
}

#[actix_web::test]
async fn what_a_channel_does_not_take() {
    let world = World::with(|config| config.max_message_bytes = 100_000).await;
    let admin = world.admin();
    let (mails, texts) = (Channel::new(admin.clone(), "email").await, Channel::new(admin.clone(), "sms").await);
    texts.mail(mail("a", &[])).await.problem(415, "unsupported_media_type");
    let plain = admin.request(Method::POST, &mails.path()).raw("text/plain", "x");
    plain.await.problem(415, "unsupported_media_type");
    mails.mail(vec![b'x'; 100_001]).await.problem(413, "too_large");
    mails.mail(vec![b'x'; 100_000]).await.expect(201);
    texts.message(message("1", "+31612345678")).await.expect(201);

    let nowhere = Channel { client: admin.clone(), id: uuid::Uuid::now_v7().to_string() };
    nowhere.mail(vec![b'x'; 200_000]).await.problem(404, "channel_not_found");
    let stranger = Channel { client: world.stranger().await, id: mails.id.clone() };
    stranger.mail(mail("b", &[])).await.problem(404, "channel_not_found");
    let reader = Channel { client: admin.api_token("read").await, id: mails.id.clone() };
    reader.mail(mail("b", &[])).await.problem(403, "scope_required");
    let writer = Channel { client: admin.api_token("write").await, id: mails.id.clone() };
    writer.mail(mail("b", &[])).await.expect(201);
    admin.post(&format!("/v1/channels/{}/archive", mails.id), json!(null)).await.expect(200);
    mails.mail(mail("c", &[])).await.problem(409, "channel_archived");
}
