//! What an earlier edition indexed is indexed anew, in the background.

use std::time::Duration;

use crate::db::{Db, PgConnection, event_texts};
use crate::error::Result;
use crate::{attachments, conversations, notes};

/// Rows of one transaction.
const AT_A_TIME: i64 = 200;
/// Leaves the database to requests in between.
const PAUSE: Duration = Duration::from_millis(20);

type Step = fn(&mut PgConnection, i64) -> Result<usize>;

const STEPS: [Step; 5] = [
    conversations::reindex_messages,
    conversations::reindex_subjects,
    notes::reindex_notes,
    attachments::reindex_attachments,
    event_texts::reindex,
];

/// Until nothing is left. Processes that run it at once share the work; one that is ended goes on when it starts again.
pub async fn reindex(db: &Db) -> Result<usize> {
    let mut total = 0;
    for step in STEPS {
        loop {
            let done = db.transact(move |conn| step(conn, AT_A_TIME)).await?;
            total += done;
            if done == 0 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(total)
}
