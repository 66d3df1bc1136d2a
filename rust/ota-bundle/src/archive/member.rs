//! One header of the central directory, and what it may say.

use super::ArchiveError;
use super::bytes::Fields;
use super::extra::Extra;
use crate::path::shown;

const SIGNATURE: &[u8; 4] = b"PK\x01\x02";
const MAX32: u32 = u32::MAX;

pub(super) mod flag {
    pub(crate) const ENCRYPTED: u16 = 1;
    /// How hard the deflater tried; says nothing to a reader.
    pub(crate) const LEVEL: u16 = 0b110;
    pub(crate) const DESCRIPTOR: u16 = 1 << 3;
    pub(crate) const PATCH: u16 = 1 << 5;
    pub(crate) const STRONG_ENCRYPTION: u16 = 1 << 6;
    pub(crate) const UTF8: u16 = 1 << 11;
    pub(crate) const MASKED: u16 = 1 << 13;
}

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

/// Hosts whose tools write names in UTF-8 without saying so: Unix, macOS.
const UTF8_HOSTS: [u8; 2] = [3, 19];

/// An entry as the central directory describes it; every rule that concerns this header alone is checked.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) size: u64,
    pub(super) compressed_size: u64,
    /// Where its local header begins.
    pub(super) offset: u64,
}

/// The header's fields as they stand.
#[derive(Debug)]
struct Header<'a> {
    host: u8,
    flags: u16,
    method: u16,
    crc: u32,
    compressed_size: u32,
    size: u32,
    disk: u16,
    attributes: u32,
    offset: u32,
    name: &'a [u8],
    extra: &'a [u8],
}

impl<'a> Member<'a> {
    /// Reads the next header.
    pub(super) fn parse(fields: &mut Fields<'a>) -> Result<Self, ArchiveError> {
        if !fields.0.is_empty() && !fields.0.starts_with(SIGNATURE) {
            return Err(ArchiveError::Structure { what: "its directory holds something that is no entry" });
        }
        let header =
            Header::parse(fields).ok_or(ArchiveError::Structure { what: "its directory is cut off" })?;
        header.check()
    }

    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Whether sizes and CRC may stand behind the content only.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & flag::DESCRIPTOR != 0
    }

    /// The name as it goes into errors.
    pub(super) fn shown(&self) -> String {
        shown(self.name.as_bytes())
    }
}

impl<'a> Header<'a> {
    fn parse(fields: &mut Fields<'a>) -> Option<Self> {
        fields.take(SIGNATURE.len())?;
        let [_, host] = fields.u16()?.to_le_bytes();
        fields.u16()?; // the version needed; what it stands for is checked itself
        let flags = fields.u16()?;
        let method = fields.u16()?;
        fields.u32()?; // time
        let (crc, compressed_size, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name_len, extra_len, comment_len) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let disk = fields.u16()?;
        fields.u16()?; // internal attributes: text or not
        let (attributes, offset) = (fields.u32()?, fields.u32()?);
        let name = fields.take(name_len.into())?;
        let extra = fields.take(extra_len.into())?;
        fields.take(comment_len.into())?;
        Some(Self { host, flags, method, crc, compressed_size, size, disk, attributes, offset, name, extra })
    }

