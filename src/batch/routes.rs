//! Handlers of batches.

use actix_web::post;
use actix_web::web::Data;

use super::carry_out::carry_out;
use super::types::{Batch, BatchResults};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::db::Db;
use crate::error::Result;
use crate::http::body::{Body, InParts, Large};
use crate::http::problem::Problem;

/// Carry out many writes
///
/// Up to 100 operations, one after the other, in one transaction: each does what its own route would, with the same
/// rules. `results` says of each what became of it; one that is refused leaves nothing behind, and the others are done.
/// With `atomic: true`, all are done or none.
///
/// Whether an operation has what it needs is said for the whole batch (422), as is a member that stands in its object
/// twice; what else is wrong with its `body`, in its result.
/// An `Idempotency-Key` holds for the whole batch.
#[utoipa::path(tag = "batch", request_body = Batch, responses(
    (status = 200, description = "What became of each operation.", body = BatchResults, example = json!({ "results": [{
        "index": 0, "status": 201, "outcome": "created", "id": "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11", "version": 1,
    }] })),
    (status = 413, description = "`too_large`: The body is larger than 8 MiB.", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`batch_refused`: with `atomic`, an operation was refused and nothing was done. `results` says which, and why.", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/batch")]
pub async fn create_batch(caller: Caller, body: InParts<Batch>, db: Data<Db>) -> Result<Answer> {
    let InParts(Large(Body { value: batch, retry }, _room)) = body;
    let writer = caller.clone();
    db.write(&caller, retry, move |tx| Answer::ok(&carry_out(tx, &writer, &batch)?)).await
}
