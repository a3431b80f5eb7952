//! All Diesel of profiles.

mod history;
mod list;
mod names;
mod search;
mod values;
mod wanted;
mod write;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::dsl::{array, max};
use diesel::prelude::*;
use diesel::sql_types::{Record, Text, Timestamptz};
use serde_json::Value;
use uuid::Uuid;

use super::changes::{self, Values};
use super::types::{ContactPreview, Profile, ProfileKind};
use crate::access;
use crate::actor::{ActorRef, ActorType};
use crate::channels::Medium;
use crate::db::Tx;
use crate::db::schema::{contacts, conversation_participants, profile_activity, profile_terms, profiles};
use crate::db::types::TimeOrNever;
use crate::error::{Code, Error, Result};
use crate::ids::{ContactId, OrganizationId, ProfileId};
use crate::profile_fields::{self, ProfileField};

pub use history::{contact_history, profile_history};
pub use list::list_profiles;
pub use names::{Candidate, Candidates, Reach, Sought, Source, candidates, in_names, spelled};
pub use search::{beginning_elsewhere, having, matching_contacts, matching_fields, those_having, wanted_of};
pub use values::write_values;
pub use wanted::Wanted;
pub use write::{insert_profiles, write_names, write_profiles};

/// Contacts that are shown of a profile.
const PREVIEW: usize = 3;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = profiles, check_for_backend(diesel::pg::Pg))]
pub struct ProfileRow {
    pub id: ProfileId,
    pub name: String,
    pub kind: ProfileKind,
    fields: Value,
    created_by_type: ActorType,
    created_by_id: Option<Uuid>,
    pub version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ProfileRow {
    /// Its values, by the ids of their fields.
    pub fn values(&self) -> &Values {
        static NONE: std::sync::LazyLock<Values> = std::sync::LazyLock::new(Values::new);
        self.fields.as_object().unwrap_or(&NONE)
    }

    fn created_by(&self) -> ActorRef {
        ActorRef { kind: self.created_by_type, id: self.created_by_id }
    }
}

pub fn get_profile(conn: &mut PgConnection, organization: OrganizationId, id: ProfileId) -> Result<Profile> {
    let fields = profile_fields::fields(conn, organization)?;
    profile_views(conn, organization, &fields, &[id])?.pop().ok_or_else(|| Error::not_found(Code::ProfileNotFound))
}

/// A profile of which it is known how many contacts it has.
pub fn profile_with_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    fields: &[ProfileField],
    id: ProfileId,
    contact_count: i64,
) -> Result<Profile> {
    let view = views(conn, organization, fields, &[id], &HashMap::from([(id, contact_count)]))?.pop();
    view.ok_or_else(|| Error::not_found(Code::ProfileNotFound))
}

/// These profiles, in the order of their ids in `ids`, with the organization's `fields`; what isn't there is left out.
pub fn profile_views(
    conn: &mut PgConnection,
    organization: OrganizationId,
    fields: &[ProfileField],
    ids: &[ProfileId],
) -> Result<Vec<Profile>> {
    views(conn, organization, fields, ids, &HashMap::new())
}

fn views(
    conn: &mut PgConnection,
    organization: OrganizationId,
    fields: &[ProfileField],
    ids: &[ProfileId],
    known: &HashMap<ProfileId, i64>,
) -> Result<Vec<Profile>> {
    // What is shown of a profile's contacts is read for each profile alone, so that one with ten thousand costs little.
    let preview = contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq(profiles::id.nullable()))
        .order((contacts::medium, contacts::sort_name, contacts::id))
        .select((contacts::medium, contacts::address).into_sql::<Record<(Text, Text)>>())
        .limit(PREVIEW as i64 + 1);
    type Row = (ProfileRow, TimeOrNever, Vec<(Medium, String)>);
    let rows: Vec<Row> = profiles::table
        .inner_join(
            profile_activity::table.on(profile_activity::organization_id
                .eq(profiles::organization_id)
                .and(profile_activity::profile_id.eq(profiles::id))),
        )
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::id.eq_any(ids))
        .filter(profiles::deleted_at.is_null())
        .select((ProfileRow::as_select(), profile_activity::last_contact_moment_at, array(preview)))
        .load(conn)?;
    let has_more = |contacts: &[(Medium, String)]| contacts.len() > PREVIEW;
    let with_more = rows.iter().filter(|(.., contacts)| has_more(contacts)).map(|(row, ..)| row.id);
    let mut counts = contact_counts(conn, organization, with_more.filter(|id| !known.contains_key(id)).collect())?;
    counts.extend(known);
    let people = access::people(conn, organization, rows.iter().map(|(row, ..)| row.created_by()))?;
    let mut views: Vec<Profile> = rows
        .into_iter()
        .map(|(row, last_contact_moment_at, contacts)| Profile {
            id: row.id,
            fields: changes::by_key(fields, row.values()),
            missing_fields: changes::missing(fields, row.values()).map(|field| field.key.clone()).collect(),
            contact_count: counts.get(&row.id).copied().unwrap_or(contacts.len() as i64),
            contacts_preview: contacts
                .into_iter()
                .take(PREVIEW)
                .map(|(medium, address)| ContactPreview { medium, address })
                .collect(),
            created_by: people.get(row.created_by()),
            name: row.name,
            kind: row.kind,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            last_contact_moment_at: last_contact_moment_at.0,
            matched: None,
            outcome: None,
        })
        .collect();
    let places: HashMap<ProfileId, usize> = ids.iter().zip(0..).map(|(id, place)| (*id, place)).collect();
    views.sort_by_key(|view| places.get(&view.id).copied());
    Ok(views)
}

