//! Files: uploaded, downloaded, linked, and exchanged with a message.

use bytes::Bytes;
use dossier::actor::ActorRef;
use dossier::attachments::{self, Exchange, File, Links, Store};
use dossier::channels::Direction;
use dossier::ids::{AttachmentId, ChannelId, ContactId, ConversationId, MessageId, OrganizationId, ProfileId};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Request, World, document, headers, race, sent};

/// 3 by 2 pixels, as far as its header says.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\0\0\0\0";
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n";

fn upload(client: &Client, filename: &str, content_type: &str, content: &[u8]) -> Request {
    client.request(Method::POST, "/v1/attachments").file(filename, content_type, content)
}

async fn download(client: &Client, attachment: &Answer) -> Answer {
    client.get(&format!("/v1/attachments/{}/content", attachment.id())).await
}

#[actix_web::test]
async fn an_agent_uploads_a_file_and_gets_it_back_unchanged() {
    let world = World::new().await;
    let agent = world.agent("Grace").await;
    let made = upload(&agent, "logo.png", "application/octet-stream", PNG).await.expect(201);
    assert_eq!(made.header("location"), Some(format!("/v1/attachments/{}", made.id()).as_str()));
    assert_eq!((&made["filename"], &made["content_type"]), (&json!("logo.png"), &json!("image/png")));
    assert_eq!((&made["kind"], &made["width"], &made["height"]), (&json!("image"), &json!(3), &json!(2)));
    assert_eq!((&made["byte_size"], &made["thumbnail_url"]), (&json!(PNG.len()), &Value::Null));
    assert!(made["message_id"].is_null() && made["conversation_id"].is_null());
    let read = world.admin().get(&format!("/v1/attachments/{}", made.id())).await.expect(200);
    assert_eq!(read.json, made.json);
    let file = download(&agent, &made).await.expect(200);
    assert_eq!(file.bytes, PNG);
    assert_eq!(file.header("content-type"), Some("image/png"));
    assert_eq!(file.header("content-length"), Some(PNG.len().to_string().as_str()));
    assert_eq!(file.header("etag"), Some(format!("\"{}\"", made.text("/sha256")).as_str()));
    assert_eq!(file.header("content-disposition"), Some("inline; filename=\"logo.png\"; filename*=UTF-8''logo.png"));
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    assert!(file.header("cache-control").unwrap().starts_with("private"));
}

#[actix_web::test]
async fn the_same_file_is_stored_once_an_organization() {
    let world = World::new().await;
    for name in ["one.pdf", "two.pdf"] {
        upload(&world.admin(), name, "application/pdf", PDF).await.expect(201);
    }
    upload(&world.stranger().await, "three.pdf", "application/pdf", PDF).await.expect(201);
    assert_eq!(world.database.number("SELECT count(*) FROM attachments"), 3);
    assert_eq!(world.database.number("SELECT count(*) FROM blobs"), 2);
}

#[actix_web::test]
async fn what_a_browser_could_run_is_only_saved() {
    let world = World::new().await;
    let admin = world.admin();
    for (name, content, content_type) in [
        ("page.png", "<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        ("drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
    ] {
        let made = upload(&admin, name, "image/svg+xml", content.as_bytes()).await.expect(201);
        assert_eq!(made["content_type"], content_type, "{name}");
        let file = download(&admin, &made).await.expect(200);
        assert!(file.header("content-disposition").unwrap().starts_with("attachment; "), "{name}");
        assert_eq!(file.header("content-security-policy"), Some("sandbox; default-src 'none'"));
    }
    let zip = upload(&admin, "holiday.jpg", "image/jpeg", b"PK\x03\x04 and so on").await.expect(201);
    assert_eq!((&zip["content_type"], &zip["kind"]), (&json!("application/zip"), &json!("other")));
    let text = upload(&admin, "holiday.png", "image/png", b"no picture").await.expect(201);
    assert_eq!(text["content_type"], "application/octet-stream");
}

#[actix_web::test]
async fn hostile_names_become_harmless() {
    let world = World::new().await;
    for (written, kept) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\offer.pdf", "offer.pdf"),
        ("a \"quoted\" name.pdf", "a \"quoted\" name.pdf"),
        ("two%0D%0Alines.pdf", "two lines.pdf"),
        ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
        ("", "file"),
    ] {
        let made = upload(&world.admin(), written, "application/pdf", PDF).await.expect(201);
        assert_eq!(made["filename"], kept, "{written:?}");
        let disposition = download(&world.admin(), &made).await.expect(200);
        let disposition = disposition.header("content-disposition").unwrap();
        assert!(disposition.is_ascii() && disposition.matches('"').count() == 2, "{disposition}");
    }
}

