//! Search through everything, as an agent types it, and what is asked of it.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

async fn channel(client: &Client, medium: &str) -> String {
    client.post("/v1/channels", json!({ "name": medium, "medium": medium })).await.expect(201).id()
}

/// A message in a conversation of its own, at a minute of one hour; gives the answer to it.
async fn inbound(client: &Client, channel: &str, minute: u32, subject: &str, body: &str) -> Value {
    let message = json!({
        "external_id": minute.to_string(), "from": { "address": "ada@example.com", "name": "Ada Lovelace" },
        "conversation": { "external_id": minute.to_string(), "subject": subject },
        "body": body, "sent_at": format!("2026-03-01T10:{minute:02}:00Z"),
    });
    client.post(&format!("/v1/channels/{channel}/inbound"), message).await.expect(201).json
}

fn section<'a>(answer: &'a Answer, kind: &str) -> &'a Value {
    let sections = answer["sections"].as_array().unwrap();
    sections.iter().find(|section| section["type"] == kind).unwrap()
}

/// The titles of what a section shows.
fn titles(answer: &Answer, kind: &str) -> Vec<String> {
    let hits = section(answer, kind)["data"].as_array().unwrap();
    hits.iter().map(|hit| hit["title"].as_str().unwrap_or("-").to_owned()).collect()
}

async fn messages(client: &Client, query: &str) -> Vec<String> {
    titles(&client.get(&format!("/v1/search?type=message&{query}")).await.expect(200), "message")
}

