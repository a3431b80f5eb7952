//! What holds for every route: failures, retries, versions, cursors, headers.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, ORIGIN, PASSWORD, World, document, operations, race};

fn channel(name: &str) -> serde_json::Value {
    json!({ "name": name, "medium": "email" })
}

#[actix_web::test]
async fn a_route_that_is_not_there() {
    let world = World::new().await;
    for path in ["/", "/v1", "/v1/", "/v1/nothing", "/v1/contacts/", "/v2/contacts", "/v1/contacts/%ff/x/%00", "//"] {
        world.admin().get(path).await.problem(404, "route_not_found");
    }
    for id in ["1", "null", "%00", "%ff", "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c1", "%F0%9F%98%80"] {
        world.admin().get(&format!("/v1/contacts/{id}")).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn a_method_that_a_route_does_not_have() {
    let world = World::new().await;
    let refused = world.admin().request(Method::PUT, "/v1/channels").await.problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    let refused = world.admin().delete("/v1/auth/login").await.problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("POST, OPTIONS"));
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs/"] {
        let refused = world.anonymous().post(path, json!({})).await.problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"), "{path}");
        world.anonymous().request(Method::OPTIONS, path).await.expect(204);
        world.anonymous().request(Method::HEAD, path).await.expect(200);
    }
}

#[actix_web::test]
async fn a_path_without_variables_is_not_taken_for_an_id() {
    let world = World::new().await;
    for (path, method, allowed) in [
        ("/v1/conversations/counts", Method::PATCH, "GET, HEAD, OPTIONS"),
        ("/v1/profile-fields/order", Method::DELETE, "PUT, OPTIONS"),
        ("/v1/profile-fields/order", Method::GET, "PUT, OPTIONS"),
    ] {
        let refused = world.admin().request(method, path).json(&json!({})).await.problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some(allowed), "{path}");
        let options = world.admin().request(Method::OPTIONS, path).await.expect(204);
        assert_eq!(options.header("allow"), Some(allowed), "{path}");
    }
    world.admin().get("/v1/conversations/counts").await.expect(200);
}

