//! Requests of one client, each measured by turns with those that it is compared with, so that what else the machine
//! does meets all.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use diesel::prelude::*;
use dossier::db::schema::{channels, conversation_participants, conversations, messages, users};
use dossier::ids::{ChannelId, ContactId, ConversationId, MessageId, ProfileId, UserId};
use serde_json::json;

use crate::cast::Cast;
use crate::data::Data;
use crate::data::fill::EPOCH;
use crate::service::Service;
use crate::words;

const ROUNDS: usize = 60;
/// Before they count: they fill the caches, and prepare the statements.
const WARM: usize = 8;
/// The page whose cursor is remembered.
const DEEP: usize = 1000;
const PLACES: usize = 10;

type Query = Vec<(&'static str, String)>;

/// How long each request took, by its name.
#[derive(Default)]
pub struct Figures(BTreeMap<String, Vec<Duration>>);

impl Figures {
    pub fn median(&self, name: &str) -> Option<Duration> {
        self.quantile(name, 50)
    }

    pub fn p99(&self, name: &str) -> Option<Duration> {
        self.quantile(name, 99)
    }

    fn quantile(&self, name: &str, hundredths: usize) -> Option<Duration> {
        let mut times = self.0.get(name)?.clone();
        times.sort();
        times.get((times.len() - 1) * hundredths / 100).copied()
    }

    fn add(&mut self, name: &str, took: Duration) {
        self.0.entry(name.to_owned()).or_default().push(took);
    }
}

/// A request, with different places or words by turns.
struct Asked {
    name: String,
    path: String,
    queries: Vec<Query>,
}

impl Asked {
    fn new(name: impl Into<String>, path: impl Into<String>, queries: Vec<Query>) -> Self {
        Self { name: name.into(), path: path.into(), queries }
    }
}

pub async fn measure(data: &Data) -> Figures {
    let found = Found::of(data);
    let service = Service::start(data, false).await;
    let mut figures = Figures::default();
    for asked in [histories(&service, &found).await, searches(&found), rest(&service, &found).await, inbox(&found)] {
        by_turns(&service, &asked, &mut figures).await;
    }
    attaching(&service, &found, &mut figures).await;
    service.stop();
    figures
}

async fn by_turns(service: &Service, asked: &[Asked], figures: &mut Figures) {
    for round in 0..WARM + ROUNDS {
        for one in asked {
            let query = &one.queries[round % one.queries.len()];
            let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (_, took) = service.get(&one.path, &query).await;
            if round >= WARM {
                figures.add(&one.name, took);
            }
        }
    }
}

/// What requests name.
struct Found {
    large: ProfileId,
    middle: ProfileId,
    single: ProfileId,
    heavy: ContactId,
    light: ContactId,
    seldom: UserId,
    press: ChannelId,
    /// Of the largest profile, with many messages.
    conversation: ConversationId,
    message: MessageId,
    heavy_conversation: ConversationId,
    light_conversation: ConversationId,
}

impl Found {
    fn of(data: &Data) -> Self {
        let conn = &mut PgConnection::establish(&data.url).unwrap();
        let organization = data.organization;
        let cast = Cast::of(conn, organization);
        let newest_of = |conn: &mut PgConnection, contact: ContactId| -> ConversationId {
            conversation_participants::table
                .filter(conversation_participants::organization_id.eq(organization))
                .filter(conversation_participants::contact_id.eq(contact))
                .order(conversation_participants::last_message_at.desc())
                .select(conversation_participants::conversation_id)
                .first(conn)
                .unwrap()
        };
        let conversation = conversations::table
            .filter(conversations::organization_id.eq(organization))
            .filter(conversations::contact_id.eq(cast.contacts[Cast::LARGE.start].0))
            .order(conversations::message_count.desc())
            .select(conversations::id)
            .first(conn)
            .unwrap();
        Self {
            seldom: users::table
                .filter(users::organization_id.eq(organization))
                .filter(users::email.eq("agent-19@large.example"))
                .select(users::id)
                .first(conn)
                .unwrap(),
            press: channels::table
                .filter(channels::organization_id.eq(organization))
                .filter(channels::name.eq("Press"))
                .select(channels::id)
                .first(conn)
                .unwrap(),
            message: messages::table
                .filter(messages::organization_id.eq(organization))
                .filter(messages::conversation_id.eq(conversation))
                .select(messages::id)
                .first(conn)
                .unwrap(),
            heavy_conversation: newest_of(conn, cast.heavy),
            light_conversation: newest_of(conn, cast.light),
            conversation,
            large: cast.large,
            middle: cast.middle,
            single: cast.single,
            heavy: cast.heavy,
            light: cast.light,
        }
    }
}

/// Days in the middle of the four years.
fn days() -> Vec<String> {
    let middle: DateTime<Utc> = DateTime::from_timestamp_millis(EPOCH).unwrap() + TimeDelta::days(2 * 365);
    let day = |place| middle + TimeDelta::days(7 * place as i64);
    (0..PLACES).map(day).map(|day| format!("{}-{:02}-{:02}", day.year(), day.month(), day.day())).collect()
}

/// Moments, timelines and galleries: first page, page 1,000, and a jump into the middle.
async fn histories(service: &Service, found: &Found) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (list, jump) in [("contact-moments", "to"), ("timeline", "at"), ("attachments", "to")] {
        let path = |profile: ProfileId| format!("/v1/profiles/{profile}/{list}");
        for (name, profile) in [("large", found.large), ("middle", found.middle), ("single", found.single)] {
            asked.push(Asked::new(format!("{list} {name} first"), path(profile), vec![vec![]]));
        }
        let cursors = deep(service, &path(found.large)).await;
        let deep: Vec<Query> = cursors.into_iter().map(|cursor| vec![("cursor", cursor)]).collect();
        if !deep.is_empty() {
            asked.push(Asked::new(format!("{list} large deep"), path(found.large), deep));
        }
        let jumps = days().into_iter().map(|day| vec![(jump, day)]).collect();
        asked.push(Asked::new(format!("{list} large jump"), path(found.large), jumps));
    }
    asked.push(Asked::new("profile", format!("/v1/profiles/{}", found.large), vec![vec![]]));
    let sidebar = format!("/v1/conversations/{}/sidebar", found.conversation);
    asked.push(Asked::new("sidebar", sidebar, vec![vec![]]));
    asked
}

