//! A server of our own, on a free port, that ends with whoever started it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::{PASSWORD, USER, http};
use crate::project::Outcome;

/// How long a server may take to start, with a debug build on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running server. Dropped, it is ended.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Starts `command` (the program, with whatever stands before it) on `data`. Its log goes beside `data`.
    ///
    /// # Errors
    /// Where it does not start; with the end of its log.
    pub(crate) fn start(mut command: Command, data: &Path) -> Outcome<Self> {
        let log = data.with_extension("log");
        command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--admin-user", USER]);
        command.env("OTA_ADMIN_PASSWORD", PASSWORD).env_remove("OTA_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let child =
            command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        // From here on whatever goes wrong ends it.
        let mut server = Self { child, url: String::new(), log };
        server.url = server.first_line()?;
        Ok(server)
    }

    fn first_line(&mut self) -> Outcome<String> {
        let stdout = self.child.stdout.take().ok_or("the server has no standard output")?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(START).unwrap_or_default();
        let url = line.trim().strip_prefix("listening on ").map(str::to_owned);
        url.ok_or_else(|| format!("the server did not start; it said:\n{}", self.last_words()).into())
    }

    /// Its origin, such as `http://127.0.0.1:40213`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    #[cfg(feature = "bench")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// A counter of its `/metrics`.
    ///
    /// # Errors
    /// Where it does not answer, or has no such counter.
    pub(crate) fn counter(&self, name: &str) -> Outcome<u64> {
        let metrics = http::get(self.url.trim_start_matches("http://"), "/metrics")?;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.ok_or_else(|| format!("/metrics has no {name}"))?;
        Ok(value.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
