//! What a channel offers: the release document, and the wrapper it travels in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{OrUnknown, open_words};
use crate::{AppId, Channel, Checksum, NativeRange, Percent, Root, Version};

/// Seconds since 1970-01-01 UTC.
pub type UnixSeconds = u64;

open_words! {
    /// What a release asks a device to do.
    Kind {
        /// Show this bundle.
        Release = "release",
        /// Go back to the builtin.
        Builtin = "builtin",
        /// A roll-back signed ahead.
        Ticket = "ticket",
    }
}

open_words! {
    /// How an artifact is to be read.
    ArtifactKind {
        /// A zip of the whole bundle.
        Zip = "zip",
        /// A patch from the bundle `base`.
        Odlt = "odlt",
    }
}

open_words! {
    /// The system a device runs.
    Platform {
        /// Android.
        Android = "android",
        /// iOS and iPadOS.
        Ios = "ios",
    }
}

/// One way to get a bundle. Its URL is not part of the document: `Release::urls` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// How to read it.
    pub kind: ArtifactKind,
    /// The bundle a patch starts from; absent for a zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Root>,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub checksum: Checksum,
}

/// A release as its publisher stated it. The one thing that is signed on a signed channel.
///
/// Written with every field that patches, signatures and rollouts need; absent ones have the defaults given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseDocument {
    /// Whose; absent on a server that serves one unnamed app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<AppId>,
    /// Where it is offered.
    pub channel: Channel,
    /// What it is called.
    pub version: Version,
    /// Rises with every release of a channel; a device never goes below the highest it accepted.
    pub sequence: u64,
    /// What it asks for.
    #[serde(default = "release_kind")]
    pub kind: Kind,
    /// The bundle; absent where `kind` is `builtin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// Bytes of the bundle's files.
    #[serde(default)]
    pub unpacked_size: u64,
    /// Number of the bundle's files.
    #[serde(default)]
    pub files: u64,
    /// Ways to get it.
    #[serde(default)]
    pub artifacts: Vec<OrUnknown<Artifact>>,
    /// Systems it is for; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// Native versions it runs on; absent: any.
    #[serde(default, skip_serializing_if = "NativeRange::is_open")]
    pub native: NativeRange,
    /// Devices whose floor is below this sequence apply the release at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandatory_since: Option<u64>,
    /// The most devices it may ever reach.
    #[serde(default)]
    pub percent: Percent,
    /// First publication of this root in this channel; stays when the root is issued again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<UnixSeconds>,
    /// When this document was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<UnixSeconds>,
    /// Lifts, once, a device's block of this root that came from time-outs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retry: bool,
    /// Names of fields a client must know to take the release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<String>,
}

fn release_kind() -> Kind {
    Kind::Release
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it with a reference
fn is_false(value: &bool) -> bool {
    !value
}

/// The document's fields, for `critical`.
const FIELDS: [&str; 17] = [
    "app_id",
    "channel",
    "version",
    "sequence",
    "kind",
    "root",
    "unpacked_size",
    "files",
    "artifacts",
    "platforms",
    "native",
    "mandatory_since",
    "percent",
    "created_at",
    "issued_at",
    "retry",
    "critical",
];

impl ReleaseDocument {
    /// The artifacts this version can read.
    pub fn known_artifacts(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts.iter().filter_map(OrUnknown::known)
    }

    /// The zip of the whole bundle, where there is one.
    pub fn zip(&self) -> Option<&Artifact> {
        self.known_artifacts().find(|artifact| artifact.kind == ArtifactKind::Zip)
    }

    /// Whether every field the publisher calls critical is known here.
    pub fn criticals_are_known(&self) -> bool {
        self.critical.iter().all(|name| FIELDS.contains(&name.as_str()))
    }
}

/// What a server may say beside a release without the publisher's key. It can only reduce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brake {
    /// Offer it to nobody new.
    #[serde(default)]
    pub hold: bool,
    /// At most this share of devices.
    #[serde(default)]
    pub percent: Percent,
}

/// A DSSE envelope as it travels. This version carries it and does not open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The document's exact bytes, base64.
    pub payload: String,
    /// What the payload is.
    pub payload_type: String,
    /// Signatures over both.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an [`Envelope`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// Which key.
    pub keyid: String,
    /// The signature, base64.
    pub sig: String,
}

/// One entry of `releases`, in a check's reply and in a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The document, in unsigned mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<ReleaseDocument>,
    /// The signed document, on a signed channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// Where each artifact is, by checksum; relative to the feed or the check.
    #[serde(default)]
    pub urls: BTreeMap<Checksum, String>,
    /// The server's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<Brake>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_document_is_in_the_list_of_known_ones() {
        let full = include_str!("../samples/document-full.json");
        let value: serde_json::Value = serde_json::from_str(full).unwrap();
        let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = FIELDS.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn an_artifact_of_a_later_shape_is_carried_along_and_not_used() {
        let text = r#"{"channel":"stable","version":"1","sequence":1,"artifacts":[{"kind":"tar","parts":[1]},
            {"kind":"brotli","size":1,"checksum":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}"#;
        let document: ReleaseDocument = serde_json::from_str(text).unwrap();
        assert_eq!(document.artifacts.len(), 2);
        assert_eq!(document.zip(), None);
        let back = serde_json::to_value(&document).unwrap();
        assert_eq!(back["artifacts"][0]["parts"][0], 1);
        assert_eq!(back["artifacts"][1]["kind"], "brotli");
    }
}
