//! Finding profiles: the list, and search as you type.
//!
//! A search reads candidates in the order of their indexes, a bounded number from each, and ranks only those: what is
//! typed first, often one letter, fits hundreds of thousands, and must cost no more than what fits one.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::filter::{self, Order, ProfileFilter};
use super::queries::{self, Candidate, Candidates, Reach, Sought, Source, Wanted};
use super::rank::{self, Fit};
use super::terms;
use super::types::{Matched, MatchedOn, Profile, ProfileList};
use crate::access;
use crate::channels::Medium;
use crate::db::Tx;
use crate::db::types::TimeOrNever;
use crate::error::{Error, FieldCode, FieldError, Result};
use crate::http::page::{Count, FieldList, Page};
use crate::ids::ProfileId;
use crate::profile_fields::{self, ProfileField};
use crate::search_query::SearchQuery;
use crate::text;

/// As many are ranked, and so may be hits.
const CANDIDATES: usize = 100;
/// Of so many that come first as they fit and as the index has them, those lead that had the latest contact moment: to
/// look that up is a good part of what a search costs, and who doesn't find it among these types another letter.
const FIRST: usize = 50;
/// Candidates where a filter must fit, too.
const FILTERED: usize = 500;
/// With fewer hits than this, profiles are looked for that have one word here and another there, and typos: of several
/// words only where nothing was found, since a name that all of them fit is hardly one that was mistyped.
const FEW: usize = 3;
/// Entries of an index that are read for several words.
const DEEP: usize = 20_000;
/// A word that more profiles have is not looked up profile by profile for another that they have elsewhere.
const RARE: usize = 50;
/// Words of which the right spelling is looked for; words that are looked at for each of its spellings; those that are
/// taken for it; and entries of an index that are read for each of these.
const MISTYPED: usize = 3;
const SPELLED: usize = 50;
const RIGHT: usize = 12;
const NEAR: usize = 300;

/// A page of profiles, filtered and sorted, or searched.
pub fn list_profiles(tx: &mut Tx, list: &FieldList<ProfileFilter>) -> Result<ProfileList> {
    let filter = &list.filter;
    let typed = text::typed(filter.q.as_deref());
    let fields = profile_fields::fields(tx.conn, tx.organization)?;
    let mut errors = Vec::new();
    if typed.is_some() && filter.sort.is_some() {
        errors.push(FieldError::query(
            "sort",
            FieldCode::Exclusive,
            "what is searched comes best first: q and sort exclude each other",
        ));
    }
    let country = match list.fields.is_empty() {
        true => String::new(),
        false => access::default_country(tx.conn, tx.organization)?,
    };
    let conditions = filter::conditions(&fields, &list.fields, &country).unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Vec::new()
    });
    let order = match typed {
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
    let zone = match filter.has_times() {
        true => access::time_zone(tx.conn, tx.organization)?,
        false => Tz::UTC,
    };
    let wanted = Wanted { filter, conditions, zone };
    match typed {
        Some(typed) => search(tx, typed, &wanted, &fields, &list.page, None),
        None => queries::list_profiles(tx.conn, tx.organization, &wanted, &fields, order, &list.page),
    }
}

/// Profiles by what is typed, best first; where there is a `query`, those that it allows.
pub fn find_profiles(tx: &mut Tx, typed: &str, query: Option<&SearchQuery>, page: &Page) -> Result<ProfileList> {
    let fields = profile_fields::fields(tx.conn, tx.organization)?;
    let filter = ProfileFilter::default();
    let wanted = Wanted { filter: &filter, conditions: Vec::new(), zone: Tz::UTC };
    let allows = |profile: &Profile| {
        let matched = profile.matched.as_ref().map_or("", |matched| &matched.text);
        query.is_none_or(|query| query.allows(&[&profile.name, matched]))
    };
    search(tx, typed, &wanted, &fields, page, query.is_some().then_some(&allows))
}

