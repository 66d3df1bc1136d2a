//! The real disk, with an account of what was done to it.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ota_agent::ports::{Entry, Fs, Lock, LockKind, RealFs, Space, Stat, WriteFile};
use ota_bundle::ReadAt;

/// What was done, in order: a word and a file's name.
pub(crate) type Account = Arc<Mutex<Vec<String>>>;

/// The real disk, watched.
#[derive(Default)]
pub(crate) struct WatchedFs(Account);

impl WatchedFs {
    pub(crate) fn new(account: &Account) -> Self {
        Self(account.clone())
    }

    fn note(&self, what: &str, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.0.lock().unwrap().push(format!("{what} {name}"));
    }
}

struct Watched(Box<dyn WriteFile>, Account, String);

impl WriteFile for Watched {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.lock().unwrap().push(format!("sync {}", self.2));
        self.0.sync()
    }
}

impl Fs for WatchedFs {
    fn read(&self, path: &Path, cap: u64) -> io::Result<Vec<u8>> {
        RealFs.read(path, cap)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        self.note("open", path);
        RealFs.open(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.note("create", path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Box::new(Watched(RealFs.create_new(path)?, self.0.clone(), name)))
    }

    fn append(&self, path: &Path) -> io::Result<(Box<dyn WriteFile>, u64)> {
        RealFs.append(path)
    }

    fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.note("overwrite", path);
        RealFs.overwrite(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename", to);
        RealFs.rename(from, to)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.create_dir(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealFs.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        RealFs.list(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        RealFs.stat(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note("sync", path);
        RealFs.sync_dir(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        RealFs.space(path)
    }

    fn try_lock(&self, path: &Path, kind: LockKind) -> io::Result<Option<Box<dyn Lock>>> {
        self.note("lock", path);
        RealFs.try_lock(path, kind)
    }

    fn try_share(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.note("share", path);
        RealFs.try_share(path)
    }
}
