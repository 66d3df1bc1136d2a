//! Paths inside a bundle.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use crate::limits::{Limits, MAX_PART, MAX_PATH};

/// The page every bundle starts with.
pub(crate) const INDEX: &str = "index.html";

/// A path inside a bundle that obeys the path rules: relative UTF-8 in NFC, `/` between parts, at most 512 bytes,
/// each part 1 to 200 bytes, none of them `.` or `..`, no `\`, `:` or control characters.
///
/// Such a path names the same file on every system we run on and never leaves the folder it is joined to. The
/// order is that of the bytes, which is the order of the tree list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundlePath(String);

/// Which path rule a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPath {
    /// Longer than 512 bytes, or than [`Limits::path`].
    #[error("the path is too long")]
    TooLong,
    /// A part is longer than 200 bytes, or than [`Limits::part`].
    #[error("a part of the path is too long")]
    PartTooLong,
    /// Empty, or with an empty part (`a//b`, a `/` at the end).
    #[error("the path has an empty part")]
    EmptyPart,
    /// It starts with `/`.
    #[error("the path is absolute")]
    Absolute,
    /// A part is `.` or `..`.
    #[error("the path has a part `.` or `..`")]
    DotPart,
    /// It contains `\`, which is a separator on some systems and an ordinary character on others.
    #[error("the path contains a backslash")]
    Backslash,
    /// It contains `:`, which names drives and streams on some systems.
    #[error("the path contains a colon")]
    Colon,
    /// It contains a byte below 0x20 or 0x7f.
    #[error("the path contains a control character")]
    Control,
    /// It is not UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// It is not in Unicode's normal form C, so that another path could look the same.
    #[error("the path is not in Unicode normal form C")]
    NotNfc,
}

impl BundlePath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same file below `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// The folders it lies in, outermost first: `a` and `a/b` for `a/b/c`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// The text as it goes into errors.
    pub(crate) fn shown(&self) -> String {
        shown(self.0.as_bytes())
    }

    /// Parses `text`, where `limits` may be narrower than the format's own.
    pub(crate) fn within(text: &str, limits: &Limits) -> Result<Self, InvalidPath> {
        if text.len() > limits.path {
            return Err(InvalidPath::TooLong);
        }
        if text.split('/').any(|part| part.len() > limits.part) {
            return Err(InvalidPath::PartTooLong);
        }
        text.parse()
    }
}

impl FromStr for BundlePath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        check_shape(text)?;
        if text.len() > MAX_PATH {
            return Err(InvalidPath::TooLong);
        }
        if text.split('/').any(|part| part.len() > MAX_PART) {
            return Err(InvalidPath::PartTooLong);
        }
        if !is_nfc(text) {
            return Err(InvalidPath::NotNfc);
        }
        Ok(Self(text.to_owned()))
    }
}

impl AsRef<str> for BundlePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A name as it goes into errors: control characters escaped, invalid UTF-8 replaced, and not endless.
pub(crate) fn shown(name: &[u8]) -> String {
    let mut shown = String::new();
    for c in String::from_utf8_lossy(name).chars().take(600) {
        if c.is_control() || is_bidi_control(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Characters that change the order in which a terminal or a log viewer shows the rest.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The rules that keep a path inside its folder; lengths and normal form are left to [`BundlePath`].
pub(crate) fn check_shape(text: &str) -> Result<(), InvalidPath> {
    if text.starts_with('/') {
        return Err(InvalidPath::Absolute);
    }
    for byte in text.bytes() {
        match byte {
            b'\\' => return Err(InvalidPath::Backslash),
            b':' => return Err(InvalidPath::Colon),
            0..=0x1f | 0x7f => return Err(InvalidPath::Control),
            _ => {}
        }
    }
    for part in text.split('/') {
        match part {
            "" => return Err(InvalidPath::EmptyPart),
            "." | ".." => return Err(InvalidPath::DotPart),
            _ => {}
        }
    }
    Ok(())
}

fn is_nfc(text: &str) -> bool {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => text.chars().eq(text.nfc()),
    }
}

/// Whether a file is never part of a bundle: what macOS adds to folders and zips.
pub(crate) fn is_left_out(path: &str) -> bool {
    path == "__MACOSX" || path.starts_with("__MACOSX/") || path.split('/').any(|part| part == ".DS_Store")
}

/// Finds paths that cannot live in one bundle: two that are equal after Unicode simple case folding, and a file that
/// is also the folder of another (compared in the same way).
#[derive(Debug, Default)]
pub struct PathSet<'a> {
    names: HashMap<String, Name<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Name<'a> {
    /// The first file that brought the name.
    file: &'a BundlePath,
    is_folder: bool,
}

/// Two paths that cannot live in one bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Collision {
    /// Equal after case folding, or simply equal: one file on some systems, two on others.
    #[error("{} and {} are one file where case does not count", path.shown(), other.shown())]
    Same {
        /// The path that was added last.
        path: BundlePath,
        /// The path that was there already.
        other: BundlePath,
    },
    /// One is a file, for the other it is a folder.
    #[error("{} and {}: one is a file, and the other needs a folder of that name", path.shown(), other.shown())]
    FileAndFolder {
        /// The path that was added last.
        path: BundlePath,
        /// The path that was there already.
        other: BundlePath,
    },
}

impl<'a> PathSet<'a> {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`Collision`] with a path that was added before; the set is of no use then.
    pub fn insert(&mut self, path: &'a BundlePath) -> Result<(), Collision> {
        let folded = fold(path.as_str());
        for (at, _) in folded.match_indices('/') {
            if let Some(name) = self.names.get(&folded[..at]) {
                if !name.is_folder {
                    return Err(Collision::FileAndFolder { path: path.clone(), other: name.file.clone() });
                }
            } else {
                self.names.insert(folded[..at].to_owned(), Name { file: path, is_folder: true });
            }
        }
        match self.names.insert(folded, Name { file: path, is_folder: false }) {
            None => Ok(()),
            Some(Name { file, is_folder: true }) => {
                Err(Collision::FileAndFolder { path: path.clone(), other: file.clone() })
            }
            Some(Name { file, is_folder: false }) => {
                Err(Collision::Same { path: path.clone(), other: file.clone() })
            }
        }
    }
}

/// Unicode simple case folding (statuses C and S of `CaseFolding.txt`), character by character.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let simple = |c: char| unicode_case_mapping::case_folded(c).and_then(|code| char::from_u32(code.get()));
    text.chars().map(|c| simple(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests;
