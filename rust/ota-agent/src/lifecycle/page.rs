//! What the page of a boot, and the host around it, report.

use ota_protocol::{Root, UnixSeconds};

use super::attempt::{Attempt, Mark};
use super::boot::set_aside;
use super::event::{Effect, Notice, Refused};
use super::names::{BundleId, Token};
use super::rules::{Rule, Rules};
use super::state::{Cause, Current};
use super::{Machine, Step};

/// The attempt that `token` speaks for, if that is the page shown now.
fn spoken_for(rules: &Rules, machine: &Machine, token: Token) -> Option<Attempt> {
    machine
        .attempt
        .filter(|attempt| attempt.token == token || !rules.keep(Rule::TokenMustMatch))
        .filter(|attempt| !attempt.over || !rules.keep(Rule::OverIsOver))
}

/// Whether the attempt is the latest boot of the trial that is recorded. An attempt of a boot that could not be
/// recorded, or that another process made, is not.
fn trial_of(rules: &Rules, machine: &Machine, attempt: &Attempt) -> Option<Root> {
    let trial = machine.state.current.trial()?;
    let is_its_boot = trial.token == attempt.token || !rules.keep(Rule::TokenMustMatch);
    (is_its_boot && attempt.bundle == BundleId::Held(trial.bundle)).then_some(trial.bundle)
}

pub(super) fn ready(rules: &Rules, mut machine: Machine, token: Token) -> Step {
    let Some(mut attempt) = spoken_for(rules, &machine, token) else {
        return Step::refused(machine, Refused::StaleToken);
    };
    if attempt.ready {
        return Step::unchanged(machine);
    }
    // Nothing counts any more: what was counted so far goes.
    attempt =
        Attempt { ready: true, late: false, crashes: 0, renderer_deaths: 0, renderer_crashes: 0, ..attempt };
    machine.attempt = Some(attempt);
    // Noted first: should the process end between the two, the next boot confirms by the note.
    let mut effects = vec![Effect::Note];
    if !rules.keep(Rule::PruneFollowsSave) {
        effects.push(Effect::Prune);
    }
    if let Some(root) = trial_of(rules, &machine, &attempt) {
        machine.state.confirm();
        effects.push(Effect::Save);
        effects.push(Effect::Tell(Notice::Confirmed(root)));
    }
    effects.push(Effect::Prune);
    Step::done(machine, effects)
}

pub(super) fn failed(rules: &Rules, machine: Machine, token: Token, cause: Cause, now: UnixSeconds) -> Step {
    let Some(attempt) = spoken_for(rules, &machine, token) else {
        return Step::refused(machine, Refused::StaleToken);
    };
    if attempt.ready && rules.keep(Rule::ReadyEndsCounting) {
        return Step::unchanged(machine);
    }
    match trial_of(rules, &machine, &attempt) {
        Some(root) => end_trial(rules, machine, attempt, root, cause, now),
        None if attempt.ready => match attempt.bundle {
            // Only a broken rule leads here.
            BundleId::Held(root) => end_trial(rules, machine, attempt, root, cause, now),
            BundleId::Builtin => Step::unchanged(machine),
        },
        None => not_ready(machine, attempt),
    }
}

/// A confirmed bundle, or the builtin, that did not come up: nothing is held against it, but its files are looked at.
fn not_ready(mut machine: Machine, mut attempt: Attempt) -> Step {
    if attempt.late {
        return Step::unchanged(machine);
    }
    attempt.late = true;
    machine.attempt = Some(attempt);
    let mut effects = vec![Effect::Note, Effect::Tell(Notice::Late(attempt.bundle))];
    effects.extend(attempt.bundle.root().map(Effect::Verify));
    Step::done(machine, effects)
}

fn end_trial(
    rules: &Rules,
    mut machine: Machine,
    attempt: Attempt,
    root: Root,
    cause: Cause,
    now: UnixSeconds,
) -> Step {
    machine.state.fall_back();
    let timeouts = machine.state.set_aside.get(&root).map_or(0, |aside| aside.timeouts);
    let is_first_timeout = cause == Cause::Timeout
        && (timeouts == 0 || !rules.keep(Rule::SecondTimeoutBlocks))
        && rules.keep(Rule::FirstTimeoutSetsAside);
    let notice = if is_first_timeout {
        set_aside(rules, &mut machine.state, root, now).timeouts = 1;
        Notice::SetAside(root, cause)
    } else {
        if rules.keep(Rule::FailureBlocks) {
            machine.state.block(root, cause);
        }
        Notice::Blocked(root, cause)
    };
    machine.attempt = Some(attempt.ended());
    // Should its files turn out damaged, it was the disk that failed.
    let effects =
        vec![Effect::Save, Effect::Note, Effect::Tell(notice), Effect::Replace, Effect::Verify(root)];
    Step::done(machine, effects)
}

pub(super) fn renderer_gone(
    rules: &Rules,
    machine: Machine,
    crashed: Option<bool>,
    now: UnixSeconds,
) -> Step {
    let Some(mut attempt) = machine.attempt.filter(Attempt::is_open).filter(|a| a.mark == Mark::Foreground)
    else {
        return Step::unchanged(machine);
    };
    let is_crash = match crashed {
        Some(crashed) => crashed || !rules.keep(Rule::KilledRendererIsNoCrash),
        // Where the system gives no reason, the first death in a boot is an interruption.
        None => attempt.renderer_deaths > 0,
    };
    if crashed.is_none() {
        attempt.renderer_deaths = 1;
    }
    if is_crash {
        if trial_of(rules, &machine, &attempt).is_some() {
            return failed(rules, machine, attempt.token, Cause::Renderer, now);
        }
        attempt.renderer_crashes = (attempt.renderer_crashes + 1).min(rules.max_confirmed_crashes);
    }
    // What was shown without a record may not be what the state would show.
    let is_confirmed = machine.state.current == Current::Confirmed { bundle: attempt.bundle };
    match attempt.bundle {
        // A renderer that never comes up keeps its process, and so its boot, for ever: count within the boot.
        BundleId::Held(root)
            if is_crash
                && is_confirmed
                && attempt.renderer_crashes >= rules.max_confirmed_crashes
                && rules.keep(Rule::RendererLoopEnds) =>
        {
            give_up_confirmed(rules, machine, attempt, root, now)
        }
        _ if machine.attempt == Some(attempt) => Step::unchanged(machine),
        _ => Step::done(Machine { attempt: Some(attempt), ..machine }, vec![Effect::Note]),
    }
}

fn give_up_confirmed(
    rules: &Rules,
    mut machine: Machine,
    attempt: Attempt,
    root: Root,
    now: UnixSeconds,
) -> Step {
    set_aside(rules, &mut machine.state, root, now);
    machine.state.fall_back();
    machine.attempt = Some(attempt.ended());
    let notice = Notice::SetAside(root, Cause::Renderer);
    Step::done(machine, vec![Effect::Save, Effect::Note, Effect::Tell(notice), Effect::Replace])
}

pub(super) fn mark(mut machine: Machine, mark: Mark) -> Step {
    match &mut machine.attempt {
        Some(attempt) if attempt.mark != mark => {
            attempt.mark = mark;
            Step::done(machine, vec![Effect::Note])
        }
        _ => Step::unchanged(machine),
    }
}
