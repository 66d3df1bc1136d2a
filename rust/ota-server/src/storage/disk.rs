//! Blobs on the local disk: temporary file, fsync, rename, fsync of the directory.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ota_protocol::Checksum;

use super::{BlobStore, Staged, StagingFile};

/// The directory of blobs in the data directory.
pub(crate) const BLOBS: &str = "blobs";
/// Beside it, so that a rename moves between them.
const STAGING: &str = "staging";

/// Blobs in a data directory.
#[derive(Debug)]
pub(crate) struct DiskStore {
    blobs: PathBuf,
    staging: PathBuf,
    counter: AtomicU64,
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl DiskStore {
    /// Makes the directories where they are missing.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let (blobs, staging) = (data.join(BLOBS), data.join(STAGING));
        fs::create_dir_all(&blobs)?;
        fs::create_dir_all(&staging)?;
        sync_dir(data)?;
        Ok(Self { blobs, staging, counter: AtomicU64::new(0) })
    }

    fn path(&self, checksum: Checksum) -> PathBuf {
        self.blobs.join(checksum.to_string())
    }
}

impl BlobStore for DiskStore {
    fn stage(&self) -> io::Result<(File, StagingFile)> {
        let name = format!("upload-{}", self.counter.fetch_add(1, Ordering::Relaxed));
        let path = self.staging.join(name);
        // Read too: the same handle is checked after it was written.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok((file, StagingFile { path }))
    }

    fn keep(&self, staged: Staged) -> io::Result<()> {
        fs::rename(staged.file.path(), self.path(staged.checksum()))?;
        sync_dir(&self.blobs)
    }

    fn open(&self, checksum: Checksum) -> io::Result<File> {
        File::open(self.path(checksum))
    }

    fn remove(&self, checksum: Checksum) -> io::Result<()> {
        match fs::remove_file(self.path(checksum)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_dir(&self.blobs),
        }
    }

    fn list(&self) -> io::Result<HashMap<Checksum, u64>> {
        let mut found = HashMap::new();
        for entry in fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let name = entry.file_name();
            if let Some(Ok(checksum)) = name.to_str().map(str::parse) {
                found.insert(checksum, entry.metadata()?.len());
            } else {
                // Not ours to delete: perhaps a file that a person put there.
                tracing::warn!(?name, "a file among the blobs is not one");
            }
        }
        Ok(found)
    }

    fn clear_staging(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.staging)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn staged(store: &DiskStore, bytes: &[u8]) -> Staged {
        let (mut file, name) = store.stage().unwrap();
        file.write_all(bytes).unwrap();
        Staged::new(name, Checksum::of(bytes), bytes.len() as u64)
    }

    #[test]
    fn bytes_are_kept_once_under_their_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let store = DiskStore::open(dir.path()).unwrap();
        for _ in 0..2 {
            store.keep(staged(&store, b"zip")).unwrap();
        }
        let sum = Checksum::of(b"zip");
        assert_eq!(store.list().unwrap(), HashMap::from([(sum, 3)]));
        let mut text = String::new();
        store.open(sum).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "zip");
        for _ in 0..2 {
            store.remove(sum).unwrap();
        }
        assert_eq!(store.open(sum).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_not_kept_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = DiskStore::open(dir.path()).unwrap();
        drop(staged(&store, b"zip"));
        assert_eq!(fs::read_dir(dir.path().join(STAGING)).unwrap().count(), 0);
    }
}
