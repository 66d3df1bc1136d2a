//! What an answer means for this device. Pure.

use ota_bundle::Limits;
use ota_protocol::eligibility::{Asker, Choice, Memory, Why, choose};
use ota_protocol::release::{Release, ReleaseDocument};
use ota_protocol::{Channel, Checksum, Code, OrUnknown, Root, UnixSeconds};
use url::Url;

use super::app::App;
use super::ask::{Reply, resolve};
use super::config::Config;
use crate::error::AgentError;
use crate::lifecycle::{BundleId, Cause, Rules};
use crate::store::{FloorRecord, Record};

/// A bundle to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) version: String,
    /// What it must be; `None` where the server does not say.
    pub(super) root: Option<Root>,
    pub(super) url: Url,
    pub(super) checksum: Option<Checksum>,
    /// Bytes of the artifact.
    pub(super) size: Option<u64>,
    /// Bytes and number of the bundle's files.
    pub(super) unpacked: Option<(u64, u64)>,
    /// The sequence of the release that lifts a block of it.
    pub(super) lifted_by: Option<u64>,
    /// Applied at once, whatever the mode.
    pub(super) is_mandatory: bool,
}

/// What to do about an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// The answer is from the past: nothing changes.
    Stale,
    /// Nothing is to come next.
    Nothing(Why),
    /// What is offered failed here; nothing is to come next.
    Blocked { version: String, root: Root },
    /// The builtin is to come next, if it is not shown.
    Builtin { why: Option<Why>, floor: Option<FloorRecord> },
    /// What is offered is shown; perhaps under a new name.
    Shown { version: String, checksum: Option<Checksum>, floor: Option<FloorRecord> },
    /// This bundle is to come next.
    Take { wanted: Wanted, floor: Option<FloorRecord> },
}

/// What a device knows when an answer comes.
pub(super) struct Device<'a> {
    pub(super) config: &'a Config,
    pub(super) app: &'a App,
    pub(super) record: &'a Record,
    pub(super) rules: &'a Rules,
    pub(super) now: UnixSeconds,
}

impl Device<'_> {
    fn channel(&self) -> &Channel {
        self.record.channel.as_ref().unwrap_or(&self.config.channel)
    }

    fn asker(&self, date: Option<UnixSeconds>) -> Asker {
        let built_at = self.app.stamp.and_then(|stamp| stamp.built_at);
        // A stamp from the future, by the server's clock, was made with a wrong clock: it says nothing.
        let is_sound = |built: &UnixSeconds| date.is_none_or(|date| *built <= date);
        Asker {
            app_id: self.config.app_id.clone().or_else(|| self.app.id.clone()),
            channel: Some(self.channel().clone()),
            platform: self.app.platform.clone(),
            native_version: self.app.comparable_version(),
            device_number: self.record.device_number.filter(|_| self.config.device_number),
            floor: self.record.floors.get(self.channel()).map(|floor| (*floor).into()),
            // The device's own clock may be anywhere; beside the server's it is good enough to bound a sequence by.
            now: date.map(|date| date.max(self.now)),
            built_at: built_at.filter(is_sound).filter(|_| !self.config.accept_older_than_builtin),
        }
    }

    fn is_shown(&self, root: Root) -> bool {
        self.record.state.current.bundle() == BundleId::Held(root)
    }

    fn is_builtin(&self, root: Root) -> bool {
        self.app.stamp.is_some_and(|stamp| stamp.root == root)
    }
}

impl Memory for Device<'_> {
    fn is_blocked(&self, document: &ReleaseDocument) -> bool {
        let Some(root) = document.root else { return false };
        self.record.state.is_blocked(root) && lifts(self.record, document).is_none()
    }

    fn is_set_aside(&self, root: Root) -> bool {
        self.record.state.is_set_aside(root, self.now, self.rules.set_aside_seconds)
    }
}

/// The sequence by which a release lifts a block of its bundle, if it does.
fn lifts(record: &Record, document: &ReleaseDocument) -> Option<u64> {
    let block = record.state.blocked.get(&document.root?)?;
    let is_new = block.lifted_by.is_none_or(|before| document.sequence > before);
    (document.retry && block.cause == Cause::Timeout && is_new).then_some(document.sequence)
}

/// Decides. `date` is the reply's, `base` the address it came from.
///
/// # Errors
/// [`Code::BadReply`] where the release chosen has no usable address.
pub(super) fn decide(
    device: &Device<'_>,
    reply: &Reply,
    date: Option<UnixSeconds>,
    base: &Url,
) -> Result<Plan, AgentError> {
    match reply {
        Reply::Nothing => Ok(Plan::Nothing(Why::None)),
        Reply::Builtin => Ok(Plan::Builtin { why: None, floor: None }),
        Reply::Plain { version, url, checksum } => {
            Ok(plain(device, version, &resolve(base, url)?, *checksum))
        }
        Reply::Releases(releases) => of_releases(device, releases, date, base),
    }
}

