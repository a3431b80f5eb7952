//! An uploaded file (multipart/form-data, RFC 7578): streamed to the disk while it is hashed, never all in memory.

use std::io::SeekFrom;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{FromRequest, HttpRequest};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};

use super::body::{broken, media_type, next_piece, refuse_encoding};
use crate::error::{Code, Error, FieldCode, FieldError, Result};

/// How much of the beginning is kept to tell what it is: an image's size may stand behind its colour profile.
const HEAD_BYTES: usize = 512 * 1024;
/// What boundaries and headers of parts may add to the file.
const FRAME_BYTES: usize = 64 * 1024;
const WRITE_BYTES: usize = 256 * 1024;

/// A file that has come in. It has no name on the disk, and is gone when this is dropped.
pub struct Upload {
    file: File,
    /// As the client says.
    pub filename: String,
    pub content_type: Option<String>,
    pub sha256: Vec<u8>,
    pub byte_size: u64,
    /// Its beginning.
    pub head: Vec<u8>,
}

impl Upload {
    /// The file, to be read from its beginning.
    pub async fn rewound(&mut self) -> Result<&mut File> {
        self.file.seek(SeekFrom::Start(0)).await.map_err(Error::internal)?;
        Ok(&mut self.file)
    }
}

/// Reads the one part of the form, which must be called `name` and hold at most `limit` bytes.
pub async fn receive(request: &HttpRequest, mut payload: Payload, name: &str, limit: usize) -> Result<Upload> {
    if media_type(request) != "multipart/form-data" {
        return Err(Error::new(Code::UnsupportedMediaType, "Content-Type must be multipart/form-data."));
    }
    refuse_encoding(request)?;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit.saturating_add(FRAME_BYTES)) {
        return Err(too_large(limit));
    }
    let mut form = Multipart::from_request(request, &mut payload).await.map_err(malformed)?;
    let mut upload = None;
    while let Some(field) = next_piece(&mut form).await? {
        let field = field.map_err(not_a_form)?;
        let part = field.name().unwrap_or_default().to_owned();
        let refused =
            |code, message: &str| Err(Error::invalid_field(FieldError::body(format!("/{part}"), code, message)));
        if part != name {
            return refused(FieldCode::Unknown, &format!("is not a part of this form, which has only {name}"));
        }
        if upload.is_some() {
            return refused(FieldCode::Repeated, "may come once");
        }
        upload = Some(save(field, limit).await?);
    }
    upload.ok_or_else(|| {
        Error::invalid_field(FieldError::body(
            format!("/{name}"),
            FieldCode::Required,
            "is required: a part with the file",
        ))
    })
}

async fn save(mut field: Field, limit: usize) -> Result<Upload> {
    let disposition = field.content_disposition();
    let filename = disposition.and_then(|disposition| {
        let extended = disposition.get_filename_ext().map(|name| String::from_utf8_lossy(&name.value).into_owned());
        extended.or_else(|| disposition.get_filename().map(unescape))
    });
    let content_type = field.content_type().map(ToString::to_string);
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?;
    let mut file = BufWriter::with_capacity(WRITE_BYTES, File::from_std(file.map_err(Error::internal)?));
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut byte_size = 0;
    while let Some(chunk) = next_piece(&mut field).await? {
        let chunk = chunk.map_err(not_a_form)?;
        byte_size += chunk.len();
        if byte_size > limit {
            return Err(too_large(limit));
        }
        let of_head = chunk.len().min(HEAD_BYTES - head.len());
        head.extend_from_slice(chunk.get(..of_head).unwrap_or_default());
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(Error::internal)?;
    }
    file.flush().await.map_err(Error::internal)?;
    Ok(Upload {
        file: file.into_inner(),
        filename: filename.unwrap_or_default(),
        content_type,
        sha256: hash.finalize().to_vec(),
        byte_size: byte_size as u64,
        head,
    })
}

/// Browsers write three characters of a name as URLs do (HTML, "multipart/form-data encoding algorithm").
fn unescape(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

fn too_large(limit: usize) -> Error {
    Error::new(Code::TooLarge, format!("A file may have at most {limit} bytes."))
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::new(Code::MalformedRequest, format!("The body is not multipart/form-data: {error}."))
}

fn not_a_form(error: MultipartError) -> Error {
    match error {
        MultipartError::Payload(_) => broken(),
        error => malformed(error),
    }
}
