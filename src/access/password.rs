//! Passwords: argon2id with the crate's defaults (OWASP's: 19 MiB, two passes), on a blocking thread.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Error, Result};

/// Each hash takes 19 MiB while it is computed.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// The PHC string to keep.
pub async fn hash(password: String) -> Result<String> {
    let _turn = Turn::take().await?;
    compute(move || {
        let hash =
            Argon2::default().hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password is the one behind the hash.
pub async fn verify(password: String, hash: String) -> Result<bool> {
    let _turn = Turn::take().await?;
    compute(move || fits(&password, &hash)).await
}

/// The right to compute one hash at a time.
pub struct Turn {
    _permit: SemaphorePermit<'static>,
}

impl Turn {
    pub async fn take() -> Result<Self> {
        let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
        Ok(Self { _permit })
    }

    /// As [`verify`], on this thread: for one that may block, such as that of a transaction.
    pub fn verify(&self, password: &str, hash: &str) -> Result<bool> {
        fits(password, hash)
    }
}

async fn compute<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn fits(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}