#[actix_web::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let world = World::new().await;
    let admin = world.admin();
    let made = upload(&admin, "digits.txt", "text/plain", b"0123456789").await.expect(201);
    let path = format!("/v1/attachments/{}/content", made.id());
    for (range, part, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
    ] {
        let answer = admin.get(&path).header("Range", range).await.expect(206);
        assert_eq!((answer.body().as_str(), answer.header("content-range")), (part, Some(content_range)), "{range}");
    }
    let beyond = admin.get(&path).header("Range", "bytes=10-").await.problem(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), Some("bytes */10"));
    let tag = format!("\"{}\"", made.text("/sha256"));
    let same = admin.get(&path).header("Range", "bytes=0-0").header("If-Range", &tag).await.expect(206);
    assert_eq!(same.body(), "0");
    let changed = admin.get(&path).header("Range", "bytes=0-0").header("If-Range", "\"other\"").await.expect(200);
    assert_eq!(changed.body(), "0123456789");
    let known = admin.get(&path).header("If-None-Match", &tag).await.expect(304);
    assert!(known.bytes.is_empty());
    let head = admin.request(Method::HEAD, &path).await.expect(200);
    assert_eq!((head.header("content-length"), head.bytes.len()), (Some("10"), 0));
    let compressed = admin.get(&path).header("Accept-Encoding", "gzip").await.expect(200);
    assert_eq!(compressed.body(), "0123456789");
}

