//! Channels.

use serde_json::json;

use crate::support::World;

#[actix_web::test]
async fn a_channel_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/channels", json!({ "name": "Support", "medium": "email" })).await.expect(201);
    let path = format!("/v1/channels/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    assert_eq!(made["settings"], json!({}));
    let agent = world.agent("Grace").await;
    assert_eq!(agent.get(&path).await.expect(200).json, made.json);
    let changed = admin.patch(&path, json!({ "name": "Help", "settings": { "colour": "red" } })).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Help"), &json!(2)));
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.problem(404, "channel_not_found");
}
