//! Every rule of the lifecycle, broken on purpose: the walk has to notice each.

use super::walk::{Scope, walk};
use crate::lifecycle::{Rule, Rules};

/// All that can happen to three bundles. It is not walked to its end, only until something is noticed.
const ALL: Scope = Scope {
    name: "all",
    bundles: 3,
    marked: 3,
    lifts: true,
    renderers: true,
    unrecorded: true,
    most_states: 100_000,
};

#[test]
fn each_rule_broken_on_purpose_breaks_a_promise() {
    let mut unnoticed = Vec::new();
    println!("{:<28} {:<9} {:>6}", "rule", "noticed", "states");
    for rule in Rule::ALL {
        match walk(&Rules { broken: Some(rule), ..Rules::default() }, &ALL) {
            Ok(_) => unnoticed.push(rule),
            Err(found) => println!(
                "{:<28} {:<9} {:>6}   {}",
                format!("{rule:?}"),
                format!("{:?}", found.violation.promise),
                found.seen.states,
                found.violation.what.split(':').next().unwrap_or_default(),
            ),
        }
    }
    assert!(unnoticed.is_empty(), "nothing notices {unnoticed:?}");
}