/// How many contacts each has: of those that have more than are shown.
fn contact_counts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: Vec<ProfileId>,
) -> Result<HashMap<ProfileId, i64>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // For each alone: grouped, the planner may take all contacts of the organization for few.
    let of_profile = contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq(profiles::id.nullable()))
        .count();
    let rows: Vec<(ProfileId, Option<i64>)> = profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::id.eq_any(ids))
        .select((profiles::id, of_profile.single_value()))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(id, count)| Some((id, count?))).collect())
}

/// The name of a profile, also of a deleted one.
pub fn name(tx: &mut Tx, id: ProfileId) -> Result<String> {
    Ok(profiles::table.find((tx.organization, id)).select(profiles::name).first(tx.conn)?)
}

/// The profile, locked: whoever changes it, or attaches to it, at the same time waits.
pub fn lock_profile(tx: &mut Tx, id: ProfileId) -> Result<ProfileRow> {
    profiles::table
        .find((tx.organization, id))
        .filter(profiles::deleted_at.is_null())
        .select(ProfileRow::as_select())
        .for_no_key_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Error::not_found(Code::ProfileNotFound))
}

/// These profiles, locked in the order of their ids.
pub fn lock_profiles(tx: &mut Tx, ids: &[ProfileId]) -> Result<Vec<ProfileRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(profiles::table
        .filter(profiles::organization_id.eq(tx.organization))
        .filter(profiles::id.eq_any(ids))
        .filter(profiles::deleted_at.is_null())
        .order(profiles::id)
        .select(ProfileRow::as_select())
        .for_no_key_update()
        .load(tx.conn)?)
}

/// Locks profiles against being deleted; those that aren't deleted are the answer.
pub fn lock_shared(tx: &mut Tx, ids: &[ProfileId]) -> Result<Vec<ProfileId>> {
    let rows: Vec<(ProfileId, Option<DateTime<Utc>>)> = profiles::table
        .filter(profiles::organization_id.eq(tx.organization))
        .filter(profiles::id.eq_any(ids))
        .order(profiles::id)
        .select((profiles::id, profiles::deleted_at))
        .for_share()
        .load(tx.conn)?;
    Ok(rows.into_iter().filter(|(_, deleted_at)| deleted_at.is_none()).map(|(id, _)| id).collect())
}

/// Locks the profile that a contact goes to, and the one it leaves; 404 when the first isn't there any more.
pub fn lock_alive(tx: &mut Tx, to: ProfileId, from: Option<ProfileId>) -> Result<()> {
    let ids: Vec<ProfileId> = from.into_iter().chain([to]).collect();
    match lock_shared(tx, &ids)?.contains(&to) {
        true => Ok(()),
        false => Err(Error::not_found(Code::ProfileNotFound)),
    }
}

/// Leaves of a locked profile only its row, for the history to name.
pub fn mark_deleted(tx: &mut Tx, row: &ProfileRow) -> Result<i32> {
    delete_terms(tx, &[row.id])?;
    diesel::delete(profile_activity::table.find((tx.organization, row.id))).execute(tx.conn)?;
    Ok(diesel::update(profiles::table.find((tx.organization, row.id)))
        .set((profiles::deleted_at.eq(tx.now), profiles::version.eq(row.version + 1), profiles::updated_at.eq(tx.now)))
        .returning(profiles::version)
        .get_result(tx.conn)?)
}

