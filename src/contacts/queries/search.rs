//! Contacts by the beginnings of words, as one types: their own, or those of the profile they are attached to.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Text, Uuid};

use crate::db::keyset::prefix_end;
use crate::db::schema::{contact_terms, contacts, profile_terms};
use crate::error::Result;
use crate::ids::{ContactId, OrganizationId, ProfileId};

/// As many entries of the index are read for a word, in its own order: what is typed first, often one letter,
/// begins the words of most contacts.
const READ: i64 = 2000;

/// Contacts of which an address or a name has words that begin so, whole words first; and whether there may be more.
pub fn find_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    words: &[String],
) -> Result<(Vec<ContactId>, bool)> {
    find(conn, organization, words, READ)
}

/// As [`find_contacts`], in no order, and also contacts of profiles whose names have words that begin so; of each kind as
/// many entries of the index are read as `most` says.
pub fn find_people(
    conn: &mut PgConnection,
    organization: OrganizationId,
    words: &[String],
    most: i64,
) -> Result<(Vec<ContactId>, bool)> {
    let (mut found, mut is_cut) = find(conn, organization, words, most)?;
    let Some(lead) = longest_first(words).into_iter().next() else { return Ok((found, is_cut)) };
    let named: Vec<(ProfileId, String)> = profile_terms::table
        .filter(profile_terms::organization_id.eq(organization))
        .filter(profile_terms::term.ge(lead))
        .filter(profile_terms::term.lt(prefix_end(lead)))
        .limit(most)
        .select((profile_terms::profile_id, profile_terms::words))
        .load(conn)?;
    is_cut |= named.len() as i64 == most;
    let has = |name: &str| words.iter().all(|word| name.contains(&format!(" {word}")));
    let profiles: Vec<ProfileId> = named.into_iter().filter(|(_, name)| has(name)).map(|(id, _)| id).collect();
    let attached: Vec<ContactId> = contacts::table
        .filter(contacts::organization_id.eq(organization))
        .filter(contacts::profile_id.eq_any(profiles))
        .limit(most)
        .select(contacts::id)
        .load(conn)?;
    is_cut |= attached.len() as i64 == most;
    found.extend(attached);
    Ok((found, is_cut))
}

/// Whether a contact has a word that begins so.
pub fn is_known_beginning(conn: &mut PgConnection, organization: OrganizationId, word: &str) -> Result<bool> {
    let having = contact_terms::table
        .filter(contact_terms::organization_id.eq(organization))
        .filter(contact_terms::term.ge(word))
        .filter(contact_terms::term.lt(prefix_end(word)));
    Ok(diesel::select(diesel::dsl::exists(having)).get_result(conn)?)
}

/// The longest first: it is likely to be the rarest.
fn longest_first(words: &[String]) -> Vec<&String> {
    let mut words: Vec<&String> = words.iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words
}

fn find(
    conn: &mut PgConnection,
    organization: OrganizationId,
    words: &[String],
    most: i64,
) -> Result<(Vec<ContactId>, bool)> {
    // Of a word that too many have, another may find them all.
    let mut cut = None;
    for lead in longest_first(words) {
        let read: Vec<ContactId> = contact_terms::table
            .filter(contact_terms::organization_id.eq(organization))
            .filter(contact_terms::term.ge(lead))
            .filter(contact_terms::term.lt(prefix_end(lead)))
            .order((contact_terms::term, contact_terms::contact_id))
            .limit(most)
            .select(contact_terms::contact_id)
            .load(conn)?;
        if (read.len() as i64) < most {
            return Ok((having_others(conn, organization, read, lead, words)?, false));
        }
        cut.get_or_insert((lead, read));
    }
    match cut {
        Some((lead, read)) => Ok((having_others(conn, organization, read, lead, words)?, true)),
        None => Ok((Vec::new(), false)),
    }
}

/// Those of the contacts that were found by one of the words that have the others, each once.
fn having_others(
    conn: &mut PgConnection,
    organization: OrganizationId,
    read: Vec<ContactId>,
    lead: &String,
    words: &[String],
) -> Result<Vec<ContactId>> {
    let mut found: Vec<ContactId> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    found.extend(read.into_iter().filter(|id| seen.insert(*id)));
    for word in words.iter().filter(|word| *word != lead) {
        let (low, high) = (word.clone(), prefix_end(word));
        let having: Vec<ContactId> = Having { organization, ids: found.clone(), low, high }.load(conn)?;
        let having: std::collections::HashSet<ContactId> = having.into_iter().collect();
        found.retain(|id| having.contains(id));
    }
    Ok(found)
}

/// Those of some contacts that have a word in a range, each by its id, which `OFFSET 0` holds the planner to.
#[derive(QueryId)]
struct Having {
    organization: OrganizationId,
    ids: Vec<ContactId>,
    low: String,
    high: String,
}

impl Query for Having {
    type SqlType = Uuid;
}

impl RunQueryDsl<PgConnection> for Having {}

impl QueryFragment<Pg> for Having {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT wanted.id FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql(
            ") AS wanted (id) WHERE EXISTS (SELECT FROM (SELECT term FROM contact_terms \
             WHERE contact_id = wanted.id AND organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" OFFSET 0) AS held WHERE held.term >= ");
        out.push_bind_param::<Text, _>(&self.low)?;
        out.push_sql(" AND held.term < ");
        out.push_bind_param::<Text, _>(&self.high)?;
        out.push_sql(")");
        Ok(())
    }
}
