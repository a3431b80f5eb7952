//! What the environment says; secrets are never printed.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rand::Rng;

/// Bytes of a secret that can't be guessed.
const MIN_SECRET_BYTES: usize = 32;
const MIB: usize = 1024 * 1024;

/// Text that must not appear in a log.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The whole configuration. Each field names its variable.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DOSSIER_BIND`: address and port to listen on. Default 127.0.0.1:8080.
    pub bind: SocketAddr,
    /// `DATABASE_URL`: a PostgreSQL server. Default: a private one in the data directory.
    pub database_url: Option<Secret>,
    /// `DOSSIER_DATA_DIR`: where what has no other place is kept. Default ./data.
    pub data_dir: PathBuf,
    /// `DOSSIER_JWT_SECRET`: signs tokens and links, at least 32 bytes. Default: made once and kept in the data
    /// directory; required with `DATABASE_URL`.
    pub jwt_secret: Secret,
    /// `DOSSIER_STORAGE_URL`: where files go: `file:///folder` or `s3://bucket/prefix`. Default: the data directory.
    pub storage_url: String,
    /// `DOSSIER_CORS_ORIGINS`: origins of frontends, divided by commas. Default none.
    pub cors_origins: Vec<String>,
    /// `DOSSIER_DEMO`: `off` for no sample in a new private database. Default on.
    pub demo: bool,
    /// `DOSSIER_MAX_MESSAGE_MIB`: how large a message that comes in may be. Default 25.
    pub max_message_bytes: usize,
    /// `DOSSIER_MAX_UPLOAD_MIB`: how large an uploaded file may be. Default 100.
    pub max_upload_bytes: usize,
}

impl Config {
    /// Reads the environment, or says in one line what is wrong with it.
    pub fn from_env() -> Result<Self, String> {
        let data_dir = PathBuf::from(variable("DOSSIER_DATA_DIR").unwrap_or_else(|| "data".to_owned()));
        let database_url = variable("DATABASE_URL").map(Secret);
        let jwt_secret = match variable("DOSSIER_JWT_SECRET") {
            Some(secret) if secret.len() >= MIN_SECRET_BYTES => Secret(secret),
            Some(secret) => {
                return Err(format!(
                    "DOSSIER_JWT_SECRET has {} bytes and needs {MIN_SECRET_BYTES}: make one with `openssl rand -hex 32`.",
                    secret.len()
                ));
            }
            None if database_url.is_some() => {
                return Err("DOSSIER_JWT_SECRET is required with DATABASE_URL: make one with `openssl rand -hex 32`."
                    .to_owned());
            }
            None => kept_secret(&data_dir)?,
        };
        let bind = variable("DOSSIER_BIND").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        Ok(Self {
            bind: bind.parse().map_err(|_| {
                format!("DOSSIER_BIND is {bind}: it must be an address and a port, such as 127.0.0.1:8080.")
            })?,
            database_url,
            jwt_secret,
            storage_url: match variable("DOSSIER_STORAGE_URL") {
                Some(url) => url,
                None => default_storage(&data_dir)?,
            },
            data_dir,
            cors_origins: variable("DOSSIER_CORS_ORIGINS")
                .map(|origins| origins.split(',').map(|origin| origin.trim().to_owned()).collect())
                .unwrap_or_default(),
            demo: !variable("DOSSIER_DEMO").is_some_and(|value| matches!(value.as_str(), "off" | "false" | "0")),
            max_message_bytes: mebibytes("DOSSIER_MAX_MESSAGE_MIB", 25)?,
            max_upload_bytes: mebibytes("DOSSIER_MAX_UPLOAD_MIB", 100)?,
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn mebibytes(name: &str, default: usize) -> Result<usize, String> {
    let Some(text) = variable(name) else { return Ok(default * MIB) };
    match text.parse::<usize>() {
        Ok(number @ 1..=4096) => Ok(number * MIB),
        _ => Err(format!("{name} is {text}: it must be a whole number of MiB from 1 to 4096.")),
    }
}

fn default_storage(data_dir: &Path) -> Result<String, String> {
    let folder =
        std::path::absolute(data_dir.join("attachments")).map_err(|error| format!("DOSSIER_DATA_DIR: {error}."))?;
    url::Url::from_directory_path(&folder)
        .map(|url| url.to_string())
        .map_err(|()| format!("DOSSIER_DATA_DIR: {} can't be written as a URL.", folder.display()))
}

/// A secret of our own, made on first use.
fn kept_secret(data_dir: &Path) -> Result<Secret, String> {
    let file = data_dir.join("jwt.secret");
    let failed = |error: std::io::Error| format!("{} can't be read or made: {error}.", file.display());
    match std::fs::read_to_string(&file) {
        Ok(secret) if secret.trim().len() >= MIN_SECRET_BYTES => return Ok(Secret(secret.trim().to_owned())),
        Ok(_) => return Err(format!("{} holds less than {MIN_SECRET_BYTES} bytes: remove it.", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let mut bytes = [0; MIN_SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // Made under another name and linked, so that of two processes that start together one wins, whole.
    let draft = tempfile::NamedTempFile::new_in(data_dir).map_err(failed)?;
    std::fs::write(draft.path(), &secret).map_err(failed)?;
    match draft.persist_noclobber(&file) {
        Ok(_) => Ok(Secret(secret)),
        Err(lost) if lost.error.kind() == std::io::ErrorKind::AlreadyExists => kept_secret(data_dir),
        Err(lost) => Err(failed(lost.error)),
    }
}
