//! Is it an Android package: a zip with `AndroidManifest.xml` at its top?
//!
//! Android itself verifies an APK when it is installed; this only keeps other files from being published as one. The
//! directory is read piece by piece, since an APK may be large and says itself how long its directory is.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

const MANIFEST: &[u8] = b"AndroidManifest.xml";
/// An end record has 22 bytes and a comment of at most 65,535.
const END: usize = 22;
const LONGEST_END: u64 = 22 + 65_535;
const ENTRY: usize = 46;
const LOCAL: usize = 30;

fn u16_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])))
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]).into())
}

/// A part of a file as a reader.
struct Part<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let read = self.file.read_at(&mut buf[..len], self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Whether the file is a zip whose directory and content agree that there is a manifest at the top. Blocks.
pub(super) fn has_manifest(file: &File) -> io::Result<bool> {
    let size = file.metadata()?.len();
    let tail_len = size.min(LONGEST_END);
    let mut tail = vec![0; usize::try_from(tail_len).unwrap_or_default()];
    file.read_exact_at(&mut tail, size - tail_len)?;
    let ends = |at: &usize| {
        tail[*at..].starts_with(b"PK\x05\x06") && at + END + u16_at(&tail, at + 20) == tail.len()
    };
    let Some(end) = tail.len().checked_sub(END).and_then(|last| (0..=last).rev().find(ends)) else {
        return Ok(false);
    };
    let (entries, len, start) = (u16_at(&tail, end + 10), u32_at(&tail, end + 12), u32_at(&tail, end + 16));
    match find(&mut BufReader::new(Part { file, at: start, left: len }), entries) {
        Ok(Some(local)) => is_there(file, local),
        Ok(None) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where the manifest's local header is, by the directory.
fn find(directory: &mut impl Read, entries: usize) -> io::Result<Option<u64>> {
    for _ in 0..entries {
        let mut entry = [0; ENTRY];
        directory.read_exact(&mut entry)?;
        if !entry.starts_with(b"PK\x01\x02") {
            return Ok(None);
        }
        let mut name = vec![0; u16_at(&entry, 28)];
        directory.read_exact(&mut name)?;
        if name == MANIFEST {
            return Ok(Some(u32_at(&entry, 42)));
        }
        let rest = (u16_at(&entry, 30) + u16_at(&entry, 32)) as u64;
        if io::copy(&mut directory.by_ref().take(rest), &mut io::sink())? < rest {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Whether the manifest's own header is where the directory says.
fn is_there(file: &File, local: u64) -> io::Result<bool> {
    let mut header = [0; LOCAL + MANIFEST.len()];
    match file.read_exact_at(&mut header, local) {
        Ok(()) => Ok(header.starts_with(b"PK\x03\x04")
            && u16_at(&header, 26) == MANIFEST.len()
            && header.ends_with(MANIFEST)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Seek, SeekFrom, Write};

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn zip(names: &[&str], comment: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"content").unwrap();
        }
        zip.set_comment(comment);
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_zip_with_a_manifest_at_its_top_is_one() {
        for comment in ["", "a comment"] {
            let apk = zip(&["classes.dex", "AndroidManifest.xml", "res/a.xml"], comment);
            assert!(has_manifest(&file(&apk)).unwrap());
        }
    }

    #[test]
    fn anything_else_is_not() {
        for names in [&["index.html"][..], &["app/AndroidManifest.xml"], &["AndroidManifest.xml.bak"], &[]] {
            assert!(!has_manifest(&file(&zip(names, ""))).unwrap(), "{names:?}");
        }
        for bytes in
            [&b""[..], b"PK", b"not a zip at all, but long enough to hold an end record", &vec![0; 70_000]]
        {
            assert!(!has_manifest(&file(bytes)).unwrap());
        }
    }

    #[test]
    fn no_cut_and_no_flipped_byte_makes_it_fail() {
        let apk = zip(&["AndroidManifest.xml", "a"], "");
        for cut in 0..apk.len() {
            has_manifest(&file(&apk[..cut])).unwrap();
        }
        for at in 0..apk.len() {
            let mut bad = apk.clone();
            bad[at] ^= 0xff;
            has_manifest(&file(&bad)).unwrap();
        }
    }
}
