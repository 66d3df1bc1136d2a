//! What passed and what did not, at the end, where it is found.

use std::collections::BTreeMap;
use std::time::Duration;

/// Tests of one program, or of one crate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Counts {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn read(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let of = |word: &str| {
            rest.split(';').find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
        };
        Some(Self { passed: of("passed")?, failed: of("failed")?, ignored: of("ignored")? })
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Result {
    Passed,
    Failed,
}

impl Result {
    pub(super) fn of(has_passed: bool) -> Self {
        if has_passed { Self::Passed } else { Self::Failed }
    }
}

/// Everything that was run.
#[derive(Debug, Default)]
pub(super) struct Summary {
    checks: Vec<(&'static str, Result, Duration)>,
    skipped: Vec<(String, String)>,
    crates: BTreeMap<String, Counts>,
    tests: Option<(bool, Duration)>,
}

impl Summary {
    pub(super) fn check(&mut self, name: &'static str, result: Result, took: Duration) {
        self.checks.push((name, result, took));
    }

    pub(super) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.skipped.push((name.into(), why.into()));
    }

    pub(super) fn add(&mut self, name: &str, counts: Counts) {
        self.crates.entry(name.to_owned()).or_default().add(counts);
    }

    pub(super) fn tests_took(&mut self, has_passed: bool, took: Duration) {
        self.tests = Some((has_passed, took));
    }

    fn tests(&self) -> Counts {
        let mut all = Counts::default();
        self.crates.values().for_each(|counts| all.add(*counts));
        // Tests that did not build, or a program that ended before it could say how it went.
        if all.failed == 0 && self.tests.is_some_and(|(has_passed, _)| !has_passed) {
            all.failed = 1;
        }
        all
    }

    /// Checks and tests together: passed, failed, skipped.
    fn totals(&self) -> (u64, u64, u64) {
        let failed = self.checks.iter().filter(|(_, result, _)| *result == Result::Failed).count() as u64;
        let passed = self.checks.len() as u64 - failed;
        let tests = self.tests();
        (passed + tests.passed, failed + tests.failed, self.skipped.len() as u64 + tests.ignored)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.totals().1 > 0
    }

    pub(super) fn print(&self) {
        println!("\n{:<16}{:>9}{:>9}", "check", "result", "seconds");
        for (name, result, took) in &self.checks {
            let result = if *result == Result::Passed { "passed" } else { "FAILED" };
            println!("{name:<16}{result:>9}{:>9.1}", took.as_secs_f64());
        }
        println!("\n{:<16}{:>9}{:>9}{:>9}", "tests of", "passed", "failed", "ignored");
        for (name, Counts { passed, failed, ignored }) in &self.crates {
            println!("{name:<16}{passed:>9}{failed:>9}{ignored:>9}");
        }
        if let Some((has_passed, took)) = self.tests {
            let said = if has_passed { "" } else { "; cargo test FAILED" };
            println!("in {:.1} s{said}", took.as_secs_f64());
        }
        for (name, why) in &self.skipped {
            println!("\nskipped: {name}: {why}");
        }
        let (passed, failed, skipped) = self.totals();
        let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        println!("\n{passed} passed, {failed} failed{skipped}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.52s";

    #[test]
    fn results_are_read() {
        assert_eq!(Counts::read(LINE), Some(Counts { passed: 12, failed: 3, ignored: 1 }));
        assert_eq!(Counts::read("test a::b ... ok"), None);
    }

    #[test]
    fn checks_and_tests_are_counted_together() {
        let mut summary = Summary::default();
        summary.check("format", Result::Passed, Duration::ZERO);
        summary.add("a", Counts { passed: 2, failed: 0, ignored: 0 });
        summary.add("a", Counts { passed: 1, failed: 0, ignored: 1 });
        summary.tests_took(true, Duration::ZERO);
        assert_eq!((summary.totals(), summary.has_failed()), ((4, 0, 1), false));
    }

    #[test]
    fn tests_that_do_not_build_are_a_failure() {
        let mut summary = Summary::default();
        summary.tests_took(false, Duration::ZERO);
        assert!(summary.has_failed());
    }
}
