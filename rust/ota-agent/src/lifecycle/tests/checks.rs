//! What must hold at every step, and what an instant can leave behind.

use super::ledger::{Ledger, Outcome, PutOff};
use super::model::{BootOf, Bundle, Happening, World, number, root};
use crate::lifecycle::{BundleId, Effect, Event, Machine, Notice, Refused, Rules, Step, step};

/// The promises of the design, and what they rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Promise {
    /// What is shown is complete.
    I1,
    /// A blocked bundle is not shown again.
    I2,
    /// The bundle before the shown one is there.
    I3,
    /// An instant leaves the old or the new.
    I4,
    /// A boot makes progress.
    I5,
    /// A disk, a network, impatience or a single crash never blocks.
    I6,
    /// A page speaks for its own boot alone.
    Token,
    /// Every bundle but the builtin and the confirmed ones is tried first.
    Trial,
    /// What comes next is what the last answer gave, or what the page chose.
    Next,
    /// A changed app starts afresh.
    Native,
    /// What is known of a boot is what happened in it.
    Record,
    /// The words that pages, logs and commands get are true.
    Words,
}

/// A promise broken.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) promise: Promise,
    pub(super) what: String,
}

pub(super) type Checked<T> = Result<T, Violation>;

fn broken<T>(promise: Promise, what: impl Into<String>) -> Checked<T> {
    Err(Violation { promise, what: what.into() })
}

fn must(holds: bool, promise: Promise, what: impl FnOnce() -> String) -> Checked<()> {
    if holds { Ok(()) } else { broken(promise, what()) }
}

/// Moments that one event leads to.
#[derive(Debug)]
pub(super) struct After {
    /// All of it was done.
    pub(super) world: World,
    /// The process, the power or the disk stopped in the middle.
    pub(super) cut: Option<World>,
    /// The disk refused, and the process went on.
    pub(super) refused_by_disk: Option<World>,
}

/// Lets something happen, and holds it against the ledger.
pub(super) fn happen(rules: &Rules, world: &World, happening: &Happening) -> Checked<After> {
    let mut ledger = world.as_ledger();
    let before = ledger;
    let outcome = ledger.enter(happening);
    let Some(event) = world.event(happening) else {
        let mut after = world.clone();
        after.pass(happening);
        compare(&ledger, &after.as_ledger())?;
        if *happening == Happening::NoteLost {
            boots_to_either(rules, &after, world, world)?;
        }
        return Ok(After { world: after, cut: None, refused_by_disk: None });
    };
    let done = step(rules, world.machine.clone(), event.clone());
    let is_boot = matches!(event, Event::Boot(_));
    let after = World {
        machine: done.machine.clone(),
        is_alive: world.is_alive || is_boot,
        boots: world.boots + u32::from(is_boot),
        run: world.run + u32::from(matches!(happening, Happening::Boot(boot) if !boot.same_os)),
    };
    if let (Happening::Boot(boot), Event::Boot(made)) = (happening, &event) {
        check_shown(world, &before, boot, &done)?;
        if let Some(trial) =
            after.state().current.trial().filter(|_| after.machine.state != world.machine.state)
        {
            must(trial.token == made.token, Promise::Token, || "the trial is not of this boot".into())?;
        }
    }
    check_effects(world, &done)?;
    check_answer(world, &done, &outcome)?;
    compare(&ledger, &after.as_ledger())?;
    check_needed(&ledger, &after)?;
    check_outcome(&done, &outcome)?;
    let cut = cut(world, &after, &done);
    if let Some(cut) = &cut {
        boots_to_either(rules, cut, world, &after)?;
    }
    Ok(After { refused_by_disk: refused_by_disk(world, &after, &event, &done), world: after, cut })
}

/// I1, I2, and that nothing untried is shown as if it were not.
fn check_shown(world: &World, before: &Ledger, boot: &BootOf, done: &Step) -> Checked<()> {
    let shows: Vec<_> = done.effects.iter().filter_map(shown).collect();
    let [(bundle, token)] = shows[..] else {
        return broken(Promise::I1, format!("a boot shows {} bundles", shows.len()));
    };
    must(!boot.misses(bundle), Promise::I1, || format!("bundle {bundle} is shown and not there"))?;
    let was_kept = bundle == 0 || before.promised().any(|kept| kept == bundle);
    must(was_kept, Promise::I1, || format!("bundle {bundle} is shown, and nothing kept it"))?;
    let is_void = !boot.same_native;
    must(!is_void || bundle == 0, Promise::Native, || "not the builtin after the app changed".into())?;
    must(is_void || before.mark(bundle).ban.is_none(), Promise::I2, || {
        format!("bundle {bundle} failed before and is shown")
    })?;
    let is_confirmed = bundle == 0 || before.confirmed.contains(&bundle) || {
        // One that its page confirmed, while the state could not say so.
        let trial = before.trial.filter(|trial| trial.bundle == bundle);
        trial.is_some() && before.record.is_some_and(|record| record.of_trial && record.ready)
    };
    if !is_confirmed {
        let trial = done.machine.state.current.trial();
        let is_tried =
            trial.is_some_and(|trial| number(BundleId::Held(trial.bundle)) == bundle && trial.token == token);
        must(is_tried, Promise::Trial, || format!("bundle {bundle} is shown untried"))?;
        must(boot.recordable, Promise::I4, || format!("bundle {bundle} is tried without a record"))?;
        let saved = done.effects.iter().position(|effect| *effect == Effect::Save);
        let showed = done.effects.iter().position(|effect| shown(effect).is_some());
        must(saved.is_some() && saved < showed, Promise::I4, || {
            format!("bundle {bundle} is tried before that is recorded")
        })?;
    }
    let is_steady = before.trial.is_none() && done.machine.state == world.machine.state;
    must(!is_steady || !done.effects.contains(&Effect::Save), Promise::I4, || "a steady boot saves".into())
}

