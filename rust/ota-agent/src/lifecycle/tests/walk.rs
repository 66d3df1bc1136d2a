//! Every reachable state under every event.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use super::checks::{Violation, happen};
use super::documented::{must_say, walked};
use super::ledger::{Ledger, Mark};
use super::model::{BootOf, Happening, Who, World, key, key_of, root, world};
use super::progress::Progress;
use crate::lifecycle::{Cause, Exit, Offer, Rule, Rules};

/// A part of all histories, bounded so that it can be walked to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) name: &'static str,
    /// How many bundles there are, beside the builtin.
    pub(super) bundles: u8,
    /// How many of them something may be held against at a time.
    pub(super) marked: usize,
    /// Whether blocks are lifted by releases, and clocks set back.
    pub(super) lifts: bool,
    /// Whether renderers die, and confirmed bundles are late.
    pub(super) renderers: bool,
    /// Whether some boots cannot be recorded.
    pub(super) unrecorded: bool,
    /// Where the walk ends before its end.
    pub(super) most_states: usize,
}

impl Scope {
    fn admits(&self, ledger: &Ledger) -> bool {
        ledger.marks.iter().filter(|mark| **mark != Mark::default()).count() <= self.marked
    }
}

/// What a walk saw.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    pub(super) states: usize,
    pub(super) transitions: u64,
    pub(super) beyond: u64,
}

/// A promise broken, after how many states, and how it came about.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) violation: Violation,
    pub(super) seen: Seen,
    pub(super) story: String,
}

/// Keys are well mixed by one multiplication.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, key: u64) {
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

pub(super) type KeyMap<V> = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

/// Walks a scope to its end, or to the first promise broken.
pub(super) fn walk(rules: &Rules, scope: &Scope) -> Result<Seen, Box<Found>> {
    let looks_closer = [Rule::OtherTokenInterrupts, Rule::OtherOsBootInterrupts].map(Some);
    let is_exact = looks_closer.contains(&rules.broken);
    let first = key(&World::new(), is_exact);
    let mut came_from = KeyMap::<(u64, u16)>::default();
    let mut queue = VecDeque::from([first]);
    came_from.insert(first, (first, 0));
    let mut progress = Progress::default();
    let mut seen = Seen { states: 1, ..Seen::default() };
    let (mut happenings, mut reached) = (Vec::new(), Vec::new());
    while let Some(at) = queue.pop_front().filter(|_| seen.states < scope.most_states) {
        let here = world(at);
        happenings.clear();
        what_can_happen(&here, scope, &mut happenings);
        let found = |violation, last: Option<&Happening>, seen| {
            Box::new(Found { violation, seen, story: story(&came_from, at, scope, last) })
        };
        progress.prove(rules, &here, at, is_exact).map_err(|violation| found(violation, None, seen))?;
        reached.clear();
        let ledger = here.as_ledger();
        for (happening, index) in happenings.iter().zip(0..) {
            let mut reach = |next: &World, ledger: &Ledger| {
                seen.transitions += 1;
                if scope.admits(ledger) {
                    reached.push((key_of(next.is_alive, ledger, is_exact), index));
                } else {
                    seen.beyond += 1;
                }
            };
            let checked = happen(rules, &here, &ledger, happening, &mut reach);
            checked.map_err(|violation| found(violation, Some(happening), seen))?;
        }
        for (to, index) in reached.iter().copied() {
            if let Entry::Vacant(entry) = came_from.entry(to) {
                entry.insert((at, index));
                queue.push_back(to);
                seen.states += 1;
            }
        }
    }
    Ok(seen)
}

/// How a state came about, from the beginning.
fn story(came_from: &KeyMap<(u64, u16)>, at: u64, scope: &Scope, last: Option<&Happening>) -> String {
    let mut keys = vec![(at, None)];
    let mut to = at;
    while let Some((from, index)) = came_from.get(&to).copied().filter(|(from, _)| *from != to) {
        keys.push((from, Some(index)));
        to = from;
    }
    let mut text = String::new();
    for (key, index) in keys.into_iter().rev() {
        let here = world(key);
        let mut happenings = Vec::new();
        what_can_happen(&here, scope, &mut happenings);
        let then = index.map(|index| happenings[usize::from(index)]);
        let _ = writeln!(text, "{:?} alive: {}", here.as_ledger(), here.is_alive);
        let _ = writeln!(text, "  -> {:?}", then.as_ref().or(last));
    }
    text
}

const CAUSES: [Cause; 4] = [Cause::Timeout, Cause::Load, Cause::Renderer, Cause::Reported];

