//! Names that cross the wire, each a type of its own so that two of them cannot be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest channel, version or app id, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest app id, in bytes (Android allows package names of this order).
pub const MAX_APP_ID: usize = 128;

/// A name outside its rule. Its text says which rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not a channel name.
    #[error("a channel is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit")]
    Channel,
    /// Not a version name.
    #[error("a version is 1 to 64 of A-Z a-z 0-9 . _ - + and starts with a letter or digit")]
    Version,
    /// Not an app id.
    #[error("an app id is 1 to 128 of A-Z a-z 0-9 . _ - and starts with a letter or digit")]
    AppId,
}

fn is_name(text: &str, longest: usize, extra: &[u8]) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b) || extra.contains(&b);
    (1..=longest).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(allowed)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $longest:expr, $extra:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                if is_name(&text, $longest, $extra) { Ok(Self(text)) } else { Err($error) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A named line of releases: `stable`, `beta`, `apk`.
    Channel, MAX_NAME, b"", InvalidName::Channel
}
name! {
    /// What a release is called. Not ordered: a channel's history says what is newer.
    Version, MAX_NAME, b"+", InvalidName::Version
}
name! {
    /// Whose release it is, as the app's package name or bundle identifier.
    AppId, MAX_APP_ID, b"", InvalidName::AppId
}

/// The channel a client is on when it names none.
pub const DEFAULT_CHANNEL: &str = "stable";
/// The channel of Android packages. Bundles cannot be published to it.
pub const APK_CHANNEL: &str = "apk";

impl Default for Channel {
    fn default() -> Self {
        Self(DEFAULT_CHANNEL.to_owned())
    }
}

impl Channel {
    /// The channel of Android packages.
    pub fn apk() -> Self {
        Self(APK_CHANNEL.to_owned())
    }

    /// Whether this is the channel of Android packages.
    pub fn is_apk(&self) -> bool {
        self.0 == APK_CHANNEL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_rule() {
        let long = "a".repeat(64);
        for good in ["stable", "1.0.0", "a-1_x.Y", "0", &long] {
            assert!(good.parse::<Channel>().is_ok(), "{good}");
            assert!(good.parse::<Version>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", ".hidden", "-x", "_x", "a/b", "a b", "a\0", "é", "..", "+1", &too_long] {
            assert!(bad.parse::<Channel>().is_err(), "{bad}");
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_version_may_hold_a_plus() {
        assert!("1.0.0+7".parse::<Version>().is_ok());
        assert!("1.0.0+7".parse::<Channel>().is_err());
    }

    #[test]
    fn a_bad_name_is_refused_while_json_is_read() {
        assert!(serde_json::from_str::<Channel>("\"a/b\"").is_err());
        assert_eq!(serde_json::from_str::<Channel>("\"beta\"").unwrap().as_str(), "beta");
    }
}
