//! Files. The agent touches the disk through this trait alone.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use ota_bundle::ReadAt;

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// Whether it is a folder.
    pub is_dir: bool,
}

/// What is at a path. Links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub len: u64,
    /// Whether it is a folder.
    pub is_dir: bool,
}

/// Room on a file system, for this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes.
    pub bytes: u64,
    /// Files and folders; `u64::MAX` where the file system does not count them.
    pub inodes: u64,
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// By one.
    Exclusive,
    /// By any number, while nobody has it exclusively.
    Shared,
}

/// A lock that is held until this is dropped, or the process ends.
pub trait Lock: Send + Sync {}

/// A file being written.
pub trait WriteFile: Send {
    /// Appends `bytes`.
    ///
    /// # Errors
    /// The system's. Some of the bytes may have been written.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when content and size would survive a power cut. The name is another matter: [`Fs::sync_dir`].
    ///
    /// # Errors
    /// The system's. The content must then be taken for lost.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk, as far as the agent needs it. Errors are the system's own; the callers add operation and path.
#[allow(clippy::missing_errors_doc)] // one sentence for all of them, above
pub trait Fs: Send + Sync {
    /// The whole of a file of at most `cap` bytes; a larger one is `FileTooLarge`.
    fn read(&self, path: &Path, cap: u64) -> io::Result<Vec<u8>>;
    /// Opens a file for reading at any place.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadAt>>;
    /// Creates a file that must not exist yet.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// Opens a file to write behind its end; creates it where it is missing. Also gives its length.
    fn append(&self, path: &Path) -> io::Result<(Box<dyn WriteFile>, u64)>;
    /// Writes `bytes` over the start of a file, which keeps its length if it was longer; creates it where it is
    /// missing. Not synced, not atomic: for records that carry a checksum.
    fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Renames, replacing a file that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Creates a folder; one that is there is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a file; one that is not there is fine.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder; one that is not there is fine.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// A folder's names, in no order; a missing folder has none.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// What is at a path; `None`: nothing.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;
    /// Returns when the names in a folder would survive a power cut.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Room where `path` is.
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Takes a lock on a file, which is created where it is missing; `None`: somebody else has it. Never waits.
    fn try_lock(&self, path: &Path, kind: LockKind) -> io::Result<Option<Box<dyn Lock>>>;
    /// Takes a shared lock on a file that is there and leaves the file as it is; `None`: somebody is removing it.
    fn try_share(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}
