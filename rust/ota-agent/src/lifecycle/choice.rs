//! What comes next: by a server's reply, by the page's wish, by a reset; and what is found out about bundles.

use ota_protocol::{Root, UnixSeconds};

use super::attempt::Attempt;
use super::event::{Effect, Notice, Offer, Refused};
use super::names::BundleId;
use super::rules::{Rule, Rules};
use super::state::{Cause, Chooser, Next, SetAside, State};
use super::{Machine, Step};

/// Replaces the state; saves only what changed.
fn save(machine: Machine, state: State) -> Step {
    if state == machine.state {
        return Step::unchanged(machine);
    }
    Step::done(Machine { state, ..machine }, vec![Effect::Save])
}

pub(super) fn answered(rules: &Rules, machine: Machine, offer: Offer, now: UnixSeconds) -> Step {
    let mut state = machine.state.clone();
    if state.next.is_some_and(|next| next.by == Chooser::Page) && rules.keep(Rule::PageChoiceStays) {
        return Step::unchanged(machine);
    }
    let is_refused = |root| {
        (state.is_blocked(root) && rules.keep(Rule::BlockedIsNotNext))
            || (state.is_set_aside(root, now, rules.set_aside_seconds) && rules.keep(Rule::SetAsideIsNotNext))
    };
    let bundle = match offer {
        Offer::Bundle(root) if is_refused(root) => None,
        Offer::Bundle(root) => Some(BundleId::Held(root)),
        Offer::Builtin => Some(BundleId::Builtin),
        Offer::Nothing if rules.keep(Rule::WithdrawnIsDropped) => None,
        Offer::Nothing => state.next.map(|next| next.bundle),
    };
    let current = state.current.bundle();
    state.next =
        bundle.filter(|bundle| *bundle != current).map(|bundle| Next { bundle, by: Chooser::Server });
    save(machine, state)
}

pub(super) fn lifted(rules: &Rules, machine: Machine, root: Root, sequence: u64) -> Step {
    let mut state = machine.state.clone();
    let may_lift = |lifted_by: Option<u64>| {
        lifted_by.is_none_or(|before| sequence > before) || !rules.keep(Rule::RetryLiftsOnce)
    };
    match state.blocked.get(&root) {
        Some(block) if block.cause == Cause::Timeout && may_lift(block.lifted_by) => {
            state.blocked.remove(&root);
            // One time-out more and it is blocked again.
            state.set_aside.insert(root, SetAside { until: 0, timeouts: 1, lifted_by: Some(sequence) });
            save(machine, state)
        }
        _ => Step::unchanged(machine),
    }
}

pub(super) fn chosen(rules: &Rules, machine: Machine, bundle: BundleId) -> Step {
    let mut state = machine.state.clone();
    if let BundleId::Held(root) = bundle {
        if state.is_blocked(root) && rules.keep(Rule::BlockedIsNotNext) {
            return Step::refused(machine, Refused::Blocked);
        }
        // A person's wish does not wait for the day to pass; what is remembered of time-outs stays.
        if let Some(aside) = state.set_aside.get_mut(&root) {
            aside.until = 0;
            if *aside == SetAside::default() {
                state.set_aside.remove(&root);
            }
        }
    }
    let is_current = state.current.bundle() == bundle;
    state.next = (!is_current).then_some(Next { bundle, by: Chooser::Page });
    save(machine, state)
}

pub(super) fn channel_changed(machine: Machine) -> Step {
    let mut state = machine.state.clone();
    state.next = state.next.filter(|next| next.by == Chooser::Page);
    save(machine, state)
}

pub(super) fn reset(rules: &Rules, machine: Machine) -> Step {
    let Machine { state: before, attempt } = machine;
    let mut state = before.clone();
    if let (Some(trial), false) = (state.current.trial().copied(), rules.keep(Rule::ResetDoesNotJudge)) {
        state.block(trial.bundle, Cause::Reported);
    }
    let fresh = State::fresh(state.native.clone());
    state = State { current: fresh.current, fallback: fresh.fallback, next: None, ..state };
    let attempt = attempt.map(Attempt::ended);
    let mut effects = Vec::new();
    if state != before {
        effects.push(Effect::Save);
    }
    effects.extend([Effect::Note, Effect::Replace]);
    Step::done(Machine { state, attempt }, effects)
}

pub(super) fn damaged(rules: &Rules, machine: Machine, root: Root) -> Step {
    let mut state = machine.state.clone();
    // Whatever it failed by, it was the disk: neither a block nor a time-out that counts towards one stays.
    if rules.keep(Rule::DamageLiftsBlock) {
        state.forget_failures(root);
    }
    state.drop_bundle(root);
    let mut step = save(machine, state);
    step.effects.push(Effect::Tell(Notice::Dropped(root)));
    step
}

pub(super) fn forgiven(machine: Machine, root: Option<Root>) -> Step {
    let mut state = machine.state.clone();
    state.blocked.retain(|blocked, _| root.is_some_and(|root| root != *blocked));
    state.set_aside.retain(|aside, _| root.is_some_and(|root| root != *aside));
    save(machine, state)
}
