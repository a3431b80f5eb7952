//! All Diesel of timelines: which entries a page has ([`stretch`], [`search`]), and what they say
//! ([`entries`], with what they name: [`named`]).

mod entries;
mod named;
mod search;
mod stretch;
mod tables;

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
use crate::error::{Error, FieldError, Result};
use crate::http::page::{Count, Page};
use crate::http::query::When;
use crate::ids::OrganizationId;
use crate::moments::{self, Of};
use crate::search_query::SearchQuery;

/// Where a page begins, and whether it leads to what is older or to what is newer.
struct Start {
    place: Option<Place>,
    direction: Direction,
    /// Whether it is known that there is something newer than a page that begins there.
    has_newer: Option<bool>,
}

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
    let Start { place, direction, has_newer } = start(conn, organization, filter, page)?;
    let Some(sought) = sought(conn, organization, filter)? else {
        let count = page.count.map(|_| Count { value: 0, exact: true });
        return Ok(TimelineList { count, truncated: Some(false), ..TimelineList::default() });
    };
    let newest = Stretch::of(organization, &contacts, profile, &sought.types, page.rows());
    let stretch = newest.clone().from(place, direction);

    let Found { mut keys, reached } = sought.read(conn, stretch.clone())?;
    let limit = usize::try_from(page.limit).map_err(Error::internal)?;
    let goes_on = keys.len() > limit;
    keys.truncate(limit);
    // Further on in this direction, and back.
    let onward = if goes_on { keys.last() } else { reached.as_ref() }.map(EntryKey::place);
    let back = keys.first().map(EntryKey::place).or(place);
    let (before, after) = match direction {
        Direction::Older => {
            let has_newer = match has_newer {
                Some(known) => known,
                None => sought.is_there(conn, stretch.from(place, Direction::Newer).limit(1))?,
            };
            (onward, back.filter(|_| has_newer))
        }
        Direction::Newer => (back, onward),
    };
    if direction == Direction::Newer {
        keys.reverse();
    }
    let cursor = |place: Option<Place>| place.map(|place| page.cursor_at(&place)).transpose();
    let (before, after) = (cursor(before)?, cursor(after)?);
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
    let Some(typed) = filter.q.as_deref().filter(|typed| !typed.trim().is_empty()) else {
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
        if self.query.is_none() {
            return Ok(stretch.any().get_result(conn)?);
        }
        let found = self.read(conn, stretch)?;
        Ok(!found.keys.is_empty() || found.reached.is_some())
    }
}

fn start(conn: &mut PgConnection, organization: OrganizationId, filter: &TimelineFilter, page: &Page) -> Result<Start> {
    if filter.before.is_some() && filter.after.is_some() {
        let error = FieldError::query("after", "exclusive", "only one of before and after is taken");
        return Err(Error::invalid_field(error));
    }
    let older = |place, has_newer| Start { place, direction: Direction::Older, has_newer };
    let cursor = match (page.after::<Place>()?, &filter.before) {
        (None, Some(before)) => Some(page.key::<Place>(before)?),
        (cursor, _) => cursor,
    };
    if cursor.is_some() {
        return Ok(older(cursor, Some(true)));
    }
    if let Some(after) = &filter.after {
        return Ok(Start { place: Some(page.key(after)?), direction: Direction::Newer, has_newer: None });
    }
    let place = match filter.at {
        None => return Ok(older(None, Some(false))),
        // Behind everything that happened then.
        Some(When::Instant(instant)) => (instant, Uuid::max()),
        Some(When::Day(day)) => {
            let zone = access::time_zone(conn, organization)?;
            (When::Day(day.succ_opt().unwrap_or(day)).start(zone), Uuid::nil())
        }
    };
    Ok(older(Some(place), None))
}