#[actix_web::test]
async fn an_agent_finds_everything_in_one_search() {
    let world = World::new().await;
    let (admin, grace) = (world.admin(), world.agent("Grace").await);
    let mail = channel(&admin, "email").await;
    let made = inbound(&admin, &mail, 1, "A lamp", "My <b>lamp</b> is broken").await;
    let (contact, conversation) = (made["contact_id"].as_str().unwrap(), made["conversation_id"].as_str().unwrap());
    let body = json!({ "new_profile": { "name": "Lampert Ltd" } });
    let profile = grace.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(201).text("/profile/id");
    let note = json!({ "body": "Sent a lamp" });
    let note = grace.post(&format!("/v1/conversations/{conversation}/notes"), note).await.expect(201).id();
    let file = grace.request(reqwest::Method::POST, "/v1/attachments").file("lamp_shade.txt", "text/plain", "x");
    let file = file.await.expect(201).id();
    let answer = json!({ "body": "See the picture", "attachment_ids": [file] });
    let sent = grace.post(&format!("/v1/conversations/{conversation}/messages"), answer).await.expect(201).id();
    // Uploaded for nothing yet: nowhere to open it.
    let upload = grace.request(reqwest::Method::POST, "/v1/attachments").file("lamp.txt", "text/plain", "y");
    upload.await.expect(201);

    let found = grace.get("/v1/search?q=lamp").await.expect(200);
    let kinds: Vec<&str> =
        found["sections"].as_array().unwrap().iter().map(|each| each["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["profile", "contact", "message", "note", "attachment"]);
    assert_eq!(titles(&found, "profile"), ["Lampert Ltd"]);
    // The answer has the subject, too; who says it in the text comes first.
    assert_eq!(titles(&found, "message"), ["A lamp", "A lamp"]);
    let hit = &section(&found, "message")["data"][0];
    assert_eq!(hit["snippet"], "A <mark>lamp</mark> — My &lt;b&gt;<mark>lamp</mark>&lt;/b&gt; is broken");
    assert_eq!((&hit["message_id"], &hit["conversation_id"]), (&made["message_id"], &made["conversation_id"]));
    assert_eq!(hit["profile"], json!({ "id": profile, "name": "Lampert Ltd" }));
    let around = format!("/v1/conversations/{conversation}/messages?around={}", hit["message_id"].as_str().unwrap());
    assert!(grace.get(&around).await.expect(200).data().iter().any(|each| each["id"] == made["message_id"]));
    let hit = &section(&found, "note")["data"][0];
    assert_eq!((&hit["id"], &hit["conversation_id"]), (&json!(note), &made["conversation_id"]));
    let message = &section(&found, "message")["data"][0];
    for member in ["title", "profile", "contact", "channel"] {
        assert_eq!(hit[member], message[member], "{member}");
    }
    let hit = &section(&found, "attachment")["data"][0];
    assert_eq!(
        (&hit["id"], &hit["message_id"], &hit["snippet"]),
        (&json!(file), &json!(sent), &json!("<mark>lamp</mark>_shade.txt"))
    );
    assert_eq!(section(&found, "attachment")["data"].as_array().unwrap().len(), 1);

    let found = grace.get("/v1/search?q=love").await.expect(200);
    assert_eq!(titles(&found, "contact"), ["Ada Lovelace"]);
    assert_eq!(section(&found, "contact")["data"][0]["snippet"], "Ada <mark>Lovelace</mark> ada@example.com");
    assert!(titles(&grace.get("/v1/search?q=love+-ada").await.expect(200), "contact").is_empty());
    // An edited note is found by what it says now, a deleted one not at all.
    grace.patch(&format!("/v1/notes/{note}"), json!({ "body": "Sent a candle" })).await.expect(200);
    assert!(titles(&grace.get("/v1/search?q=lamp").await.expect(200), "note").is_empty());
    assert_eq!(titles(&grace.get("/v1/search?q=candles").await.expect(200), "note"), ["A lamp"]);
    grace.delete(&format!("/v1/notes/{note}")).await.expect(204);
    assert!(titles(&grace.get("/v1/search?q=candle").await.expect(200), "note").is_empty());

    let stranger = world.stranger().await;
    let nothing = stranger.get("/v1/search?q=lamp").await.expect(200);
    assert!(nothing["sections"].as_array().unwrap().iter().all(|section| section["data"] == json!([])));
}

#[actix_web::test]
async fn a_note_says_what_it_is_on() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    let made = inbound(&admin, &mail, 1, "Question", "Hello").await;
    let (contact, conversation) = (made["contact_id"].as_str().unwrap(), made["conversation_id"].as_str().unwrap());
    let paths = [format!("/v1/contacts/{contact}"), format!("/v1/conversations/{conversation}")];
    let read = async |path: &str| admin.get(path).await.expect(200).json;
    let of_conversation = read(&paths[1]).await;
    let (of_contact, of_channel) = (&of_conversation["contact"], &of_conversation["channel"]);
    for path in &paths {
        admin.post(&format!("{path}/notes"), json!({ "body": "lamp" })).await.expect(201);
    }
    let notes = async || read("/v1/search?type=note&sort=newest&q=lamp").await["sections"][0]["data"].clone();
    let told = |note: &Value| ["title", "profile", "contact", "channel"].map(|member| note[member].clone());
    let found = notes().await;
    assert_eq!(told(&found[0]), [json!("Question"), Value::Null, of_contact.clone(), of_channel.clone()]);
    assert_eq!(told(&found[1]), [Value::Null, Value::Null, of_contact.clone(), Value::Null]);
    // As it is today.
    admin.patch(&paths[1], json!({ "subject": "Lamps" })).await.expect(200);
    let body = json!({ "new_profile": { "name": "Ada" } });
    let profile = admin.put(&format!("{}/profile", paths[0]), body).await.expect(201)["profile"]["id"].clone();
    let path = format!("/v1/profiles/{}/notes", profile.as_str().unwrap());
    admin.post(&path, json!({ "body": "lamp" })).await.expect(201);
    let found = notes().await;
    let ada = json!({ "id": profile, "name": "Ada" });
    assert_eq!(told(&found[0]), [Value::Null, ada.clone(), Value::Null, Value::Null]);
    assert_eq!(told(&found[1]), [json!("Lamps"), ada.clone(), of_contact.clone(), of_channel.clone()]);
    assert_eq!(told(&found[2]), [Value::Null, ada, of_contact.clone(), Value::Null]);
}

#[actix_web::test]
async fn words_phrases_and_endings_are_found() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    inbound(&admin, &mail, 1, "One", "The deliveries were late, José said").await;
    inbound(&admin, &mail, 2, "Two", "A late delivery; and the lamp shade").await;
    inbound(&admin, &mail, 3, "Three", "東京都に住んでいます").await;
    let long = "to be or not ".repeat(300) + "to a needle; be a lamp";
    inbound(&admin, &mail, 4, "Four", &long).await;
    inbound(&admin, &mail, 5, "Five", "白貓 cake (no cream)").await;
    for (q, found) in [
        ("delivery+", vec!["Two", "One"]),
        ("late+delivery", vec!["Two", "One"]),
        ("%22deliveries%22", vec!["One"]),
        ("deli", vec!["Two", "One"]),
        ("deli+", vec![]),
        ("jose", vec!["One"]),
        ("%22late+delivery%22", vec!["Two"]),
        ("%22late+deliveries%22", vec![]),
        ("late+-lamps", vec!["One"]),
        ("late+-%22lamp+shade%22", vec!["One"]),
        ("京都", vec!["Three"]),
        ("%22住んで%22", vec!["Three"]),
        // Behind more words of a kind than PostgreSQL keeps places of.
        ("%22not+to+a%22", vec!["Four"]),
        ("%22not+a%22", vec![]),
        // Its pairs are all there, apart from each other.
        ("%22to+be+a%22", vec![]),
        ("%22not+to+be+or%22", vec!["Four"]),
        ("貓", vec!["Five"]),
        ("%22白%22+cake", vec!["Five"]),
        ("cake+-貓", vec![]),
        ("cake+-(cream)", vec![]),
        ("cake+-%23cream", vec![]),
        ("cake+-+cream", vec!["Five"]),
        ("%22cake+no+cr", vec!["Five"]),
        ("“cake+no+cr”", vec![]),
        // Sixteen that are there, and one that isn't.
        ("to+be+or+not+to+be+or+not+to+be+or+not+to+be+or+not+cake", vec![]),
        ("to+be+or+not+to+be+or+not+to+be+or+not+to+be+or+not+-lamp", vec![]),
        ("--", vec![]),
    ] {
        assert_eq!(messages(&admin, &format!("sort=newest&q={q}")).await, found, "{q}");
        let listed = admin.get(&format!("/v1/conversations?q={q}")).await.expect(200);
        assert_eq!(listed.each("subject"), found, "{q}");
        assert_eq!(listed["truncated"], false, "{q}");
    }
    // Another language has other endings; what was written until then keeps the old ones beside its words.
    admin.patch("/v1/organization", json!({ "language": "ja" })).await.expect(200);
    assert_eq!(messages(&admin, "sort=newest&q=delivery+").await, ["Two"]);
}

