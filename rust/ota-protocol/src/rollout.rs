//! Staged rollouts: which devices a percentage reaches, decided the same everywhere and without asking anybody.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, Root};

/// A share of all devices, kept in hundredths of a percent: 0 to 10,000. On the wire a number from 0 to 100 with
/// at most two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

/// A percentage outside 0 to 100, or finer than two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a percentage is a number from 0 to 100 with at most two decimals")]
pub struct InvalidPercent;

impl Percent {
    /// Every device.
    pub const ALL: Self = Self(10_000);
    /// No device.
    pub const NONE: Self = Self(0);

    /// From hundredths of a percent.
    ///
    /// # Errors
    /// [`InvalidPercent`] above 10,000.
    pub fn from_hundredths(hundredths: u16) -> Result<Self, InvalidPercent> {
        if hundredths <= 10_000 { Ok(Self(hundredths)) } else { Err(InvalidPercent) }
    }

    /// In hundredths of a percent.
    pub fn hundredths(self) -> u16 {
        self.0
    }

    /// Whether this reaches every device, also those that give no number.
    pub fn is_complete(self) -> bool {
        self == Self::ALL
    }
}

impl Default for Percent {
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<f64> for Percent {
    type Error = InvalidPercent;

    fn try_from(percent: f64) -> Result<Self, InvalidPercent> {
        let hundredths = (percent * 100.0).round();
        // Two decimals are exact enough in binary that anything finer shows here.
        if !(0.0..=10_000.0).contains(&hundredths) || (percent * 100.0 - hundredths).abs() > 1e-6 {
            return Err(InvalidPercent);
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // within 0 to 10,000, as just checked
        Ok(Self(hundredths as u16))
    }
}

impl std::str::FromStr for Percent {
    type Err = InvalidPercent;

    fn from_str(text: &str) -> Result<Self, InvalidPercent> {
        text.trim_end_matches('%').trim().parse::<f64>().map_err(|_| InvalidPercent)?.try_into()
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 100.0)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// A device's place in rollouts: 0 to 9,999, drawn at random on the device. One in ten thousand: not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct DeviceNumber(u16);

impl TryFrom<u16> for DeviceNumber {
    type Error = &'static str;

    fn try_from(number: u16) -> Result<Self, Self::Error> {
        if number < 10_000 { Ok(Self(number)) } else { Err("a device number is 0 to 9999") }
    }
}

impl From<DeviceNumber> for u16 {
    fn from(number: DeviceNumber) -> Self {
        number.0
    }
}

/// Where `device` stands in the rollout of `root`: 0 to 9,999. Each root draws anew, so that no device is always
/// among the first; raising a percentage only adds devices.
pub fn place(root: Root, device: DeviceNumber) -> u16 {
    let hash = Digest::of(format!("{root}:{}", device.0).as_bytes());
    let head: [u8; 8] = std::array::from_fn(|i| hash.as_bytes()[i]);
    #[allow(clippy::cast_possible_truncation)] // below 10,000
    let place = (u64::from_be_bytes(head) % 10_000) as u16;
    place
}

/// Whether a rollout of `percent` has reached `device`; `None`: a device that gives no number waits for everybody.
pub fn reached(root: Root, percent: Percent, device: Option<DeviceNumber>) -> bool {
    percent.is_complete() || device.is_some_and(|device| place(root, device) < percent.hundredths())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices() -> impl Iterator<Item = DeviceNumber> {
        (0..10_000).map(|n| DeviceNumber::try_from(n).unwrap())
    }

    #[test]
    fn raising_a_percentage_only_adds_devices() {
        let root = Root::of(b"a");
        let steps = [0, 1, 100, 2_500, 9_999, 10_000].map(|h| Percent::from_hundredths(h).unwrap());
        for device in devices() {
            let reached = steps.map(|percent| reached(root, percent, Some(device)));
            assert!(reached.is_sorted(), "{device:?}");
        }
    }

    #[test]
    fn a_share_is_about_what_it_says() {
        let quarter = Percent::try_from(25.0).unwrap();
        let count = devices().filter(|d| reached(Root::of(b"b"), quarter, Some(*d))).count();
        assert!((2_300..2_700).contains(&count), "{count}");
    }

    #[test]
    fn a_device_without_a_number_gets_complete_releases_only() {
        let root = Root::of(b"c");
        assert!(!reached(root, Percent::try_from(99.99).unwrap(), None));
        assert!(reached(root, Percent::ALL, None));
    }

    #[test]
    fn the_place_is_the_one_the_protocol_fixes() {
        // sha256("<64 zeros>:7"), first eight bytes, big-endian, modulo 10,000; computed with python's hashlib.
        let root = Root(Digest::from_bytes([0; 32]));
        assert_eq!(place(root, DeviceNumber::try_from(7).unwrap()), 6768);
    }

    #[test]
    fn percentages_have_two_decimals_and_stay_what_they_are() {
        for text in ["0", "100", "12.5", "0.01", "99.99", "33.33"] {
            let percent: Percent = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&percent).unwrap(), text);
        }
        for text in ["-1", "100.01", "1e9", "0.001", "\"5\""] {
            assert!(serde_json::from_str::<Percent>(text).is_err(), "{text}");
        }
        assert_eq!("25%".parse::<Percent>(), Percent::try_from(25.0));
    }
}
