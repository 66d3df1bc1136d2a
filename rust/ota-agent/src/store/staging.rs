//! Building a bundle beside the others: written and synced in parallel, then moved to its place by one rename.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ota_bundle::{BundlePath, Sink, TreeList};
use ota_protocol::Root;

use super::bundles::{self, Holding};
use super::layout::Layout;
use super::lock::StateLock;
use crate::error::{AgentError, At};
use crate::ports::{Cancel, Fs, Ports, WriteFile};

/// Files being synced at once. Syncing waits for the disk, not for a core.
const SYNC_THREADS: usize = 8;
/// Written files that wait for their sync: bounds the open files.
const QUEUE: usize = 32;
/// Bytes moved at once. Two writers and their queue stay far below the memory budget.
const CHUNK: usize = 256 * 1024;

/// A bundle being built.
pub struct Staged {
    dir: PathBuf,
    www: PathBuf,
}

/// What is being built has a name of its own, so that nothing left by a killed process is in the way.
///
/// # Errors
/// The disk's; no randomness.
pub fn begin(ports: &Ports, layout: &Layout) -> Result<Staged, AgentError> {
    let staging = layout.staging();
    make_dir(&*ports.fs, &staging)?;
    let name = ports.clock.random().at("name", &staging)?.map(|byte| format!("{byte:02x}")).concat();
    let dir = staging.join(name);
    let www = dir.join("www");
    ports.fs.create_dir(&dir).at("create", &dir)?;
    ports.fs.create_dir(&www).at("create", &www)?;
    Ok(Staged { dir, www })
}

impl Staged {
    /// Runs `unpack` with a sink that writes below this bundle's `www`, syncing what is written while more is
    /// unpacked. When it returns, every file and folder is synced.
    ///
    /// # Errors
    /// What `unpack` gives; the disk's.
    pub fn fill<E: From<AgentError>>(
        &self,
        ports: &Ports,
        cancel: &Cancel,
        unpack: impl FnOnce(&dyn Sink) -> Result<TreeList, E>,
    ) -> Result<TreeList, E> {
        let (sender, receiver) = sync_channel::<Written>(QUEUE);
        let queue = Queue { receiver: Mutex::new(receiver), failure: Mutex::new(None) };
        let list = std::thread::scope(|scope| {
            for _ in 0..SYNC_THREADS {
                scope.spawn(|| queue.sync_all());
            }
            let sink = StagingSink { fs: &*ports.fs, www: &self.www, sender, queue: &queue, cancel };
            unpack(&sink)
        })?;
        if let Some((path, error)) =
            queue.failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
        {
            return Err(AgentError::Disk { operation: "sync", path, source: error }.into());
        }
        self.sync_folders(ports, &list)?;
        Ok(list)
    }