#[actix_web::test]
async fn a_word_as_it_is_typed_comes_before_others_that_begin_so() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    inbound(&admin, &mail, 1, "Third", "Between many other words of one long sentence a car stands.").await;
    inbound(&admin, &mail, 2, "Fourth", "Cartel cards, careful cartridges carried: cartel, cards, cars of cartels")
        .await;
    inbound(&admin, &mail, 3, "Cartel", "Cards").await;
    assert_eq!(messages(&admin, "q=car").await.first().map(String::as_str), Some("Third"));
    assert_eq!(messages(&admin, "q=a+car").await, ["Third"]);
    assert_eq!(messages(&admin, "q=car").await.len(), 3);
}

#[actix_web::test]
async fn nothing_of_a_very_long_text_is_lost() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    // Behind the last place that PostgreSQL keeps of any word.
    let late = "lamp ".repeat(16_400) + "alpha beta gamma delta; jane@shop.example 東京都新宿区";
    inbound(&admin, &mail, 1, "Late", &late).await;
    // Few words, each many times, and many pairs.
    let words: Vec<String> = (0..60_000_u64).map(|n| format!("w{}", n * 7919 % 3001 + n / 3001 % 7)).collect();
    inbound(&admin, &mail, 2, "Many", &(words.join(" ") + " lastword")).await;
    for (q, found) in [
        ("%22alpha+beta%22", vec!["Late"]),
        ("%22alpha+beta+gamma%22", vec!["Late"]),
        ("%22lamp+alpha+beta+gamma+delta%22", vec!["Late"]),
        ("%22alpha+gamma+delta%22", vec![]),
        ("alpha-beta-gamma+", vec!["Late"]),
        ("jane@shop.example+", vec!["Late"]),
        ("東京都新宿", vec!["Late"]),
        ("lamp+-%22alpha+beta+gamma%22", vec![]),
        ("lastword", vec!["Many"]),
    ] {
        assert_eq!(messages(&admin, &format!("sort=newest&q={q}")).await, found, "{q}");
    }
}