/// What is to be known of all that was found, on each of its pages.
#[derive(Serialize, Deserialize)]
struct Whole {
    /// How what was typed was read.
    reading: usize,
    total: usize,
    truncated: bool,
}

fn search(
    tx: &mut Tx,
    typed: &str,
    wanted: &Wanted,
    fields: &[ProfileField],
    page: &Page,
    allows: Option<&dyn Fn(&Profile) -> bool>,
) -> Result<ProfileList> {
    let readings = readings(typed);
    let words_of = |reading: usize| readings.get(reading).map_or(&[][..], |(_, words)| words);
    let (mut ids, whole) = match page.rest::<ProfileId, Whole>()? {
        Some(rest) => rest,
        None => {
            let (mut ids, reading, truncated) = found(tx, &readings, wanted, fields)?;
            if let Some(allows) = allows {
                ids = views(tx, &ids, words_of(reading), fields)?
                    .iter()
                    .filter(|profile| allows(profile))
                    .map(|profile| profile.id)
                    .collect();
            }
            let total = ids.len();
            (ids, Whole { reading, total, truncated })
        }
    };
    let next_cursor = page.cut_rest(&mut ids, &whole)?;
    let data = views(tx, &ids, words_of(whole.reading), fields)?;
    let count =
        page.count.map(|_| Count { value: i64::try_from(whole.total).unwrap_or(i64::MAX), exact: !whole.truncated });
    Ok(ProfileList { data, next_cursor, count, truncated: Some(whole.truncated) })
}

/// A text, and its words.
type Reading<'t> = (Cow<'t, str>, Vec<String>);

/// Both ways of reading digits in groups: as a number is dialled, or as words.
fn readings(typed: &str) -> Vec<Reading<'_>> {
    let words = (Cow::from(typed), text::query_words(typed));
    let number = text::query_number(typed).map(|digits| (Cow::from(digits.clone()), vec![digits]));
    match number {
        Some(number) if typed.trim_start().starts_with(['+', '0']) => vec![number, words],
        Some(number) => vec![words, number],
        None => vec![words],
    }
}

/// All that is found by the first reading by which something is, which that is, and whether a bound may have cut more
/// off.
fn found(
    tx: &mut Tx,
    readings: &[Reading],
    wanted: &Wanted,
    fields: &[ProfileField],
) -> Result<(Vec<ProfileId>, usize, bool)> {
    for (reading, (typed, words)) in readings.iter().enumerate().filter(|(_, (_, words))| !words.is_empty()) {
        let (hits, truncated) = find(tx, typed, words, wanted, fields)?;
        if !hits.is_empty() || reading + 1 == readings.len() {
            return Ok((hits, reading, truncated));
        }
    }
    Ok((Vec::new(), 0, false))
}

/// These profiles, each with what of it has the words.
fn views(tx: &mut Tx, ids: &[ProfileId], words: &[String], fields: &[ProfileField]) -> Result<Vec<Profile>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut profiles = queries::profile_views(tx.conn, tx.organization, fields, ids)?;
    say_what_matched(tx, &mut profiles, words, fields)?;
    Ok(profiles)
}

