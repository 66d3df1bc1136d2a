//! The part of `cargo metadata` that counts here.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    /// With `--no-deps`: the workspace's members.
    pub(super) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(super) features: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// `None`: a normal one; else `dev` or `build`.
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) features: Vec<String>,
}

impl Dependency {
    pub(super) fn counts(&self) -> bool {
        self.kind.as_deref() != Some("dev")
    }
}
