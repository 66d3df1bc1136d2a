//! A device without a screen: the real `ota device`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::app::App;
use crate::ota::bare;
use crate::room::Room;
use crate::said::Said;

/// A device: its home, and the app the store put on it. Each command is a process of its own.
#[derive(Debug)]
pub struct Device {
    dir: TempDir,
    room: Option<Room>,
    home: PathBuf,
    builtin: App,
    /// The app's version in the store.
    pub native: String,
    /// The server it asks; `None`: the config's.
    pub server: Option<String>,
    /// Whatever else stands before the command.
    pub options: Vec<String>,
}

/// What a boot gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booted {
    /// What its release calls it.
    pub version: String,
    /// Its root, or `builtin`.
    pub bundle: String,
    /// Its folder.
    pub path: PathBuf,
    /// For `ready` and `fail`.
    pub token: String,
    /// Why this bundle.
    pub reason: String,
}

impl Booted {
    /// Reads the line of a boot.
    ///
    /// # Panics
    /// Where a field is missing or not a text.
    #[track_caller]
    pub fn read(line: &Value) -> Self {
        let text = |name: &str| {
            let value = line[name].as_str().unwrap_or_else(|| panic!("no {name}: {line}"));
            value.to_owned()
        };
        assert_eq!(line.as_object().map(serde_json::Map::len), Some(5), "{line}");
        Self {
            version: text("version"),
            bundle: text("bundle"),
            path: text("path").into(),
            token: text("token"),
            reason: text("reason"),
        }
    }

    /// Version and reason, for comparing.
    pub fn what(&self) -> (&str, &str) {
        (&self.version, &self.reason)
    }
}

impl Device {
    /// A device on which the app was just installed, at native version 1.0.0.
    ///
    /// # Panics
    /// Where there is no room for it.
    pub fn new(server: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let home = dir.path().join("home");
        let builtin = App::new("as the store ships it");
        let server = Some(server.to_owned());
        Self { dir, room: None, home, builtin, native: "1.0.0".to_owned(), server, options: Vec::new() }
    }

    /// A device whose home is on a disk of its own.
    pub fn within(server: &str, room: Room) -> Self {
        let device = Self::new(server);
        Self { home: room.path().join("home"), room: Some(room), ..device }
    }

    /// The disk of its own.
    ///
    /// # Panics
    /// Where it has none.
    pub fn room(&self) -> &Room {
        self.room.as_ref().expect("the device has a disk of its own")
    }

    /// Its home, as a test can look into it.
    pub fn home(&self) -> PathBuf {
        self.seen(&self.home)
    }

    /// A path that the device printed, as a test can look at it.
    pub fn seen(&self, path: &Path) -> PathBuf {
        self.room.as_ref().map_or_else(|| path.to_owned(), |room| room.seen(path))
    }

    /// What the store ships.
    pub fn builtin(&self) -> &App {
        &self.builtin
    }

    /// The store ships this from now on.
    pub fn ship(&mut self, builtin: App) {
        self.builtin = builtin;
    }

    /// Writes the app's `capacitor.config.json`, and uses it.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn configure(&mut self, config: &Value) {
        let path = self.dir.path().join("capacitor.config.json");
        std::fs::write(&path, config.to_string()).expect("the config is written");
        self.options.extend(["--config".to_owned(), path.to_string_lossy().into_owned()]);
    }

    /// With this before the command.
    #[must_use]
    pub fn option(mut self, option: &str, value: &str) -> Self {
        self.options.extend([option.to_owned(), value.to_owned()]);
        self
    }

    /// A command, not started.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = bare(self.dir.path());
        if let Some(room) = &self.room {
            command = room.inside(&command);
        }
        command.arg("device").arg("--home").arg(&self.home).arg("--builtin").arg(self.builtin.dir());
        command.args(["--native-version", &self.native]);
        if let Some(server) = &self.server {
            command.args(["--server", server]);
        }
        command.args(&self.options).args(args);
        command
    }

    /// Runs a command.
    ///
    /// # Panics
    /// Where it breaks what JSON output promises ([`Said::read`]).
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        Said::read(&self.command(args).output().expect("ota runs"))
    }

    /// Starts a command.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn spawn<S: AsRef<OsStr>>(&self, args: &[S]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ota runs")
    }

    /// Starts a command, and kills it after a while. What it said until then.
    ///
    /// # Panics
    /// As [`Device::run`].
    #[track_caller]
    pub fn kill_after<S: AsRef<OsStr>>(&self, args: &[S], delay: Duration) -> Said {
        let mut child = self.spawn(args);
        std::thread::sleep(delay);
        let _ = child.kill();
        Said::read(&child.wait_with_output().expect("it ends"))
    }

    /// `boot`.
    #[track_caller]
    pub fn boot(&self) -> Booted {
        Booted::read(self.run(&["boot"]).ok())
    }

    /// `ready`.
    #[track_caller]
    pub fn ready(&self, boot: &Booted) -> Said {
        self.run(&["ready", "--token", &boot.token])
    }

    /// `fail`.
    #[track_caller]
    pub fn fail(&self, boot: &Booted, reason: &str) -> Said {
        self.run(&["fail", "--token", &boot.token, "--reason", reason])
    }

    /// `update`, whose lines before the last are held to be progress.
    ///
    /// # Panics
    /// Where they are not.
    #[track_caller]
    pub fn update(&self) -> Said {
        let said = self.run(&["update"]);
        if let Some((_, before)) = said.lines.split_last() {
            progress(before);
        }
        said
    }

    /// `status`.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.run(&["status"]).ok().clone()
    }

    /// Boots, and confirms what comes up.
    ///
    /// # Panics
    /// Where it does not come up.
    #[track_caller]
    pub fn start(&self) -> Booted {
        let boot = self.boot();
        self.ready(&boot).ok();
        boot
    }

    /// Takes what is offered, and confirms it.
    ///
    /// # Panics
    /// Where nothing was staged.
    #[track_caller]
    pub fn install(&self) -> Booted {
        let said = self.update();
        assert_eq!(said.word(), "staged", "{said:?}");
        let boot = self.start();
        assert_eq!(boot.reason, "trial");
        boot
    }

    /// Holds that a boot shows exactly this app.
    ///
    /// # Panics
    /// Where a file is missing, another, or too much.
    #[track_caller]
    pub fn shows(&self, boot: &Booted, app: &App) {
        let differs = app.differs(&self.seen(&boot.path));
        assert_eq!(differs, None, "{boot:?}");
    }

    /// Bytes of the download that was begun.
    pub fn downloaded(&self) -> u64 {
        let files = std::fs::read_dir(self.home().join("downloads")).into_iter().flatten().flatten();
        let part = |path: &Path| path.extension().is_some_and(|extension| extension == "part");
        files.filter(|file| part(&file.path())).filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// Names below its home's folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.home().join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Lines of progress: never less than before, never beyond the whole.
#[track_caller]
fn progress(lines: &[Value]) {
    let mut last = 0;
    for line in lines {
        assert_eq!(line["event"], "progress", "{line}");
        let done = line["done"].as_u64().unwrap_or_else(|| panic!("no bytes: {line}"));
        if let Some(total) = line["total"].as_u64() {
            assert!(done <= total, "{line}");
        }
        assert!(done >= last || done == 0, "back from {last}: {line}");
        last = done;
    }
}
