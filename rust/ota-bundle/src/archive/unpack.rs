//! Inflating a whole archive on several threads.

use std::io::{self, Read};

use ota_protocol::Digest;

use super::content::{Buffers, Content};
use super::{Archive, ReadAt, UnpackError};
use crate::parallel;
use crate::path::BundlePath;
use crate::tree::{TreeEntry, TreeList};

/// Where the files of an archive go.
pub trait Sink: Sync {
    /// A folder that files need: `a/b`, after `a`, before any file, each once.
    ///
    /// # Errors
    /// Any; it ends the unpacking and comes back as [`UnpackError::Sink`].
    fn folder(&self, path: &str) -> io::Result<()>;

    /// A file: `content` yields exactly `size` bytes, then ends. It is called on several threads at once.
    ///
    /// Read into a large buffer (64 KiB or more): what `content` gives is inflated straight into it. An error of
    /// `content` must be returned as it is; it comes back as the fault that it was. The last bytes are handed out only after size,
    /// checksum and stream were checked; what was not read is checked all the same.
    ///
    /// # Errors
    /// Any; it ends the unpacking and comes back as [`UnpackError::Sink`].
    fn file(&self, path: &BundlePath, size: u64, content: &mut dyn Read) -> io::Result<()>;
}

/// Throws everything away: unpacking into it checks an archive and gives its tree list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl Sink for Discard {
    fn folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn file(&self, _: &BundlePath, _: u64, _: &mut dyn Read) -> io::Result<()> {
        Ok(())
    }
}

impl<R: ReadAt> Archive<R> {
    /// Inflates every file into `sink` on up to `threads` threads (the caller's is one of them), largest first, and
    /// gives the tree list of what came out. Blocks. Uses less than 256 KiB of buffers for each thread, whatever the
    /// archive.
    ///
    /// Each file's size and CRC are checked and its SHA-256 is computed in the same pass. After an error nothing that
    /// the sink was given is to be used.
    ///
    /// # Errors
    /// The first [`UnpackError`]; it stops all threads.
    pub fn unpack(&self, sink: &dyn Sink, threads: usize) -> Result<TreeList, UnpackError> {
        for folder in self.folders() {
            sink.folder(folder).map_err(|source| UnpackError::Sink { path: folder.to_owned(), source })?;
        }
        let order = parallel::largest_first(self.entries.iter().map(|entry| entry.size));
        let hashes = parallel::for_each(threads, &order, Buffers::new, |buffers, at, stop| {
            let entry = &self.entries[at];
            let mut content = Content::new(&self.reader, entry, buffers, stop);
            let taken = sink.file(&entry.path, entry.size, &mut content);
            content.finish(taken)
        })?;
        let tree_entry = |(entry, hash): (&super::Entry, Digest)| TreeEntry {
            path: entry.path.clone(),
            size: entry.size,
            hash,
        };
        Ok(TreeList::from_checked(self.entries.iter().zip(hashes).map(tree_entry).collect()))
    }
}
