//! Files that mean harm: stored as they are, and offered so that nothing of them runs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

/// Says 50,000 × 50,000 pixels, with nothing behind it.
const HUGE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x02\0\0\0\0\0\0\0";
const SVG: &[u8] =
    b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>";
const HTML: &[u8] = b"<!DOCTYPE html><script>alert(document.cookie)</script>";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";

async fn upload(client: &Client, filename: &str, content_type: &str, content: &[u8]) -> Answer {
    client.request(Method::POST, "/v1/attachments").file(filename, content_type, content).await
}

/// A form as a client of one's own writes it, with this raw parameter for the name.
async fn upload_raw(client: &Client, filename: &[u8]) -> Answer {
    let mut body = b"--X\r\nContent-Disposition: form-data; name=\"file\"; ".to_vec();
    body.extend(filename);
    body.extend(b"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--X--\r\n");
    client.request(Method::POST, "/v1/attachments").raw("multipart/form-data; boundary=X", body).await
}

/// What a browser gets, by token and by link.
async fn downloads(client: &Client, attachment: &Answer) -> [Answer; 2] {
    let content = client.get(&format!("/v1/attachments/{}/content", attachment.id())).await.expect(200);
    [content, client.with_token("").get(&attachment.text("/url")).await.expect(200)]
}

fn is_safe(answer: &Answer, inline: bool) {
    let disposition = answer.header("content-disposition").unwrap();
    let kind = if inline { "inline; " } else { "attachment; " };
    assert!(disposition.starts_with(kind), "{disposition}");
    assert!(disposition.contains(" filename=\"") && disposition.contains("; filename*=UTF-8''"), "{disposition}");
    assert!(disposition.is_ascii() && disposition.matches('"').count() == 2, "{disposition}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"));
}

#[actix_web::test]
async fn hostile_contents_come_back_byte_for_byte_and_do_not_run() {
    let world = World::new().await;
    let admin = world.admin();
    for (name, says, content, is, inline) in [
        ("huge.png", "image/png", HUGE, "image/png", true),
        ("holiday.jpg", "image/jpeg", ZIP, "application/zip", false),
        ("drawing.svg", "image/svg+xml", SVG, "image/svg+xml", false),
        ("drawing.png", "image/png", SVG, "text/xml", false),
        ("page.html", "text/html", HTML, "text/html", false),
        ("photo.jpg", "image/jpeg", HTML, "text/html", false),
        ("app.xhtml", "application/xhtml+xml", b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "text/html", false),
        ("offer.doc", "text/html", OLE, "application/msword", false),
        ("drawing.svg", "image/svg+xml", OLE, "application/x-ole-storage", false),
        ("script.js", "text/javascript", b"alert(1)", "text/javascript", false),
        ("nothing.gif", "image/gif", b"", "application/octet-stream", false),
    ] {
        let made = upload(&admin, name, says, content).await.expect(201);
        assert_eq!((&made["content_type"], &made["filename"]), (&json!(is), &json!(name)));
        assert_eq!(made["thumbnail_url"], Value::Null);
        for file in downloads(&admin, &made).await {
            assert_eq!(file.bytes, content, "{name}");
            is_safe(&file, inline);
        }
    }
}

#[actix_web::test]
async fn hostile_names_neither_leave_their_folder_nor_their_header() {
    let world = World::new().await;
    let admin = world.admin();
    let long = format!("filename=\"{}.txt\"", "x".repeat(300));
    let kept_of_long = format!("{}.txt", "x".repeat(196));
    for (written, kept) in [
        (b"filename=\"../../../etc/passwd\"".as_slice(), "passwd"),
        (b"filename=\"C:\\\\Windows\\\\system.ini\"", "system.ini"),
        (b"filename=\"a%22; filename=%22b.txt\"", "a\"; filename=\"b.txt"),
        (b"filename=\"two%0D%0ASet-Cookie: x.txt\"", "two Set-Cookie: x.txt"),
        (b"filename*=UTF-8''two%0D%0Alines%00.txt", "two lines.txt"),
        (b"filename*=UTF-8''invoice%E2%80%AEfdp.exe", "invoicefdp.exe"),
        ("filename=\"\u{202e}\u{2066}тест😀.txt\"".as_bytes(), "тест😀.txt"),
        (b"filename=\"..\"", "file"),
        (b"filename=\"%\"", "%"),
        (long.as_bytes(), &kept_of_long),
    ] {
        let name = String::from_utf8_lossy(written).into_owned();
        let made = upload_raw(&admin, written).await.expect(201);
        assert_eq!(made["filename"], kept, "{name}");
        for file in downloads(&admin, &made).await {
            assert_eq!(file.bytes, b"hello");
            is_safe(&file, false);
        }
    }
    for written in [
        b"filename=\"a\0b.txt\"".as_slice(),
        b"filename=\"\xff\xfe.txt\"",
        b"filename=\"a\nb.txt\"",
        b"filename*=UTF-8''%FF",
    ] {
        let answer = upload_raw(&admin, written).await;
        assert!([201, 400].contains(&answer.status), "{}: {}", String::from_utf8_lossy(written), answer.body());
        if answer.status == 201 {
            let name = answer.text("/filename");
            assert!(!name.contains(char::is_control), "{name:?}");
            downloads(&admin, &answer).await.iter().for_each(|file| is_safe(file, false));
        }
    }
    // Whatever they are called, they lie where their bytes say.
    let stored = crate::support::files(&world.folder.path().join("attachments"));
    assert!(stored.iter().all(|path| path.file_name().unwrap().len() == 64), "{stored:?}");
}

