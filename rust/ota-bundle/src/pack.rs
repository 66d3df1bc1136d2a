//! Makes the zip of a folder: the same bytes for the same tree.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};
use ota_protocol::{Checksum, Digest, Root};
use sha2::{Digest as _, Sha256};

use crate::folder::{ScanError, walk};
use crate::limits::{LimitExceeded, Limits, Tally};
use crate::path::BundlePath;
use crate::tree::{TreeEntry, TreeList};

/// What [`write_zip`] made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// The bundle's identity.
    pub root: Root,
    /// The SHA-256 of the zip.
    pub checksum: Checksum,
    /// Bytes of the zip.
    pub size: u64,
    /// The number of files.
    pub files: usize,
    /// Bytes of all files together, unpacked.
    pub unpacked_size: u64,
}

/// Why no zip was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The folder is no bundle, or could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The zip would be refused by its readers.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A file changed while it was packed.
    #[error("{} changed while it was packed", path.shown())]
    Changed {
        /// The file.
        path: BundlePath,
    },
    /// The zip could not be written.
    #[error("write the zip")]
    Write {
        /// Why.
        source: io::Error,
    },
}

/// Writes the zip of a folder that holds a bundle, front to back, without seeking. The same files that [`scan`] takes
/// go in, ordered by path, with fixed times and modes, so that the same tree gives the same bytes (with the same
/// version of the deflate library). Deflate at its best level; stored where that saves next to nothing.
///
/// Blocks; memory: twice the largest file. `out` is flushed, not synced.
///
/// # Errors
/// [`PackError`]. What was written by then is to be thrown away.
///
/// [`scan`]: crate::scan
pub fn write_zip(dir: &Path, out: impl Write, limits: &Limits) -> Result<Packed, PackError> {
    let limits = &within_zip32(limits);
    let mut zip =
        Zip { out: Counted { out, hasher: Sha256::new(), count: 0 }, directory: Vec::new(), entries: 0 };
    let mut files = Vec::new();
    let mut tally = Tally::new(limits);
    let mut packer = Packer::new();
    for (path, size) in walk(dir, limits)? {
        let on_disk = path.under(dir);
        packer.read(&on_disk).map_err(|source| ScanError::Io { path: on_disk, source })?;
        if packer.content.len() as u64 != size {
            return Err(PackError::Changed { path });
        }
        tally.add(path.as_str(), size)?;
        zip.add(&path, &mut packer).map_err(|source| PackError::Write { source })?;
        files.push(TreeEntry { path, size, hash: Digest::of(&packer.content) });
    }
    let (checksum, size) = zip.end().map_err(|source| PackError::Write { source })?;
    if size > limits.archive {
        return Err(LimitExceeded::Archive { size, limit: limits.archive }.into());
    }
    let list = TreeList::from_checked(files);
    let unpacked_size = list.unpacked_size();
    if unpacked_size > size.saturating_mul(limits.ratio) {
        return Err(LimitExceeded::Ratio { unpacked: unpacked_size, size, limit: limits.ratio }.into());
    }
    Ok(Packed { root: list.root(), checksum, size, files: list.files(), unpacked_size })
}

/// We write no zip64 records.
fn within_zip32(limits: &Limits) -> Limits {
    let max = u64::from(u32::MAX - 1);
    Limits {
        files: limits.files.min(usize::from(u16::MAX - 1)),
        file: limits.file.min(max),
        archive: limits.archive.min(max),
        ..*limits
    }
}

/// A file's content, and its deflated form; the buffers serve for all files.
struct Packer {
    content: Vec<u8>,
    deflated: Vec<u8>,
    deflater: Compress,
}

impl Packer {
    fn new() -> Self {
        Self {
            content: Vec::new(),
            deflated: Vec::new(),
            deflater: Compress::new(Compression::best(), false),
        }
    }