/// The cursors of the pages up to page 1,000, or up to the last but one; none where there is but one page.
async fn deep(service: &Service, path: &str) -> Vec<String> {
    let mut cursors: Vec<String> = Vec::new();
    while cursors.len() < DEEP - 1 {
        let query: Vec<(&str, &str)> = cursors.last().map(|cursor| ("cursor", cursor.as_str())).into_iter().collect();
        let (page, _) = service.get(path, &query).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => cursors.push(cursor.to_owned()),
            None => break,
        }
    }
    if cursors.len() < DEEP - 1 && cursors.len() > 1 {
        // The last page is shorter.
        cursors.pop();
    }
    cursors.split_off(cursors.len().saturating_sub(PLACES))
}

/// The same words in the moments and on the timeline of the largest profile.
fn searches(found: &Found) -> Vec<Asked> {
    let sought =
        [("every", words::COMMON), ("hundredth", words::HUNDREDTH), ("rare", words::RARE), ("once", words::ONCE)];
    let mut asked = Vec::new();
    for (list, name) in [("contact-moments", "search"), ("timeline", "timeline search")] {
        let path = format!("/v1/profiles/{}/{list}", found.large);
        let search = |(often, word): (&str, &str)| {
            Asked::new(format!("{name} {often}"), path.clone(), vec![vec![("q", word.to_owned())]])
        };
        asked.extend(sought.into_iter().map(search));
    }
    asked.push(Asked::new("profile beside searches", format!("/v1/profiles/{}", found.large), vec![vec![]]));
    asked
}

