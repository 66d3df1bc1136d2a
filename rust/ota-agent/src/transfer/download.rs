//! One artifact, into a partial file that later calls go on with.

use std::io;
use std::path::{Path, PathBuf};

use ota_protocol::Checksum;
use url::Url;

use super::{Policy, TransferError};
use crate::ports::{Cancel, Fs, Ports};

/// The largest artifact that is fetched unless the caller says otherwise, in bytes.
pub const DEFAULT_LIMIT: u64 = 256 * 1024 * 1024;

/// What to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// From where.
    pub url: &'a Url,
    /// What its bytes must hash to; `None`: whatever comes is taken.
    pub checksum: Option<Checksum>,
    /// How many bytes it has, where the release says so.
    pub size: Option<u64>,
    /// No more than this many bytes are taken.
    pub limit: u64,
    /// How to try.
    pub policy: &'a Policy,
    /// `ROOT/downloads`; created where it is missing.
    pub folder: &'a Path,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file. It stays until [`forget`] or [`sweep`]; a call for the same checksum finds it complete.
    pub path: PathBuf,
    /// The SHA-256 of its bytes; the wanted one, where one was wanted.
    pub checksum: Checksum,
    /// Its bytes.
    pub size: u64,
    /// Bytes of bodies that this call got over the network.
    pub received: u64,
    /// How many bytes of an earlier call were gone on with; 0: it started at the first byte.
    pub resumed_from: u64,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there, those of earlier calls included.
    pub done: u64,
    /// All bytes; `None` where neither release nor server says.
    pub total: Option<u64>,
}

/// The name (without extension) of an artifact's partial file: its checksum, or else its URL's hash.
pub fn partial_name(url: &Url, checksum: Option<Checksum>) -> String {
    checksum.unwrap_or_else(|| Checksum::of(url.as_str().as_bytes())).to_string()
}

/// How many bytes of an artifact are there already; what is missing is still to be found room for. They may turn out
/// to be of no use.
///
/// # Errors
/// The disk's.
pub fn partial_size(fs: &dyn Fs, folder: &Path, name: &str) -> io::Result<u64> {
    Ok(fs.stat(&folder.join(format!("{name}.part")))?.map_or(0, |stat| stat.len))
}

/// Fetches.
///
/// # Errors
/// Every [`TransferError`].
pub fn download(
    _ports: &Ports,
    _wanted: &Wanted<'_>,
    _cancel: &Cancel,
    _progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, TransferError> {
    Err(TransferError::Offline { reason: "not there yet".to_owned() })
}

/// Removes an artifact's partial file and what is known about it: after it was unpacked, or is not wanted any more.
///
/// # Errors
/// The disk's.
pub fn forget(fs: &dyn Fs, folder: &Path, name: &str) -> io::Result<()> {
    // The bytes go first: what is left without them promises nothing.
    fs.remove_file(&folder.join(format!("{name}.part")))?;
    fs.remove_file(&folder.join(format!("{name}.json")))
}

/// Removes everything from the folder but the artifacts of `keep` (see [`partial_name`]). Call it with the updater's
/// lock held. Goes on over errors: what stays is swept next time.
pub fn sweep(fs: &dyn Fs, folder: &Path, keep: &[&str]) {
    let Ok(entries) = fs.list(folder) else { return };
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        let path = Path::new(&entry.name);
        let kept = path.file_stem().is_some_and(|stem| keep.iter().any(|name| stem == *name));
        if !kept {
            let _ = fs.remove_file(&folder.join(path));
        }
    }
}
