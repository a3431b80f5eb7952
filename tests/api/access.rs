//! Logging in, sessions, users, API tokens.

use std::time::Duration;

use actix_web::rt::time::sleep;
use dossier::actor::{Caller, Role, Scope};
use dossier::http::jwt::Jwt;
use dossier::ids::{OrganizationId, UserId};
use futures_util::future::join;
use serde_json::json;
use uuid::Uuid;

use crate::support::{PASSWORD, SECRET, World, race};

#[actix_web::test]
async fn a_login_opens_a_session() {
    let world = World::new().await;
    let body = json!({ "email": " Admin@Dossier.example ", "password": PASSWORD });
    let session = world.anonymous().post("/v1/auth/login", body).await.expect(200);
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(900)));
    let me = world.anonymous().with_token(session.text("/access_token")).get("/v1/me").await.expect(200);
    assert_eq!(me["email"], "admin@dossier.example");
    assert_eq!((&me["role"], &me["scopes"]), (&json!("admin"), &json!(["read", "write"])));
    assert_eq!(me["organization"]["name"], "Dossier Test");
    assert!(!me.body().contains("argon2"), "no hash of a password leaves the service");
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_address_look_alike() {
    let world = World::new().await;
    let mut details = Vec::new();
    for email in ["admin@dossier.example", "nobody@dossier.example"] {
        let body = json!({ "email": email, "password": "wrong" });
        let answer = world.anonymous().post("/v1/auth/login", body).await.problem(401, "credentials_invalid");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        details.push(answer.text("/detail"));
    }
    assert_eq!(details[0], details[1]);
}

