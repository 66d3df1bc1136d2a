//! What the design says, kept as a ledger: an oracle that knows the rules and nothing of the code.
//!
//! It tells what an event must lead to, in other terms than the machine's: a stack of confirmed bundles instead of
//! current, fallback and the fallback's fallback; tallies and marks instead of maps; what is known of a boot instead
//! of tokens. Where the two differ in anything, one of them is wrong.

use super::model::{BootOf, Bundle, Happening, MAX_BUNDLES, Who, root};
use crate::lifecycle::{BundleId, Cause, Exit, Notice, Offer, Reason, Refused};

/// The design's numbers, written again.
const CRASHES: u8 = 2;
const INTERRUPTIONS: u8 = 6;
const CONFIRMED_CRASHES: u8 = 3;

/// Whether a bundle waits for a day to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum PutOff {
    #[default]
    No,
    Today,
    /// Further ahead than a day, since the clock was set back: void.
    TooFar,
}

/// Why a bundle is not shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ban {
    /// Time-outs alone: a release may lift it.
    Timeouts,
    Definite,
}

/// What is held against a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) put_off: PutOff,
    /// It was late once: the next time it is banned.
    pub(super) timed_out: bool,
    /// A release lifted a ban of it.
    pub(super) lifted: bool,
    pub(super) ban: Option<Ban>,
}

/// A trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) bundle: Bundle,
    pub(super) crashes: u8,
    pub(super) interruptions: u8,
}

/// Where the app was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Never,
    OnScreen,
    Away,
}

/// What is known of the latest boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Record {
    pub(super) bundle: Bundle,
    /// It is the latest boot of the trial that is recorded.
    pub(super) of_trial: bool,
    /// The system has not started again since.
    pub(super) of_this_run: bool,
    pub(super) seen: Seen,
    pub(super) ready: bool,
    pub(super) over: bool,
    pub(super) late: bool,
    /// Crashed boots of this bundle in a row before it.
    pub(super) streak: u8,
    /// A renderer is gone, and nobody said why.
    pub(super) silent_death: bool,
    pub(super) renderer_crashes: u8,
}

impl Record {
    /// Whether it was on the screen when last seen, and nothing but its own end can have come since.
    pub(super) fn was_on_screen(&self) -> bool {
        self.seen == Seen::OnScreen && self.of_this_run
    }
}

/// All that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ledger {
    /// Which of the two native identities it is about.
    pub(super) native: u8,
    /// By bundle; the builtin has none.
    pub(super) marks: [Mark; MAX_BUNDLES],
    /// The confirmed bundles, the latest first; 0, the builtin, fills the end.
    pub(super) confirmed: [Bundle; 2],
    pub(super) trial: Option<Tally>,
    /// The bundle that comes next, and whether the page wants it.
    pub(super) next: Option<(Bundle, bool)>,
    pub(super) record: Option<Record>,
}

/// What an event must lead to, beside the ledger.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) refused: Option<Refused>,
    pub(super) shown: Option<(Bundle, Reason)>,
    /// The page has to go.
    pub(super) replaces: bool,
    /// What nothing needs may be deleted.
    pub(super) prunes: bool,
    /// Floors are void.
    pub(super) forgets: bool,
    /// A bundle's files are suspected.
    pub(super) verifies: Option<Bundle>,
    pub(super) told: Vec<Notice>,
}

/// How a boot went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ready,
    Crashed,
    Interrupted,
}

fn id(bundle: Bundle) -> BundleId {
    if bundle == 0 { BundleId::Builtin } else { BundleId::Held(root(bundle)) }
}

impl Ledger {
    fn new(native: u8) -> Self {
        let marks = [Mark::default(); MAX_BUNDLES];
        Self { native, marks, confirmed: [0, 0], trial: None, next: None, record: None }
    }

    /// What a boot shows if nothing is found out and nothing else is wanted.
    pub(super) fn current(&self) -> Bundle {
        self.trial.map_or(self.confirmed[0], |trial| trial.bundle)
    }

