//! The zip writer.

#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)]
#![cfg(feature = "pack")]

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use ota_bundle::{LimitExceeded, Limits, PackError, ScanError, scan, write_zip};
use ota_protocol::Checksum;
use support::unpack;
use tempfile::TempDir;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, content) in files {
        let on_disk = dir.path().join(path);
        fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
        fs::write(on_disk, content).unwrap();
    }
    dir
}

const FILES: &[(&str, &[u8])] = &[
    ("index.html", support::PAGE),
    ("assets/app.js", support::SCRIPT),
    ("assets/grün.svg", b"<svg/>"),
    ("assets/empty", b""),
];

fn pack(dir: &Path) -> (ota_bundle::Packed, Vec<u8>) {
    let mut bytes = Vec::new();
    let packed = write_zip(dir, &mut bytes, &Limits::default()).unwrap();
    (packed, bytes)
}

#[test]
fn what_is_packed_unpacks_to_the_same_bundle() {
    let dir = folder(FILES);
    let (packed, bytes) = pack(dir.path());
    let expected = scan(dir.path(), &Limits::default(), 2).unwrap();
    let (list, files) = unpack(&bytes).unwrap();
    assert_eq!((&list, packed.root), (&expected, expected.root()));
    assert_eq!((packed.checksum, packed.size), (Checksum::of(&bytes), bytes.len() as u64));
    assert_eq!((packed.files, packed.unpacked_size), (list.files(), list.unpacked_size()));
    assert!(FILES.iter().all(|(path, content)| files[*path] == *content));
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let one = folder(FILES);
    let other = folder(&FILES.iter().rev().copied().collect::<Vec<_>>());
    fs::write(other.path().join(".DS_Store"), b"added by macOS").unwrap();
    fs::create_dir(other.path().join("empty")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(other.path().join("index.html"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::File::open(other.path().join("assets/empty")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(pack(one.path()), pack(other.path()));
}

#[test]
fn the_bytes_do_not_change_from_version_to_version() {
    let dir = folder(&[("index.html", b"stored, too short to deflate"), ("a/b", b"x")]);
    let (packed, _) = pack(dir.path());
    assert_eq!(
        packed.checksum.to_string(),
        "c95a705cc481e315ace3ce36f866f7c3aba5d5765bf475ed97f1b7af30f5e5c2"
    );
}

#[test]
fn deflate_is_used_where_it_pays() {
    let noise: Vec<u8> =
        (0..4000_u32).map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let dir = folder(&[("index.html", &b"text ".repeat(800)), ("noise.png", &noise)]);
    let (_, bytes) = pack(dir.path());
    let archive = support::open(&bytes).unwrap();
    let sizes: Vec<_> = archive.entries().iter().map(|e| (e.size(), e.compressed_size())).collect();
    assert!(sizes[0].1 < 100 && sizes[1].0 == sizes[1].1, "{sizes:?}");
}

/// A deflater that was stopped, as content did not get smaller, must leave nothing for the next file. Fonts do this:
/// many files of one deflate block each, which save a little, but too little to pay.
#[test]
fn files_that_deflate_do_not_spoil_the_ones_behind_them() {
    let mut random = 1_u32;
    let mut font = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((random >> 16) % 254) as u8
    };
    let fonts: Vec<(String, Vec<u8>)> =
        (0..20).map(|n| (format!("{n:02}.woff2"), (0..14_000).map(|_| font()).collect())).collect();
    let text: Vec<u8> = (0..9000).flat_map(|n: u32| n.to_string().into_bytes()).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("index.html", &text), ("05b.js", &text), ("19b.js", &text)];
    files.extend(fonts.iter().map(|(path, content)| (path.as_str(), &content[..])));
    let dir = folder(&files);
    let (packed, bytes) = pack(dir.path());
    let (list, unpacked) = unpack(&bytes).unwrap();
    assert_eq!(list.root(), packed.root);
    assert!(files.iter().all(|(path, content)| unpacked[*path] == *content));
}

#[test]
fn what_readers_would_refuse_is_not_packed() {
    let limits = Limits::default();
    let refused = |dir: &TempDir, limits: &Limits| write_zip(dir.path(), io::sink(), limits).unwrap_err();
    let dir = folder(FILES);
    assert!(matches!(refused(&dir, &Limits { files: 3, ..limits }), PackError::Scan(ScanError::Limit(_))));
    assert!(matches!(
        refused(&dir, &Limits { archive: 200, ..limits }),
        PackError::Limit(LimitExceeded::Archive { .. })
    ));
    let bomb = folder(&[("index.html", &vec![0; 1 << 20])]);
    assert!(matches!(refused(&bomb, &limits), PackError::Limit(LimitExceeded::Ratio { .. })));
    let no_page = folder(&[("a.html", b"1")]);
    assert!(matches!(refused(&no_page, &limits), PackError::Scan(ScanError::NoIndexHtml { .. })));
}

#[test]
fn a_full_disk_is_told_apart() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let len = buf.len().min(self.0);
            self.0 -= len;
            Ok(len)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let dir = folder(FILES);
    let error = write_zip(dir.path(), Full(100), &Limits::default()).unwrap_err();
    assert!(matches!(error, PackError::Write { source } if source.kind() == io::ErrorKind::StorageFull));
}
