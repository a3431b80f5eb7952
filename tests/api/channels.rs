//! Channels.

use serde_json::json;

use crate::support::World;

#[actix_web::test]
async fn a_channel_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", json!({ "name": " Support ", "medium": "email" })).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    assert_eq!((&made["name"], &made["settings"]), (&json!("Support"), &json!({})));
    let agent = world.agent("Grace").await;
    assert_eq!(agent.get(&path).await.expect(200).json, made.json);
    let changed = admin.patch(&path, json!({ "name": "Help", "settings": { "colour": "red" } })).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Help"), &json!(2)));
    let renamed = admin.patch(&path, json!({ "name": "Desk" })).await.expect(200);
    assert_eq!(renamed["settings"], json!({ "colour": "red" }), "what isn't named stays");
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.problem(404, "channel_not_found");
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE resource_type = 'channel'"), 4);
}

#[actix_web::test]
async fn a_channel_is_archived_and_opened_again() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", json!({ "name": "Support", "medium": "sms" })).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    let archived = admin.post(&format!("{path}/archive"), json!({})).await.expect(200);
    assert!(archived["archived_at"].is_string());
    assert_eq!(admin.post(&format!("{path}/archive"), json!({})).await.expect(200).json, archived.json);
    assert_eq!(admin.get("/v1/channels?archived=true").await.expect(200).each("name"), ["Support"]);
    assert_eq!(admin.get("/v1/channels?archived=false").await.expect(200).each("name"), [""; 0]);
    let opened = admin.delete(&format!("{path}/archive")).await.expect(200);
    assert_eq!((&opened["archived_at"], &opened["version"]), (&json!(null), &json!(3)));
}

#[actix_web::test]
async fn channels_are_listed_by_name() {
    let world = World::new().await;
    let admin = world.admin();
    for (name, medium) in [("C", "email"), ("A", "sms"), ("B", "email"), ("A", "voice"), ("D", "telegram")] {
        admin.post("/v1/channels", json!({ "name": name, "medium": medium })).await.expect(201);
    }
    let names = |list: Vec<serde_json::Value>| {
        list.iter().map(|channel| channel["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for limit in 1..=6 {
        assert_eq!(names(admin.walk("/v1/channels", limit).await), ["A", "A", "B", "C", "D"], "{limit} a page");
    }
    assert_eq!(names(admin.walk("/v1/channels?medium=email&medium=sms", 2).await), ["A", "B", "C"]);
    let counted = admin.get("/v1/channels?medium=email&limit=1&count=exact").await.expect(200);
    assert_eq!(counted["count"], json!({ "value": 2, "exact": true }));
}

#[actix_web::test]
async fn what_is_wrong_with_a_channel_is_named() {
    let world = World::new().await;
    let admin = world.admin();
    let body = json!({ "name": "x".repeat(201), "medium": "pigeon", "settings": [1], "colour": "red" });
    admin.post("/v1/channels", body).await.wrong_fields(&[
        ("/name", "length"),
        ("/medium", "choice"),
        ("/settings", "type"),
        ("/colour", "unknown"),
    ]);
    admin.post("/v1/channels", json!({})).await.wrong_fields(&[("/name", "required"), ("/medium", "required")]);
    let made = admin.post("/v1/channels", json!({ "name": "Support", "medium": "sms" })).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    let body = json!({ "name": null, "medium": "email" });
    admin.patch(&path, body).await.wrong_fields(&[("/name", "type"), ("/medium", "unknown")]);
}
