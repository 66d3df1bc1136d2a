//! What is remembered across boots, and the moves between its shapes.

use std::collections::{BTreeMap, BTreeSet};

use ota_protocol::{Root, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::names::{BundleId, Identity, Token};

/// What the next boot shows if nothing else is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Current {
    /// A bundle that reported ready once, or the builtin.
    Confirmed {
        /// Which.
        bundle: BundleId,
    },
    /// A bundle that has not reported ready yet.
    Trial(Trial),
}

/// A bundle's trial and its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Trial {
    /// Which bundle.
    pub bundle: Root,
    /// The trial's latest boot.
    pub token: Token,
    /// Boots that crashed.
    pub crashes: u8,
    /// Boots in a row that were interrupted.
    pub interruptions: u8,
    /// The fallback's own fallback: it takes that place again if the trial fails.
    pub before: BundleId,
}

/// Who asked for the bundle that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chooser {
    /// A check's reply; the next reply may take it back.
    Server,
    /// The page; it stays until it was shown.
    Page,
}

/// The bundle to be shown from the next boot on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Next {
    /// Which.
    pub bundle: BundleId,
    /// Who asked.
    pub by: Chooser,
}

/// Not shown for a while, without being blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct SetAside {
    /// Until when; 0: it may be shown, and only the rest is remembered.
    pub until: UnixSeconds,
    /// Trials that ended by time-out.
    #[serde(default)]
    pub timeouts: u8,
    /// The sequence of the release that lifted a block of it; that release cannot lift another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_by: Option<u64>,
}

/// Why a bundle is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Not ready in time, in two trials.
    Timeout,
    /// The main frame failed to load.
    Load,
    /// The renderer crashed.
    Renderer,
    /// The page or the host said so.
    Reported,
    /// The process crashed, as often as `maxBootAttempts`.
    Crash,
    /// Interrupted six times in a row; never blocks.
    Interrupted,
}

/// Not shown again on this native identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Block {
    /// Why.
    pub cause: Cause,
    /// The sequence of the release that lifted an earlier block of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_by: Option<u64>,
}

/// What is remembered across boots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct State {
    /// The app that the rest is true for.
    pub native: Identity,
    /// What the next boot shows.
    pub current: Current,
    /// What a failing current goes back to: the last confirmed bundle other than the one shown, or the builtin.
    pub fallback: BundleId,
    /// What replaces current at the next boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// Bundles not shown for a while, and what is remembered of ones that were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_aside: BTreeMap<Root, SetAside>,
    /// Bundles not shown again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blocked: BTreeMap<Root, Block>,
}

impl Current {
    /// The bundle, trial or not.
    pub fn bundle(&self) -> BundleId {
        match self {
            Self::Confirmed { bundle } => *bundle,
            Self::Trial(trial) => BundleId::Held(trial.bundle),
        }
    }

    /// The trial, where it is one.
    pub fn trial(&self) -> Option<&Trial> {
        match self {
            Self::Confirmed { .. } => None,
            Self::Trial(trial) => Some(trial),
        }
    }
}

impl State {
    /// An app just installed, or updated from the store: the builtin, and nothing known.
    pub fn fresh(native: Identity) -> Self {
        Self {
            native,
            current: Current::Confirmed { bundle: BundleId::Builtin },
            fallback: BundleId::Builtin,
            next: None,
            set_aside: BTreeMap::new(),
            blocked: BTreeMap::new(),
        }
    }

    /// The last confirmed bundle: what is shown when nothing can be recorded.
    pub fn last_confirmed(&self) -> BundleId {
        match self.current {
            Current::Confirmed { bundle } => bundle,
            Current::Trial(_) => self.fallback,
        }
    }

    /// The confirmed bundles, the latest first: the last one and the one before it.
    pub fn confirmed(&self) -> [BundleId; 2] {
        match self.current {
            Current::Confirmed { bundle } => [bundle, self.fallback],
            Current::Trial(trial) => [self.fallback, trial.before],
        }
    }

