//! The part of a zip before its directory: local headers, contents, data descriptors, and nothing else.

use super::bytes::Fields;
use super::extra::Extra;
use super::member::{Member, flag};
use super::{ArchiveError, ReadAt};

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_LEN: usize = 30;
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
/// Read along with the header and the name: most extra fields are shorter.
const USUAL_EXTRA: u64 = 64;

/// Holds every local header against its entry in the directory, and accounts for every byte from 0 to `end`, where the
/// directory begins. Gives where each member's content begins, in the members' order.
pub(super) fn check(
    reader: &impl ReadAt,
    members: &[Member<'_>],
    end: u64,
) -> Result<Vec<u64>, ArchiveError> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|&at| members[at].offset);
    if let Some(&last) = order.last().filter(|&&last| members[last].offset >= end) {
        let entry = members[last].shown();
        return Err(ArchiveError::Header { entry, what: "its local header is not in the zip" });
    }
    let mut contents = vec![0; members.len()];
    let mut buffer = Vec::new();
    let first = order.first().map_or(end, |&first| members[first].offset);
    if first != 0 {
        return Err(ArchiveError::StrayBytes { at: "before the first entry".to_owned() });
    }
    for (at, &index) in order.iter().enumerate() {
        let next = order.get(at + 1).map(|&next| &members[next]);
        let slot = Slot { member: &members[index], next, end: next.map_or(end, |next| next.offset) };
        contents[index] = slot.check(reader, &mut buffer)?;
    }
    Ok(contents)
}

/// The bytes between an entry's local header and what comes next.
struct Slot<'a> {
    member: &'a Member<'a>,
    next: Option<&'a Member<'a>>,
    end: u64,
}

impl Slot<'_> {
    /// Gives where the content begins.
    fn check(&self, reader: &impl ReadAt, buffer: &mut Vec<u8>) -> Result<u64, ArchiveError> {
        let start = self.member.offset;
        let room = self.end.saturating_sub(start);
        if room < LOCAL_LEN as u64 {
            return Err(self.overlap());
        }
        let name_len = self.member.name.len() as u64;
        read(reader, buffer, start, room.min(LOCAL_LEN as u64 + name_len + USUAL_EXTRA))?;
        let header = Local::parse(buffer).ok_or_else(|| self.malformed("its local header is missing"))?;
        let header_len = LOCAL_LEN as u64 + u64::from(header.name_len) + u64::from(header.extra_len);
        if room < header_len {
            return Err(self.overlap());
        }
        if (buffer.len() as u64) < header_len {
            read(reader, buffer, start, header_len)?;
        }
        self.compare(&header, &buffer[LOCAL_LEN..])?;

        let content = start + header_len;
        let rest =
            (room - header_len).checked_sub(self.member.compressed_size).ok_or_else(|| self.overlap())?;
        if rest > 0 {
            self.check_descriptor(reader, buffer, content + self.member.compressed_size, rest)?;
        } else if self.member.has_descriptor() && self.member.size + self.member.compressed_size > 0 {
            return Err(self.malformed("its data descriptor is missing"));
        }
        Ok(content)
    }

    /// `variable` begins with name and extra fields.
    fn compare(&self, header: &Local, variable: &[u8]) -> Result<(), ArchiveError> {
        let member = self.member;
        let mismatch = |what| ArchiveError::Mismatch { entry: member.shown(), what };
        let mut fields = Fields(variable);
        let name = fields.take(header.name_len.into()).unwrap_or_default();
        let extra = fields.take(header.extra_len.into()).unwrap_or_default();
        let extra = Extra::parse(extra).map_err(|what| self.malformed(what))?;
        let agreed = [
            (name == member.name.as_bytes(), "name"),
            (extra.check_unicode_path(name).is_ok(), "Unicode name"),
            ((header.flags ^ member.flags) & !flag::LEVEL == 0, "flags"),
            (header.method == member.method, "compression method"),
        ];
        if let Some((_, what)) = agreed.iter().find(|(agreed, _)| !agreed) {
            return Err(mismatch(what));
        }
        // Written before the content was known: zero, or the value all the same.
        let later = |value: u64| value == 0 && member.has_descriptor();
        if header.crc != member.crc && !later(header.crc.into()) {
            return Err(mismatch("CRC"));
        }
        let expected = [member.size, member.compressed_size];
        let fits = |at: usize, value: u64| value == expected[at] || later(value);
        let short = [header.size, header.compressed_size].map(|v| (v != u32::MAX).then_some(u64::from(v)));
        let sizes = extra.resolve(short, fits).map_err(|what| self.malformed(what))?;
        if sizes.into_iter().enumerate().any(|(at, size)| !fits(at, size)) {
            return Err(mismatch("size"));
        }
        Ok(())
    }

    /// What is behind the content must be one of the four forms of a data descriptor, and say what the directory says.
    fn check_descriptor(
        &self,
        reader: &impl ReadAt,
        buffer: &mut Vec<u8>,
        at: u64,
        len: u64,
    ) -> Result<(), ArchiveError> {
        let member = self.member;
        let (signed, wide) = match len {
            12 => (false, false),
            16 => (true, false),
            20 => (false, true),
            24 => (true, true),
            _ => return Err(self.stray()),
        };
        if !member.has_descriptor() {
            return Err(self.stray());
        }
        read(reader, buffer, at, len)?;
        let mut fields = Fields(buffer);
        if signed && fields.take(4) != Some(DESCRIPTOR) {
            return Err(self.stray());
        }
        let crc = fields.u32();
        let mut size = || if wide { fields.u64() } else { fields.u32().map(u64::from) };
        let (compressed_size, size) = (size(), size());
        if crc == Some(member.crc)
            && compressed_size == Some(member.compressed_size)
            && size == Some(member.size)
        {
            Ok(())
        } else {
            Err(ArchiveError::Mismatch { entry: member.shown(), what: "data descriptor" })
        }
    }

    fn overlap(&self) -> ArchiveError {
        let other = self.next.map_or_else(|| "the central directory".to_owned(), Member::shown);
        ArchiveError::Overlap { entry: self.member.shown(), other }
    }

    fn stray(&self) -> ArchiveError {
        ArchiveError::StrayBytes { at: format!("behind {}", self.member.shown()) }
    }

    fn malformed(&self, what: &'static str) -> ArchiveError {
        ArchiveError::Header { entry: self.member.shown(), what }
    }
}

/// The fixed part of a local header.
struct Local {
    flags: u16,
    method: u16,
    crc: u32,
    compressed_size: u32,
    size: u32,
    name_len: u16,
    extra_len: u16,
}

impl Local {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes.strip_prefix(LOCAL)?);
        fields.u16()?; // the version needed
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.u32()?; // time
        let (crc, compressed_size, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        Some(Self {
            flags,
            method,
            crc,
            compressed_size,
            size,
            name_len: fields.u16()?,
            extra_len: fields.u16()?,
        })
    }
}

fn read(reader: &impl ReadAt, buffer: &mut Vec<u8>, at: u64, len: u64) -> Result<(), ArchiveError> {
    buffer.resize(usize::try_from(len).expect("headers are short"), 0);
    reader.read_exact_at(buffer, at).map_err(|source| ArchiveError::Read { source })
}