#[actix_web::test]
async fn a_download_has_the_headers_of_the_document() {
    let world = World::new().await;
    let admin = world.admin();
    let file = upload(&admin, "digits.txt", "text/plain", b"0123456789").await.expect(201);
    let channel = admin.post("/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.expect(201).id();
    let mail = "From: ada@example.com\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>";
    let inbound = admin.request(Method::POST, &format!("/v1/channels/{channel}/inbound")).raw("message/rfc822", mail);
    let message = inbound.await.expect(201).text("/message_id");
    let document = document();
    for (operation, path, has_parts) in [
        ("/v1/attachments/{id}/content", format!("/v1/attachments/{}/content", file.id()), true),
        ("/v1/attachments/{id}/signed", file.text("/url"), true),
        ("/v1/messages/{id}/raw", format!("/v1/messages/{message}/raw"), true),
        ("/v1/messages/{id}/html", format!("/v1/messages/{message}/html"), false),
    ] {
        let whole = admin.get(&path).await.expect(200);
        let known = admin.get(&path).header("If-None-Match", whole.header("etag").unwrap()).await.expect(304);
        let part = admin.get(&path).header("Range", "bytes=0-3").await.expect(if has_parts { 206 } else { 200 });
        for answer in [whole, known, part] {
            let response = &document["paths"][operation]["get"]["responses"][answer.status.to_string()];
            assert_eq!(sent(&answer), headers(response), "{}: {}", answer.what, answer.status);
        }
    }
}

#[actix_web::test]
async fn an_empty_file_is_a_file() {
    let world = World::new().await;
    let made = upload(&world.admin(), "empty.txt", "text/plain", b"").await.expect(201);
    assert_eq!(made["byte_size"], 0);
    assert!(download(&world.admin(), &made).await.expect(200).bytes.is_empty());
}

#[actix_web::test]
async fn a_link_needs_no_token_and_can_not_be_changed() {
    let world = World::new().await;
    let admin = world.admin();
    let made = upload(&admin, "logo.png", "image/png", PNG).await.expect(201);
    let other = upload(&admin, "offer.pdf", "application/pdf", PDF).await.expect(201);
    let url = made.text("/url");
    let anyone = world.anonymous();
    let file = anyone.get(&url).await.expect(200);
    assert_eq!(file.bytes, PNG);
    let part = anyone.get(&url).header("Range", "bytes=0-3").await.expect(206);
    assert_eq!(part.bytes, &PNG[..4]);
    let last = if url.ends_with('0') { "1" } else { "0" };
    let stranger = world.stranger().await.get("/v1/organization").await.expect(200).id();
    let organization = admin.get("/v1/organization").await.expect(200).id();
    for changed in [
        url.replace(&made.id(), &other.id()),
        url.replace(&organization, &stranger),
        url.replace("expires=1", "expires=2"),
        url.replace("variant=original", "variant=thumbnail"),
        format!("{}{last}", &url[..url.len() - 1]),
        url.split_once("&signature").unwrap().0.to_owned(),
        url.split_once('?').unwrap().0.to_owned(),
    ] {
        assert_ne!(changed, url);
        anyone.get(&changed).await.problem(403, "link_invalid");
    }
    anyone.get(&format!("/v1/attachments/{}", made.id())).await.problem(401, "token_missing");
    anyone.get(&format!("/v1/attachments/{}/content", made.id())).await.problem(401, "token_missing");
}

#[actix_web::test]
async fn a_stranger_does_not_find_a_file() {
    let world = World::new().await;
    let stranger = world.stranger().await;
    let made = upload(&world.admin(), "logo.png", "image/png", PNG).await.expect(201);
    for path in ["", "/content"] {
        let path = format!("/v1/attachments/{}{path}", made.id());
        stranger.get(&path).await.problem(404, "attachment_not_found");
    }
}

#[actix_web::test]
async fn a_file_above_the_limit_is_refused() {
    let world = World::with(|config| config.max_upload_bytes = 1000).await;
    let admin = world.admin();
    upload(&admin, "fits.bin", "application/octet-stream", &[7; 1000]).await.expect(201);
    // Too large by its announced length, and only as it is read.
    for size in [1_000_000, 1001] {
        upload(&admin, "large.bin", "application/octet-stream", &vec![7; size]).await.problem(413, "too_large");
    }
    assert_eq!(world.database.number("SELECT count(*) FROM attachments"), 1);
}

#[actix_web::test]
async fn a_form_must_hold_one_file() {
    let world = World::new().await;
    let admin = world.admin();
    let post = || admin.request(Method::POST, "/v1/attachments");
    post().multipart(Form::new()).await.problem(400, "malformed_request");
    let named = |name: &'static str| Form::new().part(name, Part::bytes(PDF).file_name("offer.pdf"));
    post().multipart(named("document")).await.wrong_fields(&[("/document", "unknown")]);
    let twice = named("file").part("file", Part::bytes(PDF).file_name("other.pdf"));
    post().multipart(twice).await.wrong_fields(&[("/file", "repeated")]);
    post().raw("multipart/form-data; boundary=x", "--x--\r\n").await.wrong_fields(&[("/file", "required")]);
    post().raw("multipart/form-data; boundary=x", "nonsense").await.problem(400, "malformed_request");
    post().raw("multipart/form-data", "--x--").await.problem(400, "malformed_request");
    post().raw("application/json", "{}").await.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn an_upload_that_is_sent_again_is_kept_once() {
    let world = World::new().await;
    let admin = world.admin();
    let first = upload(&admin, "offer.pdf", "application/pdf", PDF).key("one").await.expect(201);
    // The boundary between parts is another one each time.
    let again = upload(&admin, "offer.pdf", "application/pdf", PDF).key("one").await.expect(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (first.id(), Some("true")));
    upload(&admin, "other.pdf", "application/pdf", PDF).key("one").await.problem(422, "idempotency_key_reused");
    upload(&admin, "offer.pdf", "application/pdf", PNG).key("one").await.problem(422, "idempotency_key_reused");
    let answers = race((0..8).map(|_| upload(&admin, "logo.png", "image/png", PNG).key("two"))).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.id() == answers[0].id()));
    assert_eq!(world.database.number("SELECT count(*) FROM attachments"), 2);
}

