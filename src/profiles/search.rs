//! Finding profiles: the list, and search as you type.
//!
//! A search reads candidates in the order of their indexes, a bounded number from each, and ranks only those: what is
//! typed first, often one letter, fits hundreds of thousands, and must cost no more than what fits one.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::filter::{self, ProfileFilter, SortBy};
use super::queries::{self, Named, Order, Wanted};
use super::rank::{self, Fit};
use super::types::{Matched, MatchedOn, Profile, ProfileList};
use crate::access;
use crate::channels::Medium;
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::http::page::{Count, FieldList, Page};
use crate::ids::ProfileId;
use crate::profile_fields::{self, ProfileField};
use crate::text;

/// Candidates of a class: as many as there may be hits.
const CANDIDATES: usize = 200;
/// Candidates where more than one thing must fit: another word, or a filter.
const DEEP: usize = 2000;
/// With fewer hits than this, typos are looked for.
const FEW: usize = 10;
/// Words that are looked at for the right spelling of a mistyped one.
const SPELLINGS: i64 = 50;

/// A page of profiles, filtered and sorted, or searched.
pub fn list_profiles(tx: &mut Tx, list: &FieldList<ProfileFilter>) -> Result<ProfileList> {
    let filter = &list.filter;
    let fields = profile_fields::fields(tx.conn, tx.organization)?;
    let country = access::default_country(tx.conn, tx.organization)?;
    let mut errors = Vec::new();
    if filter.q.is_some() && filter.sort.is_some() {
        errors.push(FieldError::query(
            "sort",
            "exclusive",
            "what is searched comes best first: q and sort exclude each other",
        ));
    }
    let conditions = filter::conditions(&fields, &list.fields, &country).unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Vec::new()
    });
    let order = order(filter, &fields).unwrap_or_else(|wrong| {
        errors.push(wrong);
        (Order::Name, false)
    });
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let wanted = Wanted { filter, conditions, zone: access::time_zone(tx.conn, tx.organization)? };
    match &filter.q {
        Some(typed) => search(tx, typed, &wanted, &fields, &list.page),
        None => queries::list_profiles(tx.conn, tx.organization, &wanted, order, &list.page),
    }
}

fn order(filter: &ProfileFilter, fields: &[ProfileField]) -> Result<(Order, bool), FieldError> {
    let Some(sort) = &filter.sort else { return Ok((Order::Name, false)) };
    let order = match &sort.by {
        SortBy::Name => Order::Name,
        SortBy::CreatedAt => Order::CreatedAt,
        SortBy::UpdatedAt => Order::UpdatedAt,
        SortBy::LastContactMomentAt => Order::LastContactMomentAt,
        SortBy::Field(key) => Order::Field(filter::sort_field(fields, key)?.id),
    };
    Ok((order, sort.descending))
}

/// A hit, ranked: how it fits, then the latest contact moment, then its place in the index.
struct Hit {
    profile: ProfileId,
    fit: Fit,
}

fn search(tx: &mut Tx, typed: &str, wanted: &Wanted, fields: &[ProfileField], page: &Page) -> Result<ProfileList> {
    let words = text::query_words(typed);
    let (hits, truncated) = if words.is_empty() { (Vec::new(), false) } else { hits(tx, typed, &words, wanted)? };
    let seen: usize = page.after()?.unwrap_or(0);
    let total = hits.len();
    let mut shown: Vec<(usize, Hit)> = hits.into_iter().enumerate().skip(seen).collect();
    let next_cursor = page.cut(&mut shown, |(place, _)| place + 1)?;
    let ids: Vec<ProfileId> = shown.iter().map(|(_, hit)| hit.profile).collect();
    let mut data = queries::profile_views(tx.conn, tx.organization, &ids)?;
    let elsewhere =
        shown.into_iter().filter(|(_, hit)| hit.fit == Fit::Elsewhere).map(|(_, hit)| hit.profile).collect();
    say_what_matched(tx, &mut data, elsewhere, &words, fields)?;
    let count = page.count.map(|_| Count { value: i64::try_from(total).unwrap_or(i64::MAX), exact: !truncated });
    Ok(ProfileList { data, next_cursor, count, truncated: Some(truncated) })
}

/// At most 200, best first, and whether a bound may have cut more off.
fn hits(tx: &mut Tx, typed: &str, words: &[String], wanted: &Wanted) -> Result<(Vec<Hit>, bool)> {
    let bound = if wanted.is_all() { CANDIDATES } else { DEEP };
    let begins = text::sort_key(typed);
    let mut ids = queries::beginning(tx.conn, tx.organization, &begins, bound.try_into().unwrap_or(i64::MAX))?;
    let mut truncated = ids.len() >= bound;
    if !truncated {
        let (more, cut) = match words {
            [word] => {
                let found = containing(tx, word, bound)?;
                (found.ids, found.is_cut)
            }
            _ => containing_all(tx, words)?,
        };
        ids.extend(more);
        truncated = cut;
    }
    let mut hits = rank(tx, &ids, wanted, |name| Some(rank::fit(name, words)))?;
    if hits.len() < FEW {
        let known: HashSet<ProfileId> = ids.into_iter().collect();
        let near = nearly(tx, words)?.into_iter().filter(|id| !known.contains(id)).collect::<Vec<_>>();
        hits.extend(rank(tx, &near, wanted, |name| rank::nearly_fits(name, words).then_some(Fit::Typo))?);
    }
    truncated |= hits.len() > CANDIDATES;
    hits.truncate(CANDIDATES);
    Ok((hits, truncated))
}

