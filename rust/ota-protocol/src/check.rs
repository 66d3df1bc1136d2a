//! The check: one question to the server, in the three dialects that clients speak, and its answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lenient::OrUnknown;
use crate::release::{Platform, Release, UnixSeconds};
use crate::rollout::DeviceNumber;
use crate::{AppId, Channel, Checksum, InvalidName, Root, Version};

/// The protocol this crate speaks; sent as `protocol`.
pub const PROTOCOL: u32 = 1;
/// The largest check request a server reads, in bytes.
pub const MAX_CHECK_BYTES: usize = 16 * 1024;
/// The largest reply or feed a device reads, in bytes.
pub const MAX_REPLY_BYTES: usize = 1024 * 1024;
/// In place of a version: go back to the builtin.
pub const BUILTIN: &str = "builtin";

/// Our agent's question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Version of the bundle shown; on the builtin the native version.
    pub version_build: String,
    /// The line of releases asked about.
    #[serde(default)]
    pub channel: Channel,
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Which app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<AppId>,
    /// Which system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The app's version name in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_version: Option<String>,
    /// The app's build number in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_build: Option<String>,
    /// The bundle shown; absent on a builtin whose root is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// Bundles a patch may start from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<Root>,
    /// The highest sequence accepted in this channel; 0: none yet.
    #[serde(default)]
    pub floor: u64,
    /// When the app build stamped its builtin; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_at: Option<UnixSeconds>,
    /// Place in rollouts; null where the app switched it off.
    #[serde(default)]
    pub device_number: Option<DeviceNumber>,
    /// Whether the builtin is shown; absent: it is where `version_build` equals `native_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_builtin: Option<bool>,
}

impl CheckRequest {
    /// Whether the builtin is shown, so that there is nothing to go back from.
    pub fn is_on_builtin(&self) -> bool {
        self.on_builtin.unwrap_or_else(|| self.native_version.as_ref() == Some(&self.version_build))
    }
}

/// What is read of a question from Capgo's plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapgoRequest {
    /// Which app.
    pub app_id: Option<AppId>,
    /// Which system.
    pub platform: Option<Platform>,
    /// Its `defaultChannel`, or the default.
    pub channel: Channel,
    /// Version of the bundle shown (`version_name`); on the builtin the native version.
    pub version_name: String,
    /// The native version (`version_build`).
    pub native_version: String,
}

impl CapgoRequest {
    /// Whether the builtin is shown. Capgo's plugin then sends the native version as the bundle's, or `builtin`.
    pub fn on_builtin(&self) -> bool {
        self.version_name == BUILTIN || self.version_name == self.native_version
    }
}

/// A question of the plainest kind of client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRequest {
    /// Version of the bundle shown.
    pub version_build: String,
    /// The line of releases asked about.
    pub channel: Channel,
    /// Which app, where it says so.
    pub app_id: Option<AppId>,
}

/// A question, by the dialect it is asked in.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Our agent: `protocol` is present.
    Agent(Box<CheckRequest>),
    /// Capgo's plugin: `plugin_version` and `version_name` are both present.
    Capgo(CapgoRequest),
    /// Anything else.
    Plain(PlainRequest),
}

/// A question that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum BadQuestion {
    /// Not a JSON object.
    #[error("a check is a JSON object")]
    NotAnObject,
    /// A field has the wrong type or an impossible value.
    #[error("the check's {field} is not right: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is expected.
        reason: String,
    },
    /// A name is outside its rule.
    #[error("the check's {field} is not right: {rule}")]
    Name {
        /// Which field.
        field: &'static str,
        /// Which rule.
        rule: InvalidName,
    },
    /// Our own dialect, with a field that cannot be read.
    #[error("the check cannot be read: {0}")]
    Agent(#[from] serde_json::Error),
}

