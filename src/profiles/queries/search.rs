//! Candidates of a search by contacts and fields, each read in its index's own order; and what is looked up of them.

use diesel::prelude::*;

use super::list::{Wanted, filtered};
use crate::channels::Medium;
use crate::db::keyset::prefix_end;
use crate::db::schema::{contact_terms, contacts, profile_activity, profile_field_terms, profile_terms, profiles};
use crate::db::types::TimeOrNever;
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};

/// A profile's contact that was found: its medium, address and name.
type FoundContact = (ProfileId, Medium, String, Option<String>);

/// Profiles with a contact or a searchable field of which a word begins with `prefix`; at most `limit` by each.
pub fn elsewhere(
    conn: &mut PgConnection,
    organization: OrganizationId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<ProfileId>> {
    let end = prefix_end(prefix);
    let in_contacts = contact_terms::table
        .filter(contact_terms::organization_id.eq(organization))
        .filter(contact_terms::profile_id.is_not_null())
        .filter(contact_terms::term.ge(prefix))
        .filter(contact_terms::term.lt(&end))
        .order((contact_terms::term, contact_terms::profile_id))
        .select(contact_terms::profile_id.assume_not_null())
        .limit(limit);
    let in_fields = profile_field_terms::table
        .filter(profile_field_terms::organization_id.eq(organization))
        .filter(profile_field_terms::term.ge(prefix))
        .filter(profile_field_terms::term.lt(&end))
        .order((profile_field_terms::term, profile_field_terms::profile_id))
        .select(profile_field_terms::profile_id)
        .limit(limit);
    Ok(in_contacts.union_all(in_fields).load(conn)?)
}

/// Those of `ids` that have a word, wherever, that begins with `prefix`.
pub fn having(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<ProfileId>> {
    let end = prefix_end(prefix);
    let in_names = profile_terms::table
        .filter(profile_terms::organization_id.eq(organization))
        .filter(profile_terms::profile_id.eq_any(ids))
        .filter(profile_terms::term.ge(prefix))
        .filter(profile_terms::term.lt(&end))
        .select(profile_terms::profile_id);
    let in_fields = profile_field_terms::table
        .filter(profile_field_terms::organization_id.eq(organization))
        .filter(profile_field_terms::profile_id.eq_any(ids))
        .filter(profile_field_terms::term.ge(prefix))
        .filter(profile_field_terms::term.lt(&end))
        .select(profile_field_terms::profile_id);
    let in_contacts = contacts::table
        .inner_join(
            contact_terms::table.on(contact_terms::organization_id
                .eq(contacts::organization_id)
                .and(contact_terms::contact_id.eq(contacts::id))),
        )
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq_any(ids))
        .filter(contact_terms::term.ge(prefix))
        .filter(contact_terms::term.lt(&end))
        .select(contacts::profile_id.assume_not_null());
    Ok(in_names.union_all(in_fields).union_all(in_contacts).load(conn)?)
}

/// Of the wanted profiles, those with these ids, and when their last contact moment was.
pub fn wanted_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    ids: &[ProfileId],
) -> Result<Vec<(ProfileId, TimeOrNever)>> {
    let mut query = profile_activity::table
        .filter(profile_activity::organization_id.eq(organization))
        .filter(profile_activity::profile_id.eq_any(ids))
        .select((profile_activity::profile_id, profile_activity::last_contact_moment_at))
        .into_boxed();
    if !wanted.is_all() {
        let fitting = filtered(organization, wanted).filter(profiles::id.eq_any(ids)).select(profiles::id);
        query = query.filter(profile_activity::profile_id.eq_any(fitting));
    }
    Ok(query.load(conn)?)
}

/// The contacts of these profiles of whose address or name a word begins with `prefix`.
pub fn matching_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<FoundContact>> {
    Ok(contacts::table
        .inner_join(
            contact_terms::table.on(contact_terms::organization_id
                .eq(contacts::organization_id)
                .and(contact_terms::contact_id.eq(contacts::id))),
        )
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq_any(ids))
        .filter(contact_terms::term.ge(prefix))
        .filter(contact_terms::term.lt(prefix_end(prefix)))
        .order((contacts::medium, contacts::sort_name, contacts::id))
        .select((contacts::profile_id.assume_not_null(), contacts::medium, contacts::address, contacts::name))
        .load(conn)?)
}

/// The fields of these profiles of whose value a word begins with `prefix`.
pub fn matching_fields(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<(ProfileId, ProfileFieldId)>> {
    Ok(profile_field_terms::table
        .filter(profile_field_terms::organization_id.eq(organization))
        .filter(profile_field_terms::profile_id.eq_any(ids))
        .filter(profile_field_terms::term.ge(prefix))
        .filter(profile_field_terms::term.lt(prefix_end(prefix)))
        .select((profile_field_terms::profile_id, profile_field_terms::field_id))
        .load(conn)?)
}