#[actix_web::test]
async fn a_parameter_that_is_a_number_or_a_boolean_says_which() {
    let world = World::new().await;
    let document = document();
    let mut seen = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_read()) {
        let path = operation.path.replace("{id}", "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11");
        for parameter in operation.parameters("query") {
            let wrong: &[&str] = match parameter["schema"]["type"].as_str() {
                _ if !operation.is_protected() => continue,
                Some("boolean") => &["", "on", "1", "True", "null"],
                Some("integer") => &["", "%2B5", "5.5", "null", "5%20"],
                _ => continue,
            };
            let name = parameter["name"].as_str().unwrap();
            for value in wrong {
                let refused = world.admin().get(&format!("{path}?{name}={value}")).await.problem(422, "invalid");
                assert_eq!(refused["errors"][0]["field"], name, "{path}?{name}={value}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[actix_web::test]
async fn an_integer_may_be_written_as_a_float() {
    let world = World::new().await;
    let body = |days: &str| format!(r#"{{"name": "ERP", "scope": "read", "days": {days}}}"#);
    let send = |days| world.admin().request(Method::POST, "/v1/api-tokens").raw("application/json", body(days));
    for days in ["30", "30.0", "3e1"] {
        send(days).await.expect(201);
    }
    for days in ["30.5", "1e300", "\"30\"", "null"] {
        send(days).await.wrong_fields(&[("/days", "type")]);
    }
}

#[actix_web::test]
async fn json_that_is_kept_can_be_read_again() {
    let world = World::new().await;
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    for settings in [
        json!({ "largest": f64::MAX, "least": f64::MIN, "smallest": 5e-324, "exact": 0.1 + 0.2, "zero": -0.0 }),
        json!({ "integers": [u64::MAX, i64::MIN] }),
        json!({ "deep": deep }),
    ] {
        let body = json!({ "name": "Support", "medium": "email", "settings": settings });
        let made = world.admin().post("/v1/channels", body).await.expect(201);
        let read = world.admin().get(&format!("/v1/channels/{}", made.id())).await.expect(200);
        assert_eq!((&made["settings"], &read["settings"]), (&settings, &settings));
    }
}

#[actix_web::test]
async fn json_that_breaks_is_shown_where() {
    let world = World::new().await;
    let send = |body: &[u8]| world.admin().request(Method::POST, "/v1/channels").raw("application/json", body);
    for (body, line, column) in [
        (&b"{\"name\": \"x\",\n \"medium\": }"[..], 2, 12),
        (b"{", 1, 1),
        (b"", 1, 1),
        (b"{} {}", 1, 4),
        (b"{\"name\": \"\\ud800\"}", 1, 17),
        (&[b'['; 1000], 1, 128),
        (b"{\"name\": \"\xff\"}", 1, 11),
        (b"{\n \"name\": \"\xff\"}", 2, 11),
    ] {
        let refused = send(body).await.problem(400, "malformed_request");
        assert_eq!((&refused["line"], &refused["column"]), (&json!(line), &json!(column)), "{}", refused.body());
    }
    for whole in ["[]", "[\"Support\", \"email\", {}]", "null", "1", "\"x\""] {
        send(whole.as_bytes()).await.problem(422, "invalid");
    }
    // Where no member is required, an array would be one without any.
    let patch = world.admin().request(Method::PATCH, "/v1/organization");
    let refused = patch.raw("application/json", "[]").await.problem(422, "invalid");
    assert_eq!(refused["errors"][0]["message"], "must be an object");
}

#[actix_web::test]
async fn an_array_or_an_object_that_stands_for_something_else_within_a_body() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = json!({"name": "Ada", "contacts": [["email", "ada@example.com"], {"medium": {"email": null}}]});
    let refused = admin.post("/v1/profiles", profile.clone()).await.problem(422, "invalid");
    let told = |errors: &Value| {
        let pair = |error: &Value| (error["field"].as_str().unwrap().to_owned(), error["code"].clone());
        let mut told: Vec<(String, Value)> = errors.as_array().unwrap().iter().map(pair).collect();
        told.sort_by(|(one, _), (other, _)| one.cmp(other));
        told
    };
    let wrong = [("/contacts/0", "type"), ("/contacts/1/address", "required"), ("/contacts/1/medium", "choice")]
        .map(|(field, code)| (field.to_owned(), json!(code)));
    assert_eq!(told(&refused["errors"]), wrong);

    let operations = json!([{"op": "create", "resource": "profile", "body": profile}]);
    let answer = admin.post("/v1/batch", json!({"operations": operations})).await.expect(200);
    assert_eq!(told(&answer["results"][0]["problem"]["errors"]), wrong);
}

#[actix_web::test]
async fn a_body_of_another_type() {
    let world = World::new().await;
    let send = || world.admin().request(Method::POST, "/v1/channels");
    send().raw("text/plain", "{}").await.problem(415, "unsupported_media_type");
    send().await.problem(415, "unsupported_media_type");
    let body = channel("Support").to_string();
    for other in [
        "application/vnd.api+json",
        "application/jsonl",
        "application/json; charset=utf-16",
        "application/json;charset=\"latin1\"",
        "application/json; version=1; Charset=ISO-8859-1",
    ] {
        send().raw(other, body.clone()).await.problem(415, "unsupported_media_type");
    }
    let made = send().raw("application/json; charset=utf-8", body.clone()).await.expect(201);
    for same in ["Application/JSON", "application/json;Charset=\"UTF-8\"", "application/json; version=1;"] {
        send().raw(same, body.clone()).await.expect(201);
    }
    let inbound = world.admin().request(Method::POST, &format!("/v1/channels/{}/inbound", made.id()));
    inbound.raw("application/json; charset=utf-16", "{}").await.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn a_path_that_is_percent_encoded_is_the_same_path() {
    let world = World::new().await;
    let admin = world.admin();
    let id = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let (plain, encoded) = (format!("/v1/profiles/{id}"), format!("/v1/profile%73/{id}"));
    admin.delete(&format!("{encoded}?dry_run=true")).await.wrong_fields(&[("dry_run", "unknown")]);
    admin.put("/v1/profile-field%73/order", json!({})).header("If-Match", "*").await.expect(422);
    admin.get(&plain).await.expect(200);
    let refused = admin.put("/v1/%6de", json!({})).await.problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("GET, PATCH, HEAD, OPTIONS"));
    admin.get(&encoded).await.expect(200);
}

#[actix_web::test]
async fn two_keys_are_no_key() {
    let world = World::new().await;
    let refused = world.admin().post("/v1/channels", channel("Support")).key("one").key("two").await;
    refused.wrong_fields(&[("Idempotency-Key", "repeated")]);
}

#[actix_web::test]
async fn a_body_that_is_compressed_is_not_taken_for_what_it_is_not() {
    let world = World::new().await;
    let admin = world.admin();
    let body = channel("Support").to_string();
    let send = || admin.request(Method::POST, "/v1/channels").raw("application/json", body.clone());
    for encoding in ["gzip", "br", "wat", "gzip, gzip"] {
        send().header("Content-Encoding", encoding).await.problem(415, "unsupported_media_type");
    }
    let upload = admin.request(Method::POST, "/v1/attachments").file("a.txt", "text/plain", "a");
    upload.header("Content-Encoding", "gzip").await.problem(415, "unsupported_media_type");
    send().header("Content-Encoding", "identity").await.expect(201);
}

#[actix_web::test]
async fn a_query_is_percent_encoded_utf_8() {
    let world = World::new().await;
    // As they are: a client library would mend them.
    for query in ["q=%zz", "q=%", "q=%4", "q=%ff", "q=a&q=%c3%28", "%ff=a", "q=%+4"] {
        let answer = send(&world.admin(), &format!("GET /v1/contacts?{query}"), "", b"");
        assert!(answer.starts_with("HTTP/1.1 422 "), "{query}: {answer}");
        assert!(answer.contains("\"code\":\"encoding\""), "{query}: {answer}");
    }
    for query in ["q=%F0%9F%98%80", "q=%EF%BF%BD", "q=a+b%20c", "q=%c3%a9"] {
        let answer = send(&world.admin(), &format!("GET /v1/contacts?{query}"), "", b"");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{query}: {answer}");
    }
}

#[actix_web::test]
async fn a_condition_that_cannot_be_read_is_not_met() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", channel("Support")).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    for condition in ["", " ", ",", "W/"] {
        admin.delete(&path).header("If-Match", condition).await.problem(412, "version_mismatch");
    }
    let answer = send(&admin, &format!("DELETE {path}"), "If-Match: \u{ff}\r\n", b"");
    assert!(answer.starts_with("HTTP/1.1 412 "), "{answer}");
    admin.get(&path).header("If-None-Match", "").await.expect(200);
}

#[actix_web::test]
async fn what_is_no_form_is_refused() {
    let world = World::new().await;
    let admin = world.admin();
    let send = |content_type: &str, body: &str| {
        admin.request(Method::POST, "/v1/attachments").raw(content_type, body.as_bytes())
    };
    let form = "multipart/form-data; boundary=X";
    send("multipart/form-data", "x").await.problem(400, "malformed_request");
    for body in [
        "",
        "garbage",
        "--X\r\n\r\nabc\r\n--X--\r\n",
        "--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc",
    ] {
        send(form, body).await.problem(400, "malformed_request");
    }
    let other = "--X\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nabc\r\n--X--\r\n";
    send(form, other).await.wrong_fields(&[("/other", "unknown")]);
    send("application/json", "{}").await.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn an_old_client_is_answered_too() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.admin().base().strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /v1/me HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 401 ") && answer.contains("token_missing"), "{answer}");
}

#[actix_web::test]
async fn headers_beyond_all_measure_are_refused() {
    let world = World::new().await;
    let headers = format!("X-Long: {}\r\n", "a".repeat(200_000));
    let answer = send(&world.admin(), "GET /v1/me", &headers, b"");
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    world.admin().get("/v1/me").await.expect(200);
}

#[actix_web::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let world = World::new().await;
    let admin = world.admin();
    let answer = exchange(&admin, "Content-Length: 30000000\r\n", &[]);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_large\""), "{answer}");
    // One that doesn't say how large it is: as soon as it is.
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 65536], b"\r\n"].concat();
    let answer = exchange(&admin, "Transfer-Encoding: chunked\r\n", &chunk.repeat(17));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[actix_web::test]
