//! What nothing needs any more is deleted; what is suspected of damage is looked at.

use std::collections::BTreeSet;

use ota_protocol::Root;

use super::agent::Inner;
use super::threads;
use crate::error::AgentError;
use crate::lifecycle::{BundleId, Event};
use crate::store::bundles::{self, Holding};
use crate::store::{Record, staging};

/// Bundles that a page downloaded itself and that are kept, the latest ones.
const PAGE_BUNDLES: usize = 3;

impl Inner {
    /// Deletes what nothing needs. Only after a ready: until then the bundles before are needed.
    pub(super) fn prune(&self) {
        if let Err(error) = self.try_prune() {
            // What stays is deleted after a later ready.
            log::warn!("bundles are kept longer than needed: {}", error.explain());
        }
    }

    fn try_prune(&self) -> Result<(), AgentError> {
        let there = bundles::all(self.fs(), &self.layout)?;
        // Asked before the state's lock is taken: everybody takes it after this one.
        let shown = self.live().attempt.and_then(|attempt| attempt.bundle.root());
        let needed = kept(&self.known()?.record, shown);
        if there.iter().all(|root| needed.contains(root)) {
            return Ok(());
        }
        self.examine_blocked(&there)?;
        let trash = {
            let _lock = self.lock_state()?;
            let record = self.change_locked(|record| forget_labels(record, shown))?;
            let needed = kept(&record, shown);
            let unneeded = there.into_iter().filter(|root| !needed.contains(root));
            unneeded.filter_map(|root| self.take_unless_shown(root)).collect::<Vec<_>>()
        };
        for folder in trash {
            if let Err(error) = staging::remove_tree(self.fs(), &folder) {
                log::warn!("{} is swept later: {error}", folder.display());
            }
        }
        Ok(())
    }

    fn take_unless_shown(&self, root: Root) -> Option<std::path::PathBuf> {
        bundles::take_away(&self.ports, &self.layout, root).unwrap_or_else(|error| {
            log::debug!("{root} stays: {}", error.explain());
            None
        })
    }

    /// Bundles that failed are hashed once before they go: if the disk had damaged them, they were not at fault.
    fn examine_blocked(&self, there: &[Root]) -> Result<(), AgentError> {
        let state = self.known()?.record.state;
        self.live().suspects.extend(there.iter().filter(|root| state.is_blocked(**root)));
        self.examine_suspects();
        Ok(())
    }

    /// Hashes what is suspected, and drops what is damaged. Blocks; not for the main thread.
    pub(super) fn examine_suspects(&self) {
        let suspects: BTreeSet<Root> = std::mem::take(&mut self.live().suspects).into_iter().collect();
        for root in suspects {
            match bundles::holding(self.fs(), &self.layout, root, threads()) {
                Ok(Holding::Damaged(what)) => {
                    log::error!("{}: {what}", BundleId::Held(root));
                    if let Err(error) = self.drop_damaged(root) {
                        log::warn!("{}", error.explain());
                    }
                }
                Ok(Holding::Held | Holding::Absent) => {}
                Err(error) => log::warn!("{}", error.explain()),
            }
        }
    }

    /// Drops a damaged bundle: first from the state, durably, then from the disk. One that a live page shows stays
    /// on the disk until the page is gone.
    pub(super) fn drop_damaged(&self, root: Root) -> Result<(), AgentError> {
        self.dispatch(&mut self.live(), &Event::Damaged { root })?;
        let _lock = self.lock_state()?;
        bundles::discard(&self.ports, &self.layout, root)
    }
}

/// What must stay: what the state needs, what this process shows, and the page's own latest downloads.
fn kept(record: &Record, shown: Option<Root>) -> BTreeSet<Root> {
    let mut kept = record.state.needed();
    kept.extend(shown);
    let mut own: Vec<_> = record.labels.iter().filter(|(_, label)| label.by_page).collect();
    own.sort_by_key(|(_, label)| std::cmp::Reverse(label.at));
    kept.extend(own.into_iter().take(PAGE_BUNDLES).map(|(root, _)| *root));
    kept
}

/// Labels of bundles that go; what a block or a set-aside is known by stays.
fn forget_labels(record: &mut Record, shown: Option<Root>) {
    let mut wanted = kept(record, shown);
    wanted.extend(record.state.blocked.keys());
    wanted.extend(record.state.set_aside.keys());
    record.labels.retain(|root, _| wanted.contains(root));
}
