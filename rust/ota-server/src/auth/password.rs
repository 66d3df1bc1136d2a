//! Passwords: hashed with argon2, a few at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use ota_protocol::Code;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Checked at once. Each takes 19 MiB and a core for some 20 ms: one at a time leaves the other cores to devices.
const AT_ONCE: usize = 1;
/// Waiting for their turn; further ones are told to come again.
const WAITING: usize = 64;
/// The longest password, in bytes; longer ones are wrong without a look.
pub(crate) const LONGEST: usize = 1024;

/// Hashes a password in PHC form. Blocks for some 20 ms.
///
/// # Errors
/// Where the system gives no random bytes.
pub(crate) fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| argon2::password_hash::Error::Crypto)?;
    let salt = SaltString::encode_b64(&salt)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Checks passwords.
pub(crate) struct Passwords {
    turn: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// What the password of an unknown user is held against, so that it takes the same time.
    decoy: String,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, argon2::password_hash::Error> {
        Ok(Self {
            turn: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(WAITING)),
            decoy: hash("decoy")?,
        })
    }

    /// Whether `password` is the one that was hashed; `None`: there is no such user, which takes as long.
    ///
    /// # Errors
    /// `unavailable` while too many others wait.
    pub(crate) async fn check(&self, password: String, hash: Option<String>) -> Result<bool, ApiError> {
        let busy = || ApiError::of(Code::Unavailable).retry_after(2);
        let _place = self.queue.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = self.turn.clone().acquire_owned().await.map_err(|_| busy())?;
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        crate::blocking(move || {
            let _turn = turn; // held until the work is done, also where the client has gone
            Ok(verify(&password, &hash) && is_known)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_two_are_equal() {
        let (one, two) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert_ne!(one, two);
        assert!(verify("correct horse", &one) && !verify("wrong horse", &one));
        assert!(!verify("correct horse", "not a hash"));
    }
}