    fn sync_folders(&self, ports: &Ports, list: &TreeList) -> Result<(), AgentError> {
        let mut folders: Vec<PathBuf> =
            list.folders().into_iter().map(|folder| self.www.join(folder)).collect();
        folders.push(self.www.clone());
        let share = folders.len().div_ceil(SYNC_THREADS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = folders
                .chunks(share)
                .map(|share| {
                    let sync =
                        move || share.iter().try_for_each(|dir| ports.fs.sync_dir(dir).at("sync", dir));
                    scope.spawn(sync)
                })
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Writes the list, and moves the bundle to its place. When this returns it is there, whole, whatever happens.
    /// Where the bundle is there already, this one is given up; one that is damaged is moved out of the way.
    ///
    /// # Errors
    /// The disk's; [`AgentError::InUse`] where the damaged one is shown.
    pub fn commit(
        self,
        ports: &Ports,
        layout: &Layout,
        state: &StateLock,
        list: &TreeList,
    ) -> Result<Root, AgentError> {
        let fs = &*ports.fs;
        let path = self.dir.join("list");
        let mut file = fs.create_new(&path).at("create", &path)?;
        file.write_all(list.to_text().as_bytes()).at("write", &path)?;
        file.sync().at("sync", &path)?;
        drop(file);
        fs.sync_dir(&self.dir).at("sync", &self.dir)?;
        let bundles = layout.bundles();
        make_dir(fs, &bundles)?;
        let root = list.root();
        let threads = crate::engine::threads();
        match bundles::holding(fs, layout, root, threads)? {
            Holding::Absent => {}
            Holding::Held => {
                self.abandon(fs);
                return Ok(root);
            }
            Holding::Damaged(_) => {
                let _lock = state.take(ports, layout)?;
                bundles::discard(ports, layout, root)?;
            }
        }
        let bundle = layout.bundle(root);
        fs.rename(&self.dir, &bundle).at("put in place", &bundle)?;
        fs.sync_dir(&bundles).at("sync", &bundles)?;
        fs.sync_dir(layout.root()).at("sync", layout.root())?;
        Ok(root)
    }

    /// Gives up. What cannot be removed now is swept later.
    pub fn abandon(self, fs: &dyn Fs) {
        let _ = remove_tree(fs, &self.dir);
    }
}

/// Creates one of the agent's folders. A file in its place, which the agent never made, would be in the way for ever.
///
/// # Errors
/// The disk's.
pub fn make_dir(fs: &dyn Fs, dir: &Path) -> Result<(), AgentError> {
    if fs.stat(dir).at("look at", dir)?.is_some_and(|stat| !stat.is_dir) {
        fs.remove_file(dir).at("remove", dir)?;
    }
    fs.create_dir(dir).at("create", dir)
}

/// Removes a folder and all below it.
///
/// # Errors
/// The disk's.
pub fn remove_tree(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    for entry in fs.list(dir)? {
        let path = dir.join(&entry.name);
        if entry.is_dir { remove_tree(fs, &path)? } else { fs.remove_file(&path)? }
    }
    fs.remove_dir(dir)
}

/// Removes whatever a killed process left. The updater's lock is held.
pub fn sweep(fs: &dyn Fs, layout: &Layout) {
    for entry in fs.list(&layout.staging()).unwrap_or_default() {
        let path = layout.staging().join(&entry.name);
        let _ = if entry.is_dir { remove_tree(fs, &path) } else { fs.remove_file(&path) };
    }
}

struct Written {
    path: PathBuf,
    file: Box<dyn WriteFile>,
}

struct Queue {
    receiver: Mutex<Receiver<Written>>,
    failure: Mutex<Option<(PathBuf, io::Error)>>,
}

impl Queue {
    fn sync_all(&self) {
        loop {
            let next = self.receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
            let Ok(mut written) = next else { return };
            if let Err(error) = written.file.sync() {
                let mut failure = self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                failure.get_or_insert((written.path, error));
            }
        }
    }

    fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
    }
}

struct StagingSink<'a> {
    fs: &'a dyn Fs,
    www: &'a Path,
    sender: SyncSender<Written>,
    queue: &'a Queue,
    cancel: &'a Cancel,
}

impl Sink for StagingSink<'_> {
    fn folder(&self, path: &str) -> io::Result<()> {
        self.fs.create_dir(&self.www.join(path))
    }

    fn file(&self, path: &BundlePath, size: u64, content: &mut dyn Read) -> io::Result<()> {
        thread_local! {
            static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        if self.queue.has_failed() {
            return Err(io::Error::other("an earlier file could not be synced"));
        }
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let path = path.under(self.www);
        let mut file = self.fs.create_new(&path)?;
        BUFFER.with_borrow_mut(|buffer| {
            let wanted = usize::try_from(size).unwrap_or(CHUNK).clamp(1, CHUNK);
            if buffer.len() < wanted {
                buffer.resize(wanted, 0);
            }
            loop {
                match content.read(buffer) {
                    Ok(0) => return Ok(()),
                    Ok(read) => file.write_all(&buffer[..read])?,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        })?;
        self.sender.send(Written { path, file }).map_err(|_| io::Error::other("the sync threads are gone"))
    }
}
