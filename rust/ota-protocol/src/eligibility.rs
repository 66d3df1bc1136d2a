//! Which release of a channel a device takes. One pure function, run by devices and servers alike.

use crate::release::{Brake, Kind, Platform, Release, ReleaseDocument, UnixSeconds};
use crate::rollout::{DeviceNumber, Percent, reached};
use crate::{AppId, Channel, NativeVersion, OrUnknown, Root};

/// The highest release a device accepted in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// Its sequence.
    pub sequence: u64,
    /// Its bundle; `None` where it was a return to the builtin, or where only the sequence is known.
    pub root: Option<Root>,
}

/// What the device (or a server on its behalf) knows that decides eligibility.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// Its app; `None`: not said, and not compared.
    pub app_id: Option<AppId>,
    /// Its channel; `None`: not compared.
    pub channel: Option<Channel>,
    /// Its system; `None` fits only releases for all systems.
    pub platform: Option<Platform>,
    /// Its native version; `None` fits only releases without a range.
    pub native_version: Option<NativeVersion>,
    /// Its place in rollouts; `None` gets complete releases only.
    pub device_number: Option<DeviceNumber>,
    /// What it accepted before.
    pub floor: Option<Floor>,
    /// When its builtin was built, where releases older than that are to be passed over. The caller leaves this out
    /// where the stamp is later than the reply's `Date`, or the app accepts older releases.
    pub built_at: Option<UnixSeconds>,
    /// The time, where it is known well enough: a sequence more than a day ahead of it was made with a wrong clock, or
    /// to keep the device from every later release.
    pub now: Option<UnixSeconds>,
}

/// How far a sequence may be ahead of the clock, in seconds.
pub const MAX_SEQUENCE_AHEAD: u64 = 24 * 60 * 60;

/// What the device holds against single bundles. A server knows nothing of it.
pub trait Memory {
    /// The bundle failed here, and `document` does not lift that.
    fn is_blocked(&self, document: &ReleaseDocument) -> bool;
    /// The bundle is not shown for now.
    fn is_set_aside(&self, root: Root) -> bool;
}

/// Nothing is held against any bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn is_blocked(&self, _: &ReleaseDocument) -> bool {
        false
    }

    fn is_set_aside(&self, _: Root) -> bool {
        false
    }
}

/// Why a release is not taken. The order is the order in which the rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Nothing is offered.
    None,
    /// Of a kind, shape or demand this version does not know, or of another app or channel.
    Unsupported,
    /// For other systems.
    Platform,
    /// For other native versions.
    NativeRange,
    /// Below the floor.
    Stale,
    /// The server holds it back.
    Hold,
    /// The rollout has not reached this device.
    Rollout,
    /// It failed on this device.
    Blocked,
    /// It is not shown for now.
    SetAside,
    /// Published before this app's builtin was built.
    OlderThanBuiltin,
}

impl Why {
    /// The word on the wire, in events and in the command line's output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unsupported => "unsupported",
            Self::Platform => "platform",
            Self::NativeRange => "native_range",
            Self::Stale => "stale",
            Self::Hold => "hold",
            Self::Rollout => "rollout",
            Self::Blocked => "blocked",
            Self::SetAside => "set_aside",
            Self::OlderThanBuiltin => "older_than_builtin",
        }
    }
}

/// What a device should do with a channel's releases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice<'a> {
    /// Show this bundle.
    Take(&'a ReleaseDocument, &'a Release),
    /// Show the builtin: the release says so (`None`), or it is older than the builtin.
    Builtin(&'a ReleaseDocument, Option<Why>),
    /// Nothing here is for this device; the reason is that of the newest release.
    Nothing(Why),
}

/// The share of devices a release reaches now: what its publisher allowed, reduced by the brake.
pub fn effective_percent(document: &ReleaseDocument, brake: Option<Brake>) -> Percent {
    brake.map_or(document.percent, |brake| document.percent.min(brake.percent))
}

/// Asks every rule of one release in order.
///
/// # Errors
/// The first rule that says no.
pub fn eligible(
    document: &ReleaseDocument,
    brake: Option<Brake>,
    asker: &Asker,
    memory: &dyn Memory,
) -> Result<(), Why> {
    is_supported(document, asker)?;
    let fits_platform = document.platforms.is_empty()
        || asker.platform.as_ref().is_some_and(|platform| document.platforms.contains(platform));
    if !fits_platform {
        return Err(Why::Platform);
    }
    if !document.native.admits(asker.native_version) {
        return Err(Why::NativeRange);
    }
    if asker.floor.is_some_and(|floor| is_below(document, floor)) {
        return Err(Why::Stale);
    }
    if brake.is_some_and(|brake| brake.hold) {
        return Err(Why::Hold);
    }
    let percent = effective_percent(document, brake);
    let is_reached = match document.root {
        Some(root) => reached(root, percent, asker.device_number),
        None => percent.is_complete(),
    };
    if !is_reached {
        return Err(Why::Rollout);
    }
    if memory.is_blocked(document) {
        return Err(Why::Blocked);
    }
    if document.root.is_some_and(|root| memory.is_set_aside(root)) {
        return Err(Why::SetAside);
    }
    match (document.created_at, asker.built_at) {
        (Some(created), Some(built)) if created < built => Err(Why::OlderThanBuiltin),
        _ => Ok(()),
    }
}

fn is_supported(document: &ReleaseDocument, asker: &Asker) -> Result<(), Why> {
    let ours = |said: Option<&AppId>| match (said, &asker.app_id) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => true,
    };
    let is_readable = match document.kind {
        Kind::Release => document.root.is_some() && document.zip().is_some(),
        Kind::Builtin => true,
        Kind::Ticket | Kind::Other(_) => false,
    };
    let is_of_this_time =
        asker.now.is_none_or(|now| document.sequence <= now.saturating_add(MAX_SEQUENCE_AHEAD));
    let is_supported = is_readable
        && is_of_this_time
        && document.criticals_are_known()
        && ours(document.app_id.as_ref())
        && asker.channel.as_ref().is_none_or(|channel| *channel == document.channel);
    if is_supported { Ok(()) } else { Err(Why::Unsupported) }
}

/// Below the floor; or at it with another bundle, which an unsigned channel can only have by mistake or malice.
fn is_below(document: &ReleaseDocument, floor: Floor) -> bool {
    let is_other = floor.root.is_some_and(|root| document.root != Some(root));
    document.sequence < floor.sequence || (document.sequence == floor.sequence && is_other)
}

/// The first release, newest first, that the device is eligible for.
pub fn choose<'a>(releases: &'a [OrUnknown<Release>], asker: &Asker, memory: &dyn Memory) -> Choice<'a> {
    let mut newest = None;
    for release in releases {
        let (verdict, found) = match release.known().and_then(|r| Some((r.document.as_ref()?, r))) {
            None => (Err(Why::Unsupported), None),
            Some((document, release)) => {
                (eligible(document, release.brake, asker, memory), Some((document, release)))
            }
        };
        match (verdict, found) {
            (Ok(()), Some((document, _))) if document.kind == Kind::Builtin => {
                return Choice::Builtin(document, None);
            }
            (Ok(()), Some((document, release))) => return Choice::Take(document, release),
            (Err(Why::OlderThanBuiltin), Some((document, _))) => {
                return Choice::Builtin(document, Some(Why::OlderThanBuiltin));
            }
            (Err(why), _) => newest = newest.or(Some(why)),
            (Ok(()), None) => {}
        }
    }
    Choice::Nothing(newest.unwrap_or(Why::None))
}

#[cfg(test)]
mod tests;
