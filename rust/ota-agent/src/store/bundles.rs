//! The bundles on disk: which are there, whether they are whole, and how they go.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ota_bundle::{TreeEntry, TreeList};
use ota_protocol::{Digest, Root};
use sha2::{Digest as _, Sha256};

use super::layout::Layout;
use super::staging::remove_tree;
use crate::error::{AgentError, At};
use crate::ports::{Fs, LockKind, Ports};

/// The largest tree list that is read, in bytes.
const MAX_LIST: u64 = 16 * 1024 * 1024;
const CHUNK: usize = 128 * 1024;

/// Whether a bundle can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// There, and every file is what its list says, and the list is the one its root names.
    Held,
    /// Not there.
    Absent,
    /// There, and not whole; this is what is wrong.
    Damaged(String),
}

/// The roots of all bundles on disk.
///
/// # Errors
/// The disk's.
pub fn all(fs: &dyn Fs, layout: &Layout) -> Result<Vec<Root>, AgentError> {
    let bundles = layout.bundles();
    let entries = fs.list(&bundles).at("list", &bundles)?;
    Ok(entries.iter().filter_map(|entry| entry.name.to_str()?.parse().ok()).collect())
}

/// Whether a bundle has what a page needs first. Looks at one name; the rest was verified before it came here.
pub fn has_index(fs: &dyn Fs, layout: &Layout, root: Root) -> bool {
    matches!(fs.stat(&layout.www(root).join("index.html")), Ok(Some(stat)) if !stat.is_dir)
}

/// Hashes a bundle against its list, on `threads` threads.
///
/// # Errors
/// The disk's, where it says neither what a file holds nor that it is not there.
pub fn holding(fs: &dyn Fs, layout: &Layout, root: Root, threads: usize) -> Result<Holding, AgentError> {
    let path = layout.list(root);
    let text = match fs.read(&path, MAX_LIST) {
        Ok(text) => text,
        Err(error) if is_not_there(&error) => {
            let there = fs.stat(&layout.bundle(root)).at("look at", &path)?.is_some();
            return Ok(if there { Holding::Damaged("its list is missing".into()) } else { Holding::Absent });
        }
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Ok(Holding::Damaged("its list is too long".into()));
        }
        Err(error) => return Err(error).at("read", &path),
    };
    let Ok(list) = TreeList::parse(&text) else { return Ok(Holding::Damaged("its list is not one".into())) };
    if list.root() != root {
        return Ok(Holding::Damaged("its list is another bundle's".into()));
    }
    let damage = verify(fs, &layout.www(root), list.entries(), threads)?;
    Ok(damage.map_or(Holding::Held, Holding::Damaged))
}

fn is_not_there(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

fn verify(
    fs: &dyn Fs,
    www: &Path,
    entries: &[TreeEntry],
    threads: usize,
) -> Result<Option<String>, AgentError> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let work = || -> Result<Option<String>, AgentError> {
        let mut buffer = vec![0; CHUNK];
        while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let path = entry.path.under(www);
            match matches(fs, &path, entry, &mut buffer) {
                Ok(true) => {}
                Ok(false) => {
                    stop.store(true, Ordering::Relaxed);
                    return Ok(Some(format!("{} is not what the list says", entry.path.as_str())));
                }
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error).at("read", &path);
                }
            }
        }
        Ok(None)
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut found = work();
        for helper in helpers {
            let theirs = helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            if !matches!(found, Ok(Some(_))) && !matches!(theirs, Ok(None)) {
                found = theirs;
            }
        }
        found
    })
}

fn matches(fs: &dyn Fs, path: &Path, entry: &TreeEntry, buffer: &mut [u8]) -> io::Result<bool> {
    let file = match fs.open(path) {
        Ok(file) => file,
        Err(error) if is_not_there(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    // A folder opens as a file, and only reading it fails.
    if fs.stat(path)?.is_none_or(|stat| stat.is_dir || stat.len != entry.size) {
        return Ok(false);
    }
    let mut hash = Sha256::new();
    let mut at = 0;
    while at < entry.size {
        let wanted = usize::try_from(entry.size - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        let part = &mut buffer[..wanted];
        match file.read_exact_at(part, at) {
            Ok(()) => hash.update(&*part),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        at += wanted as u64;
    }
    Ok(Digest::from_bytes(hash.finalize().into()) == entry.hash)
}

/// Takes a bundle out of the way by one rename, and gives where it is now; `None`: it is not there. The state no
/// longer names it, and its lock is held.
///
/// # Errors
/// [`AgentError::InUse`] where a live page shows it; the disk's.
pub fn take_away(ports: &Ports, layout: &Layout, root: Root) -> Result<Option<PathBuf>, AgentError> {
    let fs = &*ports.fs;
    let bundle = layout.bundle(root);
    if fs.stat(&bundle).at("look at", &bundle)?.is_none() {
        return Ok(None);
    }
    let list = layout.list(root);
    let has_list = fs.stat(&list).at("look at", &list)?.is_some();
    // A live page holds a shared lock on its bundle's list.
    let lock = if has_list { fs.try_lock(&list, LockKind::Exclusive).at("lock", &list)? } else { None };
    if has_list && lock.is_none() {
        return Err(AgentError::InUse(root.to_string()));
    }
    let staging = layout.staging();
    fs.create_dir(&staging).at("create", &staging)?;
    let name = ports.clock.random().at("name", &staging)?.map(|byte| format!("{byte:02x}")).concat();
    let trash = staging.join(name);
    fs.rename(&bundle, &trash).at("rename", &bundle)?;
    Ok(Some(trash))
}

/// Takes a bundle out of the way and deletes it. What cannot be deleted now is swept later.
///
/// # Errors
/// As [`take_away`].
pub fn discard(ports: &Ports, layout: &Layout, root: Root) -> Result<(), AgentError> {
    if let Some(trash) = take_away(ports, layout, root)? {
        let _ = remove_tree(&*ports.fs, &trash);
    }
    Ok(())
}
