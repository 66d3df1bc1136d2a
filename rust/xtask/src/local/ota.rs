//! The `ota` command, run as a person or a script runs it.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{PASSWORD, Stop, USER};
use crate::project::Outcome;

/// `ota`, with its logins in a folder of its own: the reader's are left alone.
#[derive(Debug)]
pub(crate) struct Ota {
    binary: PathBuf,
    config: PathBuf,
    server: String,
    stop: Stop,
}

impl Ota {
    /// The program, speaking to `server`, logging in below `config`.
    pub(crate) fn new(binary: &Path, config: &Path, server: &str, stop: &Stop) -> Self {
        Self {
            binary: binary.to_owned(),
            config: config.to_owned(),
            server: server.to_owned(),
            stop: stop.clone(),
        }
    }

    /// The program as a command of its own.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("OTA_SERVER", &self.server).env("XDG_CONFIG_HOME", &self.config);
        for name in ["OTA_TOKEN", "OTA_CA_FILE", "OTA_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Logs in as the account made at the server's start.
    ///
    /// # Errors
    /// Where that fails.
    pub(crate) fn log_in(&self) -> Outcome {
        self.run(&["login", "--user", USER, "--password-stdin"], PASSWORD).map(drop)
    }

    /// Runs a command with `--json` and gives the objects it printed, one a line.
    ///
    /// # Errors
    /// Where it fails or prints anything else; with all that it said.
    pub(crate) fn json<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome<Vec<Value>> {
        self.run(args, "")
    }

    /// As [`Ota::json`], of a command that prints one object.
    ///
    /// # Errors
    /// As [`Ota::json`].
    pub(crate) fn one<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome<Value> {
        Ok(self.json(args)?.pop().unwrap_or(Value::Null))
    }

    fn run<S: AsRef<OsStr>>(&self, args: &[S], input: &str) -> Outcome<Vec<Value>> {
        self.stop.check()?;
        let args: Vec<OsString> = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        let mut command = self.command();
        command.arg("--json").args(&args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.binary.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing is not to blame.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        self.stop.check()?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let lines: Result<Vec<Value>, _> =
            stdout.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect();
        match lines {
            Ok(lines) if output.status.success() => Ok(lines),
            _ => {
                let said = args.join(OsStr::new(" "));
                Err(format!("ota {}: {}\n{stdout}{stderr}", said.display(), output.status).into())
            }
        }
    }
}
