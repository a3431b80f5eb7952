//! All Diesel of timelines: which entries a page has ([`stretch`]), and what they say
//! ([`entries`], with what they name: [`named`]).

mod entries;
mod named;
mod stretch;

use diesel::prelude::*;
use uuid::Uuid;

use self::stretch::{Direction, EntryKey, Place, Stretch};
use super::types::{TimelineFilter, TimelineList};
use crate::access;
use crate::attachments::Links;
use crate::db::keyset;
use crate::error::{Error, FieldError, Result};
use crate::http::page::Page;
use crate::http::query::When;
use crate::ids::OrganizationId;
use crate::moments::{self, Of};

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
    let newest = Stretch::of(organization, &contacts, profile, &filter.types, page.rows());
    let sought = newest.clone().from(place, direction);

    let mut keys: Vec<EntryKey> = sought.clone().load(conn)?;
    let limit = usize::try_from(page.limit).map_err(Error::internal)?;
    let goes_on = keys.len() > limit;
    keys.truncate(limit);
    let (has_older, has_newer) = match direction {
        Direction::Older => {
            let probe = sought.from(place, Direction::Newer).limit(1);
            let has_newer = match has_newer {
                Some(known) => known,
                None => !probe.load::<EntryKey>(conn)?.is_empty(),
            };
            (goes_on, has_newer)
        }
        Direction::Newer => {
            keys.reverse();
            (true, goes_on)
        }
    };
    let cursor = |is_there: bool, key: Option<&EntryKey>| {
        let place = key.map(EntryKey::place).or(place).filter(|_| is_there);
        place.map(|place| page.cursor_at(&place)).transpose()
    };
    let before = cursor(has_older, keys.last())?;
    let after = cursor(has_newer, keys.first())?;
    let count = keyset::count(conn, page, || newest.all())?;
    let data = entries::entries(conn, organization, links, keys)?;
    Ok(TimelineList { data, next_cursor: before.clone(), before, after, count })
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
