//! What must hold at every step, and what an instant can leave behind.

use super::ledger::{Ledger, Outcome, PutOff};
use super::model::{BootOf, Bundle, Happening, World, number, root};
use crate::lifecycle::{Attempt, BundleId, Effect, Event, Machine, Notice, Refused, Rules, Step, step};

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

/// What a step did.
struct Done<'a> {
    machine: &'a Machine,
    effects: &'a [Effect],
    answer: Result<(), Refused>,
}

/// Lets something happen, and holds it against the ledger. `reach` gets every moment that it may lead to: first where
/// all of it was done, then those where the process, the power or the disk stopped in the middle.
///
/// `before` is the ledger of `world`: all that led there was held against it, so it is the history's as well.
pub(super) fn happen(
    rules: &Rules,
    world: &World,
    before: &Ledger,
    happening: &Happening,
    reach: &mut dyn FnMut(&World, &Ledger),
) -> Checked<()> {
    let mut ledger = *before;
    let outcome = ledger.enter(happening);
    let Some(event) = world.event(happening) else {
        let mut after = world.clone();
        after.pass(happening);
        compare(&ledger, &after.as_ledger())?;
        if *happening == Happening::NoteLost {
            boots_to_either(rules, &after, [(world, before), (world, before)])?;
        }
        reach(&after, &ledger);
        return Ok(());
    };
    let (boots, run) = match happening {
        Happening::Boot(boot) => (world.boots + 1, world.run + u32::from(!boot.same_os)),
        _ => (world.boots, world.run),
    };
    let ends = matches!(event, Event::Failed { .. } | Event::RendererGone { .. });
    let Step { machine, effects, answer } = step(rules, world.machine.clone(), event);
    let after = World { machine, is_alive: world.is_alive || boots > world.boots, boots, run };
    let done = Done { machine: &after.machine, effects: &effects, answer };
    if let Happening::Boot(boot) = happening {
        check_shown(world, before, *boot, &done)?;
    }
    check_effects(world, &done)?;
    check_answer(world, &done, &outcome)?;
    compare(&ledger, &after.as_ledger())?;
    check_needed(&ledger, &after)?;
    check_outcome(&done, &outcome)?;
    reach(&after, &ledger);
    if let Some(machine) = cut(&world.machine, &done) {
        let cut = World { machine, is_alive: false, boots, run };
        boots_to_either(rules, &cut, [(world, before), (&after, &ledger)])?;
        reach(&cut, &cut.as_ledger());
        // The save failed, and the process lives: what was noted stays noted, and a page that was to end has ended.
        let attempt = match happening {
            Happening::Ready(_) => Some(after.machine.attempt),
            _ if ends => Some(world.machine.attempt.map(|attempt| Attempt { over: true, ..attempt })),
            _ => None,
        };
        if let Some(attempt) = attempt {
            let machine = Machine { state: world.machine.state.clone(), attempt };
            let refused = World { machine, is_alive: true, boots, run };
            reach(&refused, &refused.as_ledger());
        }
    }
    Ok(())
}