    /// What a failing bundle goes back to.
    pub(super) fn fallback(&self) -> Bundle {
        self.confirmed[usize::from(self.trial.is_none())]
    }

    pub(super) fn mark(&self, bundle: Bundle) -> Mark {
        bundle.checked_sub(1).map_or(Mark::default(), |index| self.marks[usize::from(index)])
    }

    /// What must be on disk for the promises to hold.
    pub(super) fn promised(&self) -> impl Iterator<Item = Bundle> {
        let trial = self.trial.map_or(0, |trial| trial.bundle);
        let next = self.next.map_or(0, |(bundle, _)| bundle);
        [self.confirmed[0], self.confirmed[1], trial, next].into_iter().filter(|bundle| *bundle != 0)
    }

    /// Whether what survives a restart is the same.
    pub(super) fn is_recorded_as(&self, other: &Self) -> bool {
        Self { record: None, ..*self } == Self { record: None, ..*other }
    }

    fn hold(&mut self, bundle: Bundle, change: impl FnOnce(&mut Mark)) {
        if let Some(index) = bundle.checked_sub(1) {
            change(&mut self.marks[usize::from(index)]);
        }
    }

    fn ban(&mut self, bundle: Bundle, why: Ban) {
        self.hold(bundle, |mark| *mark = Mark { ban: Some(why), lifted: mark.lifted, ..Mark::default() });
    }

    fn put_off(&mut self, bundle: Bundle) {
        self.hold(bundle, |mark| mark.put_off = PutOff::Today);
    }

    /// Nothing is held against it any more; which release lifted a ban is not forgotten.
    fn acquit(&mut self, bundle: Bundle) {
        self.hold(bundle, |mark| *mark = Mark { lifted: mark.lifted, ..Mark::default() });
    }

    /// The bundle goes to the top of the confirmed ones.
    fn raise(&mut self, bundle: Bundle) {
        if self.confirmed[0] != bundle {
            self.confirmed = [bundle, self.confirmed[0]];
        }
        self.trial = None;
    }

    /// The bundle is not here, or not to be shown: wherever it stood, the next one has its place.
    fn strike(&mut self, bundle: Bundle) {
        let [last, before] = self.confirmed;
        if before == bundle {
            self.confirmed = [last, 0];
        }
        if last == bundle {
            self.confirmed = [before, 0];
        }
        self.trial = self.trial.filter(|trial| trial.bundle != bundle);
        self.next = self.next.filter(|(next, _)| *next != bundle);
    }

    /// Enters an event.
    pub(super) fn enter(&mut self, happening: &Happening) -> Outcome {
        let outcome = match *happening {
            Happening::Boot(boot) => self.boots(boot),
            Happening::Ready(who) => self.is_ready(who),
            Happening::Failed(who, cause) => self.has_failed(who, cause),
            Happening::RendererGone(crashed) => self.lost_its_renderer(crashed),
            Happening::Foreground => self.is_seen(Seen::OnScreen),
            Happening::Background => self.is_seen(Seen::Away),
            Happening::Answered(offer) => self.is_offered(offer),
            Happening::Lifted { bundle, is_newer } => self.is_lifted(bundle, is_newer),
            Happening::Chosen(bundle) => self.is_chosen(bundle),
            Happening::ChannelChanged => {
                self.next = self.next.filter(|(_, by_page)| *by_page);
                Outcome::default()
            }
            Happening::Reset => self.is_reset(),
            Happening::Damaged(bundle) => {
                self.strike(bundle);
                self.acquit(bundle);
                Outcome { told: vec![Notice::Dropped(root(bundle))], ..Outcome::default() }
            }
            Happening::Forgiven(bundle) => {
                for (mark, its) in self.marks.iter_mut().zip(1..) {
                    if bundle.is_none_or(|bundle| bundle == its) {
                        *mark = Mark::default();
                    }
                }
                Outcome::default()
            }
            Happening::DayPasses => {
                for mark in &mut self.marks {
                    mark.put_off = match mark.put_off {
                        PutOff::No | PutOff::Today => PutOff::No,
                        PutOff::TooFar => PutOff::Today,
                    };
                }
                Outcome::default()
            }
            Happening::ClockSetBack => {
                for mark in &mut self.marks {
                    if mark.put_off == PutOff::Today {
                        mark.put_off = PutOff::TooFar;
                    }
                }
                Outcome::default()
            }
            Happening::NoteLost => {
                self.record = None;
                Outcome::default()
            }
        };
        if let Some(record) = self.record.as_mut().filter(|_| self.trial.is_none()) {
            record.of_trial = false;
        }
        outcome
    }