async fn texts_of_any_script_may_be_as_long_as_they_may_be() {
    let world = World::new().await;
    let admin = world.admin();
    let letters = |count: usize| "😀".repeat(count);
    let channel = admin.post("/v1/channels", channel("Support")).await.expect(201).id();
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
    let begun = json!({ "channel_id": channel, "contact_id": contact, "message": { "body": letters(500_000) } });
    let conversation = admin.post("/v1/conversations", begun).await.expect(201).id();
    let messages = format!("/v1/conversations/{conversation}/messages");
    let message = admin.post(&messages, json!({ "body": letters(500_000) })).await.expect(201);
    assert_eq!(message.text("/body").chars().count(), 500_000);

    let note = json!({ "on": { "type": "contact", "id": contact }, "body": letters(20_000) });
    let operation = json!({ "op": "create", "resource": "note", "body": note });
    let mut batch = json!({ "operations": vec![operation; 100] });
    let answer = admin.post("/v1/batch", batch.clone()).await.expect(200);
    assert!(answer["results"].as_array().unwrap().iter().all(|result| result["outcome"] == "created"));
    batch["operations"][0]["body"]["body"] = letters(200_000).into();
    admin.post("/v1/batch", batch).await.problem(413, "too_large");
    admin.post("/v1/profiles", json!({ "name": letters(300_000) })).await.problem(413, "too_large");
}

#[actix_web::test]
async fn a_body_whose_chunks_are_broken() {
    let world = World::new().await;
    let answer = exchange(&world.admin(), "Transfer-Encoding: chunked\r\n", b"5\r\n{\"a\"\r\nwat\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("\"detail\":\"The body ends before it is complete, or "), "{answer}");
}

/// What comes back for a request of which only this much is sent.
fn exchange(client: &Client, headers: &str, body: &[u8]) -> String {
    send(client, "POST /v1/channels", &format!("Content-Type: application/json\r\n{headers}"), body)
}

