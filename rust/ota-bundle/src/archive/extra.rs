//! The extra fields of a header, as far as they change what the header says.

use super::bytes::Fields;

const ZIP64: u16 = 0x0001;
const STRONG_ENCRYPTION: u16 = 0x0017;
const UNICODE_PATH: u16 = 0x7075;
const ASI_UNIX: u16 = 0x756e;
const AES: u16 = 0x9901;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    /// Sizes, offset and disk that did not fit.
    pub(super) zip64: Option<&'a [u8]>,
    /// Info-ZIP's second spelling of the name.
    pub(super) unicode_path: Option<&'a [u8]>,
    /// A second place for the Unix mode.
    pub(super) mode: Option<u16>,
    /// Marks an encrypted entry.
    pub(super) encrypted: bool,
}

impl<'a> Extra<'a> {
    /// Fields that are not known are skipped.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        const MALFORMED: &str = "its extra fields are malformed";
        let mut fields = Fields(bytes);
        let mut extra = Self::default();
        while !fields.is_empty() {
            // Aligning tools pad with up to three zeros, too few for a field.
            if fields.0.len() < 4 && fields.0.iter().all(|&b| b == 0) {
                break;
            }
            let (id, len) = (fields.u16().ok_or(MALFORMED)?, fields.u16().ok_or(MALFORMED)?);
            let data = fields.take(usize::from(len)).ok_or(MALFORMED)?;
            match id {
                ZIP64 if extra.zip64.replace(data).is_some() => return Err("it has two zip64 fields"),
                UNICODE_PATH if extra.unicode_path.replace(data).is_some() => {
                    return Err("it has two Unicode names");
                }
                ASI_UNIX => extra.mode = Some(data.get(4..6).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))),
                STRONG_ENCRYPTION | AES => extra.encrypted = true,
                _ => {}
            }
        }
        Ok(extra)
    }

    /// Info-ZIP's second spelling, where there is one, must be the first one.
    pub(super) fn check_unicode_path(&self, name: &[u8]) -> Result<(), &'static str> {
        let Some(data) = self.unicode_path else { return Ok(()) };
        let mut fields = Fields(data);
        let version = fields.take(1);
        let crc = fields.u32();
        if version == Some(&[1]) && crc == Some(crc32fast::hash(name)) && fields.0 == name {
            Ok(())
        } else {
            Err("it has a second, Unicode name that is not the first")
        }
    }

    /// Puts zip64 values in the place of those that did not fit (`None`), which the field holds in order.
    ///
    /// Some tools write values that fit as well. These are taken where no reading order gives them another meaning:
    /// behind those that did not fit, and approved by `equal`.
    pub(super) fn resolve<const N: usize>(
        &self,
        values: [Option<u64>; N],
        equal: impl Fn(usize, u64) -> bool,
    ) -> Result<[u64; N], &'static str> {
        const BROKEN: &str = "its zip64 field does not fit its header";
        let mut fields = Fields(self.zip64.unwrap_or_default());
        let mut resolved = [0; N];
        for (to, value) in resolved.iter_mut().zip(values) {
            *to = match value {
                Some(value) => value,
                None => fields.u64().ok_or(BROKEN)?,
            };
        }
        let missing = values.iter().take_while(|value| value.is_none()).count();
        let in_front = values[missing..].iter().all(Option::is_some);
        for at in missing..N {
            if fields.0.len() < 8 {
                break;
            }
            let needless = fields.u64().ok_or(BROKEN)?;
            if !in_front || !equal(at, needless) {
                return Err(BROKEN);
            }
        }
        // The number of the disk, always the first.
        if fields.is_empty() || fields.0 == [0; 4] { Ok(resolved) } else { Err(BROKEN) }
    }
}
