//! The programs under test, built when they are needed.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::project::{self, Outcome};

/// How they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly.
    Dev,
    /// For measuring.
    Release,
}

/// Where the built programs are.
#[derive(Debug)]
pub(crate) struct Binaries {
    /// `ota-server`.
    pub(crate) server: PathBuf,
    /// `ota`.
    pub(crate) ota: PathBuf,
}

impl Binaries {
    /// Builds both with one call of cargo, whose progress is shown.
    ///
    /// # Errors
    /// Where they do not build.
    pub(crate) fn build(profile: Profile) -> Outcome<Self> {
        let built = build(profile, &["-p", "ota-server", "-p", "ota-cli", "--bins"])?;
        let find = |name: &str| {
            let program = built.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
            program.cloned().ok_or_else(|| format!("cargo built no program called {name}"))
        };
        Ok(Self { server: find("ota-server")?, ota: find("ota")? })
    }
}

/// Runs `cargo build` and gives the programs it made, wherever the target directory is.
pub(crate) fn build(profile: Profile, args: &[&str]) -> Outcome<Vec<PathBuf>> {
    let mut cargo = project::cargo();
    cargo.args(["build", "--message-format=json-render-diagnostics"]).args(args);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the programs do not build".into());
    }
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let executable = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    Ok(messages.filter_map(executable).collect())
}
