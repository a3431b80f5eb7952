//! Ten million messages: who wrote them is drawn, and all else follows from them.
//!
//! Conversations come in blocks that overlap in time, each with some ten messages over some hours. A tenth of them is the
//! largest profile's, whose contacts come and go like those of a company that has been a customer for years.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dossier::access::{self, CreateUser};
use dossier::actor::{ActorRef, Role};
use dossier::channels::{self, CreateChannel, Medium};
use dossier::conversations::{ConversationStatus, vector_of_message};
use dossier::db::Db;
use dossier::db::schema::blobs;
use dossier::db::search_vector::{self, EDITION, SearchVector, Weight};
use dossier::db::timeline::TimelineType;
use dossier::db::types::TimeOrNever;
use dossier::ids::{ChannelId, ContactId, ConversationId, MessageId, OrganizationId, ProfileId, UserId};
use dossier::text::{self, stem::Stemmer};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use uuid::{Builder, Uuid};

use crate::block_on;
use crate::cast::{Cast, MANY};
use crate::data::fill::{self as customers, EPOCH, copy, drop_indexes};
use crate::data::{self, ADMIN, Scale};
use crate::rows::{
    AttachmentRow, ConversationRow, EntryRow, EventRow, EventTextRow, MessageRow, NoteRow, ParticipantRow, ReadRow,
    Rows, SubjectRow,
};
use crate::words;

const PER_CONVERSATION: usize = 10;
/// Conversations that overlap in time.
const BLOCK: usize = 200;
/// Messages written at once.
const BATCH: usize = 20_000;
const YEARS: i64 = 4 * 365 * 24 * 3600 * 1_000_000;
const FILES: usize = 1000;
/// Drawn by the thousand.
const KINDS: [(&str, &str, &str, u32); 5] = [
    ("image", "image/jpeg", "photo.jpg", 600),
    ("document", "application/pdf", "invoice.pdf", 380),
    ("audio", "audio/ogg", "voice.ogg", 15),
    ("other", "application/zip", "archive.zip", 4),
    ("video", "video/mp4", "video.mp4", 1),
];

pub fn fill(db: &Db, url: &str, messages: usize) {
    customers::fill(db, url, &data::names(), Scale { profiles: (messages / 100).max(1000) });
    let conn = &mut PgConnection::establish(url).unwrap();
    let mut filling = Filling::of(db, conn, messages);
    conn.batch_execute("SET session_replication_role = replica; SET synchronous_commit = off").unwrap();
    filling.cast.attach(conn, filling.organization);
    let indexes = drop_indexes(conn, "^(message|conversation|attachments|notes|event|timeline)");
    filling.blobs(conn);
    filling.ledger();
    let conversations = messages / PER_CONVERSATION;
    for first in (0..conversations).step_by(BLOCK) {
        filling.block(first..(first + BLOCK).min(conversations));
        if filling.rows.messages.len() >= BATCH || first + BLOCK >= conversations {
            let copied: diesel::QueryResult<()> = conn.transaction(|conn| {
                filling.rows.copy(conn);
                Ok(())
            });
            copied.unwrap();
        }
        if (first + BLOCK) % (conversations / 10) < BLOCK {
            println!("  {} of {messages} messages", (first + BLOCK) * PER_CONVERSATION);
        }
    }
    for index in indexes {
        conn.batch_execute(&index).unwrap();
    }
    conn.batch_execute(FOLLOWING).unwrap();
    conn.batch_execute("VACUUM (ANALYZE)").unwrap();
}

/// What is told of contacts and profiles by what they wrote.
const FOLLOWING: &str = "
    INSERT INTO contact_channels (organization_id, contact_id, channel_id)
        SELECT DISTINCT taken.organization_id, taken.contact_id, conversations.channel_id
        FROM conversation_participants AS taken JOIN conversations
            ON conversations.organization_id = taken.organization_id AND conversations.id = taken.conversation_id;
    UPDATE profile_activity SET last_contact_moment_at = '-infinity';
    UPDATE profile_activity SET last_contact_moment_at = newest.at FROM (
        SELECT contacts.organization_id, contacts.profile_id, max(taken.last_message_at) AS at
        FROM conversation_participants AS taken JOIN contacts
            ON contacts.organization_id = taken.organization_id AND contacts.id = taken.contact_id
        WHERE contacts.profile_id IS NOT NULL GROUP BY 1, 2) AS newest
    WHERE profile_activity.organization_id = newest.organization_id AND profile_activity.profile_id = newest.profile_id;
