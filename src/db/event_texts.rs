//! What events say, by which they are found on timelines: written with the event, and forgotten with a note that is
//! deleted.

use diesel::prelude::*;
use diesel::sql_types::{SmallInt, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::Tx;
use super::events::Event;
use super::rows::rows;
use super::schema::{event_texts, events};
use super::search_vector::{self, EDITION, SearchVector, Weight};
use super::types::Tsvector;
use crate::error::Result;
use crate::ids::{EventId, OrganizationId};
use crate::text::stem::Stemmer;

/// Of a note what it said from then on; of conversations their subjects, of profiles and contacts their names, and the
/// values of fields, before and after.
pub fn texts(kind: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let sides = [before, after];
    let mut texts = Vec::new();
    match kind {
        "note.created" | "note.updated" => push(after.and_then(|after| after.get("body")), &mut texts),
        "conversation.updated" => sides.iter().flatten().for_each(|side| push(side.get("subject"), &mut texts)),
        "profile.created" | "profile.updated" | "contact.created" | "contact.updated" => {
            for member in ["name", "address"] {
                sides.iter().flatten().for_each(|side| push(side.get(member), &mut texts));
            }
            // A field's earlier value beside its later one.
            let fields = |side: Option<&Value>| side.and_then(|side| side.get("fields")?.as_object()).cloned();
            let [earlier, later] = sides.map(|side| fields(side).unwrap_or_default());
            for (key, value) in &later {
                push(earlier.get(key), &mut texts);
                push(Some(value), &mut texts);
            }
        }
        _ => {}
    }
    texts
}

/// What is text in a value: itself, a number, each of its options.
fn push(value: Option<&Value>, texts: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) => texts.push(text.clone()),
        Some(Value::Number(number)) => texts.push(number.to_string()),
        Some(Value::Array(values)) => values.iter().for_each(|value| push(Some(value), texts)),
        _ => {}
    }
}

/// The texts of an event that is about to be recorded.
pub fn texts_of(event: &Event) -> Vec<String> {
    texts(event.kind, event.before.as_ref(), event.after.as_ref())
}

/// Makes events findable that were recorded in this transaction.
pub fn insert(tx: &mut Tx, events: Vec<(EventId, Vec<String>)>) -> Result<()> {
    let mut rows = TextRows::of(tx.organization);
    for (event, texts) in events.into_iter().filter(|(_, texts)| !texts.is_empty()) {
        let stemmer = *tx.once(|tx| search_vector::stemmer(tx.conn, tx.organization))?;
        rows.push(event, vector(tx.organization, stemmer, &texts), EDITION);
    }
    rows.insert(tx.conn)?;
    Ok(())
}

rows! {
    struct TextRows into "event_texts" {
        event_id: SqlUuid = EventId,
        search: Tsvector = SearchVector,
        search_edition: SmallInt = i16,
    }
    ""
}

/// By none of their texts deleted notes are found.
pub fn forget(tx: &mut Tx, notes: &[Uuid]) -> Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let of_note = events::table
        .filter(events::organization_id.eq(tx.organization))
        .filter(events::resource_id.eq_any(notes))
        .select(events::id);
    diesel::delete(event_texts::table)
        .filter(event_texts::organization_id.eq(tx.organization))
        .filter(event_texts::event_id.eq_any(of_note))
        .execute(tx.conn)?;
    Ok(())
}

/// Up to `limit` events that an earlier edition indexed, locked for nobody else to do the same; says how many there were.
pub fn reindex(conn: &mut PgConnection, limit: i64) -> Result<usize> {
    let stale: Vec<(OrganizationId, EventId)> = event_texts::table
        .filter(event_texts::search_edition.lt(EDITION))
        .select((event_texts::organization_id, event_texts::event_id))
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .load(conn)?;
    for (organization, id) in stale.iter().copied() {
        let (kind, before, after): (String, Option<Value>, Option<Value>) = events::table
            .find((organization, id))
            .select((events::type_, events::before, events::after))
            .first(conn)?;
        let texts = texts(&kind, before.as_ref(), after.as_ref());
        let search = vector(organization, search_vector::stemmer(conn, organization)?, &texts);
        diesel::update(event_texts::table.find((organization, id)))
            .set((event_texts::search.eq(search), event_texts::search_edition.eq(EDITION)))
            .execute(conn)?;
    }
    Ok(stale.len())
}

/// By which an event is found, in an organization with this language.
pub fn vector(organization: OrganizationId, stemmer: Stemmer, texts: &[String]) -> SearchVector {
    let empty = SearchVector::new(organization, stemmer);
    texts.iter().fold(empty, |vector, text| vector.with(text, Weight::Written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_values_are_said_before_and_after() {
        let before = json!({ "name": "Ada", "kind": "person", "fields": { "city": "Paris", "size": null } });
        let after =
            json!({ "name": "Ada L.", "kind": "company", "fields": { "city": null, "size": 5, "tags": ["a", "b"] } });
        let texts = |kind, before, after| texts(kind, Some(before), Some(after));
        assert_eq!(texts("profile.updated", &before, &after), ["Ada", "Ada L.", "Paris", "5", "a", "b"]);
        let (before, after) = (json!({ "body": "Earlier" }), json!({ "body": "Later", "pinned": true }));
        assert_eq!(texts("note.updated", &before, &after), ["Later"]);
        assert!(texts("conversation.updated", &before, &after).is_empty());
        let (before, after) = (json!({ "subject": "Lamp" }), json!({ "subject": null, "status": "closed" }));
        assert_eq!(texts("conversation.updated", &before, &after), ["Lamp"]);
    }
}
