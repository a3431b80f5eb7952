//! Every list walked to its end while another client writes: what didn't change meanwhile appears exactly once, what
//! moved not twice, and all is on the lists that are read next.

use std::collections::{HashMap, HashSet};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::{Client, World};

const EACH: usize = 12;
/// So that there are many pages.
const LIMIT: usize = 2;

/// A customer with conversations, files and notes, among others.
struct Customer {
    admin: Client,
    writer: Client,
    channel: String,
    profile: String,
    conversations: Vec<String>,
    contacts: Vec<String>,
    profiles: Vec<String>,
    notes: Vec<String>,
}

impl Customer {
    async fn new(world: &World) -> Self {
        let admin = world.admin();
        let channel = json!({ "name": "WhatsApp", "medium": "whatsapp" });
        let mut customer = Self {
            channel: admin.post("/v1/channels", channel).await.expect(201).id(),
            profile: admin.post("/v1/profiles", json!({ "name": "Customer" })).await.expect(201).id(),
            writer: world.agent("Grace").await,
            admin,
            conversations: Vec::new(),
            contacts: Vec::new(),
            profiles: Vec::new(),
            notes: Vec::new(),
        };
        for number in 0..EACH {
            let made = customer.message(number, number % 3, "first").await;
            let text = |name: &str| made[name].as_str().unwrap().to_owned();
            customer.conversations.push(text("conversation_id"));
            customer.attach(&text("contact_id")).await;
            customer.contacts.push(customer.contact(number).await);
            customer.profiles.push(customer.profile(number).await);
            customer.notes.push(customer.note(number).await);
        }
        customer
    }

    /// Comes in with a file, in the conversation of this number with one of the customer's contacts.
    async fn message(&self, conversation: usize, contact: usize, id: &str) -> Value {
        let body = json!({
            "external_id": format!("{conversation} {id}"),
            "from": { "address": format!("+3161234567{contact}") },
            "conversation": { "external_id": conversation.to_string() },
            "body": id,
            "attachments": [{ "filename": "a.txt", "content_type": "text/plain", "data": "YQ==" }],
        });
        self.writer.post(&format!("/v1/channels/{}/inbound", self.channel), body).await.expect(201).json
    }

    async fn attach(&self, contact: &str) {
        let body = json!({ "profile_id": self.profile });
        self.writer.put(&format!("/v1/contacts/{contact}/profile"), body).await.expect(200);
    }

    async fn contact(&self, number: usize) -> String {
        let body = json!({ "medium": "email", "address": format!("{number}@example.com"), "name": name(number) });
        self.writer.post("/v1/contacts", body).await.expect(201).id()
    }

    async fn profile(&self, number: usize) -> String {
        self.writer.post("/v1/profiles", json!({ "name": name(number) })).await.expect(201).id()
    }

    async fn note(&self, number: usize) -> String {
        let path = format!("/v1/profiles/{}/notes", self.profile);
        self.writer.post(&path, json!({ "body": name(number) })).await.expect(201).id()
    }

    /// Something of everything comes, and the oldest or last of everything moves; says what moved.
    async fn write(&self, turn: usize) -> Vec<String> {
        let old = turn % (EACH / 2);
        self.message(1000 + turn, turn % 3, "first again").await;
        self.message(old, old % 3, &format!("again {turn}")).await;
        self.contact(1000 + turn).await;
        self.profile(1000 + turn).await;
        self.note(1000 + turn).await;
        let last = EACH - 1 - old;
        let patch = |path: String, body: Value| async move { self.writer.patch(&path, body).await.expect(200).id() };
        let first = json!({ "name": format!("A {turn}") });
        let contact = patch(format!("/v1/contacts/{}", self.contacts[last]), first.clone()).await;
        let profile = patch(format!("/v1/profiles/{}", self.profiles[last]), first).await;
        let note = patch(format!("/v1/notes/{}", self.notes[old]), json!({ "pinned": turn.is_multiple_of(2) })).await;
        vec![self.conversations[old].clone(), contact, profile, note]
    }

