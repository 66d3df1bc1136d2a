//! The data directory: made, found usable, held by one server.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::is_full;

const LOCK: &str = "server.lock";
const SECRET: &str = "token.secret";
/// Bytes of the secret that signs tokens.
const SECRET_LEN: usize = 32;

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another server has it.
    #[error(
        "another ota-server runs on {path}: stop that one first, or give this one a directory of its own"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("the disk of {path} is full: free some space and start again")]
    Full {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be made or written.
    #[error(
        "cannot write {path}: make it a directory that this user may write, on a file system that is not read-only"
    )]
    Unusable {
        /// What cannot be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The secret is not one.
    #[error("{path} is damaged: delete it, and everybody logs in again")]
    Secret {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl DataDirError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| {
            let path = path.to_owned();
            if is_full(&source) { Self::Full { path } } else { Self::Unusable { path, source } }
        }
    }
}

/// A data directory that this process holds.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The system gives it up when the process ends, however it ends.
    _lock: File,
}

impl DataDir {
    /// Makes the directory where it is missing, takes it, and sees whether it can be written.
    pub(crate) fn take(path: &Path) -> Result<Self, DataDirError> {
        create(path)?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(DataDirError::at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(DataDirError::at(&lock_path)(source)),
        }
        // A full disk shows now, and not at the first deploy.
        let probe = path.join("probe");
        let written = fs::write(&probe, vec![0; 64 * 1024]).and_then(|()| File::open(&probe)?.sync_all());
        fs::remove_file(&probe).ok();
        written.map_err(DataDirError::at(path))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The secret that signs this server's tokens, made at the first call.
    pub(crate) fn secret(&self) -> Result<Vec<u8>, DataDirError> {
        let path = self.path.join(SECRET);
        let mut secret = Vec::new();
        match File::open(&path) {
            Ok(file) => {
                file.take(1024).read_to_end(&mut secret).map_err(DataDirError::at(&path))?;
                if secret.len() < SECRET_LEN { Err(DataDirError::Secret { path }) } else { Ok(secret) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                secret.resize(SECRET_LEN, 0);
                getrandom::fill(&mut secret).map_err(|_| DataDirError::Random)?;
                self.write_secret(&path, &secret).map_err(DataDirError::at(&path))?;
                Ok(secret)
            }
            Err(error) => Err(DataDirError::at(&path)(error)),
        }
    }

    fn write_secret(&self, path: &Path, secret: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        fs::remove_file(&temporary).ok();
        // `create_new` with the mode: it is never readable by others, not even for a moment.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(secret)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(&self.path)?.sync_all()
    }
}

/// Makes a data directory; it holds password hashes, so nobody else looks in.
pub(crate) fn create(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(DataDirError::at(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_one_at_a_time_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::take(dir.path()).unwrap();
        assert!(matches!(DataDir::take(dir.path()), Err(DataDirError::InUse { .. })));
        drop(first);
        DataDir::take(dir.path()).unwrap();
    }

    #[test]
    fn the_secret_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let secret = DataDir::take(dir.path()).unwrap().secret().unwrap();
        assert_eq!(DataDir::take(dir.path()).unwrap().secret().unwrap(), secret);
        let mode = fs::metadata(dir.path().join(SECRET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_in_its_place_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        fs::write(&path, "").unwrap();
        let error = DataDir::take(&path).unwrap_err();
        assert!(matches!(error, DataDirError::Unusable { .. }), "{error}");
    }

    #[test]
    fn a_damaged_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(SECRET), "short").unwrap();
        assert!(matches!(DataDir::take(dir.path()).unwrap().secret(), Err(DataDirError::Secret { .. })));
    }
}