/// What comes back for a request that is written as it is.
fn send(client: &Client, what: &str, headers: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(client.base().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let token = client.token();
    let head = format!("{what} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // It may hang up in the middle.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..length]);
        if answer.ends_with(b"}") || answer.windows(4).any(|end| end == b"\r\n\r\n") && answer.ends_with(b"\n") {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn nul_is_refused_wherever_it_hides() {
    let world = World::new().await;
    let body = json!({ "name": "a\0b", "medium": "email", "settings": { "deep": ["x\0"], "k\0": 1 } });
    world.admin().post("/v1/channels", body).await.wrong_fields(&[
        ("/name", "nul"),
        ("/settings/deep/0", "nul"),
        ("/settings/k\0", "nul"),
    ]);
    let login = json!({ "email": "a\0", "password": PASSWORD });
    world.anonymous().post("/v1/auth/login", login).await.wrong_fields(&[("/email", "nul")]);
    // An escaped backslash before a u is none.
    let body = r#"{"name": "C:\\u0000", "medium": "email"}"#;
    world.admin().request(Method::POST, "/v1/channels").raw("application/json", body).await.expect(201);
}

#[actix_web::test]
async fn a_member_that_stands_in_its_object_twice_is_not_guessed() {
    let world = World::new().await;
    let send = |path: &str, body: &str| world.admin().request(Method::POST, path).raw("application/json", body);
    let body = r#"{"name": "a", "medium": "fax", "settings": {"a/b": [{"c": 1, "c": 1}]}, "name": "b", "name": "c"}"#;
    send("/v1/channels", body).await.wrong_fields(&[
        ("/name", "repeated"),
        ("/medium", "choice"),
        ("/settings/a~1b/0/c", "repeated"),
    ]);
    let body = r#"{"operations": [{"op": "create", "resource": "profile", "body": {"name": "a", "name": "b"}}]}"#;
    send("/v1/batch", body).await.wrong_fields(&[("/operations/0/body/name", "repeated")]);
    send("/v1/auth/logout", r#"{"refresh_token": "a", "refresh_token": "b"}"#)
        .await
        .wrong_fields(&[("/refresh_token", "repeated")]);
    assert!(world.admin().get("/v1/channels").await.expect(200).data().is_empty());
    // The same name in another object is another member.
    send("/v1/channels", r#"{"name": "a", "medium": "email", "settings": {"name": {"name": 1}}}"#).await.expect(201);
}

#[actix_web::test]
async fn a_write_that_is_sent_again_is_done_once() {
    let world = World::new().await;
    let admin = world.admin();
    let first = admin.post("/v1/channels", channel("Support")).key("a key").await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = admin.post("/v1/channels", channel("Support")).key("a key").await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.bytes, first.bytes);
    for header in ["etag", "location", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    let path = format!("/v1/channels/{}", first.id());
    admin.patch(&path, json!({ "name": "Help" })).key("patch").await.expect(200);
    admin.patch(&path, json!({ "name": "Desk" })).await.expect(200);
    let again = admin.patch(&path, json!({ "name": "Help" })).key("patch").await.expect(200);
    assert_eq!(again["name"], "Help", "as it was answered then");
    assert_eq!(admin.get(&path).await.expect(200)["name"], "Desk");
    admin.delete(&path).key("delete").await.expect(204);
    let again = admin.delete(&path).key("delete").await.expect(204);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    admin.delete(&path).await.problem(404, "channel_not_found");
}

#[actix_web::test]
async fn a_key_stands_for_one_request_of_one_caller() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", channel("Support")).key("key").await.expect(201);
    admin.post("/v1/channels", channel("Other")).key("key").await.problem(422, "idempotency_key_reused");
    let path = format!("/v1/channels/{}/archive", made.id());
    admin.request(Method::POST, &path).key("key").await.problem(422, "idempotency_key_reused");
    let stranger = world.stranger().await;
    let theirs = stranger.post("/v1/channels", channel("Support")).key("key").await.expect(201);
    assert_ne!(theirs.id(), made.id());
    let script = admin.api_token("write").await;
    let theirs = script.post("/v1/channels", channel("Support")).key("key").await.expect(201);
    assert_ne!(theirs.id(), made.id());
    let refused = admin.post("/v1/channels", channel("Support")).key(&"x".repeat(256)).await.problem(422, "invalid");
    assert_eq!(
        (&refused["errors"][0]["in"], &refused["errors"][0]["field"]),
        (&json!("header"), &json!("Idempotency-Key"))
    );
}

#[actix_web::test]
async fn a_key_is_forgotten_after_a_day() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", channel("Support")).key("key").await.expect(201);
    world.database.execute("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'");
    let other = admin.post("/v1/channels", channel("Other")).key("key").await.expect(201);
    assert_ne!(other.id(), made.id());
    let again = admin.post("/v1/channels", channel("Other")).key("key").await.expect(201);
    assert_eq!(again.id(), other.id());
}

#[actix_web::test]
async fn requests_with_one_key_at_once_get_one_answer() {
    let world = World::new().await;
    let admin = world.admin();
    let answers = race((0..20).map(|_| admin.post("/v1/channels", channel("Support")).key("key"))).await;
    let mut replayed = 0;
    let ids: std::collections::HashSet<String> = answers
        .into_iter()
        .map(|answer| {
            replayed += usize::from(answer.header("idempotency-replayed").is_some());
            answer.expect(201).id()
        })
        .collect();
    assert_eq!((ids.len(), replayed), (1, 19));
    assert_eq!(admin.get("/v1/channels").await.expect(200).data().len(), 1);
}

#[actix_web::test]
async fn a_failure_is_not_kept() {
    let world = World::new().await;
    let admin = world.admin();
    let ada = json!({ "medium": "email", "address": "ada@example.com" });
    let holder = admin.post("/v1/contacts", ada.clone()).await.expect(201);
    admin.post("/v1/contacts", ada.clone()).key("key").await.problem(409, "contact_exists");
    admin.delete(&format!("/v1/contacts/{}", holder.id())).await.expect(204);
    admin.post("/v1/contacts", ada).key("key").await.expect(201);
}

#[actix_web::test]
async fn an_etag_says_which_version_and_which_answer() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", channel("Support")).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    let read = admin.get(&path).await.expect(200);
    let etag = read.header("etag").unwrap();
    assert!(etag.starts_with("\"1-") && etag.ends_with('"'), "{etag}");
    assert_eq!(made.header("etag"), Some(etag));
    for unchanged in [etag, "*", &format!("\"x\", {etag}"), &format!("W/{etag}")] {
        let answer = admin.get(&path).header("If-None-Match", unchanged).await.expect(304);
        assert_eq!((answer.bytes.len(), answer.header("etag")), (0, Some(etag)), "{unchanged}");
        assert!(answer.header("x-request-id").is_some());
    }
    admin.get(&path).header("If-None-Match", "\"1-other\"").await.expect(200);

    for stale in ["\"2-x\"", "\"x\"", "\"\"", "1"] {
        let request = admin.patch(&path, json!({ "name": "Help" })).header("If-Match", stale);
        match stale {
            "1" => request.await.expect(200),
            _ => request.await.problem(412, "version_mismatch"),
        };
    }
    let refused = admin.patch(&path, json!({ "name": "Desk" })).header("If-Match", etag).await;
    assert_eq!(refused.problem(412, "version_mismatch")["version"], 2);
    admin.delete(&path).header("If-Match", etag).await.problem(412, "version_mismatch");
    let changed =
        admin.patch(&path, json!({ "name": "Desk" })).header("If-Match", "\"7-x\", \"2-y\"").await.expect(200);
    assert_eq!(changed["version"], 3);
    assert_eq!(admin.get(&path).await.expect(200).header("etag"), changed.header("etag"));
    admin.patch(&path, json!({})).header("If-Match", "*").await.expect(200);
    admin.delete(&path).header("If-Match", changed.header("etag").unwrap()).await.expect(204);
}

#[actix_web::test]
async fn of_two_who_change_the_same_version_one_does() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", channel("Support")).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    let rename = |n: usize| {
        admin.patch(&path, json!({ "name": n.to_string() })).header("If-Match", made.header("etag").unwrap())
    };
    let statuses: Vec<u16> = race((0..10).map(rename)).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 9, "{statuses:?}");
}

