//! What reaches a sink, and what comes back when it, the archive or the reader fails.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ota_bundle::{Archive, ArchiveError, BundlePath, Discard, Limits, ReadAt, Sink, UnpackError};
use support::{Zip, file, open, sample, stored, zip};

fn noise(len: u32) -> Vec<u8> {
    (0..len).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

fn many() -> Zip {
    let content = noise(100_000);
    let chunk = |n: usize| file(&format!("chunks/{n:03}.js"), &content[..n * 300]);
    zip([file("index.html", b"page"), stored("stored", &content)].into_iter().chain((0..200).map(chunk)))
}

#[test]
fn an_open_archive_says_what_is_in_it() {
    let bytes =
        zip([file("top/index.html", b"page"), file("top/a/b/c.js", b"12"), stored("top/a/d.js", b"3")])
            .bytes();
    let archive = open(&bytes).unwrap();
    assert_eq!((archive.files(), archive.unpacked_size()), (3, 7));
    assert_eq!(archive.folders(), ["a", "a/b"]);
    let entries: Vec<_> = archive.entries().iter().map(|e| (e.path().as_str(), e.size())).collect();
    assert_eq!(entries, [("a/b/c.js", 2), ("a/d.js", 1), ("index.html", 4)]);
}

#[test]
fn the_list_is_the_same_on_any_number_of_threads_and_whatever_the_sink_reads() {
    let bytes = many().bytes();
    let expected = support::unpack(&bytes).unwrap().0;
    let archive = open(&bytes).unwrap();
    for threads in [0, 1, 2, 7, 100] {
        assert_eq!(archive.unpack(&Discard, threads).unwrap(), expected);
        assert_eq!(archive.unpack(&ReadsAPart, threads).unwrap(), expected);
    }
}

/// Reads ten bytes of each file.
struct ReadsAPart;

impl Sink for ReadsAPart {
    fn folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn file(&self, _: &BundlePath, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut buffer = [0; 10];
        let len = buffer.len().min(usize::try_from(size).unwrap());
        content.read_exact(&mut buffer[..len])
    }
}

mod a_sink {
    use super::*;

    /// Fails at one path.
    struct Full<'a>(&'a str, AtomicUsize);

    impl Full<'_> {
        fn write(&self, path: &str) -> io::Result<()> {
            self.1.fetch_add(1, Ordering::Relaxed);
            if path == self.0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl Sink for Full<'_> {
        fn folder(&self, path: &str) -> io::Result<()> {
            self.write(path)
        }

        fn file(&self, path: &BundlePath, _: u64, content: &mut dyn Read) -> io::Result<()> {
            io::copy(content, &mut io::sink())?;
            self.write(path.as_str())
        }
    }

    #[test]
    fn that_fails_gets_its_own_error_back() {
        let bytes = many().bytes();
        let archive = open(&bytes).unwrap();
        for failing in ["chunks", "stored", "chunks/100.js", "index.html"] {
            for threads in [1, 2] {
                let error = archive.unpack(&Full(failing, AtomicUsize::new(0)), threads).unwrap_err();
                let UnpackError::Sink { path, source } = error else { panic!("{error}") };
                assert_eq!((path.as_str(), source.kind()), (failing, io::ErrorKind::StorageFull));
            }
        }
    }

    #[test]
    fn that_fails_is_called_no_more() {
        let bytes = many().bytes();
        let sink = Full("stored", AtomicUsize::new(0));
        open(&bytes).unwrap().unpack(&sink, 2).unwrap_err();
        // The folder, the largest file, and what another thread had begun meanwhile.
        assert!(sink.1.into_inner() < 50);
    }

    /// Has other things to say about a content that fails.
    struct Forgetful(io::ErrorKind);

    impl Sink for Forgetful {
        fn folder(&self, _: &str) -> io::Result<()> {
            Ok(())
        }

        fn file(&self, _: &BundlePath, _: u64, content: &mut dyn Read) -> io::Result<()> {
            match io::copy(content, &mut io::sink()) {
                Err(_) if self.0 == io::ErrorKind::Other => Ok(()),
                Err(_) => Err(self.0.into()),
                Ok(_) => Ok(()),
            }
        }
    }

    #[test]
    fn cannot_hide_the_archives_fault() {
        let mut zip = sample();
        zip.entries[1].headers(|header| header.crc ^= 1);
        let bytes = zip.bytes();
        let archive = open(&bytes).unwrap();
        for kind in [io::ErrorKind::Other, io::ErrorKind::StorageFull] {
            let error = archive.unpack(&Forgetful(kind), 1).unwrap_err();
            assert!(matches!(error, UnpackError::Archive(ArchiveError::Crc { .. })), "{error}");
        }
    }

    /// Reads on after an error and after the end.
    struct Stubborn;

    impl Sink for Stubborn {
        fn folder(&self, _: &str) -> io::Result<()> {
            Ok(())
        }

        fn file(&self, _: &BundlePath, size: u64, content: &mut dyn Read) -> io::Result<()> {
            let mut total = 0;
            let mut buffer = [0; 7];
            for _ in 0..1000 {
                total += content.read(&mut buffer).unwrap_or(0) as u64;
                assert_eq!(content.read(&mut []).unwrap_or(0), 0);
            }
            assert!(total <= size);
            Ok(())
        }
    }

    #[test]
    fn that_reads_on_gets_nothing_more() {
        let mut zip = sample();
        let bytes = zip.bytes();
        open(&bytes).unwrap().unpack(&Stubborn, 2).unwrap();
        zip.entries[1].headers(|header| header.size -= 1);
        let bytes = zip.bytes();
        let error = open(&bytes).unwrap().unpack(&Stubborn, 2).unwrap_err();
        assert!(matches!(error, UnpackError::Archive(ArchiveError::Size { .. })), "{error}");
    }
}

