//! What happens to the lifecycle, and what it asks for.

use std::collections::BTreeSet;

use ota_protocol::{Root, UnixSeconds};

use super::names::{BundleId, Identity, OsBoot, Token};
use super::state::Cause;

/// How a process ended, where the system says so (Android: `ApplicationExitInfo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// The system does not say.
    Unknown,
    /// Crash, native crash, ANR, failed initialisation, or the app ended itself.
    Crashed,
    /// Killed for memory, by the user, by an update, or anything else.
    Killed,
}

/// What makes a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The process of the boot before is gone, this way.
    Start(Exit),
    /// The page is replaced in a running process.
    Swap,
}

/// A choice of the directory for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The app as it is now.
    pub native: Identity,
    /// This boot's new token.
    pub token: Token,
    /// This run of the operating system.
    pub os_boot: Option<OsBoot>,
    /// Whether the app is on the screen as the page starts.
    pub foreground: bool,
    /// What makes it.
    pub why: Why,
    /// Bundles that the state names and whose index.html is not there.
    pub missing: BTreeSet<Root>,
    /// Whether a changed state can be recorded; where it cannot, nothing is changed and no trial starts.
    pub recordable: bool,
    /// The time.
    pub now: UnixSeconds,
}

/// What an answered check gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offer {
    /// This bundle, which is held.
    Bundle(Root),
    /// The builtin.
    Builtin,
    /// No release this device is eligible for.
    Nothing,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A directory is to be chosen.
    Boot(Boot),
    /// The page of a boot is up.
    Ready {
        /// Which boot.
        token: Token,
    },
    /// The page of a boot is lost, or not ready in time.
    Failed {
        /// Which boot.
        token: Token,
        /// How.
        cause: Cause,
        /// The time.
        now: UnixSeconds,
    },
    /// The renderer is gone.
    RendererGone {
        /// Whether it crashed; `None`: the system does not say.
        crashed: Option<bool>,
        /// The time.
        now: UnixSeconds,
    },
    /// The app came to the screen.
    Foreground,
    /// The app left the screen.
    Background,
    /// A check was answered.
    Answered {
        /// With what.
        offer: Offer,
        /// The time.
        now: UnixSeconds,
    },
    /// A release that says `retry` lifts a block that came from time-outs.
    Lifted {
        /// Of which bundle.
        root: Root,
        /// The release's sequence.
        sequence: u64,
    },
    /// The page, or a person, wants a bundle next.
    Chosen {
        /// Which; it is held.
        bundle: BundleId,
    },
    /// The channel was changed.
    ChannelChanged,
    /// Back to the builtin.
    Reset,
    /// A bundle's files are not what its list says.
    Damaged {
        /// Which.
        root: Root,
    },
    /// Blocks are forgotten by the page's own wish.
    Forgiven {
        /// Of one bundle; `None`: of all.
        root: Option<Root>,
    },
}

/// Why a boot shows what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing else was ever confirmed, or the builtin was asked for.
    Builtin,
    /// The bundle that was shown before, or a confirmed one that was asked for.
    Current,
    /// A bundle on trial.
    Trial,
    /// This boot found that the bundle before it failed.
    RolledBack,
    /// The app was updated from the store.
    NativeChanged,
    /// The state could not be read.
    StateUnreadable,
}

impl Reason {
    /// The word in events and in the command line's output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Current => "current",
            Self::Trial => "trial",
            Self::RolledBack => "rolled_back",
            Self::NativeChanged => "native_changed",
            Self::StateUnreadable => "state_unreadable",
        }
    }
}

/// Something the page and the log should hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// A bundle reported ready for the first time.
    Confirmed(Root),
    /// A bundle failed and is blocked.
    Blocked(Root, Cause),
    /// A bundle is not shown for a day.
    SetAside(Root, Cause),
    /// A bundle's files were missing or damaged.
    Dropped(Root),
    /// A trial was put off, since it could not be recorded.
    NotRecorded(Root),
    /// The page was not ready in time; on the builtin and on confirmed bundles that is all.
    Late(BundleId),
}

/// What is to be done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Make the state durable. Where that fails, the state from before stays, and nothing that follows is done.
    Save,
    /// Write the attempt in place.
    Note,
    /// Forget the floors: the app was updated from the store.
    ForgetFloors,
    /// Show this bundle's directory to the page about to start.
    Show {
        /// Which.
        bundle: BundleId,
        /// The boot's token.
        token: Token,
        /// Why.
        reason: Reason,
    },
    /// The running page has to go: boot again ([`Why::Swap`]).
    Replace,
    /// Tell the page and the log.
    Tell(Notice),
    /// Hash a bundle against its list when there is time; report [`Event::Damaged`].
    Verify(Root),
    /// Delete what nothing needs any more.
    Prune,
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The token is not that of the page shown now.
    #[error("the token is not that of the page shown now")]
    StaleToken,
    /// The bundle is blocked.
    #[error("the bundle failed on this device and is not shown again")]
    Blocked,
}