#[actix_web::test]
async fn after_ten_wrong_passwords_a_user_waits() {
    let world = World::new().await;
    let login = |password: &str| {
        world.anonymous().post("/v1/auth/login", json!({ "email": "admin@dossier.example", "password": password }))
    };
    for _ in 0..10 {
        login("wrong").await.problem(401, "credentials_invalid");
    }
    for password in ["wrong", PASSWORD] {
        let refused = login(password).await.problem(429, "too_many_attempts");
        assert_eq!(refused.header("retry-after"), Some("900"));
    }
    world.agent("Grace").await.get("/v1/me").await.expect(200);
    world.database.execute("UPDATE users SET failed_login_at = failed_login_at - interval '15 minutes'");
    login(PASSWORD).await.expect(200);
    login("wrong").await.problem(401, "credentials_invalid");
    login(PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn guessing_many_passwords_at_once_does_not_help() {
    let world = World::new().await;
    let login = |password: String| {
        world.anonymous().post("/v1/auth/login", json!({ "email": "admin@dossier.example", "password": password }))
    };
    let guesses = race((0..39).map(|n| login(format!("guess {n}"))));
    // The right one comes last: it is let in before ten of the others have failed, and checked after that.
    let right = async {
        sleep(Duration::from_millis(100)).await;
        login(PASSWORD.to_owned()).await
    };
    let (_, right) = join(guesses, right).await;
    assert_eq!(right.status, 429, "{}", right.body());
}

#[actix_web::test]
async fn a_refresh_token_gives_the_next_session_once() {
    let world = World::new().await;
    let first = world.admin().refresh_token;
    let refresh = |token: &str| world.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": token }));
    let second = refresh(&first).await.expect(200);
    world.anonymous().with_token(second.text("/access_token")).get("/v1/me").await.expect(200);
    let third = refresh(&second.text("/refresh_token")).await.expect(200);
    assert_ne!(second["refresh_token"], third["refresh_token"]);

    // Another tab sends the first again, within ten seconds.
    refresh(&first).await.expect(200);

    let elsewhere = world.anonymous().login("admin@dossier.example").await;
    world.database.execute("UPDATE refresh_tokens SET rotated_at = rotated_at - interval '11 seconds'");
    refresh(&first).await.problem(401, "token_invalid");
    refresh(&third.text("/refresh_token")).await.problem(401, "token_invalid");
    refresh(&elsewhere.refresh_token).await.expect(200);
    refresh("made up").await.problem(401, "token_invalid");
}

#[actix_web::test]
async fn an_old_refresh_token_has_expired() {
    let world = World::new().await;
    world.database.execute("UPDATE refresh_tokens SET expires_at = now()");
    let body = json!({ "refresh_token": world.admin().refresh_token });
    world.anonymous().post("/v1/auth/refresh", body).await.problem(401, "token_invalid");
}

#[actix_web::test]
async fn logging_out_ends_one_session_or_all() {
    let world = World::new().await;
    let grace = world.agent("Grace").await;
    let [phone, tablet] = [grace.login(&grace.email).await, grace.login(&grace.email).await];
    let anonymous = world.anonymous();
    let refresh = |token: &str| anonymous.post("/v1/auth/refresh", json!({ "refresh_token": token }));
    let logout =
        |token: &str, all: bool| anonymous.post("/v1/auth/logout", json!({ "refresh_token": token, "all": all }));
    logout(&phone.refresh_token, false).await.expect(204);
    refresh(&phone.refresh_token).await.problem(401, "token_invalid");
    let tablet = refresh(&tablet.refresh_token).await.expect(200);
    logout(&tablet.text("/refresh_token"), true).await.expect(204);
    refresh(&grace.refresh_token).await.problem(401, "token_invalid");
    logout("made up", true).await.expect(204);
    refresh(&world.admin().refresh_token).await.expect(200);
}

#[actix_web::test]
async fn another_role_ends_tokens_at_once() {
    let world = World::new().await;
    let grace = world.agent("Grace").await;
    let path = format!("/v1/users/{}", grace.id);
    world.admin().patch(&path, json!({ "role": "admin" })).await.expect(200);
    grace.get("/v1/me").await.problem(401, "token_invalid");
    let session = grace.post("/v1/auth/refresh", json!({ "refresh_token": grace.refresh_token })).await.expect(200);
    let promoted = grace.with_token(session.text("/access_token"));
    let script = promoted.api_token("read write").await;
    script.get("/v1/api-tokens").await.expect(200);
    world.admin().patch(&path, json!({ "role": "agent" })).await.expect(200);
    promoted.get("/v1/me").await.problem(401, "token_invalid");
    script.get("/v1/me").await.problem(401, "token_invalid");
}

#[actix_web::test]
async fn a_deactivated_user_is_out_at_once() {
    let world = World::new().await;
    let grace = world.agent("Grace").await;
    let path = format!("/v1/users/{}", grace.id);
    let gone = world.admin().patch(&path, json!({ "active": false })).await.expect(200);
    assert_eq!(gone["active"], false);
    grace.get("/v1/me").await.problem(401, "token_invalid");
    grace.post("/v1/auth/refresh", json!({ "refresh_token": grace.refresh_token })).await.problem(401, "token_invalid");
    let login = json!({ "email": grace.email, "password": PASSWORD });
    world.anonymous().post("/v1/auth/login", login).await.problem(401, "credentials_invalid");
    assert_eq!(world.admin().get("/v1/users?active=false").await.expect(200).each("id"), [grace.id.as_str()]);
    world.admin().patch(&path, json!({ "active": true })).await.expect(200);
    grace.login(&grace.email).await.get("/v1/me").await.expect(200);
}

#[actix_web::test]
async fn api_tokens_of_a_deactivated_user_have_ended_for_good() {
    let world = World::new().await;
    let user = json!({ "name": "Linus", "email": "linus@example.com", "role": "admin", "password": PASSWORD });
    let id = world.admin().post("/v1/users", user).await.expect(201).id();
    let script = world.admin().login("linus@example.com").await.api_token("write").await;
    script.get("/v1/me").await.expect(200);
    for active in [false, true] {
        world.admin().patch(&format!("/v1/users/{id}"), json!({ "active": active })).await.expect(200);
        script.get("/v1/me").await.problem(401, "token_invalid");
    }
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'api_token.revoked'"), 1);
}

#[actix_web::test]
async fn an_api_token_is_shown_once() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "name": "ERP nightly", "scope": "read write", "days": 7 });
    let made = admin.post("/v1/api-tokens", body.clone()).key("once").await.expect(201);
    let script = admin.with_token(made.text("/token"));
    let again = admin.post("/v1/api-tokens", body).key("once").await.expect(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (made.id(), Some("true")));
    assert_eq!(again.json.get("token"), None);
    let list = script.get("/v1/api-tokens").await.expect(200);
    assert_eq!(list.each("name"), ["ERP nightly"]);
    assert_eq!(list["data"][0]["created_by"], json!({ "type": "user", "id": admin.id, "name": "Ada" }));
    let read = script.get(made.header("location").unwrap()).await.expect(200);
    assert_eq!(read.json, list["data"][0]);
    assert!(!list.body().contains("eyJ"), "no JWT in {}", list.body());
}

#[actix_web::test]
async fn a_revoked_api_token_ends_at_once() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/api-tokens", json!({ "name": "ERP" })).await.expect(201);
    let script = admin.with_token(made.text("/token"));
    script.get("/v1/me").await.expect(200);
    let path = format!("/v1/api-tokens/{}", made.id());
    admin.delete(&path).await.expect(204);
    script.get("/v1/me").await.problem(401, "token_invalid");
    admin.delete(&path).await.expect(204);
    let list = admin.get("/v1/api-tokens").await.expect(200);
    assert!(list["data"][0]["revoked_at"].is_string());
}

