//! `cargo xtask bench`: how fast and how small, beside what a person would use instead. Never a test: machines differ.
//!
//! What measures is built for release like what is measured, so this command builds both and hands over to `run`.

#[cfg(feature = "bench")]
mod run;

use std::process::Command;

use crate::local::{self, Profile};
use crate::project::{self, Outcome};

/// Measures updates, boots, checks and uploads, each beside a rival in the same run.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// What to measure [default: all]
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// The results as JSON
    #[arg(long)]
    json: bool,
    /// How often each side of a pair is measured, where that takes long
    #[arg(long, value_name = "N", default_value_t = 11)]
    pairs: usize,
    /// The built programs, for the program that measures
    #[cfg(feature = "bench")]
    #[arg(long, hide = true, num_args = 2, value_names = ["SERVER", "OTA"])]
    built: Vec<std::path::PathBuf>,
    /// What is run to be measured, for the program that measures
    #[cfg(feature = "bench")]
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true)]
    child: Vec<std::ffi::OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Row {
    Update,
    Boot,
    Check,
    Upload,
}

impl Row {
    const ALL: [Self; 4] = [Self::Update, Self::Boot, Self::Check, Self::Upload];

    fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Boot => "boot",
            Self::Check => "check",
            Self::Upload => "upload",
        }
    }
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        #[cfg(feature = "bench")]
        if !self.child.is_empty() {
            return run::child(&self.child);
        }
        #[cfg(feature = "bench")]
        if let [server, ota] = self.built.as_slice() {
            let rows = if self.rows.is_empty() { &Row::ALL[..] } else { &self.rows };
            return run::run(server, ota, rows, self.pairs, self.json);
        }
        self.hand_over()
    }

    fn hand_over(&self) -> Outcome {
        let all = ["-p", "ota-server", "-p", "ota-cli", "-p", "xtask", "--bins", "--features", "xtask/bench"];
        let built = local::build(Profile::Release, &all)?;
        let find = |name: &str| {
            let program = built.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
            program.cloned().ok_or_else(|| format!("cargo built no program called {name}"))
        };
        let mut bench = Command::new(find("xtask")?);
        bench.current_dir(project::root()).arg("bench");
        let rows = if self.rows.is_empty() { &Row::ALL[..] } else { &self.rows };
        bench.args(rows.iter().map(|row| row.name()));
        bench.arg("--pairs").arg(self.pairs.to_string());
        if self.json {
            bench.arg("--json");
        }
        bench.arg("--built").arg(find("ota-server")?).arg(find("ota")?);
        let status = bench.status()?;
        if status.success() { Ok(()) } else { Err(format!("the bench: {status}").into()) }
    }
}