    fn boots(&mut self, boot: BootOf) -> Outcome {
        let before = *self;
        let mut told = Vec::new();
        let (mut streak, mut found_failure, mut is_wanted) = (None, false, false);
        let native = self.native ^ u8::from(!boot.same_native);
        if boot.same_native {
            if self.trial.is_some() {
                found_failure = self.judge_trial(boot, &mut told);
            } else {
                streak = Some((self.confirmed[0], self.judge_confirmed(boot)));
                if let Some((bundle, CONFIRMED_CRASHES)) = streak.filter(|(bundle, _)| *bundle != 0) {
                    self.put_off(bundle);
                    self.confirmed = [self.confirmed[1], 0];
                    told.push(Notice::SetAside(root(bundle), Cause::Crash));
                    found_failure = true;
                }
            }
            for bundle in (1..).take(MAX_BUNDLES).filter(|bundle| boot.misses(*bundle)) {
                if self.promised().any(|promised| promised == bundle) {
                    found_failure |= self.current() == bundle;
                    self.strike(bundle);
                    told.push(Notice::Dropped(root(bundle)));
                }
            }
            is_wanted = self.take_next();
        } else {
            *self = Self::new(native);
        }
        let decided = *self;
        let is_unrecorded = !boot.recordable && (self.trial.is_some() || !self.is_recorded_as(&before));
        if is_unrecorded {
            // No trial starts. The last confirmed bundle is shown, and nothing is known afterwards but that.
            told.clear();
            told.extend(self.trial.map(|trial| Notice::NotRecorded(root(trial.bundle))));
            let shown = self.confirmed[0];
            *self = before;
            self.record = Some(new_record(boot, shown, false, streak));
        } else {
            self.record = Some(new_record(boot, self.current(), self.trial.is_some(), streak));
        }
        let shown = self.record.map_or(0, |record| record.bundle);
        let reason = if !boot.same_native {
            Reason::NativeChanged
        } else if found_failure && !is_wanted && (!is_unrecorded || shown != before.current()) {
            Reason::RolledBack
        } else if decided.trial.is_some() && !is_unrecorded {
            Reason::Trial
        } else if shown == 0 {
            Reason::Builtin
        } else {
            Reason::Current
        };
        let forgets = !boot.same_native && !is_unrecorded;
        Outcome { shown: Some((shown, reason)), forgets, told, ..Outcome::default() }
    }

    /// How the boot before went, as far as it is known.
    fn fate(record: Option<Record>, boot: BootOf) -> Fate {
        let Some(record) = record else { return Fate::Interrupted };
        let may_be_a_crash = matches!(boot.exit, Some(Exit::Unknown | Exit::Crashed));
        if record.ready {
            Fate::Ready
        } else if may_be_a_crash && boot.same_os && record.was_on_screen() && !record.over {
            Fate::Crashed
        } else {
            Fate::Interrupted
        }
    }