#[actix_web::test]
async fn lists_have_etags_too() {
    let world = World::new().await;
    let admin = world.admin();
    let list = admin.get("/v1/channels").await.expect(200);
    let etag = list.header("etag").unwrap().to_owned();
    admin.get("/v1/channels").header("If-None-Match", &etag).await.expect(304);
    admin.post("/v1/channels", channel("Support")).await.expect(201);
    admin.get("/v1/channels").header("If-None-Match", &etag).await.expect(200);
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let world = World::new().await;
    let admin = world.admin();
    let get = admin.get("/v1/channels").await.expect(200);
    let head = admin.request(Method::HEAD, "/v1/channels").await.expect(200);
    assert_eq!(head.bytes.len(), 0);
    for header in ["etag", "content-type"] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
    let absent = admin.request(Method::HEAD, "/v1/nothing").await.expect(404);
    assert_eq!(absent.bytes.len(), 0);
    world.anonymous().request(Method::HEAD, "/v1/channels").await.expect(401);
}

#[actix_web::test]
async fn options_name_the_methods() {
    let world = World::new().await;
    let answer = world.anonymous().request(Method::OPTIONS, "/v1/contacts").await.expect(204);
    assert_eq!(answer.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    world.anonymous().request(Method::OPTIONS, "/v1/nothing").await.problem(404, "route_not_found");
}

#[actix_web::test]
async fn only_configured_frontends_may_call_from_a_browser() {
    let world = World::new().await;
    let preflight = |origin: &str| {
        let request = world.anonymous().request(Method::OPTIONS, "/v1/channels").header("Origin", origin);
        request
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,if-match")
    };
    let allowed = preflight(ORIGIN).await.expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(ORIGIN));
    for header in ["authorization", "content-type", "idempotency-key", "if-match"] {
        let headers = allowed.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(headers.contains(header), "{header}: {headers}");
    }
    let other = preflight("https://evil.example").await;
    assert_eq!(other.header("access-control-allow-origin"), None);

    let answers = [
        world.admin().get("/v1/channels").header("Origin", ORIGIN).await.expect(200),
        world.anonymous().get("/v1/channels").header("Origin", ORIGIN).await.problem(401, "token_missing"),
        world.admin().get("/v1/nothing").header("Origin", ORIGIN).await.problem(404, "route_not_found"),
    ];
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for header in ["etag", "link", "location", "x-request-id", "retry-after", "idempotency-replayed"] {
            assert!(exposed.contains(header), "{header}: {exposed}");
        }
    }
    let other = world.admin().get("/v1/channels").header("Origin", "https://evil.example").await.expect(200);
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn every_answer_has_an_id_of_its_own() {
    let world = World::new().await;
    let mut ids = std::collections::HashSet::new();
    for path in ["/v1/me", "/v1/nothing", "/healthz", "/readyz", "/openapi.json", "/docs/", "/docs", "/metrics"] {
        let answer = world.admin().get(path).await;
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{path} has none")).to_owned();
        assert!(id.parse::<uuid::Uuid>().is_ok() && ids.insert(id.clone()), "{path}: {id}");
    }
}

#[actix_web::test]
async fn the_pages_that_need_no_token() {
    let world = World::new().await;
    let anonymous = world.anonymous();
    assert_eq!(anonymous.get("/healthz").await.expect(200).body(), "ok");
    assert_eq!(anonymous.get("/readyz").await.expect(200).body(), "ok");
    assert_eq!(anonymous.get("/openapi.json").await.expect(200).json, crate::support::document());
    assert!(anonymous.get("/docs/").await.expect(200).body().contains("swagger-ui"));
}

