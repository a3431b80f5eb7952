//! Passwords: argon2id with the crate's defaults (OWASP's: 19 MiB, two passes), on a blocking thread.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Each hash takes 19 MiB while it is computed.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// The PHC string to keep.
pub async fn hash(password: String) -> Result<String> {
    compute(move || {
        let hash =
            Argon2::default().hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password is the one behind the hash.
pub async fn verify(password: String, hash: String) -> Result<bool> {
    compute(move || {
        let hash = PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
}

async fn compute<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _turn = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
