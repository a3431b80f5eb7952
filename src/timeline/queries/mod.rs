//! All Diesel of timelines: which entries a page has ([`stretch`], [`search`]), and what they say
//! ([`entries`], with what they name: [`named`]).

mod entries;
mod named;
mod search;
mod stretch;
mod tables;

use chrono::DateTime;
use diesel::prelude::*;
use uuid::Uuid;

use self::search::Searched;
use self::stretch::{Direction, EntryKey, Place, Stretch};
use super::TimelineType;
use super::types::{TimelineFilter, TimelineList};
use crate::access;
use crate::attachments::Links;
use crate::db::newest::{self, Found};
use crate::db::{keyset, search_vector};
use crate::error::{Error, FieldCode, FieldError, Result};
use crate::http::page::{Count, Page};
use crate::http::query::When;
use crate::ids::OrganizationId;
use crate::moments::{self, Of};
use crate::search_query::SearchQuery;
use crate::text;

/// Before everything that is kept: the year 1 begins.
const BEGINNING: Place = match DateTime::from_timestamp(-62_135_596_800, 0) {
    Some(at) => (at, Uuid::nil()),
    None => (DateTime::UNIX_EPOCH, Uuid::nil()),
};

/// Newest first, in whichever direction the page lies.
pub fn list_timeline(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    of: Of,
    filter: &TimelineFilter,
    page: &Page,
) -> Result<TimelineList> {
    let contacts = moments::contact_ids(conn, organization, of)?;
    let profile = match of {
        Of::Profile(id) => Some(id),
        Of::Contact(_) => None,
    };
    let (place, direction) = start(conn, organization, filter, page)?;
    let cursor = |place: Place| page.cursor_at(&place);
    let Some(sought) = sought(conn, organization, filter)? else {
        let count = page.count.map(|_| Count { value: 0, exact: true });
        let after = cursor(place.unwrap_or(BEGINNING))?;
        return Ok(TimelineList { after, count, truncated: Some(false), ..TimelineList::default() });
    };
    let newest = Stretch::of(organization, &contacts, profile, &sought.types, page.rows());

    let Found { mut keys, reached } = sought.read(conn, newest.clone().from(place, direction))?;
    let limit = usize::try_from(page.limit).map_err(Error::internal)?;
    let goes_on = keys.len() > limit;
    keys.truncate(limit);
    let reached = reached.map(|key| key.place());
    let [first, last] = [keys.first(), keys.last()].map(|key| key.map(EntryKey::place));
    let (before, after) = match direction {
        Direction::Older => (if goes_on { last } else { reached }, first.or(place).or(reached)),
        Direction::Newer => {
            let back = first.or(place).filter(|back| *back != BEGINNING);
            let older = back.map(|back| newest.clone().from(Some(back), Direction::Older).limit(1));
            let has_older = older.map(|older| sought.is_there(conn, older)).transpose()? == Some(true);
            (back.filter(|_| has_older), if goes_on { last } else { reached.or(last).or(place) })
        }
    };
    if direction == Direction::Newer {
        keys.reverse();
    }
    let before = before.map(cursor).transpose()?;
    let after = cursor(after.unwrap_or(BEGINNING))?;
    let (count, truncated) = match &sought.query {
        Some(query) => {
            let count = keyset::count(conn, page, || Searched::new(newest, query).all())?;
            (count, Some(reached.is_some()))
        }
        None => (keyset::count(conn, page, || newest.all())?, None),
    };
    let data = entries::entries(conn, organization, links, keys, sought.query.as_ref())?;
    Ok(TimelineList { data, next_cursor: before.clone(), before, after, count, truncated })
}

/// What entries have to be, and to say.
struct Sought {
    /// Empty for all.
    types: Vec<TimelineType>,
    query: Option<SearchQuery>,
}

/// None where there is nothing to look for, or nothing in which to look.
fn sought(conn: &mut PgConnection, organization: OrganizationId, filter: &TimelineFilter) -> Result<Option<Sought>> {
    let mut types = filter.types.clone();
    let Some(typed) = text::typed(filter.q.as_deref()) else {
        return Ok(Some(Sought { types, query: None }));
    };
    types.retain(|kind| TimelineType::SEARCHED.contains(kind));
    let query = SearchQuery::parse(typed, search_vector::stemmer(conn, organization)?);
    let is_anywhere = filter.types.is_empty() || !types.is_empty();
    Ok(query.filter(|_| is_anywhere).map(|query| Sought { types, query: Some(query) }))
}

impl Sought {
    fn read(&self, conn: &mut PgConnection, stretch: Stretch) -> Result<Found<EntryKey>> {
        match &self.query {
            Some(query) => {
                let limit = stretch.limit;
                newest::search(conn, &Searched::new(stretch, query), None, limit)
            }
            None => Ok(Found { keys: stretch.load(conn)?, reached: None }),
        }
    }

    /// Whether the stretch has, or may have, an entry.
    fn is_there(&self, conn: &mut PgConnection, stretch: Stretch) -> Result<bool> {
        let found = self.read(conn, stretch)?;
        Ok(!found.keys.is_empty() || found.reached.is_some())
    }
}

/// Where a page begins, and whether it leads to what is older or to what is newer.
fn start(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &TimelineFilter,
    page: &Page,
) -> Result<(Option<Place>, Direction)> {
    let cursor = page.after()?;
    let places = [
        ("cursor", cursor.is_some()),
        ("before", filter.before.is_some()),
        ("after", filter.after.is_some()),
        ("at", filter.at.is_some()),
    ];
    let given = places.into_iter().filter_map(|(name, is_given)| is_given.then_some(name));
    let errors: Vec<FieldError> = given
        .map(|name| FieldError::query(name, FieldCode::Exclusive, "only one of cursor, before, after and at is taken"))
        .collect();
    if errors.len() > 1 {
        return Err(Error::invalid(errors));
    }
    if let Some(after) = &filter.after {
        return Ok((Some(page.key(after)?), Direction::Newer));
    }
    let place = match (&filter.before, filter.at) {
        (Some(before), _) => Some(page.key(before)?),
        // Behind everything that happened then.
        (None, Some(When::Instant(instant))) => Some((instant, Uuid::max())),
        (None, Some(When::Day(day))) => {
            let zone = access::time_zone(conn, organization)?;
            Some((When::Day(day.succ_opt().unwrap_or(day)).start(zone), Uuid::nil()))
        }
        (None, None) => cursor,
    };
    Ok((place, Direction::Older))
}
