//! The values that profiles keep, many at a time.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Jsonb, Text, Timestamptz, Uuid};
use serde_json::Value;

use crate::db::Tx;
use crate::error::Result;
use crate::ids::{OrganizationId, ProfileFieldId, ProfileId};

/// Writes another value of one field into each of these locked profiles, which has a new version then.
pub fn write_values(tx: &mut Tx, field: ProfileFieldId, values: Vec<(ProfileId, Value)>) -> Result<()> {
    let (profiles, values) = values.into_iter().unzip();
    let (organization, now) = (tx.organization, tx.now);
    WriteValues { organization, field: field.to_string(), profiles, values, now }.execute(tx.conn)?;
    Ok(())
}

#[derive(Debug, QueryId)]
struct WriteValues {
    organization: OrganizationId,
    field: String,
    profiles: Vec<ProfileId>,
    values: Vec<Value>,
    now: DateTime<Utc>,
}

impl RunQueryDsl<PgConnection> for WriteValues {}

impl QueryFragment<Pg> for WriteValues {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("UPDATE profiles SET fields = profiles.fields || jsonb_build_object(");
        out.push_bind_param::<Text, _>(&self.field)?;
        out.push_sql(", written.value), version = profiles.version + 1, updated_at = ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.profiles)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Jsonb>, _>(&self.values)?;
        out.push_sql(") AS written (id, value) WHERE profiles.organization_id = ");
        out.push_bind_param::<Uuid, _>(&self.organization)?;
        out.push_sql(" AND profiles.id = written.id");
        Ok(())
    }
}
