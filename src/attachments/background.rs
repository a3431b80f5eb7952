//! What is done with files when nobody waits: thumbnails are made, and what nothing uses is removed.
//!
//! Several processes may do it at once: each row is worked on by one of them, and what one leaves undone, another does.

use std::time::Duration;

use chrono::Utc;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::queries::{self, Pending, ThumbnailRow};
use super::store::Store;
use super::thumbnail::{self, Thumbnail};
use crate::actor::ActorRef;
use crate::db::Db;
use crate::error::{Error, Result};

/// How often it is looked whether an image came in.
const LOOK: Duration = Duration::from_secs(1);
/// How often what nothing uses is looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// After a failure, such as a database that is away.
const REST: Duration = Duration::from_secs(30);
/// How long what nothing uses is kept: whoever is about to use it is done by then.
const KEPT_HOURS: i64 = 24;
/// Rows of one transaction. Those of blobs are locked while their bytes are removed.
const UNSENT: i64 = 200;
const BLOBS: i64 = 20;

/// Makes thumbnails, one at a time, for as long as the process lives.
pub async fn make_thumbnails(db: Db, store: Store) {
    loop {
        match make_thumbnail(&db, &store).await {
            Ok(true) => {}
            Ok(false) => sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(%error, "a thumbnail was not made");
                sleep(REST).await;
            }
        }
    }
}

/// Removes what nothing uses, again and again, for as long as the process lives.
pub async fn sweep(db: Db, store: Store) {
    loop {
        if let Err(error) = sweep_once(&db, &store).await {
            tracing::warn!(%error, "unused files were not removed");
        }
        sleep(SWEEP).await;
    }
}

/// Makes the thumbnail that has waited longest. False when none waits.
pub async fn make_thumbnail(db: &Db, store: &Store) -> Result<bool> {
    let Some(pending) = db.transact(queries::take_pending).await? else { return Ok(false) };
    let Pending { organization, sha256, byte_size } = &pending;
    let made = if *byte_size > thumbnail::MAX_SOURCE_BYTES {
        Err("the file is too large".to_owned())
    } else {
        let source = store.get(*organization, sha256).await?;
        // A decoder that panics is one that can't.
        let made = tokio::task::spawn_blocking(move || thumbnail::make(&source)).await;
        made.unwrap_or_else(|error| Err(error.to_string()))
    };
    let row = match made {
        Ok(Thumbnail { content_type, bytes }) => {
            let byte_size = i64::try_from(bytes.len()).map_err(Error::internal)?;
            store.put_thumbnail(*organization, sha256, bytes.into()).await?;
            Some(ThumbnailRow { content_type: content_type.to_owned(), byte_size })
        }
        Err(reason) => {
            tracing::info!(%organization, reason, "an image has no thumbnail");
            None
        }
    };
    let (organization, sha256) = (*organization, sha256.clone());
    let is_kept = db.transact(move |conn| queries::settle_thumbnail(conn, &pending, row.as_ref())).await?;
    if !is_kept {
        // The image was removed meanwhile.
        store.remove_thumbnail(organization, &sha256).await?;
    }
    Ok(true)
}

/// Removes uploads that no message took within a day, and bytes that nothing has used for a day.
pub async fn sweep_once(db: &Db, store: &Store) -> Result<()> {
    let until = Utc::now() - chrono::Duration::hours(KEPT_HOURS);
    for organization in db.transact(move |conn| queries::owners_of_unsent(conn, until, UNSENT)).await? {
        let work = move |tx: &mut crate::db::Tx| queries::remove_unsent(tx, until, UNSENT);
        while db.act(organization, ActorRef::SYSTEM, work).await? > 0 {}
    }
    loop {
        let (store, runtime) = (store.clone(), Handle::current());
        let work = move |conn: &mut crate::db::PgConnection| {
            queries::remove_unused_blobs(conn, until, BLOBS, |organization, sha256| {
                runtime.block_on(store.remove(organization, sha256))
            })
        };
        if db.transact(work).await? == 0 {
            return Ok(());
        }
    }
}
