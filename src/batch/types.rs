//! Bodies of batches.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationErrors};

use super::kinds::{self, BatchOperation};
use crate::error::FieldCode;
use crate::http::patch::not_null;
use crate::http::problem::Problem;
use crate::http::validate::refuse_field;
use crate::http::version::IfMatch;
use crate::ids::{AnyId, UserId};
use crate::notes::{CreateNote, Noted};
use crate::text_enum::text_enum;

text_enum! {
    /// What is done.
    pub enum Op {
        Create = "create",
        Update = "update",
        Upsert = "upsert",
        Delete = "delete",
        Attach = "attach",
        Detach = "detach",
    }
}

text_enum! {
    /// To what: as `resource.type` of a change.
    pub enum Resource {
        Profile = "profile",
        Contact = "contact",
        Conversation = "conversation",
        Note = "note",
        Channel = "channel",
    }
}

/// Many writes, carried out one after the other.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "operations": [{
    "op": "create", "resource": "profile",
    "body": { "name": "Ada Lovelace", "contacts": [{ "medium": "email", "address": "ada@example.com" }] },
}] }))]
pub struct Batch {
    /// Whether all are done or none: without it, each by itself.
    #[serde(default)]
    pub atomic: bool,
    #[validate(length(min = 1, max = 100), nested)]
    #[schema(min_items = 1, max_items = 100, value_type = Vec<BatchOperation>)]
    pub operations: Vec<Operation>,
}

/// One of them, before its body is read.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    pub op: Op,
    pub resource: Resource,
    #[serde(default, deserialize_with = "not_null")]
    pub id: Option<AnyId>,
    #[serde(default, deserialize_with = "not_null")]
    pub upsert_on: Option<String>,
    #[serde(default, deserialize_with = "not_null", skip_serializing)]
    pub if_match: Option<IfMatch>,
    #[serde(default, deserialize_with = "object", skip_serializing)]
    pub body: Option<Value>,
}

/// Kept as it is, since only its kind says what it holds.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Map::deserialize(deserializer).map(|members| Some(Value::Object(members)))
}

/// An operation has what its kind needs, and nothing that it doesn't know.
impl Validate for Operation {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        // About several fields: they say nothing while one of them is wrong itself.
        let mut refused = |field, code, message: String| errors.add("__all__", refuse_field(field, code, message));
        let (op, resource) = (self.op, self.resource);
        let Some(kind) = kinds::find(op, resource) else {
            refused("op", FieldCode::Choice, format!("a batch doesn't {op} a {resource}"));
            return Err(errors);
        };
        for (field, is_there, is_known, is_required) in [
            ("id", self.id.is_some(), kind.has_id, kind.has_id),
            ("upsert_on", self.upsert_on.is_some(), kind.has_upsert_on, kind.has_upsert_on),
            ("if_match", self.if_match.is_some(), kind.has_if_match, false),
            ("body", self.body.is_some(), kind.body.is_some(), kind.body.is_some_and(|body| body.is_required)),
        ] {
            if is_there && !is_known {
                refused(field, FieldCode::Unknown, format!("is of no use to {op} a {resource}"));
            } else if !is_there && is_required {
                refused(field, FieldCode::Required, format!("is required to {op} a {resource}"));
            }
        }
        if self.upsert_on.as_ref().is_some_and(|key| key.contains('\0')) {
            refused("upsert_on", FieldCode::Nul, "must not contain the character NUL".to_owned());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// A note to be written, and on what.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "on": { "type": "profile", "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11" }, "body": "Prefers to be called in the morning.",
}))]
pub struct CreateNoteOn {
    pub on: Noted,
    #[schema(min_length = 1, pattern = r"[^\s\x85]", max_length = 20_000)]
    pub body: String,
    #[serde(default)]
    pub pinned: bool,
    /// Users of the organization.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub mentions: Vec<UserId>,
}

impl CreateNoteOn {
    pub fn note(&self) -> CreateNote {
        let Self { on: _, body, pinned, mentions } = self.clone();
        CreateNote { body, pinned, mentions }
    }
}

/// By the rules of the note's own route.
impl Validate for CreateNoteOn {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.note().validate()
    }
}

/// From where a contact is detached.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct DetachContact {
    /// Detaches only from this profile.
    #[serde(default)]
    pub profile_id: Option<crate::ids::ProfileId>,
}

text_enum! {
    /// What became of an operation.
    pub enum BatchOutcome {
        Created = "created",
        Updated = "updated",
        /// It was as it should be.
        Unchanged = "unchanged",
        Deleted = "deleted",
        Attached = "attached",
        Detached = "detached",
        /// Its `problem` says why.
        Refused = "refused",
        /// It could have been done, but another operation of the atomic batch was refused.
        NotDone = "not_done",
    }
}

/// What became of one operation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BatchResult {
    /// Which operation, from 0.
    #[schema(minimum = 0, maximum = 99)]
    pub index: usize,
    /// The HTTP status that it would have had alone; 424 for `not_done`.
    #[schema(example = 201, minimum = 200, maximum = 599)]
    pub status: u16,
    pub outcome: BatchOutcome,
    /// Of what was written, or what the operation names; null for what was not made.
    pub id: Option<Uuid>,
    /// The version that it has now; null for what is gone or was refused.
    pub version: Option<i32>,
    /// Why it was refused. Its fields are those of the operation's body, and `/upsert_on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Problem>)]
    pub problem: Option<Value>,
}

/// What became of a batch.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BatchResults {
    /// One for each operation, in their order.
    #[schema(max_items = 100)]
    pub results: Vec<BatchResult>,
}
