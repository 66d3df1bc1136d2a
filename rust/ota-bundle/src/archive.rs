//! A strict reader of zips nobody has vouched for (`docs/adr/0003-own-strict-zip-reader.md`).
//!
//! [`Archive::open`] checks all that can be known without inflating: `directory` reads the end records and the
//! central directory, `layout` holds every local header against it and accounts for every byte of the file, `select`
//! turns entries into a bundle's files. [`Archive::unpack`] (`unpack`, `content`) checks the contents while they flow.

mod bytes;
mod content;
mod directory;
mod error;
mod extra;
mod layout;
mod member;
mod read_at;
mod select;
mod unpack;

pub use error::{ArchiveError, UnpackError};
pub use read_at::ReadAt;
pub use unpack::{Discard, Sink};

use crate::limits::{LimitExceeded, Limits};
use crate::path::BundlePath;
use crate::tree::folders_of;

/// A zip whose structure was checked and whose files form a bundle; the contents are yet to be inflated.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    entries: Vec<Entry>,
    unpacked_size: u64,
}

/// One file of an [`Archive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    path: BundlePath,
    size: u64,
    compressed_size: u64,
    deflated: bool,
    crc: u32,
    /// Where its compressed bytes begin in the zip.
    offset: u64,
}

impl Entry {
    /// Where it is in the bundle (a common top folder is taken off).
    pub fn path(&self) -> &BundlePath {
        &self.path
    }

    /// Bytes, unpacked; unpacking yields exactly these or fails.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes in the zip.
    pub fn compressed_size(&self) -> u64 {
        self.compressed_size
    }
}

impl<R: ReadAt> Archive<R> {
    /// Opens a zip and checks all that can be known without inflating it. Reads the directory and every local header;
    /// blocks. Memory: in proportion to the directory, which [`Limits::files`] bounds.
    ///
    /// # Errors
    /// [`ArchiveError`]; it names the entry. [`ArchiveError::Read`] alone says nothing about the zip.
    pub fn open(reader: R, limits: &Limits) -> Result<Self, ArchiveError> {
        let size = reader.size().map_err(|source| ArchiveError::Read { source })?;
        if size > limits.archive {
            return Err(LimitExceeded::Archive { size, limit: limits.archive }.into());
        }
        let directory = directory::Directory::read(&reader, size, limits)?;
        let members = directory.members()?;
        let offsets = layout::check(&reader, &members, directory.start())?;
        let entries = select::files(&members, &offsets, limits)?;
        let unpacked_size = entries.iter().map(|entry| entry.size).sum();
        if unpacked_size > size.saturating_mul(limits.ratio) {
            return Err(LimitExceeded::Ratio { unpacked: unpacked_size, size, limit: limits.ratio }.into());
        }
        Ok(Self { reader, entries, unpacked_size })
    }
}

impl<R> Archive<R> {
    /// The number of files.
    pub fn files(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of all files together, unpacked.
    pub fn unpacked_size(&self) -> u64 {
        self.unpacked_size
    }

    /// All files, ordered by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every folder that the files need, parents first, each once.
    pub fn folders(&self) -> Vec<&str> {
        folders_of(self.entries.iter().map(|entry| &entry.path))
    }
}
