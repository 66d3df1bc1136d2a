//! Where measurements are made: a folder on a real disk, the programs, and an app to publish.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::local::{Ota, Server, Stop};
use crate::project::{self, Outcome};
use crate::tools;

/// The web app that is published.
pub(super) const APP: &str = "n8n-editor-ui";
pub(super) const APP_VERSION: &str = "2.40.3";

/// A folder for everything, gone at the end, but for what came over the network.
pub(super) struct Place {
    pub(super) server: PathBuf,
    pub(super) ota: PathBuf,
    pub(super) stop: Stop,
    scratch: TempDir,
    cache: PathBuf,
}

impl Place {
    /// Below the target directory: temporary folders may be in memory, where syncing costs nothing.
    pub(super) fn new(server: &Path, ota: &Path) -> Outcome<Self> {
        let target = server.ancestors().nth(2).ok_or("the server has no target directory")?;
        let cache = target.join("bench");
        fs::create_dir_all(&cache)?;
        let scratch = tempfile::Builder::new().prefix("run-").tempdir_in(&cache)?;
        // On ext4 each folder in it then gets a part of the disk of its own, so that files deleted a moment ago
        // elsewhere (see `update`) are in nobody's way. Other file systems do not know the attribute, nor the trouble.
        let _ = Command::new("chattr").arg("+T").arg(scratch.path()).stderr(Stdio::null()).status();
        let (server, ota) = (server.to_owned(), ota.to_owned());
        Ok(Self { server, ota, stop: Stop::listen()?, scratch, cache })
    }

    /// A path of this run.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Starts a server on a data directory of this run, on one core where one is named.
    pub(super) fn start_server(&self, name: &str, core: Option<usize>) -> Outcome<Server> {
        let command = match core {
            None => Command::new(&self.server),
            Some(core) => {
                let mut taskset = Command::new("taskset");
                taskset.arg("-c").arg(core.to_string()).arg(&self.server);
                taskset
            }
        };
        Server::start(command, &self.path(name))
    }

    /// The command line, logged in to `server`.
    pub(super) fn log_in(&self, server: &Server) -> Outcome<Ota> {
        let ota = Ota::new(&self.ota, &self.path("config"), server.url(), &self.stop);
        ota.log_in()?;
        Ok(ota)
    }

    /// A token for plain requests.
    pub(super) fn token(&self, data: &str) -> Outcome<String> {
        let mut command = Command::new(&self.server);
        command.args(["token", "new", "--data"]).arg(self.path(data)).stderr(Stdio::null());
        let printed = String::from_utf8(project::output_of(&mut command)?)?;
        let token = printed.lines().next_back().unwrap_or_default().trim().to_owned();
        if token.is_empty() { Err("ota-server token new printed no token".into()) } else { Ok(token) }
    }

    /// The web app, from the npm registry the first time.
    pub(super) fn app(&self) -> Outcome<PathBuf> {
        let folder = self.cache.join(format!("{APP}-{APP_VERSION}"));
        let dist = folder.join("package").join("dist");
        if dist.join("index.html").is_file() {
            return Ok(dist);
        }
        fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.args(["pack", "--silent", &format!("{APP}@{APP_VERSION}")]).current_dir(&self.cache);
        project::output_of(&mut npm)?;
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(self.cache.join(format!("{APP}-{APP_VERSION}.tgz"))).arg("-C").arg(&folder);
        project::output_of(&mut tar)?;
        Ok(dist)
    }
}

/// Makes sure of programs, installing their packages where that is possible.
///
/// # Errors
/// Names what is missing.
pub(super) fn need(programs: &[(&str, &str)]) -> Outcome {
    for (program, package) in programs {
        if !tools::is_installed(program) && !tools::install(&[package]) {
            return Err(format!("{program} is missing: apt-get install {package}").into());
        }
    }
    Ok(())
}
