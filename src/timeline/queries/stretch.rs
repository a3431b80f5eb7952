//! A stretch of a timeline, read from several tables for several contacts, each in the order of an index.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::super::TimelineType;
use super::tables::Table;
use crate::ids::{ContactId, OrganizationId, ProfileId};

/// Right behind the entry with this key, whether there is one or not.
pub type Place = (DateTime<Utc>, Uuid);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Older,
    Newer,
}

impl Direction {
    fn order(self) -> &'static str {
        match self {
            Self::Older => " DESC",
            Self::Newer => "",
        }
    }

    /// What lies further on.
    pub fn further(self) -> &'static str {
        match self {
            Self::Older => " < ",
            Self::Newer => " > ",
        }
    }

    /// What lies no further than the bound; without a bound, everything.
    fn within_bound(self) -> &'static str {
        match self {
            Self::Older => {
                " >= (COALESCE((SELECT at FROM bound), '-infinity'), \
                 COALESCE((SELECT id FROM bound), '00000000-0000-0000-0000-000000000000'))"
            }
            Self::Newer => {
                " <= (COALESCE((SELECT at FROM bound), 'infinity'), \
                 COALESCE((SELECT id FROM bound), 'ffffffff-ffff-ffff-ffff-ffffffffffff'))"
            }
        }
    }
}

/// An entry, before it says anything.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct EntryKey {
    pub at: DateTime<Utc>,
    pub id: Uuid,
    pub kind: TimelineType,
    /// Of a message or a file, its own.
    pub event: Uuid,
    /// The contact or the profile by which it is on this timeline.
    pub owner: Uuid,
}

impl EntryKey {
    pub fn place(&self) -> Place {
        (self.at, self.id)
    }
}

/// The `limit` entries next to `place`.
///
/// First the heads of each source, which is a table for a contact (and for a type, where types are asked for): of many
/// sources the first, of few their first few. The `reach`-th head bounds what can be on the page: only what lies before
/// it is read, however many contacts there are and however long their histories.
#[derive(Debug, Clone)]
pub struct Stretch {
    pub organization: OrganizationId,
    profile: Option<ProfileId>,
    /// By table, whose entries are read, and with `types` of which type each.
    pub sources: Vec<(Table, Vec<Uuid>)>,
    types: Option<Vec<TimelineType>>,
    pub place: Option<Place>,
    pub direction: Direction,
    pub limit: i64,
    /// The head that bounds it.
    reach: i64,
    /// Of each source.
    heads: i64,
}

impl Stretch {
    /// The newest entries of these contacts, and of the profile itself; of these types, or of all.
    pub fn of(
        organization: OrganizationId,
        contacts: &[ContactId],
        profile: Option<ProfileId>,
        types: &[TimelineType],
        limit: i64,
    ) -> Self {
        let contacts: Vec<Uuid> = contacts.iter().map(|id| id.0).collect();
        let owners = contacts.iter().copied().chain(profile.map(|id| id.0));
        let wants = |kind| types.is_empty() || types.contains(&kind);
        let mut sources = Vec::new();
        for (kind, table) in [(TimelineType::Message, Table::Messages), (TimelineType::File, Table::Files)] {
            if wants(kind) {
                sources.push((table, contacts.clone()));
            }
        }
        let mut of_types = None;
        if types.is_empty() {
            sources.push((Table::Events, owners.collect()));
        } else {
            let mut types: Vec<TimelineType> = types.to_vec();
            types.sort_by_key(|kind| kind.as_str());
            types.dedup();
            types.retain(|kind| !matches!(kind, TimelineType::Message | TimelineType::File));
            let pairs = owners.flat_map(|owner| types.iter().map(move |kind| (owner, *kind)));
            let is_told = |(owner, kind): &(Uuid, TimelineType)| {
                profile.is_none_or(|id| id.0 == *owner || !TimelineType::OF_CONTACT_ONLY.contains(kind))
            };
            let (owners, types): (Vec<Uuid>, Vec<TimelineType>) = pairs.filter(is_told).unzip();
            if !owners.is_empty() {
                sources.push((Table::Events, owners));
                of_types = Some(types);
            }
        }
        let (place, direction) = (None, Direction::Older);
        Self { organization, profile, sources, types: of_types, place, direction, limit, reach: 1, heads: 1 }
            .limit(limit)
    }

    /// Those on this side of `place`, nearest first.
    pub fn from(self, place: Option<Place>, direction: Direction) -> Self {
        Self { place, direction, ..self }
    }

    pub fn limit(self, limit: i64) -> Self {
        Self { limit, ..self }.reach(limit)
    }

    /// At least so many up to the limit, if there are. Before one head of each there are many entries of those who write
    /// often: to leave them out and read them again costs more than to take them.
    pub fn reach(self, reach: i64) -> Self {
        let sources: usize = self.sources.iter().map(|(_, owners)| owners.len()).sum();
        let sources = i64::try_from(sources).unwrap_or(i64::MAX).max(1);
        // Some have ended, or have less.
        let heads = (4 * reach / sources).clamp(1, reach.max(1));
        Self { reach, heads, ..self }
    }

    /// Wherever they are, to be counted.
    pub fn all(self) -> All {
        All(self)
    }

