//! The sections of a search: how many are asked for, where each begins, and in which order its hits come.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::queries::{self, Key, Searched};
use super::types::{SearchFilter, SearchHit, SearchSection, SearchSections, SearchSort, SearchType};
use crate::contacts::{self, Contact, ContactRef, ProfileRef};
use crate::db::{Tx, newest, search_vector};
use crate::error::Result;
use crate::http::page::{List, Page};
use crate::ids::ContactId;
use crate::profiles;
use crate::search_query::SearchQuery;
use crate::text;

const PATH: &str = "/v1/search";
/// Hits of a section among all, unless a limit is asked for.
const FIRST: i64 = 5;
/// As many are ranked, and shown: the cursor of each page names those behind it.
const RANKED: i64 = 1000;
const MOST: usize = 100;

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
                let first = first(tx, filter, kind, page.limit_or(FIRST));
                sections.push(section(tx, kind, filter, query.as_ref(), &first)?);
            }
        }
    }
    Ok(SearchSections { sections })
}

/// The first page of a section, as if it alone were asked for.
fn first(tx: &Tx, filter: &SearchFilter, kind: SearchType, limit: i64) -> Page {
    let sort = filter.sort.filter(|sort| kind.takes(*sort)).map(|sort| ("sort", sort.as_str()));
    let filters = [("q", filter.q.as_str()), ("type", kind.as_str())].into_iter().chain(sort);
    Page::first_of(tx.organization, PATH, filters, limit)
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
        SearchType::Contact => of_contacts(tx, &filter.q, query, page),
        SearchType::Message | SearchType::Note | SearchType::Attachment => {
            of_texts(tx, kind, filter.sort.unwrap_or_default(), query, page)
        }
    }
}

fn of_profiles(tx: &mut Tx, typed: &str, query: &SearchQuery, page: &Page) -> Result<SearchSection> {
    let found = match query.is_plain() {
        true => profiles::find_profiles(tx, typed, None, page)?,
        false => profiles::find_profiles(tx, &query.words().join(" "), Some(query), page)?,
    };
    let beginnings = query.beginnings();
    let data = found
        .data
        .into_iter()
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

fn of_contacts(tx: &mut Tx, typed: &str, query: &SearchQuery, page: &Page) -> Result<SearchSection> {
    let text_of = |contact: &Contact| {
        contact.name.as_ref().map_or_else(String::new, |name| format!("{name} ")) + &contact.address
    };
    let (mut ids, truncated) = match page.rest::<ContactId, bool>()? {
        Some(rest) => rest,
        None => {
            let (mut ids, is_cut) = contacts_found(tx, typed, query)?;
            let truncated = is_cut || ids.len() > MOST;
            ids.truncate(MOST);
            if !query.is_plain() {
                let mut found = contacts::contact_views(tx.conn, tx.organization, &ids)?;
                found.retain(|contact| query.allows(&[&text_of(contact)]));
                ids = found.into_iter().map(|contact| contact.id).collect();
            }
            (ids, truncated)
        }
    };
    let next_cursor = page.cut_rest(&mut ids, &truncated)?;
    let beginnings = query.beginnings();
    let found = contacts::contact_views(tx.conn, tx.organization, &ids)?;
    let data = found
        .into_iter()
        .map(|contact| SearchHit {
            snippet: beginnings.snippet(&text_of(&contact)),
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

/// Digits in groups are a number as it is dialled, or words. Also whether a bound cut some off.
fn contacts_found(tx: &mut Tx, typed: &str, query: &SearchQuery) -> Result<(Vec<ContactId>, bool)> {
    let number = text::query_number(typed).filter(|_| query.is_plain());
    let (mut ids, mut is_cut) = (Vec::new(), false);
    for words in number.map(|number| vec![number]).into_iter().chain([query.words()]) {
        let (found, is_more) = contacts::find_contacts(tx.conn, tx.organization, &words)?;
        ids.extend(found);
        is_cut |= is_more;
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    Ok((ids, is_cut))
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
            let (mut ids, is_cut) = match page.rest::<Uuid, bool>()? {
                Some((mut ids, is_cut)) => {
                    let still = searched.ranks(tx.conn, &ids)?;
                    ids.retain(|id| still.contains_key(id));
                    (ids, is_cut)
                }
                None => best(tx, &searched)?,
            };
            let next_cursor = page.cut_rest(&mut ids, &is_cut)?;
            (ids, next_cursor, is_cut)
        }
    };
    let data = queries::hits(tx.conn, tx.organization, kind, query, &ids)?;
    Ok(SearchSection { r#type: kind, data, next_cursor, truncated })
}

/// Best first; of equally good ones, the newest. Also whether a bound cut some off.
fn best(tx: &mut Tx, searched: &Searched) -> Result<(Vec<Uuid>, bool)> {
    let found = newest::search(tx.conn, searched, None, RANKED + 1)?;
    let is_cut = found.reached.is_some() || found.keys.len() > MOST;
    let mut ids: Vec<Uuid> = found.keys.into_iter().map(|(_, id)| id).collect();
    ids.truncate(usize::try_from(RANKED).unwrap_or(usize::MAX));
    let ranks = searched.ranks(tx.conn, &ids)?;
    let rank = |id: &Uuid| ranks.get(id).copied().unwrap_or_default();
    // Stable: they come newest first.
    ids.sort_by(|one, other| rank(other).total_cmp(&rank(one)));
    ids.truncate(MOST);
    Ok((ids, is_cut))
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