    fn read(&mut self, path: &Path) -> io::Result<()> {
        self.content.clear();
        fs::File::open(path)?.read_to_end(&mut self.content)?;
        Ok(())
    }

    /// The deflated content, unless it saves less than 1/128.
    fn deflate(&mut self) -> io::Result<Option<&[u8]>> {
        let room = self.content.len() - self.content.len().div_ceil(128);
        self.deflated.resize(self.deflated.len().max(room), 0);
        self.deflater.reset();
        let status = self
            .deflater
            .compress(&self.content, &mut self.deflated[..room], FlushCompress::Finish)
            .map_err(io::Error::other)?;
        if status != Status::StreamEnd {
            // zlib-rs 0.6.8 keeps bits of an unfinished stream over a reset, and panics in the next one.
            self.deflater = Compress::new(Compression::best(), false);
            return Ok(None);
        }
        let len = usize::try_from(self.deflater.total_out()).expect("it fitted the buffer");
        Ok(Some(&self.deflated[..len]))
    }
}

/// A zip being written.
struct Zip<W> {
    out: Counted<W>,
    /// The central directory so far.
    directory: Vec<u8>,
    entries: u16,
}

impl<W: Write> Zip<W> {
    fn add(&mut self, path: &BundlePath, packer: &mut Packer) -> io::Result<()> {
        const UTF8: u16 = 1 << 11;
        /// 1 January 1980, the format's earliest.
        const TIME: u32 = 0x0021_0000;
        /// By Unix, in version 2.0 of the format.
        const MADE_BY: u16 = 0x0314;
        const MODE: u32 = 0o100_644 << 16;

        let short = |value: u64| u32::try_from(value).map_err(|_| io::Error::other("the zip reaches 4 GiB"));
        let crc = crc32fast::hash(&packer.content);
        let size = short(packer.content.len() as u64)?;
        let deflated = packer.deflate()?.map(<[u8]>::len);
        let content = deflated.map_or(&packer.content[..], |len| &packer.deflated[..len]);
        let (version, method) = if deflated.is_some() { (20_u16, 8_u16) } else { (10, 0) };
        let flags = if path.as_str().is_ascii() { 0 } else { UTF8 };
        let name = path.as_str().as_bytes();
        let offset = short(self.out.count)?;

        // What both headers have, from "version needed" to the length of the extra fields.
        let mut common = Vec::with_capacity(26);
        for value in [version, flags, method] {
            common.extend(value.to_le_bytes());
        }
        for value in [TIME, crc, short(content.len() as u64)?, size] {
            common.extend(value.to_le_bytes());
        }
        common.extend(u16::try_from(name.len()).expect("paths are short").to_le_bytes());
        common.extend([0; 2]);

        for part in [b"PK\x03\x04", &common[..], name, content] {
            self.out.write_all(part)?;
        }
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&common);
        self.directory.extend([0; 6]); // no comment, the first disk, no internal attributes
        self.directory.extend(MODE.to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name);
        self.entries += 1;
        Ok(())
    }

    fn end(mut self) -> io::Result<(Checksum, u64)> {
        let short = |value: u64| u32::try_from(value).map_err(|_| io::Error::other("the zip reaches 4 GiB"));
        let start = short(self.out.count)?;
        let size = short(self.directory.len() as u64)?;
        self.out.write_all(&self.directory)?;
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend(self.entries.to_le_bytes());
        end.extend(self.entries.to_le_bytes());
        end.extend(size.to_le_bytes());
        end.extend(start.to_le_bytes());
        end.extend([0; 2]);
        self.out.write_all(&end)?;
        self.out.flush()?;
        let checksum = Checksum(Digest::from_bytes(self.out.hasher.finalize().into()));
        Ok((checksum, self.out.count))
    }
}

/// Counts and hashes what passes.
struct Counted<W> {
    out: W,
    hasher: Sha256,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buf)?;
        self.hasher.update(&buf[..written]);
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
