//! Every bound on what is taken in.

use crate::path::BundlePath;

/// The longest path in bytes; part of the format, so no configuration raises it.
pub const MAX_PATH: usize = 512;
/// The longest part of a path in bytes; part of the format. (File systems take 255, and temporary names need room.)
pub const MAX_PART: usize = 200;

/// Every bound on a bundle and on the zip that brings it. They are checked before anything is written, and once
/// more against the real bytes while these flow.
///
/// The defaults are the format's own limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files in a bundle. Default 20,000. Stops archives of very many tiny files, which cost an inode, a sync and
    /// memory each. For the same reason a bundle may need no more folders than this. A zip may hold four times as
    /// many entries (folders, and macOS's twin of each file).
    pub files: usize,
    /// Bytes of one file, unpacked. Default 128 MiB. Stops one entry from taking the disk.
    pub file: u64,
    /// Bytes of all files together, unpacked. Default 512 MiB. Stops zip bombs from filling the disk.
    pub bundle: u64,
    /// Bytes of the zip itself. Default 256 MiB. Stops endless downloads and uploads.
    pub archive: u64,
    /// Bytes of one path. Default and most 512 ([`MAX_PATH`]). Stops paths that some device cannot create.
    pub path: usize,
    /// Bytes of one part of a path. Default and most 200 ([`MAX_PART`]). Stops names that some device cannot create.
    pub part: usize,
    /// Unpacked bytes for each byte of the zip, over the whole zip. Default 200. Stops zip bombs that keep below the
    /// other limits but cost a phone far more time and disk than their download did.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            files: 20_000,
            file: 128 * MIB,
            bundle: 512 * MIB,
            archive: 256 * MIB,
            path: MAX_PATH,
            part: MAX_PART,
            ratio: 200,
        }
    }
}

impl Limits {
    /// The limit on entries of a zip: files, folder entries and macOS's twins.
    pub(crate) fn entries(&self) -> u64 {
        (self.files as u64).saturating_mul(4)
    }

    /// The limit on the bytes of a zip's central directory, which is held in memory while the zip is opened.
    pub(crate) fn directory(&self) -> u64 {
        (self.files as u64).saturating_mul(420).saturating_add(64 * 1024)
    }
}

/// More than [`Limits`] allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// More files than [`Limits::files`].
    #[error("it has more than {limit} files")]
    Files {
        /// The limit.
        limit: usize,
    },
    /// The files need more folders than [`Limits::files`].
    #[error("its files need more than {limit} folders")]
    Folders {
        /// The limit.
        limit: usize,
    },
    /// One file is larger than [`Limits::file`].
    #[error("{path}: {size} bytes, more than the {limit} that one file may have")]
    File {
        /// The file, or the archive's entry; control characters escaped.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// All files together are larger than [`Limits::bundle`].
    #[error("its files have {size} bytes together, more than {limit}")]
    Bundle {
        /// The sum in bytes, as far as it was counted.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The zip is larger than [`Limits::archive`].
    #[error("the zip has {size} bytes, more than {limit}")]
    Archive {
        /// The zip's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The zip has more entries, files or not, than four times [`Limits::files`], or a directory too long for them.
    #[error("the zip's directory is too large: {entries} entries in {bytes} bytes")]
    Directory {
        /// Entries that the zip claims.
        entries: u64,
        /// Bytes that the zip's central directory claims.
        bytes: u64,
    },
    /// The zip unpacks to more than [`Limits::ratio`] times its size.
    #[error("{unpacked} bytes out of a zip of {size}: more than {limit} to 1")]
    Ratio {
        /// Bytes unpacked.
        unpacked: u64,
        /// The zip's size in bytes.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

/// Counts the folders that `paths` need, which are in order, against [`Limits`]. A path of 512 bytes can need 255: to
/// be asked before each of them costs memory or an inode.
pub(crate) fn check_folders<'a>(
    paths: impl Iterator<Item = &'a BundlePath>,
    limits: &Limits,
) -> Result<(), LimitExceeded> {
    let mut before = "";
    let mut folders = 0;
    for path in paths.map(BundlePath::as_str) {
        // All paths in a folder follow each other: new are the folders that the path before is not in.
        let common = before.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        folders += path.match_indices('/').filter(|&(at, _)| at >= common).count();
        if folders > limits.files {
            return Err(LimitExceeded::Folders { limit: limits.files });
        }
        before = path;
    }
    Ok(())
}

/// Counts files against [`Limits`].
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    limits: &'a Limits,
    files: usize,
    size: u64,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, files: 0, size: 0 }
    }

    /// Counts one file; `path` is only for the error's text.
    pub(crate) fn add(&mut self, path: &str, size: u64) -> Result<(), LimitExceeded> {
        let limits = self.limits;
        self.files += 1;
        if self.files > limits.files {
            return Err(LimitExceeded::Files { limit: limits.files });
        }
        if size > limits.file {
            return Err(LimitExceeded::File { path: path.to_owned(), size, limit: limits.file });
        }
        match self.size.checked_add(size) {
            Some(sum) if sum <= limits.bundle => self.size = sum,
            sum => return Err(LimitExceeded::Bundle { size: sum.unwrap_or(u64::MAX), limit: limits.bundle }),
        }
        Ok(())
    }

    /// Bytes counted so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_counted_once_each() {
        let paths: Vec<BundlePath> = ["a-b/x", "a/1", "a/b/2", "a/b/c/3", "a/bc/4", "z"]
            .iter()
            .map(|path| path.parse().unwrap())
            .collect();
        let within = |files| check_folders(paths.iter(), &Limits { files, ..Limits::default() });
        assert_eq!(crate::tree::folders_of(paths.iter()).len(), 5);
        assert_eq!((within(5), within(4)), (Ok(()), Err(LimitExceeded::Folders { limit: 4 })));
    }
}
