//! I5: whatever goes wrong, boot after boot, the app comes to a bundle that works, at worst the builtin.

use super::checks::{Checked, Promise, Violation};
use super::model::{BootOf, Happening, Who, World, key};
use super::walk::KeyMap;
use crate::lifecycle::{Cause, Exit, Rules, step};

/// The states from which every chain of failures ends, and the ones being looked at.
#[derive(Default)]
pub(super) struct Progress {
    proved: KeyMap<bool>,
}

/// What an adversary can do to a page that never becomes ready.
const FAILURES: [Happening; 6] = [
    Happening::Failed(Who::Live, Cause::Timeout),
    Happening::Failed(Who::Live, Cause::Load),
    Happening::RendererGone(Some(true)),
    Happening::RendererGone(None),
    Happening::Foreground,
    Happening::Background,
];

/// Ways in which a page's boot ends and the next begins.
const ENDS: [BootOf; 5] = [
    BootOf { exit: Some(Exit::Crashed), ..BootOf::PLAIN },
    BootOf::PLAIN,
    BootOf { exit: Some(Exit::Killed), ..BootOf::PLAIN },
    BootOf { same_os: false, ..BootOf::PLAIN },
    BootOf { exit: None, ..BootOf::PLAIN },
];

impl Progress {
    /// Proves that from here no chain of failures goes on for ever: that it has no circle.
    ///
    /// A page that was ready works, and the builtin is where it ends. A trial may be crashed, killed, left, reloaded
    /// and timed out at will. A confirmed bundle was good once and is given up for crashes alone, so only those are
    /// held against it here: a boot that merely ends is not a failure of it.
    pub(super) fn prove(&mut self, rules: &Rules, world: &World, here: u64, is_exact: bool) -> Checked<()> {
        if !world.is_alive {
            // Its boot leads to a state that is looked at by itself.
            return Ok(());
        }
        match self.proved.get(&here) {
            Some(true) => return Ok(()),
            Some(false) => {
                let what = format!("failures go round in a circle: {:?}", world.as_ledger());
                return Err(Violation { promise: Promise::I5, what });
            }
            None => self.proved.insert(here, false),
        };
        for after in failures(rules, world) {
            self.prove(rules, &after, key(&after, is_exact), is_exact)?;
        }
        self.proved.insert(here, true);
        Ok(())
    }
}

fn failures(rules: &Rules, world: &World) -> Vec<World> {
    let Some(record) = world.as_ledger().record else { return Vec::new() };
    if record.ready || record.bundle == 0 {
        return Vec::new();
    }
    let then = |happening: &Happening| {
        let event = world.event(happening).expect("the machine hears of it");
        let machine = step(rules, world.machine.clone(), event).machine;
        World { machine, ..world.clone() }
    };
    let boots = |ends: &[BootOf]| ends.iter().map(|end| then(&Happening::Boot(*end))).collect::<Vec<_>>();
    if record.over {
        return boots(&ENDS);
    }
    let is_change = |after: &World| after.machine != world.machine;
    if record.of_trial {
        // Coming and going is free: only what leads on by itself is a step.
        let mut all = boots(&ENDS);
        all.extend(FAILURES[..4].iter().map(then).filter(is_change));
        return all;
    }
    let mut all: Vec<_> = FAILURES[2..4].iter().map(then).filter(is_change).collect();
    if record.was_on_screen() {
        all.extend(boots(&ENDS[..2]));
    } else if record.renderer_crashes > 0 {
        all.extend(boots(&ENDS));
    }
    all
}
