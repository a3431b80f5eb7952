//! What is done with files in the background: thumbnails are made, and what nothing uses is removed.

use std::io::Cursor;
use std::path::PathBuf;

use dossier::attachments::{self, Store};
use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, files, race};

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n";

async fn upload(client: &Client, filename: &str, content: &[u8]) -> Answer {
    client
        .request(Method::POST, "/v1/attachments")
        .file(filename, "application/octet-stream", content)
        .await
        .expect(201)
}

/// An image of this size, in a colour of its own.
fn picture(width: u32, height: u32, grey: u8, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = RgbImage::from_pixel(width, height, image::Rgb([grey; 3]));
    DynamicImage::from(image).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn store(world: &World) -> Store {
    Store::open(&format!("file://{}/attachments", world.folder.path().display())).unwrap()
}

/// Makes every thumbnail that is wanted, and says how many were tried.
async fn make_all(world: &World) -> usize {
    let (db, store) = (world.database.connect(), store(world));
    let mut tried = 0;
    while attachments::make_thumbnail(&db, &store).await.unwrap() {
        tried += 1;
    }
    tried
}

async fn sweep(world: &World) {
    attachments::sweep_once(&world.database.connect(), &store(world)).await.unwrap();
}

fn stored(world: &World) -> Vec<PathBuf> {
    files(&world.folder.path().join("attachments"))
}

/// A channel's path for messages that come in.
async fn inbox(world: &World) -> String {
    let channel = json!({ "name": "Chat", "medium": "whatsapp" });
    format!("/v1/channels/{}/inbound", world.admin().post("/v1/channels", channel).await.expect(201).id())
}

fn message(id: &str, body: &str, files: &[(&str, &[u8])]) -> Value {
    use base64::Engine;
    let encode = |content: &[u8]| base64::engine::general_purpose::STANDARD.encode(content);
    let files: Vec<Value> = files
        .iter()
        .map(|(name, content)| json!({ "filename": name, "content_type": "image/png", "data": encode(content) }))
        .collect();
    json!({ "external_id": id, "from": { "address": "+31612345678" }, "body": body, "attachments": files })
}

#[actix_web::test]
async fn an_image_gets_its_thumbnail_once_for_the_same_bytes() {
    let world = World::new().await;
    let (admin, stranger) = (world.admin(), world.stranger().await);
    let jpeg = picture(800, 400, 200, ImageFormat::Jpeg);
    let made = upload(&admin, "photo.jpg", &jpeg).await;
    assert_eq!((&made["width"], &made["height"], &made["thumbnail_url"]), (&json!(800), &json!(400), &Value::Null));
    let again = upload(&admin, "copy.jpg", &jpeg).await;
    upload(&admin, "offer.pdf", PDF).await;
    let theirs = upload(&stranger, "theirs.jpg", &jpeg).await;
    assert_eq!(make_all(&world).await, 2, "once an organization");
    for (client, attachment) in [(&admin, &made), (&admin, &again), (&stranger, &theirs)] {
        let attachment = client.get(&format!("/v1/attachments/{}", attachment.id())).await.expect(200);
        let link = attachment.text("/thumbnail_url");
        let small = world.anonymous().get(&link).await.expect(200);
        assert_eq!(small.header("content-type"), Some("image/jpeg"));
        assert_eq!(small.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(small.header("content-length"), Some(small.bytes.len().to_string().as_str()));
        let image = image::load_from_memory(&small.bytes).unwrap();
        assert_eq!((image.width(), image.height()), (320, 160));
        let tag = small.header("etag").unwrap().to_owned();
        assert_ne!(tag, format!("\"{}\"", attachment.text("/sha256")));
        world.anonymous().get(&link).header("If-None-Match", &tag).await.expect(304);
        // A link to one form doesn't open the other.
        let other = link.replace("variant=thumbnail", "variant=original");
        world.anonymous().get(&other).await.problem(403, "link_invalid");
    }
    // Where it comes later, it is there at once.
    assert!(!upload(&admin, "third.jpg", &jpeg).await["thumbnail_url"].is_null());
    assert_eq!(make_all(&world).await, 0);
}

#[actix_web::test]
async fn two_processes_make_each_thumbnail_once() {
    let world = World::new().await;
    for grey in 0..6 {
        upload(&world.admin(), "photo.png", &picture(400, 400, grey, ImageFormat::Png)).await;
    }
    let (one, other) = tokio::join!(make_all(&world), make_all(&world));
    assert_eq!(one + other, 6);
    assert_eq!(world.database.number("SELECT count(*) FROM thumbnails WHERE status = 'made' AND attempts = 1"), 6);
}

#[actix_web::test]
async fn what_can_have_no_thumbnail_is_not_tried_for_ever() {
    let world = World::new().await;
    let admin = world.admin();
    let png = picture(400, 400, 9, ImageFormat::Png);
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let truncated = png[..png.len() / 2].to_vec();
    let mut hostile = Vec::new();
    for (name, content) in [
        ("huge.png", huge.as_slice()),
        ("truncated.png", &truncated),
        ("zip.jpg", b"PK\x03\x04 and so on"),
        ("drawing.svg", b"<svg/>"),
        ("empty.png", b""),
    ] {
        hostile.push(upload(&admin, name, content).await);
    }
    assert_eq!(hostile[0]["width"], 50_000);
    assert_eq!(make_all(&world).await, 2, "the others aren't pictures");
    for attachment in &hostile {
        let attachment = admin.get(&format!("/v1/attachments/{}", attachment.id())).await.expect(200);
        assert!(attachment["thumbnail_url"].is_null(), "{}", attachment.body());
    }
    assert_eq!(make_all(&world).await, 0);

    // One that ends the process leaves its attempts behind.
    upload(&admin, "deadly.png", &picture(400, 400, 10, ImageFormat::Png)).await;
    world.database.execute("UPDATE thumbnails SET attempts = 3 WHERE status = 'pending'");
    let db = world.database.connect();
    for path in stored(&world) {
        std::fs::remove_file(path).unwrap();
    }
    attachments::make_thumbnail(&db, &store(&world)).await.unwrap_err();
    assert_eq!(make_all(&world).await, 0, "its turn comes later");
    world.database.execute("UPDATE thumbnails SET next_attempt_at = now() WHERE status = 'pending'");
    assert_eq!(make_all(&world).await, 0);
    assert_eq!(world.database.number("SELECT count(*) FROM thumbnails WHERE status = 'impossible'"), 3);
}

#[actix_web::test]
async fn uploads_that_no_message_takes_are_removed_after_a_day() {
    let world = World::new().await;
    let admin = world.admin();
    let inbound = inbox(&world).await;
    let photo = picture(400, 400, 1, ImageFormat::Png);
    let conversation = admin.post(&inbound, message("1", "hi", &[("photo.png", &photo)])).await.expect(201);
    let conversation = format!("/v1/conversations/{}/messages", conversation.text("/conversation_id"));
    let unused = upload(&admin, "unused.pdf", PDF).await;
    let same = upload(&admin, "same.png", &photo).await;
    let sent = upload(&admin, "sent.txt", b"sent").await;
    let body = json!({ "body": "here", "attachment_ids": [sent.id()] });
    admin.post(&conversation, body).await.expect(201);
    make_all(&world).await;
    assert_eq!(stored(&world).len(), 4);
    sweep(&world).await;
    world.database.execute("UPDATE attachments SET created_at = now() - interval '23 hours'");
    sweep(&world).await;
    admin.get(&format!("/v1/attachments/{}", unused.id())).await.expect(200);

    world.database.execute("UPDATE attachments SET created_at = now() - interval '25 hours'");
    sweep(&world).await;
    for gone in [&unused, &same] {
        admin.get(&format!("/v1/attachments/{}", gone.id())).await.problem(404, "attachment_not_found");
        let body = json!({ "body": "here", "attachment_ids": [gone.id()] });
        admin.post(&conversation, body).await.wrong_fields(&[("/attachment_ids/0", "attachment_not_found")]);
    }
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'attachment.deleted'"), 2);
    // Their bytes are kept for another day, and only those that nothing else has go.
    assert_eq!(stored(&world).len(), 4);
    assert_eq!(world.database.number("SELECT count(*) FROM blobs WHERE unused_since IS NOT NULL"), 1);
    world.database.execute("UPDATE blobs SET unused_since = unused_since - interval '25 hours'");
    sweep(&world).await;
    assert_eq!(stored(&world).len(), 3);
    assert_eq!(world.database.number("SELECT count(*) FROM blobs"), 2);
    let kept = admin.get(&format!("/v1/attachments/{}/content", sent.id())).await.expect(200);
    assert_eq!(kept.bytes, b"sent");
}

#[actix_web::test]
async fn bytes_that_nothing_came_to_use_are_removed_after_a_day() {
    let world = World::new().await;
    let inbound = inbox(&world).await;
    let photo = picture(400, 400, 1, ImageFormat::Png);
    // Its bytes are stored, and then the database refuses it.
    world.database.execute("ALTER TABLE messages ADD CONSTRAINT refuse CHECK (body <> 'refused') NOT VALID");
    world.admin().post(&inbound, message("1", "refused", &[("photo.png", &photo)])).await.expect(500);
    assert_eq!((stored(&world).len(), world.database.number("SELECT count(*) FROM blobs")), (1, 1));
    sweep(&world).await;
    assert_eq!(stored(&world).len(), 1);
    world.database.execute("UPDATE blobs SET unused_since = unused_since - interval '25 hours'");
    // One that ended between the bytes and the row is gone on with.
    std::fs::remove_file(&stored(&world)[0]).unwrap();
    sweep(&world).await;
    assert_eq!((stored(&world).len(), world.database.number("SELECT count(*) FROM blobs")), (0, 0));
}

#[actix_web::test]
async fn a_file_that_comes_while_the_same_one_is_removed_is_there() {
    let world = World::new().await;
    let admin = world.admin();
    for round in 0..8_u8 {
        let content = vec![round; 2000];
        upload(&admin, "old.bin", &content).await;
        world.database.execute("UPDATE attachments SET created_at = now() - interval '25 hours'");
        sweep(&world).await;
        world.database.execute("UPDATE blobs SET unused_since = unused_since - interval '25 hours'");
        let requests = (0..3).map(|_| {
            let request = admin.request(Method::POST, "/v1/attachments");
            request.file("new.bin", "application/octet-stream", content.clone())
        });
        let (answers, ()) = tokio::join!(race(requests), sweep(&world));
        for answer in answers {
            let made = answer.expect(201);
            let path = format!("/v1/attachments/{}/content", made.id());
            assert_eq!(admin.get(&path).await.expect(200).bytes, content, "round {round}");
        }
    }
}

#[actix_web::test]
async fn one_file_is_shown_with_its_occurrences() {
    let world = World::new().await;
    let admin = world.admin();
    let inbound = inbox(&world).await;
    let photo = picture(40, 40, 1, ImageFormat::Png);
    for id in 0..5 {
        admin.post(&inbound, message(&id.to_string(), "hi", &[(&format!("{id}.png"), &photo)])).await.expect(201);
    }
    admin
        .post(&inbound, message("other", "hi", &[("other.png", &picture(40, 40, 2, ImageFormat::Png))]))
        .await
        .expect(201);
    let upload = upload(&admin, "mine.png", &photo).await;
    assert_eq!(stored(&world).len(), 2);
    let path = format!("/v1/attachments/{}/occurrences", upload.id());
    let all = admin.get(&format!("{path}?count=exact")).await.expect(200);
    assert_eq!(all.each("filename"), ["4.png", "3.png", "2.png", "1.png", "0.png"]);
    assert_eq!((&all["count"]["value"], &all["data"][0]["contact"]["address"]), (&json!(5), &json!("+31612345678")));
    for limit in [1, 2, 5] {
        assert_eq!(admin.walk(&path, limit).await.len(), 5);
    }
    world.stranger().await.get(&path).await.problem(404, "attachment_not_found");
}