mod a_reader {
    use super::*;

    /// Fails once it is told to, and records the largest read.
    struct Disk {
        bytes: Vec<u8>,
        broken: AtomicBool,
        largest: Mutex<usize>,
    }

    impl Disk {
        fn new(bytes: Vec<u8>, broken: bool) -> Self {
            Self { bytes, broken: AtomicBool::new(broken), largest: Mutex::new(0) }
        }
    }

    impl ReadAt for Disk {
        fn size(&self) -> io::Result<u64> {
            self.bytes.size()
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            let mut largest = self.largest.lock().unwrap();
            *largest = buf.len().max(*largest);
            if self.broken.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.bytes.read_exact_at(buf, offset)
        }
    }

    #[test]
    fn that_fails_is_not_held_against_the_archive() {
        let disk = Disk::new(sample().bytes(), true);
        let error = Archive::open(&disk, &Limits::default()).map(drop).unwrap_err();
        assert!(matches!(&error, ArchiveError::Read { source } if source.kind() == io::ErrorKind::TimedOut));
        assert_eq!(error.code(), "io");

        disk.broken.store(false, Ordering::Relaxed);
        let archive = Archive::open(&disk, &Limits::default()).unwrap();
        disk.broken.store(true, Ordering::Relaxed);
        let error = archive.unpack(&Discard, 2).unwrap_err();
        assert!(
            matches!(error, UnpackError::Read { source, .. } if source.kind() == io::ErrorKind::TimedOut)
        );
    }

    #[test]
    fn is_asked_for_small_pieces_only() {
        let disk = Disk::new(
            zip([file("index.html", b"1"), stored("a", &noise(1 << 20)), file("b", &noise(1 << 20))]).bytes(),
            false,
        );
        Archive::open(&disk, &Limits::default()).unwrap().unpack(&Discard, 2).unwrap();
        assert!(disk.largest.into_inner().unwrap() <= 66 * 1024);
    }

    #[cfg(unix)]
    #[test]
    fn may_be_a_file() {
        let bytes = many().bytes();
        let mut on_disk = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut on_disk, &bytes).unwrap();
        let list = Archive::open(on_disk, &Limits::default()).unwrap().unpack(&Discard, 2).unwrap();
        assert_eq!(list, support::unpack(&bytes).unwrap().0);
    }
}