#[actix_web::test]
async fn what_is_gone_is_on_no_later_page() {
    let world = World::new().await;
    let admin = world.admin();
    let mut notes = Vec::new();
    for number in 0..6 {
        let profile = admin.post("/v1/profiles", json!({ "name": format!("P {number}") })).await.expect(201).id();
        let note = admin.post(&format!("/v1/profiles/{profile}/notes"), json!({ "body": "lamp" })).await.expect(201);
        notes.push((profile, note.id()));
    }
    let page = admin.get("/v1/search?type=note&q=lamp&limit=2").await.expect(200);
    let cursor = section(&page, "note")["next_cursor"].as_str().unwrap();
    admin.delete(&format!("/v1/profiles/{}", notes[0].0)).await.expect(204);
    admin.patch(&format!("/v1/notes/{}", notes[1].1), json!({ "body": "something else" })).await.expect(200);
    let page = admin.get(&format!("/v1/search?type=note&q=lamp&limit=9&cursor={cursor}")).await.expect(200);
    let ids: Vec<&str> =
        section(&page, "note")["data"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&notes[3].1, &notes[2].1]);
}

#[actix_web::test]
async fn phrases_and_exclusions_hold_for_profiles_and_contacts() {
    let world = World::new().await;
    let admin = world.admin();
    for name in ["Jan Willem Bakker", "Willem Jan Bakker", "Jan Willemsen"] {
        let address = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let contact = json!({ "medium": "email", "address": address, "name": name });
        admin.post("/v1/contacts", contact).await.expect(201);
        admin.post("/v1/profiles", json!({ "name": name })).await.expect(201);
    }
    for (q, found) in [
        ("jan+willem", vec!["Jan Willem Bakker", "Jan Willemsen", "Willem Jan Bakker"]),
        ("%22jan+willem%22", vec!["Jan Willem Bakker"]),
        ("%22willem%22+jan", vec!["Jan Willem Bakker", "Willem Jan Bakker"]),
        ("willem+-bakker", vec!["Jan Willemsen"]),
        ("bakker+-%22jan+willem%22", vec!["Willem Jan Bakker"]),
        ("%22jan+willem%22+-%22willem+bakker%22", vec![]),
    ] {
        let answer = admin.get(&format!("/v1/search?q={q}")).await.expect(200);
        for kind in ["profile", "contact"] {
            let mut titles = titles(&answer, kind);
            titles.sort();
            assert_eq!(titles, found, "{kind} {q}");
        }
    }
}