";

struct Filling {
    organization: OrganizationId,
    admin: UserId,
    agents: Vec<UserId>,
    stemmer: Stemmer,
    cast: Cast,
    /// When in the four years each contact of the largest profile writes, from 0 to 1.
    active: Vec<(f64, f64)>,
    /// The usual one, and one on which little comes in.
    mail: [ChannelId; 2],
    whatsapp: ChannelId,
    conversations: usize,
    rng: StdRng,
    rows: Rows,
}

/// A conversation that is being written.
struct Writing {
    row: ConversationRow,
    left: usize,
    /// Who started it, and perhaps who joined later.
    contacts: Vec<ContactId>,
    joined: Vec<DateTime<Utc>>,
    /// Whose history has all of its events.
    of: Option<ProfileId>,
}

impl Filling {
    fn of(db: &Db, conn: &mut PgConnection, messages: usize) -> Self {
        let (organization, admin, _) =
            block_on(db.transact(|conn| access::user_by_email(conn, ADMIN))).unwrap().expect("the administrator");
        let (agents, channels) = block_on(db.act(organization, ActorRef::user(admin), |tx| {
            let agent = |place| CreateUser {
                email: format!("agent-{place}@large.example"),
                name: format!("Agent {place}"),
                role: Role::Agent,
                password: String::new(),
            };
            let agents = (0..20).map(|place| access::insert_user(tx, &agent(place), "none").map(|user| user.id));
            let agents = agents.collect::<dossier::error::Result<Vec<UserId>>>()?;
            let named = [("Support", Medium::Email), ("Press", Medium::Email), ("WhatsApp", Medium::Whatsapp)];
            let channels = named.map(|(name, medium)| {
                let channel = CreateChannel { name: name.to_owned(), medium, settings: serde_json::Map::new() };
                channels::insert_channel(tx, &channel).map(|channel| channel.id)
            });
            Ok((agents, channels.into_iter().collect::<dossier::error::Result<Vec<ChannelId>>>()?))
        }))
        .unwrap();
        let mut rng = StdRng::seed_from_u64(3);
        let active = (0..MANY).map(|_| {
            let start = rng.random_range(-0.2..0.9);
            (start, start + rng.random_range(0.1..0.8))
        });
        Self {
            organization,
            admin,
            agents,
            stemmer: search_vector::stemmer(conn, organization).unwrap(),
            cast: Cast::of(conn, organization),
            active: active.collect(),
            mail: [channels[0], channels[1]],
            whatsapp: channels[2],
            conversations: messages / PER_CONVERSATION,
            rng,
            rows: Rows::default(),
        }
    }

    fn blobs(&mut self, conn: &mut PgConnection) {
        let row = |file| {
            let organization = blobs::organization_id.eq(self.organization);
            (organization, blobs::sha256.eq(sha256(file)), blobs::byte_size.eq(file as i64 * 1000 + 500))
        };
        copy!(conn, blobs::table, (0..FILES).map(row).collect::<Vec<_>>());
    }

    /// Who was attached to whom, in the beginning.
    fn ledger(&mut self) {
        let places = Cast::LARGE.chain(Cast::MIDDLE).chain([Cast::SINGLE]);
        for (number, place) in places.enumerate() {
            let contact = self.cast.contacts[place].0;
            let profile = self.profile_of(place);
            let at = time(number as i64 * 1000);
            let event = self.event(at, "contact.attached", contact.0, profile, Some(contact), None, None);
            for owner in [Some(contact.0), profile.map(|id| id.0)].into_iter().flatten() {
                self.entry(at, TimelineType::ContactAttached, event, owner, None);
            }
        }
        for number in 0..100 {
            let at = time(number * (YEARS / 100));
            let change = (json!({ "name": "Jansen" }), json!({ "name": "Janssen" }));
            let large = self.cast.large;
            let event = self.event(at, "profile.updated", large.0, Some(large), None, None, Some(change));
            self.entry(at, TimelineType::ProfileUpdated, event, large.0, None);
        }
    }