/// At most [`CANDIDATES`], best first, and whether a bound may have cut more off.
fn find(
    tx: &mut Tx,
    typed: &str,
    words: &[String],
    wanted: &Wanted,
    fields: &[ProfileField],
) -> Result<(Vec<ProfileId>, bool)> {
    let bound = if wanted.is_all() { CANDIDATES } else { FILTERED };
    let whole = text::sort_key(typed);
    let reach = Reach { read: if words.len() == 1 { bound } else { DEEP }, found: bound };
    let Candidates { found: candidates, is_cut } = queries::candidates(tx.conn, tx.organization, &whole, words, reach)?;
    let mut found = Found { is_cut, ..Found::default() };
    for Candidate { profile, source, name } in candidates {
        let fit = match source {
            Source::Beginning => Some(rank::fit_of_beginning(&name, &whole)),
            Source::Words => rank::fit(&name, words),
            Source::Elsewhere => Some(Fit::Elsewhere),
        };
        fit.into_iter().for_each(|fit| found.add(profile, fit));
    }
    if words.len() > 1 && !whole.contains(char::is_whitespace) {
        let searchable = fields.iter().filter(|field| field.searchable).map(|field| field.id).collect();
        let limit = i64::try_from(bound).map_err(Error::internal)?;
        let beginning = queries::beginning_elsewhere(tx.conn, tx.organization, searchable, &whole, limit)?;
        found.is_cut |= beginning.len() >= bound;
        for (profile, is_all) in beginning {
            found.add(profile, if is_all { Fit::ExactElsewhere } else { Fit::Elsewhere });
        }
    }
    if words.len() > 1 {
        // What is found by name may not be what the filters want.
        if found.places.len() < FEW || !wanted.is_all() {
            let (elsewhere, is_cut) = elsewhere(tx, words)?;
            found.is_cut |= is_cut;
            elsewhere.into_iter().for_each(|profile| found.add(profile, Fit::Elsewhere));
        } else {
            found.is_cut = true;
        }
    }
    let mut hits = rank(tx, &found, wanted, bound)?;
    if hits.len() < if words.len() == 1 { FEW } else { 1 } {
        let near = nearly(tx, words, &found)?;
        hits.extend(rank(tx, &near, wanted, bound)?);
        found.is_cut |= near.is_cut;
    }
    let truncated = found.is_cut || hits.len() > CANDIDATES;
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
    fn add(&mut self, profile: ProfileId, fit: Fit) {
        let place = (fit, self.places.len());
        self.places.entry(profile).and_modify(|known| *known = place.min(*known)).or_insert(place);
    }
}

/// The wanted ones of the best candidates: as they fit, then, of the first ones, the latest contact moment first.
fn rank(tx: &mut Tx, found: &Found, wanted: &Wanted, bound: usize) -> Result<Vec<ProfileId>> {
    let mut best: Vec<(&ProfileId, &(Fit, usize))> = found.places.iter().collect();
    best.sort_by_key(|(_, place)| **place);
    best.truncate(bound);
    let mut best: Vec<(ProfileId, Fit)> = best.into_iter().map(|(id, (fit, _))| (*id, *fit)).collect();
    let looked_up = if wanted.is_all() { compared(&best) } else { best.iter().map(|(id, _)| *id).collect() };
    let moments: HashMap<ProfileId, TimeOrNever> = match looked_up.is_empty() {
        true => HashMap::new(),
        false => queries::wanted_of(tx.conn, tx.organization, wanted, &looked_up)?.into_iter().collect(),
    };
    if !wanted.is_all() {
        best.retain(|(id, _)| moments.contains_key(id));
    }
    if let Some(first) = best.chunks_mut(FIRST).next() {
        // Those of one fit and moment stay as they were found.
        first.sort_by_key(|(id, fit)| (*fit, Reverse(moments.get(id).copied())));
    }
    Ok(best.into_iter().map(|(profile, _)| profile).collect())
}

/// Whose moments tell the order of the first ones: those that fit as well as others of them.
fn compared(best: &[(ProfileId, Fit)]) -> Vec<ProfileId> {
    let first = best.chunks(FIRST).next().unwrap_or_default();
    let alike = first.chunk_by(|(_, one), (_, other)| one == other);
    alike.filter(|alike| alike.len() > 1).flatten().map(|(id, _)| *id).collect()
}

