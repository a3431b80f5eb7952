//! The sections of a search: how many are asked for, where each begins, and in which order its hits come.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::queries::{self, Key, Searched};
use super::types::{SearchFilter, SearchHit, SearchSection, SearchSections, SearchSort, SearchType};
use crate::contacts::{self, ContactRef, ProfileRef};
use crate::db::{Tx, newest, search_vector};
use crate::error::Result;
use crate::http::page::{List, Page};
use crate::profiles;
use crate::search_query::SearchQuery;

const PATH: &str = "/v1/search";
/// Hits of a section among all.
const FIRST: i64 = 5;
/// As many are ranked, and shown.
const RANKED: i64 = 1000;
const MOST: usize = 200;

/// One section, or all with their first hits.
pub fn sections(tx: &mut Tx, list: &List<SearchFilter>) -> Result<SearchSections> {
    let List { page, filter } = list;
    let query = SearchQuery::parse(&filter.q, search_vector::stemmer(tx.conn, tx.organization)?);
    let mut sections = Vec::new();
    match filter.r#type {
        Some(kind) => sections.push(section(tx, kind, filter, query.as_ref(), page)?),
        None => {
            // No cursor belongs to all sections.
            page.after::<()>()?;
            for kind in SearchType::ALL {
                sections.push(section(tx, kind, filter, query.as_ref(), &first(filter, kind))?);
            }
        }
    }
    Ok(SearchSections { sections })
}

/// The first page of a section, as if it alone were asked for.
fn first(filter: &SearchFilter, kind: SearchType) -> Page {
    let sort = filter.sort.map(|sort| ("sort", sort.as_str()));
    let filters = [("q", filter.q.as_str()), ("type", kind.as_str())].into_iter().chain(sort);
    Page::first_of(PATH, filters, FIRST)
}

fn section(
    tx: &mut Tx,
    kind: SearchType,
    filter: &SearchFilter,
    query: Option<&SearchQuery>,
    page: &Page,
) -> Result<SearchSection> {
    let Some(query) = query else {
        return Ok(SearchSection { r#type: kind, data: Vec::new(), next_cursor: None, truncated: false });
    };
    match kind {
        SearchType::Profile => of_profiles(tx, &filter.q, query, page),
        SearchType::Contact => of_contacts(tx, query, page),
        SearchType::Message | SearchType::Note | SearchType::Attachment => {
            of_texts(tx, kind, filter.sort.unwrap_or_default(), query, page)
        }
    }
}

fn of_profiles(tx: &mut Tx, typed: &str, query: &SearchQuery, page: &Page) -> Result<SearchSection> {
    let typed = if query.is_plain() { typed.to_owned() } else { query.words().join(" ") };
    let found = profiles::find_profiles(tx, &typed, page)?;
    let beginnings = query.beginnings();
    let shown = found.data.into_iter().filter(|profile| !query.excludes(&profile.name));
    let data = shown
        .map(|profile| SearchHit {
            snippet: beginnings.snippet(profile.matched.as_ref().map_or(&profile.name, |matched| &matched.text)),
            title: Some(profile.name.clone()),
            at: profile.created_at,
            profile: Some(ProfileRef { id: profile.id, name: profile.name }),
            ..hit(SearchType::Profile, profile.id.0)
        })
        .collect();
    let truncated = found.truncated.unwrap_or_default();
    Ok(SearchSection { r#type: SearchType::Profile, data, next_cursor: found.next_cursor, truncated })
}

fn of_contacts(tx: &mut Tx, query: &SearchQuery, page: &Page) -> Result<SearchSection> {
    let (mut ids, mut truncated) = contacts::find_contacts(tx.conn, tx.organization, &query.words())?;
    truncated |= ids.len() > MOST;
    ids.truncate(MOST);
    let (ids, next_cursor) = from_place(ids, page)?;
    let beginnings = query.beginnings();
    let found = contacts::contact_views(tx.conn, tx.organization, &ids)?;
    let data = found
        .into_iter()
        .map(|contact| {
            let text = contact.name.as_ref().map_or_else(String::new, |name| format!("{name} ")) + &contact.address;
            (query.excludes(&text), text, contact)
        })
        .filter(|(is_excluded, ..)| !is_excluded)
        .map(|(_, text, contact)| SearchHit {
            snippet: beginnings.snippet(&text),
            title: Some(contact.name.clone().unwrap_or_else(|| contact.address.clone())),
            at: contact.created_at,
            profile: contact.profile,
            contact: Some(ContactRef {
                id: contact.id,
                name: contact.name,
                medium: contact.medium,
                address: contact.address,
            }),
            ..hit(SearchType::Contact, contact.id.0)
        })
        .collect();
    Ok(SearchSection { r#type: SearchType::Contact, data, next_cursor, truncated })
}

/// What was written, best or newest first.
fn of_texts(
    tx: &mut Tx,
    kind: SearchType,
    sort: SearchSort,
    query: &SearchQuery,
    page: &Page,
) -> Result<SearchSection> {
    let searched = Searched::new(kind, tx.organization, query);
    let (ids, next_cursor, truncated) = match sort {
        SearchSort::Newest => {
            let mut found = newest::search(tx.conn, &searched, page.after::<Key>()?, page.rows())?;
            let (next_cursor, truncated) = found.cut(page)?;
            (found.keys.into_iter().map(|(_, id)| id).collect(), next_cursor, truncated)
        }
        SearchSort::Relevance => {
            let found = newest::search(tx.conn, &searched, None, RANKED + 1)?;
            let mut keys = found.keys;
            let is_cut = found.reached.is_some() || keys.len() > MOST;
            keys.truncate(usize::try_from(RANKED).unwrap_or(usize::MAX));
            let mut best = ranked(tx, &searched, keys)?;
            best.truncate(MOST);
            let (ids, next_cursor) = from_place(best, page)?;
            (ids, next_cursor, is_cut)
        }
    };
    let data = queries::hits(tx.conn, tx.organization, kind, query, &ids)?;
    Ok(SearchSection { r#type: kind, data, next_cursor, truncated })
}

/// Best first; of equally good ones, the newest.
fn ranked(tx: &mut Tx, searched: &Searched, mut keys: Vec<Key>) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = keys.iter().map(|(_, id)| *id).collect();
    let ranks: HashMap<Uuid, f32> = searched.ranks(tx.conn, ids)?.into_iter().collect();
    let rank = |id: &Uuid| ranks.get(id).copied().unwrap_or_default();
    // Stable: they come newest first.
    keys.sort_by(|(_, one), (_, other)| rank(other).total_cmp(&rank(one)));
    Ok(keys.into_iter().map(|(_, id)| id).collect())
}

/// The page that begins at a place in what was found, and where the next one does.
fn from_place<K>(found: Vec<K>, page: &Page) -> Result<(Vec<K>, Option<String>)> {
    let seen: usize = page.after()?.unwrap_or(0);
    let mut shown: Vec<(usize, K)> = found.into_iter().enumerate().skip(seen).collect();
    let next_cursor = page.cut(&mut shown, |(place, _)| place + 1)?;
    Ok((shown.into_iter().map(|(_, key)| key).collect(), next_cursor))
}

/// A hit with nothing but its id.
pub fn hit(kind: SearchType, id: Uuid) -> SearchHit {
    SearchHit {
        r#type: kind,
        id,
        title: None,
        snippet: String::new(),
        at: DateTime::<Utc>::UNIX_EPOCH,
        profile: None,
        contact: None,
        channel: None,
        conversation_id: None,
        message_id: None,
    }
}
