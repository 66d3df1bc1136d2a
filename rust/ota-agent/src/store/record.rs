//! What `state.json` holds: the lifecycle's state, and what belongs to it without deciding anything there.

use std::collections::BTreeMap;

use ota_protocol::eligibility::Floor;
use ota_protocol::{Channel, Checksum, DeviceNumber, Root, UnixSeconds};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lifecycle::{Block, BundleId, Cause, Identity, State};

/// The schema this version writes.
pub const SCHEMA: u32 = 1;

/// What is known of a bundle beside its root.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Label {
    /// What its release called it last.
    pub version: String,
    /// Artifacts that were this bundle. A block is known by them where an offer names no root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
    /// Where it came from, if without a checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the page asked for it itself: the last three such are kept.
    #[serde(default)]
    pub by_page: bool,
    /// When it came.
    #[serde(default)]
    pub at: UnixSeconds,
}

/// The highest release accepted in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorRecord {
    /// Its sequence.
    pub sequence: u64,
    /// Its bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// Whether it is to be shown at once when it comes: it has been accepted, and its download broke off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_once: bool,
}

impl From<FloorRecord> for Floor {
    fn from(floor: FloorRecord) -> Self {
        Self { sequence: floor.sequence, root: floor.root }
    }
}

/// The latest bundle that failed, for the page to ask about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedUpdate {
    /// Which.
    pub bundle: Root,
    /// What it was called.
    pub version: String,
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: UnixSeconds,
}

/// The durable state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What decides.
    #[serde(flatten)]
    pub state: State,
    /// Random, made on the device, and can be made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The device's place in rollouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_number: Option<DeviceNumber>,
    /// The channel, where the page chose another than the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The highest release accepted, by channel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub floors: BTreeMap<Channel, FloorRecord>,
    /// What is known of bundles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Root, Label>,
    /// The latest bundle that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedUpdate>,
}

impl Record {
    /// An app just installed.
    pub fn fresh(native: Identity) -> Self {
        Self {
            state: State::fresh(native),
            device_id: None,
            device_number: None,
            channel: None,
            floors: BTreeMap::new(),
            labels: BTreeMap::new(),
            failed: None,
        }
    }

    /// What a bundle was called last; the native version for the builtin, the root where nothing is known.
    pub fn version_of(&self, bundle: BundleId) -> String {
        match bundle {
            BundleId::Builtin => self.state.native.version.clone(),
            BundleId::Held(root) => {
                self.labels.get(&root).map_or_else(|| root.to_string(), |label| label.version.clone())
            }
        }
    }

    /// The bundle that came as this artifact.
    pub fn root_of(&self, checksum: Checksum) -> Option<Root> {
        self.labels.iter().find(|(_, label)| label.checksums.contains(&checksum)).map(|(root, _)| *root)
    }

    /// Raises a channel's floor; it is never lowered.
    pub fn raise_floor(&mut self, channel: &Channel, floor: FloorRecord) {
        let is_higher = self.floors.get(channel).is_none_or(|before| before.sequence <= floor.sequence);
        if is_higher {
            self.floors.insert(channel.clone(), floor);
        }
    }

    /// Takes from a record of another schema, or from the copy of a lost one, what keeps its shape for ever: fallback,
    /// blocks, floors, ids and channel. What was shown is not known for sure; the fallback was confirmed.
    pub(super) fn salvage(value: &Value) -> Option<Self> {
        fn part<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
            serde_json::from_value(value.get(name)?.clone()).ok()
        }
        /// Entry by entry, so that one that cannot be read does not take the others along.
        fn entries<K: std::str::FromStr + Ord, V>(
            value: &Value,
            name: &str,
            read: impl Fn(&Value) -> Option<V>,
        ) -> BTreeMap<K, V> {
            let map = value.get(name).and_then(Value::as_object);
            map.into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.parse().ok()?, read(value)?)))
                .collect()
        }
        let mut record = Self::fresh(part(value, "native")?);
        let fallback = part(value, "fallback").unwrap_or(BundleId::Builtin);
        record.state.current = crate::lifecycle::Current::Confirmed { bundle: fallback };
        // A block whose cause is new to this version is a block all the same.
        record.state.blocked = entries(value, "blocked", |block| {
            let lifted_by = block.get("lifted_by").and_then(Value::as_u64);
            Some(Block { cause: part(block, "cause").unwrap_or(Cause::Reported), lifted_by })
        });
        record.floors = entries(value, "floors", |floor| serde_json::from_value(floor.clone()).ok());
        record.labels = entries(value, "labels", |label| serde_json::from_value(label.clone()).ok());
        record.device_id = part(value, "device_id");
        record.device_number = part(value, "device_number");
        record.channel = part(value, "channel");
        Some(record)
    }
}
