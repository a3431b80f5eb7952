//! Profiles as they are made and changed, with the words of their names: many at a time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::delete_terms;
use crate::actor::ActorType;
use crate::db::Tx;
use crate::db::rows::rows;
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileId};
use crate::profiles::draft::Draft;
use crate::profiles::terms;
use crate::profiles::types::ProfileKind;
use crate::text;

rows! {
    struct ProfileRows into "profiles" {
        id: SqlUuid = ProfileId,
        name: Text = String,
        sort_name: Text = String,
        kind: Text = ProfileKind,
        fields: Jsonb = Value,
        created_by_type: Text = ActorType,
        created_by_id: Nullable<SqlUuid> = Option<Uuid>,
        created_at: Timestamptz = DateTime<Utc>,
        updated_at: Timestamptz = DateTime<Utc>,
    }
    ""
}

rows! {
    struct ActivityRows into "profile_activity" { profile_id: SqlUuid = ProfileId, }
    ""
}

/// Makes profiles that have no words and no searched values yet.
pub fn insert_profiles<'d>(tx: &mut Tx, drafts: impl IntoIterator<Item = &'d Draft<'d>>) -> Result<()> {
    let mut rows = ProfileRows::of(tx.organization);
    let mut activities = ActivityRows::of(tx.organization);
    for Draft { id, name, kind, values, .. } in drafts {
        let (sort_name, values) = (text::sort_key(name), Value::Object(values.clone()));
        rows.push(*id, name.clone(), sort_name, *kind, values, tx.actor.kind, tx.actor.id, tx.now, tx.now);
        activities.push(*id);
    }
    rows.insert(tx.conn)?;
    activities.insert(tx.conn)?;
    Ok(())
}

/// Writes locked profiles' own fields, which have their next version then.
pub fn write_profiles<'d>(tx: &mut Tx, drafts: impl IntoIterator<Item = &'d Draft<'d>>) -> Result<()> {
    let (organization, now) = (tx.organization, tx.now);
    let mut written = WriteProfiles {
        organization,
        now,
        ids: vec![],
        names: vec![],
        sort_names: vec![],
        kinds: vec![],
        values: vec![],
    };
    for draft in drafts {
        written.ids.push(draft.id);
        written.names.push(draft.name.clone());
        written.sort_names.push(text::sort_key(&draft.name));
        written.kinds.push(draft.kind);
        written.values.push(Value::Object(draft.values.clone()));
    }
    if !written.ids.is_empty() {
        written.execute(tx.conn)?;
    }
    Ok(())
}

#[derive(Debug, QueryId)]
struct WriteProfiles {
    organization: OrganizationId,
    now: DateTime<Utc>,
    ids: Vec<ProfileId>,
    names: Vec<String>,
    sort_names: Vec<String>,
    kinds: Vec<ProfileKind>,
    values: Vec<Value>,
}

impl RunQueryDsl<PgConnection> for WriteProfiles {}

impl QueryFragment<Pg> for WriteProfiles {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "UPDATE profiles SET name = written.name, sort_name = written.sort_name, kind = written.kind, \
             fields = written.fields, version = profiles.version + 1, updated_at = ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.sort_names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Jsonb>, _>(&self.values)?;
        out.push_sql(") AS written (id, name, sort_name, kind, fields) WHERE profiles.organization_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        out.push_sql(" AND profiles.id = written.id");
        Ok(())
    }
}

rows! {
    struct TermRows into "profile_terms" {
        profile_id: SqlUuid = ProfileId,
        position: SmallInt = i16,
        term: Text = String,
        words: Text = String,
    }
    ""
}

rows! {
    struct WordRows into "profile_words" { term: Text = String, }
    "ON CONFLICT DO NOTHING RETURNING term"
}

impl Query for WordRows {
    type SqlType = Text;
}

rows! {
    struct SpellingRows into "profile_spellings" { spelling: Text = String, term: Text = String, }
    ""
}

/// Makes the words of profiles' names those by which they are found.
pub fn write_names<'d>(tx: &mut Tx, drafts: impl IntoIterator<Item = &'d Draft<'d>>) -> Result<()> {
    let mut renamed = Vec::new();
    let mut all: BTreeSet<String> = BTreeSet::new();
    let mut rows = TermRows::of(tx.organization);
    for draft in drafts {
        if !draft.is_new() {
            renamed.push(draft.id);
        }
        let terms = terms::name_terms(&draft.name);
        let joined = terms::joined(&terms);
        for (term, position) in terms.into_iter().zip(0_i16..) {
            rows.push(draft.id, position, term.clone(), joined.clone());
            all.insert(term);
        }
    }
    if !renamed.is_empty() {
        delete_terms(tx, &renamed)?;
    }
    rows.insert(tx.conn)?;
    if all.is_empty() {
        return Ok(());
    }
    // Nobody waits for a word that is known; new ones come in the same order from everyone.
    let mut words = WordRows::of(tx.organization);
    all.into_iter().for_each(|term| words.push(term));
    let new: Vec<String> = words.load(tx.conn)?;
    let mut spelled = SpellingRows::of(tx.organization);
    for term in new {
        terms::spellings(&term).into_iter().for_each(|spelling| spelled.push(spelling, term.clone()));
    }
    spelled.insert(tx.conn)?;
    Ok(())
}
