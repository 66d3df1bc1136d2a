//! Builds zips byte by byte, so that each field can lie.

#![allow(dead_code, unreachable_pub)] // each test binary uses a part of it
#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)] // lies need no care

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use ota_bundle::{Archive, ArchiveError, BundlePath, Limits, Sink, TreeList, UnpackError};

/// What local and central header have in common.
#[derive(Clone)]
pub struct Header {
    pub version: u16,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub compressed_size: u32,
    pub size: u32,
    pub name: Vec<u8>,
    pub extra: Vec<u8>,
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in [self.version, self.flags, self.method, 0x6000, 0x5b21] {
            bytes.extend(value.to_le_bytes());
        }
        for value in [self.crc, self.compressed_size, self.size] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend((self.extra.len() as u16).to_le_bytes());
        bytes
    }
}

#[derive(Clone)]
pub struct Entry {
    /// Bytes in front of the local header.
    pub gap: Vec<u8>,
    pub signature: [u8; 4],
    pub local: Header,
    pub central: Header,
    pub content: Vec<u8>,
    pub descriptor: Vec<u8>,
    /// Host system in the upper byte.
    pub made_by: u16,
    pub attributes: u32,
    pub disk: u16,
    pub comment: Vec<u8>,
    /// Where the central header says the local one is.
    pub offset: Option<u32>,
    /// Left out of the directory, or of the entries.
    pub in_directory: bool,
    pub in_body: bool,
}

pub fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A deflated file, as a plain tool on Unix would write it.
pub fn file(name: &str, content: &[u8]) -> Entry {
    entry(name, content, 8, deflate(content), 0o100_644 << 16)
}

pub fn stored(name: &str, content: &[u8]) -> Entry {
    entry(name, content, 0, content.to_vec(), 0o100_644 << 16)
}

pub fn folder(name: &str) -> Entry {
    entry(name, b"", 0, Vec::new(), 0o040_755 << 16 | 0x10)
}

fn entry(name: &str, content: &[u8], method: u16, packed: Vec<u8>, attributes: u32) -> Entry {
    let header = Header {
        version: 20,
        flags: if name.is_ascii() { 0 } else { 1 << 11 },
        method,
        crc: crc32fast::hash(content),
        compressed_size: packed.len() as u32,
        size: content.len() as u32,
        name: name.as_bytes().to_vec(),
        extra: Vec::new(),
    };
    Entry {
        gap: Vec::new(),
        signature: *b"PK\x03\x04",
        local: header.clone(),
        central: header,
        content: packed,
        descriptor: Vec::new(),
        made_by: 0x0314,
        attributes,
        disk: 0,
        comment: Vec::new(),
        offset: None,
        in_directory: true,
        in_body: true,
    }
}

