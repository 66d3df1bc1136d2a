//! A second opinion: long random histories with real names, that share nothing with the walk's numbering of states.

use super::checks::happen;
use super::ledger::Ledger;
use super::model::World;
use super::walk::{Scope, violation_text, what_can_happen};
use crate::lifecycle::Rules;

const SCOPE: Scope = Scope {
    name: "wander",
    bundles: 3,
    marked: 3,
    lifts: true,
    renderers: true,
    unrecorded: true,
    most_states: usize::MAX,
};

/// A small generator of numbers (xorshift), so that every run wanders the same ways.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("small")
    }
}

#[test]
fn random_histories_keep_every_promise() {
    let mut dice = Dice(0x5eed_5eed_5eed_5eed);
    for _ in 0..400 {
        let mut world = World::new();
        let mut past = Vec::new();
        for _ in 0..500 {
            let mut all = Vec::new();
            what_can_happen(&world, &SCOPE, &mut all);
            // Boots are the most numerous by far: they get half of the turns.
            let boots = all.iter().take_while(|one| matches!(one, super::model::Happening::Boot(_))).count();
            let index = match dice.below(2) {
                0 => dice.below(boots),
                _ => boots + dice.below(all.len() - boots),
            };
            past.push(all[index]);
            let mut reached = Vec::new();
            let mut reach = |next: &World, _: &Ledger| reached.push(next.clone());
            if let Err(violation) =
                happen(&Rules::default(), &world, &world.as_ledger(), &all[index], &mut reach)
            {
                panic!("{}\nafter {past:#?}", violation_text(&violation));
            }
            // Mostly all is done; sometimes the instant in the middle comes.
            let to = if dice.below(8) == 0 { reached.len() - 1 } else { 0 };
            world = reached.swap_remove(to);
        }
    }
}
