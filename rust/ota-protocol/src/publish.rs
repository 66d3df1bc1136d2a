//! The publishing routes' messages (bearer token; errors as [`crate::ErrorBody`]).

use serde::{Deserialize, Serialize};

use crate::release::{Envelope, ReleaseDocument, UnixSeconds};
use crate::{Channel, Checksum, Root, Version};

/// `POST /api/auth/login`.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoginRequest {
    /// Account name.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// The answer to a login.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoginReply {
    /// A bearer token; it lives 12 hours.
    pub token: String,
}

/// One publication, as the history routes list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// Channel; `apk` for Android packages.
    pub channel: Channel,
    /// Version.
    pub version: Version,
    /// Its key: `{channel}-{version}.zip`, or `.apk`.
    pub filename: String,
    /// When it was uploaded.
    pub uploaded_at: UnixSeconds,
    /// SHA-256 of the bytes.
    pub checksum: Checksum,
    /// Bytes.
    pub size: u64,
    /// Whether it is what the channel offers.
    pub active: bool,
}

/// A list of publications, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The rows.
    pub items: Vec<HistoryRow>,
}

/// The answer to an upload, and to an action that makes a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The history row.
    #[serde(flatten)]
    pub row: HistoryRow,
    /// The bundle's root; absent for an APK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// The release's sequence; absent for an APK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The version that was active before.
    #[serde(default)]
    pub replaced: Option<Version>,
}

/// The answer to a deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// What was deleted.
    pub deleted: Version,
    /// What the channel offers now; null where it is empty.
    pub active: Option<Version>,
}

/// One release as `GET /api/ota/admin/releases` lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseItem {
    /// The history row.
    #[serde(flatten)]
    pub row: HistoryRow,
    /// `active`, `superseded` or `held`.
    pub state: String,
    /// The document, in unsigned mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<ReleaseDocument>,
    /// The signed document, on a signed channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
}

/// A channel's releases, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseList {
    /// The releases.
    pub items: Vec<ReleaseItem>,
}

/// Body of `POST /api/ota/admin/releases/{channel}/{version}/{action}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// For `promote`: the channel to publish to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Channel>,
}