/// Profiles that have every word, not all of them in the name: those of the rarest word that have the others; none
/// where no word is rare.
fn elsewhere(tx: &mut Tx, words: &[String]) -> Result<(Vec<ProfileId>, bool)> {
    let having = queries::having(tx.conn, tx.organization, Sought::from_iter(words), RARE + 1)?;
    let of_word = |place| having.iter().filter(move |(other, _)| *other == place).map(|(_, id)| *id);
    let rare = (0..).zip(words).filter(|(place, _)| of_word(*place).count() <= RARE);
    let Some((lead, _)) = rare.min_by_key(|(place, _)| of_word(*place).count()) else { return Ok((Vec::new(), true)) };
    let mut ids: Vec<ProfileId> = of_word(lead).collect();
    for (place, word) in (0..).zip(words) {
        if place != lead && !ids.is_empty() {
            ids = queries::those_having(tx.conn, tx.organization, &ids, word)?;
        }
    }
    Ok((ids, false))
}

/// Profiles, not yet `found`, whose name has every word but one, and that one nearly as it was typed.
fn nearly(tx: &mut Tx, words: &[String], found: &Found) -> Result<Found> {
    let mut near = Found::default();
    let mut mistyped: Vec<(i32, &String)> = (0..).zip(words).filter(|(_, word)| terms::is_forgiven(word)).collect();
    mistyped.sort_by_key(|(_, word)| Reverse(word.chars().count()));
    mistyped.truncate(MISTYPED);
    let mut spellings = Sought::default();
    for (place, typed) in &mistyped {
        terms::spellings(typed).iter().for_each(|spelling| spellings.add(*place, spelling));
    }
    let known = match mistyped.is_empty() {
        true => Vec::new(),
        false => queries::spelled(tx.conn, tx.organization, spellings, SPELLED)?,
    };
    for (place, typed) in mistyped {
        let of_word = known.iter().filter(|(other, _)| *other == place);
        let mut right: Vec<(Fit, &String)> =
            of_word.filter_map(|(_, word)| Some((rank::near(typed, word)?, word))).collect();
        right.sort_by_key(|(fit, word)| (*fit, word.len()));
        if right.is_empty() {
            continue;
        }
        let others: Vec<&String> = words.iter().filter(|word| *word != typed).collect();
        let mut sought = Sought::from_iter(&others);
        right.into_iter().take(RIGHT).for_each(|(_, word)| sought.add(-1, word));
        let reach = Reach { read: NEAR, found: if others.is_empty() { CANDIDATES } else { NEAR } };
        let candidates = queries::in_names(tx.conn, tx.organization, sought, &others, reach)?;
        near.is_cut |= candidates.is_cut;
        for Candidate { profile, name, .. } in candidates.found {
            if !found.places.contains_key(&profile) {
                rank::near_fit(&name, words).into_iter().for_each(|fit| near.add(profile, fit));
            }
        }
    }
    Ok(near)
}

/// Says of each profile why it was found: where its name doesn't fit the words, by a contact or a field.
fn say_what_matched(tx: &mut Tx, profiles: &mut [Profile], words: &[String], fields: &[ProfileField]) -> Result<()> {
    let mut found: HashMap<ProfileId, Matched> = HashMap::new();
    let names = profiles.iter().map(|profile| (profile.id, terms::joined(&terms::name_terms(&profile.name))));
    let elsewhere: Vec<(ProfileId, String)> = names.filter(|(_, name)| rank::near_fit(name, words).is_none()).collect();
    for word in words {
        // A word that the name has, too, says nothing.
        let lacks = |name: &str| !name.split(' ').skip(1).any(|other| other.starts_with(word.as_str()));
        let ids: Vec<ProfileId> = elsewhere.iter().filter(|(_, name)| lacks(name)).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            continue;
        }
        for (id, medium, address, name) in queries::matching_contacts(tx.conn, tx.organization, &ids, word)? {
            let text = contact_text(word, medium, address, name);
            found.entry(id).or_insert(Matched { on: MatchedOn::Contact, text });
        }
        for (id, field) in queries::matching_fields(tx.conn, tx.organization, &ids, word)? {
            let field = fields.iter().find(|known| known.id == field);
            let text = field.and_then(|field| {
                let value = profiles.iter().find(|profile| profile.id == id)?.fields.get(&field.key)?;
                Some(profile_fields::matched_text(field, value, word))
            });
            if let Some(text) = text {
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