    /// The bundles that must not be deleted: current, fallback, the one that would be fallback again, next.
    pub fn needed(&self) -> BTreeSet<Root> {
        let next = self.next.map_or(BundleId::Builtin, |next| next.bundle);
        let before = self.current.trial().map_or(BundleId::Builtin, |trial| trial.before);
        [self.current.bundle(), self.fallback, before, next].into_iter().filter_map(BundleId::root).collect()
    }

    /// Whether a bundle is blocked.
    pub fn is_blocked(&self, root: Root) -> bool {
        self.blocked.contains_key(&root)
    }

    /// Whether a bundle is set aside at `now`. A time further ahead than a day is void: a clock was wrong.
    pub fn is_set_aside(&self, root: Root, now: UnixSeconds, longest: u64) -> bool {
        let until = self.set_aside.get(&root).map_or(0, |aside| aside.until);
        now < until && until - now <= longest
    }

    /// Shows a confirmed bundle; the one confirmed before it becomes the fallback.
    pub(super) fn show_confirmed(&mut self, bundle: BundleId) {
        let [last, before] = self.confirmed();
        self.fallback = if last == bundle { before } else { last };
        self.current = Current::Confirmed { bundle };
    }

    /// Begins the trial of `bundle`, or takes an unjudged one's place.
    pub(super) fn start_trial(&mut self, bundle: Root, token: Token) {
        let [last, before] = self.confirmed();
        self.current = Current::Trial(Trial { bundle, token, crashes: 0, interruptions: 0, before });
        self.fallback = last;
    }

    /// The trial succeeded: its bundle is confirmed, and what was confirmed before it is the fallback.
    pub(super) fn confirm(&mut self) {
        if let Current::Trial(trial) = self.current {
            self.current = Current::Confirmed { bundle: BundleId::Held(trial.bundle) };
            self.forget_failures(trial.bundle);
        }
    }

    /// The bundle shown is given up, whatever it was: the fallback is current, and its own fallback has its place.
    pub(super) fn fall_back(&mut self) {
        let [last, before] = self.confirmed();
        (self.current, self.fallback) = match self.current {
            Current::Trial(_) => (Current::Confirmed { bundle: last }, before),
            Current::Confirmed { .. } => (Current::Confirmed { bundle: before }, BundleId::Builtin),
        };
    }

    /// Forgets that a bundle is here, wherever it is named, without holding anything against it.
    pub(super) fn drop_bundle(&mut self, root: Root) {
        let gone = BundleId::Held(root);
        if self.next.is_some_and(|next| next.bundle == gone) {
            self.next = None;
        }
        if self.current.bundle() == gone {
            self.fall_back();
        }
        if let Current::Trial(trial) = &mut self.current
            && trial.before == gone
        {
            trial.before = BundleId::Builtin;
        }
        if self.fallback == gone {
            self.fallback = match &mut self.current {
                Current::Trial(trial) => std::mem::replace(&mut trial.before, BundleId::Builtin),
                Current::Confirmed { .. } => BundleId::Builtin,
            };
        }
    }

    /// Nothing is held against a bundle any more. Only which release lifted a block of it is remembered: each lifts
    /// once.
    pub(super) fn forget_failures(&mut self, root: Root) {
        let block = self.blocked.remove(&root).and_then(|block| block.lifted_by);
        let aside = self.set_aside.remove(&root).and_then(|aside| aside.lifted_by);
        if let Some(sequence) = block.or(aside) {
            let lifted_by = Some(sequence);
            self.set_aside.insert(root, SetAside { lifted_by, ..SetAside::default() });
        }
    }

    pub(super) fn block(&mut self, root: Root, cause: Cause) {
        let lifted_by = self.set_aside.remove(&root).and_then(|aside| aside.lifted_by);
        self.blocked.insert(root, Block { cause, lifted_by });
    }
}
