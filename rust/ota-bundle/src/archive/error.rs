//! What can be wrong with a zip.

use std::io;

use crate::limits::LimitExceeded;
use crate::path::{Collision, InvalidPath};

/// Why a zip is refused. An `entry` is the name as the zip gives it, control characters escaped, invalid UTF-8 replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The zip could not be read. This says nothing about the zip.
    #[error("read the zip")]
    Read {
        /// Why.
        source: io::Error,
    },
    /// No end record: this is no zip, or its end is missing.
    #[error("not a zip: it has no end record")]
    NoEndRecord,
    /// The end records or the central directory contradict themselves or the file.
    #[error("the zip is broken: {what}")]
    Structure {
        /// What is wrong.
        what: &'static str,
    },
    /// An entry's headers are cut off or malformed.
    #[error("{entry}: {what}")]
    Header {
        /// The entry.
        entry: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The zip is a part of a set of several.
    #[error("the zip is spread over several files")]
    SeveralDisks,
    /// The file has bytes that belong to no entry and no record, so that something may hide there.
    #[error("the zip has bytes that belong to nothing: {at}")]
    StrayBytes {
        /// Where: before, between or behind what.
        at: String,
    },
    /// Two entries share bytes of the zip.
    #[error("{entry} overlaps {other}")]
    Overlap {
        /// The entry that begins first.
        entry: String,
        /// The entry, or "the central directory", that it reaches into.
        other: String,
    },
    /// The entry's header in the directory and the one before its content disagree.
    #[error("{entry}: its two headers disagree about its {what}")]
    Mismatch {
        /// The entry.
        entry: String,
        /// About what.
        what: &'static str,
    },
    /// The entry, or the whole directory, is encrypted.
    #[error("{entry} is encrypted")]
    Encrypted {
        /// The entry.
        entry: String,
    },
    /// The entry uses a feature of the format that bundles have no use for.
    #[error("{entry} uses a zip feature that is not supported: {what}")]
    Unsupported {
        /// The entry.
        entry: String,
        /// Which feature.
        what: &'static str,
    },
    /// The entry is compressed neither as stored nor as deflate.
    #[error("{entry} is compressed with method {method}; only 0 (stored) and 8 (deflate) are taken")]
    Method {
        /// The entry.
        entry: String,
        /// The method's number in the zip format.
        method: u16,
    },
    /// The entry is neither a file nor a folder.
    #[error("{entry} is a {kind}, not a file")]
    NotAFile {
        /// The entry.
        entry: String,
        /// What it is.
        kind: &'static str,
    },
    /// The entry is a folder by one sign and a file by another.
    #[error("{entry}: {what}")]
    Folder {
        /// The entry.
        entry: String,
        /// Which signs.
        what: &'static str,
    },
    /// The entry's name is not the UTF-8 that it claims to be, or has two spellings.
    #[error("{entry}: {what}")]
    Name {
        /// The entry.
        entry: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The entry's name breaks a path rule.
    #[error("{entry}: {source}")]
    Path {
        /// The entry.
        entry: String,
        /// The rule.
        source: InvalidPath,
    },
    /// Two entries cannot live in one bundle.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// More than the limits allow.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// There is no `index.html` at the top, nor in the one folder at the top.
    #[error("there is no index.html at the top of the zip")]
    NoIndexHtml,
    /// Only found while unpacking: the entry's compressed bytes are no deflate stream, or do not end where they should.
    #[error("{entry}: its compressed content is damaged ({what})")]
    Content {
        /// The entry.
        entry: String,
        /// What is wrong.
        what: &'static str,
    },
    /// Only found while unpacking: the entry has more or fewer bytes than its header says.
    #[error("{entry} unpacks to {what} bytes than its header says")]
    Size {
        /// The entry.
        entry: String,
        /// "more" or "fewer".
        what: &'static str,
    },
    /// Only found while unpacking: the content does not have the checksum of the entry's header.
    #[error("{entry}: its content does not have the CRC that its header says")]
    Crc {
        /// The entry.
        entry: String,
    },
}

impl ArchiveError {
    /// The stable code: `not_a_zip`, `archive_refused` (breaks a rule), `archive_too_large` (breaks a limit),
    /// `no_index_html`; `io` for [`ArchiveError::Read`], which is no fault of the zip.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "io",
            Self::NoEndRecord | Self::Structure { .. } | Self::Header { .. } => "not_a_zip",
            Self::Limit(_) => "archive_too_large",
            Self::NoIndexHtml => "no_index_html",
            Self::SeveralDisks
            | Self::StrayBytes { .. }
            | Self::Overlap { .. }
            | Self::Mismatch { .. }
            | Self::Encrypted { .. }
            | Self::Unsupported { .. }
            | Self::Method { .. }
            | Self::NotAFile { .. }
            | Self::Folder { .. }
            | Self::Name { .. }
            | Self::Path { .. }
            | Self::Collision(_)
            | Self::Content { .. }
            | Self::Size { .. }
            | Self::Crc { .. } => "archive_refused",
        }
    }
}

/// Why unpacking stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The zip's fault: it never unpacks.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The zip could not be read; it may be intact.
    #[error("read {path} from the zip")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The sink failed; the zip may be intact.
    #[error("write {path}")]
    Sink {
        /// The file or folder.
        path: String,
        /// What the sink returned.
        source: io::Error,
    },
}
