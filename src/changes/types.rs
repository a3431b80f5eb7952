//! Bodies of changes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::actor::Actor;
use crate::db::events;
use crate::error::FieldCode;
use crate::http::docs::one_of;
use crate::http::query::number;
use crate::http::validate::refuse_field;
use crate::ids::EventId;

/// One thing that happened to one resource.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Change {
    pub id: EventId,
    /// `resource.verb`
    #[serde(rename = "type")]
    #[schema(value_type = ChangeType)]
    pub kind: String,
    pub resource: ChangedResource,
    /// The resource's version after it, where it has versions.
    pub version: Option<i32>,
    pub actor: Option<Actor>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangedResource {
    #[serde(rename = "type")]
    #[schema(value_type = ChangedResourceType)]
    pub kind: String,
    pub id: Uuid,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeList {
    pub data: Vec<Change>,
    /// Where to go on; never null, since there is always more to come.
    #[schema(example = "eyJhZnRlciI6…")]
    pub next_cursor: String,
}

#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "can_happen", skip_on_field_errors = false))]
#[into_params(parameter_in = Query)]
pub struct ChangeFilter {
    /// Of this type; repeat it for any of several.
    #[serde(default, rename = "type")]
    #[param(value_type = Vec<ChangeType>, example = json!(["profile.updated"]))]
    pub kind: Vec<String>,
    /// How many seconds to wait for a change when there is none yet.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 0, max = 30))]
    #[param(minimum = 0, maximum = 30, default = 0)]
    pub wait: Option<i64>,
}

/// What can happen, for the document.
pub struct ChangeType;

impl PartialSchema for ChangeType {
    fn schema() -> RefOr<Schema> {
        one_of(events::KINDS, "`resource.verb`", "profile.updated")
    }
}

impl ToSchema for ChangeType {}

/// What it can happen to, for the document.
pub struct ChangedResourceType;

impl PartialSchema for ChangedResourceType {
    fn schema() -> RefOr<Schema> {
        let mut resources: Vec<&'static str> = events::KINDS.iter().filter_map(|kind| kind.split('.').next()).collect();
        resources.dedup();
        one_of(resources, "What it happened to", "profile")
    }
}

impl ToSchema for ChangedResourceType {}

/// A type that nothing has would be waited for in vain. A rule of the whole, since the parameter has another name.
fn can_happen(filter: &ChangeFilter) -> Result<(), ValidationError> {
    let Some(kind) = filter.kind.iter().find(|kind| !events::KINDS.contains(&kind.as_str())) else { return Ok(()) };
    Err(refuse_field("type", FieldCode::Choice, format!("nothing has the type {kind}")))
}