#[actix_web::test]
async fn a_token_does_no_more_than_its_scope() {
    let world = World::new().await;
    let admin = world.admin();
    let reader = admin.api_token("read").await;
    reader.get("/v1/channels").await.expect(200);
    let channel = json!({ "name": "Support", "medium": "email" });
    reader.post("/v1/channels", channel.clone()).await.problem(403, "scope_required");
    // Nor does it make itself a stronger one.
    reader.post("/v1/api-tokens", json!({ "name": "more", "scope": "write" })).await.problem(403, "scope_required");
    let writer = admin.api_token("write").await;
    let me = writer.get("/v1/me").await.expect(200);
    assert_eq!(me["scopes"], json!(["read", "write"]));
    writer.post("/v1/channels", channel).await.expect(201);
    for scope in ["", "read everything"] {
        let body = json!({ "name": "x", "scope": scope, "days": 0 });
        admin.post("/v1/api-tokens", body).await.wrong_fields(&[("/scope", "choice"), ("/days", "range")]);
    }
}

#[actix_web::test]
async fn a_token_that_is_not_ours_is_refused() {
    let world = World::new().await;
    let now = chrono::Utc::now();
    let me = world.admin().get("/v1/me").await.expect(200);
    let caller = Caller {
        organization: OrganizationId(me["organization"]["id"].as_str().unwrap().parse().unwrap()),
        user: UserId(me.id().parse().unwrap()),
        role: Role::Admin,
        scope: Scope::ALL,
        token: Uuid::now_v7(),
        request_id: None,
    };
    let minutes = chrono::Duration::minutes;
    let ours = Jwt::new(SECRET.as_bytes());
    let good = ours.sign(&caller, now, now + minutes(1)).unwrap();
    world.anonymous().with_token(&good).get("/v1/me").await.expect(200);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}");
    for token in [
        Jwt::new(&[b'x'; 40]).sign(&caller, now, now + minutes(1)).unwrap(),
        ours.sign(&caller, now - minutes(20), now - minutes(5)).unwrap(),
        ours.sign(&Caller { user: UserId(Uuid::now_v7()), ..caller.clone() }, now, now + minutes(1)).unwrap(),
        ours.sign(&Caller { organization: OrganizationId(Uuid::now_v7()), ..caller.clone() }, now, now + minutes(1))
            .unwrap(),
        ours.sign(&Caller { role: Role::Agent, ..caller.clone() }, now, now + minutes(1)).unwrap(),
        format!("{signed}."),
        format!("{signed}.{}", signature.to_lowercase()),
        format!("{unsigned}."),
        format!("{unsigned}.{signature}"),
        "garbage".to_owned(),
    ] {
        let refused = world.anonymous().with_token(&token).get("/v1/me").await.problem(401, "token_invalid");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"), "{token}");
    }
    world.anonymous().get("/v1/me").await.problem(401, "token_missing");
    for header in ["Basic YTpi", "Bearer", "Bearer ", "bearer"] {
        let request = world.anonymous().get("/v1/me").header("Authorization", header);
        request.await.problem(401, "token_invalid");
    }
}

#[actix_web::test]
async fn one_address_in_two_organizations() {
    let world = World::new().await;
    let other = world.organization("Other", "ada@elsewhere.example").await;
    let user = json!({ "email": "admin@dossier.example", "name": "Ada", "role": "agent", "password": PASSWORD });
    other.post("/v1/users", user).await.expect(201);
    let login = |body| world.anonymous().post("/v1/auth/login", body);
    let credentials = json!({ "email": "admin@dossier.example", "password": PASSWORD });
    let refused = login(credentials.clone()).await.problem(409, "organization_ambiguous");
    let mut names: Vec<_> =
        refused["organizations"].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Dossier Test", "Other"]);
    for organization in refused["organizations"].as_array().unwrap() {
        let mut body = credentials.clone();
        body["organization"] = organization["id"].clone();
        let session = login(body).await.expect(200);
        let me = other.with_token(session.text("/access_token")).get("/v1/me").await.expect(200);
        assert_eq!(me["organization"]["id"], organization["id"]);
    }
    // A password that fits one of them only says which.
    let change = json!({ "password": { "current": PASSWORD, "new": "another good password" } });
    world.admin().patch("/v1/me", change).await.expect(200);
    login(credentials).await.expect(200);
}

