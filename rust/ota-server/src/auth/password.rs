//! Passwords: hashed with argon2, one at a time.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::{Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use ota_protocol::Code;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Waiting for their turn; further ones are told to come again.
const WAITING: usize = 64;
/// The longest password, in bytes; longer ones are wrong without a look.
pub(crate) const LONGEST: usize = 1024;
const SALT_LEN: usize = 16;

/// Computes hashes in 19 MiB that are taken once and kept: memory of this size that comes and goes is not given back
/// by the system's allocator, and would be there several times over.
pub(crate) struct Hasher {
    memory: Vec<Block>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { memory: vec![Block::default(); Params::default().block_count()] }
    }
}

impl Hasher {
    /// Hashes a password in PHC form. Blocks for some 20 ms.
    pub(crate) fn hash(&mut self, password: &str) -> Result<String, argon2::password_hash::Error> {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(|_| argon2::password_hash::Error::Crypto)?;
        let text = SaltString::encode_b64(&salt)?;
        let (algorithm, version, params) = (Algorithm::default(), Version::default(), Params::default());
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(text.as_salt()),
            hash: Some(self.compute(password, &salt, algorithm, version, params)?),
        };
        Ok(hash.to_string())
    }

    fn compute(
        &mut self,
        password: &str,
        salt: &[u8],
        algorithm: Algorithm,
        version: Version,
        params: Params,
    ) -> Result<Output, argon2::password_hash::Error> {
        let (len, blocks) = (params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN), params.block_count());
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
        let argon2 = Argon2::new(algorithm, version, params);
        Output::init_with(len, |out| {
            argon2
                .hash_password_into_with_memory(password.as_bytes(), salt, out, &mut self.memory[..blocks])
                .map_err(Into::into)
        })
    }

    /// Whether `hash` is of this password.
    fn verify(&mut self, password: &str, hash: &str) -> Result<bool, argon2::password_hash::Error> {
        let hash = PasswordHash::new(hash)?;
        let (Some(expected), Some(salt)) = (hash.hash, hash.salt) else { return Ok(false) };
        let mut raw = [0; Salt::MAX_LENGTH];
        let salt = salt.decode_b64(&mut raw)?;
        let algorithm = Algorithm::try_from(hash.algorithm)?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
        // `Output` compares in constant time.
        Ok(self.compute(password, salt, algorithm, version, Params::try_from(&hash)?)? == expected)
    }
}

/// Checks passwords, one at a time: on several cores that leaves the others to devices.
pub(crate) struct Passwords {
    hasher: Arc<Mutex<Hasher>>,
    turn: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// What the password of an unknown user is held against, so that it takes the same time.
    decoy: String,
}

impl Passwords {
    pub(crate) fn new(mut hasher: Hasher) -> Result<Self, argon2::password_hash::Error> {
        let decoy = hasher.hash("decoy")?;
        Ok(Self {
            hasher: Arc::new(Mutex::new(hasher)),
            turn: Arc::new(Semaphore::new(1)),
            queue: Arc::new(Semaphore::new(WAITING)),
            decoy,
        })
    }

    /// Whether `password` is the one that was hashed; `None`: there is no such user, which takes as long.
    ///
    /// # Errors
    /// `unavailable` while too many others wait.
    pub(crate) async fn check(&self, password: String, hash: Option<String>) -> Result<bool, ApiError> {
        let busy = || ApiError::of(Code::Unavailable).retry_after(2);
        let _place = self.queue.clone().try_acquire_owned().map_err(|_| busy())?;
        // Waiting happens here rather than at the mutex, where it would hold a thread.
        let turn = self.turn.clone().acquire_owned().await.map_err(|_| busy())?;
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let hasher = self.hasher.clone();
        crate::blocking(move || {
            let _turn = turn; // held until the work is done, also where the client has gone
            let mut hasher = hasher.lock().unwrap_or_else(PoisonError::into_inner);
            let is_right = hasher
                .verify(&password, &hash)
                .map_err(|error| ApiError::internal(format!("a stored password hash is damaged: {error}")))?;
            Ok(is_right && is_known)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier;

    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_two_are_equal() {
        let mut hasher = Hasher::default();
        let (one, two) = (hasher.hash("correct horse").unwrap(), hasher.hash("correct horse").unwrap());
        assert_ne!(one, two);
        assert!(hasher.verify("correct horse", &one).unwrap());
        assert!(!hasher.verify("wrong horse", &one).unwrap());
        hasher.verify("correct horse", "not a hash").unwrap_err();
    }

    #[test]
    fn hashes_are_the_librarys_own() {
        let hash = Hasher::default().hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let parsed = PasswordHash::new(&hash).unwrap();
        Argon2::default().verify_password(b"correct horse", &parsed).unwrap();
    }
}
