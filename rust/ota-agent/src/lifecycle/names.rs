//! The names the lifecycle speaks of: bundles, boots, the app around them.

use std::fmt;
use std::str::FromStr;

use ota_protocol::{InvalidDigest, Root};
use serde::{Deserialize, Serialize};

/// What can be shown: the bundle the store shipped, or one that came later. Written `builtin`, or as the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BundleId {
    /// The bundle inside the app: always there, never on trial.
    Builtin,
    /// A bundle in the store.
    Held(Root),
}

impl BundleId {
    /// The root of a bundle in the store; `None` for the builtin.
    pub fn root(self) -> Option<Root> {
        match self {
            Self::Builtin => None,
            Self::Held(root) => Some(root),
        }
    }

    /// Whether this is the builtin.
    pub fn is_builtin(self) -> bool {
        self == Self::Builtin
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => f.write_str("builtin"),
            Self::Held(root) => fmt::Display::fmt(root, f),
        }
    }
}

impl FromStr for BundleId {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        if text == "builtin" { Ok(Self::Builtin) } else { text.parse().map(Self::Held) }
    }
}

impl TryFrom<String> for BundleId {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<BundleId> for String {
    fn from(id: BundleId) -> Self {
        id.to_string()
    }
}

macro_rules! sixteen_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidDigest;

            fn from_str(text: &str) -> Result<Self, InvalidDigest> {
                let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
                let value = u128::from_str_radix(text, 16).ok().filter(|_| is_hex).ok_or(InvalidDigest)?;
                Ok(Self(value.to_be_bytes()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidDigest;

            fn try_from(text: String) -> Result<Self, InvalidDigest> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

sixteen_bytes! {
    /// Names one boot. A page proves with it which boot it belongs to. 32 hex digits.
    Token
}
sixteen_bytes! {
    /// Names one run of the operating system.
    OsBoot
}

impl OsBoot {
    /// From whatever the system calls this run.
    pub fn named(name: &str) -> Self {
        let hash = ota_protocol::Digest::of(name.as_bytes());
        Self(std::array::from_fn(|i| hash.as_bytes()[i]))
    }
}

/// The app around the bundles. When it changes, everything learnt about bundles is void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Identity {
    /// The app's version name in the store.
    pub version: String,
    /// The app's build number in the store; empty where there is none.
    #[serde(default)]
    pub build: String,
    /// The builtin's root, where the app build stamped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Root>,
}