/// Other lists of the largest profile, and filters of which little holds.
async fn rest(service: &Service, found: &Found) -> Vec<Asked> {
    let profile = format!("/v1/profiles/{}", found.large);
    let of_profile = |name: &str, list: &str, query: &[(&'static str, &str)]| {
        let query = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Asked::new(name, format!("{profile}/{list}"), vec![query])
    };
    let (press, seldom) = (found.press.to_string(), found.seldom.to_string());
    let messages = format!("/v1/conversations/{}/messages", found.conversation);
    let (of_type, _) = service.get(&format!("{profile}/timeline"), &[("types", "note_created")]).await;
    assert!(of_type["data"].is_array());
    vec![
        of_profile("notes", "notes", &[]),
        of_profile("history", "history", &[]),
        of_profile("contacts", "contacts", &[]),
        Asked::new("messages around one", messages, vec![vec![("around", found.message.to_string())]]),
        of_profile("timeline, one type", "timeline", &[("types", "note_created")]),
        of_profile("gallery, rare kind", "attachments", &[("kind", "video")]),
        of_profile("gallery, rare channel", "attachments", &[("channel_id", &press)]),
        of_profile("moments, rare channel", "contact-moments", &[("channel_id", &press)]),
        of_profile("moments, rare status", "contact-moments", &[("status", "spam")]),
        of_profile("moments, rare assignee", "contact-moments", &[("assignee_id", &seldom)]),
        of_profile("moments, with files", "contact-moments", &[("has_attachments", "true")]),
        of_profile("moments, one medium", "contact-moments", &[("medium", "whatsapp")]),
    ]
}

fn inbox(found: &Found) -> Vec<Asked> {
    let (press, seldom) = (found.press.to_string(), found.seldom.to_string());
    let (large, heavy) = (found.large.to_string(), found.heavy.to_string());
    let combinations: [(&str, &[(&'static str, &str)]); 13] = [
        ("inbox", &[]),
        ("inbox, open", &[("status", "open")]),
        ("inbox, mine", &[("assignee_id", "me"), ("status", "open")]),
        ("inbox, unassigned", &[("assignee_id", "none"), ("status", "open")]),
        ("inbox, rare assignee", &[("assignee_id", &seldom)]),
        ("inbox, rare channel", &[("channel_id", &press)]),
        ("inbox, rare channel, mine", &[("channel_id", &press), ("assignee_id", "me")]),
        ("inbox, one medium", &[("medium", "whatsapp"), ("status", "open")]),
        ("inbox, open and unread", &[("unread", "true"), ("status", "open")]),
        ("inbox, unread", &[("unread", "true")]),
        ("inbox, largest profile", &[("profile_id", &large)]),
        ("inbox, largest profile, spam", &[("profile_id", &large), ("status", "spam")]),
        ("inbox, heaviest contact", &[("contact_id", &heavy)]),
    ];
    let mut asked: Vec<Asked> = combinations
        .into_iter()
        .map(|(name, query)| {
            let query = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            Asked::new(name, "/v1/conversations", vec![query])
        })
        .collect();
    asked.push(Asked::new("inbox counts", "/v1/conversations/counts", vec![vec![]]));
    asked
}

/// Attaching a contact of many messages and one of five to the largest profile, and detaching them: as they are, and
/// when theirs is the profile's newest moment.
async fn attaching(service: &Service, found: &Found, figures: &mut Figures) {
    let contacts = [("heavy", found.heavy, found.heavy_conversation), ("light", found.light, found.light_conversation)];
    for round in 0..WARM / 2 + ROUNDS / 2 {
        for (name, contact, conversation) in contacts {
            for newest in [false, true] {
                let path = format!("/v1/contacts/{contact}/profile");
                if newest {
                    let answer = json!({ "body": "Greetings, an answer." });
                    service.post(&format!("/v1/conversations/{conversation}/messages"), &answer).await;
                } else {
                    // So that the profile's newest moment is another's.
                    let answer = json!({ "body": "Greetings, another answer." });
                    service.post(&format!("/v1/conversations/{}/messages", found.conversation), &answer).await;
                }
                let (_, attached) = service.put(&path, &json!({ "profile_id": found.large })).await;
                let detached = service.delete(&path).await;
                if round >= WARM / 2 {
                    let case = if newest { ", newest" } else { "" };
                    figures.add(&format!("attach {name}{case}"), attached);
                    figures.add(&format!("detach {name}{case}"), detached);
                }
            }
        }
    }
}
