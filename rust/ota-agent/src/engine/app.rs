//! The app around the agent, as its host describes it.

use std::path::{Path, PathBuf};

use ota_protocol::{AppId, NativeVersion, Platform, Root, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::lifecycle::{Identity, OsBoot};

/// The asset in which an app build says what its builtin is.
pub const STAMP: &str = "ota-builtin.json";

/// What an app build says about its builtin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The builtin's root.
    pub root: Root,
    /// When the app was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_at: Option<UnixSeconds>,
}

impl Stamp {
    /// Reads the stamp of a builtin in a folder; `None`: its build left none, or it cannot be read.
    pub fn read(builtin: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(builtin.join(STAMP)).ok()?).ok()
    }
}

/// The app around the agent.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub id: Option<AppId>,
    /// Its version name in the store.
    pub native_version: String,
    /// Its build number in the store; empty where there is none.
    pub native_build: String,
    /// The system.
    pub platform: Option<Platform>,
    /// The system's version; for Capgo's dialect.
    pub os_version: String,
    /// Where a page finds the builtin. The agent hands it out and never looks inside.
    pub builtin: PathBuf,
    /// What the app build said about the builtin.
    pub stamp: Option<Stamp>,
    /// What the system calls its present run, where the clock port cannot tell.
    pub os_boot: Option<String>,
    /// Whether the page comes from a development server: updates are off then.
    pub live_reload: bool,
}

impl App {
    /// What voids everything learnt about bundles when it changes.
    pub fn identity(&self) -> Identity {
        Identity {
            version: self.native_version.clone(),
            build: self.native_build.clone(),
            builtin: self.stamp.map(|stamp| stamp.root),
        }
    }

    pub(super) fn comparable_version(&self) -> Option<NativeVersion> {
        NativeVersion::parse(&self.native_version)
    }

    pub(super) fn os_boot(&self, known: Option<String>) -> Option<OsBoot> {
        self.os_boot.clone().or(known).map(|name| OsBoot::named(&name))
    }
}