#[actix_web::test]
async fn answers_are_compressed_for_those_who_ask() {
    let world = World::new().await;
    for n in 0..20 {
        world.admin().post("/v1/channels", channel(&format!("Support {n}"))).await.expect(201);
    }
    let plain = world.admin().get("/v1/channels").await.expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let varies =
        |answer: &Answer| answer.headers.get_all("vary").iter().filter(|one| *one == "accept-encoding").count();
    assert_eq!(varies(&plain), 1);
    let small = world.admin().get("/v1/channels").header("Accept-Encoding", "gzip").await.expect(200);
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert!(small.bytes.len() < plain.bytes.len());
    assert_eq!(varies(&small), 1);
    // Who takes nothing that there is gets it plain.
    for refusing in ["identity;q=0", "*;q=0", "identity;q=0, deflate"] {
        let answer = world.admin().get("/v1/channels").header("Accept-Encoding", refusing).await.expect(200);
        assert_eq!((answer.header("content-encoding"), &answer.json), (None, &plain.json), "{refusing}");
        assert!(answer.header("x-request-id").is_some());
    }
    let small = world.admin().get("/v1/channels").header("Accept-Encoding", "identity;q=0, gzip").await.expect(200);
    assert_eq!(small.header("content-encoding"), Some("gzip"));
}

#[actix_web::test]
async fn a_cursor_belongs_to_its_list() {
    let world = World::new().await;
    let admin = world.admin();
    for n in 0..3 {
        admin
            .post("/v1/contacts", json!({ "medium": "email", "address": format!("{n}@example.com") }))
            .await
            .expect(201);
        admin.post("/v1/channels", channel(&n.to_string())).await.expect(201);
    }
    let page = admin.get("/v1/contacts?sort=-name&medium=email&limit=1").await.expect(200);
    let cursor = page.text("/next_cursor");
    let with = |query: &str| admin.get(&format!("{query}&cursor={cursor}"));
    // Where the filters stand doesn't matter, nor how long a page is.
    with("/v1/contacts?medium=email&sort=-name&limit=2").await.expect(200);
    for query in [
        "/v1/contacts?sort=name&medium=email",
        "/v1/contacts?sort=-created_at&medium=email",
        "/v1/contacts?sort=-name",
        "/v1/contacts?sort=-name&medium=email&attached=false",
        "/v1/channels?medium=email",
    ] {
        with(query).await.problem(422, "cursor_invalid");
    }
    let first = if cursor.starts_with('A') { 'B' } else { 'A' };
    let changed = [&cursor[..cursor.len() - 2], "zz"].concat();
    let shortened = cursor[..cursor.len() - 4].to_owned();
    for broken in
        [changed, shortened, format!("{first}{}", &cursor[1..]), "x".to_owned(), "%00".to_owned(), String::new()]
    {
        let answer = admin.get(&format!("/v1/contacts?sort=-name&medium=email&cursor={broken}")).await;
        assert_eq!(answer.status, 422, "{broken}: {}", answer.body());
    }
}

#[actix_web::test]
async fn a_cursor_belongs_to_who_was_given_it() {
    let world = World::new().await;
    let (admin, agent, stranger) = (world.admin(), world.agent("Grace").await, world.stranger().await);
    for client in [&admin, &stranger] {
        let phone = client.post("/v1/channels", channel("Phone")).await.expect(201).id();
        for n in 0..2 {
            client.post("/v1/profiles", json!({ "name": format!("Ada {n}") })).await.expect(201);
            let message = json!({ "external_id": n.to_string(), "from": { "address": format!("{n}") }, "body": "Hi" });
            let made = client.post(&format!("/v1/channels/{phone}/inbound"), message).await.expect(201);
            let own = json!({ "assignee_id": client.get("/v1/me").await.expect(200).id() });
            client.patch(&format!("/v1/conversations/{}", made.text("/conversation_id")), own).await.expect(200);
        }
    }
    for list in ["/v1/profiles?limit=1", "/v1/conversations?limit=1", "/v1/conversations?limit=1&assignee_id=me"] {
        let path = format!("{list}&cursor={}", admin.get(list).await.expect(200).text("/next_cursor"));
        admin.get(&path).await.expect(200);
        stranger.get(&path).await.problem(422, "cursor_invalid");
        // A colleague's list is the same, unless it is of what is the caller's own.
        agent.get(&path).await.expect(if list.ends_with("me") { 422 } else { 200 });
    }
    let cursor = stranger.get("/v1/changes").await.expect(200).text("/next_cursor");
    admin.get(&format!("/v1/changes?cursor={cursor}")).await.problem(422, "cursor_invalid");
}

#[actix_web::test]
async fn a_body_that_nothing_would_read_is_refused() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", channel("Support")).await.expect(201).id();
    let path = format!("/v1/channels/{made}/archive");
    for body in ["{\"a\": 1}", "[]", "{", "1", &" ".repeat(17)] {
        for content_type in ["application/json", "text/plain"] {
            let sent = admin.request(Method::POST, &path).raw(content_type, body);
            sent.await.wrong_fields(&[("", "unsupported")]);
        }
    }
    assert_eq!(admin.get(&format!("/v1/channels/{made}")).await.expect(200)["archived_at"], json!(null));
    // Some clients always send something.
    for nothing in ["", "{}", " null "] {
        admin.request(Method::POST, &path).raw("application/json", nothing).await.expect(200);
    }
}

