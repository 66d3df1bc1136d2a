//! `attempt`: one record of 512 bytes, overwritten in place.

use std::io;

use super::layout::Layout;
use crate::lifecycle::Attempt;
use crate::ports::Fs;

/// The record's size. One block of any disk, so that it is seldom torn; and a checksum, for when it is.
const SIZE: usize = 512;

/// The record as bytes: checksum, JSON, spaces, a line's end. `None` if it does not fit, which a test rules out.
fn encode(attempt: &Attempt) -> Option<[u8; SIZE]> {
    let json = serde_json::to_vec(attempt).ok()?;
    let mut bytes = [b' '; SIZE];
    bytes.get_mut(9..9 + json.len())?.copy_from_slice(&json);
    bytes[SIZE - 1] = b'\n';
    let sum = format!("{:08x}", crc32fast::hash(&bytes[9..]));
    bytes[..8].copy_from_slice(sum.as_bytes());
    Some(bytes)
}

fn decode(bytes: &[u8]) -> Option<Attempt> {
    let record = bytes.get(..SIZE)?;
    let sum = format!("{:08x}", crc32fast::hash(&record[9..]));
    (record[..8] == *sum.as_bytes()).then(|| serde_json::from_slice(&record[9..]).ok())?
}

/// Reads the record; `None`: missing, torn or unreadable, which all mean the same to the lifecycle. What a longer file
/// has behind the record says nothing: writing leaves it there.
pub fn load(fs: &dyn Fs, layout: &Layout) -> Option<Attempt> {
    let mut bytes = [0; SIZE];
    fs.open(&layout.attempt()).ok()?.read_exact_at(&mut bytes, 0).ok()?;
    decode(&bytes)
}

/// Writes the record.
///
/// # Errors
/// The disk's. The lifecycle gets along without the record.
pub fn save(fs: &dyn Fs, layout: &Layout, attempt: &Attempt) -> io::Result<()> {
    let bytes = encode(attempt).ok_or(io::ErrorKind::FileTooLarge)?;
    match fs.overwrite(&layout.attempt(), &bytes) {
        // A folder in its place would keep every trial from being confirmed.
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            super::staging::remove_tree(fs, &layout.attempt())?;
            fs.overwrite(&layout.attempt(), &bytes)
        }
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{BundleId, Mark, OsBoot, Token};
    use ota_protocol::Root;

    fn longest() -> Attempt {
        Attempt {
            token: Token::from_bytes([255; 16]),
            os_boot: Some(OsBoot::named("boot")),
            bundle: BundleId::Held(Root::of(b"x")),
            mark: Mark::Background,
            ready: false,
            over: false,
            late: false,
            crashes: u8::MAX,
            renderer_deaths: u8::MAX,
            renderer_crashes: u8::MAX,
        }
    }

    #[test]
    fn the_longest_record_fits_and_reads_back() {
        let bytes = encode(&longest()).expect("fits");
        assert_eq!(decode(&bytes), Some(longest()));
    }

    #[test]
    fn what_stands_behind_the_record_is_not_read() {
        let dir = tempfile::TempDir::new().unwrap();
        let layout = Layout::new(dir.path());
        std::fs::write(layout.attempt(), vec![b'x'; 100_000]).unwrap();
        assert_eq!(load(&crate::ports::RealFs, &layout), None);
        save(&crate::ports::RealFs, &layout, &longest()).unwrap();
        assert_eq!(load(&crate::ports::RealFs, &layout), Some(longest()));
    }

    #[test]
    fn a_record_that_is_torn_or_changed_anywhere_is_none() {
        let bytes = encode(&longest()).expect("fits");
        for cut in 0..SIZE {
            assert_eq!(decode(&bytes[..cut]), None);
            // The bytes from `cut` on are still the old ones.
            let mut torn = [0u8; SIZE];
            torn[..cut].copy_from_slice(&bytes[..cut]);
            assert_eq!(decode(&torn), None, "torn at {cut}");
        }
        for at in 0..SIZE {
            let mut changed = bytes;
            changed[at] ^= 1;
            // Only the one byte between checksum and record says nothing.
            assert_eq!(decode(&changed).is_none(), at != 8, "changed at {at}");
        }
    }
}
