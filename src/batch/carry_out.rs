//! Operations, carried out by the verbs that their own routes call: many profiles to be saved together, else each by
//! itself.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;
use validator::Validate;

use super::queries;
use super::types::{
    Batch, BatchOutcome, BatchResult, BatchResults, CreateNoteOn, DetachContact, Op, Operation, Resource,
};
use crate::actor::Caller;
use crate::channels::{self, Channel};
use crate::contacts::{self, ContactRow};
use crate::conversations;
use crate::db::Tx;
use crate::db::moved::today;
use crate::error::{Code, Error, FieldError, Kind, Result, despite};
use crate::http::body::fit;
use crate::http::problem;
use crate::http::version::IfMatch;
use crate::ids::{ChannelId, ContactId, ConversationId, NoteId, ProfileId};
use crate::notes::{self, Note, NotedType, On};
use crate::profiles::{self, CreateProfile, Outcome, Saved};

const FAILED_DEPENDENCY: u16 = 424;

/// What is known to be wrong with an operation's body, to be told with what carrying it out finds.
type Faults = Vec<FieldError>;

/// What an operation wrote.
struct Written {
    status: u16,
    outcome: BatchOutcome,
    id: Uuid,
    version: Option<i32>,
}

/// Carries out the whole batch. Fails where it is atomic and an operation is refused, and for what only happens to be
/// in the way: then it is worth a retry as a whole.
pub fn carry_out(tx: &mut Tx, caller: &Caller, batch: &Batch) -> Result<BatchResults> {
    // Batches lock in the order of their operations, and may wait for each other in a circle over what they name by other
    // than its id. Who was in one before isn't again.
    let alone = tx.again;
    queries::lock_batches(tx, alone, batch.operations.iter().filter_map(|operation| Some(operation.id?.0)))?;
    let mut results = Vec::new();
    for run in batch.operations.chunk_by(Operation::goes_with) {
        carry_out_run(tx, caller, run, &mut results)?;
    }
    let refused = results.iter().filter(|result| result.problem.is_some()).count();
    if batch.atomic && refused > 0 {
        return Err(none_done(&batch.operations, results, refused));
    }
    Ok(BatchResults { results })
}

/// Carries out operations together; where one is refused, those are undone, and each half is tried by itself. So each
/// has its own result, as if they came one after the other.
fn carry_out_run(tx: &mut Tx, caller: &Caller, run: &[Operation], results: &mut Vec<BatchResult>) -> Result<()> {
    let index = results.len();
    match (tx.savepoint(|tx| write_run(tx, caller, run)), run) {
        (Ok(written), _) => results.extend(written.into_iter().zip(index..).map(|(written, index)| {
            let Written { status, outcome, id, version } = written;
            BatchResult { index, status, outcome, id: Some(id), version, problem: None }
        })),
        (Err(error), _)
            if error.is_transient() || matches!(error.code().kind(), Kind::Internal | Kind::Unavailable) =>
        {
            return Err(error);
        }
        (Err(error), [operation]) => results.push(BatchResult {
            index,
            status: problem::status(error.code()).as_u16(),
            outcome: BatchOutcome::Refused,
            id: operation.id.map(|id| id.0),
            version: None,
            problem: Some(problem::value(&error, caller.request_id)),
        }),
        (Err(_), _) => {
            let (first, second) = run.split_at(run.len() / 2);
            carry_out_run(tx, caller, first, results)?;
            carry_out_run(tx, caller, second, results)?;
        }
    }
    Ok(())
}

fn none_done(operations: &[Operation], mut results: Vec<BatchResult>, refused: usize) -> Error {
    for (result, operation) in results.iter_mut().zip(operations).filter(|(result, _)| result.problem.is_none()) {
        result.status = FAILED_DEPENDENCY;
        result.outcome = BatchOutcome::NotDone;
        // What was made is gone again.
        result.id = operation.id.map(|id| id.0);
        result.version = None;
    }
    let detail = format!("Nothing was done: {refused} of {} operations were refused.", results.len());
    match serde_json::to_value(results) {
        Ok(results) => Error::new(Code::BatchRefused, detail).with("results", results),
        Err(error) => Error::internal(error),
    }
}

