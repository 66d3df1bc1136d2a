//! A web app to publish.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ota_bundle::{Limits, write_zip};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::chance::Chance;

/// A built web app in a folder of its own. The same name and size give the same files.
#[derive(Debug)]
pub struct App {
    files: BTreeMap<String, Vec<u8>>,
    dir: TempDir,
}

/// Bytes that do not compress; the same seed gives the same.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    std::iter::repeat_with(|| chance.number().to_le_bytes()).flatten().take(len).collect()
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl App {
    /// A small app that says its name and does what it should.
    pub fn new(name: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let app = Self { files: BTreeMap::new(), dir };
        app.with("index.html", format!("<h1>{name}</h1><script src=\"js/app.js\"></script>").as_bytes())
            .with("js/app.js", format!("notifyAppReady() // {name}").as_bytes())
            .with("images/a map.svg", b"<svg/>")
    }

    /// With one file of `len` bytes more, which do not compress.
    pub fn large(name: &str, len: usize) -> Self {
        Self::new(name).with("data/noise.bin", &noise(len as u64, len))
    }

    /// With `count` files of a few kilobytes more.
    pub fn many(name: &str, count: usize) -> Self {
        (0..count).fold(Self::new(name), |app, at| {
            let path = format!("chunks/{}/{at}.js", at % 7);
            app.with(&path, &noise(at as u64, 1500 + at % 3000))
        })
    }

    /// With this file.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn with(mut self, path: &str, bytes: &[u8]) -> Self {
        let on_disk = self.dir.path().join(path);
        fs::create_dir_all(on_disk.parent().expect("a file lies in a folder")).expect("a folder");
        fs::write(on_disk, bytes).expect("a file");
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its zip, as `ota bundle zip` makes it.
    ///
    /// # Panics
    /// Where it is no bundle.
    pub fn zip(&self) -> Vec<u8> {
        let mut zip = Vec::new();
        write_zip(self.dir(), &mut zip, &Limits::default()).expect("a bundle");
        zip
    }

    /// Its root.
    ///
    /// # Panics
    /// Where it is no bundle.
    pub fn root(&self) -> String {
        write_zip(self.dir(), std::io::sink(), &Limits::default()).expect("a bundle").root.to_string()
    }

    /// What a folder lacks, has too much, or has otherwise; `None`: it shows exactly this app.
    pub fn differs(&self, dir: &Path) -> Option<String> {
        let there = read_tree(dir, dir);
        for (path, bytes) in &self.files {
            match there.get(path) {
                None => return Some(format!("{path} is missing")),
                Some(other) if other != bytes => return Some(format!("{path} is another")),
                Some(_) => {}
            }
        }
        there.keys().find(|path| !self.files.contains_key(*path)).map(|path| format!("{path} is too much"))
    }
}

fn read_tree(root: &Path, dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(read_tree(root, &path));
        } else {
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).unwrap_or_default());
        }
    }
    files
}