fn plain(device: &Device<'_>, version: &str, url: &Url, checksum: Option<Checksum>) -> Plan {
    let record = device.record;
    let root = checksum.and_then(|checksum| record.root_of(checksum));
    // Without a root, a block is known by the artifact, or by version and address where there was no checksum.
    let blocked = record.state.blocked.keys().find(|blocked| {
        root == Some(**blocked)
            || record.labels.get(blocked).is_some_and(|label| {
                checksum.is_none() && label.version == version && label.url.as_deref() == Some(url.as_str())
            })
    });
    if let Some(root) = blocked {
        return Plan::Blocked { version: version.to_owned(), root: *root };
    }
    if root.is_some_and(|root| device.is_set_aside(root)) {
        return Plan::Nothing(Why::SetAside);
    }
    let is_shown = match root {
        Some(root) => device.is_shown(root),
        None => record.version_of(record.state.current.bundle()) == version,
    };
    if is_shown {
        return Plan::Shown { version: version.to_owned(), checksum, floor: None };
    }
    let wanted = Wanted {
        version: version.to_owned(),
        root,
        url: url.clone(),
        checksum,
        size: None,
        unpacked: None,
        lifted_by: None,
        is_mandatory: false,
    };
    Plan::Take { wanted, floor: None }
}

fn of_releases(
    device: &Device<'_>,
    releases: &[OrUnknown<Release>],
    date: Option<UnixSeconds>,
    base: &Url,
) -> Result<Plan, AgentError> {
    match choose(releases, &device.asker(date), device) {
        Choice::Nothing(Why::Stale) => Ok(Plan::Stale),
        Choice::Nothing(Why::Blocked) => Ok(blocked(device, releases)),
        Choice::Nothing(why) => Ok(Plan::Nothing(why)),
        Choice::Builtin(document, why) => {
            // What is passed over was not accepted.
            let floor = why.is_none().then_some(FloorRecord {
                sequence: document.sequence,
                root: document.root,
                at_once: false,
            });
            Ok(Plan::Builtin { why, floor })
        }
        Choice::Take(document, release) => take(device, document, release, base),
    }
}

/// Names the newest release that is blocked: the one the reason was given for.
fn blocked(device: &Device<'_>, releases: &[OrUnknown<Release>]) -> Plan {
    let documents = releases.iter().filter_map(|release| release.known()?.document.as_ref());
    let found = documents.filter(|document| device.is_blocked(document)).find_map(|document| {
        Some(Plan::Blocked { version: document.version.to_string(), root: document.root? })
    });
    found.unwrap_or(Plan::Nothing(Why::Blocked))
}

fn take(
    device: &Device<'_>,
    document: &ReleaseDocument,
    release: &Release,
    base: &Url,
) -> Result<Plan, AgentError> {
    let bad = |reason: &str| AgentError::Server { code: Code::BadReply, reason: reason.to_owned() };
    let root = document.root.ok_or_else(|| bad("the release names no bundle"))?;
    let zip = document.zip().ok_or_else(|| bad("the release has no zip"))?;
    let mut floor = FloorRecord { sequence: document.sequence, root: Some(root), at_once: false };
    if device.is_builtin(root) {
        return Ok(Plan::Builtin { why: None, floor: Some(floor) });
    }
    let version = document.version.to_string();
    if device.is_shown(root) {
        return Ok(Plan::Shown { version, checksum: Some(zip.checksum), floor: Some(floor) });
    }
    let url =
        release.urls.get(&zip.checksum).ok_or_else(|| bad("the release does not say where its zip is"))?;
    // This very release may have been accepted before, and not have come.
    floor.at_once = match device.record.floors.get(device.channel()) {
        Some(before) if before.sequence == document.sequence => before.at_once,
        before => document.mandatory_since > Some(before.map_or(0, |floor| floor.sequence)),
    };
    let wanted = Wanted {
        version,
        root: Some(root),
        url: resolve(base, url)?,
        checksum: Some(zip.checksum),
        size: Some(zip.size),
        unpacked: Some((document.unpacked_size, document.files)),
        lifted_by: lifts(device.record, document),
        is_mandatory: floor.at_once,
    };
    Ok(Plan::Take { wanted, floor: Some(floor) })
}

/// Room kept free beside what is computed: lists, states, and whatever else the app writes just then.
const MARGIN_BYTES: u64 = 128 * 1024;
const MARGIN_INODES: u64 = 8;
/// The unit in which file systems give out space.
const BLOCK: u64 = 4096;

/// Bytes and inodes that an update needs at least, as far as its release tells: so that a download that cannot be
/// used is not begun.
pub(super) fn least_room(download: u64, unpacked: u64, files: u64) -> (u64, u64) {
    (download.saturating_add(unpacked).saturating_add(MARGIN_BYTES), files.saturating_add(MARGIN_INODES))
}

/// Bytes and inodes that files of these sizes need, with their folders: so that an unpacking that cannot end is not
/// begun.
pub(super) fn room(sizes: impl Iterator<Item = u64>, folders: u64) -> (u64, u64) {
    let blocks = |size: u64| size.div_ceil(BLOCK).max(1).saturating_mul(BLOCK);
    let (bytes, files) =
        sizes.fold((0u64, 0u64), |(bytes, files), size| (bytes.saturating_add(blocks(size)), files + 1));
    let folders = folders + 2; // `www` and what holds it
    (bytes.saturating_add(folders * BLOCK).saturating_add(MARGIN_BYTES), files + folders + MARGIN_INODES)
}

/// Whether an artifact may be as large as its release says.
pub(super) fn check_size(limits: &Limits, wanted: &Wanted) -> Result<(), AgentError> {
    let too_large = |what: &str, size: u64, limit: u64| AgentError::Refused {
        code: Code::ArchiveTooLarge,
        reason: format!("{what} of {size} bytes is over the limit of {limit}"),
    };
    if let Some(size) = wanted.size.filter(|size| *size > limits.archive) {
        return Err(too_large("a download", size, limits.archive));
    }
    match wanted.unpacked {
        Some((size, _)) if size > limits.bundle => Err(too_large("a bundle", size, limits.bundle)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
