//! What is to be published or looked at: a zip, given or made of a folder, opened as a device opens it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memmem::Finder;
use ota_bundle::{Archive, BundlePath, Entry, Limits, ScanError, Sink, TreeList, write_zip};
use ota_protocol::{Checksum, Code, Digest};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// The call that tells the agent that the app came up.
const READY: &[u8] = b"notifyAppReady";
const BUFFER: usize = 128 * 1024;

/// A zip that a device would take.
#[derive(Debug)]
pub(crate) struct Prepared {
    zip: Zip,
    /// The bundle's files.
    pub(crate) list: TreeList,
    /// The same files as the zip has them, in the same order.
    pub(crate) entries: Vec<Entry>,
    /// SHA-256 of the zip.
    pub(crate) checksum: Checksum,
    /// Bytes of the zip.
    pub(crate) size: u64,
    /// Whether a script or page contains `notifyAppReady`.
    pub(crate) calls_ready: bool,
}

#[derive(Debug)]
enum Zip {
    Given(PathBuf),
    /// Made of a folder; gone when this is dropped.
    Made(NamedTempFile),
}

impl Prepared {
    /// Takes a zip, or packs a folder into a temporary one; then checks it as a device does.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let metadata = std::fs::metadata(path).map_err(|error| Failure::disk("read", path, &error))?;
        let zip = if metadata.is_dir() {
            Zip::Made(pack(path)?)
        } else if metadata.is_file() {
            Zip::Given(path.to_owned())
        } else {
            let what = format!("{} is neither a folder nor a file", path.display());
            return Err(Failure::new(Code::InvalidArgument, what)
                .remedy("Give the build's output folder, or a zip of it."));
        };
        let file = zip.open().map_err(|error| Failure::disk("read", path, &error))?;
        let (checksum, size) = hash(&file).map_err(|error| Failure::disk("read", path, &error))?;
        let refused = |failure: Failure| failure.about(path);
        let archive = Archive::open(&file, &Limits::default()).map_err(|error| refused(error.into()))?;
        let scripts = Scripts { finder: Finder::new(READY), found: AtomicBool::new(false) };
        let list = archive.unpack(&scripts, threads()).map_err(|error| refused(error.into()))?;
        let (entries, calls_ready) = (archive.entries().to_vec(), scripts.found.into_inner());
        Ok(Self { zip, list, entries, checksum, size, calls_ready })
    }

    /// The zip's bytes from the first one on.
    pub(crate) fn open(&self) -> Result<File, Failure> {
        self.zip.open().map_err(|error| Failure::disk("read", self.zip.path(), &error))
    }
}

impl Zip {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Made(file) => file.path(),
        }
    }

    fn open(&self) -> io::Result<File> {
        match self {
            Self::Given(path) => File::open(path),
            Self::Made(file) => file.reopen(),
        }
    }
}

/// As many threads as there are processors.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn pack(dir: &Path) -> Result<NamedTempFile, Failure> {
    check_index(dir)?;
    let file = NamedTempFile::new()
        .map_err(|error| Failure::disk("write a temporary file to", &std::env::temp_dir(), &error))?;
    let mut out = io::BufWriter::with_capacity(BUFFER, file.as_file());
    write_zip(dir, &mut out, &Limits::default())?;
    drop(out); // write_zip flushed it
    Ok(file)
}

/// Refuses a folder without index.html, and names the one that was probably meant. Before anything else: a project's
/// own folder breaks other rules, too, which would only confuse.
pub(crate) fn check_index(dir: &Path) -> Result<(), Failure> {
    if dir.join("index.html").is_file() {
        return Ok(());
    }
    let failure = Failure::from(ScanError::NoIndexHtml { path: dir.to_owned() });
    let inside = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut inside: Vec<_> = inside.filter(|path| path.join("index.html").is_file()).collect();
    inside.sort();
    Err(match inside.first() {
        Some(path) => failure.remedy(format!("There is one in {}: give that folder.", path.display())),
        None => failure,
    })
}

fn hash(mut file: &File) -> io::Result<(Checksum, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((Checksum(Digest::from_bytes(hasher.finalize().into())), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

/// Looks for [`READY`] in everything that can hold a script.
struct Scripts {
    finder: Finder<'static>,
    found: AtomicBool,
}

impl Sink for Scripts {
    fn folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn file(&self, path: &BundlePath, _: u64, content: &mut dyn Read) -> io::Result<()> {
        let name = path.as_str().rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_script = ["js", "mjs", "cjs", "html", "htm"].iter().any(|e| extension.eq_ignore_ascii_case(e));
        if is_script && !self.found.load(Ordering::Relaxed) && contains(&self.finder, content)? {
            self.found.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Whether the content has what `finder` looks for, also across two reads.
fn contains(finder: &Finder<'_>, content: &mut dyn Read) -> io::Result<bool> {
    let overlap = finder.needle().len() - 1;
    let mut buffer = vec![0; BUFFER];
    let mut kept = 0;
    loop {
        let count = content.read(&mut buffer[kept..])?;
        if count == 0 {
            return Ok(false);
        }
        let end = kept + count;
        if finder.find(&buffer[..end]).is_some() {
            return Ok(true);
        }
        let start = end.saturating_sub(overlap);
        buffer.copy_within(start..end, 0);
        kept = end - start;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn a_folder_and_its_zip_are_the_same_bundle() {
        let dir = folder(&[("index.html", "<p>"), ("assets/app.js", "x.notifyAppReady()")]);
        let made = Prepared::new(dir.path()).unwrap();
        let copy = tempfile::NamedTempFile::new().unwrap();
        fs::copy(made.zip.path(), copy.path()).unwrap();
        let given = Prepared::new(copy.path()).unwrap();
        assert_eq!(
            (made.list.root(), made.checksum, made.size),
            (given.list.root(), given.checksum, given.size)
        );
        assert_eq!(made.list.files(), 2);
        assert!(made.calls_ready && given.calls_ready);
    }

    #[test]
    fn only_scripts_and_pages_can_call_ready() {
        let dir = folder(&[("index.html", "<p>"), ("notes.txt", "notifyAppReady")]);
        assert!(!Prepared::new(dir.path()).unwrap().calls_ready);
        let dir = folder(&[("index.html", "<script>Ota.notifyAppReady()</script>")]);
        assert!(Prepared::new(dir.path()).unwrap().calls_ready);
    }

    #[test]
    fn a_call_across_two_reads_is_found() {
        struct OneByOne<'a>(&'a [u8]);
        impl Read for OneByOne<'_> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                let count = buf.len().min(1);
                self.0.read(&mut buf[..count])
            }
        }
        let finder = Finder::new(READY);
        assert!(contains(&finder, &mut OneByOne(b"a.notifyAppReady()")).unwrap());
        assert!(!contains(&finder, &mut OneByOne(b"a.notifyAppRead()")).unwrap());
        let long = [vec![b' '; BUFFER - 5], READY.to_vec()].concat();
        assert!(contains(&finder, &mut long.as_slice()).unwrap());
    }

    #[test]
    fn the_folder_that_was_meant_is_named() {
        let dir = folder(&[("package.json", "{}"), ("dist/index.html", "<p>")]);
        let failure = Prepared::new(dir.path()).unwrap_err();
        assert!(failure.is(Code::NoIndexHtml));
        assert!(failure.to_string().contains("dist: give that folder"), "{failure}");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let failure = Prepared::new(Path::new("no/such/folder")).unwrap_err();
        assert!(failure.to_string().contains("no/such/folder"), "{failure}");
    }
}
