//! The end of a zip: end record, zip64 records, and the bytes of the central directory.

use super::bytes::Fields;
use super::member::Member;
use super::{ArchiveError, ReadAt};
use crate::limits::{LimitExceeded, Limits};

const END: &[u8; 4] = b"PK\x05\x06";
const END_LEN: u64 = 22;
const MAX_COMMENT: u64 = 0xffff;
const ZIP64_LOCATOR: &[u8; 4] = b"PK\x06\x07";
const ZIP64_LOCATOR_LEN: u64 = 20;
const ZIP64_END: &[u8; 4] = b"PK\x06\x06";
const ZIP64_END_LEN: usize = 56;

/// The central directory, whose place and length were checked.
#[derive(Debug)]
pub(super) struct Directory {
    bytes: Vec<u8>,
    start: u64,
    count: u64,
}

/// What an end record says, or a zip64 one.
#[derive(Debug, PartialEq, Eq)]
struct End {
    disk: u64,
    directory_disk: u64,
    entries_here: u64,
    entries: u64,
    size: u64,
    start: u64,
}

impl Directory {
    /// Finds and reads the directory of a zip of `size` bytes. It must end where the end records begin, and these must
    /// end with the file.
    pub(super) fn read(reader: &impl ReadAt, size: u64, limits: &Limits) -> Result<Self, ArchiveError> {
        let io = |source| ArchiveError::Read { source };
        let tail_len = size.min(END_LEN + MAX_COMMENT + ZIP64_LOCATOR_LEN);
        let tail_start = size - tail_len;
        let mut tail = vec![0; usize::try_from(tail_len).expect("at most 64 KiB and some")];
        reader.read_exact_at(&mut tail, tail_start).map_err(io)?;

        let at = find_end(&tail)?;
        let end = End::parse(&tail[at..]).ok_or(ArchiveError::NoEndRecord)?;
        let end_start = tail_start + at as u64;

        let locator = at.checked_sub(20).map(|from| &tail[from..at]).filter(|l| l.starts_with(ZIP64_LOCATOR));
        let (end, end_start) = match locator {
            None => (end, end_start),
            Some(locator) => {
                let record_end = end_start - ZIP64_LOCATOR_LEN;
                let record_start = zip64_start(locator, record_end)?;
                let mut record = [0; ZIP64_END_LEN];
                reader.read_exact_at(&mut record, record_start).map_err(io)?;
                (End::parse_zip64(&record)?.instead_of(&end)?, record_start)
            }
        };
        end.check(end_start, limits)?;
        let mut bytes = vec![0; usize::try_from(end.size).expect("within the limit")];
        reader.read_exact_at(&mut bytes, end.start).map_err(io)?;
        Ok(Self { bytes, start: end.start, count: end.entries })
    }

    /// Where it begins in the zip, and so where the entries end.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Its entries; exactly as many as announced, and nothing behind them.
    pub(super) fn members(&self) -> Result<Vec<Member<'_>>, ArchiveError> {
        let mut fields = Fields(&self.bytes);
        let members = (0..self.count).map(|_| Member::parse(&mut fields)).collect::<Result<_, _>>()?;
        if !fields.is_empty() {
            return Err(ArchiveError::Structure {
                what: "its directory holds more than the entries it counts",
            });
        }
        Ok(members)
    }
}

/// Where the end record is: the last place that looks like one, and its comment must end with the file. Anything else
/// would be read differently by a reader that searches in another way.
fn find_end(tail: &[u8]) -> Result<usize, ArchiveError> {
    let at = tail.windows(END.len()).rposition(|window| window == END).ok_or(ArchiveError::NoEndRecord)?;
    let comment = tail.get(at + 20..at + 22).ok_or(ArchiveError::NoEndRecord)?;
    let end = at + 22 + usize::from(u16::from_le_bytes([comment[0], comment[1]]));
    if end < tail.len() {
        return Err(ArchiveError::StrayBytes { at: "behind the end record".to_owned() });
    }
    if end > tail.len() {
        return Err(ArchiveError::Structure { what: "its comment is cut off" });
    }
    Ok(at)
}

