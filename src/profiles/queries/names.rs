//! Candidates of a search: read in the order of indexes, which hold all that is looked at.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool, Integer, Text, Uuid};

use crate::db::keyset::prefix_end;
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileId};

/// So far are the entries of words counted, to read those of the rarest.
const COUNTED: usize = 1000;

/// Words that are sought, each in one or several spellings, or beginnings of these.
#[derive(Debug, Default)]
pub struct Sought {
    /// Of which word, by its place, each of the others is.
    words: Vec<i32>,
    from: Vec<String>,
    before: Vec<String>,
}

impl Sought {
    pub fn add(&mut self, place: i32, beginning: &str) {
        self.words.push(place);
        self.from.push(beginning.to_owned());
        self.before.push(prefix_end(beginning));
    }

    fn is_one_word(&self) -> bool {
        self.words.iter().all(|word| Some(word) == self.words.first())
    }

    /// As the beginning of a statement, and the table `sought (word, low, high)`.
    pub(super) fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH sought AS MATERIALIZED (SELECT * FROM unnest(");
        out.push_bind_param::<Array<Integer>, _>(&self.words)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.from)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.before)?;
        out.push_sql(") AS listed (word, low, high))");
        Ok(())
    }
}

/// Words as they were typed, in this order.
impl<S: AsRef<str>> FromIterator<S> for Sought {
    fn from_iter<I: IntoIterator<Item = S>>(words: I) -> Self {
        let mut sought = Self::default();
        words.into_iter().zip(0..).for_each(|(word, place)| sought.add(place, word.as_ref()));
        sought
    }
}

/// How far a search reads.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Entries of an index, for each spelling.
    pub read: usize,
    /// Profiles that fit, from each index.
    pub found: usize,
}

/// Where something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The whole name begins with what was typed.
    Beginning,
    /// In words of the name.
    Words,
    /// In a contact or a field.
    Elsewhere,
}

#[derive(Debug)]
pub struct Candidate {
    pub profile: ProfileId,
    pub source: Source,
    /// By its beginning: the name, folded. By its words: these, each after a space.
    pub name: String,
}

/// Candidates in the order in which they were found, and whether a bound may have cut more off.
#[derive(Debug, Default)]
pub struct Candidates {
    pub found: Vec<Candidate>,
    pub is_cut: bool,
}

/// Profiles whose name begins with `typed`, then those whose name has all `words`; for one word that names have not
/// often, also those that have it in a contact or a field.
pub fn candidates(
    conn: &mut PgConnection,
    organization: OrganizationId,
    typed: &str,
    words: &[String],
    reach: Reach,
) -> Result<Candidates> {
    let beginning = (typed.to_owned(), prefix_end(typed));
    let rows = match words {
        [word] => {
            let word = (word.clone(), prefix_end(word));
            OneWord { organization, beginning, word, found: reach.found }.load(conn)?
        }
        _ => {
            let (sought, like) = (Sought::from_iter(words), words.iter().map(like).collect());
            InNames { organization, beginning: Some(beginning), sought, like, reach }.load(conn)?
        }
    };
    Ok(gathered(rows, reach))
}

/// Profiles whose name has all the words of `sought`, and `others`; perhaps also one that hasn't.
pub fn in_names(
    conn: &mut PgConnection,
    organization: OrganizationId,
    sought: Sought,
    others: &[&String],
    reach: Reach,
) -> Result<Candidates> {
    let like = others.iter().copied().map(like).collect();
    let rows = InNames { organization, beginning: None, sought, like, reach }.load(conn)?;
    Ok(gathered(rows, reach))
}

/// Words hold letters, digits and marks only: there is nothing to escape.
fn like(word: &String) -> String {
    format!("% {word}%")
}

/// Words of names that are kept under a spelling that begins with one of those sought, each with the place of the word
/// that it is a spelling of; at most `limit` of each.
pub fn spelled(
    conn: &mut PgConnection,
    organization: OrganizationId,
    sought: Sought,
    limit: usize,
) -> Result<Vec<(i32, String)>> {
    Ok(Spelled { organization, sought, limit }.load(conn)?)
}

/// Of which index an entry is (the names', their words', contacts' or fields'), whose, what stands there, and whether
/// that index was left there.
type Entry = (i32, ProfileId, String, bool);

fn gathered(rows: Vec<Entry>, reach: Reach) -> Candidates {
    let is_full = |index: i32| rows.iter().filter(|(other, ..)| *other == index).count() >= reach.found;
    let is_cut = (0..4).any(is_full) || rows.iter().any(|(.., is_end)| *is_end);
    let candidate = |(index, profile, name, _)| {
        let source = match index {
            0 => Source::Beginning,
            1 => Source::Words,
            _ => Source::Elsewhere,
        };
        Candidate { profile, source, name }
    };
    Candidates { is_cut, found: rows.into_iter().map(candidate).collect() }
}

/// A beginning, and what follows everything that begins so.
type Bounds = (String, String);

/// Entries of an index in its order, between two bounds and up to `limit`, as a part of a statement.
fn push_index<'b>(
    out: &mut AstPass<'_, 'b, Pg>,
    organization: &'b OrganizationId,
    (select, column, condition, order): (&str, &str, &str, &str),
    (low, high): &'b Bounds,
    limit: usize,
) -> QueryResult<()> {
    out.push_sql(&format!("(SELECT {select} WHERE organization_id = "));
    out.push_bind_param::<Uuid, _>(organization)?;
    out.push_sql(&format!(" AND {column} >= "));
    out.push_bind_param::<Text, _>(low)?;
    out.push_sql(&format!(" AND {column} < "));
    out.push_bind_param::<Text, _>(high)?;
    out.push_sql(&format!(" AND {condition} ORDER BY {order} LIMIT {limit})"));
    Ok(())
}