    fn check(&self) -> Result<Member<'a>, ArchiveError> {
        let entry = || shown(self.name);
        let malformed = |what| ArchiveError::Header { entry: entry(), what };
        let extra = Extra::parse(self.extra).map_err(malformed)?;
        self.check_flags(&extra)?;
        if ![STORED, DEFLATED].contains(&self.method) {
            return Err(ArchiveError::Method { entry: entry(), method: self.method });
        }
        let name = self.checked_name(&extra)?;
        if self.disk != 0 && !(self.disk == u16::MAX && extra.zip64.is_some_and(|z| z.ends_with(&[0; 4]))) {
            return Err(ArchiveError::SeveralDisks);
        }
        let short = |value: u32| (value != MAX32).then_some(u64::from(value));
        let short = [short(self.size), short(self.compressed_size), short(self.offset)];
        // The `zip` crate, when it streams large files, leaves the local header's zeros here.
        let left_over = |value: u64| value == 0 && self.flags & flag::DESCRIPTOR != 0;
        let [size, compressed_size, offset] = extra
            .resolve(short, |at, value| short[at] == Some(value) || left_over(value))
            .map_err(malformed)?;
        let member = Member {
            name,
            flags: self.flags,
            method: self.method,
            crc: self.crc,
            size,
            compressed_size,
            offset,
        };
        self.check_kind(&extra, &member)?;
        check_sizes(&member)?;
        Ok(member)
    }

    fn check_flags(&self, extra: &Extra<'_>) -> Result<(), ArchiveError> {
        const KNOWN: u16 = flag::LEVEL | flag::DESCRIPTOR | flag::UTF8;
        let entry = || shown(self.name);
        if self.flags & (flag::ENCRYPTED | flag::STRONG_ENCRYPTION | flag::MASKED) != 0 || extra.encrypted {
            return Err(ArchiveError::Encrypted { entry: entry() });
        }
        if self.flags & flag::PATCH != 0 {
            return Err(ArchiveError::Unsupported { entry: entry(), what: "patch data" });
        }
        if self.flags & !KNOWN != 0 {
            return Err(ArchiveError::Unsupported { entry: entry(), what: "a reserved flag" });
        }
        Ok(())
    }

    /// The name, where there is no doubt about it.
    fn checked_name(&self, extra: &Extra<'_>) -> Result<&'a str, ArchiveError> {
        let doubtful = |what| ArchiveError::Name { entry: shown(self.name), what };
        let name = std::str::from_utf8(self.name).map_err(|_| doubtful("its name is not UTF-8"))?;
        if name.is_empty() {
            return Err(doubtful("an entry has no name"));
        }
        extra.check_unicode_path(self.name).map_err(doubtful)?;
        let marked = self.flags & flag::UTF8 != 0 || extra.unicode_path.is_some();
        if name.is_ascii() || marked || UTF8_HOSTS.contains(&self.host) {
            Ok(name)
        } else {
            Err(doubtful("its name is not marked as UTF-8"))
        }
    }

    /// File or folder, and nothing else, by every sign there is.
    fn check_kind(&self, extra: &Extra<'_>, member: &Member<'_>) -> Result<(), ArchiveError> {
        const DOS_LABEL: u32 = 0x08;
        const DOS_FOLDER: u32 = 0x10;
        const WINDOWS_REPARSE_POINT: u32 = 0x400;
        let [_, _, low, high] = self.attributes.to_le_bytes();
        let modes = [u16::from_le_bytes([low, high]), extra.mode.unwrap_or(0)];
        let is = |bit: u32| self.attributes & bit != 0;
        let kind = modes.iter().find_map(|mode| match mode >> 12 {
            0 | 0o04 | 0o10 => None,
            0o12 => Some("symbolic link"),
            0o02 | 0o06 => Some("device"),
            0o01 => Some("pipe"),
            0o14 => Some("socket"),
            _ => Some("file of an unknown kind"),
        });
        let kind = kind.or(is(DOS_LABEL).then_some("volume label"));
        if let Some(kind) = kind.or(is(WINDOWS_REPARSE_POINT).then_some("link (a reparse point)")) {
            return Err(ArchiveError::NotAFile { entry: member.shown(), kind });
        }
        let marked_folder = is(DOS_FOLDER) || modes.iter().any(|mode| mode >> 12 == 0o04);
        let what = if member.is_folder() {
            // An empty deflate stream has two bytes; some tools write one for a folder.
            (member.size > 0 || member.compressed_size > 2).then_some("a folder with content")
        } else {
            marked_folder.then_some("marked as a folder, but its name does not end with /")
        };
        what.map_or(Ok(()), |what| Err(ArchiveError::Folder { entry: member.shown(), what }))
    }
}

fn check_sizes(member: &Member<'_>) -> Result<(), ArchiveError> {
    let what = match member.method {
        STORED if member.size != member.compressed_size => "it is stored, but its two sizes differ",
        DEFLATED if member.size > 0 && member.compressed_size == 0 => "its content is missing",
        _ => return Ok(()),
    };
    Err(ArchiveError::Header { entry: member.shown(), what })
}
