//! The real `ota-server`.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::binaries::binaries;
use crate::room::Room;

/// The account made at the first start.
pub const USER: &str = "admin";
/// Its password.
pub const PASSWORD: &str = "correct horse battery staple";

const START: Duration = Duration::from_secs(30);

fn command(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(&binaries().server);
    command.arg("--data").arg(data).args(["--listen", listen, "--admin-user", USER]);
    command.env("OTA_ADMIN_PASSWORD", PASSWORD).env("OTA_LOG", "info");
    command
}

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Starts one on any free port. Its log goes beside `data`.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(data: &Path, args: &[&str]) -> Self {
        Self::listen(data, "127.0.0.1:0", args)
    }

    /// Starts one on a port that another had before.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn listen(data: &Path, listen: &str, args: &[&str]) -> Self {
        Self::try_listen(data, listen, args).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// Starts one, or gives what it said instead.
    ///
    /// # Errors
    /// Its log.
    ///
    /// # Panics
    /// Where the program cannot be run.
    pub fn try_listen(data: &Path, listen: &str, args: &[&str]) -> Result<Self, String> {
        let log = data.with_extension(format!("{}.log", std::process::id()));
        let mut command = command(data, listen);
        command.args(args);
        Self::run(command, log)
    }

    /// Starts one whose data is on a disk of its own. Its log goes to `log`.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn within(room: &Room, log: &Path) -> Self {
        let command = room.inside(&command(&room.path().join("data"), "127.0.0.1:0"));
        Self::run(command, log.to_owned()).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    fn run(mut command: Command, log: PathBuf) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("ota-server runs");
        let stdout = child.stdout.take().expect("its standard output");
        let mut server = Self { child, url: String::new(), log };
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(START).unwrap_or_default();
        match line.trim().strip_prefix("listening on ") {
            Some(url) => url.clone_into(&mut server.url),
            None => return Err(server.log()),
        }
        Ok(server)
    }

    /// Its origin.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All that it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Panics
    /// Where it cannot be asked.
    pub fn stop(mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends")
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.end();
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("a process id");
        Pid::from_raw(id).expect("a process id")
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
