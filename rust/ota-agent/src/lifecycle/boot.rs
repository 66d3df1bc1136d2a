//! The choice of the directory for a page.

use ota_protocol::{Root, UnixSeconds};

use super::attempt::{Attempt, Mark};
use super::event::{Boot, Effect, Exit, Notice, Reason, Why};
use super::names::BundleId;
use super::rules::{Rule, Rules};
use super::state::{Cause, Current, SetAside, State, Trial};
use super::{Machine, Step};

/// How the boot before went, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Its page reported ready.
    Ready,
    /// It ended on the screen, before either, and nothing speaks for another reason.
    Crashed,
    /// Anything else.
    Interrupted,
}

pub(super) fn boot(rules: &Rules, machine: Machine, boot: &Boot) -> Step {
    let recorded = choose(rules, &machine, boot);
    if boot.recordable || recorded.state == machine.state {
        show(rules, &machine, boot, recorded)
    } else {
        show_unrecorded(rules, machine, boot, &recorded)
    }
}

/// What a boot decides, before anything is done about it.
struct Chosen {
    state: State,
    notices: Vec<Notice>,
    is_native_changed: bool,
    is_rolled_back: bool,
    /// The confirmed bundle judged, and its crashed boots in a row.
    crashes: Option<(BundleId, u8)>,
}

impl Chosen {
    /// Crashed boots in a row of `bundle`: those of one bundle say nothing about another.
    fn crashes_of(&self, bundle: BundleId) -> u8 {
        self.crashes.filter(|(judged, _)| *judged == bundle).map_or(0, |(_, crashes)| crashes)
    }
}

fn choose(rules: &Rules, machine: &Machine, boot: &Boot) -> Chosen {
    let mut chosen = Chosen {
        state: machine.state.clone(),
        notices: Vec::new(),
        is_native_changed: false,
        is_rolled_back: false,
        crashes: None,
    };
    if chosen.state.native != boot.native && rules.keep(Rule::NativeIsCompared) {
        let blocked = std::mem::take(&mut chosen.state.blocked);
        chosen.state = State::fresh(boot.native.clone());
        chosen.is_native_changed = true;
        if !rules.keep(Rule::NativeClearsBlocks) {
            chosen.state.blocked = blocked;
        }
        return chosen;
    }
    judge(rules, machine.attempt.as_ref(), boot, &mut chosen);
    drop_missing(rules, boot, &mut chosen);
    take_next(rules, boot, &mut chosen);
    if let Current::Trial(trial) = &mut chosen.state.current {
        trial.token = boot.token;
    }
    chosen
}

/// Judges the boot before by its attempt.
fn judge(rules: &Rules, attempt: Option<&Attempt>, boot: &Boot, chosen: &mut Chosen) {
    let current = chosen.state.current;
    // Of a confirmed bundle, only an attempt of that very bundle says anything.
    let attempt = attempt.filter(|attempt| match current {
        Current::Trial(trial) => attempt.token == trial.token || !rules.keep(Rule::OtherTokenInterrupts),
        Current::Confirmed { bundle } => attempt.bundle == bundle && !attempt.over,
    });
    let verdict = attempt.map_or(Verdict::Interrupted, |attempt| verdict(rules, attempt, boot));
    match current {
        Current::Trial(trial) => judge_trial(rules, trial, verdict, boot, chosen),
        Current::Confirmed { bundle } => {
            let before = attempt.map_or(0, |attempt| attempt.crashes);
            let renderer_crashed = attempt.is_some_and(|attempt| attempt.renderer_crashes > 0);
            let mut crashes = match verdict {
                Verdict::Ready => 0,
                Verdict::Crashed => before.saturating_add(1),
                Verdict::Interrupted if renderer_crashed => before.saturating_add(1),
                Verdict::Interrupted => before,
            };
            if !rules.keep(Rule::ConfirmedCrashesAreCounted) {
                crashes = 0;
            }
            // Nothing is put off behind the builtin: there is no use in counting further.
            chosen.crashes = Some((bundle, crashes.min(rules.max_confirmed_crashes)));
            if let BundleId::Held(root) = bundle
                && crashes >= rules.max_confirmed_crashes
            {
                set_aside(rules, &mut chosen.state, root, boot.now);
                chosen.state.fall_back();
                chosen.notices.push(Notice::SetAside(root, Cause::Crash));
                chosen.is_rolled_back = true;
            }
        }
    }
}

