//! Candidates of a search: each read in its index's own order, never more than a bound.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Float, Text};

use super::list::{Wanted, filtered};
use crate::channels::Medium;
use crate::db::keyset::prefix_end;
use crate::db::schema::{
    contact_terms, contacts, profile_activity, profile_field_terms, profile_terms, profile_words, profiles,
};
use crate::db::types::TimeOrNever;
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};

diesel::infix_operator!(IsSimilar, " % ", Bool, backend: Pg);
diesel::infix_operator!(Distance, " <-> ", Float, backend: Pg);

/// A profile's contact that was found: its medium, address and name.
type FoundContact = (ProfileId, Medium, String, Option<String>);

/// What ranking looks at.
#[derive(Debug, Clone, Queryable)]
pub struct Named {
    pub id: ProfileId,
    pub name: String,
    pub last_contact_moment_at: TimeOrNever,
}

/// Profiles whose name, folded, begins with `prefix`: the exact one first.
pub fn beginning(
    conn: &mut PgConnection,
    organization: OrganizationId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<ProfileId>> {
    Ok(profiles::table
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::deleted_at.is_null())
        .filter(profiles::sort_name.ge(prefix))
        .filter(profiles::sort_name.lt(prefix_end(prefix)))
        .order((profiles::sort_name, profiles::id))
        .select(profiles::id)
        .limit(limit)
        .load(conn)?)
}

/// Profiles with a word in their name that begins with `prefix`.
pub fn in_names(
    conn: &mut PgConnection,
    organization: OrganizationId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<ProfileId>> {
    Ok(profile_terms::table
        .filter(profile_terms::organization_id.eq(organization))
        .filter(profile_terms::term.ge(prefix))
        .filter(profile_terms::term.lt(prefix_end(prefix)))
        .order((profile_terms::term, profile_terms::profile_id))
        .select(profile_terms::profile_id)
        .limit(limit)
        .load(conn)?)
}

/// Profiles with a word in a searchable field that begins with `prefix`.
pub fn in_fields(
    conn: &mut PgConnection,
    organization: OrganizationId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<ProfileId>> {
    Ok(profile_field_terms::table
        .filter(profile_field_terms::organization_id.eq(organization))
        .filter(profile_field_terms::term.ge(prefix))
        .filter(profile_field_terms::term.lt(prefix_end(prefix)))
        .order((profile_field_terms::term, profile_field_terms::profile_id))
        .select(profile_field_terms::profile_id)
        .limit(limit)
        .load(conn)?)
}

/// Profiles with a contact of whose address or name a word begins with `prefix`.
pub fn in_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<ProfileId>> {
    Ok(contact_terms::table
        .filter(contact_terms::organization_id.eq(organization))
        .filter(contact_terms::profile_id.is_not_null())
        .filter(contact_terms::term.ge(prefix))
        .filter(contact_terms::term.lt(prefix_end(prefix)))
        .order((contact_terms::term, contact_terms::profile_id))
        .select(contact_terms::profile_id.assume_not_null())
        .limit(limit)
        .load(conn)?)
}

/// Those of `ids` that have a word, wherever, that begins with `prefix`.
pub fn having(
    conn: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ProfileId],
    prefix: &str,
) -> Result<Vec<ProfileId>> {
    let end = prefix_end(prefix);
    let mut found: Vec<ProfileId> = profile_terms::table
        .filter(profile_terms::organization_id.eq(organization))
        .filter(profile_terms::profile_id.eq_any(ids))
        .filter(profile_terms::term.ge(prefix))
        .filter(profile_terms::term.lt(&end))
        .select(profile_terms::profile_id)
        .load(conn)?;
    found.extend(
        profile_field_terms::table
            .filter(profile_field_terms::organization_id.eq(organization))
            .filter(profile_field_terms::profile_id.eq_any(ids))
            .filter(profile_field_terms::term.ge(prefix))
            .filter(profile_field_terms::term.lt(&end))
            .select(profile_field_terms::profile_id)
            .load::<ProfileId>(conn)?,
    );
    found.extend(
        contacts::table
            .inner_join(
                contact_terms::table.on(contact_terms::organization_id
                    .eq(contacts::organization_id)
                    .and(contact_terms::contact_id.eq(contacts::id))),
            )
            .filter(contacts::organization_id.eq(organization))
            .filter(contacts::profile_id.eq_any(ids))
            .filter(contact_terms::term.ge(prefix))
            .filter(contact_terms::term.lt(&end))
            .select(contacts::profile_id.assume_not_null())
            .load::<ProfileId>(conn)?,
    );
    Ok(found)
}

/// Words of names that are written nearly like this one, nearest first.
pub fn similar_words(
    conn: &mut PgConnection,
    organization: OrganizationId,
    word: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let written = || word.into_sql::<Text>();
    Ok(profile_words::table
        .filter(profile_words::organization_id.eq(organization))
        .filter(IsSimilar::new(profile_words::term, written()))
        .order((Distance::new(profile_words::term, written()), profile_words::term))
        .select(profile_words::term)
        .limit(limit)
        .load(conn)?)
}

/// Of the wanted profiles, those with these ids, as ranking wants them.
pub fn named(
    conn: &mut PgConnection,
    organization: OrganizationId,
    wanted: &Wanted,
    ids: &[ProfileId],
) -> Result<Vec<Named>> {
    let fitting = filtered(organization, wanted).filter(profiles::id.eq_any(ids)).select(profiles::id);
    Ok(profiles::table
        .inner_join(
            profile_activity::table.on(profile_activity::organization_id
                .eq(profiles::organization_id)
                .and(profile_activity::profile_id.eq(profiles::id))),
        )
        .filter(profiles::organization_id.eq(organization))
        .filter(profiles::id.eq_any(fitting))
        .select((profiles::id, profiles::name, profile_activity::last_contact_moment_at))
        .load(conn)?)
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
