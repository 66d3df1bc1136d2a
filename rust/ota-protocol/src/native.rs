//! Native versions: how they compare, and the range a release asks for.
//!
//! The rule (`docs/protocol.md`, "Native versions"): the first three dot-separated numbers count, a missing one is
//! 0, what follows is ignored. A native version without a number fits only releases without a range.

use serde::{Deserialize, Serialize};

/// The comparable part of a native version name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NativeVersion([u64; 3]);

/// One part of a version: the digits it starts with, and whether nothing else follows.
fn leading_number(part: &str) -> Option<(u64, bool)> {
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    // Numbers beyond 64 bits are not versions anyone compares; the largest value keeps their order among the rest.
    let number = (digits > 0).then(|| part[..digits].parse().unwrap_or(u64::MAX))?;
    Some((number, digits == part.len()))
}

impl NativeVersion {
    /// Reads a version name; `None` where it does not start with a number.
    pub fn parse(text: &str) -> Option<Self> {
        Bound::parse(text, 0).map(Self)
    }
}

struct Bound;

impl Bound {
    /// Reads `1`, `1.2`, `1.2.3-beta`; with `x` or `*` standing for `wildcard` there and in every later part.
    fn parse(text: &str, wildcard: u64) -> Option<[u64; 3]> {
        let mut numbers = [0; 3];
        for (index, part) in text.trim().split('.').take(3).enumerate() {
            if index > 0 && wildcard > 0 && matches!(part, "x" | "X" | "*") {
                numbers[index..].fill(wildcard);
                break;
            }
            match leading_number(part) {
                Some((number, whole)) => {
                    numbers[index] = number;
                    if !whole {
                        break;
                    }
                }
                None if index == 0 => return None,
                None => break,
            }
        }
        Some(numbers)
    }
}

/// The native versions a release runs on, both ends included. `max` may end in `x`: `1.x` is every 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeRange {
    /// Lowest native version name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// Highest native version name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
}

/// A range whose ends are not versions, or cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a native range is two versions such as 1.2.0 and 1.x, the lower one first")]
pub struct InvalidRange;

impl NativeRange {
    /// Whether the range asks for nothing.
    pub fn is_open(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    /// Whether an app of native version `version` (`None`: a name without a number) may take the release.
    /// A range that cannot be read admits nobody.
    pub fn admits(&self, version: Option<NativeVersion>) -> bool {
        if self.is_open() {
            return true;
        }
        match (self.bounds(), version) {
            (Ok((min, max)), Some(NativeVersion(version))) => {
                min.is_none_or(|min| min <= version) && max.is_none_or(|max| version <= max)
            }
            _ => false,
        }
    }

    /// Refuses a range no device could read; for the publishing side.
    ///
    /// # Errors
    /// [`InvalidRange`] where an end is not a version, or the lower end is above the higher one.
    pub fn validate(&self) -> Result<(), InvalidRange> {
        match self.bounds()? {
            (Some(min), Some(max)) if min > max => Err(InvalidRange),
            _ => Ok(()),
        }
    }

    #[allow(clippy::type_complexity)]
    fn bounds(&self) -> Result<(Option<[u64; 3]>, Option<[u64; 3]>), InvalidRange> {
        let read = |text: &Option<String>, wildcard| match text {
            None => Ok(None),
            Some(text) => Bound::parse(text, wildcard).map(Some).ok_or(InvalidRange),
        };
        Ok((read(&self.min, 0)?, read(&self.max, u64::MAX)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<NativeVersion> {
        NativeVersion::parse(text)
    }

    fn range(min: Option<&str>, max: Option<&str>) -> NativeRange {
        NativeRange { min: min.map(Into::into), max: max.map(Into::into) }
    }

    #[test]
    fn the_first_three_numbers_count_and_the_rest_is_ignored() {
        assert_eq!(version("1"), version("1.0.0"));
        assert_eq!(version("1.2.3.4-beta"), version("1.2.3"));
        assert_eq!(version("1.2.3-beta.9"), version("1.2.3"));
        assert_eq!(version("1.2-rc.7"), version("1.2.0"));
        assert!(version("1.10") > version("1.9.9"));
        assert_eq!(version("beta"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn both_ends_are_included_and_x_is_every_number() {
        let ones = range(Some("1.0.0"), Some("1.x"));
        for inside in ["1.0.0", "1.0", "1.99.3"] {
            assert!(ones.admits(version(inside)), "{inside}");
        }
        for outside in ["0.9", "2.0.0"] {
            assert!(!ones.admits(version(outside)), "{outside}");
        }
        assert!(range(None, Some("1.2.3")).admits(version("1.2.3")));
        assert!(!range(None, Some("1.2.3")).admits(version("1.2.4")));
        assert!(!range(None, Some("1")).admits(version("1.0.1")));
    }

    #[test]
    fn a_version_without_a_number_fits_only_an_open_range() {
        assert!(range(None, None).admits(None));
        assert!(!range(Some("0"), None).admits(None));
    }

    #[test]
    fn a_range_nobody_can_read_admits_nobody_and_is_refused_when_published() {
        let bad = range(Some("one"), None);
        assert!(!bad.admits(version("1.0.0")));
        assert_eq!(bad.validate(), Err(InvalidRange));
        assert_eq!(range(Some("2"), Some("1.x")).validate(), Err(InvalidRange));
        assert_eq!(range(Some("1"), Some("1.x")).validate(), Ok(()));
    }
}