fn verdict(rules: &Rules, attempt: &Attempt, boot: &Boot) -> Verdict {
    if attempt.ready && rules.keep(Rule::NotedReadyConfirms) {
        return Verdict::Ready;
    }
    let was_on_screen = attempt.mark == Mark::Foreground || !rules.keep(Rule::BackgroundIsNoCrash);
    let is_same_run = attempt.os_boot == boot.os_boot || !rules.keep(Rule::OtherOsBootInterrupts);
    let may_have_crashed = match boot.why {
        Why::Start(Exit::Unknown | Exit::Crashed) => true,
        Why::Start(Exit::Killed) => !rules.keep(Rule::KilledIsNoCrash),
        Why::Swap => false,
    };
    // One that was ended before did not end by a crash.
    if was_on_screen && is_same_run && may_have_crashed && attempt.is_open() {
        Verdict::Crashed
    } else {
        Verdict::Interrupted
    }
}

fn judge_trial(rules: &Rules, mut trial: Trial, verdict: Verdict, boot: &Boot, chosen: &mut Chosen) {
    match verdict {
        Verdict::Ready => {
            chosen.state.confirm();
            chosen.notices.push(Notice::Confirmed(trial.bundle));
            return;
        }
        Verdict::Crashed => {
            if rules.keep(Rule::CrashesAreCounted) {
                trial.crashes = trial.crashes.saturating_add(1);
            }
            trial.interruptions = 0;
        }
        Verdict::Interrupted => {
            let counts = match boot.why {
                Why::Start(_) => rules.keep(Rule::InterruptionsAreCounted),
                Why::Swap => rules.keep(Rule::SwapsAreCounted),
            };
            trial.interruptions = trial.interruptions.saturating_add(u8::from(counts));
        }
    }
    chosen.state.current = Current::Trial(trial);
    let enough = if rules.keep(Rule::OneCrashIsNotEnough) { rules.max_boot_attempts.max(2) } else { 1 };
    if trial.crashes >= enough {
        chosen.state.fall_back();
        chosen.state.block(trial.bundle, Cause::Crash);
        chosen.notices.push(Notice::Blocked(trial.bundle, Cause::Crash));
        chosen.is_rolled_back = true;
    } else if trial.interruptions >= rules.max_interruptions {
        chosen.state.fall_back();
        if rules.keep(Rule::InterruptionsDoNotBlock) {
            set_aside(rules, &mut chosen.state, trial.bundle, boot.now);
            chosen.notices.push(Notice::SetAside(trial.bundle, Cause::Interrupted));
        } else {
            chosen.state.block(trial.bundle, Cause::Interrupted);
        }
        chosen.is_rolled_back = true;
    }
}

/// Bundles whose files are gone are not shown, and nothing is held against them.
fn drop_missing(rules: &Rules, boot: &Boot, chosen: &mut Chosen) {
    if !rules.keep(Rule::MissingIsNotShown) {
        return;
    }
    for root in &boot.missing {
        if chosen.state.needed().contains(root) {
            chosen.is_rolled_back |= chosen.state.current.bundle() == BundleId::Held(*root);
            chosen.state.drop_bundle(*root);
            chosen.notices.push(Notice::Dropped(*root));
        }
    }
}

/// What was to come next, comes: in trial, or at once where it is confirmed already.
fn take_next(rules: &Rules, boot: &Boot, chosen: &mut Chosen) {
    let state = &mut chosen.state;
    let Some(next) = state.next.take() else { return };
    if next.bundle == state.current.bundle() {
        return;
    }
    let is_confirmed = next.bundle.is_builtin() || state.confirmed().contains(&next.bundle);
    match next.bundle {
        BundleId::Held(root) if state.is_blocked(root) && rules.keep(Rule::BlockedIsNotNext) => return,
        // A wish ends the waiting when it is made; the judgement just made may have put the bundle off again.
        BundleId::Held(root)
            if state.is_set_aside(root, boot.now, rules.set_aside_seconds)
                && rules.keep(Rule::SetAsideIsNotNext) =>
        {
            return;
        }
        BundleId::Held(root) if !is_confirmed && rules.keep(Rule::NewGoesThroughTrial) => {
            let last = state.current;
            state.start_trial(root, boot.token);
            if let (Current::Trial(trial), false) = (&mut state.current, rules.keep(Rule::TrialKeepsBefore)) {
                trial.before = BundleId::Builtin;
            }
            if !rules.keep(Rule::ConfirmedBecomesFallback) && last.trial().is_none() {
                state.fallback = BundleId::Builtin;
            }
        }
        BundleId::Held(_) | BundleId::Builtin => state.show_confirmed(next.bundle),
    }
    chosen.is_rolled_back = false;
}

