//! Where things are below the agent's root (`docs/architecture.md`, "On disk").

use std::path::{Path, PathBuf};

use ota_protocol::Root;

/// The agent's folder.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Below `root`, which is private to the app and not part of backups.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The durable state.
    pub fn state(&self) -> PathBuf {
        self.root.join("state.json")
    }

    /// The state on its way.
    pub(super) fn state_tmp(&self) -> PathBuf {
        self.root.join("state.tmp")
    }

    /// A copy of the state before.
    pub fn state_prev(&self) -> PathBuf {
        self.root.join("state.prev.json")
    }

    /// The copy on its way.
    pub(super) fn state_prev_tmp(&self) -> PathBuf {
        self.root.join("state.prev.tmp")
    }

    /// A state that could not be used, kept for whoever wants to know why.
    pub fn state_bad(&self) -> PathBuf {
        self.root.join("state.bad.json")
    }

    /// The record of the latest boot.
    pub fn attempt(&self) -> PathBuf {
        self.root.join("attempt")
    }

    /// What the last check left; worthless if lost.
    pub fn check(&self) -> PathBuf {
        self.root.join("check.json")
    }

    /// All bundles.
    pub fn bundles(&self) -> PathBuf {
        self.root.join("bundles")
    }

    /// One bundle.
    pub fn bundle(&self, root: Root) -> PathBuf {
        self.bundles().join(root.to_string())
    }

    /// One bundle's files.
    pub fn www(&self, root: Root) -> PathBuf {
        self.bundle(root).join("www")
    }

    /// One bundle's tree list.
    pub fn list(&self, root: Root) -> PathBuf {
        self.bundle(root).join("list")
    }

    /// What is being built, or being deleted.
    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// Partial artifacts.
    pub fn downloads(&self) -> PathBuf {
        self.root.join("downloads")
    }

    /// Held for one read-change-write of the state.
    pub(super) fn state_lock(&self) -> PathBuf {
        self.root.join("state.lock")
    }

    /// Held by the one updater.
    pub(super) fn update_lock(&self) -> PathBuf {
        self.root.join("update.lock")
    }

    /// Held by the one process that starts trials and writes attempts.
    pub(super) fn page_lock(&self) -> PathBuf {
        self.root.join("page.lock")
    }
}
