//! Notes on profiles, contacts and conversations.

use dossier::actor::ActorRef;
use dossier::ids::{ConversationId, NoteId, OrganizationId, ProfileId, UserId};
use dossier::notes;
use serde_json::json;

use crate::support::{Client, World, race};

/// The path of a new contact's notes.
async fn notes_of_a_contact(client: &Client) -> String {
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    format!("/v1/contacts/{}/notes", client.post("/v1/contacts", contact).await.expect(201).id())
}

async fn organization(client: &Client) -> OrganizationId {
    OrganizationId(client.get("/v1/organization").await.expect(200).id().parse().unwrap())
}

#[actix_web::test]
async fn an_agent_writes_a_note_and_a_colleague_corrects_it() {
    let world = World::new().await;
    let (grace, linus) = (world.agent("Grace").await, world.agent("Linus").await);
    let path = notes_of_a_contact(&grace).await;
    let body = json!({ "body": "Calls in the mornig", "mentions": [linus.id, linus.id] });
    let made = grace.post(&path, body).await.expect(201);
    let note = format!("/v1/notes/{}", made.id());
    assert_eq!(made.header("location"), Some(note.as_str()));
    assert_eq!((&made["on"]["type"], &made["version"]), (&json!("contact"), &json!(1)));
    assert_eq!(made["author"], json!({ "type": "user", "id": grace.id, "name": "Grace" }));
    assert_eq!((&made["mentions"], &made["pinned"]), (&json!([linus.id]), &json!(false)));
    assert!(made["edited_at"].is_null() && made["edited_by"].is_null());
    assert_eq!(linus.get(&note).await.expect(200).json, made.json);

    let body = json!({ "body": "Calls in the morning" });
    let edited = linus.patch(&note, body.clone()).header("If-Match", made.header("etag").unwrap()).await.expect(200);
    assert_eq!((&edited["body"], &edited["version"]), (&json!("Calls in the morning"), &json!(2)));
    assert_eq!(edited["author"]["name"], "Grace");
    assert_eq!(edited["edited_by"]["name"], "Linus");
    grace.patch(&note, json!({ "body": "?" })).header("If-Match", "\"1-x\"").await.problem(412, "version_mismatch");
    for harmless in [json!({}), body] {
        assert_eq!(grace.patch(&note, harmless).await.expect(200).json, edited.json);
    }
    let earlier = "SELECT count(*) FROM events WHERE type = 'note.updated' AND before->>'body' = 'Calls in the mornig'";
    assert_eq!(world.database.number(earlier), 1);
    assert_eq!(world.database.number("SELECT count(*) FROM events WHERE type = 'note.updated'"), 1);
}

#[actix_web::test]
async fn to_pin_a_note_is_not_to_edit_it() {
    let world = World::new().await;
    let admin = world.admin();
    let path = notes_of_a_contact(&admin).await;
    let note = admin.post(&path, json!({ "body": "first" })).await.expect(201).id();
    let pinned = admin.patch(&format!("/v1/notes/{note}"), json!({ "pinned": true })).await.expect(200);
    assert_eq!((&pinned["pinned"], &pinned["version"]), (&json!(true), &json!(2)));
    assert!(pinned["edited_at"].is_null());
}

#[actix_web::test]
async fn pinned_notes_come_first_and_then_the_newest() {
    let world = World::new().await;
    let admin = world.admin();
    let path = notes_of_a_contact(&admin).await;
    for (body, pinned) in [("one", false), ("two", true), ("three", false), ("four", true), ("five", false)] {
        admin.post(&path, json!({ "body": body, "pinned": pinned })).await.expect(201);
    }
    let all = admin.get(&format!("{path}?count=exact")).await.expect(200);
    assert_eq!(all.each("body"), ["four", "two", "five", "three", "one"]);
    assert_eq!(all["count"]["value"], 5);
    for limit in [1, 2, 3] {
        let walked = admin.walk(&path, limit).await;
        assert_eq!(json!(walked), all["data"], "{limit} a page");
    }
}

#[actix_web::test]
async fn another_s_note_is_deleted_by_an_administrator_only() {
    let world = World::new().await;
    let (grace, linus) = (world.agent("Grace").await, world.agent("Linus").await);
    let path = notes_of_a_contact(&grace).await;
    let mut notes = Vec::new();
    for body in ["one", "two"] {
        notes.push(format!("/v1/notes/{}", grace.post(&path, json!({ "body": body })).await.expect(201).id()));
    }
    linus.delete(&notes[0]).await.problem(403, "not_author");
    grace.delete(&notes[0]).header("If-Match", "\"7-x\"").await.problem(412, "version_mismatch");
    grace.delete(&notes[0]).await.expect(204);
    world.admin().delete(&notes[1]).await.expect(204);
    grace.get(&notes[0]).await.problem(404, "note_not_found");
    grace.delete(&notes[0]).await.problem(404, "note_not_found");
    assert!(grace.get(&path).await.expect(200).data().is_empty());
    let traces = "SELECT count(*) FROM events WHERE type = 'note.deleted' AND contact_id IS NOT NULL
        AND before->>'body' IN ('one', 'two')";
    assert_eq!(world.database.number(traces), 2);
}