fn rank(tx: &mut Tx, ids: &[ProfileId], wanted: &Wanted, fit: impl Fn(&str) -> Option<Fit>) -> Result<Vec<Hit>> {
    let mut places: HashMap<ProfileId, usize> = HashMap::new();
    for (place, id) in ids.iter().enumerate() {
        places.entry(*id).or_insert(place);
    }
    let distinct: Vec<ProfileId> = places.keys().copied().collect();
    let named = queries::named(tx.conn, tx.organization, wanted, &distinct)?;
    let mut ranked: Vec<(Fit, Named)> =
        named.into_iter().filter_map(|named| Some((fit(&named.name)?, named))).collect();
    ranked.sort_by_key(|(fit, named)| (*fit, Reverse(named.last_contact_moment_at), places.get(&named.id).copied()));
    Ok(ranked.into_iter().map(|(fit, named)| Hit { profile: named.id, fit }).collect())
}

/// Profiles that have one word.
struct Found {
    ids: Vec<ProfileId>,
    /// Whether there may be more.
    is_cut: bool,
}

/// Profiles with a word that begins with this one: in their name, their contacts or their fields.
fn containing(tx: &mut Tx, word: &str, bound: usize) -> Result<Found> {
    let limit = i64::try_from(bound).unwrap_or(i64::MAX);
    let mut found = Found { ids: Vec::new(), is_cut: false };
    for read in [queries::in_names, queries::in_contacts, queries::in_fields] {
        let ids = read(tx.conn, tx.organization, word, limit)?;
        found.is_cut |= ids.len() >= bound;
        found.ids.extend(ids);
    }
    Ok(found)
}

/// Profiles that have every word. The rarest word gives the candidates; the others are looked up in those.
fn containing_all(tx: &mut Tx, words: &[String]) -> Result<(Vec<ProfileId>, bool)> {
    let mut found: Vec<(&String, Found)> = Vec::new();
    for word in words {
        found.push((word, containing(tx, word, DEEP)?));
    }
    // One that is known completely, else the longest.
    found.sort_by_key(|(word, found)| {
        (found.is_cut, if found.is_cut { 0 } else { found.ids.len() }, Reverse(word.len()))
    });
    let mut by_rarity = found.into_iter();
    let Some((_, Found { mut ids, is_cut })) = by_rarity.next() else { return Ok((Vec::new(), false)) };
    // Those found by their names come first.
    ids.truncate(DEEP);
    for (word, other) in by_rarity {
        let having: HashSet<ProfileId> = if other.is_cut {
            queries::having(tx.conn, tx.organization, &ids, word)?.into_iter().collect()
        } else {
            other.ids.into_iter().collect()
        };
        ids.retain(|id| having.contains(id));
    }
    Ok((ids, is_cut))
}

/// Profiles with words in their name that are written nearly like the longest ones typed.
fn nearly(tx: &mut Tx, words: &[String]) -> Result<Vec<ProfileId>> {
    let letters = |word: &String| word.chars().count();
    let mut long: Vec<&String> = words
        .iter()
        .filter(|word| letters(word) >= rank::FORGIVEN_FROM && word.chars().all(char::is_alphabetic))
        .collect();
    long.sort_by_key(|word| Reverse(letters(word)));
    let mut ids = Vec::new();
    for typed in long.into_iter().take(2) {
        let spellings = queries::similar_words(tx.conn, tx.organization, typed, SPELLINGS)?;
        for word in spellings.iter().filter(|word| rank::is_near(typed, word)) {
            ids.extend(queries::in_names(tx.conn, tx.organization, word, CANDIDATES.try_into().unwrap_or(i64::MAX))?);
        }
    }
    ids.truncate(DEEP);
    Ok(ids)
}

/// Says of each profile why it was found; those `elsewhere` by a contact or a field.
fn say_what_matched(
    tx: &mut Tx,
    profiles: &mut [Profile],
    elsewhere: Vec<ProfileId>,
    words: &[String],
    fields: &[ProfileField],
) -> Result<()> {
    let mut found: HashMap<ProfileId, Matched> = HashMap::new();
    let names: HashMap<ProfileId, Vec<String>> =
        profiles.iter().map(|profile| (profile.id, text::words(&profile.name))).collect();
    for word in words {
        // A word that the name has, too, says nothing.
        let lacks = |id: &&ProfileId| {
            !names.get(id).is_some_and(|name| name.iter().any(|other| other.starts_with(word.as_str())))
        };
        let ids: Vec<ProfileId> = elsewhere.iter().filter(lacks).copied().collect();
        for (id, medium, address, name) in queries::matching_contacts(tx.conn, tx.organization, &ids, word)? {
            let text = contact_text(word, medium, address, name);
            found.entry(id).or_insert(Matched { on: MatchedOn::Contact, text });
        }
        for (id, field) in queries::matching_fields(tx.conn, tx.organization, &ids, word)? {
            let field = fields.iter().find(|known| known.id == field);
            let value =
                field.and_then(|field| profiles.iter().find(|profile| profile.id == id)?.fields.get(&field.key));
            if let Some(value) = value {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                found.entry(id).or_insert(Matched { on: MatchedOn::Field, text });
            }
        }
    }
    for profile in profiles {
        let by_name = || Matched { on: MatchedOn::Name, text: profile.name.clone() };
        profile.matched = Some(found.remove(&profile.id).unwrap_or_else(by_name));
    }
    Ok(())
}

/// The contact's name when it has the word, else its address.
fn contact_text(word: &str, medium: Medium, address: String, name: Option<String>) -> String {
    let in_address = crate::contacts::address_terms(medium, &address, None).iter().any(|term| term.starts_with(word));
    match name {
        Some(name) if !in_address => name,
        _ => address,
    }
}
