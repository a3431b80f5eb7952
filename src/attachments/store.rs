//! Where the bytes of files are kept: a folder, or a bucket of S3.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use url::Url;

use super::{content_type, thumbnail};
use crate::error::{Error, Result};
use crate::http::upload::Upload;
use crate::ids::OrganizationId;

/// What one request to the storage carries; S3 takes no less than 5 MiB in a part that isn't the last.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way at a time.
const PARTS_AT_A_TIME: usize = 1;

/// Bytes that are written, and what they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Blob {
    pub sha256: Vec<u8>,
    pub byte_size: i64,
    /// As the bytes say.
    pub content_type: Option<String>,
    /// In pixels, of images that a browser shows, the way up that they are shown.
    pub width: Option<i32>,
    pub height: Option<i32>,
}

impl Blob {
    /// `head` is the beginning of the bytes, enough to tell what they are.
    fn new(sha256: Vec<u8>, byte_size: u64, head: &[u8]) -> Result<Self> {
        let content_type = content_type::detect(head).map(str::to_owned);
        let byte_size = i64::try_from(byte_size).map_err(Error::internal)?;
        let mut blob = Self { sha256, byte_size, content_type, width: None, height: None };
        let size = if blob.is_picture() { imagesize::blob_size(head).ok() } else { None };
        let pixels = |side: usize| i32::try_from(side).ok();
        (blob.width, blob.height) = size.and_then(|size| pixels(size.width).zip(pixels(size.height))).unzip();
        if blob.width.is_some() && thumbnail::is_turned(head) {
            (blob.width, blob.height) = (blob.height, blob.width);
        }
        Ok(blob)
    }

    /// Whether it is an image that a browser shows.
    pub fn is_picture(&self) -> bool {
        self.content_type.as_deref().is_some_and(content_type::is_picture)
    }
}

/// The storage of blobs, each once an organization, named by its SHA-256.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: String,
}