fn write_run(tx: &mut Tx, caller: &Caller, run: &[Operation]) -> Result<Vec<Written>> {
    match run {
        [first, ..] if first.saves_profile() => save_profiles(tx, first.upsert_on.as_deref(), run),
        _ => run.iter().map(|operation| write(tx, caller, operation)).collect(),
    }
}

/// Makes profiles, or changes those that have the same value of `upsert_on`.
fn save_profiles(tx: &mut Tx, upsert_on: Option<&str>, run: &[Operation]) -> Result<Vec<Written>> {
    let mut faults = Vec::new();
    let bodies: Vec<CreateProfile> = run.iter().map(|operation| operation.body(&mut faults)).collect::<Result<_>>()?;
    let if_match: Vec<IfMatch> = run.iter().map(Operation::if_match).collect();
    let saved = profiles::save_profiles(tx, upsert_on, &if_match, &bodies).map_err(Error::parameters_in_body);
    let saved = despite(faults, saved)?;
    let written = saved.into_iter().map(|Saved { id, version, outcome }| {
        let (status, outcome) = match outcome {
            Outcome::Created => (201, BatchOutcome::Created),
            Outcome::Updated => (200, BatchOutcome::Updated),
            Outcome::Unchanged => (200, BatchOutcome::Unchanged),
        };
        Written { status, outcome, id: id.0, version: Some(version) }
    });
    Ok(written.collect())
}

fn write(tx: &mut Tx, caller: &Caller, operation: &Operation) -> Result<Written> {
    if operation.resource == Resource::Channel {
        caller.require_admin()?;
    }
    let mut faults = Vec::new();
    let written = match operation.op {
        Op::Create | Op::Upsert => create(tx, caller, operation, &mut faults),
        Op::Update => update(tx, operation, &mut faults),
        Op::Delete => delete(tx, caller, operation),
        Op::Attach => attach(tx, operation, &mut faults),
        Op::Detach => detach(tx, operation, &mut faults),
    };
    despite(faults, written)
}

fn create(tx: &mut Tx, caller: &Caller, operation: &Operation, faults: &mut Faults) -> Result<Written> {
    let (id, version) = match operation.resource {
        Resource::Contact => {
            let ContactRow { id, version, .. } = contacts::create_contact(tx, &operation.body(faults)?)?;
            (id.0, version)
        }
        Resource::Conversation => {
            let (id, version) = conversations::create_conversation(tx, caller.user, &operation.body(faults)?)?;
            (id.0, version)
        }
        Resource::Note => {
            let body: CreateNoteOn = operation.body(faults)?;
            let on = match body.on.kind {
                NotedType::Profile => On::Profile(ProfileId(body.on.id)),
                NotedType::Contact => On::Contact(ContactId(body.on.id)),
                NotedType::Conversation => On::Conversation(today(tx, ConversationId(body.on.id))?),
            };
            let Note { id, version, .. } = notes::create_note(tx, on, &body.note())?;
            (id.0, version)
        }
        Resource::Channel => {
            let Channel { id, version, .. } = channels::insert_channel(tx, &operation.body(faults)?)?;
            (id.0, version)
        }
        Resource::Profile => return Err(no_such_kind()),
    };
    Ok(Written { status: 201, outcome: BatchOutcome::Created, id, version: Some(version) })
}

