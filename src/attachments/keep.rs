//! How bytes come into the storage: first their row says that they are about to, so that none is there unknown.

use bytes::Bytes;

use super::queries;
use super::store::{Blob, Store};
use crate::actor::ActorRef;
use crate::db::Db;
use crate::error::Result;
use crate::http::upload::Upload;
use crate::ids::OrganizationId;

/// Stores these, for what uses them within a day.
pub async fn store_bytes(
    db: &Db,
    store: &Store,
    organization: OrganizationId,
    contents: Vec<Bytes>,
) -> Result<Vec<Blob>> {
    let mut blobs = Vec::with_capacity(contents.len());
    for content in &contents {
        blobs.push(Store::describe(content.clone()).await?);
    }
    reserve(db, organization, &blobs).await?;
    for (blob, content) in blobs.iter().zip(contents) {
        store.write(organization, blob, content).await?;
    }
    Ok(blobs)
}

/// Stores an uploaded file, for what uses it within a day.
pub async fn store_upload(db: &Db, store: &Store, organization: OrganizationId, upload: &mut Upload) -> Result<Blob> {
    let blob = Store::describe_upload(upload)?;
    reserve(db, organization, std::slice::from_ref(&blob)).await?;
    store.write_upload(organization, &blob, upload).await?;
    Ok(blob)
}

async fn reserve(db: &Db, organization: OrganizationId, blobs: &[Blob]) -> Result<()> {
    if blobs.is_empty() {
        return Ok(());
    }
    let blobs = blobs.to_vec();
    db.act(organization, ActorRef::SYSTEM, move |tx| queries::reserve_blobs(tx, &blobs)).await
}