#[actix_web::test]
async fn images_of_a_mail_s_text_are_told_from_its_files() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = admin.post("/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.expect(201).id();
    let mail = "From: ada@example.com\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/related; boundary=X\r\n\r\n\
        --X\r\nContent-Type: text/html\r\n\r\n<p>Hi <img src=\"cid:logo\"></p>\r\n\
        --X\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline; filename=logo.png\r\n\
        Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n\
        --X\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=offer.txt\r\n\r\noffer\r\n--X--\r\n";
    let inbound = format!("/v1/channels/{channel}/inbound");
    let received = admin.request(Method::POST, &inbound).raw("message/rfc822", mail).await.expect(201);
    for path in [
        format!("/v1/conversations/{}/attachments", received.text("/conversation_id")),
        format!("/v1/contacts/{}/attachments", received.text("/contact_id")),
    ] {
        for (query, names) in [
            ("?count=exact", vec!["logo.png", "offer.txt"]),
            ("?count=exact&inline=true", vec!["logo.png"]),
            ("?count=exact&inline=false", vec!["offer.txt"]),
        ] {
            let list = admin.get(&format!("{path}{query}")).await.expect(200);
            let mut found = list.each("filename");
            found.sort();
            assert_eq!(found, names, "{path}{query}");
            assert_eq!(list["count"]["value"], names.len());
        }
        admin.get(&format!("{path}?inline=perhaps")).await.wrong_fields(&[("inline", "type")]);
    }
}

#[actix_web::test]
async fn a_file_does_not_hide_as_an_image_of_the_text() {
    let world = World::new().await;
    let admin = world.admin();
    let channel = admin.post("/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.expect(201).id();
    let png = "\u{89}PNG\r\n\u{1a}\n";
    let parts = [
        ("shown.png", "image/png", png, "<img src=\"&#99;id:shown.png\">"),
        ("linked.pdf", "application/pdf", "%PDF-1.7", "<a href=\"cid:linked.pdf\">offer</a>"),
        ("named.zip", "application/zip", "PK\u{3}\u{4}", "see cid:named.zip"),
        ("commented.png", "image/png", png, "<!-- <img src=\"cid:commented.png\"> -->"),
        ("embedded.pdf", "application/pdf", "%PDF-1.7", "<img src=\"cid:embedded.pdf\" alt=\"offer\">"),
        ("embedded.docx", "application/octet-stream", "PK\u{3}\u{4}", "<img src=\"cid:embedded.docx\">"),
        ("embedded.png", "image/png", "no image", "<img src=\"cid:embedded.png\">"),
        ("behind.png", "image/png", png, "<p style=\"background:url(cid:behind.png)\">x</p>"),
        ("table.png", "image/png", png, "<table background=\"cid:table.png\"></table>"),
    ];
    let mut mail = b"From: ada@example.com\r\nMessage-ID: <1@example.com>\r\n\
        Content-Type: multipart/related; boundary=X\r\n\r\n--X\r\nContent-Type: text/html\r\n\r\n"
        .to_vec();
    parts.iter().for_each(|(_, _, _, html)| mail.extend(html.as_bytes()));
    for (name, content_type, content, _) in parts {
        let header = format!("Content-Type: {content_type}; name={name}\r\nContent-ID: <{name}>");
        mail.extend(format!("\r\n--X\r\n{header}\r\n\r\n").bytes());
        // Each letter is a byte.
        mail.extend(content.chars().map(|letter| letter as u8));
    }
    mail.extend(b"\r\n--X--\r\n");
    let inbound = format!("/v1/channels/{channel}/inbound");
    let received = admin.request(Method::POST, &inbound).raw("message/rfc822", mail).await.expect(201);

    let files = format!("/v1/contacts/{}/attachments", received.text("/contact_id"));
    assert_eq!(admin.get(&format!("{files}?inline=true")).await.expect(200).each("filename"), ["shown.png"]);
    let mut sent = admin.get(&format!("{files}?inline=false")).await.expect(200).each("filename");
    sent.sort();
    let mut expected: Vec<&str> = parts.iter().skip(1).map(|(name, ..)| *name).collect();
    expected.sort_unstable();
    assert_eq!(sent, expected);
    let shown = admin.get(&format!("/v1/messages/{}/html", received.text("/message_id"))).await.expect(200);
    assert_eq!(shown.body().matches("src=").count(), 1, "{}", shown.body());
    assert!(shown.body().contains("<img alt=\"offer\">"), "{}", shown.body());
}