#[actix_web::test]
async fn what_breaks_the_rules_of_a_body_is_told_with_what_the_organization_has_against_it() {
    let world = World::new().await;
    let admin = world.admin();
    for (key, kind) in [("spend", "number"), ("since", "date")] {
        admin.post("/v1/profile-fields", json!({ "key": key, "label": key, "type": kind })).await.expect(201);
    }
    let fields = json!({ "spend": "x", "since": "y", "nope": 1 });
    let of_fields = [("/fields/spend", "type"), ("/fields/since", "date"), ("/fields/nope", "unknown")];
    let profile =
        format!("/v1/profiles/{}", admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id());
    let change = admin.patch(&profile, json!({ "name": " ", "extra": 1, "fields": fields })).key("k").await;
    change.wrong_fields(&[&[("/name", "blank"), ("/extra", "unknown")], &of_fields[..]].concat());
    let contacts = json!([{ "medium": "live_chat", "address": "x" }, { "medium": "custom", "address": "y" }]);
    let made = admin.post("/v1/profiles", json!({ "name": "", "fields": fields, "contacts": contacts })).await;
    let of_contacts = [("/contacts/0/channel_id", "required"), ("/contacts/1/channel_id", "required")];
    made.wrong_fields(&[&[("/name", "blank")], &of_fields[..], &of_contacts[..]].concat());
    let definition = json!({ "key": "Bad", "label": "", "type": "select", "unique": true, "default": 5 });
    for path in ["/v1/profile-fields", "/v1/profile-fields?dry_run=true"] {
        let refused = admin.post(path, definition.clone()).await;
        let mut wrong = vec![("/key", "key"), ("/label", "blank")];
        if !path.contains('?') {
            wrong.extend([("/options", "required"), ("/default", "unsupported")]);
        }
        refused.wrong_fields(&wrong);
    }
    let operation =
        json!({ "op": "create", "resource": "profile", "body": { "name": "", "extra": 1, "fields": fields } });
    let good = json!({ "op": "create", "resource": "profile", "body": { "name": "Bea" } });
    let batch = json!({ "atomic": true, "operations": [good, operation] });
    let refused = admin.post("/v1/batch", batch).await.problem(409, "batch_refused");
    let wrong = refused["results"][1]["problem"]["errors"].as_array().unwrap().iter();
    let mut wrong: Vec<&str> = wrong.map(|error| error["field"].as_str().unwrap()).collect();
    wrong.sort_unstable();
    assert_eq!(wrong, ["/extra", "/fields/nope", "/fields/since", "/fields/spend", "/name"]);
    let note = json!({ "body": "", "mentions": [uuid::Uuid::nil()] });
    let refused = admin.post(&format!("{profile}/notes"), note).await;
    refused.wrong_fields(&[("/body", "blank"), ("/mentions/0", "user_not_found")]);
    // Nothing of it was done, and the key is free.
    assert_eq!(admin.get(&profile).await.expect(200)["version"], 1);
    admin.patch(&profile, json!({ "name": "Eve" })).key("k").await.expect(200);
    assert_eq!(admin.get("/v1/profiles").await.expect(200).data().len(), 1);
}