    /// Gives whether the trial is over for the worse.
    fn judge_trial(&mut self, boot: BootOf, told: &mut Vec<Notice>) -> bool {
        let fate = Self::fate(self.record.filter(|record| record.of_trial), boot);
        let Some(trial) = &mut self.trial else { return false };
        let bundle = trial.bundle;
        match fate {
            Fate::Ready => {
                self.raise(bundle);
                self.acquit(bundle);
                told.push(Notice::Confirmed(root(bundle)));
                false
            }
            Fate::Crashed => {
                (trial.crashes, trial.interruptions) = (trial.crashes + 1, 0);
                let is_enough = trial.crashes == CRASHES;
                if is_enough {
                    self.trial = None;
                    self.ban(bundle, Ban::Definite);
                    told.push(Notice::Blocked(root(bundle), Cause::Crash));
                }
                is_enough
            }
            Fate::Interrupted => {
                trial.interruptions += 1;
                let is_enough = trial.interruptions == INTERRUPTIONS;
                if is_enough {
                    self.trial = None;
                    self.put_off(bundle);
                    told.push(Notice::SetAside(root(bundle), Cause::Interrupted));
                }
                is_enough
            }
        }
    }

    /// Gives the crashed boots in a row of the confirmed bundle.
    fn judge_confirmed(&self, boot: BootOf) -> u8 {
        let its_own = |record: &Record| record.bundle == self.confirmed[0] && !record.over;
        let record = self.record.filter(its_own);
        let before = record.map_or(0, |record| record.streak);
        let lost_renderer = record.is_some_and(|record| record.renderer_crashes > 0);
        match Self::fate(record, boot) {
            Fate::Ready => 0,
            Fate::Interrupted if !lost_renderer => before,
            Fate::Crashed | Fate::Interrupted => (before + 1).min(CONFIRMED_CRASHES),
        }
    }

    /// Gives whether something else came up.
    fn take_next(&mut self) -> bool {
        let Some((bundle, _)) = self.next.take() else { return false };
        let mark = self.mark(bundle);
        // A wish ends the waiting when it is made; what is put off since then waits.
        if bundle == self.current() || mark.ban.is_some() || mark.put_off == PutOff::Today {
            return false;
        }
        if bundle == 0 || self.confirmed.contains(&bundle) {
            self.raise(bundle);
        } else {
            self.trial = Some(Tally { bundle, crashes: 0, interruptions: 0 });
        }
        true
    }

    /// The record of the boot whose page this is, if it still has a say.
    fn speaker(&mut self, who: Who) -> Option<&mut Record> {
        self.record.as_mut().filter(|record| who == Who::Live && !record.over)
    }

    fn is_ready(&mut self, who: Who) -> Outcome {
        let Some(record) = self.speaker(who) else { return refused(Refused::StaleToken) };
        if record.ready {
            return Outcome::default();
        }
        *record = Record {
            ready: true,
            late: false,
            streak: 0,
            silent_death: false,
            renderer_crashes: 0,
            ..*record
        };
        let bundle = record.bundle;
        let mut told = Vec::new();
        if record.of_trial {
            self.raise(bundle);
            self.acquit(bundle);
            told.push(Notice::Confirmed(root(bundle)));
        }
        Outcome { prunes: true, told, ..Outcome::default() }
    }

    fn has_failed(&mut self, who: Who, cause: Cause) -> Outcome {
        let Some(record) = self.speaker(who) else { return refused(Refused::StaleToken) };
        let bundle = record.bundle;
        if record.ready {
            return Outcome::default();
        }
        if !record.of_trial {
            // It was good before: its files are looked at, once, and that is all.
            if std::mem::replace(&mut record.late, true) {
                return Outcome::default();
            }
            let verifies = Some(bundle).filter(|bundle| *bundle != 0);
            return Outcome { verifies, told: vec![Notice::Late(id(bundle))], ..Outcome::default() };
        }
        end(record);
        self.trial = None;
        let is_first_timeout = cause == Cause::Timeout && !self.mark(bundle).timed_out;
        let notice = if is_first_timeout {
            self.put_off(bundle);
            self.hold(bundle, |mark| mark.timed_out = true);
            Notice::SetAside(root(bundle), cause)
        } else {
            self.ban(bundle, if cause == Cause::Timeout { Ban::Timeouts } else { Ban::Definite });
            Notice::Blocked(root(bundle), cause)
        };
        Outcome { replaces: true, verifies: Some(bundle), told: vec![notice], ..Outcome::default() }
    }