/// I1, I2, and that nothing untried is shown as if it were not.
fn check_shown(world: &World, before: &Ledger, boot: BootOf, done: &Done<'_>) -> Checked<()> {
    let shows: Vec<_> = done.effects.iter().filter_map(shown).collect();
    let [(bundle, token)] = shows[..] else {
        return broken(Promise::I1, format!("a boot shows {} bundles", shows.len()));
    };
    must(!boot.misses(bundle), Promise::I1, || format!("a bundle is shown and not there: {bundle}"))?;
    let was_kept = bundle == 0 || before.promised().any(|kept| kept == bundle);
    must(was_kept, Promise::I1, || format!("a bundle is shown that nothing kept: {bundle}"))?;
    let is_void = !boot.same_native;
    must(!is_void || bundle == 0, Promise::Native, || "not the builtin after the app changed".into())?;
    must(is_void || before.mark(bundle).ban.is_none(), Promise::I2, || {
        format!("a failed bundle is shown: {bundle}")
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
        must(is_tried, Promise::Trial, || format!("a bundle is shown untried: {bundle}"))?;
        must(boot.recordable, Promise::I4, || format!("a bundle is tried without a record: {bundle}"))?;
        let saved = done.effects.iter().position(|effect| *effect == Effect::Save);
        let showed = done.effects.iter().position(|effect| shown(effect).is_some());
        must(saved.is_some() && saved < showed, Promise::I4, || {
            format!("a bundle is tried before that is recorded: {bundle}")
        })?;
    }
    if let Some(trial) = done.machine.state.current.trial() {
        let is_of_this_boot = trial.token == token || done.machine.state == world.machine.state;
        must(is_of_this_boot, Promise::Token, || "the trial is not of this boot".into())?;
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
fn check_effects(world: &World, done: &Done<'_>) -> Checked<()> {
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

fn check_answer(world: &World, done: &Done<'_>, outcome: &Outcome) -> Checked<()> {
    let is_token = |refused: Option<Refused>| refused == Some(Refused::StaleToken);
    let answer = done.answer.err();
    let promise = match (is_token(answer) || is_token(outcome.refused), outcome.refused) {
        (true, _) => Promise::Token,
        (false, Some(Refused::Blocked)) => Promise::I2,
        (false, _) => Promise::Words,
    };
    must(answer == outcome.refused, promise, || {
        format!("the wrong answer: {answer:?}, not {:?}", outcome.refused)
    })?;
    let is_inert = answer.is_none() || (*done.machine == world.machine && done.effects.is_empty());
    must(is_inert, promise, || "what was refused changed something".into())
}

/// Which promise a difference breaks.
fn compare(expected: &Ledger, actual: &Ledger) -> Checked<()> {
    if expected == actual {
        return Ok(());
    }
    let differ = |what: &str| format!("{what}: it should be {expected:?}, and is {actual:?}");
    must(expected.native == actual.native, Promise::Native, || differ("the native identity"))?;
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
    let is_refused = actual.next.is_some_and(|(next, _)| expected.mark(next).ban.is_some());
    must(!is_refused, Promise::I2, || differ("a failed bundle comes next"))?;
    must(expected.next == actual.next, Promise::Next, || differ("what comes next"))?;
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
    must(missed.is_none(), Promise::I3, || format!("a needed bundle may be deleted: {missed:?}"))?;
    let fallback = after.state().fallback;
    must(number(fallback) == ledger.fallback(), Promise::I3, || format!("the fallback is {fallback}"))
}

fn check_outcome(done: &Done<'_>, outcome: &Outcome) -> Checked<()> {
    let shown = done.effects.iter().find_map(|effect| match effect {
        Effect::Show { bundle, reason, .. } => Some((number(*bundle), *reason)),
        _ => None,
    });
    let is_bundle = shown.map(|(bundle, _)| bundle) == outcome.shown.map(|(bundle, _)| bundle);
    must(is_bundle, Promise::Trial, || format!("what is shown: {shown:?}, not {:?}", outcome.shown))?;
    must(shown == outcome.shown, Promise::Words, || {
        format!("what is shown: {shown:?}, not {:?}", outcome.shown)
    })?;
    let replaces = done.effects.contains(&Effect::Replace);
    must(replaces == outcome.replaces, Promise::I5, || format!("the page has to go: {replaces}"))?;
    let prunes = done.effects.contains(&Effect::Prune);
    must(prunes == outcome.prunes, Promise::I3, || format!("what nothing needs is deleted: {prunes}"))?;
    let verifies = done.effects.iter().find_map(|effect| match effect {
        Effect::Verify(suspect) => Some(number(BundleId::Held(*suspect))),
        _ => None,
    });
    must(verifies == outcome.verifies, Promise::I6, || format!("what is looked at: {verifies:?}"))?;
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
    must(told == should, Promise::Words, || format!("what is told: {told:?}, not {should:?}"))
}

/// What is left where all stops between the two writes: of state and attempt one is old, one is new. After one write
/// alone all is old or all is new, and both are walked anyway.
fn cut(old: &Machine, done: &Done<'_>) -> Option<Machine> {
    let new = done.machine;
    let at = |wanted: Effect| done.effects.iter().position(|effect| *effect == wanted);
    Some(if at(Effect::Save)? < at(Effect::Note)? {
        Machine { state: new.state.clone(), attempt: old.attempt }
    } else {
        Machine { state: old.state.clone(), attempt: new.attempt }
    })
}

/// I4: after an instant the next boot works, and shows a bundle of before or one of after it: on trial or confirmed,
/// or what either would have shown.
fn boots_to_either(rules: &Rules, cut: &World, sides: [(&World, &Ledger); 2]) -> Checked<()> {
    let boot = |world: &World| {
        let event = world.event(&Happening::Boot(BootOf::PLAIN))?;
        let done = step(rules, world.machine.clone(), event);
        done.effects.iter().find_map(shown).map(|(bundle, _)| bundle)
    };
    let shows = boot(cut);
    let is_allowed = shows.is_some_and(|shows| {
        let is_of = |(_, ledger): &(_, &Ledger)| ledger.current() == shows || ledger.confirmed[0] == shows;
        sides.iter().any(is_of) || sides.iter().any(|(world, _)| boot(world) == Some(shows))
    });
    must(is_allowed, Promise::I4, || format!("after an instant neither side is shown: {shows:?}, {sides:?}"))
}
