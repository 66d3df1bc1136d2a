//! `cargo xtask test`: everything that must hold, in the order in which it is quickest to know.

mod count;
mod machine;
mod summary;

use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::project::{self, Outcome};
use summary::{Result, Summary};

/// Runs everything: format, lints, who may use whom, licences, tests, documentation, the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {}

impl Test {
    #[allow(clippy::unused_self)] // every command is run the same way
    pub(crate) fn run(self) -> Outcome {
        let mut summary = Summary::default();
        machine::prepare(&mut summary);
        check(&mut summary, "format", cargo(&["fmt", "--all", "--check"]));
        check(&mut summary, "dependencies", own(&["check-deps"])?);
        deny(&mut summary);
        let lints = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        check(&mut summary, "lints", cargo(&lints));
        tests(&mut summary);
        let mut documentation = cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
        documentation.env("RUSTDOCFLAGS", "-D warnings");
        check(&mut summary, "documentation", documentation);
        check(&mut summary, "demo", own(&["demo"])?);
        summary.print();
        if summary.has_failed() {
            // The counts are the last line, whatever they are.
            std::process::exit(1);
        }
        Ok(())
    }
}

fn cargo(args: &[&str]) -> Command {
    let mut cargo = project::cargo();
    cargo.args(args);
    cargo
}

/// A command of this very program.
fn own(args: &[&str]) -> Outcome<Command> {
    let mut own = Command::new(std::env::current_exe()?);
    own.args(args).current_dir(project::root());
    Ok(own)
}

/// Says what comes.
fn heading(name: &str) {
    eprintln!("\n== {name}");
}

fn check(summary: &mut Summary, name: &'static str, mut command: Command) {
    heading(name);
    let start = Instant::now();
    let result = match command.stdin(Stdio::null()).status() {
        Ok(status) => Result::of(status.success()),
        Err(error) => {
            eprintln!("{}: {error}", command.get_program().display());
            Result::Failed
        }
    };
    summary.check(name, result, start.elapsed());
}

/// Licences, bans and sources, where cargo-deny is installed: it is too large to be installed in passing.
fn deny(summary: &mut Summary) {
    let mut version = cargo(&["deny", "--version"]);
    let is_installed = version
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status: ExitStatus| status.success());
    if !project::root().join("deny.toml").is_file() {
        summary.skip("licences", "there is no deny.toml");
    } else if is_installed {
        // Advisories need the network, and turn red on their own: `cargo deny check advisories` is for people.
        let what = ["licenses", "bans", "sources"];
        let options = ["deny", "--workspace", "--all-features", "--log-level", "error", "check"];
        check(summary, "licences", cargo(&[&options[..], &what[..]].concat()));
    } else {
        summary.skip("licences", "cargo-deny is not installed: cargo install --locked cargo-deny");
    }
}

fn tests(summary: &mut Summary) {
    heading("tests");
    let start = Instant::now();
    match count::run(summary) {
        Ok(has_passed) => summary.tests_took(has_passed, start.elapsed()),
        Err(error) => {
            eprintln!("{error}");
            summary.tests_took(false, start.elapsed());
        }
    }
}
