//! The numbers of the lifecycle, and its rules by name, so that the tests can break each of them.

/// The lifecycle's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Crashed boots after which a trial fails; at least 2, so that a single crash never blocks.
    pub max_boot_attempts: u8,
    /// Interrupted boots in a row after which a trial is put off.
    pub max_interruptions: u8,
    /// Crashed boots in a row after which a confirmed bundle is put off.
    pub max_confirmed_crashes: u8,
    /// How long a bundle is set aside, in seconds; a stored time further ahead is void.
    pub set_aside_seconds: u64,
    /// A rule that is not kept, in tests.
    #[cfg(test)]
    pub broken: Option<Rule>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_boot_attempts: 2,
            max_interruptions: 6,
            max_confirmed_crashes: 3,
            set_aside_seconds: 24 * 60 * 60,
            #[cfg(test)]
            broken: None,
        }
    }
}

impl Rules {
    /// Whether a rule is kept: always, but in the tests that break one on purpose.
    #[cfg(test)]
    pub(super) fn keep(&self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }

    /// Whether a rule is kept: always, but in the tests that break one on purpose.
    #[cfg(not(test))]
    #[allow(clippy::unused_self)]
    pub(super) const fn keep(&self, _: Rule) -> bool {
        true
    }
}

/// Every rule that a test breaks on purpose, to see the enumeration notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A page that belongs to another boot changes nothing.
    TokenMustMatch,
    /// After ready nothing counts any more in that boot.
    ReadyEndsCounting,
    /// A boot that was ended has no say any more.
    OverIsOver,
    /// A changed native identity is noticed.
    NativeIsCompared,
    /// With a changed native identity blocks are forgotten.
    NativeClearsBlocks,
    /// A trial is recorded before its page loads.
    TrialIsRecorded,
    /// A trial that cannot be recorded does not start.
    UnrecordedTrialDoesNotStart,
    /// An attempt of another token is an interruption.
    OtherTokenInterrupts,
    /// An attempt of another run of the operating system is an interruption.
    OtherOsBootInterrupts,
    /// A process that ended in the background did not crash.
    BackgroundIsNoCrash,
    /// A process that the system says was killed did not crash.
    KilledIsNoCrash,
    /// A crashed boot of a trial is counted.
    CrashesAreCounted,
    /// A single crash does not block.
    OneCrashIsNotEnough,
    /// An interrupted boot of a trial is counted.
    InterruptionsAreCounted,
    /// Interruptions never block.
    InterruptionsDoNotBlock,
    /// An attempt that says ready confirms the trial at the next boot.
    NotedReadyConfirms,
    /// A failed trial is blocked.
    FailureBlocks,
    /// A first time-out does not block.
    FirstTimeoutSetsAside,
    /// A time-out in a later trial blocks.
    SecondTimeoutBlocks,
    /// A blocked bundle does not become next.
    BlockedIsNotNext,
    /// A bundle that is set aside does not become next by a server's wish.
    SetAsideIsNotNext,
    /// A withdrawn release is not shown.
    WithdrawnIsDropped,
    /// A page's own choice outlives replies.
    PageChoiceStays,
    /// A bundle whose files are gone is not shown.
    MissingIsNotShown,
    /// A new bundle goes through a trial.
    NewGoesThroughTrial,
    /// A trial keeps the fallback's own fallback.
    TrialKeepsBefore,
    /// The confirmed bundle before the new one becomes the fallback.
    ConfirmedBecomesFallback,
    /// The crashes of a confirmed bundle are counted across boots.
    ConfirmedCrashesAreCounted,
    /// A renderer that dies again and again in one boot ends it.
    RendererLoopEnds,
    /// A renderer that was killed for memory is not held against the bundle.
    KilledRendererIsNoCrash,
    /// A reset ends the trial without judging it.
    ResetDoesNotJudge,
    /// Bundles are deleted only when the state that needs them no longer is durable.
    PruneFollowsSave,
    /// Damage found later lifts the block: it was the disk, not the bundle.
    DamageLiftsBlock,
    /// A release lifts a block once.
    RetryLiftsOnce,
    /// Swaps without a ready count as interruptions, so that a page that reloads for ever is put off.
    SwapsAreCounted,
}

#[cfg(test)]
impl Rule {
    /// All of them.
    pub(super) const ALL: [Self; 35] = [
        Self::TokenMustMatch,
        Self::ReadyEndsCounting,
        Self::OverIsOver,
        Self::NativeIsCompared,
        Self::NativeClearsBlocks,
        Self::TrialIsRecorded,
        Self::UnrecordedTrialDoesNotStart,
        Self::OtherTokenInterrupts,
        Self::OtherOsBootInterrupts,
        Self::BackgroundIsNoCrash,
        Self::KilledIsNoCrash,
        Self::CrashesAreCounted,
        Self::OneCrashIsNotEnough,
        Self::InterruptionsAreCounted,
        Self::InterruptionsDoNotBlock,
        Self::NotedReadyConfirms,
        Self::FailureBlocks,
        Self::FirstTimeoutSetsAside,
        Self::SecondTimeoutBlocks,
        Self::BlockedIsNotNext,
        Self::SetAsideIsNotNext,
        Self::WithdrawnIsDropped,
        Self::PageChoiceStays,
        Self::MissingIsNotShown,
        Self::NewGoesThroughTrial,
        Self::TrialKeepsBefore,
        Self::ConfirmedBecomesFallback,
        Self::ConfirmedCrashesAreCounted,
        Self::RendererLoopEnds,
        Self::KilledRendererIsNoCrash,
        Self::ResetDoesNotJudge,
        Self::PruneFollowsSave,
        Self::DamageLiftsBlock,
        Self::RetryLiftsOnce,
        Self::SwapsAreCounted,
    ];
}
