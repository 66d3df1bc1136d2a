//! Where it is measured: a release build with the feature `bench`.

mod boot;
mod check;
mod place;
mod report;
mod sample;
mod update;
mod upload;

use std::ffi::OsString;
use std::path::Path;

use super::Row;
use crate::project::Outcome;
use place::Place;
use report::Report;

/// Measures what is asked for and prints it.
///
/// # Errors
/// Where something does not run. A target that is missed is no error.
pub(super) fn run(server: &Path, ota: &Path, rows: &[Row], pairs: usize, json: bool) -> Outcome {
    let place = Place::new(server, ota)?;
    let mut report = Report::default();
    for row in rows {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        // Figures of a machine that does something else are of that.
        eprintln!("measuring: {} (load average before: {load})", row.name());
        place.stop.check()?;
        match row {
            Row::Update => update::measure(&place, pairs, &mut report)?,
            Row::Boot => boot::measure(&place, &mut report)?,
            Row::Check => check::measure(&place, pairs, &mut report)?,
            Row::Upload => upload::measure(&place, &mut report)?,
        }
    }
    report.print(json)
}

/// Runs one program and says how long it took and how much memory it held.
///
/// # Errors
/// Where it cannot be run or fails.
pub(super) fn child(command: &[OsString]) -> Outcome {
    sample::child(command)
}
