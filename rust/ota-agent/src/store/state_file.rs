//! `state.json`: read with suspicion, replaced durably.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::layout::Layout;
use super::record::{Record, SCHEMA};
use crate::error::{AgentError, At};
use crate::ports::Fs;

/// The largest state that is read, in bytes.
const MAX_STATE: u64 = 4 * 1024 * 1024;

/// How the state was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// As it was written.
    Whole,
    /// There is none: the app is new.
    Nothing,
    /// It is corrupt or lost, and this is what its copy keeps; or nothing, where that is lost as well.
    Salvaged,
    /// A later version wrote it, and this is what keeps its shape for ever.
    Newer,
}

/// The state, and the bytes it came from.
#[derive(Debug)]
pub struct Loaded {
    /// What it says; `None`: the app is new, or all is lost.
    pub record: Option<Record>,
    /// How it was found.
    pub found: Found,
    /// The file's bytes, for the copy that is made when it is replaced.
    bytes: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    schema: u32,
    crc32: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

enum Read {
    Missing,
    Corrupt,
    Newer(Option<Box<Record>>),
    Whole(Box<Record>),
}

/// Reads the state.
///
/// # Errors
/// What the system says, where it neither gives the file nor says that there is none. Nothing is to be written then.
pub fn load(fs: &dyn Fs, layout: &Layout) -> io::Result<Loaded> {
    let (read, bytes) = read(fs, &layout.state())?;
    let (record, found) = match read {
        Read::Whole(record) => (Some(*record), Found::Whole),
        Read::Newer(record) => (record.map(|record| *record), Found::Newer),
        Read::Missing | Read::Corrupt => {
            let copy = self::read(fs, &layout.state_prev())?.1;
            let salvaged = copy.as_deref().and_then(salvage);
            let is_new = matches!(read, Read::Missing) && copy.is_none();
            (salvaged, if is_new { Found::Nothing } else { Found::Salvaged })
        }
    };
    Ok(Loaded { record, found, bytes })
}

fn read(fs: &dyn Fs, path: &std::path::Path) -> io::Result<(Read, Option<Vec<u8>>)> {
    let bytes = match fs.read(path, MAX_STATE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Read::Missing, None)),
        // Neither is a state that this agent ever wrote.
        Err(error) if matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::IsADirectory) => {
            return Ok((Read::Corrupt, None));
        }
        Err(error) => return Err(error),
    };
    Ok((parse(&bytes), Some(bytes)))
}

fn parse(bytes: &[u8]) -> Read {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(bytes) else { return Read::Corrupt };
    let body = envelope.record.get();
    if envelope.schema > SCHEMA {
        return Read::Newer(serde_json::from_str(body).ok().as_ref().and_then(Record::salvage).map(Box::new));
    }
    if envelope.schema != SCHEMA || envelope.crc32 != checksum(body) {
        return Read::Corrupt;
    }
    serde_json::from_str(body).map_or(Read::Corrupt, |record| Read::Whole(Box::new(record)))
}

/// What a copy still says. Its own checksum must hold: the copy is written without a sync.
fn salvage(bytes: &[u8]) -> Option<Record> {
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).ok()?;
    let body = envelope.record.get();
    let is_whole = envelope.schema > SCHEMA || envelope.crc32 == checksum(body);
    let value: Value = serde_json::from_str(body).ok().filter(|_| is_whole)?;
    Record::salvage(&value)
}

fn checksum(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    crc32: String,
    record: &'a RawValue,
}

fn write(record: &Record) -> serde_json::Result<Vec<u8>> {
    let body = serde_json::value::to_raw_value(record)?;
    let mut bytes =
        serde_json::to_vec(&Written { schema: SCHEMA, crc32: checksum(body.get()), record: &body })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Replaces the state. When this returns, it survives a power cut; where it fails, the state from before is there.
/// The state's lock is held.
///
/// # Errors
/// The disk's.
pub fn save(fs: &dyn Fs, layout: &Layout, record: &Record, before: &Loaded) -> Result<Loaded, AgentError> {
    let bytes = write(record).map_err(io::Error::other).at("write", &layout.state())?;
    keep_copy(fs, layout, before)?;
    let tmp = layout.state_tmp();
    fs.remove_file(&tmp).at("remove", &tmp)?;
    let mut file = fs.create_new(&tmp).at("create", &tmp)?;
    let written = file.write_all(&bytes).at("write", &tmp).and_then(|()| {
        file.sync().at("sync", &tmp)?;
        fs.rename(&tmp, &layout.state()).at("rename", &tmp)
    });
    if let Err(error) = written {
        // Whatever room it took is needed.
        let _ = fs.remove_file(&tmp);
        return Err(error);
    }
    fs.sync_dir(layout.root()).at("sync", layout.root())?;
    Ok(Loaded { record: Some(record.clone()), found: Found::Whole, bytes: Some(bytes) })
}

/// Keeps what is about to be replaced: as the copy, or out of the way where it could not be used.
///
/// The copy is of use only when the state itself is lost, so it is not worth a sync; and one that cannot be written
/// must not keep the state from being replaced.
fn keep_copy(fs: &dyn Fs, layout: &Layout, before: &Loaded) -> Result<(), AgentError> {
    match before.found {
        Found::Whole => {
            let Some(bytes) = &before.bytes else { return Ok(()) };
            let tmp = layout.state_prev_tmp();
            let copied = fs.remove_file(&tmp).and_then(|()| {
                fs.create_new(&tmp)?.write_all(bytes)?;
                fs.rename(&tmp, &layout.state_prev())
            });
            if copied.is_err() {
                let _ = fs.remove_file(&tmp);
            }
            Ok(())
        }
        // Also what is no file at all: it would be in the way for ever.
        Found::Salvaged | Found::Newer => {
            let bad = layout.state_bad();
            // One kept earlier may be of the other kind, and then cannot be replaced.
            let _ = match fs.stat(&bad) {
                Ok(Some(stat)) if stat.is_dir => super::staging::remove_tree(fs, &bad),
                _ => fs.remove_file(&bad),
            };
            match fs.rename(&layout.state(), &bad) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                renamed => renamed.at("rename", &bad),
            }
        }
        Found::Nothing => Ok(()),
    }
}

#[cfg(test)]
mod tests;