fn shown(effect: &Effect) -> Option<(Bundle, crate::lifecycle::Token)> {
    match effect {
        Effect::Show { bundle, token, .. } => Some((number(*bundle), *token)),
        _ => None,
    }
}

/// What changes is written, once, before it counts; what does not change is not written.
fn check_effects(world: &World, done: &Step) -> Checked<()> {
    let count = |wanted: Effect| done.effects.iter().filter(|effect| **effect == wanted).count();
    let at = |wanted: Effect| done.effects.iter().position(|effect| *effect == wanted);
    let is_changed = done.machine.state != world.machine.state;
    must(count(Effect::Save) == usize::from(is_changed), Promise::I4, || {
        format!("the state changed: {is_changed}; it is saved {} times", count(Effect::Save))
    })?;
    let is_noted = count(Effect::Note) == 1 || done.machine.attempt == world.machine.attempt;
    must(is_noted && count(Effect::Note) < 2, Promise::I4, || "the attempt changed and is not noted".into())?;
    let save = at(Effect::Save);
    let follows_save = |effect: &Effect| match effect {
        Effect::Save | Effect::Tell(_) | Effect::Verify(_) | Effect::ForgetFloors => false,
        // Ready is noted first, so that it is not lost where the save fails.
        Effect::Note => !done.machine.attempt.is_some_and(|attempt| attempt.ready),
        Effect::Show { .. } | Effect::Replace | Effect::Prune => true,
    };
    let is_late =
        done.effects.iter().position(follows_save).is_some_and(|first| save.is_some_and(|save| first < save));
    must(!is_late, Promise::I4, || {
        format!("something is done before the save it follows from: {:?}", done.effects)
    })
}

fn check_answer(world: &World, done: &Step, outcome: &Outcome) -> Checked<()> {
    let is_token = |refused: Option<Refused>| refused == Some(Refused::StaleToken);
    let answer = done.answer.err();
    let promise = match (is_token(answer) || is_token(outcome.refused), outcome.refused) {
        (true, _) => Promise::Token,
        (false, Some(Refused::Blocked)) => Promise::I2,
        (false, _) => Promise::Words,
    };
    must(answer == outcome.refused, promise, || {
        format!("the answer is {answer:?}, not {:?}", outcome.refused)
    })?;
    let is_inert = answer.is_none() || (done.machine == world.machine && done.effects.is_empty());
    must(is_inert, promise, || "what was refused changed something".into())
}

/// Which promise a difference breaks.
fn compare(expected: &Ledger, actual: &Ledger) -> Checked<()> {
    if expected == actual {
        return Ok(());
    }
    let differ = |what: &str| format!("{what}: it should be {expected:?}, and is {actual:?}");
    must(expected.native == actual.native, Promise::Native, || differ("native"))?;
    for bundle in (1..).take(super::model::MAX_BUNDLES) {
        let (should, is) = (expected.mark(bundle), actual.mark(bundle));
        must(should.ban.is_none() || is.ban.is_some(), Promise::I2, || differ("a failure is forgotten"))?;
        must(is.ban.is_none() || should.ban.is_some(), Promise::I6, || differ("blocked without cause"))?;
        must(should.ban == is.ban, Promise::I6, || differ("blocked for another cause"))?;
        must(is.put_off == should.put_off || is.put_off != PutOff::No, Promise::I5, || {
            differ("not put off")
        })?;
        must(is.put_off == should.put_off, Promise::I6, || differ("put off without cause"))?;
        must(is.timed_out || !should.timed_out, Promise::I5, || differ("a time-out is forgotten"))?;
        must(is.timed_out == should.timed_out, Promise::I6, || differ("a time-out that was none"))?;
        must(is.lifted == should.lifted, Promise::I2, || differ("a lift is forgotten"))?;
    }
    must(expected.confirmed == actual.confirmed, Promise::I3, || differ("the confirmed bundles"))?;
    match (expected.trial, actual.trial) {
        (Some(should), Some(is)) if should.bundle == is.bundle => {
            let is_less = is.crashes < should.crashes || is.interruptions < should.interruptions;
            must(!is_less, Promise::I5, || differ("the trial's counters"))?;
            must(should == is, Promise::I6, || differ("the trial's counters"))?;
        }
        (should, is) => must(should == is, Promise::Trial, || differ("the trial"))?,
    }
    must(expected.next == actual.next, Promise::Next, || differ("next"))?;
    if let (Some(should), Some(is)) = (expected.record, actual.record) {
        must(is.streak >= should.streak, Promise::I5, || differ("a crash is forgotten"))?;
        must(is.streak <= should.streak, Promise::I6, || differ("a crash that was none"))?;
    }
    broken(Promise::Record, differ("what is known of the boot"))
}