pub fn extra(id: u16, data: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

pub fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Info-ZIP's second spelling of a name.
pub fn unicode_path(raw: &[u8], text: &str) -> Vec<u8> {
    extra(0x7075, &[&[1][..], &crc32fast::hash(raw).to_le_bytes(), text.as_bytes()].concat())
}

impl Entry {
    /// Both headers.
    pub fn headers(&mut self, change: impl Fn(&mut Header)) -> &mut Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    /// Sizes and CRC move behind the content.
    pub fn streamed(mut self, signed: bool, wide: bool) -> Self {
        self.headers(|header| header.flags |= 8);
        let Header { crc, compressed_size, size, .. } = self.central;
        (self.local.crc, self.local.compressed_size, self.local.size) = (0, 0, 0);
        if signed {
            self.descriptor.extend(b"PK\x07\x08");
        }
        self.descriptor.extend(crc.to_le_bytes());
        for value in [compressed_size, size] {
            if wide {
                self.descriptor.extend(u64::from(value).to_le_bytes());
            } else {
                self.descriptor.extend(value.to_le_bytes());
            }
        }
        self
    }

    /// Sizes, and in the directory the offset too, move to zip64 fields.
    pub fn zip64(mut self, offset: u64) -> Self {
        let (size, compressed) = (u64::from(self.central.size), u64::from(self.central.compressed_size));
        self.local.extra.extend(extra(1, &words(&[size, compressed])));
        self.central.extra.extend(extra(1, &words(&[size, compressed, offset])));
        self.headers(|header| (header.size, header.compressed_size) = (u32::MAX, u32::MAX));
        self.offset = Some(u32::MAX);
        self
    }

    fn body(&self) -> Vec<u8> {
        if !self.in_body {
            return Vec::new();
        }
        let header = self.local.bytes();
        let parts = [&self.gap, &self.signature[..], &header, &self.local.name, &self.local.extra];
        [&parts.concat(), &self.content[..], &self.descriptor].concat()
    }

    fn directory(&self, offset: u32) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02".to_vec();
        bytes.extend(self.made_by.to_le_bytes());
        bytes.extend(self.central.bytes());
        bytes.extend((self.comment.len() as u16).to_le_bytes());
        bytes.extend(self.disk.to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(self.offset.unwrap_or(offset).to_le_bytes());
        [&bytes[..], &self.central.name, &self.central.extra, &self.comment].concat()
    }
}

/// The fields of the end record.
#[derive(Clone, Debug)]
pub struct End {
    pub disk: u16,
    pub directory_disk: u16,
    pub entries_here: u16,
    pub entries: u16,
    pub size: u32,
    pub start: u32,
}

/// The zip64 end record and its locator.
#[derive(Clone, Debug)]
pub struct End64 {
    pub record_size: u64,
    pub disk: u32,
    pub entries: u64,
    pub size: u64,
    pub start: u64,
    pub locator_start: u64,
    pub locator_disks: u32,
}

/// A zip to be lied about.
#[derive(Clone)]
pub struct Zip {
    pub prefix: Vec<u8>,
    pub entries: Vec<Entry>,
    /// Between the last entry and the directory.
    pub before_directory: Vec<u8>,
    /// Inside what the end record calls the directory.
    pub in_directory: Vec<u8>,
    pub after_directory: Vec<u8>,
    pub comment: Vec<u8>,
    pub suffix: Vec<u8>,
    pub change_end: fn(&mut End),
    pub change_end64: Option<fn(&mut End64)>,
}

pub fn zip(entries: impl IntoIterator<Item = Entry>) -> Zip {
    Zip {
        prefix: Vec::new(),
        entries: entries.into_iter().collect(),
        before_directory: Vec::new(),
        in_directory: Vec::new(),
        after_directory: Vec::new(),
        comment: Vec::new(),
        suffix: Vec::new(),
        change_end: |_| {},
        change_end64: None,
    }
}

pub const PAGE: &[u8] = b"<!doctype html><script src=\"assets/app.js\"></script>\n";
pub const SCRIPT: &[u8] = b"console.log(1);console.log(2);console.log(3);console.log(4);\n";

/// The plain bundle that cases change: `index.html` and `assets/app.js`.
pub fn sample() -> Zip {
    zip([file("index.html", PAGE), file("assets/app.js", SCRIPT)])
}

impl Zip {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.prefix.clone();
        let mut directory = Vec::new();
        for entry in &self.entries {
            if entry.in_directory {
                directory.extend(entry.directory((bytes.len() + entry.gap.len()) as u32));
            }
            bytes.extend(entry.body());
        }
        directory.extend(&self.in_directory);
        bytes.extend(&self.before_directory);
        let entries = self.entries.iter().filter(|entry| entry.in_directory).count() as u16;
        let (size, start) = (directory.len() as u32, bytes.len() as u32);
        let mut end = End { disk: 0, directory_disk: 0, entries_here: entries, entries, size, start };
        bytes.extend(directory);
        bytes.extend(&self.after_directory);
        if let Some(change) = self.change_end64 {
            let mut end64 = End64 {
                record_size: 44,
                disk: 0,
                entries: entries.into(),
                size: size.into(),
                start: start.into(),
                locator_start: bytes.len() as u64,
                locator_disks: 1,
            };
            change(&mut end64);
            bytes.extend(end64.bytes());
        }
        (self.change_end)(&mut end);
        bytes.extend(b"PK\x05\x06");
        for value in [end.disk, end.directory_disk, end.entries_here, end.entries] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(end.size.to_le_bytes());
        bytes.extend(end.start.to_le_bytes());
        bytes.extend((self.comment.len() as u16).to_le_bytes());
        [&bytes[..], &self.comment, &self.suffix].concat()
    }
}

impl End64 {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"PK\x06\x06".to_vec();
        bytes.extend(self.record_size.to_le_bytes());
        bytes.extend([45, 3, 45, 0]);
        bytes.extend(self.disk.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(words(&[self.entries, self.entries, self.size, self.start]));
        bytes.extend(b"PK\x06\x07");
        bytes.extend([0; 4]);
        bytes.extend(self.locator_start.to_le_bytes());
        bytes.extend(self.locator_disks.to_le_bytes());
        bytes
    }
}

/// Keeps what it is given, and holds the archive to its word about sizes.
#[derive(Default)]
pub struct Memory {
    pub folders: Mutex<Vec<String>>,
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Bytes yielded, complete files or not.
    pub yielded: Mutex<u64>,
}

impl Sink for Memory {
    fn folder(&self, path: &str) -> io::Result<()> {
        assert!(self.files.lock().unwrap().is_empty(), "folders come first");
        self.folders.lock().unwrap().push(path.to_owned());
        Ok(())
    }

    fn file(&self, path: &BundlePath, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            let read = content.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            *self.yielded.lock().unwrap() += read as u64;
            bytes.extend(&buffer[..read]);
            assert!(bytes.len() as u64 <= size, "{path} yields more than it promised");
        }
        assert_eq!(bytes.len() as u64, size, "{path} yields less than it promised");
        let before = self.files.lock().unwrap().insert(path.to_string(), bytes);
        assert!(before.is_none(), "{path} twice");
        Ok(())
    }
}

pub fn open(bytes: &[u8]) -> Result<Archive<&[u8]>, ArchiveError> {
    Archive::open(bytes, &Limits::default())
}

/// Opens and unpacks; the list must agree with what the sink was given.
pub fn unpack(bytes: &[u8]) -> Result<(TreeList, BTreeMap<String, Vec<u8>>), UnpackError> {
    let archive = open(bytes)?;
    let sink = Memory::default();
    let list = archive.unpack(&sink, 2)?;
    assert_eq!(*sink.folders.lock().unwrap(), archive.folders());
    let files = sink.files.into_inner().unwrap();
    assert_eq!(list.files(), files.len());
    assert_eq!(list.unpacked_size(), archive.unpacked_size());
    for (entry, (path, content)) in list.entries().iter().zip(&files) {
        assert_eq!((entry.path.as_str(), entry.size), (path.as_str(), content.len() as u64));
        assert_eq!(entry.hash, ota_protocol::Digest::of(content));
    }
    Ok((list, files))
}