#[actix_web::test]
async fn wrong_fields_are_all_named() {
    let world = World::new().await;
    let admin = world.admin();
    let stranger = world.stranger().await;
    let path = notes_of_a_contact(&admin).await;
    admin.post(&path, json!({})).await.wrong_fields(&[("/body", "required")]);
    admin.post(&path, json!({ "body": " \n" })).await.wrong_fields(&[("/body", "blank")]);
    admin.post(&path, json!({ "body": "x".repeat(20_001) })).await.wrong_fields(&[("/body", "length")]);
    admin.post(&path, json!({ "body": "x".repeat(20_000) })).await.expect(201);
    let mentions = json!([admin.id, UserId::new(), stranger.id]);
    let unknown = [("/mentions/1", "user_not_found"), ("/mentions/2", "user_not_found")];
    admin.post(&path, json!({ "body": "hi", "mentions": mentions })).await.wrong_fields(&unknown);
    let note = admin.post(&path, json!({ "body": "hi" })).await.expect(201).id();
    let note = format!("/v1/notes/{note}");
    admin.patch(&note, json!({ "mentions": mentions })).await.wrong_fields(&unknown);
    // Who has left is mentioned no more, but stays where they were.
    let linus = world.agent("Linus").await;
    let mentions = json!([linus.id]);
    let kept = admin.post(&path, json!({ "body": "hi", "mentions": mentions })).await.expect(201).id();
    admin.patch(&format!("/v1/users/{}", linus.id), json!({ "active": false })).await.expect(200);
    let unknown = [("/mentions/0", "user_not_found")];
    admin.post(&path, json!({ "body": "hi", "mentions": mentions })).await.wrong_fields(&unknown);
    admin.patch(&note, json!({ "mentions": mentions })).await.wrong_fields(&unknown);
    let body = json!({ "body": "hello", "mentions": mentions });
    assert_eq!(admin.patch(&format!("/v1/notes/{kept}"), body).await.expect(200)["mentions"], mentions);
    let wrong = admin.patch(&note, json!({ "body": null, "author": "me" })).await;
    wrong.wrong_fields(&[("/body", "type"), ("/author", "unknown")]);
}

#[actix_web::test]
async fn a_stranger_does_not_find_a_note() {
    let world = World::new().await;
    let stranger = world.stranger().await;
    let path = notes_of_a_contact(&world.admin()).await;
    let note = format!("/v1/notes/{}", world.admin().post(&path, json!({ "body": "ours" })).await.expect(201).id());
    stranger.get(&path).await.problem(404, "contact_not_found");
    stranger.post(&path, json!({ "body": "theirs" })).await.problem(404, "contact_not_found");
    stranger.get(&note).await.problem(404, "note_not_found");
    stranger.patch(&note, json!({ "body": "theirs" })).await.problem(404, "note_not_found");
    stranger.delete(&note).await.problem(404, "note_not_found");
    for kind in ["profile", "contact", "conversation"] {
        let path = format!("/v1/{kind}s/{}/notes", NoteId::new());
        world.admin().get(&path).await.problem(404, &format!("{kind}_not_found"));
        world.admin().post(&path, json!({ "body": "?" })).await.problem(404, &format!("{kind}_not_found"));
    }
}

#[actix_web::test]
async fn a_note_that_is_sent_many_times_is_written_once() {
    let world = World::new().await;
    let admin = world.admin();
    let path = notes_of_a_contact(&admin).await;
    let answers = race((0..8).map(|_| admin.post(&path, json!({ "body": "once" })).key("k"))).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.id() == answers[0].id()));
    assert_eq!(admin.get(&path).await.expect(200).data().len(), 1);
}

