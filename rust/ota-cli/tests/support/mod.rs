//! Runs the real `ota` in a home of its own, against a server that says what the test wants.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used)] // tests alone use this

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a home for `ota`, and whatever else the test puts there.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The last line of standard output, as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_else(|| panic!("nothing was said: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error's code and text.
    pub(crate) fn error(&self) -> (String, String) {
        assert_eq!(self.code, 1, "{self:?}");
        let error = &self.json()["error"];
        (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes files below the folder; gives the folder's path as text.
    pub(crate) fn folder(&self, name: &str, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            let path = self.path(name).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        name.to_owned()
    }

    /// A web app that does what it should.
    pub(crate) fn app(&self) -> String {
        self.folder("dist", &[("index.html", "<script src=app.js></script>"), ("app.js", "notifyAppReady()")])
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.path("config/ota/credentials.json")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ota"));
        command
            .current_dir(self.dir.path())
            .args(args)
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("OTA_SERVER")
            .env_remove("OTA_TOKEN")
            .env_remove("OTA_CA_FILE")
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .env_remove("all_proxy")
            .env_remove("ALL_PROXY")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ota(&self, args: &[&str]) -> Said {
        said(&self.command(args).output().unwrap())
    }

    /// With a server and a token in the environment.
    pub(crate) fn ota_at(&self, server: &str, args: &[&str]) -> Said {
        let mut command = self.command(args);
        said(&command.env("OTA_SERVER", server).env("OTA_TOKEN", "a-token").output().unwrap())
    }

    /// With something on standard input.
    pub(crate) fn ota_with_input(&self, args: &[&str], input: &str) -> Said {
        let mut command = self.command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that fails before it reads closes its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        said(&child.wait_with_output().unwrap())
    }
}

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Bytes of a file as lowercase hex SHA-256.
pub(crate) fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(fs::read(path).unwrap()).iter().fold(String::new(), |text, byte| {
        use std::fmt::Write as _;
        let mut text = text;
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
