//! Contacts by the beginnings of words, as one types.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Text, Uuid};

use crate::db::keyset::prefix_end;
use crate::db::schema::contact_terms;
use crate::error::Result;
use crate::ids::{ContactId, OrganizationId};

/// As many entries of the index are read for the longest word, in its own order: what is typed first, often one letter,
/// begins the words of most contacts.
const READ: i64 = 2000;

/// Contacts of which an address or a name has words that begin so, whole words first; and whether there may be more.
pub fn find_contacts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    words: &[String],
) -> Result<(Vec<ContactId>, bool)> {
    let Some(lead) = words.iter().max_by_key(|word| word.chars().count()) else { return Ok((Vec::new(), false)) };
    let read: Vec<ContactId> = contact_terms::table
        .filter(contact_terms::organization_id.eq(organization))
        .filter(contact_terms::term.ge(lead))
        .filter(contact_terms::term.lt(prefix_end(lead)))
        .order((contact_terms::term, contact_terms::contact_id))
        .limit(READ)
        .select(contact_terms::contact_id)
        .load(conn)?;
    let is_cut = read.len() as i64 == READ;
    let mut found: Vec<ContactId> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    found.extend(read.into_iter().filter(|id| seen.insert(*id)));
    for word in words.iter().filter(|word| *word != lead) {
        let (low, high) = (word.clone(), prefix_end(word));
        let having: Vec<ContactId> = Having { organization, ids: found.clone(), low, high }.load(conn)?;
        let having: std::collections::HashSet<ContactId> = having.into_iter().collect();
        found.retain(|id| having.contains(id));
    }
    Ok((found, is_cut))
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