#[actix_web::test]
async fn an_organization_keeps_an_administrator() {
    let world = World::new().await;
    let admin = world.admin();
    let path = format!("/v1/users/{}", admin.id);
    admin.patch(&path, json!({ "role": "agent" })).await.problem(409, "last_admin");
    admin.patch(&path, json!({ "active": false })).await.problem(409, "last_admin");
    admin.patch(&path, json!({ "name": "Ada L." })).await.expect(200);
}

#[actix_web::test]
async fn of_two_administrators_who_demote_one_another_one_stays() {
    let world = World::new().await;
    let ada = world.admin();
    let grace = world.agent("Grace").await;
    ada.patch(&format!("/v1/users/{}", grace.id), json!({ "role": "admin" })).await.expect(200);
    let grace = grace.login(&grace.email).await;
    let demote =
        |by: &crate::support::Client, whom: &str| by.patch(&format!("/v1/users/{whom}"), json!({ "role": "agent" }));
    let mut statuses: Vec<u16> =
        race([demote(&ada, &grace.id), demote(&grace, &ada.id)]).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert!(statuses == [200, 401] || statuses == [200, 409], "{statuses:?}");
    assert_eq!(world.database.number("SELECT count(*) FROM users WHERE role = 'admin'"), 1);
}

#[actix_web::test]
async fn a_new_password_ends_every_session() {
    let world = World::new().await;
    let grace = world.agent("Grace").await;
    let wrong = json!({ "password": { "current": "guessed", "new": "another good password" } });
    grace.patch("/v1/me", wrong).await.wrong_fields(&[("/password/current", "password")]);
    let short = json!({ "password": { "current": PASSWORD, "new": "short" } });
    grace.patch("/v1/me", short).await.wrong_fields(&[("/password/new", "length")]);
    let change = json!({ "password": { "current": PASSWORD, "new": "another good password" } });
    let changed = grace.patch("/v1/me", change.clone()).key("change").await.expect(200);
    // Sent again because the answer was lost: the change was made once, and is answered the same.
    let again = grace.patch("/v1/me", change).key("change").await.expect(200);
    assert_eq!(again.json, changed.json);
    let refresh = json!({ "refresh_token": grace.refresh_token });
    grace.post("/v1/auth/refresh", refresh).await.problem(401, "token_invalid");
    let login = |password: &str| grace.post("/v1/auth/login", json!({ "email": grace.email, "password": password }));
    login(PASSWORD).await.problem(401, "credentials_invalid");
    login("another good password").await.expect(200);
}

#[actix_web::test]
async fn an_address_is_one_user_of_an_organization() {
    let world = World::new().await;
    let user = |email: &str| json!({ "email": email, "name": "Grace", "role": "agent", "password": PASSWORD });
    let admin = world.admin();
    let made = admin.post("/v1/users", user("Grace@Dossier.example")).await.expect(201);
    assert_eq!(made["email"], "grace@dossier.example");
    admin.post("/v1/users", user("gRACE@dossier.example")).await.problem(409, "email_taken");
    let invalid = json!({ "email": "grace", "name": " ", "role": "boss", "password": "short", "extra": 1 });
    admin.post("/v1/users", invalid).await.wrong_fields(&[
        ("/email", "email"),
        ("/name", "blank"),
        ("/role", "choice"),
        ("/password", "length"),
        ("/extra", "unknown"),
    ]);
    let agent = world.agent("Alan").await;
    assert_eq!(agent.get("/v1/users").await.expect(200).each("name"), ["Ada", "Alan", "Grace"]);
    assert_eq!(agent.walk("/v1/users", 1).await.len(), 3);
}

#[actix_web::test]
async fn an_organization_is_changed_by_its_administrator() {
    let world = World::new().await;
    let admin = world.admin();
    let change = json!({ "time_zone": "Europe/Amsterdam", "default_country": "BE", "language": "nl" });
    let changed = admin.patch("/v1/organization", change.clone()).await.expect(200);
    assert_eq!(changed["version"], 2);
    assert_eq!(admin.patch("/v1/organization", change).await.expect(200)["version"], 2);
    let invalid = json!({ "name": null, "time_zone": "Mars/Phobos", "default_country": "XX", "language": "Dutch" });
    admin.patch("/v1/organization", invalid).await.wrong_fields(&[
        ("/name", "type"),
        ("/time_zone", "time_zone"),
        ("/default_country", "country"),
        ("/language", "language"),
    ]);
    assert_eq!(world.agent("Grace").await.get("/v1/organization").await.expect(200)["time_zone"], "Europe/Amsterdam");
}