impl Store {
    /// From `file:///folder/` or `s3://bucket/prefix`, or says in one line why not.
    pub fn open(url: &str) -> Result<Self, String> {
        let refused = |reason: &dyn std::fmt::Display| {
            format!("DOSSIER_STORAGE_URL: {}.", reason.to_string().replace('\n', " ").trim_end_matches('.'))
        };
        let parsed = Url::parse(url).map_err(|error| refused(&format!("{url} is not a URL: {error}")))?;
        match parsed.scheme() {
            "file" => {
                let folder = parsed.to_file_path().map_err(|()| refused(&format!("{url} names no folder here")))?;
                std::fs::create_dir_all(&folder)
                    .map_err(|error| refused(&format!("{} can't be made: {error}", folder.display())))?;
                let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|error| refused(&error))?;
                Ok(Self { objects: Arc::new(objects.with_fsync(true)), prefix: String::new() })
            }
            "s3" => {
                let bucket = parsed.host_str().ok_or_else(|| refused(&format!("{url} names no bucket")))?;
                let objects =
                    AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(|error| refused(&error))?;
                Ok(Self { objects: Arc::new(objects), prefix: parsed.path().trim_matches('/').to_owned() })
            }
            scheme => Err(refused(&format!("{scheme}:// is not supported: use file:///folder or s3://bucket/prefix"))),
        }
    }

    /// What these bytes are.
    pub async fn describe(bytes: Bytes) -> Result<Blob> {
        let described =
            tokio::task::spawn_blocking(move || Blob::new(Sha256::digest(&bytes).to_vec(), bytes.len() as u64, &bytes));
        described.await.map_err(Error::internal)?
    }

    /// What an uploaded file is.
    pub fn describe_upload(upload: &Upload) -> Result<Blob> {
        Blob::new(upload.sha256.clone(), upload.byte_size, &upload.head)
    }

    /// Writes bytes of which no row tells beforehand, where they aren't there already.
    pub async fn put(&self, organization: OrganizationId, bytes: Bytes) -> Result<Blob> {
        let blob = Self::describe(bytes.clone()).await?;
        self.write(organization, &blob, bytes).await?;
        Ok(blob)
    }

    /// Writes the bytes of a blob, where they aren't there already.
    pub async fn write(&self, organization: OrganizationId, blob: &Blob, bytes: Bytes) -> Result<()> {
        let path = self.path(organization, &blob.sha256);
        if !self.has(&path, bytes.len() as u64).await? {
            self.objects.put(&path, bytes.into()).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Writes an uploaded file, where it isn't there already; a part at a time, never all of it in memory.
    pub async fn write_upload(&self, organization: OrganizationId, blob: &Blob, upload: &mut Upload) -> Result<()> {
        let path = self.path(organization, &blob.sha256);
        if self.has(&path, upload.byte_size).await? {
            return Ok(());
        }
        let byte_size = usize::try_from(upload.byte_size).map_err(Error::internal)?;
        let file = upload.rewound().await?;
        if byte_size <= PART_BYTES {
            let mut bytes = Vec::with_capacity(byte_size);
            file.read_to_end(&mut bytes).await.map_err(Error::internal)?;
            self.objects.put(&path, bytes.into()).await.map_err(failed)?;
            return Ok(());
        }
        let parts = self.objects.put_multipart(&path).await.map_err(failed)?;
        let mut writer = WriteMultipart::new_with_chunk_size(parts, PART_BYTES);
        match put_parts(file, &mut writer).await {
            Ok(()) => writer.finish().await.map_err(failed)?,
            Err(error) => {
                // Parts that stay behind would be paid for.
                writer.abort().await.map_err(failed)?;
                return Err(error);
            }
        };
        Ok(())
    }

    /// Removes a blob and its thumbnail; what isn't there is removed already.
    pub async fn remove(&self, organization: OrganizationId, sha256: &[u8]) -> Result<()> {
        self.remove_thumbnail(organization, sha256).await?;
        self.delete(&self.path(organization, sha256)).await
    }

    pub async fn put_thumbnail(&self, organization: OrganizationId, sha256: &[u8], bytes: Bytes) -> Result<()> {
        self.objects.put(&self.thumbnail_path(organization, sha256), bytes.into()).await.map_err(failed)?;
        Ok(())
    }

    pub async fn remove_thumbnail(&self, organization: OrganizationId, sha256: &[u8]) -> Result<()> {
        self.delete(&self.thumbnail_path(organization, sha256)).await
    }

    async fn delete(&self, path: &Path) -> Result<()> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// All of a blob.
    pub async fn get(&self, organization: OrganizationId, sha256: &[u8]) -> Result<Bytes> {
        let found = self.objects.get(&self.path(organization, sha256)).await.map_err(failed)?;
        found.bytes().await.map_err(failed)
    }

    /// A part of a blob, as it is read.
    pub async fn read(
        &self,
        organization: OrganizationId,
        sha256: &[u8],
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        self.stream(&self.path(organization, sha256), range).await
    }

    /// A part of a blob's thumbnail, as it is read.
    pub async fn read_thumbnail(
        &self,
        organization: OrganizationId,
        sha256: &[u8],
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        self.stream(&self.thumbnail_path(organization, sha256), range).await
    }

    async fn stream(&self, path: &Path, range: Range<u64>) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        // Of an empty blob there is no range.
        let range = (!range.is_empty()).then_some(GetRange::Bounded(range));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.objects.get_opts(path, options).await.map_err(failed)?;
        Ok(found.into_stream().map_err(failed))
    }

    async fn has(&self, path: &Path, byte_size: u64) -> Result<bool> {
        match self.objects.head(path).await {
            Ok(meta) => Ok(meta.size == byte_size),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    fn path(&self, organization: OrganizationId, sha256: &[u8]) -> Path {
        let hex = hex(sha256);
        let folder = hex.get(..2).unwrap_or_default();
        Path::from(format!("{}/{organization}/{folder}/{hex}", self.prefix))
    }

    /// Beside what it is made of, and found without a name of its own.
    fn thumbnail_path(&self, organization: OrganizationId, sha256: &[u8]) -> Path {
        Path::from(format!("{}.thumbnail", self.path(organization, sha256)))
    }
}

async fn put_parts(file: &mut File, writer: &mut WriteMultipart) -> Result<()> {
    loop {
        writer.wait_for_capacity(PARTS_AT_A_TIME).await.map_err(failed)?;
        let mut part = BytesMut::with_capacity(PART_BYTES);
        while part.len() < PART_BYTES && file.read_buf(&mut part).await.map_err(Error::internal)? > 0 {}
        if part.is_empty() {
            return Ok(());
        }
        writer.put(part.freeze());
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(error: object_store::Error) -> Error {
    match error {
        // Its row says that it was written.
        object_store::Error::NotFound { .. } => Error::internal(error),
        _ => Error::unavailable(5, error),
    }
}
