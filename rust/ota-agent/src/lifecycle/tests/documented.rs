//! `docs/lifecycle.md` is held to the code: its numbers, its rules, and the counts of the walks.

use super::walk::{SCOPES, Seen};
use crate::lifecycle::{Rule, Rules};

const PAGE: &str = include_str!("../../../../../docs/lifecycle.md");

/// Fails with the line that the page should have.
pub(super) fn must_say(line: &str) {
    assert!(PAGE.lines().any(|written| written == line), "docs/lifecycle.md should say:\n{line}");
}

/// The line about a walk.
pub(super) fn walked(name: &str, seen: &Seen) -> String {
    format!("| {name} | {} | {} |", thousands(seen.states as u64), thousands(seen.transitions))
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_page_tells_the_numbers_in_force() {
    let rules = Rules::default();
    let numbers = [
        ("Crashed boots that end a trial", rules.max_boot_attempts.to_string()),
        ("Interrupted boots in a row that put a trial off", rules.max_interruptions.to_string()),
        ("Crashed boots in a row that put a confirmed bundle off", rules.max_confirmed_crashes.to_string()),
        ("Hours for which a bundle is put off", (rules.set_aside_seconds / 3600).to_string()),
    ];
    for (what, number) in numbers {
        let is_told = PAGE.lines().any(|line| line.starts_with(&format!("| {what} | {number} |")));
        assert!(is_told, "{what}: {number}");
    }
}

#[test]
fn the_page_names_every_walk_and_every_rule() {
    for scope in SCOPES {
        assert!(PAGE.contains(&format!("| {} |", scope.name)), "{}", scope.name);
    }
    for rule in Rule::ALL {
        assert!(PAGE.contains(&format!("| `{rule:?}` |")), "{rule:?}");
    }
}
