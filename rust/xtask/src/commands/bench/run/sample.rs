//! Running something once, or often, and how long it took.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::project::{self, Outcome};

/// One run of a program.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Run {
    /// From before it is started to its end.
    pub(super) ms: f64,
    /// The most memory it held, in KiB.
    pub(super) max_rss_kib: u64,
}

/// Runs a program in a process of its own, so that the system's count of memory is of it alone.
///
/// # Errors
/// Where it cannot be run or fails.
pub(super) fn run(program: &std::path::Path, args: &[OsString]) -> Outcome<Run> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--child"]).arg(program).args(args);
    Ok(serde_json::from_slice(&project::output_of(&mut command)?)?)
}

/// The other side of [`run`].
pub(super) fn child(command: &[OsString]) -> Outcome {
    let (program, args) = command.split_first().ok_or("nothing to run")?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    let max_rss_kib = u64::try_from(usage.max_rss())?;
    println!("{}", serde_json::to_string(&Run { ms, max_rss_kib })?);
    Ok(())
}

/// Milliseconds that `work` takes.
pub(super) fn time<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, f64)> {
    let start = Instant::now();
    let value = work()?;
    Ok((value, start.elapsed().as_secs_f64() * 1000.0))
}

/// What everybody wrote before is on the disk, so that nobody pays for another's writing.
pub(super) fn settle() {
    nix::unistd::sync();
}

/// Several measurements of one thing.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) samples: usize,
}

impl Spread {
    /// Of at least one value.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        Self {
            median: f64::midpoint(at(low), at(high)),
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
            samples: sorted.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp)] // exact in binary
    fn the_median_is_the_middle() {
        let of = |values: &[f64]| Spread::of(values).median;
        assert_eq!(of(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(of(&[7.0]), 7.0);
    }
}
