//! Finding profiles: the list, and search as you type.
//!
//! A search reads candidates in the order of their indexes, a bounded number from each, and ranks only those: what is
//! typed first, often one letter, fits hundreds of thousands, and must cost no more than what fits one.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::filter::{self, Order, ProfileFilter};
use super::queries::{self, ByName, Reach, Wanted};
use super::rank::{self, Fit};
use super::terms;
use super::types::{Matched, MatchedOn, Profile, ProfileList};
use crate::access;
use crate::channels::Medium;
use crate::db::Tx;
use crate::db::types::TimeOrNever;
use crate::error::{Error, FieldError, Result};
use crate::http::page::{Count, FieldList, Page};
use crate::ids::ProfileId;
use crate::profile_fields::{self, ProfileField};
use crate::text;

/// As many as there may be hits.
const CANDIDATES: usize = 200;
/// Candidates where a filter must fit, too.
const FILTERED: usize = 2000;
/// With fewer hits than this, profiles are looked for that have one word here and another there, and typos.
const FEW: usize = 10;
/// Candidates of one word that are looked at for another, contact by contact.
const CHECKED: usize = 50;
/// Entries of an index that are read for several words; which of the words is rare is counted only so far.
const DEEP: i64 = 20_000;
const COUNTED: i64 = 2000;
/// Words of which the right spelling is looked for; words that are looked at for each of its spellings; and those
/// that are taken for it.
const MISTYPED: usize = 3;
const SPELLED: i64 = 50;
const RIGHT: usize = 12;

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
    let order = match filter.q {
        Some(_) if filter.missing_fields != Some(false) => Ok((Order::Name, false)),
        _ => filter::order(filter, &fields, &conditions),
    };
    let order = order.unwrap_or_else(|wrong| {
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

/// A profile, and how it fits.
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
    let elsewhere: Vec<ProfileId> =
        shown.into_iter().filter(|(_, hit)| hit.fit == Fit::Elsewhere).map(|(_, hit)| hit.profile).collect();
    say_what_matched(tx, &mut data, &elsewhere, &words, fields)?;
    let count = page.count.map(|_| Count { value: i64::try_from(total).unwrap_or(i64::MAX), exact: !truncated });
    Ok(ProfileList { data, next_cursor, count, truncated: Some(truncated) })
}

/// At most 200, best first, and whether a bound may have cut more off.
fn hits(tx: &mut Tx, typed: &str, words: &[String], wanted: &Wanted) -> Result<(Vec<Hit>, bool)> {
    let bound = if wanted.is_all() { CANDIDATES } else { FILTERED };
    let limit = i64::try_from(bound).unwrap_or(i64::MAX);
    let mut found = Found::default();
    let whole = text::sort_key(typed);
    for (id, name) in queries::beginning(tx.conn, tx.organization, &whole, limit)? {
        found.add(id, if name == whole { Fit::Exact } else { Fit::FirstWord });
    }
    if found.len() < bound {
        let (named, is_cut) = named(tx, words, limit)?;
        found.is_cut |= is_cut;
        named.iter().for_each(|(id, name)| found.add(*id, rank::fit(name, words)));
    }
    if found.len() < if words.len() == 1 { bound } else { FEW } {
        let (elsewhere, is_cut) = elsewhere(tx, words, limit)?;
        found.is_cut |= is_cut;
        elsewhere.iter().for_each(|id| found.add(*id, Fit::Elsewhere));
    }
    let mut truncated = found.is_cut || found.len() >= bound;
    let mut hits = rank(tx, &found, wanted, bound)?;
    if hits.len() < FEW {
        let mut near = Found::default();
        for (id, name) in nearly(tx, words, limit)?.into_iter().filter(|(id, _)| !found.places.contains_key(id)) {
            rank::near_fit(&name, words).into_iter().for_each(|fit| near.add(id, fit));
        }
        hits.extend(rank(tx, &near, wanted, bound)?);
    }
    truncated |= hits.len() > CANDIDATES;
    hits.truncate(CANDIDATES);
    Ok((hits, truncated))
}

/// Candidates: each profile once, as it fits best, in the order in which they were found.
#[derive(Default)]
struct Found {
    places: HashMap<ProfileId, (Fit, usize)>,
    /// Whether there may be more.
    is_cut: bool,
}

impl Found {
    fn add(&mut self, id: ProfileId, fit: Fit) {
        let place = (fit, self.places.len());
        self.places.entry(id).and_modify(|known| *known = place.min(*known)).or_insert(place);
    }

    fn len(&self) -> usize {
        self.places.len()
    }
}

/// The wanted ones of the best candidates: as they fit, then the latest contact moment first.
fn rank(tx: &mut Tx, found: &Found, wanted: &Wanted, bound: usize) -> Result<Vec<Hit>> {
    let mut best: Vec<(&ProfileId, &(Fit, usize))> = found.places.iter().collect();
    best.sort_by_key(|(_, place)| **place);
    best.truncate(bound);
    let ids: Vec<ProfileId> = best.into_iter().map(|(id, _)| *id).collect();
    let moments: HashMap<ProfileId, TimeOrNever> = match ids.is_empty() {
        true => HashMap::new(),
        false => queries::wanted_of(tx.conn, tx.organization, wanted, &ids)?.into_iter().collect(),
    };
    let mut hits: Vec<(TimeOrNever, Hit)> = ids
        .into_iter()
        .filter_map(|profile| Some((*moments.get(&profile)?, Hit { profile, fit: found.places.get(&profile)?.0 })))
        .collect();
    // Those of one fit and moment stay as they were found.
    hits.sort_by_key(|(moment, hit)| (hit.fit, Reverse(*moment)));
    Ok(hits.into_iter().map(|(_, hit)| hit).collect())
}

/// Profiles whose name has every word. The rarest is read from the index, which shows whether the others are there.
fn named(tx: &mut Tx, words: &[String], limit: i64) -> Result<(Vec<ByName>, bool)> {
    let (lead, counted, others) = match words {
        [word] => (word, limit, Vec::new()),
        _ => {
            let mut sized = Vec::new();
            for word in words {
                sized.push((queries::count_in_names(tx.conn, tx.organization, word, COUNTED)?, word));
            }
            sized.sort_by_key(|(size, word)| (*size, Reverse(word.len())));
            let Some(((size, lead), others)) = sized.split_first() else { return Ok((Vec::new(), false)) };
            (*lead, *size, others.iter().map(|(_, word)| *word).collect())
        }
    };
    let read = if others.is_empty() { limit } else { DEEP };
    let found = queries::in_names(tx.conn, tx.organization, &[lead], &others, Reach { read, found: limit })?;
    let is_full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let is_cut = is_full
        || (!others.is_empty()
            && counted >= COUNTED
            && queries::count_in_names(tx.conn, tx.organization, lead, DEEP)? >= DEEP);
    Ok((found, is_cut))
}

/// Profiles that have every word, one of them at least in a contact or a field.
fn elsewhere(tx: &mut Tx, words: &[String], limit: i64) -> Result<(Vec<ProfileId>, bool)> {
    let limit = if words.len() == 1 { limit } else { limit.min(CANDIDATES.try_into().unwrap_or(i64::MAX)) };
    let is_full = |ids: &Vec<ProfileId>| ids.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let mut by_word = Vec::new();
    for word in words {
        let mut ids = queries::elsewhere(tx.conn, tx.organization, word, limit)?;
        let cut = is_full(&ids);
        if words.len() > 1 && !cut {
            let reach = Reach { read: limit, found: limit };
            ids.extend(queries::in_names(tx.conn, tx.organization, &[word], &[], reach)?.into_iter().map(|(id, _)| id));
        }
        by_word.push((cut || is_full(&ids), ids.len(), word, ids));
    }
    // The rarest gives the candidates.
    by_word.sort_by_key(|(is_cut, size, ..)| (*is_cut, *size));
    let mut by_word = by_word.into_iter();
    let Some((mut is_cut, .., mut ids)) = by_word.next() else { return Ok((Vec::new(), false)) };
    for (is_common, _, word, others) in by_word {
        if ids.is_empty() {
            break;
        }
        let having: HashSet<ProfileId> = match is_common {
            true => {
                is_cut |= ids.len() > CHECKED;
                ids.truncate(CHECKED);
                queries::having(tx.conn, tx.organization, &ids, word)?.into_iter().collect()
            }
            false => others.into_iter().collect(),
        };
        ids.retain(|id| having.contains(id));
    }
    Ok((ids, is_cut))
}

/// Profiles whose name has every word but one, and that one nearly as it was typed.
fn nearly(tx: &mut Tx, words: &[String], limit: i64) -> Result<Vec<ByName>> {
    let mut long: Vec<&String> = words.iter().filter(|word| terms::is_forgiven(word)).collect();
    long.sort_by_key(|word| Reverse(word.chars().count()));
    let mut found = Vec::new();
    for typed in long.into_iter().take(MISTYPED) {
        let known = queries::spelled(tx.conn, tx.organization, terms::spellings(typed), SPELLED)?;
        let mut right: Vec<(Fit, &String)> =
            known.iter().filter_map(|word| Some((rank::near(typed, word)?, word))).collect();
        right.sort_by_key(|(fit, word)| (*fit, word.len()));
        let leads: Vec<&String> = right.into_iter().map(|(_, word)| word).take(RIGHT).collect();
        let others: Vec<&String> = words.iter().filter(|word| *word != typed).collect();
        let share = i64::try_from(leads.len()).unwrap_or(i64::MAX).max(1);
        let reach = Reach { read: if others.is_empty() { limit } else { DEEP / share }, found: limit };
        if !leads.is_empty() {
            found.extend(queries::in_names(tx.conn, tx.organization, &leads, &others, reach)?);
        }
    }
    Ok(found)
}

/// Says of each profile why it was found; those `elsewhere` by a contact or a field.
fn say_what_matched(
    tx: &mut Tx,
    profiles: &mut [Profile],
    elsewhere: &[ProfileId],
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
        if ids.is_empty() {
            continue;
        }
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
