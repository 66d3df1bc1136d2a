//! Bundles: what identifies one, what may be in one, and how one comes out of a zip.
//!
//! - [`BundlePath`] is a path that obeys the path rules, [`PathSet`] finds two that cannot live in one bundle.
//! - [`TreeList`] is a bundle's canonical list of files; its hash is the bundle's root, which is its identity.
//! - [`scan`] makes the list of a folder, [`verify`] tells whether a folder still is what a list says.
//! - [`Archive`] reads zips that nobody has vouched for: everything a zip can lie about is checked before its first
//!   byte is written, and its contents while they are unpacked into a [`Sink`].
//! - `write_zip` (feature `pack`) makes the zip of a folder, the same bytes for the same tree.
//!
//! The rules are those of the tree list's specification, in `docs/protocol.md`; the bounds are [`Limits`].

mod archive;
mod folder;
mod limits;
#[cfg(feature = "pack")]
mod pack;
mod parallel;
mod path;
mod tree;

pub use archive::{Archive, ArchiveError, Discard, Entry, ReadAt, Sink, UnpackError};
pub use folder::{Damage, ScanError, scan, verify};
pub use limits::{LimitExceeded, Limits, MAX_PART, MAX_PATH};
#[cfg(feature = "pack")]
pub use pack::{PackError, Packed, write_zip};
pub use path::{BundlePath, Collision, InvalidPath, PathSet};
pub use tree::{InvalidTree, TreeEntry, TreeList};