    fn lost_its_renderer(&mut self, crashed: Option<bool>) -> Outcome {
        let is_counted =
            |record: &&mut Record| record.seen == Seen::OnScreen && !record.ready && !record.over;
        let Some(record) = self.record.as_mut().filter(is_counted) else { return Outcome::default() };
        let is_crash = match crashed {
            Some(crashed) => crashed,
            None => std::mem::replace(&mut record.silent_death, true),
        };
        if !is_crash {
            return Outcome::default();
        }
        if record.of_trial {
            return self.has_failed(Who::Live, Cause::Renderer);
        }
        record.renderer_crashes = (record.renderer_crashes + 1).min(CONFIRMED_CRASHES);
        let bundle = record.bundle;
        let is_enough = record.renderer_crashes == CONFIRMED_CRASHES && bundle != 0;
        if !is_enough || self.trial.is_some() || self.confirmed[0] != bundle {
            return Outcome::default();
        }
        end(record);
        self.put_off(bundle);
        self.confirmed = [self.confirmed[1], 0];
        let told = vec![Notice::SetAside(root(bundle), Cause::Renderer)];
        Outcome { replaces: true, told, ..Outcome::default() }
    }

    fn is_seen(&mut self, seen: Seen) -> Outcome {
        if let Some(record) = &mut self.record {
            record.seen = seen;
        }
        Outcome::default()
    }

    fn is_offered(&mut self, offer: Offer) -> Outcome {
        if self.next.is_some_and(|(_, by_page)| by_page) {
            return Outcome::default();
        }
        let offered = match offer {
            Offer::Bundle(offered) => (1..).take(MAX_BUNDLES).find(|bundle| root(*bundle) == offered),
            Offer::Builtin => Some(0),
            Offer::Nothing => None,
        };
        let may_come = |bundle: &Bundle| {
            let mark = self.mark(*bundle);
            *bundle != self.current() && mark.ban.is_none() && mark.put_off != PutOff::Today
        };
        self.next = offered.filter(may_come).map(|bundle| (bundle, false));
        Outcome::default()
    }

    fn is_lifted(&mut self, bundle: Bundle, is_newer: bool) -> Outcome {
        self.hold(bundle, |mark| {
            if mark.ban == Some(Ban::Timeouts) && (is_newer || !mark.lifted) {
                *mark = Mark { put_off: PutOff::No, timed_out: true, lifted: true, ban: None };
            }
        });
        Outcome::default()
    }

    fn is_chosen(&mut self, bundle: Bundle) -> Outcome {
        if self.mark(bundle).ban.is_some() {
            return refused(Refused::Blocked);
        }
        self.hold(bundle, |mark| mark.put_off = PutOff::No);
        self.next = Some((bundle, true)).filter(|_| bundle != self.current());
        Outcome::default()
    }

    fn is_reset(&mut self) -> Outcome {
        (self.trial, self.next, self.confirmed) = (None, None, [0, 0]);
        if let Some(record) = &mut self.record {
            end(record);
        }
        Outcome { replaces: true, ..Outcome::default() }
    }
}

fn refused(why: Refused) -> Outcome {
    Outcome { refused: Some(why), ..Outcome::default() }
}

fn end(record: &mut Record) {
    *record =
        Record { over: true, late: false, streak: 0, silent_death: false, renderer_crashes: 0, ..*record };
}

fn new_record(boot: BootOf, bundle: Bundle, of_trial: bool, streak: Option<(Bundle, u8)>) -> Record {
    Record {
        bundle,
        of_trial,
        of_this_run: true,
        seen: if boot.on_screen { Seen::OnScreen } else { Seen::Never },
        ready: false,
        over: false,
        late: false,
        // Only crashes of the very bundle count.
        streak: streak.filter(|(judged, _)| *judged == bundle).map_or(0, |(_, streak)| streak),
        silent_death: false,
        renderer_crashes: 0,
    }
}