    fn profile_of(&self, place: usize) -> Option<ProfileId> {
        match place {
            place if Cast::LARGE.contains(&place) => Some(self.cast.large),
            place if Cast::MIDDLE.contains(&place) => Some(self.cast.middle),
            Cast::SINGLE => Some(self.cast.single),
            _ => None,
        }
    }

    /// Who starts the conversation of this number; those of each profile are spread over the years.
    fn starter(&mut self, number: usize) -> usize {
        // A thousand moments of each, or as many as fit.
        let every = (self.conversations / 1000).max(10);
        if number == 9 {
            return 1;
        }
        if number.is_multiple_of(10) {
            let now = number as f64 / self.conversations as f64;
            loop {
                let place = self.skewed(MANY);
                let (from, to) = self.active[place];
                if (from..to).contains(&now) || self.rng.random_bool(0.02) {
                    return Cast::LARGE.start + place;
                }
            }
        }
        match number % every {
            1 => Cast::MIDDLE.start + self.skewed(MANY),
            3 => Cast::SINGLE,
            _ if number % 200 == 7 => 0,
            _ => Cast::OTHERS + self.skewed(self.cast.contacts.len() - Cast::OTHERS),
        }
    }

    /// One of so many, the first ones more often.
    fn skewed(&mut self, count: usize) -> usize {
        (self.rng.random::<f64>().powi(2) * count as f64) as usize
    }

    fn block(&mut self, numbers: std::ops::Range<usize>) {
        let mut writing: Vec<Writing> = numbers.clone().map(|number| self.begin(number)).collect();
        let mut turns: Vec<usize> =
            writing.iter().enumerate().flat_map(|(place, one)| std::iter::repeat_n(place, one.left)).collect();
        turns.shuffle(&mut self.rng);
        // Into the next block, which has begun by then.
        let (start, length) =
            (self.moment(numbers.start), 3 * (self.moment(numbers.end) - self.moment(numbers.start)) / 2);
        let count = turns.len() as i64;
        for (turn, place) in turns.into_iter().enumerate() {
            let at = time(start + turn as i64 * length / count + self.rng.random_range(0..length / count));
            self.message(&mut writing[place], at, numbers.start + place);
        }
        for one in writing {
            self.finish(one);
        }
    }

    /// Microseconds since the beginning.
    fn moment(&self, number: usize) -> i64 {
        (number as i128 * i128::from(YEARS) / self.conversations as i128) as i64
    }

    fn begin(&mut self, number: usize) -> Writing {
        let place = self.starter(number);
        let (contact, medium) = self.cast.contacts[place];
        let mut contacts = vec![contact];
        if self.rng.random_bool(0.05) && Cast::LARGE.contains(&place) {
            let other = Cast::LARGE.start + self.skewed(MANY);
            contacts.push(self.cast.contacts[other].0);
            contacts.dedup();
        }
        let is_recent = number > self.conversations - self.conversations / 20;
        let status = match self.rng.random::<f64>() {
            ..0.01 => ConversationStatus::Spam,
            draw if draw < if is_recent { 0.6 } else { 0.03 } => ConversationStatus::Open,
            _ => ConversationStatus::Closed,
        };
        let assignee = match self.rng.random::<f64>() {
            ..0.3 => None,
            ..0.32 => Some(self.admin),
            // The last one has next to none.
            ..0.32001 => self.agents.last().copied(),
            _ => {
                let place = self.skewed(self.agents.len() - 1);
                Some(self.agents[place])
            }
        };
        let channel = match medium {
            Medium::Email if self.rng.random_bool(0.0005) => self.mail[1],
            Medium::Email => self.mail[0],
            _ => self.whatsapp,
        };
        let subject = (medium == Medium::Email).then(|| words::subject(&mut self.rng));
        let left = if number == 9 { 5 } else { self.rng.random_range(1..2 * PER_CONVERSATION) };
        Writing {
            row: ConversationRow {
                organization_id: self.organization,
                id: ConversationId(Uuid::nil()),
                channel_id: channel,
                contact_id: contact,
                subject,
                status,
                assignee_id: assignee,
                message_count: 0,
                first_message_at: None,
                last_message_at: time(0),
                last_message_direction: None,
                last_inbound_at: TimeOrNever(None),
                preview: String::new(),
                created_at: time(0),
                updated_at: time(0),
            },
            left,
            contacts,
            joined: Vec::new(),
            of: self.profile_of(place),
        }
    }

