//! Passwords: argon2id with the crate's defaults (OWASP's: 19 MiB, two passes), on a blocking thread.

use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Error, Result};

/// The memory that a hash fills, kept from one to the next: taken anew by whichever thread comes, the allocator would
/// keep as much for each of them.
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());
/// Who waits for the memory waits here, rather than on a thread.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// The PHC string to keep.
pub async fn hash(password: String) -> Result<String> {
    let _turn = Turn::take().await?;
    on_blocking_thread(move || {
        let (params, salt) = (Params::default(), Salt::generate());
        let kept = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(failed)?,
            salt: Some(salt),
            hash: Some(compute(&password, salt, params)?),
        };
        Ok(kept.to_string())
    })
    .await
}

/// Whether the password is the one behind the hash.
pub async fn verify(password: String, hash: String) -> Result<bool> {
    let turn = Turn::take().await?;
    on_blocking_thread(move || turn.verify(&password, &hash)).await
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
        let kept = PasswordHash::new(hash).map_err(failed)?;
        let params = Params::try_from(&kept).map_err(failed)?;
        let salt = kept.salt.ok_or_else(|| failed("a hash without salt"))?;
        // Compared in constant time.
        Ok(kept.hash == Some(compute(password, salt, params)?))
    }
}

fn compute(password: &str, salt: Salt, params: Params) -> Result<Output> {
    let blocks = params.block_count();
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let mut out = vec![0; length];
    argon2.hash_password_into_with_memory(password.as_bytes(), &salt, &mut out, &mut **memory).map_err(failed)?;
    Output::new(&out).map_err(failed)
}

async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn failed(error: impl ToString) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;

    use super::*;

    #[actix_web::test]
    async fn a_hash_fits_its_password_only() {
        let kept = hash("correct horse".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash("correct horse".to_owned()).await.unwrap());
        assert!(verify("correct horse".to_owned(), kept.clone()).await.unwrap());
        assert!(!verify("Correct horse".to_owned(), kept).await.unwrap());
    }

    #[actix_web::test]
    async fn the_crate_computes_the_same() {
        let theirs = Argon2::default().hash_password(b"correct horse").unwrap().to_string();
        assert!(verify("correct horse".to_owned(), theirs).await.unwrap());
    }
}
