//! Conversations by who takes part: by words of contacts' names and addresses, or of the names of their profiles.

use std::collections::HashSet;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Text, Uuid};

use crate::contacts;
use crate::db::keyset::prefix_end;
use crate::db::newest::RARE;
use crate::db::schema::conversation_participants;
use crate::error::Result;
use crate::ids::{ConversationId, OrganizationId};
use crate::text;

/// As many entries of an index are read for people to be looked up by it.
const MOST: i64 = 2000;
/// Nobody has more.
const MOST_WORDS: usize = 32;

/// People whose words begin as what was typed.
pub struct People {
    organization: OrganizationId,
    /// Of nobody when empty.
    words: Vec<String>,
}

impl People {
    /// Nobody where nothing was typed that is about people.
    pub fn of(conn: &mut PgConnection, organization: OrganizationId, typed: Option<&str>) -> Result<Self> {
        let typed = typed.unwrap_or_default();
        let words = match text::query_number(typed) {
            Some(number) => vec![number],
            None => {
                let mut words: Vec<String> = Vec::new();
                for word in typed.split_whitespace() {
                    let of_word = words_of(conn, organization, word)?;
                    words.extend(of_word.into_iter().filter(|word| !words.contains(word)).collect::<Vec<_>>());
                }
                if words.len() > MOST_WORDS { Vec::new() } else { words }
            }
        };
        Ok(Self { organization, words })
    }

    /// Those of these conversations in which one of them takes part.
    pub fn having(&self, conn: &mut PgConnection, ids: &[ConversationId]) -> Result<HashSet<ConversationId>> {
        if self.words.is_empty() || ids.is_empty() {
            return Ok(HashSet::new());
        }
        let ids = ids.to_vec();
        let ends = self.words.iter().map(|word| prefix_end(word)).collect();
        let having: Vec<ConversationId> =
            Having { organization: self.organization, words: self.words.clone(), ends, ids }.load(conn)?;
        Ok(having.into_iter().collect())
    }

    /// Every conversation in which one of them takes part, in no order; None where they are too many to be looked up.
    pub fn few(&self, conn: &mut PgConnection) -> Result<Option<Vec<ConversationId>>> {
        let (found, is_cut) = self.conversations(conn, MOST, RARE)?;
        Ok(Some(found).filter(|_| !is_cut))
    }

    /// The same, however many.
    pub fn all(&self, conn: &mut PgConnection) -> Result<Vec<ConversationId>> {
        match self.few(conn)? {
            Some(few) => Ok(few),
            None => Ok(self.conversations(conn, i64::MAX, i64::MAX)?.0),
        }
    }

    /// And whether there may be more.
    fn conversations(&self, conn: &mut PgConnection, people: i64, most: i64) -> Result<(Vec<ConversationId>, bool)> {
        let (contacts, is_cut) = contacts::find_people(conn, self.organization, &self.words, people)?;
        let found: Vec<ConversationId> = conversation_participants::table
            .filter(conversation_participants::organization_id.eq(self.organization))
            .filter(conversation_participants::contact_id.eq_any(contacts))
            .select(conversation_participants::conversation_id)
            .limit(most)
            .load(conn)?;
        let is_cut = is_cut || found.len() as i64 == most;
        Ok((found, is_cut))
    }
}

/// Of an address as it may stand in a mail, the whole: its parts are those of many.
fn words_of(conn: &mut PgConnection, organization: OrganizationId, typed: &str) -> Result<Vec<String>> {
    let address = text::fold(typed.trim_matches(|letter: char| !letter.is_alphanumeric()));
    let is_whole = address.contains('@') && contacts::is_known_beginning(conn, organization, &address)?;
    Ok(if is_whole { vec![address] } else { text::words(typed) })
}

/// Looks into each by its id, which `OFFSET 0` holds the planner to.
#[derive(QueryId)]
struct Having {
    organization: OrganizationId,
    words: Vec<String>,
    /// Behind what begins with each word.
    ends: Vec<String>,
    ids: Vec<ConversationId>,
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
            ") AS wanted (id) WHERE EXISTS (SELECT FROM (SELECT contacts.id, contacts.profile_id \
             FROM conversation_participants AS taken JOIN contacts ON contacts.organization_id = taken.organization_id \
             AND contacts.id = taken.contact_id WHERE taken.conversation_id = wanted.id AND taken.organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" OFFSET 0) AS one WHERE ");
        self.push_has_all("contact_terms", "contact_id = one.id", out.reborrow())?;
        out.push_sql(" OR ");
        self.push_has_all("profile_terms", "profile_id = one.profile_id", out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl Having {
    /// No word is missing among these terms.
    fn push_has_all<'b>(&'b self, table: &str, of_one: &str, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("NOT EXISTS (SELECT FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.words)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.ends)?;
        out.push_sql(") AS sought (word, beyond) WHERE NOT EXISTS (SELECT FROM (SELECT term FROM ");
        for part in [table, " WHERE ", of_one, " AND organization_id = "] {
            out.push_sql(part);
        }
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" OFFSET 0) AS held WHERE held.term >= sought.word AND held.term < sought.beyond))");
        Ok(())
    }
}
