//! The tree list: the canonical text that lists a bundle's files, and whose hash is the bundle's identity.

use std::fmt::Write as _;

use ota_protocol::{Digest, Root};

use crate::limits::{LimitExceeded, Limits, Tally, check_folders};
use crate::path::{BundlePath, Collision, InvalidPath, PathSet};

const HEADER: &str = "ota-tree-1\n";

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Where it is.
    pub path: BundlePath,
    /// Its bytes.
    pub size: u64,
    /// The SHA-256 of its content.
    pub hash: Digest,
}

/// The files of a bundle, ordered by path, without collisions and within limits: proven when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TreeList {
    entries: Vec<TreeEntry>,
    unpacked_size: u64,
}

/// Not a tree list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTree {
    /// The first line is not `ota-tree-1`.
    #[error("not a tree list: it must begin with the line ota-tree-1")]
    Header,
    /// A line is not hash, size and path in their one canonical form, or the last one is not ended.
    #[error("line {line} of the tree list is not hash, size and path")]
    Line {
        /// Counted from 1; the header is line 1.
        line: usize,
    },
    /// A path breaks a path rule.
    #[error("line {line} of the tree list: {source}")]
    Path {
        /// Counted from 1; the header is line 1.
        line: usize,
        /// The rule.
        source: InvalidPath,
    },
    /// The lines are not in the order of their paths' bytes.
    #[error("line {line} of the tree list is out of order")]
    Order {
        /// Counted from 1; the header is line 1.
        line: usize,
    },
    /// Two paths cannot live in one bundle.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// The bundle is larger than it may be.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl TreeList {
    /// The list of these files, in any order.
    ///
    /// # Errors
    /// [`InvalidTree::Path`] (lines in list order) where `limits` are narrower than the format's,
    /// [`InvalidTree::Collision`], [`InvalidTree::Limit`].
    pub fn new(mut entries: Vec<TreeEntry>, limits: &Limits) -> Result<Self, InvalidTree> {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        for (at, entry) in entries.iter().enumerate() {
            BundlePath::within(entry.path.as_str(), limits)
                .map_err(|source| InvalidTree::Path { line: at + 2, source })?;
        }
        Self::checked(entries, limits)
    }

    /// Reads a list that is within the format's own limits ([`Limits::default`]).
    ///
    /// # Errors
    /// As [`TreeList::parse_within`].
    pub fn parse(text: &[u8]) -> Result<Self, InvalidTree> {
        Self::parse_within(text, &Limits::default())
    }

    /// Reads a list. Only the canonical form is taken: what parses gives the same bytes again with
    /// [`TreeList::to_text`], so that a root names exactly one list.
    ///
    /// # Errors
    /// [`InvalidTree`] says which line breaks what.
    pub fn parse_within(text: &[u8], limits: &Limits) -> Result<Self, InvalidTree> {
        let mut rest = text.strip_prefix(HEADER.as_bytes()).ok_or(InvalidTree::Header)?;
        let mut entries: Vec<TreeEntry> = Vec::new();
        while !rest.is_empty() {
            let line = entries.len() + 2;
            if entries.len() == limits.files {
                return Err(LimitExceeded::Files { limit: limits.files }.into());
            }
            let end = rest.iter().position(|&b| b == b'\n').ok_or(InvalidTree::Line { line })?;
            let entry = parse_line(&rest[..end], line, limits)?;
            if entries.last().is_some_and(|last| last.path >= entry.path) {
                return Err(InvalidTree::Order { line });
            }
            entries.push(entry);
            rest = &rest[end + 1..];
        }
        Self::checked(entries, limits)
    }

    /// Checks what concerns all files together; `entries` are sorted.
    fn checked(entries: Vec<TreeEntry>, limits: &Limits) -> Result<Self, InvalidTree> {
        let mut tally = Tally::new(limits);
        entries.iter().try_for_each(|entry| tally.add(entry.path.as_str(), entry.size))?;
        check_folders(entries.iter().map(|entry| &entry.path), limits)?;
        let mut paths = PathSet::new();
        for entry in &entries {
            paths.insert(&entry.path)?;
        }
        let unpacked_size = tally.size();
        Ok(Self { entries, unpacked_size })
    }

    /// For entries whose order, paths and sizes were checked already.
    pub(crate) fn from_checked(entries: Vec<TreeEntry>) -> Self {
        debug_assert!(entries.is_sorted_by(|a, b| a.path < b.path));
        let unpacked_size = entries.iter().map(|entry| entry.size).sum();
        Self { entries, unpacked_size }
    }

    /// The canonical text, the bytes that the root is the hash of.
    pub fn to_text(&self) -> String {
        let paths: usize = self.entries.iter().map(|entry| entry.path.as_str().len() + 76).sum();
        let mut text = String::with_capacity(HEADER.len() + paths);
        text.push_str(HEADER);
        for TreeEntry { path, size, hash } in &self.entries {
            writeln!(text, "{hash} {size} {path}").expect("a string takes any text");
        }
        text
    }

    /// The bundle's identity: the SHA-256 of [`TreeList::to_text`].
    pub fn root(&self) -> Root {
        Root::of(self.to_text().as_bytes())
    }

    /// The number of files.
    pub fn files(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of all files together.
    pub fn unpacked_size(&self) -> u64 {
        self.unpacked_size
    }

    /// All files, ordered by path.
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    /// The file at `path`, which is compared byte by byte.
    pub fn get(&self, path: &str) -> Option<&TreeEntry> {
        let at = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        Some(&self.entries[at])
    }

    /// Every folder that the files need, parents first, each once.
    pub fn folders(&self) -> Vec<&str> {
        folders_of(self.entries.iter().map(|entry| &entry.path))
    }
}

/// Every folder that `paths` need, parents first, each once.
pub(crate) fn folders_of<'a>(paths: impl Iterator<Item = &'a BundlePath>) -> Vec<&'a str> {
    let mut folders: Vec<&str> = paths.flat_map(BundlePath::folders).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn parse_line(line: &[u8], number: usize, limits: &Limits) -> Result<TreeEntry, InvalidTree> {
    let malformed = || InvalidTree::Line { line: number };
    let invalid_path = |source| InvalidTree::Path { line: number, source };
    let text = std::str::from_utf8(line).map_err(|_| invalid_path(InvalidPath::NotUtf8))?;
    let mut parts = text.splitn(3, ' ');
    let mut part = || parts.next().ok_or_else(malformed);
    let (hash, size, path) = (part()?, part()?, part()?);
    if hash.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(malformed());
    }
    let hash = hash.parse().map_err(|_| malformed())?;
    let canonical = size == "0" || (!size.starts_with('0') && size.bytes().all(|b| b.is_ascii_digit()));
    let size = if canonical { size.parse().map_err(|_| malformed())? } else { return Err(malformed()) };
    let path = BundlePath::within(path, limits).map_err(invalid_path)?;
    Ok(TreeEntry { path, size, hash })
}

#[cfg(test)]
mod tests;