/// I3: whatever is promised survives a deletion at any time.
fn check_needed(ledger: &Ledger, after: &World) -> Checked<()> {
    let needed = after.state().needed();
    let missed = ledger.promised().find(|bundle| !needed.contains(&root(*bundle)));
    must(missed.is_none(), Promise::I3, || format!("bundle {missed:?} may be deleted"))?;
    let fallback = after.state().fallback;
    must(number(fallback) == ledger.fallback(), Promise::I3, || format!("the fallback is {fallback}"))
}

fn check_outcome(done: &Step, outcome: &Outcome) -> Checked<()> {
    let shown = done.effects.iter().find_map(|effect| match effect {
        Effect::Show { bundle, reason, .. } => Some((number(*bundle), *reason)),
        _ => None,
    });
    let is_bundle = shown.map(|(bundle, _)| bundle) == outcome.shown.map(|(bundle, _)| bundle);
    must(is_bundle, Promise::Trial, || format!("shown: {shown:?}, not {:?}", outcome.shown))?;
    must(shown == outcome.shown, Promise::Words, || format!("shown: {shown:?}, not {:?}", outcome.shown))?;
    let replaces = done.effects.contains(&Effect::Replace);
    must(replaces == outcome.replaces, Promise::I5, || format!("the page has to go: {replaces}"))?;
    let prunes = done.effects.contains(&Effect::Prune);
    must(prunes == outcome.prunes, Promise::I3, || format!("what nothing needs is deleted: {prunes}"))?;
    let verifies = done.effects.iter().find_map(|effect| match effect {
        Effect::Verify(suspect) => Some(number(BundleId::Held(*suspect))),
        _ => None,
    });
    must(verifies == outcome.verifies, Promise::I6, || format!("looked at: {verifies:?}"))?;
    let forgets = done.effects.contains(&Effect::ForgetFloors);
    must(forgets == outcome.forgets, Promise::Native, || format!("floors are forgotten: {forgets}"))?;
    let mut told: Vec<Notice> = done
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Tell(notice) => Some(*notice),
            _ => None,
        })
        .collect();
    let mut should = outcome.told.clone();
    told.sort_unstable();
    should.sort_unstable();
    must(told == should, Promise::Words, || format!("told: {told:?}, not {should:?}"))
}

/// What is left where all stops between the two writes: of state and attempt one is old, one is new.
fn cut(before: &World, after: &World, done: &Step) -> Option<World> {
    let writes = done.effects.iter().find(|effect| matches!(effect, Effect::Save | Effect::Note));
    let (old, new) = (&before.machine, &after.machine);
    let is_both = done.effects.contains(&Effect::Save) && done.effects.contains(&Effect::Note);
    let machine = match writes {
        Some(Effect::Save) if is_both => Machine { state: new.state.clone(), attempt: old.attempt },
        Some(Effect::Note) if is_both => Machine { state: old.state.clone(), attempt: new.attempt },
        // One write, or none: all is old or all is new, and both are walked anyway.
        _ => return None,
    };
    Some(World { machine, is_alive: false, ..after.clone() })
}

/// The save failed and the process lives: what was noted before stays noted; a page that was to end is ended.
fn refused_by_disk(before: &World, after: &World, event: &Event, done: &Step) -> Option<World> {
    if !done.effects.contains(&Effect::Save) {
        return None;
    }
    let attempt = match event {
        Event::Ready { .. } => after.machine.attempt,
        Event::Failed { .. } | Event::RendererGone { .. } => {
            before.machine.attempt.map(|attempt| crate::lifecycle::Attempt { over: true, ..attempt })
        }
        _ => return None,
    };
    let machine = Machine { state: before.machine.state.clone(), attempt };
    Some(World { machine, is_alive: true, ..before.clone() })
}

/// I4: after an instant the next boot works, and shows what it would have shown before or after it.
fn boots_to_either(rules: &Rules, cut: &World, before: &World, after: &World) -> Checked<()> {
    let boot = |world: &World| {
        let event = world.event(&Happening::Boot(BootOf::PLAIN))?;
        let done = step(rules, world.machine.clone(), event);
        done.effects.iter().find_map(shown).map(|(bundle, _)| bundle)
    };
    let shows = boot(cut);
    // The bundles of before and after: on trial, or confirmed.
    let [old, new] = [before, after].map(World::as_ledger);
    let currents = [old.current(), old.confirmed[0], new.current(), new.confirmed[0]].map(Some);
    let allowed = [boot(before), boot(after)].into_iter().chain(currents).collect::<Vec<_>>();
    must(shows.is_some() && allowed.contains(&shows), Promise::I4, || {
        format!("after an instant {shows:?} is shown, which is none of {allowed:?}")
    })
}
