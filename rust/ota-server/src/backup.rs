//! A consistent copy of a data directory while its server runs.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ota_protocol::Checksum;
use rusqlite::Connection;

use crate::db::{self, Db, history};
use crate::storage::{BLOBS, BlobStore, DiskStore};

/// Snapshots taken before giving up: each further one is needed only where a release was deleted meanwhile.
const TRIES: usize = 10;

/// Why there is no backup. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("copy the database")]
    Database(#[from] rusqlite::Error),
    #[error("write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("read the bytes {checksum}")]
    Read { checksum: Checksum, source: io::Error },
    #[error(
        "the bytes {0} are missing, and its release is still listed: start the server once, which sorts that out"
    )]
    Missing(Checksum),
}

/// Writes the backup to `file`: a tar that unpacks into a data directory. It appears whole or not at all. The secret
/// that signs logins is not in it; accounts and deploy tokens are.
pub(crate) fn write(data: &Path, db: &Db, file: &Path) -> Result<usize, BackupError> {
    let temporary = with_suffix(file, ".part");
    let failed = |source| BackupError::Write { path: temporary.clone(), source };
    fs::remove_file(&temporary).or_else(ignore_absent).map_err(failed)?;
    let result = fill(data, db, &temporary).and_then(|blobs| {
        fs::rename(&temporary, file)
            .and_then(|()| {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
            })
            .map_err(|source| BackupError::Write { path: file.to_owned(), source })?;
        Ok(blobs)
    });
    if result.is_err() {
        fs::remove_file(&temporary).ok();
    }
    fs::remove_file(with_suffix(&temporary, ".db")).ok();
    result
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn ignore_absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn fill(data: &Path, db: &Db, temporary: &Path) -> Result<usize, BackupError> {
    let failed = |source| BackupError::Write { path: temporary.to_owned(), source };
    let blobs = DiskStore::open(data).map_err(failed)?;
    // It holds password hashes.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary).map_err(failed)?;
    let mut tar = tar::Builder::new(BufWriter::new(file));
    let snapshot = with_suffix(temporary, ".db");
    let mut copied = HashSet::new();
    for tries in 1.. {
        // The database goes in last: bytes that a release of it needs are there by then, and bytes that none needs
        // any more are swept when the copy is first started.
        fs::remove_file(&snapshot).or_else(ignore_absent).map_err(failed)?;
        let needed = copy_database(db, &snapshot)?;
        match copy_blobs(&blobs, &needed, &mut copied, &mut tar) {
            Ok(()) => break,
            Err(BackupError::Missing(_)) if tries < TRIES => {} // deleted since: look again
            Err(error) => return Err(error),
        }
    }
    let mut database = File::open(&snapshot).map_err(failed)?;
    tar.append_file(db::FILE, &mut database).map_err(failed)?;
    let mut writer = tar.into_inner().map_err(failed)?;
    writer.flush().map_err(failed)?;
    writer.get_ref().sync_all().map_err(failed)?;
    Ok(copied.len())
}

/// Copies the database in one step, and gives the bytes it needs.
fn copy_database(db: &Db, to: &Path) -> Result<HashSet<Checksum>, BackupError> {
    let failed = |source| BackupError::Write { path: to.to_owned(), source };
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    db.read_blocking(|connection| {
        let mut copy = Connection::open(to)?;
        rusqlite::backup::Backup::new(connection, &mut copy)?.run_to_completion(
            i32::MAX,
            std::time::Duration::from_millis(100),
            None,
        )?;
        // One file, without a log beside it.
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        let rows = history::all(&copy)?;
        Ok(rows.into_iter().filter(|row| !row.missing).map(|row| row.checksum).collect())
    })
}

fn copy_blobs(
    blobs: &DiskStore,
    needed: &HashSet<Checksum>,
    copied: &mut HashSet<Checksum>,
    tar: &mut tar::Builder<BufWriter<File>>,
) -> Result<(), BackupError> {
    for checksum in needed {
        if copied.contains(checksum) {
            continue;
        }
        let read = |source| BackupError::Read { checksum: *checksum, source };
        // Once open, the bytes stay readable even if their release is deleted now.
        let mut file = match blobs.open(*checksum) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::Missing(*checksum));
            }
            other => other.map_err(read)?,
        };
        tar.append_file(format!("{BLOBS}/{checksum}"), &mut file).map_err(read)?;
        copied.insert(*checksum);
    }
    Ok(())
}