#[actix_web::test]
async fn who_may_not_write_uploads_nothing() {
    let world = World::new().await;
    let reader = world.admin().api_token("read").await;
    upload(&reader, "offer.pdf", "application/pdf", PDF).await.problem(403, "scope_required");
    assert!(!world.folder.path().join("attachments").read_dir().unwrap().any(|_| true), "nothing was stored");
    upload(&world.anonymous(), "offer.pdf", "application/pdf", PDF).await.problem(401, "token_missing");
}

#[actix_web::test]
async fn lists_of_what_is_not_there() {
    let world = World::new().await;
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = world.admin().post("/v1/contacts", contact).await.expect(201).id();
    let path = format!("/v1/contacts/{contact}/attachments");
    assert!(world.admin().get(&path).await.expect(200).data().is_empty());
    world.stranger().await.get(&path).await.problem(404, "contact_not_found");
    for kind in ["profile", "contact", "conversation"] {
        let path = format!("/v1/{kind}s/{}/attachments", ContactId::new());
        world.admin().get(&path).await.problem(404, &format!("{kind}_not_found"));
    }
    let wrong = world.admin().get(&format!("{path}?kind=song&from=yesterday&colour=red")).await;
    wrong.wrong_fields(&[("kind", "choice"), ("from", "type"), ("colour", "unknown")]);
}

/// A profile with two contacts, each of which wrote from a channel of its own; put where their rooms would put them.
struct Correspondence {
    organization: OrganizationId,
    profile: ProfileId,
    exchanges: Vec<Exchange>,
}

impl Correspondence {
    async fn new(world: &World) -> Self {
        let admin = world.admin();
        let organization = OrganizationId(admin.get("/v1/organization").await.expect(200).id().parse().unwrap());
        let profile = ProfileId::new();
        world.database.execute(&format!(
            "INSERT INTO profiles (organization_id, id, name, sort_name, created_by_type)
             VALUES ('{organization}', '{profile}', 'Ada', 'ada', 'system')"
        ));
        let mut exchanges = Vec::new();
        for (medium, address, day) in [("email", "ada@example.com", 1), ("whatsapp", "+31612345678", 2)] {
            let channel = admin.post("/v1/channels", json!({ "name": medium, "medium": medium })).await.expect(201);
            let contact = json!({ "medium": medium, "address": address });
            let contact = admin.post("/v1/contacts", contact).await.expect(201);
            let exchange = Exchange {
                message: MessageId::new(),
                conversation: ConversationId::new(),
                contact: ContactId(contact.id().parse().unwrap()),
                channel: ChannelId(channel.id().parse().unwrap()),
                direction: Direction::Inbound,
                occurred_at: format!("2026-03-0{day}T10:00:00Z").parse().unwrap(),
            };
            let Exchange { message, conversation, contact, channel, occurred_at, .. } = &exchange;
            world.database.execute(&format!(
                "UPDATE contacts SET profile_id = '{profile}' WHERE id = '{contact}';
                 INSERT INTO conversations (organization_id, id, channel_id, contact_id, last_message_at)
                 VALUES ('{organization}', '{conversation}', '{channel}', '{contact}', '{occurred_at}');
                 INSERT INTO messages (organization_id, id, conversation_id, channel_id, contact_id, type, direction,
                    body, occurred_at, search)
                 VALUES ('{organization}', '{message}', '{conversation}', '{channel}', '{contact}', 'message',
                    'inbound', '', '{occurred_at}', '')"
            ));
            exchanges.push(exchange);
        }
        Self { organization, profile, exchanges }
    }

