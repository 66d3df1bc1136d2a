//! Where the bytes of releases are: named by their checksum, so that equal bytes are kept once.

mod disk;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use ota_protocol::Checksum;

pub(crate) use disk::BLOBS;
pub(crate) use disk::DiskStore;

/// Bytes of releases, by their SHA-256. All calls block.
pub(crate) trait BlobStore: Send + Sync {
    /// An empty file to receive bytes into; it goes when it is dropped.
    ///
    /// # Errors
    /// What the system says.
    fn stage(&self) -> io::Result<(File, StagingFile)>;

    /// Makes received bytes durable under their name. The same bytes a second time change nothing.
    ///
    /// # Errors
    /// What the system says; nothing is kept then.
    fn keep(&self, staged: Staged) -> io::Result<()>;

    /// Opens bytes for reading.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::NotFound`] where there are none.
    fn open(&self, checksum: Checksum) -> io::Result<File>;

    /// Deletes bytes; none there is fine.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, checksum: Checksum) -> io::Result<()>;

    /// Every name there is, with the number of bytes.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<HashMap<Checksum, u64>>;

    /// Deletes what was received and never kept.
    ///
    /// # Errors
    /// What the system says.
    fn clear_staging(&self) -> io::Result<()>;
}

/// A file in staging; deleted when dropped.
#[derive(Debug)]
pub(crate) struct StagingFile {
    path: PathBuf,
}

impl StagingFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StagingFile {
    fn drop(&mut self) {
        // After `keep` there is nothing under this name; what stays behind otherwise is swept at the next start.
        std::fs::remove_file(&self.path).ok();
    }
}

/// Bytes that were received, hashed and made durable.
#[derive(Debug)]
pub(crate) struct Staged {
    file: StagingFile,
    checksum: Checksum,
    size: u64,
}

impl Staged {
    /// The caller hashed the file's `size` bytes and synced them.
    pub(crate) fn new(file: StagingFile, checksum: Checksum, size: u64) -> Self {
        Self { file, checksum, size }
    }

    /// SHA-256 of the bytes.
    pub(crate) fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// Their number.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Opens them for reading.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(self.file.path())
    }
}