/// Every event that can come in a state.
pub(super) fn what_can_happen(world: &World, scope: &Scope, all: &mut Vec<Happening>) {
    boots(world, scope, all);
    let bundles = 1..=scope.bundles;
    if world.is_alive {
        let is_overtaken = world.as_ledger().record.is_some_and(|record| !record.of_trial)
            && world.state().current.trial().is_some();
        let pages = [Some(Who::Live), is_overtaken.then_some(Who::Earlier), Some(Who::Unknown)];
        for who in pages.into_iter().flatten() {
            all.push(Happening::Ready(who));
            all.extend(CAUSES.map(|cause| Happening::Failed(who, cause)));
        }
        if scope.renderers {
            all.extend([Some(true), Some(false), None].map(Happening::RendererGone));
        }
        all.extend([Happening::Foreground, Happening::Background, Happening::Reset, Happening::NoteLost]);
    }
    all.extend(bundles.clone().map(|bundle| Happening::Answered(Offer::Bundle(root(bundle)))));
    all.extend([Offer::Builtin, Offer::Nothing].map(Happening::Answered));
    all.extend((0..=scope.bundles).map(Happening::Chosen));
    all.push(Happening::ChannelChanged);
    all.extend(bundles.clone().map(Happening::Damaged));
    all.extend(bundles.clone().map(|bundle| Happening::Forgiven(Some(bundle))));
    all.extend([Happening::Forgiven(None), Happening::DayPasses]);
    if scope.lifts {
        for bundle in bundles {
            all.extend([true, false].map(|is_newer| Happening::Lifted { bundle, is_newer }));
        }
        all.push(Happening::ClockSetBack);
    }
}

fn boots(world: &World, scope: &Scope, all: &mut Vec<Happening>) {
    let needed = world.state().needed();
    let needed: u8 =
        (1..=scope.bundles).filter(|bundle| needed.contains(&root(*bundle))).map(|b| 1 << b).sum();
    let exits = [Some(Exit::Unknown), Some(Exit::Crashed), Some(Exit::Killed)];
    let swap = world.is_alive.then_some((None, true));
    let ends = exits.into_iter().flat_map(|exit| [(exit, true), (exit, false)]).chain(swap);
    for (exit, same_os) in ends {
        for recordable in [true, false] {
            if !recordable && !scope.unrecorded {
                continue;
            }
            let boot = BootOf { exit, same_os, recordable, ..BootOf::PLAIN };
            // Every set of bundles that may be missing.
            let mut missing = needed;
            loop {
                all.push(Happening::Boot(BootOf { missing, ..boot }));
                if missing == 0 {
                    break;
                }
                missing = (missing - 1) & needed;
            }
            all.push(Happening::Boot(BootOf { on_screen: false, ..boot }));
            // Of a changed app nothing is judged.
            all.push(Happening::Boot(BootOf {
                same_native: false,
                missing: needed,
                on_screen: recordable,
                ..boot
            }));
        }
    }
}

/// The walks of the proof, each to its end.
pub(super) const SCOPES: [Scope; 3] = [
    Scope {
        name: "three bundles, something held against one at a time",
        bundles: 3,
        marked: 1,
        lifts: false,
        renderers: true,
        unrecorded: true,
        most_states: usize::MAX,
    },
    Scope {
        name: "two bundles, something held against both",
        bundles: 2,
        marked: 2,
        lifts: true,
        renderers: false,
        unrecorded: false,
        most_states: usize::MAX,
    },
    Scope {
        name: "one bundle, all that can happen",
        bundles: 1,
        marked: 1,
        lifts: true,
        renderers: true,
        unrecorded: true,
        most_states: usize::MAX,
    },
];

fn walk_and_tell(scope: &Scope) {
    let start = Instant::now();
    match walk(&Rules::default(), scope) {
        Ok(seen) => {
            println!("{}: {} states, {} transitions", scope.name, seen.states, seen.transitions);
            println!("  ({} led beyond its bound; {:.1} s)", seen.beyond, start.elapsed().as_secs_f64());
            must_say(&walked(scope.name, &seen));
        }
        Err(found) => panic!("{}\n{}\nafter {:?}", found.story, violation_text(&found.violation), found.seen),
    }
}

pub(super) fn violation_text(violation: &Violation) -> String {
    format!("{:?}: {}", violation.promise, violation.what)
}

#[test]
fn one_bundle_keeps_every_promise() {
    walk_and_tell(&SCOPES[2]);
}

#[test]
fn two_bundles_with_something_against_both_keep_every_promise() {
    walk_and_tell(&SCOPES[1]);
}

#[test]
fn three_bundles_keep_every_promise() {
    walk_and_tell(&SCOPES[0]);
}
