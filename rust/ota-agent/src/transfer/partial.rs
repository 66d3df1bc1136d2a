//! A partial file, and the sidecar that says what its bytes are the beginning of.
//!
//! Nothing here is synced. What vouches for the bytes is their hash, which is taken from the disk when a call starts
//! and compared when the last byte is there; whatever a power cut leaves behind costs a download at most. Where no
//! checksum is known there is nothing to compare with, so bytes of an earlier run of the operating system are not
//! gone on with: within one run the page cache gives back exactly what was written.

use std::io;
use std::path::{Path, PathBuf};

use ota_protocol::{Checksum, Digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::answer;
use super::download::Wanted;
use super::error::TransferError;
use super::resume::Resume;
use crate::ports::{Cancel, Fs, Ports, WriteFile};

const SCHEMA: u32 = 1;
/// A larger sidecar is none.
const MAX_SIDECAR: u64 = 4096;
/// Bytes hashed at a time.
const BLOCK: usize = 256 * 1024;

/// What the bytes of a partial file are the beginning of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    schema: u32,
    /// SHA-256 of the URL without query and credentials, which may change from one check to the next and are nobody's
    /// business: an `ETag` means something only together with where it came from.
    source: Digest,
    /// Strong.
    etag: String,
    /// Bytes of the whole.
    total: u64,
    /// The run of the operating system in which the file was started.
    os_boot: Option<String>,
}

impl Sidecar {
    pub(super) fn new(url: &Url, etag: String, total: u64, os_boot: Option<String>) -> Self {
        Self { schema: SCHEMA, source: source(url), etag, total, os_boot }
    }
}

fn source(url: &Url) -> Digest {
    Digest::of(format!("{}{}", url.origin().ascii_serialization(), url.path()).as_bytes())
}

/// The paths of an artifact's partial file and its sidecar.
pub(super) fn paths(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.part")), folder.join(format!("{name}.json")))
}

/// A partial file.
pub(super) struct Partial<'a> {
    fs: &'a dyn Fs,
    path: PathBuf,
    sidecar: PathBuf,
    /// Open while bytes of this call go into it.
    file: Option<Box<dyn WriteFile>>,
    /// Bytes that are there, all of them in `hasher`.
    len: u64,
    hasher: Sha256,
    /// `None`: what is there cannot be gone on with.
    origin: Option<Sidecar>,
    /// Whether the bytes are of more than one answer.
    joined: bool,
}

impl<'a> Partial<'a> {
    /// Finds what earlier calls left, and hashes it. What cannot be read or does not fit counts as not there; it stays
    /// on disk until something better comes.
    ///
    /// # Errors
    /// [`TransferError::Cancelled`] alone.
    pub(super) fn load(
        ports: &'a Ports,
        wanted: &Wanted<'_>,
        name: &str,
        cancel: &Cancel,
    ) -> Result<Self, TransferError> {
        let (path, sidecar) = paths(wanted.folder, name);
        let fs = ports.fs.as_ref();
        let nothing = Self {
            fs,
            path,
            sidecar,
            file: None,
            len: 0,
            hasher: Sha256::new(),
            origin: None,
            joined: false,
        };
        let len = match fs.stat(&nothing.path) {
            Ok(Some(stat)) if !stat.is_dir => stat.len,
            _ => return Ok(nothing),
        };
        let most = wanted.size.unwrap_or(wanted.limit);
        let origin = nothing.read_sidecar().filter(|found| {
            let vouched = wanted.checksum.is_some()
                || (found.os_boot.is_some() && found.os_boot == ports.clock.os_boot_id());
            vouched
                && found.source == source(wanted.url)
                && (1..found.total).contains(&len)
                && wanted.size.is_none_or(|size| size == found.total)
                && found.total <= wanted.limit
        });
        // With a checksum a file without a sidecar may still be complete.
        let maybe_complete = wanted.checksum.is_some() && wanted.size.is_none_or(|size| size == len);
        if len == 0 || len > most || (origin.is_none() && !maybe_complete) {
            return Ok(nothing);
        }
        match nothing.hash(len, cancel) {
            Ok(hasher) => Ok(Self { len, hasher, origin, joined: true, ..nothing }),
            Err(_) if cancel.is_cancelled() => Err(TransferError::Cancelled),
            Err(_) => Ok(nothing),
        }
    }