diesel::define_sql_function! {
    fn greatest(one: Timestamptz, other: Timestamptz) -> Timestamptz;
}

/// A contact of this profile, which stays attached until the transaction ends, exchanged a message.
pub fn note_contact_moment(tx: &mut Tx, profile: ProfileId, at: DateTime<Utc>) -> Result<()> {
    let last = profile_activity::last_contact_moment_at;
    // Written also where another is later: who forgets that one at the same time waits, and then finds this.
    diesel::update(profile_activity::table.find((tx.organization, profile)))
        .set(last.eq(greatest(last, at)))
        .execute(tx.conn)?;
    Ok(())
}

/// Contacts came to these profiles, with their history.
pub fn note_moments_of(tx: &mut Tx, contacts: &[(ContactId, ProfileId)]) -> Result<()> {
    if contacts.is_empty() {
        return Ok(());
    }
    let whose: HashMap<ContactId, ProfileId> = contacts.iter().copied().collect();
    let mut newest: BTreeMap<ProfileId, DateTime<Utc>> = BTreeMap::new();
    for (contact, at) in last_moments(tx, &Vec::from_iter(whose.keys().copied()))? {
        if let (Some(profile), Some(at)) = (whose.get(&contact), at) {
            let newest = newest.entry(*profile).or_insert(at);
            *newest = at.max(*newest);
        }
    }
    newest.into_iter().try_for_each(|(profile, at)| note_contact_moment(tx, profile, at))
}

/// A contact left this profile, with its history.
pub fn forget_contact_moment(tx: &mut Tx, profile: ProfileId, contact: ContactId) -> Result<()> {
    let Some((_, Some(gone))) = last_moments(tx, &[contact])?.pop() else { return Ok(()) };
    match lock_last_moment(tx, profile)? {
        Some(last) if last <= TimeOrNever(Some(gone)) => recount(tx, profile),
        _ => Ok(()),
    }
}

/// The newest moment of a contact of this profile is not as late as it was.
pub fn recount_contact_moments(tx: &mut Tx, profile: ProfileId) -> Result<()> {
    match lock_last_moment(tx, profile)? {
        Some(_) => recount(tx, profile),
        None => Ok(()),
    }
}

/// None of a profile that is deleted.
fn lock_last_moment(tx: &mut Tx, profile: ProfileId) -> Result<Option<TimeOrNever>> {
    Ok(profile_activity::table
        .find((tx.organization, profile))
        .select(profile_activity::last_contact_moment_at)
        .for_no_key_update()
        .first(tx.conn)
        .optional()?)
}

/// The newest of its contacts', once it is locked: what others note meanwhile, they note when this has ended.
fn recount(tx: &mut Tx, profile: ProfileId) -> Result<()> {
    let of_contact = conversation_participants::table
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::contact_id.eq(contacts::id))
        .select(max(conversation_participants::last_message_at))
        .single_value();
    let left: Vec<Option<DateTime<Utc>>> = contacts::table
        .filter(contacts::organization_id.eq(tx.organization))
        .filter(contacts::profile_id.eq(profile))
        .select(of_contact)
        .load(tx.conn)?;
    let newest = TimeOrNever(left.into_iter().flatten().max());
    diesel::update(profile_activity::table.find((tx.organization, profile)))
        .set(profile_activity::last_contact_moment_at.eq(newest))
        .execute(tx.conn)?;
    Ok(())
}

/// When the newest message of each was exchanged.
fn last_moments(tx: &mut Tx, ids: &[ContactId]) -> Result<Vec<(ContactId, Option<DateTime<Utc>>)>> {
    let of_contact = conversation_participants::table
        .filter(conversation_participants::organization_id.eq(tx.organization))
        .filter(conversation_participants::contact_id.eq(contacts::id))
        .select(max(conversation_participants::last_message_at))
        .single_value();
    Ok(contacts::table
        .filter(contacts::organization_id.eq(tx.organization))
        .filter(contacts::id.eq_any(ids))
        .select((contacts::id, of_contact))
        .load(tx.conn)?)
}

fn delete_terms(tx: &mut Tx, ids: &[ProfileId]) -> Result<()> {
    diesel::delete(profile_terms::table)
        .filter(profile_terms::organization_id.eq(tx.organization))
        .filter(profile_terms::profile_id.eq_any(ids))
        .execute(tx.conn)?;
    Ok(())
}