/// Puts a bundle off for a while. What is remembered of earlier time-outs stays.
pub(super) fn set_aside<'a>(
    rules: &Rules,
    state: &'a mut State,
    root: Root,
    now: UnixSeconds,
) -> &'a mut SetAside {
    let entry = state.set_aside.entry(root).or_default();
    entry.until = now.saturating_add(rules.set_aside_seconds);
    entry
}

fn show(rules: &Rules, machine: &Machine, boot: &Boot, chosen: Chosen) -> Step {
    let bundle = chosen.state.current.bundle();
    let reason = if chosen.is_native_changed {
        Reason::NativeChanged
    } else if chosen.is_rolled_back {
        Reason::RolledBack
    } else if chosen.state.current.trial().is_some() {
        Reason::Trial
    } else if bundle.is_builtin() {
        Reason::Builtin
    } else {
        Reason::Current
    };
    let mut effects = Vec::new();
    let is_trial = chosen.state.current.trial().is_some();
    if chosen.state != machine.state && (!is_trial || rules.keep(Rule::TrialIsRecorded)) {
        effects.push(Effect::Save);
    }
    if chosen.is_native_changed {
        effects.push(Effect::ForgetFloors);
    }
    effects.push(Effect::Note);
    effects.push(Effect::Show { bundle, token: boot.token, reason });
    effects.extend(chosen.notices.iter().copied().map(Effect::Tell));
    let attempt = Some(attempt(boot, bundle, chosen.crashes_of(bundle)));
    Step::done(Machine { state: chosen.state, attempt }, effects)
}

/// Shows what needs no record: the last confirmed bundle. The state stays as it is, and the next boot decides again.
fn show_unrecorded(rules: &Rules, machine: Machine, boot: &Boot, chosen: &Chosen) -> Step {
    let state = &machine.state;
    let is_there = |bundle: &BundleId| bundle.root().is_none_or(|root| !boot.missing.contains(&root));
    let put_off = chosen.state.current.trial();
    let bundle = if chosen.is_native_changed {
        BundleId::Builtin
    } else if let (Some(trial), false) = (put_off, rules.keep(Rule::UnrecordedTrialDoesNotStart)) {
        BundleId::Held(trial.bundle)
    } else {
        // A trial that was confirmed, or a bundle that was given up, by this very boot's judgement counts here too.
        [chosen.state.last_confirmed(), state.last_confirmed()]
            .into_iter()
            .find(is_there)
            .unwrap_or(BundleId::Builtin)
    };
    let reason = if chosen.is_native_changed {
        Reason::NativeChanged
    } else if chosen.is_rolled_back && bundle != state.current.bundle() {
        Reason::RolledBack
    } else if bundle.is_builtin() {
        Reason::Builtin
    } else {
        Reason::Current
    };
    let mut effects = vec![Effect::Note, Effect::Show { bundle, token: boot.token, reason }];
    effects.extend(put_off.map(|trial| Effect::Tell(Notice::NotRecorded(trial.bundle))));
    let attempt = Some(attempt(boot, bundle, chosen.crashes_of(bundle)));
    Step::done(Machine { attempt, ..machine }, effects)
}

fn attempt(boot: &Boot, bundle: BundleId, crashes: u8) -> Attempt {
    Attempt {
        token: boot.token,
        os_boot: boot.os_boot,
        bundle,
        mark: if boot.foreground { Mark::Foreground } else { Mark::Never },
        ready: false,
        over: false,
        late: false,
        crashes,
        renderer_deaths: 0,
        renderer_crashes: 0,
    }
}
