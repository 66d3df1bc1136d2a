//! Where the project is, and running its tools.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a command gives back; the text is for people.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    // rust/xtask is two below it; cargo sets the variable for what it runs, so that a moved checkout works too.
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(2).map_or(here.clone(), Path::to_path_buf)
}

/// The cargo that runs this, at the repository's root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // What `cargo run` says of this program is nothing to what it builds; ring is built anew when it changes.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs a command and gives its standard output.
///
/// # Errors
/// Where it cannot be run or fails; with what it said.
pub(crate) fn output_of(command: &mut Command) -> Outcome<Vec<u8>> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end())
        .into())
}
