//! Runs the tests and counts them, crate by crate.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::summary::{Counts, Summary};
use crate::project::{self, Outcome};

const ALL: [&str; 2] = ["--workspace", "--all-features"];

/// Runs every test and adds what it finds to `summary`. Gives whether cargo was content.
pub(super) fn run(summary: &mut Summary) -> Outcome<bool> {
    let crates = build()?;
    let mut cargo = project::cargo();
    cargo.args(["test", "--no-fail-fast", "--color=never"]).args(ALL).stdin(Stdio::null());
    // One pipe for both, so that results stand below the name of what they are of.
    let (reader, writer) = std::io::pipe()?;
    let mut child = cargo.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    drop(cargo);
    let mut running = None;
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        if let Some(name) = crate_of(&line, &crates) {
            running = Some(name);
        } else if let (Some(counts), Some(name)) = (Counts::read(&line), &running) {
            summary.add(name, counts);
        }
    }
    Ok(child.wait()?.success())
}

/// Builds the tests, and gives for each of their programs the crate it belongs to.
fn build() -> Outcome<HashMap<String, String>> {
    let mut cargo = project::cargo();
    cargo.args(["test", "--no-run", "--message-format=json-render-diagnostics"]).args(ALL);
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the tests do not build".into());
    }
    let entry = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        let program = message["executable"].as_str()?;
        // path+file:///…/rust/ota-agent#0.1.0, or …/tests#ota-e2e@0.1.0
        let (path, name) = message["package_id"].as_str()?.rsplit_once('#')?;
        let name = name.rsplit_once('@').map_or_else(|| last_name(path), |(name, _)| name);
        Some((last_name(program).to_owned(), name.to_owned()))
    };
    Ok(output.stdout.split(|byte| *byte == b'\n').filter_map(entry).collect())
}

fn last_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The crate whose tests begin with this line.
fn crate_of(line: &str, crates: &HashMap<String, String>) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(name.trim().replace('_', "-"));
    }
    let program = line.strip_prefix("Running ")?.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    let name = last_name(program);
    Some(crates.get(name).cloned().unwrap_or_else(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_lines_name_the_crate() {
        let crates = HashMap::from([("transfer-1a2b".to_owned(), "ota-agent".to_owned())]);
        let name = |line| crate_of(line, &crates);
        let running = "     Running tests/transfer/main.rs (target/debug/deps/transfer-1a2b)";
        assert_eq!(name(running).as_deref(), Some("ota-agent"));
        assert_eq!(name("   Doc-tests ota_protocol").as_deref(), Some("ota-protocol"));
        assert_eq!(name("running 3 tests"), None);
        assert_eq!(name("test a ... ok"), None);
    }
}
