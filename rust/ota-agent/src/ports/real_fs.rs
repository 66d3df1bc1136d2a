//! The system's own files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ota_bundle::ReadAt;

use super::fs::{Entry, Fs, Lock, LockKind, Space, Stat, WriteFile};

/// The system's own files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

struct Writing(File);

impl WriteFile for Writing {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        sync_file(&self.0)
    }
}

/// A plain `fsync`. On Apple systems std's `sync_all` is `F_FULLFSYNC`, which empties the drive's cache: right for
/// a rename ([`Fs::sync_dir`]), and far too slow for each of a thousand files.
#[cfg(target_vendor = "apple")]
fn sync_file(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fsync(file)?)
}

#[cfg(not(target_vendor = "apple"))]
fn sync_file(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Held by the open file: the system lets go when it is closed, also when the process is killed.
struct Held(#[allow(dead_code)] File);

impl Lock for Held {}

/// `ENOENT` is what was wanted.
fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn lock(file: File, kind: LockKind) -> io::Result<Option<Box<dyn Lock>>> {
    let tried = match kind {
        LockKind::Exclusive => file.try_lock(),
        LockKind::Shared => file.try_lock_shared(),
    };
    match tried {
        Ok(()) => Ok(Some(Box::new(Held(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Fs for RealFs {
    fn read(&self, path: &Path, cap: u64) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(len.min(cap)).unwrap_or(0));
        file.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > cap { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(File::open(path)?))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(Writing(OpenOptions::new().write(true).create_new(true).open(path)?)))
    }

    fn append(&self, path: &Path) -> io::Result<(Box<dyn WriteFile>, u64)> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let len = file.metadata()?.len();
        Ok((Box::new(Writing(file)), len))
    }

    fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create(true).truncate(false).open(path)?.write_all_at(bytes, 0)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        missing_is_fine(fs::remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        missing_is_fine(fs::remove_dir(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let names = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        names
            .map(|name| name.and_then(|n| Ok(Entry { is_dir: n.file_type()?.is_dir(), name: n.file_name() })))
            .collect()
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(Stat { len: meta.len(), is_dir: meta.is_dir() })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(path)?;
        // btrfs and some FUSE file systems count no inodes and say 0 of 0.
        let inodes = if stat.f_files == 0 { u64::MAX } else { stat.f_favail };
        Ok(Space { bytes: stat.f_bavail.saturating_mul(stat.f_frsize), inodes })
    }

    fn try_lock(&self, path: &Path, kind: LockKind) -> io::Result<Option<Box<dyn Lock>>> {
        lock(OpenOptions::new().write(true).create(true).truncate(false).open(path)?, kind)
    }

    fn try_share(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        lock(File::open(path)?, LockKind::Shared)
    }
}
