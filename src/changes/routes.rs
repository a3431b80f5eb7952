//! Handlers of changes.

use std::sync::Arc;
use std::time::Duration;

use actix_web::get;
use actix_web::web::Data;
use tokio::time::{Instant, sleep};

use super::queries;
use super::types::{ChangeFilter, ChangeList};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::db::Db;
use crate::error::Result;
use crate::http::page::{List, UncountedList, UncountedPageParams};

/// How often a waiting request looks again.
const PAUSE: Duration = Duration::from_millis(500);

/// Follow what happens
///
/// Everything that happened behind the cursor, oldest first, deletions, attaches and detaches included; nothing is
/// missed and nothing comes twice. Without a cursor it begins now. With `wait`, an empty answer comes only after that
/// many seconds.
///
/// Not among it: what somebody has read, in conversations and mentions, which is one user's own; and the values that went
/// with a deleted profile field, of which only `profile_field.deleted` tells.
#[utoipa::path(tag = "changes", params(ChangeFilter, UncountedPageParams), responses(
    (status = 200, description = "What happened.", body = ChangeList),
))]
#[get("/v1/changes")]
pub async fn list_changes(caller: Caller, list: UncountedList<ChangeFilter>, db: Data<Db>) -> Result<Answer> {
    let UncountedList(List { filter, mut page }) = list;
    let wait = filter.wait.unwrap_or_default();
    let until = Instant::now() + Duration::from_secs(wait.unsigned_abs());
    let filter = Arc::new(filter);
    loop {
        let (filter, asked) = (filter.clone(), page.clone());
        let changes =
            db.read(&caller, move |tx| queries::list_changes(tx.conn, tx.organization, &filter, &asked)).await?;
        let left = until.saturating_duration_since(Instant::now());
        if !changes.data.is_empty() || left.is_zero() {
            return Ok(Answer::ok(&changes)?.next_cursor(Some(changes.next_cursor)));
        }
        page = page.behind(changes.next_cursor);
        sleep(PAUSE.min(left)).await;
    }
}
