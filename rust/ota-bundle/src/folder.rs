//! Folders that hold a bundle's files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ota_protocol::Digest;
use sha2::{Digest as _, Sha256};

use crate::limits::{LimitExceeded, Limits, Tally, check_folders};
use crate::parallel;
use crate::path::{BundlePath, Collision, INDEX, InvalidPath, PathSet, is_left_out};
use crate::tree::{TreeEntry, TreeList};

const BUFFER: usize = 128 * 1024;

/// Why a folder is no bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The folder or something in it cannot be read.
    #[error("read {}", path.display())]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A symbolic link. A bundle has none, and following it could publish what lies outside.
    #[error("{} is a symbolic link; bundles hold only files and folders", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Neither file nor folder (a socket, a device).
    #[error("{} is neither a file nor a folder", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// A name breaks a path rule.
    #[error("{}: {source}", path.display())]
    Path {
        /// The file.
        path: PathBuf,
        /// The rule.
        source: InvalidPath,
    },
    /// Two paths cannot live in one bundle.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// The bundle is larger than it may be.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// There is no `index.html` at the top.
    #[error("there is no index.html in {}", path.display())]
    NoIndexHtml {
        /// The folder.
        path: PathBuf,
    },
}

/// Makes the tree list of a folder: hashes every file, on up to `threads` threads. `__MACOSX` at the top, each
/// `.DS_Store` and empty folders are left out. Blocks.
///
/// # Errors
/// [`ScanError`]; it names the file.
pub fn scan(dir: &Path, limits: &Limits, threads: usize) -> Result<TreeList, ScanError> {
    let files = walk(dir, limits)?;
    let order = parallel::largest_first(files.iter().map(|(_, size)| *size));
    let entries = parallel::for_each(threads, &order, buffer, |buffer, at, _| {
        let (path, _) = &files[at];
        let on_disk = path.under(dir);
        let (size, hash) =
            hash_file(&on_disk, buffer).map_err(|source| ScanError::Io { path: on_disk, source })?;
        Ok::<_, ScanError>(TreeEntry { path: path.clone(), size, hash })
    })?;
    // Once more with the sizes that were read: a file may have grown since.
    let mut tally = Tally::new(limits);
    entries.iter().try_for_each(|entry| tally.add(entry.path.as_str(), entry.size))?;
    Ok(TreeList::from_checked(entries))
}

/// What is wrong with a folder that should hold a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A file of the list is not there.
    #[error("{} is missing", path.shown())]
    Missing {
        /// The file.
        path: BundlePath,
    },
    /// Something else than a file is in its place (a folder, a symbolic link).
    #[error("{} is not a file", path.shown())]
    NotAFile {
        /// The file.
        path: BundlePath,
    },
    /// A file has another size than the list says.
    #[error("{} has {found} bytes instead of {expected}", path.shown())]
    Size {
        /// The file.
        path: BundlePath,
        /// Its size in the list, in bytes.
        expected: u64,
        /// Its size on disk, in bytes.
        found: u64,
    },
    /// A file's content is not what the list says.
    #[error("{} has another content than expected", path.shown())]
    Hash {
        /// The file.
        path: BundlePath,
    },
    /// A file could not be read. This proves nothing about it: it may be intact.
    #[error("read {}", path.shown())]
    Unreadable {
        /// The file.
        path: BundlePath,
        /// Why.
        source: io::Error,
    },
}

/// Compares a folder with a list: every file is there with its size and its hash. Files that are not in the list are
/// ignored. Sizes are compared before anything is hashed; hashing runs on up to `threads` threads. Blocks.
///
/// # Errors
/// The first [`Damage`] found. [`Damage::Unreadable`] is no proof of damage.
pub fn verify(dir: &Path, list: &TreeList, threads: usize) -> Result<(), Damage> {
    for entry in list.entries() {
        check_size(dir, entry)?;
    }
    let order = parallel::largest_first(list.entries().iter().map(|entry| entry.size));
    parallel::for_each(threads, &order, buffer, |buffer, at, _| {
        let TreeEntry { path, size, hash } = &list.entries()[at];
        let (found, found_hash) =
            hash_file(&path.under(dir), buffer).map_err(|source| damage(path, source))?;
        if found != *size {
            return Err(Damage::Size { path: path.clone(), expected: *size, found });
        }
        if found_hash != *hash {
            return Err(Damage::Hash { path: path.clone() });
        }
        Ok(())
    })
    .map(|_: Vec<()>| ())
}

fn check_size(dir: &Path, TreeEntry { path, size, .. }: &TreeEntry) -> Result<(), Damage> {
    let found = fs::symlink_metadata(path.under(dir)).map_err(|source| damage(path, source))?;
    if !found.is_file() {
        return Err(Damage::NotAFile { path: path.clone() });
    }
    if found.len() != *size {
        return Err(Damage::Size { path: path.clone(), expected: *size, found: found.len() });
    }
    Ok(())
}

fn damage(path: &BundlePath, source: io::Error) -> Damage {
    let path = path.clone();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Damage::Missing { path },
        _ => Damage::Unreadable { path, source },
    }
}

/// The files of a folder that belong to a bundle, ordered by path, with the sizes the file system gives; all rules
/// are checked.
pub(crate) fn walk(dir: &Path, limits: &Limits) -> Result<Vec<(BundlePath, u64)>, ScanError> {
    let mut files = Vec::new();
    let mut tally = Tally::new(limits);
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let on_disk = dir.join(&folder);
        let io_error = |source| ScanError::Io { path: on_disk.clone(), source };
        for item in fs::read_dir(&on_disk).map_err(io_error)? {
            let item = item.map_err(io_error)?;
            let on_disk = item.path();
            let invalid = |source| ScanError::Path { path: on_disk.clone(), source };
            let name = item.file_name().into_string().map_err(|_| invalid(InvalidPath::NotUtf8))?;
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if is_left_out(&path) {
                continue;
            }
            let meta = fs::symlink_metadata(&on_disk)
                .map_err(|source| ScanError::Io { path: on_disk.clone(), source })?;
            if meta.is_symlink() {
                return Err(ScanError::Symlink { path: on_disk });
            }
            if meta.is_dir() {
                // Checked here as well, so that the depth is bounded.
                BundlePath::within(&path, limits).map_err(invalid)?;
                folders.push(path);
            } else if meta.is_file() {
                tally.add(&path, meta.len())?;
                files.push((BundlePath::within(&path, limits).map_err(invalid)?, meta.len()));
            } else {
                return Err(ScanError::NotAFile { path: on_disk });
            }
        }
    }
    files.sort_unstable();
    check_folders(files.iter().map(|(path, _)| path), limits)?;
    let mut paths = PathSet::new();
    files.iter().try_for_each(|(path, _)| paths.insert(path))?;
    if files.binary_search_by(|(path, _)| path.as_str().cmp(INDEX)).is_err() {
        return Err(ScanError::NoIndexHtml { path: dir.to_owned() });
    }
    Ok(files)
}

fn buffer() -> Vec<u8> {
    vec![0; BUFFER]
}

fn hash_file(path: &Path, buffer: &mut [u8]) -> io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut size = 0;
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok((size, Digest::from_bytes(hasher.finalize().into()))),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