    /// The ids of a page, and where the next begins.
    async fn page(&self, path: &str, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
        let sign = if path.contains('?') { '&' } else { '?' };
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = self.admin.get(&format!("{path}{sign}limit={LIMIT}{cursor}")).await.expect(200);
        let id =
            |entry: &Value| entry["conversation_id"].as_str().filter(|_| path.contains("moments")).map(str::to_owned);
        let list = page.json.pointer("/sections/0").unwrap_or(&page.json);
        let ids = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| id(entry).unwrap_or_else(|| entry["id"].as_str().unwrap().to_owned()));
        (ids.collect(), list["next_cursor"].as_str().map(str::to_owned))
    }

    async fn walk(&self, path: &str) -> Vec<String> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let (ids, next) = self.page(path, cursor.as_deref()).await;
            seen.extend(ids);
            cursor = next;
            if cursor.is_none() {
                return seen;
            }
        }
    }

    /// Walks each list while everything changes, once before and once after.
    async fn walk_while_writing(&self, lists: &[String]) {
        let mut turn = 0;
        for path in lists {
            let there = self.walk(path).await;
            let (mut moved, mut seen, mut cursor) = (HashSet::new(), Vec::new(), None);
            loop {
                // Also at the very same time.
                let ((ids, next), touched) = join(self.page(path, cursor.as_deref()), self.write(turn)).await;
                turn += 1;
                moved.extend(touched);
                seen.extend(ids);
                // What comes meanwhile comes before, or is soon past: the walk ends.
                assert!(seen.len() < 20 * EACH * lists.len(), "{path} has no end");
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            let mut times: HashMap<&String, usize> = HashMap::new();
            for id in &seen {
                *times.entry(id).or_default() += 1;
            }
            for id in &there {
                let times = times.get(id).copied().unwrap_or(0);
                match moved.contains(id) {
                    true => assert!(times <= 2, "{path}: {id} was shown {times} times"),
                    false => assert_eq!(times, 1, "{path}: {id}, which didn't change"),
                }
            }
            let next: HashSet<String> = self.walk(path).await.into_iter().collect();
            // What has another name may not be found by it.
            let is_there = |id: &&String| !(path.contains("q=") && moved.contains(*id));
            let lost: Vec<&String> =
                there.iter().chain(&seen).filter(is_there).filter(|id| !next.contains(*id)).collect();
            assert!(lost.is_empty(), "{path} lost {lost:?}");
        }
    }
}

/// All begin alike, so that what is named anew comes before or after.
fn name(number: usize) -> String {
    format!("M {number:04}")
}

#[actix_web::test]
async fn a_walk_beside_a_writer_shows_once_what_did_not_change() {
    let world = World::new().await;
    let customer = Customer::new(&world).await;
    let of_profile = |list: &str| format!("/v1/profiles/{}/{list}", customer.profile);
    let lists = [
        of_profile("contact-moments"),
        of_profile("attachments"),
        of_profile("notes"),
        of_profile("timeline"),
        "/v1/conversations".to_owned(),
        "/v1/contacts".to_owned(),
        "/v1/profiles".to_owned(),
        "/v1/profiles?sort=-updated_at".to_owned(),
    ];
    customer.walk_while_writing(&lists).await;
    // What moved is on the next first page.
    customer.message(0, 0, "last").await;
    for path in [of_profile("contact-moments"), "/v1/conversations".to_owned()] {
        assert_eq!(customer.page(&path, None).await.0.first(), Some(&customer.conversations[0]), "{path}");
    }
}

#[actix_web::test]
async fn a_walk_through_what_was_found_shows_once_what_did_not_change() {
    let world = World::new().await;
    let lists = [
        "/v1/profiles?q=m",
        "/v1/search?type=contact&q=m",
        "/v1/search?type=note&q=m",
        "/v1/search?type=message&q=first",
        "/v1/search?type=message&q=first&sort=newest",
    ];
    Customer::new(&world).await.walk_while_writing(&lists.map(str::to_owned)).await;
}