#[actix_web::test]
async fn a_contact_is_found_by_its_number_however_it_is_written() {
    let world = World::new().await;
    let admin = world.admin();
    let voice = channel(&admin, "voice").await;
    for (medium, address, name) in [
        ("voice", "+31612345678", "Ada"),
        ("voice", "+31201112233", "Fay"),
        ("email", "jan@example.com", "Jan 06-12"),
        ("email", "room@example.com", "Room 2024-001"),
    ] {
        let contact = json!({ "medium": medium, "address": address, "name": name });
        let contact = admin.post("/v1/contacts", contact).await.expect(201).id();
        if medium == "voice" {
            let conversation = json!({ "channel_id": voice, "contact_id": contact, "subject": name });
            admin.post("/v1/conversations", conversation).await.expect(201);
        }
    }
    for typed in [
        "+31 6 1234 5678",
        "06 12345678",
        "06-12345678",
        "(06) 12345678",
        "0031612345678",
        "+31 (0)6 12345678",
        "06 1234",
        "0612345678",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
        for section_of in ["", "&type=contact"] {
            let found = admin.get(&format!("/v1/search?{query}{section_of}")).await.expect(200);
            assert_eq!(titles(&found, "contact"), ["Ada"], "{typed}");
        }
        assert_eq!(admin.get(&format!("/v1/contacts?{query}")).await.expect(200).each("name"), ["Ada"], "{typed}");
        assert_eq!(
            admin.get(&format!("/v1/conversations?{query}")).await.expect(200).each("subject"),
            ["Ada"],
            "{typed}"
        );
    }
    for (q, found) in [
        // Digits in groups may be words, too: those that are dialled so come first.
        ("06-12", vec!["Ada", "Jan 06-12"]),
        ("2024+001", vec!["Room 2024-001"]),
        // A phrase is no number.
        ("%2206-12%22", vec!["Jan 06-12"]),
    ] {
        let answer = admin.get(&format!("/v1/search?type=contact&q={q}")).await.expect(200);
        assert_eq!(titles(&answer, "contact"), found, "{q}");
    }
    let page = admin.get("/v1/search?type=contact&q=06-12&limit=1").await.expect(200);
    let cursor = section(&page, "contact")["next_cursor"].as_str().unwrap();
    let page = admin.get(&format!("/v1/search?type=contact&q=06-12&limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(
        (titles(&page, "contact"), &section(&page, "contact")["next_cursor"]),
        (vec!["Jan 06-12".to_owned()], &Value::Null)
    );
}

#[actix_web::test]
async fn what_was_written_weighs_more_than_what_is_quoted() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    inbound(&admin, &mail, 1, "Written", "The lamp is broken").await;
    inbound(&admin, &mail, 2, "Signed", "Hello\n-- \nThe lamp shop").await;
    inbound(&admin, &mail, 3, "Quoted", "Yes, it is\nOn Monday, Ada wrote:\n> The lamp is broken").await;
    inbound(&admin, &mail, 4, "About the lamp", "It is").await;
    let best = messages(&admin, "q=lamp").await;
    assert_eq!(best, ["About the lamp", "Written", "Quoted", "Signed"]);
    assert_eq!(messages(&admin, "q=lamp&sort=newest").await, ["About the lamp", "Quoted", "Signed", "Written"]);
}