impl Question {
    /// Reads a question in whichever dialect it comes.
    ///
    /// # Errors
    /// [`BadQuestion`] names the field that is wrong.
    pub fn read(value: Value) -> Result<Self, BadQuestion> {
        let Value::Object(fields) = value else { return Err(BadQuestion::NotAnObject) };
        if fields.contains_key("plugin_version") && fields.contains_key("version_name") {
            return Self::read_capgo(&fields).map(Self::Capgo);
        }
        if fields.contains_key("protocol") {
            return Ok(Self::Agent(serde_json::from_value(Value::Object(fields))?));
        }
        let version = version(&fields, "version_name")?.or(version(&fields, "version_build")?);
        Ok(Self::Plain(PlainRequest {
            version_build: version.unwrap_or_default(),
            channel: name(&fields, "channel")?.unwrap_or_default(),
            app_id: name(&fields, "app_id")?,
        }))
    }

    fn read_capgo(fields: &Map<String, Value>) -> Result<CapgoRequest, BadQuestion> {
        Ok(CapgoRequest {
            app_id: name(fields, "app_id")?,
            platform: text(fields, "platform")?.map(Platform::from),
            channel: name(fields, "defaultChannel")?.unwrap_or_default(),
            version_name: text(fields, "version_name")?.unwrap_or_default(),
            native_version: text(fields, "version_build")?.unwrap_or_default(),
        })
    }
}

/// A text field; absent and null are the same.
fn text(fields: &Map<String, Value>, field: &'static str) -> Result<Option<String>, BadQuestion> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(BadQuestion::Field { field, reason: "text is expected".into() }),
    }
}

/// A version. Hand-made clients send 2 or 1.5 as it is.
fn version(fields: &Map<String, Value>, field: &'static str) -> Result<Option<String>, BadQuestion> {
    match fields.get(field) {
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        _ => text(fields, field),
    }
}

/// A name; absent, null and empty are the same.
fn name<T>(fields: &Map<String, Value>, field: &'static str) -> Result<Option<T>, BadQuestion>
where
    T: TryFrom<String, Error = InvalidName>,
{
    text(fields, field)?
        .filter(|text| !text.is_empty())
        .map(T::try_from)
        .transpose()
        .map_err(|rule| BadQuestion::Name { field, rule })
}

/// An answer in our own dialect; the first three fields are all that a plain client needs, and all that a server of
/// the plainest kind sends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckReply {
    /// Version offered, or [`BUILTIN`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where its zip is; may be relative to the check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 of the zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// The channel's releases, newest first; absent where the server knows only the three fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub releases: Option<Vec<OrUnknown<Release>>>,
}

impl CheckReply {
    /// "Show the builtin", as every kind of client understands it.
    pub fn builtin() -> Self {
        Self { version: Some(BUILTIN.to_owned()), ..Self::default() }
    }

    /// Whether this says "show the builtin" in the three fields.
    pub fn is_builtin(&self) -> bool {
        self.version.as_deref() == Some(BUILTIN)
    }
}

/// An answer to a plain client: an update, or `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainReply {
    /// Version offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Where its bytes are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// An answer to Capgo's plugin. The keys of the cases that do not apply must be absent, never null: its Android
/// side looks at their presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CapgoReply {
    /// There is an update.
    Update {
        /// Version offered.
        version: Version,
        /// Absolute URL of the zip.
        url: String,
        /// SHA-256 of the zip, lowercase hex.
        checksum: Checksum,
        /// Always empty: nothing is encrypted.
        session_key: String,
    },
    /// There is none, or it failed; `kind` is always there.
    Nothing {
        /// `up_to_date`, `blocked` or `failed`.
        kind: String,
        /// A code of Capgo's.
        error: String,
        /// For people.
        message: String,
    },
    /// Show the builtin.
    Builtin {
        /// [`BUILTIN`].
        version: String,
    },
}

impl CapgoReply {
    /// Nothing to do.
    pub fn up_to_date() -> Self {
        Self::Nothing {
            kind: "up_to_date".to_owned(),
            error: "no_new_version_available".to_owned(),
            message: "No newer version is available for this device".to_owned(),
        }
    }

    /// Show the builtin.
    pub fn builtin() -> Self {
        Self::Builtin { version: BUILTIN.to_owned() }
    }
}

/// A channel's releases as a plain file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Whose releases.
    pub channel: Channel,
    /// When the file was made.
    pub generated_at: UnixSeconds,
    /// Newest first.
    pub releases: Vec<OrUnknown<Release>>,
}

#[cfg(test)]
mod tests;