    /// Keeps files that came with the message of an exchange.
    async fn receive(&self, world: &World, exchange: usize, files: &[(&str, &'static [u8])]) {
        let store = Store::open(&format!("file://{}/attachments", world.folder.path().display())).unwrap();
        let mut kept = Vec::new();
        for (name, content) in files {
            let blob = store.put(self.organization, Bytes::from_static(content)).await.unwrap();
            assert_eq!(store.get(self.organization, &blob.sha256).await.unwrap(), content);
            kept.push(File {
                filename: (*name).to_owned(),
                content_type: None,
                content_id: (*name == "logo.png").then(|| "logo".to_owned()),
                inline: *name == "logo.png",
                blob,
            });
        }
        let exchange = self.exchanges[exchange].clone();
        let work = move |tx: &mut dossier::db::Tx| attachments::insert_exchanged(tx, &exchange, &kept);
        world.database.connect().act(self.organization, ActorRef::SYSTEM, work).await.unwrap();
    }

    async fn adopt(&self, world: &World, exchange: usize, ids: Vec<AttachmentId>) -> dossier::error::Result<()> {
        let exchange = self.exchanges[exchange].clone();
        let work = move |tx: &mut dossier::db::Tx| attachments::adopt_uploads(tx, &exchange, &ids);
        world.database.connect().act(self.organization, ActorRef::SYSTEM, work).await
    }
}

#[actix_web::test]
async fn a_profile_shows_what_was_exchanged_with_its_contacts() {
    let world = World::new().await;
    let admin = world.admin();
    let ada = Correspondence::new(&world).await;
    ada.receive(&world, 0, &[("logo.png", PNG), ("offer.pdf", PDF)]).await;
    ada.receive(&world, 1, &[("photo.png", PNG)]).await;
    upload(&admin, "unused.pdf", "application/pdf", PDF).await.expect(201);
    let list = async |query: &str| {
        let path = format!("/v1/profiles/{}/attachments{query}", ada.profile);
        let mut names = admin.get(&path).await.expect(200).each("filename");
        // Those of one message may stand in any order.
        names.sort();
        names
    };
    let newest = admin.get(&format!("/v1/profiles/{}/attachments?limit=1", ada.profile)).await.expect(200);
    let newest = newest.data();
    let (email, whatsapp) = (&ada.exchanges[0], &ada.exchanges[1]);
    assert_eq!((&newest[0]["filename"], &newest[0]["direction"]), (&json!("photo.png"), &json!("inbound")));
    assert_eq!(newest[0]["message_id"], json!(whatsapp.message));
    assert_eq!(newest[0]["occurred_at"], "2026-03-02T10:00:00Z");
    assert_eq!(newest[0]["contact"]["address"], "+31612345678");
    assert_eq!(newest[0]["channel"]["name"], "whatsapp");
    assert_eq!(world.anonymous().get(newest[0]["url"].as_str().unwrap()).await.expect(200).bytes, PNG);

    assert_eq!(list("").await, ["logo.png", "offer.pdf", "photo.png"]);
    assert_eq!(list("?kind=document").await, ["offer.pdf"]);
    assert_eq!(list("?kind=document&kind=image").await.len(), 3);
    assert_eq!(list(&format!("?channel_id={}", email.channel)).await, ["logo.png", "offer.pdf"]);
    assert_eq!(list(&format!("?contact_id={}", whatsapp.contact)).await, ["photo.png"]);
    assert_eq!(list("?from=2026-03-02T10:00:00Z").await, ["photo.png"]);
    assert_eq!(list("?to=2026-03-02T10:00:00Z").await, ["logo.png", "offer.pdf"]);
    assert_eq!(list("?from=2026-03-01&to=2026-03-02").await, ["logo.png", "offer.pdf"]);
    let path = format!("/v1/profiles/{}/attachments", ada.profile);
    assert_eq!(admin.walk(&path, 1).await.len(), 3);
    let counted = admin.get(&format!("{path}?limit=1&count=exact&kind=image")).await.expect(200);
    assert_eq!(counted["count"], json!({ "value": 2, "exact": true }));
    let stranger = world.stranger().await;
    for (path, count) in [
        (format!("/v1/contacts/{}/attachments", email.contact), 2),
        (format!("/v1/conversations/{}/attachments", whatsapp.conversation), 1),
    ] {
        assert_eq!(admin.get(&path).await.expect(200).data().len(), count, "{path}");
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    world.database.execute(&format!("UPDATE contacts SET profile_id = NULL WHERE id = '{}'", email.contact));
    assert_eq!(list("").await, ["photo.png"]);
    world.database.execute("UPDATE profiles SET deleted_at = now()");
    admin.get(&path).await.problem(404, "profile_not_found");
}

#[actix_web::test]
async fn a_message_takes_the_uploads_that_it_names() {
    let world = World::new().await;
    let admin = world.admin();
    let ada = Correspondence::new(&world).await;
    let mut ids = Vec::new();
    for name in ["b.pdf", "a.pdf"] {
        let made = upload(&admin, name, "application/pdf", PDF).await.expect(201);
        ids.push(AttachmentId(made.id().parse().unwrap()));
    }
    let theirs = upload(&world.stranger().await, "c.pdf", "application/pdf", PDF).await.expect(201).id();
    let refused = ada.adopt(&world, 0, vec![ids[0], ids[0], AttachmentId(theirs.parse().unwrap())]).await.unwrap_err();
    let fields: Vec<(&str, &str)> =
        refused.errors().iter().map(|error| (error.field.as_str(), error.code.as_str())).collect();
    assert_eq!(fields, [("/attachment_ids/1", "repeated"), ("/attachment_ids/2", "attachment_not_found")]);
    ada.adopt(&world, 0, ids.clone()).await.unwrap();
    let again = ada.adopt(&world, 1, vec![ids[1]]).await.unwrap_err();
    assert_eq!(again.code().as_str(), "attachment_sent");
    let message = ada.exchanges[0].message;
    let links = Links::new(b"any");
    let find = move |tx: &mut dossier::db::Tx| {
        attachments::attachments_of_messages(tx.conn, tx.organization, &links, &[message])
    };
    let found = world.database.connect().act(ada.organization, ActorRef::SYSTEM, find).await.unwrap();
    let names: Vec<&str> = found[&message].iter().map(|attachment| attachment.filename.as_str()).collect();
    assert_eq!(names, ["b.pdf", "a.pdf"], "in the order in which the message names them");
}

#[actix_web::test]
async fn files_move_with_their_conversation() {
    let world = World::new().await;
    let ada = Correspondence::new(&world).await;
    ada.receive(&world, 0, &[("offer.pdf", PDF)]).await;
    let (from, to) = (ada.exchanges[0].conversation, ada.exchanges[1].conversation);
    let work = move |tx: &mut dossier::db::Tx| attachments::move_attachments(tx, &[from], to);
    world.database.connect().act(ada.organization, ActorRef::SYSTEM, work).await.unwrap();
    let organization = ada.organization;
    world.database.execute(&format!("INSERT INTO conversation_redirects VALUES ('{organization}', '{from}', '{to}')"));
    let list = world.admin().get(&format!("/v1/conversations/{to}/attachments")).await.expect(200);
    assert_eq!(list.each("filename"), ["offer.pdf"]);
}