    fn message(&mut self, writing: &mut Writing, at: DateTime<Utc>, number: usize) {
        let is_first = writing.joined.is_empty();
        let is_outbound = !is_first && self.rng.random_bool(0.45);
        let who = if is_first { 0 } else { self.rng.random_range(0..writing.contacts.len()) };
        let contact = writing.contacts[who];
        let id = MessageId(self.id(at));
        let mut body = words::body(&mut self.rng);
        if is_first && number == self.conversations / 20 * 10 {
            body = format!("{body} {}", words::ONCE);
        }
        let direction = if is_outbound { "outbound" } else { "inbound" };
        let author = is_outbound.then(|| self.agents[self.rng.random_range(0..self.agents.len())]);
        let row = &mut writing.row;
        if is_first {
            row.id = ConversationId(self.id(at));
            row.first_message_at = Some(at);
            row.created_at = at;
        }
        if writing.joined.len() == who {
            writing.joined.push(at);
        }
        row.message_count += 1;
        row.last_message_at = at;
        row.updated_at = at;
        row.last_message_direction = Some(direction);
        row.preview = text::preview(&body);
        if !is_outbound {
            row.last_inbound_at = TimeOrNever(Some(at));
        }
        let (conversation, channel, subject) = (row.id, row.channel_id, row.subject.clone());
        if let Some(profile) = writing.of {
            let made = (json!(null), json!({ "direction": direction, "type": "message" }));
            self.event(at, "message.created", id.0, Some(profile), Some(contact), Some(conversation), Some(made));
        }
        let is_of_large = writing.of == Some(self.cast.large);
        if self.rng.random_range(0..if is_of_large { 20 } else { 100 }) == 0 {
            self.attachment(at, id, conversation, contact, channel, direction);
        }
        if is_of_large && self.rng.random_range(0..500) == 0 {
            self.note(at, Some(self.cast.large), None, &[]);
        } else if self.rng.random_range(0..500) == 0 {
            self.note(at, None, Some(conversation), &writing.contacts);
        }
        self.rows.messages.push(MessageRow {
            organization_id: self.organization,
            id,
            conversation_id: conversation,
            channel_id: channel,
            contact_id: contact,
            type_: "message",
            direction,
            author_type: author.map(|_| "user"),
            author_id: author,
            search: vector_of_message(self.organization, self.stemmer, subject.as_deref(), &body),
            search_edition: EDITION,
            subject,
            body,
            occurred_at: at,
            created_at: at,
        });
    }

    fn attachment(
        &mut self,
        at: DateTime<Utc>,
        message: MessageId,
        conversation: ConversationId,
        contact: ContactId,
        channel: ChannelId,
        direction: &'static str,
    ) {
        let mut draw = self.rng.random_range(0..1000);
        let (kind, content_type, filename, _) = KINDS
            .into_iter()
            .find(|(.., share)| {
                let is_it = draw < *share;
                draw = draw.saturating_sub(*share);
                is_it
            })
            .unwrap();
        let file = self.rng.random_range(0..FILES);
        let id = self.id(at);
        self.rows.attachments.push(AttachmentRow {
            organization_id: self.organization,
            id,
            sha256: sha256(file),
            filename: filename.to_owned(),
            content_type,
            byte_size: file as i64 * 1000 + 500,
            kind,
            message_id: Some(message),
            conversation_id: Some(conversation),
            contact_id: Some(contact),
            channel_id: Some(channel),
            direction: Some(direction),
            occurred_at: Some(at),
            created_by_type: "channel",
            created_by_id: Some(channel.0),
            created_at: at,
            search: self.vector(filename),
            search_edition: EDITION,
        });
    }

