//! The programs under test: built when they are first asked for, so that no test ever runs stale ones.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// Where the programs are.
#[derive(Debug)]
pub struct Binaries {
    /// `ota-server`.
    pub server: PathBuf,
    /// `ota`.
    pub ota: PathBuf,
}

/// The programs, up to date. The first call in a process runs cargo, in the profile and target directory that this
/// test was built in; that takes a moment where they are fresh.
///
/// # Panics
/// Where they do not build.
pub fn binaries() -> &'static Binaries {
    // Also a failure is kept: every test has the same, and one build is enough.
    static BINARIES: OnceLock<Result<Binaries, String>> = OnceLock::new();
    match BINARIES.get_or_init(build) {
        Ok(binaries) => binaries,
        Err(said) => panic!("the programs under test do not build:\n{said}"),
    }
}

fn build() -> Result<Binaries, String> {
    let test = std::env::current_exe().expect("a test knows where it is");
    // TARGET/PROFILE/deps/TEST
    let profile = test.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
    let target = profile.parent().expect("a profile's folder lies in the target directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).arg("build").args(["-p", "ota-server", "-p", "ota-cli", "--bins"]);
    cargo.arg("--message-format=json-render-diagnostics").arg("--target-dir").arg(target);
    match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(name) => drop(cargo.args(["--profile", name])),
    }
    let output = cargo.output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(said.into_owned());
    }
    let built: Vec<PathBuf> = output.stdout.split(|byte| *byte == b'\n').filter_map(executable).collect();
    let find = |name: &str| {
        let program = built.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
        program.cloned().ok_or_else(|| format!("cargo built no program called {name}:\n{said}"))
    };
    Ok(Binaries { server: find("ota-server")?, ota: find("ota")? })
}

fn executable(line: &[u8]) -> Option<PathBuf> {
    let message: Value = serde_json::from_slice(line).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}
