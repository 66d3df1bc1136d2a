//! Every rule of the lifecycle, broken on purpose: the walk has to notice each.

use super::checks::Promise;
use super::documented::must_say;
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

/// What a broken promise is called in the documentation.
fn name(promise: Promise) -> &'static str {
    match promise {
        Promise::I1 => "I1",
        Promise::I2 => "I2",
        Promise::I3 => "I3",
        Promise::I4 => "I4",
        Promise::I5 => "I5",
        Promise::I6 => "I6",
        Promise::Token => "token",
        Promise::Trial => "trial",
        Promise::Next => "next",
        Promise::Native => "native",
        Promise::Record => "record",
        Promise::Words => "words",
    }
}

#[test]
fn each_rule_broken_on_purpose_breaks_a_promise() {
    let mut lines = Vec::new();
    for rule in Rule::ALL {
        match walk(&Rules { broken: Some(rule), ..Rules::default() }, &ALL) {
            Ok(seen) => panic!("nothing notices {rule:?} in {} states", seen.states),
            Err(found) => {
                let what = found.violation.what.split(':').next().unwrap_or_default();
                let promise = name(found.violation.promise);
                lines.push(format!("| `{rule:?}` | {promise} | {} | {what} |", found.seen.states));
            }
        }
    }
    for line in &lines {
        println!("{line}");
    }
    for line in &lines {
        must_say(line);
    }
}