/// The names that begin so.
const NAMES: (&str, &str, &str, &str) =
    ("0, id, sort_name, false FROM profiles", "sort_name", "deleted_at IS NULL", "sort_name, id");

/// What is typed first, and most. Prepared by its text, as the others.
struct OneWord {
    organization: OrganizationId,
    beginning: Bounds,
    word: Bounds,
    found: usize,
}

impl QueryId for OneWord {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for OneWord {
    type SqlType = (Integer, Uuid, Text, Bool);
}

impl RunQueryDsl<PgConnection> for OneWord {}

impl QueryFragment<Pg> for OneWord {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { organization, beginning, word, found } = self;
        let (low, high) = word;
        out.push_sql("WITH beginning AS MATERIALIZED ");
        push_index(&mut out, organization, NAMES, beginning, *found)?;
        // Where enough names begin so, others are better only if they have the word itself: no letter sorts before a space.
        out.push_sql(&format!(
            ", begun AS MATERIALIZED (SELECT count(*) >= {found} AS is_full FROM beginning), \
             named AS MATERIALIZED (SELECT 1, profile_id, words, false FROM profile_terms WHERE organization_id = "
        ));
        out.push_bind_param::<Uuid, _>(organization)?;
        out.push_sql(" AND term >= ");
        out.push_bind_param::<Text, _>(low)?;
        out.push_sql(" AND term < CASE WHEN (SELECT is_full FROM begun) THEN ");
        out.push_bind_param::<Text, _>(low)?;
        out.push_sql(" || ' ' ELSE ");
        out.push_bind_param::<Text, _>(high)?;
        out.push_sql(&format!(
            " END ORDER BY term, profile_id LIMIT {found}), \
             rare AS MATERIALIZED (SELECT count(*) < {found} AND NOT (SELECT is_full FROM begun) AS is_rare FROM named) \
             SELECT * FROM beginning UNION ALL SELECT * FROM named"
        ));
        let is_rare = "(SELECT is_rare FROM rare)";
        let attached = format!("profile_id IS NOT NULL AND {is_rare}");
        for (select, condition) in [
            ("2, profile_id, '', false FROM contact_terms", attached.as_str()),
            ("3, profile_id, '', false FROM profile_field_terms", is_rare),
        ] {
            out.push_sql(" UNION ALL ");
            push_index(&mut out, organization, (select, "term", condition, "term, profile_id"), word, *found)?;
        }
        Ok(())
    }
}

/// Prepared by its text, which the bounds are a part of: the planner sees how little is read.
#[derive(Debug)]
struct InNames {
    organization: OrganizationId,
    beginning: Option<Bounds>,
    sought: Sought,
    like: Vec<String>,
    reach: Reach,
}

impl InNames {
    /// Which word is read, and the words of names that have it, as far as `read`: whether that is the end shows there.
    fn push_named<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.sought.push(out)?;
        match self.sought.is_one_word() {
            true => out.push_sql(", lead AS MATERIALIZED (SELECT min(word) AS word FROM sought)"),
            false => {
                out.push_sql(
                    ", lead AS MATERIALIZED (SELECT word FROM sought CROSS JOIN LATERAL (SELECT count(*) AS size FROM (\
                     SELECT FROM profile_terms WHERE organization_id = ",
                );
                out.push_bind_param::<Uuid, _>(&self.organization)?;
                out.push_sql(&format!(
                    " AND term >= low AND term < high ORDER BY term, profile_id LIMIT {COUNTED}) AS entries) AS counted \
                     GROUP BY word ORDER BY sum(size), sum(length(low)) DESC LIMIT 1)"
                ));
            }
        }
        let Reach { read, found } = self.reach;
        out.push_sql(&format!(
            ", named AS MATERIALIZED (SELECT profile_id, words, is_end FROM sought CROSS JOIN LATERAL (\
             SELECT profile_id, words, row_number() OVER () = {read} AS is_end FROM (\
             SELECT profile_id, words FROM profile_terms WHERE organization_id = "
        ));
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(&format!(
            " AND term >= low AND term < high ORDER BY term, profile_id LIMIT {read}) AS entries) AS entry \
             WHERE word = (SELECT word FROM lead) AND (words LIKE ALL ("
        ));
        out.push_bind_param::<Array<Text>, _>(&self.like)?;
        out.push_sql(&format!(") OR is_end) LIMIT {found}) "));
        Ok(())
    }
}

impl QueryId for InNames {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for InNames {
    type SqlType = (Integer, Uuid, Text, Bool);
}

impl RunQueryDsl<PgConnection> for InNames {}

impl QueryFragment<Pg> for InNames {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_named(&mut out)?;
        if let Some(beginning) = &self.beginning {
            push_index(&mut out, &self.organization, NAMES, beginning, self.reach.found)?;
            out.push_sql(" UNION ALL ");
        }
        out.push_sql("SELECT 1, profile_id, words, is_end FROM named");
        Ok(())
    }
}

struct Spelled {
    organization: OrganizationId,
    sought: Sought,
    limit: usize,
}

impl QueryId for Spelled {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Spelled {
    type SqlType = (Integer, Text);
}

impl RunQueryDsl<PgConnection> for Spelled {}

impl QueryFragment<Pg> for Spelled {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.sought.push(&mut out)?;
        out.push_sql(
            " SELECT DISTINCT word, kept.term FROM sought CROSS JOIN LATERAL (\
             SELECT term FROM profile_spellings WHERE organization_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(&format!(
            " AND spelling >= low AND spelling < high ORDER BY spelling, term LIMIT {}) AS kept",
            self.limit
        ));
        Ok(())
    }
}