#[actix_web::test]
async fn the_notes_of_a_deleted_profile_are_gone() {
    let world = World::new().await;
    let admin = world.admin();
    let (organization, profile) = (organization(&admin).await, ProfileId::new());
    world.database.execute(&format!(
        "INSERT INTO profiles (organization_id, id, name, sort_name, created_by_type)
         VALUES ('{organization}', '{profile}', 'Ada', 'ada', 'system')"
    ));
    let path = format!("/v1/profiles/{profile}/notes");
    let made = admin.post(&path, json!({ "body": "hello" })).await.expect(201);
    assert_eq!(made["on"], json!({ "type": "profile", "id": profile }));
    let note = format!("/v1/notes/{}", made.id());
    admin.get(&note).await.expect(200);
    world.database.execute("UPDATE profiles SET deleted_at = now()");
    admin.get(&path).await.problem(404, "profile_not_found");
    admin.post(&path, json!({ "body": "hello" })).await.problem(404, "profile_not_found");
    admin.get(&note).await.problem(404, "note_not_found");
    admin.patch(&note, json!({ "body": "bye" })).await.problem(404, "note_not_found");
    admin.delete(&note).await.problem(404, "note_not_found");
}

#[actix_web::test]
async fn notes_move_with_their_conversation() {
    let world = World::new().await;
    let admin = world.admin();
    let organization = organization(&admin).await;
    let channel = admin.post("/v1/channels", json!({ "name": "Mail", "medium": "email" })).await.expect(201).id();
    let contact = json!({ "medium": "email", "address": "ada@example.com" });
    let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
    let (first, second) = (ConversationId::new(), ConversationId::new());
    for id in [first, second] {
        world.database.execute(&format!(
            "INSERT INTO conversations (organization_id, id, channel_id, contact_id, last_message_at)
             VALUES ('{organization}', '{id}', '{channel}', '{contact}', now())"
        ));
    }
    let path = format!("/v1/conversations/{second}/notes");
    admin.post(&path, json!({ "body": "before" })).await.expect(201);
    let join = move |tx: &mut dossier::db::Tx| notes::move_notes(tx, &[second], first);
    world.database.connect().act(organization, ActorRef::SYSTEM, join).await.unwrap();
    world.database.execute(&format!(
        "DELETE FROM conversations WHERE id = '{second}';
         INSERT INTO conversation_redirects VALUES ('{organization}', '{second}', '{first}')"
    ));
    // The other's path still leads there.
    for moved in [admin.get(&path).await, admin.post(&path, json!({ "body": "after" })).await] {
        let there = moved.expect(308).header("location").unwrap().to_owned();
        assert_eq!(there, format!("/v1/conversations/{first}/notes"));
        assert_eq!(admin.get(&there).await.expect(200).each("body"), ["before"]);
    }
}

#[actix_web::test]
async fn every_earlier_text_of_a_note_is_kept_with_who_wrote_it() {
    let world = World::new().await;
    let (grace, linus) = (world.agent("Grace").await, world.agent("Linus").await);
    let path = notes_of_a_contact(&grace).await;
    let note = format!("/v1/notes/{}", grace.post(&path, json!({ "body": "one" })).await.expect(201).id());
    let revisions = format!("{note}/revisions");
    assert!(grace.get(&revisions).await.expect(200).data().is_empty());
    linus.patch(&note, json!({ "body": "two" })).await.expect(200);
    linus.patch(&note, json!({ "pinned": true })).await.expect(200);
    grace.patch(&note, json!({ "body": "three" })).await.expect(200);
    grace.patch(&note, json!({ "body": "four", "mentions": [linus.id] })).await.expect(200);
    let all = linus.get(&format!("{revisions}?count=exact")).await.expect(200);
    assert_eq!(all.each("body"), ["three", "two", "one"]);
    assert_eq!(all["count"], json!({ "value": 3, "exact": true }));
    let authors: Vec<_> = all.data().iter().map(|revision| revision["author"]["name"].clone()).collect();
    assert_eq!(authors, ["Grace", "Linus", "Grace"]);
    assert_eq!(all["data"][2]["written_at"], grace.get(&note).await.expect(200)["created_at"]);
    for limit in [1, 2, 3] {
        assert_eq!(json!(grace.walk(&revisions, limit).await), all["data"], "{limit} a page");
    }
    world.stranger().await.get(&revisions).await.problem(404, "note_not_found");
    grace.delete(&note).await.expect(204);
    grace.get(&revisions).await.problem(404, "note_not_found");
}