#[actix_web::test]
async fn a_cursor_that_is_made_up_is_refused() {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let world = World::new().await;
    let id = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11";
    let organization = world.admin().get("/v1/organization").await.expect(200).id();
    let cursor = |list: &str, key: Value| {
        let key = key.to_string();
        let mut bytes = Sha256::digest(format!("{organization} {list}\0{key}"))[..8].to_vec();
        bytes.extend(key.into_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let ask = |list: &str, key: Value| {
        let separator = if list.ends_with('?') { "" } else { "&" };
        world.admin().get(&format!("{list}{separator}cursor={}", cursor(list, key)))
    };
    ask("/v1/contacts?", json!(["ada", id])).await.expect(200);
    ask("/v1/contacts?", json!(["a\0", id])).await.problem(422, "cursor_invalid");
    let by_time = "/v1/contacts?sort=created_at";
    ask(by_time, json!(["2024-01-01T00:00:00Z", id])).await.expect(200);
    for time in ["-262142-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "+10000-01-01T00:00:00Z"] {
        ask(by_time, json!([time, id])).await.problem(422, "cursor_invalid");
    }
    let found = |ids: &str| json!([ids, { "reading": 7, "total": 1, "truncated": false }]);
    ask("/v1/profiles?q=ada", found("AAAAAAAAAAAAAAAAAAAAAA")).await.expect(200);
    for wrong in ["AAAAAAAAAAAAAAAAAAAA", "?"] {
        ask("/v1/profiles?q=ada", found(wrong)).await.problem(422, "cursor_invalid");
    }
}

#[actix_web::test]
async fn null_is_no_object() {
    let world = World::new().await;
    let admin = world.admin();
    let fields = json!({ "name": "Ada", "fields": null });
    admin.post("/v1/profiles", fields.clone()).await.wrong_fields(&[("/fields", "type")]);
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    admin.patch(&format!("/v1/profiles/{profile}"), fields.clone()).await.wrong_fields(&[("/fields", "type")]);
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
    let attach = admin.put(&format!("/v1/contacts/{contact}/profile"), json!({ "new_profile": fields }));
    attach.await.wrong_fields(&[("/new_profile/fields", "type")]);
    let settings = json!({ "name": "Support", "medium": "email", "settings": null });
    admin.post("/v1/channels", settings).await.wrong_fields(&[("/settings", "type")]);
    let made = admin.post("/v1/channels", channel("Support")).await.expect(201).id();
    let change = admin.patch(&format!("/v1/channels/{made}"), json!({ "settings": null }));
    change.await.wrong_fields(&[("/settings", "type")]);
}

#[actix_web::test]
async fn a_field_of_a_nested_body_is_named_from_the_whole_body_on() {
    let world = World::new().await;
    let admin = world.admin();
    let field = json!({ "key": "number", "label": "Number", "type": "text", "unique": true });
    admin.post("/v1/profile-fields", field).await.expect(201);
    let taken = json!({ "name": "Ada", "fields": { "number": "1" } });
    admin.post("/v1/profiles", taken.clone()).await.expect(201);
    let support = admin.post("/v1/channels", channel("Support")).await.expect(201).id();
    let message = json!({ "external_id": "1", "from": { "address": "ada@example.com" }, "body": "Hello" });
    admin.post(&format!("/v1/channels/{support}/inbound"), message).await.expect(201);
    let contact = admin.get("/v1/contacts").await.expect(200).data()[0]["id"].clone();
    let path = format!("/v1/contacts/{}/profile", contact.as_str().unwrap());
    let attach = |new: Value| admin.put(&path, json!({ "new_profile": new }));
    let unknown = json!({ "name": "Ada", "fields": { "x": 1 } });
    attach(unknown).await.wrong_fields(&[("/new_profile/fields/x", "unknown")]);
    assert_eq!(attach(taken).await.problem(409, "value_taken")["field"], "/new_profile/fields/number");
    let message = json!({ "body": "Hi", "attachment_ids": [uuid::Uuid::nil()] });
    let conversation = json!({ "channel_id": support, "contact_id": contact, "message": message });
    let refused = admin.post("/v1/conversations", conversation).await;
    refused.wrong_fields(&[("/message/attachment_ids/0", "attachment_not_found")]);
}

#[actix_web::test]
async fn an_id_is_written_in_one_form() {
    let world = World::new().await;
    let admin = world.admin();
    let profile = admin.post("/v1/profiles", json!({ "name": "Ada" })).await.expect(201).id();
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
    let attach = format!("/v1/contacts/{contact}/profile");
    for other in [format!("{{{profile}}}"), format!("urn:uuid:{profile}"), profile.replace('-', "")] {
        admin.get(&format!("/v1/profiles/{other}")).await.problem(404, "not_found");
        admin.put(&attach, json!({ "profile_id": other })).await.wrong_fields(&[("/profile_id", "type")]);
        for query in ["/v1/contacts?profile_id", "/v1/profiles?created_by", "/v1/conversations?assignee_id"] {
            let name = query.split('?').next_back().unwrap();
            admin.get(&format!("{query}={other}")).await.wrong_fields(&[(name, "type")]);
        }
        let operation = json!({ "op": "delete", "resource": "profile", "id": other });
        let refused = admin.post("/v1/batch", json!({ "operations": [operation] })).await;
        refused.wrong_fields(&[("/operations/0/id", "type")]);
        let note = json!({ "on": { "type": "profile", "id": other }, "body": "?" });
        let operation = json!({ "op": "create", "resource": "note", "body": note });
        let results = admin.post("/v1/batch", json!({ "operations": [operation] })).await.expect(200);
        assert_eq!(results["results"][0]["problem"]["errors"][0]["field"], "/on/id");
    }
    admin.put(&attach, json!({ "profile_id": profile.to_uppercase() })).await.expect(200);
}

#[actix_web::test]
async fn a_request_that_is_wrong_in_ten_thousand_places_is_answered_shortly() {
    let world = World::new().await;
    let (admin, anonymous, long) = (world.admin(), world.anonymous(), "x".repeat(10_000));
    let members = |member: fn(usize) -> String| (0..10_000).map(member).collect::<Vec<_>>().join(",");
    let repeated = members(|n| format!(r#""{n}":0,"{n}":0"#));
    let within = members(|_| r#""y":{"z":0,"z":0}"#.to_owned());
    let nul = members(|n| format!(r#""{n}":"\u0000""#));
    let unknown = members(|n| format!(r#""{n}":0"#));
    let login = "/v1/auth/login";
    for (client, path, body) in [
        (&anonymous, login, format!(r#"{{"{long}":{{{repeated}}}}}"#)),
        (&anonymous, login, format!(r#"{{"{long}":{{{within}}}}}"#)),
        (&anonymous, login, format!(r#"{{"{long}":{{{nul}}}}}"#)),
        (&anonymous, login, format!("{{{unknown}}}")),
        (&admin, "/v1/profiles", format!(r#"{{"name":"Ada","fields":{{{unknown}}}}}"#)),
    ] {
        let started = std::time::Instant::now();
        let refused = client.request(Method::POST, path).raw("application/json", body).await;
        assert!(started.elapsed().as_secs() < 5, "{path}: {:?}", started.elapsed());
        let refused = refused.problem(422, "invalid");
        assert!(refused.body().len() < 100_000, "{path}: {} bytes", refused.body().len());
        let errors = refused["errors"].as_array().unwrap();
        assert!(errors.len() <= 50 && errors[0]["field"].as_str().unwrap().chars().count() <= 501);
    }
    let query = (0..8000).map(|n| format!("{n}=")).collect::<Vec<_>>().join("&");
    anonymous.get(&format!("/v1/me?{query}")).await.problem(401, "token_missing");
    let refused = admin.get(&format!("/v1/me?{query}")).await.problem(422, "invalid");
    assert_eq!(refused["errors"].as_array().unwrap().len(), 50);
    assert_eq!(refused["detail"], "More than 50 fields are not valid: 50 of them are named.");
}
