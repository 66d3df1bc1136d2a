//! The device of the story: `ota device`, one process a command, as a phone's app comes and goes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::local::Ota;
use crate::project::Outcome;

/// The app's version in the store.
pub(super) const NATIVE: &str = "0.9.0";

/// A device with an app on it.
#[derive(Debug)]
pub(super) struct Device<'a> {
    ota: &'a Ota,
    home: PathBuf,
    builtin: PathBuf,
}

/// What an update printed last, and how it came to it.
#[derive(Debug)]
pub(super) struct Update {
    /// Its last line.
    pub(super) line: Value,
    /// Lines that say how far a download is.
    pub(super) progress: usize,
    /// From the start of the process to its end.
    pub(super) took: Duration,
}

impl<'a> Device<'a> {
    /// A device whose app ships `builtin` and keeps its things in `home`.
    pub(super) fn new(ota: &'a Ota, home: &Path, builtin: &Path) -> Self {
        Self { ota, home: home.to_owned(), builtin: builtin.to_owned() }
    }

    /// Another one like it, just unpacked.
    pub(super) fn another(&self, home: &Path) -> Self {
        Self::new(self.ota, home, &self.builtin)
    }

    fn lines(&self, words: &[&str]) -> Outcome<Vec<Value>> {
        let mut args: Vec<OsString> = vec!["device".into(), "--home".into(), self.home.clone().into()];
        args.extend(["--builtin".into(), self.builtin.clone().into()]);
        args.extend(["--native-version", NATIVE].map(OsString::from));
        args.extend(words.iter().map(OsString::from));
        self.ota.json(&args)
    }

    fn last(&self, words: &[&str]) -> Outcome<Value> {
        Ok(self.lines(words)?.pop().unwrap_or(Value::Null))
    }

    /// The app starts.
    pub(super) fn boot(&self) -> Outcome<Value> {
        self.last(&["boot"])
    }

    /// The page of that boot is up.
    pub(super) fn ready(&self, boot: &Value) -> Outcome<Value> {
        self.last(&["ready", "--token", token(boot)])
    }

    /// The page of that boot failed.
    pub(super) fn fail(&self, boot: &Value, reason: &str) -> Outcome<Value> {
        self.last(&["fail", "--token", token(boot), "--reason", reason])
    }

    /// It asks its server, and takes what is offered.
    pub(super) fn update(&self) -> Outcome<Update> {
        let start = Instant::now();
        let mut lines = self.lines(&["update"])?;
        let took = start.elapsed();
        let line = lines.pop().unwrap_or(Value::Null);
        let progress = lines.iter().filter(|line| line["event"] == "progress").count();
        Ok(Update { line, progress, took })
    }

    /// All it knows.
    pub(super) fn status(&self) -> Outcome<Value> {
        self.last(&["status"])
    }
}

fn token(boot: &Value) -> &str {
    boot["token"].as_str().unwrap_or_default()
}