/// Where the zip64 end record begins; it must end where its locator begins.
fn zip64_start(locator: &[u8], record_end: u64) -> Result<u64, ArchiveError> {
    const BROKEN: ArchiveError = ArchiveError::Structure { what: "its zip64 locator is malformed" };
    let mut fields = Fields(&locator[4..]);
    let disk = fields.u32().ok_or(BROKEN)?;
    let start = fields.u64().ok_or(BROKEN)?;
    let disks = fields.u32().ok_or(BROKEN)?;
    if disk != 0 || disks > 1 {
        return Err(ArchiveError::SeveralDisks);
    }
    if start.checked_add(ZIP64_END_LEN as u64) != Some(record_end) {
        return Err(ArchiveError::Structure { what: "its zip64 end record is not where its locator says" });
    }
    Ok(start)
}

impl End {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.take(END.len())?;
        Some(Self {
            disk: fields.u16()?.into(),
            directory_disk: fields.u16()?.into(),
            entries_here: fields.u16()?.into(),
            entries: fields.u16()?.into(),
            size: fields.u32()?.into(),
            start: fields.u32()?.into(),
        })
    }

    fn parse_zip64(bytes: &[u8]) -> Result<Self, ArchiveError> {
        const BROKEN: ArchiveError = ArchiveError::Structure { what: "its zip64 end record is malformed" };
        let mut fields = Fields(bytes);
        let signature = fields.take(4).ok_or(BROKEN)?;
        let rest = fields.u64().ok_or(BROKEN)?;
        // A longer record is the second version, which exists for encrypted directories.
        if signature != ZIP64_END || rest != ZIP64_END_LEN as u64 - 12 {
            return Err(BROKEN);
        }
        fields.take(4).ok_or(BROKEN)?; // versions
        Ok(Self {
            disk: fields.u32().ok_or(BROKEN)?.into(),
            directory_disk: fields.u32().ok_or(BROKEN)?.into(),
            entries_here: fields.u64().ok_or(BROKEN)?,
            entries: fields.u64().ok_or(BROKEN)?,
            size: fields.u64().ok_or(BROKEN)?,
            start: fields.u64().ok_or(BROKEN)?,
        })
    }

    /// A zip64 record counts in the place of the short one, each of whose fields is "see there" or the same.
    fn instead_of(self, short: &Self) -> Result<Self, ArchiveError> {
        let pairs = [
            (short.disk, self.disk, 0xffff),
            (short.directory_disk, self.directory_disk, 0xffff),
            (short.entries_here, self.entries_here, 0xffff),
            (short.entries, self.entries, 0xffff),
            (short.size, self.size, 0xffff_ffff),
            (short.start, self.start, 0xffff_ffff),
        ];
        if pairs.iter().all(|&(short, long, see_there)| short == see_there || short == long) {
            Ok(self)
        } else {
            Err(ArchiveError::Structure { what: "its two end records contradict each other" })
        }
    }

    /// `end_start` is where the end records begin.
    fn check(&self, end_start: u64, limits: &Limits) -> Result<(), ArchiveError> {
        if self.disk != 0 || self.directory_disk != 0 {
            return Err(ArchiveError::SeveralDisks);
        }
        if self.entries_here != self.entries {
            return Err(ArchiveError::SeveralDisks);
        }
        match self.start.checked_add(self.size) {
            Some(end) if end == end_start => {}
            Some(end) if end < end_start => {
                let at = "before the first entry, or between the directory and the end record".to_owned();
                return Err(ArchiveError::StrayBytes { at });
            }
            _ => {
                return Err(ArchiveError::Structure {
                    what: "its directory is not where its end record says",
                });
            }
        }
        if self.entries > limits.entries() || self.size > limits.directory() {
            return Err(LimitExceeded::Directory { entries: self.entries, bytes: self.size }.into());
        }
        Ok(())
    }
}