    fn read_sidecar(&self) -> Option<Sidecar> {
        let bytes = self.fs.read(&self.sidecar, MAX_SIDECAR).ok()?;
        let found: Sidecar = serde_json::from_slice(&bytes).ok()?;
        let usable = found.schema == SCHEMA && answer::strong_etag(&found.etag) == Some(found.etag.as_str());
        usable.then_some(found)
    }

    fn hash(&self, len: u64, cancel: &Cancel) -> io::Result<Sha256> {
        let file = self.fs.open(&self.path)?;
        let mut hasher = Sha256::new();
        let mut block = vec![0; BLOCK];
        let mut at = 0;
        while at < len {
            if cancel.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let part = usize::try_from(len - at).map_or(BLOCK, |left| left.min(BLOCK));
            file.read_exact_at(&mut block[..part], at)?;
            hasher.update(&block[..part]);
            at += part as u64;
        }
        Ok(hasher)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The SHA-256 of the bytes that are there.
    pub(super) fn checksum(&self) -> Checksum {
        Checksum(Digest::from_bytes(self.hasher.clone().finalize().into()))
    }

    /// Whether the bytes are of more than one answer: then a wrong hash may be the seam's fault.
    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    /// Where to go on; `None`: only the whole is of use.
    pub(super) fn resume(&self) -> Option<Resume> {
        let origin = self.origin.as_ref()?;
        (1..origin.total).contains(&self.len).then(|| Resume {
            at: self.len,
            etag: origin.etag.clone(),
            total: origin.total,
        })
    }

    /// Gets ready for the bytes that are missing. `false`: the file is not as long as it was.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn go_on(&mut self) -> Result<bool, TransferError> {
        self.joined = true;
        if self.file.is_some() {
            return Ok(true);
        }
        match self.fs.append(&self.path) {
            Ok((file, len)) if len == self.len => {
                self.file = Some(file);
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(source) => Err(self.failed("open the partial file", self.path.clone(), source, None)),
        }
    }

    /// Empties the file. The bytes go first and the new sidecar comes before the first new byte, so a kill in between
    /// leaves no bytes beside a sidecar that is not theirs.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn start_over(
        &mut self,
        origin: Option<Sidecar>,
        total: Option<u64>,
    ) -> Result<(), TransferError> {
        self.clear()?;
        if let Some(origin) = origin {
            let text = serde_json::to_vec(&origin).unwrap_or_default();
            self.fs
                .overwrite(&self.sidecar, &text)
                .map_err(|source| self.failed("write the sidecar", self.sidecar.clone(), source, total))?;
            self.origin = Some(origin);
        }
        let file = self
            .fs
            .create_new(&self.path)
            .map_err(|source| self.failed("create the partial file", self.path.clone(), source, total))?;
        self.file = Some(file);
        Ok(())
    }

    /// Adds bytes. `total` is for the error's text.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn push(&mut self, bytes: &[u8], total: Option<u64>) -> Result<(), TransferError> {
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        written.map_err(|source| {
            // How much of it was written is not known; the next call looks.
            self.file = None;
            self.failed("write the partial file", self.path.clone(), source, total)
        })?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Removes file and sidecar.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn clear(&mut self) -> Result<(), TransferError> {
        self.file = None;
        self.len = 0;
        self.hasher = Sha256::new();
        self.origin = None;
        self.joined = false;
        for path in [&self.path, &self.sidecar] {
            self.fs.remove_file(path).map_err(|source| TransferError::Disk {
                operation: "remove the partial file",
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// A full disk gets its bytes back: what is there may be the very thing that fills it.
    fn failed(
        &self,
        operation: &'static str,
        path: PathBuf,
        source: io::Error,
        total: Option<u64>,
    ) -> TransferError {
        if !matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return TransferError::Disk { operation, path, source };
        }
        let _ = self.fs.remove_file(&self.path);
        let _ = self.fs.remove_file(&self.sidecar);
        let available = self.path.parent().and_then(|folder| self.fs.space(folder).ok());
        TransferError::NoRoom {
            needed: total.unwrap_or(0),
            available: available.map_or(0, |space| space.bytes),
        }
    }
}
