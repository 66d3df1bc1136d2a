//! Damaged and random zips: refused or taken, but never a panic, and never more than was promised and allowed.

#![allow(clippy::unwrap_used)]

mod support;

use ota_bundle::{Archive, Limits};
use proptest::prelude::*;
use support::{Memory, file, folder, sample, stored, zip};

const LIMITS: Limits =
    Limits { files: 40, file: 100_000, bundle: 200_000, archive: 1 << 20, path: 100, part: 60, ratio: 200 };

fn valid(kind: usize) -> Vec<u8> {
    let mut zip = match kind % 6 {
        0 => sample(),
        1 => zip([
            file("index.html", b"1").streamed(true, false),
            file("a/b.js", &[b'x'; 3000]).streamed(false, true),
        ]),
        2 => zip([stored("index.html", support::PAGE).zip64(0), stored("b", b"2")]),
        3 => zip([
            folder("top/"),
            file("top/index.html", support::PAGE),
            stored("top/grün.js", b"3"),
            stored("__MACOSX/x", b"4"),
        ]),
        4 => zip([file("index.html", &[b'y'; 5000]), file("empty", b"")]),
        _ => zip([stored("index.html", b"")]),
    };
    if kind.is_multiple_of(2) {
        zip.change_end64 = Some(|_| {});
        zip.comment = b"comment".to_vec();
    }
    zip.bytes()
}

fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(archive) = Archive::open(bytes, &LIMITS) else { return Ok(()) };
    prop_assert!(archive.files() <= LIMITS.files && archive.unpacked_size() <= LIMITS.bundle);
    prop_assert!(archive.entries().iter().all(|entry| entry.size() <= LIMITS.file));
    let sink = Memory::default();
    let result = archive.unpack(&sink, 2);
    prop_assert!(*sink.yielded.lock().unwrap() <= archive.unpacked_size());
    if let Ok(list) = result {
        prop_assert_eq!(list.files(), sink.files.lock().unwrap().len());
        prop_assert_eq!(list.unpacked_size(), *sink.yielded.lock().unwrap());
        prop_assert!(list.get("index.html").is_some());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn some_bytes_changed(kind in 0..12_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = valid(kind);
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        holds(&bytes)?;
    }

    #[test]
    fn header_fields_changed(kind in 0..12_usize, near in any::<prop::sample::Index>(), at in 0..46_usize, to in prop::sample::select(vec![0_u32, 1, 0xff, 0xffff, 0x7fff_ffff, u32::MAX, u32::MAX - 1])) {
        let mut bytes = valid(kind);
        let headers: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"PK")).collect();
        let at = headers[near.index(headers.len())] + at;
        for (byte, value) in bytes.iter_mut().skip(at).zip(to.to_le_bytes()) {
            *byte = value;
        }
        holds(&bytes)?;
    }

    #[test]
    fn a_piece_moved(kind in 0..12_usize, from in any::<prop::sample::Index>(), len in 0..200_usize, to in any::<prop::sample::Index>(), cut in any::<bool>()) {
        let mut bytes = valid(kind);
        let from = from.index(bytes.len());
        let piece = bytes[from..(from + len).min(bytes.len())].to_vec();
        if cut {
            bytes.drain(from..from + piece.len());
        }
        let to = to.index(bytes.len() + 1);
        bytes.splice(to..to, piece);
        holds(&bytes)?;
    }

    #[test]
    fn random_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..300), ends in any::<bool>()) {
        if ends {
            let len = u16::try_from(bytes.len()).unwrap();
            bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
            bytes.extend(u32::from(len).to_le_bytes());
            bytes.extend([0; 6]);
        }
        holds(&bytes)?;
    }

    #[test]
    fn random_content(content in prop::collection::vec(any::<u8>(), 0..200), size in 0..3000_u32) {
        let mut zip = sample();
        zip.entries[1].headers(|header| (header.size, header.compressed_size) = (size, u32::try_from(content.len()).unwrap()));
        zip.entries[1].content = content;
        holds(&zip.bytes())?;
    }
}