fn update(tx: &mut Tx, operation: &Operation, faults: &mut Faults) -> Result<Written> {
    let (mut id, if_match) = (operation.id()?, operation.if_match());
    let happened = tx.happened();
    let version = match operation.resource {
        Resource::Profile => profiles::update_profile(tx, ProfileId(id), &if_match, &operation.body(faults)?)?.version,
        Resource::Contact => contacts::update_contact(tx, ContactId(id), &if_match, &operation.body(faults)?)?.version,
        Resource::Conversation => {
            let body = operation.body(faults)?;
            // Where its own route would lead there, with 308 or, with a condition, 412.
            let today = today(tx, ConversationId(id))?;
            if today.0 != id {
                if_match.check_moved()?;
            }
            id = today.0;
            conversations::update_conversation(tx, today, &if_match, &body)?
        }
        Resource::Note => notes::update_note(tx, NoteId(id), &if_match, &operation.body(faults)?)?.version,
        Resource::Channel => channels::update_channel(tx, ChannelId(id), &if_match, &operation.body(faults)?)?.version,
    };
    Ok(done(tx, happened, BatchOutcome::Updated, id, version))
}

fn delete(tx: &mut Tx, caller: &Caller, operation: &Operation) -> Result<Written> {
    let (id, if_match) = (operation.id()?, operation.if_match());
    match operation.resource {
        Resource::Profile => profiles::delete_profile(tx, ProfileId(id), &if_match)?,
        Resource::Contact => contacts::delete_contact(tx, ContactId(id), &if_match)?,
        Resource::Note => notes::delete_note(tx, caller, NoteId(id), &if_match)?,
        Resource::Channel => channels::delete_channel(tx, ChannelId(id), &if_match)?,
        Resource::Conversation => return Err(no_such_kind()),
    }
    Ok(Written { status: 204, outcome: BatchOutcome::Deleted, id, version: None })
}

fn attach(tx: &mut Tx, operation: &Operation, faults: &mut Faults) -> Result<Written> {
    let (id, happened) = (operation.id()?, tx.happened());
    let moved = profiles::attach(tx, ContactId(id), &operation.if_match(), &operation.body(faults)?)?;
    let written = done(tx, happened, BatchOutcome::Attached, id, moved.version);
    Ok(Written { status: if moved.created { 201 } else { 200 }, ..written })
}

fn detach(tx: &mut Tx, operation: &Operation, faults: &mut Faults) -> Result<Written> {
    let (id, happened) = (operation.id()?, tx.happened());
    let DetachContact { profile_id } = operation.body(faults)?;
    let version = profiles::detach_contact(tx, ContactId(id), &operation.if_match(), profile_id)?;
    let written = done(tx, happened, BatchOutcome::Detached, id, version);
    Ok(Written { status: 204, ..written })
}

/// Of what was there: nothing changed where nothing happened.
fn done(tx: &Tx, happened: usize, outcome: BatchOutcome, id: Uuid, version: i32) -> Written {
    let outcome = if tx.happened() == happened { BatchOutcome::Unchanged } else { outcome };
    Written { status: 200, outcome, id, version: Some(version) }
}

impl Operation {
    fn saves_profile(&self) -> bool {
        matches!((self.op, self.resource), (Op::Create | Op::Upsert, Resource::Profile))
    }

    /// Whether the two can be carried out together.
    fn goes_with(&self, next: &Self) -> bool {
        self.saves_profile() && next.saves_profile() && self.upsert_on == next.upsert_on
    }

    /// As its route would have it, with what its rules have against it among the faults.
    fn body<T: DeserializeOwned + Validate>(&self, faults: &mut Faults) -> Result<T> {
        static EMPTY: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::Object(Map::new()));
        let (body, broken) = fit(self.body.as_ref().unwrap_or(&EMPTY))?;
        faults.extend(broken);
        Ok(body)
    }

    fn id(&self) -> Result<Uuid> {
        self.id.map(|id| id.0).ok_or_else(no_such_kind)
    }

    fn if_match(&self) -> IfMatch {
        self.if_match.clone().unwrap_or_default()
    }
}

/// Operations are checked before they are carried out.
fn no_such_kind() -> Error {
    Error::internal("an operation that the table of kinds doesn't have")
}