#[actix_web::test]
async fn every_section_is_walked_to_its_end() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    for minute in 0..8 {
        inbound(&admin, &mail, minute, &format!("Lamp {minute}"), "lamp").await;
    }
    for sort in ["", "&sort=newest", "&sort=relevance"] {
        let all = admin.get(&format!("/v1/search?q=lamp{sort}")).await.expect(200);
        let mut seen = titles(&all, "message");
        assert_eq!(seen.len(), 5);
        // The section's cursor goes on where it alone is asked for.
        let mut cursor = section(&all, "message")["next_cursor"].as_str().map(str::to_owned);
        while let Some(from) = cursor {
            let path = format!("/v1/search?q=lamp{sort}&type=message&limit=2&cursor={from}");
            let page = admin.get(&path).await.expect(200);
            assert_eq!(page.header("link").is_some(), section(&page, "message")["next_cursor"].is_string());
            seen.extend(titles(&page, "message"));
            cursor = section(&page, "message")["next_cursor"].as_str().map(str::to_owned);
        }
        assert_eq!(seen, (0..8).rev().map(|minute| format!("Lamp {minute}")).collect::<Vec<_>>(), "{sort}");
    }
    // As many of each section as are asked for, and the cursor goes on behind them.
    let contacts = json!({ "medium": "email", "address": "lamp@example.com", "name": "Lampert" });
    admin.post("/v1/contacts", contacts).await.expect(201);
    admin.post("/v1/contacts", json!({ "medium": "email", "address": "lamps@example.com" })).await.expect(201);
    for (limit, of_messages, of_contacts) in [(1, 1, 1), (2, 2, 2), (7, 7, 2), (200, 8, 2)] {
        let all = admin.get(&format!("/v1/search?q=lamp&limit={limit}")).await.expect(200);
        for (kind, expected, total) in [("message", of_messages, 8), ("contact", of_contacts, 2)] {
            let mut seen = titles(&all, kind);
            assert_eq!(seen.len(), expected, "{kind} {limit}");
            if let Some(from) = section(&all, kind)["next_cursor"].as_str() {
                let rest = admin.get(&format!("/v1/search?q=lamp&type={kind}&cursor={from}")).await.expect(200);
                seen.extend(titles(&rest, kind));
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), total, "{kind} {limit}");
        }
    }
    let page = admin.get("/v1/search?q=lamp&type=message&limit=8").await.expect(200);
    assert_eq!(section(&page, "message")["next_cursor"], Value::Null);
    let cursor = admin.get("/v1/search?q=lamp&type=message&limit=2").await.expect(200);
    let cursor = section(&cursor, "message")["next_cursor"].as_str().unwrap().to_owned();
    admin.get(&format!("/v1/search?q=lamp&cursor={cursor}")).await.problem(422, "cursor_invalid");
    admin.get(&format!("/v1/search?q=other&type=message&cursor={cursor}")).await.problem(422, "cursor_invalid");
    admin.get("/v1/search?type=message").await.wrong_fields(&[("q", "required")]);
    admin.get("/v1/search?q=+&type=pigeon&limit=0").await.wrong_fields(&[
        ("limit", "range"),
        ("q", "blank"),
        ("type", "choice"),
    ]);
    for kind in ["profile", "contact"] {
        let path = format!("/v1/search?q=lamp&type={kind}&sort=");
        admin.get(&format!("{path}newest")).await.wrong_fields(&[("sort", "unsupported")]);
        admin.get(&format!("{path}relevance")).await.expect(200);
    }
    // Among all they come best first, and go on so.
    for (sort, same) in [("newest", ""), ("relevance", "&sort=relevance")] {
        let all = admin.get(&format!("/v1/search?q=lamp&limit=1&sort={sort}")).await.expect(200);
        let cursor = section(&all, "contact")["next_cursor"].as_str().unwrap();
        let rest = format!("/v1/search?q=lamp&type=contact{same}&cursor={cursor}");
        assert_eq!(titles(&admin.get(&rest).await.expect(200), "contact").len(), 1, "{sort}");
    }
    admin.get("/v1/search?q=lamp&count=exact").await.wrong_fields(&[("count", "unknown")]);
}

