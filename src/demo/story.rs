//! What happened at the maker of lamps.

use chrono::Duration;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Files;
use crate::actor::ActorRef;
use crate::attachments::{Blob, File};
use crate::channels::{self, Direction, Medium};
use crate::contacts::NewContact;
use crate::conversations::{self, Counterpart, MessageType, NewMessage, Place, Recorded};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::version::IfMatch;
use crate::ids::{ChannelId, UserId};
use crate::notes::{self, On};
use crate::{profile_fields, profiles};

/// Something that was said, so many minutes ago.
struct Said<'s> {
    channel: ChannelId,
    medium: Medium,
    /// Address and name of the customer.
    who: (&'s str, &'s str),
    /// What the channel calls the conversation.
    conversation: &'s str,
    subject: Option<&'s str>,
}

impl Said<'_> {
    /// The customer wrote.
    fn they(&self, tx: &mut Tx, minutes_ago: i64, body: &str) -> Result<Recorded> {
        self.record(tx, minutes_ago, body, Direction::Inbound, None, None)
    }

    /// The customer wrote, and sent a file.
    fn they_sent(&self, tx: &mut Tx, minutes_ago: i64, body: &str, file: (&str, &Blob)) -> Result<Recorded> {
        self.record(tx, minutes_ago, body, Direction::Inbound, Some(file), None)
    }

    /// The customer called.
    fn they_called(&self, tx: &mut Tx, minutes_ago: i64, seconds: i32, body: &str) -> Result<Recorded> {
        self.record(tx, minutes_ago, body, Direction::Inbound, None, Some(seconds))
    }

    /// The acting colleague answered.
    fn we(&self, tx: &mut Tx, minutes_ago: i64, body: &str) -> Result<Recorded> {
        self.record(tx, minutes_ago, body, Direction::Outbound, None, None)
    }

    /// The acting colleague answered with a file.
    fn we_sent(&self, tx: &mut Tx, minutes_ago: i64, body: &str, file: (&str, &Blob)) -> Result<Recorded> {
        self.record(tx, minutes_ago, body, Direction::Outbound, Some(file), None)
    }

    fn record(
        &self,
        tx: &mut Tx,
        minutes_ago: i64,
        body: &str,
        direction: Direction,
        file: Option<(&str, &Blob)>,
        call_seconds: Option<i32>,
    ) -> Result<Recorded> {
        let (address, name) = self.who;
        let counterpart = NewContact {
            medium: self.medium,
            address: address.to_owned(),
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            channel: Some(self.channel),
        };
        let files = file.map(|(filename, blob)| File {
            filename: filename.to_owned(),
            content_type: None,
            content_id: None,
            inline: false,
            blob: blob.clone(),
        });
        let message = NewMessage {
            channel: self.channel,
            external_id: Some(format!("{}-{minutes_ago}", self.conversation)),
            counterpart: Counterpart::Address(counterpart),
            place: Place::Named(self.conversation.to_owned()),
            kind: if call_seconds.is_some() { MessageType::Call } else { MessageType::Message },
            direction,
            author: (direction == Direction::Outbound).then_some(tx.actor),
            subject: self.subject.map(str::to_owned),
            to: Vec::new(),
            cc: Vec::new(),
            body: body.to_owned(),
            duration_seconds: call_seconds,
            has_html: false,
            raw: None,
            sent_at: Some(tx.now - Duration::minutes(minutes_ago)),
            files: files.into_iter().collect(),
            uploads: Vec::new(),
        };
        conversations::record_message(tx, &message)
    }
}

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