    fn note(
        &mut self,
        at: DateTime<Utc>,
        profile: Option<ProfileId>,
        conversation: Option<ConversationId>,
        contacts: &[ContactId],
    ) {
        let id = self.id(at);
        let body = words::body(&mut self.rng);
        let made = (json!(null), json!({ "body": body, "pinned": false, "mentions": [] }));
        let event = self.event(at, "note.created", id, profile, None, conversation, Some(made));
        for owner in profile.iter().map(|id| id.0).chain(contacts.iter().map(|id| id.0)) {
            self.entry(at, TimelineType::NoteCreated, event, owner, conversation);
        }
        self.rows.event_texts.push(EventTextRow {
            organization_id: self.organization,
            event_id: event,
            search: self.vector(&body),
            search_edition: EDITION,
        });
        self.rows.notes.push(NoteRow {
            organization_id: self.organization,
            id,
            profile_id: profile,
            contact_id: None,
            conversation_id: conversation,
            search: self.vector(&body),
            search_edition: EDITION,
            body,
            author_type: "user",
            author_id: Some(self.admin),
            created_at: at,
        });
    }

    #[allow(clippy::too_many_arguments)]
    fn event(
        &mut self,
        at: DateTime<Utc>,
        kind: &'static str,
        resource: Uuid,
        profile: Option<ProfileId>,
        contact: Option<ContactId>,
        conversation: Option<ConversationId>,
        change: Option<(serde_json::Value, serde_json::Value)>,
    ) -> Uuid {
        let (before, after) = change.unzip();
        let id = self.id(at);
        self.rows.events.push(EventRow {
            organization_id: self.organization,
            id,
            occurred_at: at,
            actor_type: "user",
            actor_id: Some(self.admin.0),
            type_: kind,
            resource_type: kind.split('.').next().unwrap(),
            resource_id: resource,
            version: Some(1),
            profile_id: profile,
            contact_id: contact,
            conversation_id: conversation,
            before: before.filter(|before| !before.is_null()),
            after,
        });
        id
    }

    fn finish(&mut self, writing: Writing) {
        let Writing { row, contacts, joined, .. } = writing;
        let organization_id = self.organization;
        let took_part: Vec<ContactId> = contacts.into_iter().take(joined.len()).collect();
        for (contact_id, joined_at) in took_part.iter().copied().zip(joined) {
            self.rows.conversation_participants.push(ParticipantRow {
                organization_id,
                contact_id,
                conversation_id: row.id,
                joined_at,
                last_message_at: row.last_message_at,
            });
        }
        if let Some(subject) = &row.subject {
            let search = self.vector(subject);
            let row = SubjectRow { organization_id, conversation_id: row.id, search, search_edition: EDITION };
            self.rows.conversation_subjects.push(row);
        }
        // The administrator has read nearly everything.
        if let Some(read_at) = row.last_inbound_at.0.filter(|_| self.rng.random_range(0..5000) > 0) {
            let user_id = self.admin;
            self.rows.conversation_reads.push(ReadRow { organization_id, user_id, conversation_id: row.id, read_at });
        }
        if row.status == ConversationStatus::Closed {
            let change = (json!({ "status": "open" }), json!({ "status": "closed" }));
            let at = row.last_message_at + TimeDelta::minutes(3);
            let (id, starter) = (row.id, Some(row.contact_id));
            let event = self.event(at, "conversation.updated", id.0, None, starter, Some(id), Some(change));
            for contact in took_part {
                self.entry(at, TimelineType::StatusChanged, event, contact.0, Some(id));
            }
        }
        self.rows.conversations.push(row);
    }

    fn vector(&self, text: &str) -> SearchVector {
        SearchVector::new(self.organization, self.stemmer).with(text, Weight::Title)
    }

    /// Where the timeline tells of an event.
    fn entry(&mut self, at: DateTime<Utc>, kind: TimelineType, event: Uuid, owner: Uuid, of: Option<ConversationId>) {
        self.rows.timeline_entries.push(EntryRow {
            organization_id: self.organization,
            owner_id: owner,
            at,
            id: event,
            type_: kind,
            event_id: event,
            conversation_id: of,
        });
    }

    fn id(&mut self, at: DateTime<Utc>) -> Uuid {
        Builder::from_unix_timestamp_millis(at.timestamp_millis() as u64, &self.rng.random()).into_uuid()
    }
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(EPOCH * 1000 + micros).unwrap()
}

fn sha256(file: usize) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    bytes[24..].copy_from_slice(&file.to_be_bytes());
    bytes
}