    /// `owner.id`, and of events of some types `owner.type`, for everyone whose entries are sought in the table.
    fn push_owners<'b>(&'b self, table: Table, ids: &'b Vec<Uuid>, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
        out.push_sql(", ");
        match (&self.types, table) {
            (Some(types), Table::Events) => out.push_bind_param::<Array<Text>, _>(types)?,
            _ => out.push_sql("'{}'::text[]"),
        }
        out.push_sql(") AS owner (id, type)");
        Ok(())
    }

    /// The entries of one owner, from the place on.
    fn push_of_owner<'b>(&'b self, table: Table, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in [table.from(), table.only(), table.owner(), " = owner.id AND organization_id = "] {
            out.push_sql(part);
        }
        out.push_bind_param::<SqlUuid, _>(&self.organization)?;
        match (table, &self.types) {
            (Table::Events, Some(_)) => out.push_sql(" AND entry.type = owner.type"),
            (Table::Events, None) => self.push_is_told(out.reborrow())?,
            _ => {}
        }
        if let Some((at, id)) = &self.place {
            push_key(table, &mut out);
            out.push_sql(self.direction.further());
            out.push_sql("(");
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        Ok(())
    }

    /// Not on the timeline of a profile what is only on a contact's.
    fn push_is_told<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(profile) = &self.profile else { return Ok(()) };
        out.push_sql(" AND (owner_id = ");
        out.push_bind_param::<SqlUuid, _>(profile)?;
        out.push_sql(" OR entry.type <> ALL (");
        out.push_bind_param::<Array<Text>, [TimelineType]>(&TimelineType::OF_CONTACT_ONLY)?;
        out.push_sql("))");
        Ok(())
    }

    /// Of the types that are sought.
    pub fn push_told<'b>(&'b self, table: Table, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if table != Table::Events {
            return Ok(());
        }
        if let Some(types) = &self.types {
            out.push_sql(" AND entry.type = ANY (");
            out.push_bind_param::<Array<Text>, _>(types)?;
            out.push_sql(")");
        }
        self.push_is_told(out)
    }

    pub fn push_order(&self, at: &str, id: &str, out: &mut AstPass<'_, '_, Pg>) {
        for part in [" ORDER BY ", at, self.direction.order(), ", ", id, self.direction.order()] {
            out.push_sql(part);
        }
    }

    /// The heads of each source.
    fn push_heads<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (index, (table, ids)) in self.sources.iter().enumerate() {
            out.push_sql(if index == 0 { "SELECT " } else { " UNION ALL SELECT " });
            out.push_sql(table.number());
            out.push_sql(" AS source, owner.id, owner.type, head.at AS head_at, head.id AS head_id, head.place");
            self.push_owners(*table, ids, out.reborrow())?;
            out.push_sql(" CROSS JOIN LATERAL (SELECT at, id, row_number() OVER () AS place FROM (SELECT ");
            out.push_sql(table.at());
            out.push_sql(" AS at, id");
            self.push_of_owner(*table, out.reborrow())?;
            self.push_order(table.at(), "id", &mut out);
            out.push_sql(" LIMIT ");
            out.push_bind_param::<BigInt, _>(&self.heads)?;
            out.push_sql(") AS ordered) AS head");
        }
        Ok(())
    }

    /// Of each source whose head is within the bound, what is.
    fn push_found<'b>(&'b self, table: Table, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT near.at, near.id, near.type, near.event_id, owner.id AS owner \
             FROM (SELECT id, type FROM heads WHERE place = 1 AND source = ",
        );
        out.push_sql(table.number());
        out.push_sql(" AND (head_at, head_id)");
        out.push_sql(self.direction.within_bound());
        out.push_sql(") AS owner CROSS JOIN LATERAL (SELECT ");
        for part in [table.at(), " AS at, id, ", table.columns()] {
            out.push_sql(part);
        }
        self.push_of_owner(table, out.reborrow())?;
        push_key(table, &mut out);
        out.push_sql(self.direction.within_bound());
        self.push_order(table.at(), "id", &mut out);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS near");
        Ok(())
    }
}

fn push_key(table: Table, out: &mut AstPass<'_, '_, Pg>) {
    for part in [" AND (", table.at(), ", id)"] {
        out.push_sql(part);
    }
}

/// The statement depends on what is asked for: it is prepared by its text.
impl QueryId for Stretch {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Stretch {
    type SqlType = (Timestamptz, SqlUuid, Text, SqlUuid, SqlUuid);
}

impl RunQueryDsl<PgConnection> for Stretch {}

impl QueryFragment<Pg> for Stretch {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH heads AS MATERIALIZED (");
        self.push_heads(out.reborrow())?;
        // The event of a conversation may be the head of several contacts.
        out.push_sql(
            "), bound AS MATERIALIZED (SELECT head_at AS at, head_id AS id FROM heads GROUP BY head_at, head_id",
        );
        self.push_order("head_at", "head_id", &mut out);
        out.push_sql(" LIMIT 1 OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.reach)?;
        out.push_sql(" - 1) SELECT DISTINCT ON (at, id) at, id, type, event_id, owner FROM (");
        for (index, (table, _)) in self.sources.iter().enumerate() {
            if index > 0 {
                out.push_sql(" UNION ALL ");
            }
            self.push_found(*table, out.reborrow())?;
        }
        out.push_sql(") AS found");
        self.push_order("at", "id", &mut out);
        out.push_sql(", owner LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

/// Every entry, in no order: what the planner can estimate.
#[derive(Debug, Clone)]
pub struct All(Stretch);

impl QueryId for All {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for All {
    type SqlType = SqlUuid;
}

impl QueryFragment<Pg> for All {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self(stretch) = self;
        for (index, (table, ids)) in stretch.sources.iter().enumerate() {
            out.push_sql(if index == 0 { "" } else { " UNION ALL " });
            // The event of a conversation is there for several contacts.
            out.push_sql(if *table == Table::Events { "SELECT DISTINCT id" } else { "SELECT id" });
            for part in [table.from(), table.only(), table.owner(), " = ANY ("] {
                out.push_sql(part);
            }
            out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
            out.push_sql(") AND organization_id = ");
            out.push_bind_param::<SqlUuid, _>(&stretch.organization)?;
            stretch.push_told(*table, out.reborrow())?;
        }
        Ok(())
    }
}