/// 3,000 conversations of one contact, of which the oldest alone has the word, and it is no rare one elsewhere.
#[actix_web::test]
async fn a_search_that_is_cut_short_says_so_and_goes_on() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    let made = inbound(&admin, &mail, 0, "Needle", "needle in the hay").await;
    let (contact, conversation) = (made["contact_id"].as_str().unwrap(), made["conversation_id"].as_str().unwrap());
    world.database.execute(&format!(
        "INSERT INTO conversations (organization_id, id, channel_id, contact_id, subject, last_message_at)
            SELECT organization_id, gen_random_uuid(), channel_id, contact_id, 'Hay', last_message_at + n * interval '1 s'
            FROM conversations, generate_series(1, 3000) n WHERE id = '{conversation}';
        INSERT INTO conversation_participants
            SELECT organization_id, contact_id, id, last_message_at, last_message_at FROM conversations WHERE subject = 'Hay';
        INSERT INTO messages (organization_id, id, conversation_id, channel_id, contact_id, type, direction, body, occurred_at, search, search_edition)
            SELECT organization_id, gen_random_uuid(), id, channel_id, contact_id, 'message', 'inbound', 'hay', last_message_at,
            ('hay:1B ''@' || right(replace(organization_id::text, '-', ''), 12) || '''')::tsvector, 1
            FROM conversations WHERE subject = 'Hay';
        ANALYZE messages;"
    ));
    let history = format!("/v1/contacts/{contact}/contact-moments");
    // Rare: the index of words finds it at once.
    let found = admin.get(&format!("{history}?q=needle")).await.expect(200);
    assert_eq!((found.each("subject"), &found["truncated"]), (vec!["Needle".to_owned()], &json!(false)));
    // Common: the first that are looked at fill the page.
    let found = admin.get(&format!("{history}?q=hay&limit=2")).await.expect(200);
    assert_eq!((found.data().len(), &found["truncated"]), (2, &json!(false)));
    assert!(found["next_cursor"].is_string());
    assert_eq!(admin.walk(&format!("{history}?q=hay"), 200).await.len(), 3001);
    // Common as far as is known: the planner takes every entry for one that has it.
    world.database.execute("UPDATE pg_class SET reltuples = 1e8 WHERE relname = 'messages'");
    let mut page = admin.get(&format!("{history}?q=needle")).await.expect(200);
    assert_eq!((page.data().len(), &page["truncated"]), (0, &json!(true)));
    let mut seen = 0;
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = admin.get(&format!("{history}?q=needle&cursor={cursor}")).await.expect(200);
        seen += page.data().len();
    }
    assert_eq!((seen, &page["truncated"]), (1, &json!(false)));
    let path = "/v1/conversations?q=needle";
    let page = admin.get(path).await.expect(200);
    assert_eq!((page.data().len(), &page["truncated"]), (0, &json!(true)));
    let cursor = page.text("/next_cursor");
    let page = admin.get(&format!("{path}&cursor={cursor}")).await.expect(200);
    assert_eq!((page.each("subject"), &page["next_cursor"]), (vec!["Needle".to_owned()], &Value::Null));
}

#[actix_web::test]
async fn what_an_earlier_edition_indexed_is_indexed_anew() {
    let world = World::new().await;
    let admin = world.admin();
    let mail = channel(&admin, "email").await;
    let made = inbound(&admin, &mail, 1, "A lamp", "deliveries").await;
    let note = json!({ "body": "lamp" });
    admin.post(&format!("/v1/contacts/{}/notes", made["contact_id"].as_str().unwrap()), note).await.expect(201);
    for table in ["messages", "conversation_subjects", "notes", "attachments", "event_texts"] {
        world.database.execute(&format!("UPDATE {table} SET search = '', search_edition = 0"));
    }
    assert!(messages(&admin, "q=lamp").await.is_empty());
    let timeline = format!("/v1/contacts/{}/timeline?q=lamp", made["contact_id"].as_str().unwrap());
    assert!(admin.get(&timeline).await.expect(200).data().is_empty());
    assert_eq!(dossier::search::reindex(&world.database.connect()).await.unwrap(), 5);
    assert_eq!(admin.get(&timeline).await.expect(200).each("type"), ["note_created", "message"]);
    assert_eq!(messages(&admin, "q=lamp+delivery").await, ["A lamp"]);
    assert_eq!(titles(&admin.get("/v1/search?q=lamp").await.expect(200), "note"), ["-"]);
    assert_eq!(admin.get("/v1/conversations?q=lamp").await.expect(200).data().len(), 1);
    assert_eq!(dossier::search::reindex(&world.database.connect()).await.unwrap(), 0);
}