#[actix_web::test]
async fn whoever_is_mentioned_finds_the_note_until_they_have_read_it() {
    let world = World::new().await;
    let (grace, linus) = (world.agent("Grace").await, world.agent("Linus").await);
    let path = notes_of_a_contact(&grace).await;
    let mut notes = Vec::new();
    for body in ["one", "two", "three"] {
        notes.push(grace.post(&path, json!({ "body": body, "mentions": [linus.id] })).await.expect(201).id());
    }
    grace.post(&path, json!({ "body": "for nobody" })).await.expect(201);
    let unread = async |client: &Client| client.get("/v1/me/mentions/counts").await.expect(200)["unread"].clone();
    let bodies = async |query: &str| {
        let list = linus.get(&format!("/v1/me/mentions{query}")).await.expect(200);
        list.data().iter().map(|mention| mention["note"]["body"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((unread(&linus).await, unread(&grace).await), (json!(3), json!(0)));
    assert_eq!(bodies("").await, ["three", "two", "one"]);
    let newest = linus.get("/v1/me/mentions?limit=1&count=exact").await.expect(200);
    assert_eq!((&newest["count"]["value"], &newest["data"][0]["read_at"]), (&json!(3), &json!(null)));
    assert_eq!(newest["data"][0]["on"]["name"], "ada@example.com");
    assert_eq!(newest["data"][0]["on"]["id"], newest["data"][0]["note"]["on"]["id"]);
    for limit in [1, 2, 3] {
        assert_eq!(linus.walk("/v1/me/mentions", limit).await.len(), 3);
    }
    let read = format!("/v1/me/mentions/{}/read", notes[1]);
    for _ in 0..2 {
        linus.request(reqwest::Method::PUT, &read).await.expect(204);
    }
    assert_eq!(
        (bodies("?unread=true").await, bodies("?unread=false").await),
        (vec!["three".into(), "one".into()], vec!["two".into()])
    );
    assert_eq!(unread(&linus).await, json!(2));
    linus.delete(&read).await.expect(204);
    assert_eq!(unread(&linus).await, json!(3));
    // Mine to mark, and nobody else's.
    grace.request(reqwest::Method::PUT, &read).await.problem(404, "note_not_found");
    world.stranger().await.request(reqwest::Method::PUT, &read).await.problem(404, "note_not_found");
    grace.delete(&format!("/v1/notes/{}", notes[2])).await.expect(204);
    assert_eq!(bodies("").await, ["two", "one"]);
    linus.get("/v1/me/mentions?unread=maybe").await.wrong_fields(&[("unread", "type")]);
}

#[actix_web::test]
async fn an_edit_mentions_whom_it_adds_and_nobody_else_again() {
    let world = World::new().await;
    let (grace, linus) = (world.agent("Grace").await, world.agent("Linus").await);
    let path = notes_of_a_contact(&grace).await;
    let made = grace.post(&path, json!({ "body": "hello", "mentions": [linus.id] })).await.expect(201);
    let note = format!("/v1/notes/{}", made.id());
    linus.request(reqwest::Method::PUT, &format!("/v1/me/mentions/{}/read", made.id())).await.expect(204);
    let unread = async |client: &Client| client.get("/v1/me/mentions/counts").await.expect(200)["unread"].clone();
    linus.patch(&note, json!({ "mentions": [linus.id, grace.id] })).await.expect(200);
    assert_eq!((unread(&linus).await, unread(&grace).await), (json!(0), json!(1)));
    linus.patch(&note, json!({ "mentions": [linus.id] })).await.expect(200);
    assert_eq!(unread(&grace).await, json!(0));
    assert!(grace.get("/v1/me/mentions").await.expect(200).data().is_empty());
    assert_eq!(linus.get("/v1/me/mentions").await.expect(200).data().len(), 1);
}

#[actix_web::test]
async fn a_name_behind_an_at_mentions_a_colleague() {
    let world = World::new().await;
    let (grace, linus) = (world.agent("Grace Hopper").await, world.agent("Linus").await);
    let gone = world.agent("Gone").await;
    world.admin().patch(&format!("/v1/users/{}", gone.id), json!({ "active": false })).await.expect(200);
    world.stranger().await;
    let path = notes_of_a_contact(&grace).await;
    let body = "@Linus and @grace hopper, not @Gone, @nobody or @admin@strangers.example";
    let made = grace.post(&path, json!({ "body": body, "mentions": [world.admin().id] })).await.expect(201);
    assert_eq!(made["mentions"], json!([world.admin().id, linus.id, grace.id]));
    assert_eq!(made["body"], body);
    let note = format!("/v1/notes/{}", made.id());
    // Who is mentioned by the text alone goes with it; who was given stays.
    let edited = grace.patch(&note, json!({ "body": "only @linus@dossier.example." })).await.expect(200);
    assert_eq!(edited["mentions"], json!([world.admin().id, linus.id]));
    let edited = grace.patch(&note, json!({ "mentions": [] })).await.expect(200);
    assert_eq!(edited["mentions"], json!([linus.id]));
    assert!(grace.get("/v1/me/mentions").await.expect(200).data().is_empty());
}
