//! The real `ota`.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries::binaries;
use crate::said::Said;

/// `ota`, with its logins in a folder of its own.
#[derive(Debug, Clone)]
pub struct Ota {
    config: PathBuf,
    /// Stands for `OTA_SERVER`.
    pub server: Option<String>,
    /// Stands for `OTA_TOKEN`.
    pub token: Option<String>,
}

/// The program with none of the reader's settings.
pub(crate) fn bare(config: &Path) -> Command {
    let mut command = Command::new(&binaries().ota);
    command.env("XDG_CONFIG_HOME", config).stdin(Stdio::null());
    for name in ["OTA_SERVER", "OTA_TOKEN", "OTA_CA_FILE", "OTA_LOG"] {
        command.env_remove(name);
    }
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command
}

impl Ota {
    /// With its logins below `config`.
    pub fn new(config: &Path) -> Self {
        Self { config: config.to_owned(), server: None, token: None }
    }

    fn command(&self) -> Command {
        let mut command = bare(&self.config);
        command.arg("--json").envs(self.server.as_ref().map(|server| ("OTA_SERVER", server)));
        command.envs(self.token.as_ref().map(|token| ("OTA_TOKEN", token)));
        command
    }

    /// Runs a command with `--json`.
    ///
    /// # Panics
    /// Where it breaks what JSON output promises ([`Said::read`]).
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        Said::read(&self.command().args(args).output().expect("ota runs"))
    }

    /// As [`Ota::run`], with something on standard input.
    ///
    /// # Panics
    /// As [`Ota::run`].
    #[track_caller]
    pub fn run_with_input<S: AsRef<OsStr>>(&self, args: &[S], input: &str) -> Said {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("ota runs");
        // One that fails before it reads closes its end.
        let _ = child.stdin.take().expect("its standard input").write_all(input.as_bytes());
        Said::read(&child.wait_with_output().expect("ota ends"))
    }
}
