//! The bundles as a page handles them: list, choose, fetch, delete, reset, channels.

use ota_protocol::{Channel, Checksum, Code};
use url::Url;

use super::agent::{Agent, Inner};
use super::decide::Wanted;
use super::session::{Naming, name};
use crate::error::AgentError;
use crate::lifecycle::{BundleId, Event, Refused};
use crate::ports::Cancel;
use crate::store::{FailedUpdate, Record, bundles};
use crate::transfer::Progress;

/// A bundle, as pages know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleInfo {
    /// Which.
    pub bundle: BundleId,
    /// What its release calls it.
    pub version: String,
    /// The SHA-256 of the artifact it came as, where it came as one.
    pub checksum: Option<Checksum>,
    /// When it came, in Unix seconds; 0 for the builtin.
    pub at: u64,
    /// Whether it reported ready once and still counts as confirmed.
    pub is_confirmed: bool,
    /// Whether it failed and is not shown again.
    pub is_blocked: bool,
}

impl Agent {
    /// The bundles on disk; the builtin is not among them.
    ///
    /// # Errors
    /// The disk's.
    pub fn list(&self) -> Result<Vec<BundleInfo>, AgentError> {
        let record = self.inner.known()?.record;
        let roots = bundles::all(self.inner.fs(), &self.inner.layout)?;
        Ok(roots.into_iter().map(|root| info(&record, BundleId::Held(root))).collect())
    }

    /// The bundle that the next steady boot shows.
    ///
    /// # Errors
    /// The state's.
    pub fn current(&self) -> Result<BundleInfo, AgentError> {
        let record = self.inner.known()?.record;
        Ok(info(&record, record.state.current.bundle()))
    }

    /// The bundle that comes next, if another one does.
    ///
    /// # Errors
    /// The state's.
    pub fn next_bundle(&self) -> Result<Option<BundleInfo>, AgentError> {
        let record = self.inner.known()?.record;
        Ok(record.state.next.map(|next| info(&record, next.bundle)))
    }

    /// The latest bundle that failed.
    ///
    /// # Errors
    /// The state's.
    pub fn failed_update(&self) -> Result<Option<FailedUpdate>, AgentError> {
        Ok(self.inner.known()?.record.failed)
    }

    /// Shows a bundle from the next boot on. It is hashed first; blocks.
    ///
    /// # Errors
    /// [`AgentError::UnknownBundle`], [`AgentError::BundleDamaged`], [`AgentError::Blocked`].
    pub fn set_next(&self, bundle: BundleId) -> Result<BundleInfo, AgentError> {
        let inner = &self.inner;
        if let Some(root) = bundle.root() {
            let was_there = bundles::has_index(inner.fs(), &inner.layout, root);
            if !inner.is_held(root)? {
                let name = bundle.to_string();
                return Err(if was_there {
                    AgentError::BundleDamaged(name)
                } else {
                    AgentError::UnknownBundle(name)
                });
            }
        }
        let step = inner.dispatch(&mut inner.live(), &Event::Chosen { bundle })?;
        match step.answer {
            Err(Refused::Blocked) => Err(AgentError::Blocked(bundle.to_string())),
            Err(Refused::StaleToken) => Err(AgentError::StaleToken),
            Ok(()) => Ok(info(&inner.known()?.record, bundle)),
        }
    }