pub fn tell(tx: &mut Tx, admin: UserId, colleague: UserId, files: &Files) -> Result<()> {
    tx.actor = ActorRef::user(admin);
    for field in [
        json!({ "key": "relation_number", "label": "Relation number", "type": "text", "unique": true, "searchable": true }),
        json!({ "key": "delivery", "label": "Delivery instructions", "type": "text" }),
    ] {
        profile_fields::create_field(tx, &body(field)?)?;
    }
    let mut channel = |name: &str, medium: Medium| -> Result<ChannelId> {
        let new = body(json!({ "name": name, "medium": medium }))?;
        Ok(channels::insert_channel(tx, &new)?.id)
    };
    let mailbox = channel("Support mailbox", Medium::Email)?;
    let whatsapp = channel("WhatsApp", Medium::Whatsapp)?;
    let phone = channel("Phone", Medium::Voice)?;
    let chat = channel("Website chat", Medium::LiveChat)?;
    let mail = |who, conversation, subject| Said {
        channel: mailbox,
        medium: Medium::Email,
        who,
        conversation,
        subject: Some(subject),
    };
    let app =
        |who, conversation| Said { channel: whatsapp, medium: Medium::Whatsapp, who, conversation, subject: None };
    let call = |who, conversation| Said { channel: phone, medium: Medium::Voice, who, conversation, subject: None };
    let visit = |who, conversation| Said { channel: chat, medium: Medium::LiveChat, who, conversation, subject: None };

    // A company that everyone knows.
    let purchasing = ("inkoop@amsterdamlighting.example", "Fenna Visser");
    let order = mail(purchasing, "order-40", "Forty desk lamps");
    let asked = order.they(tx, 12 * DAY, "Good morning,\n\nWe would like to order forty desk lamps Brass for a hotel. What would they cost, and when could they be here?\n\nFenna Visser\nAmsterdam Lighting BV")?;
    order.we(
        tx,
        12 * DAY - 3 * HOUR,
        "Dear Fenna,\n\nForty Brass are in stock: EUR 39.00 each, and they could be with you on Tuesday.\n\nRobin",
    )?;
    order.they(tx, 11 * DAY, "Wonderful, please send them. The back entrance has a ramp.")?;
    let invoice = mail(purchasing, "invoice-0815", "Invoice 2026-0815");
    invoice.we_sent(
        tx,
        8 * DAY,
        "Dear Fenna,\n\nThe lamps are on their way; the invoice is attached.\n\nRobin",
        ("invoice-2026-0815.pdf", &files.invoice),
    )?;
    let thanks = invoice.they(tx, 7 * DAY, "Received, thank you. It will be paid within thirty days.")?;
    let rang = call(("+31 20 794 0800", ""), "call-1").they_called(
        tx,
        2 * DAY,
        252,
        "Fenna of Amsterdam Lighting: one of the forty lamps flickers. Promised to send a new bulb.",
    )?;
    let company = profiles::save_profile(
        tx,
        None,
        &IfMatch::default(),
        &body(json!({
            "name": "Amsterdam Lighting BV",
            "kind": "company",
            "fields": { "relation_number": "R-1001", "delivery": "Back entrance, there is a ramp" },
        }))?,
    )?;
    for contact in [asked.contact, rang.contact] {
        profiles::attach_contact(tx, contact, &IfMatch::default(), &body(json!({ "profile_id": company.id }))?)?;
    }
    note(
        tx,
        On::Profile(company.id),
        json!({ "body": "Pays after thirty days, always on time. Ask for Fenna.", "pinned": true }),
    )?;

    // A regular, on three channels.
    let jan = ("jan.jansen@example.org", "Jan Jansen");
    let delivery = mail(jan, "saturday", "Delivery on Saturday?").they(
        tx,
        5 * DAY,
        "Hello,\n\nCould the floor lamp come on Saturday instead? I am at work all week.\n\nJan Jansen",
    )?;
    tx.actor = ActorRef::user(colleague);
    mail(jan, "saturday", "Delivery on Saturday?").we(
        tx,
        5 * DAY - HOUR,
        "Hello Jan,\n\nSaturday between ten and twelve it is.\n\nNoor",
    )?;
    let sunday = app(("+31 6 8765 4321", "Jan"), "jan-whatsapp").they(
        tx,
        3 * HOUR,
        "Is the shop open on Sunday? I'd like to see the new reading lamp",
    )?;
    app(("+31 6 8765 4321", "Jan"), "jan-whatsapp").we(
        tx,
        2 * HOUR + 50,
        "Yes, from twelve to five. Shall we put one aside for you?",
    )?;
    let directions = call(("+31 6 8765 4321", "Jan Jansen"), "call-2").they_called(
        tx,
        4 * DAY,
        48,
        "Asked whether the parcel fits in a car. It does.",
    )?;
    let regular = profiles::save_profile(
        tx,
        None,
        &IfMatch::default(),
        &body(json!({ "name": "Jan Jansen", "fields": { "relation_number": "R-1002" } }))?,
    )?;
    for contact in [delivery.contact, sunday.contact, directions.contact] {
        profiles::attach_contact(tx, contact, &IfMatch::default(), &body(json!({ "profile_id": regular.id }))?)?;
    }
    note(
        tx,
        On::Conversation(delivery.conversation),
        json!({ "body": "Driver knows: Saturday only.", "mentions": [admin] }),
    )?;

    // Another Jan Jansen: the same name is not the same customer.
    let other = mail(("j.jansen@students.example", "Jan Jansen"), "student", "Student discount").they(
        tx,
        6 * DAY,
        "Hi! Do you have a discount for students? For the clip-on lamp.\n\nJan",
    )?;
    profiles::attach_contact(
        tx,
        other.contact,
        &IfMatch::default(),
        &body(json!({ "new_profile": { "name": "Jan Jansen", "fields": { "relation_number": "R-1003" } } }))?,
    )?;

    // Those whom nobody has filed yet.
    let ada = ("ada@lovelace.example", "Ada Lovelace");
    let shade = mail(ada, "cracked-shade", "The shade of my lamp is cracked");
    shade.they_sent(tx, 95, "Hello,\n\nMy table lamp arrived today, but its shade is cracked, see the picture. Could you send a new one?\n\nAda Lovelace", ("cracked shade.png", &files.cracked_shade))?;
    app(("+31 6 1234 5678", "Ada"), "ada-whatsapp").they(
        tx,
        25,
        "Hi, this is Ada. Did you get my mail about the cracked shade? The party is on Friday!",
    )?;
    app(("+49 1512 3456789", "Jürgen Müller"), "jurgen").they(
        tx,
        26 * HOUR,
        "Guten Tag, liefern Sie auch nach Köln?",
    )?;
    visit(("visitor-7", ""), "visit-7").they(tx, 50, "Do you ship to Belgium?")?;
    visit(("visitor-12", "林美"), "visit-12").they(tx, 8 * HOUR, "你们的台灯可以调光吗？")?;
    let followers = mail(("grow@followers.example", "Growth Team"), "followers", "10,000 followers by tomorrow").they(
        tx,
        9 * HOUR,
        "Dear owner, buy followers now!!!",
    )?;

    edit(tx, &followers, json!({ "status": "spam" }))?;
    edit(tx, &asked, json!({ "status": "closed" }))?;
    edit(tx, &thanks, json!({ "status": "closed", "assignee_id": admin }))?;
    edit(tx, &other, json!({ "assignee_id": colleague }))?;
    edit(tx, &sunday, json!({ "assignee_id": admin }))
}

fn edit(tx: &mut Tx, message: &Recorded, change: Value) -> Result<()> {
    conversations::update_conversation(tx, message.conversation, &IfMatch::default(), &body(change)?).map(|_| ())
}

fn note(tx: &mut Tx, on: On, text: Value) -> Result<()> {
    notes::create_note(tx, on, &body(text)?).map(|_| ())
}

/// A body as a client would send it.
fn body<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}