    /// Fetches a bundle for the page, which decides what becomes of it. Blocks.
    ///
    /// # Errors
    /// As [`Agent::update`].
    pub fn download(
        &self,
        url: &str,
        version: &str,
        checksum: Option<Checksum>,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<BundleInfo, AgentError> {
        let inner = &self.inner;
        let url = Url::parse(url).map_err(|error| AgentError::InvalidArgument(format!("url: {error}")))?;
        if version.is_empty() {
            return Err(AgentError::InvalidArgument("version: a text is expected".into()));
        }
        inner.make_home()?;
        let _lock = inner.update_lock()?;
        let record = inner.known()?.record;
        let root = checksum.and_then(|checksum| record.root_of(checksum));
        if let Some(root) = root.filter(|root| record.state.is_blocked(*root)) {
            return Err(AgentError::Blocked(root.to_string()));
        }
        let wanted = Wanted {
            version: version.to_owned(),
            root,
            url,
            checksum,
            size: None,
            unpacked: None,
            lifted_by: None,
            is_mandatory: false,
        };
        let obtained = self.obtain_shared(&wanted, cancel, on_progress)?;
        let naming = Naming {
            root: obtained.root,
            version: wanted.version,
            checksum: obtained.checksum,
            url: wanted.checksum.is_none().then(|| wanted.url.to_string()),
            by_page: true,
        };
        let now = inner.ports.clock.now();
        let record = inner.change(|record| name(record, naming, now))?;
        Ok(info(&record, BundleId::Held(obtained.root)))
    }

    /// Deletes a bundle.
    ///
    /// # Errors
    /// [`AgentError::InUse`], [`AgentError::UnknownBundle`].
    pub fn delete(&self, bundle: BundleId) -> Result<(), AgentError> {
        let inner = &self.inner;
        let Some(root) = bundle.root() else { return Err(AgentError::InUse(bundle.to_string())) };
        let shown = inner.live().attempt.and_then(|attempt| attempt.bundle.root());
        let _lock = inner.lock_state()?;
        let record = inner.known()?.record;
        if record.state.needed().contains(&root) || shown == Some(root) {
            return Err(AgentError::InUse(bundle.to_string()));
        }
        if !bundles::all(inner.fs(), &inner.layout)?.contains(&root) {
            return Err(AgentError::UnknownBundle(bundle.to_string()));
        }
        inner.change_locked(|record| {
            let is_remembered = record.state.is_blocked(root) || record.state.set_aside.contains_key(&root);
            match record.labels.get_mut(&root) {
                Some(label) if is_remembered => label.by_page = false,
                _ => drop(record.labels.remove(&root)),
            }
        })?;
        bundles::discard(&inner.ports, &inner.layout, root)
    }

    /// Back to the builtin, without judging a trial: boot again to show it.
    ///
    /// # Errors
    /// The state's.
    pub fn reset(&self) -> Result<(), AgentError> {
        let inner = &self.inner;
        let mut live = inner.live();
        inner.dispatch(&mut live, &Event::Reset)?;
        live.timer.stop();
        Ok(())
    }

    /// Leaves the channel for another one; `None`: for that of the config. What the channel before had made next is
    /// dropped, and its transfer is ended.
    ///
    /// # Errors
    /// [`Code::ReservedChannel`] for `apk`; the state's.
    pub fn set_channel(&self, channel: Option<Channel>) -> Result<(), AgentError> {
        let inner = &self.inner;
        if channel.as_ref().is_some_and(Channel::is_apk) {
            let reason = "channel apk holds Android packages".to_owned();
            return Err(AgentError::Config { code: Code::ReservedChannel, reason });
        }
        let before = inner.channel(&inner.known()?.record);
        let record = inner.change(|record| record.channel = channel)?;
        if inner.channel(&record) != before {
            inner.dispatch(&mut inner.live(), &Event::ChannelChanged)?;
            inner.jobs.cancel_running();
        }
        Ok(())
    }

    /// The channel asked about.
    ///
    /// # Errors
    /// The state's.
    pub fn channel(&self) -> Result<Channel, AgentError> {
        Ok(self.inner.channel(&self.inner.known()?.record))
    }

    /// The bundles that failed here and are not shown again.
    ///
    /// # Errors
    /// The state's.
    pub fn blocked(&self) -> Result<Vec<BundleInfo>, AgentError> {
        let record = self.inner.known()?.record;
        Ok(record.state.blocked.keys().map(|root| info(&record, BundleId::Held(*root))).collect())
    }

    /// Forgets the block of one bundle, or of all.
    ///
    /// # Errors
    /// The state's.
    pub fn clear_blocked(&self, bundle: Option<BundleId>) -> Result<(), AgentError> {
        let root = bundle.and_then(BundleId::root);
        let inner: &Inner = &self.inner;
        inner.dispatch(&mut inner.live(), &Event::Forgiven { root }).map(drop)
    }
}

fn info(record: &Record, bundle: BundleId) -> BundleInfo {
    let label = bundle.root().and_then(|root| record.labels.get(&root));
    BundleInfo {
        bundle,
        version: record.version_of(bundle),
        checksum: label.and_then(|label| label.checksums.first().copied()),
        at: label.map_or(0, |label| label.at),
        is_confirmed: bundle.is_builtin() || record.state.confirmed().contains(&bundle),
        is_blocked: bundle.root().is_some_and(|root| record.state.is_blocked(root)),
    }
}
