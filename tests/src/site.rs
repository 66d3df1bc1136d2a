//! A server with an account, and the command line at it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitStatus;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{App, sha256};
use crate::http::{Answer, Form, call};
use crate::ota::Ota;
use crate::room::Room;
use crate::said::Said;
use crate::server::{PASSWORD, Server, USER};

/// A server on a data directory of its own, and `ota` with a token for it.
#[derive(Debug)]
pub struct Site {
    server: Option<Server>,
    /// The command line, logged in.
    pub ota: Ota,
    token: String,
    dir: TempDir,
}

impl Site {
    /// A new one.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A new one, with these options.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn with(args: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let server = Server::start(&dir.path().join("data"), args);
        Self::of(server, dir)
    }

    /// A new one, whose data is on a disk of its own.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn within(room: &Room) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let server = Server::within(room, &dir.path().join("log"));
        Self::of(server, dir)
    }

    fn of(server: Server, dir: TempDir) -> Self {
        let mut ota = Ota::new(&dir.path().join("config"));
        let login = json!({"username": USER, "password": PASSWORD}).to_string();
        let headers = [("content-type", "application/json")];
        let answer = call(server.url(), "POST", "/api/auth/login", &headers, login.as_bytes()).ok();
        let token = answer["token"].as_str().expect("a token").to_owned();
        ota.server = Some(server.url().to_owned());
        ota.token = Some(token.clone());
        Self { server: Some(server), ota, token, dir }
    }

    /// Its server.
    ///
    /// # Panics
    /// Where it is away.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server is there")
    }

    /// Its origin, also while it is away.
    pub fn url(&self) -> &str {
        self.ota.server.as_deref().unwrap_or_default()
    }

    /// Where the server keeps everything.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The token of a login.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The server goes away, as by a power cut.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    /// The server is asked to stop, and has.
    ///
    /// # Panics
    /// Where it is away.
    pub fn stop(&mut self) -> ExitStatus {
        self.server.take().expect("the server is there").stop()
    }

    /// The server comes back, at the same address.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn revive(&mut self) {
        let listen = self.url().trim_start_matches("http://").to_owned();
        self.server = Some(Server::listen(&self.data(), &listen, &[]));
    }

    /// Publishes an app to `stable`.
    ///
    /// # Panics
    /// Where that fails.
    #[track_caller]
    pub fn deploy(&self, app: &App, version: &str) -> Value {
        self.try_deploy(app, version, &[]).ok().clone()
    }

    /// Publishes an app, with these options.
    #[track_caller]
    pub fn try_deploy(&self, app: &App, version: &str, args: &[&str]) -> Said {
        let mut all: Vec<&OsStr> = vec!["deploy".as_ref(), app.dir().as_os_str()];
        all.extend(["--version", version].into_iter().chain(args.iter().copied()).map(OsStr::new));
        self.ota.run(&all)
    }

    /// Asks a route, with the token.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        call(self.url(), method, path, &headers, body.as_bytes())
    }

    /// Sends a form, with the token.
    #[track_caller]
    pub fn send(&self, path: &str, form: Form) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", Form::TYPE)];
        call(self.url(), "POST", path, &headers, &form.end())
    }

    /// Uploads a zip as the plainest client does.
    #[track_caller]
    pub fn upload(&self, zip: &[u8], channel: &str, version: &str) -> Answer {
        let form = Form::default().text("version", version).text("channel", channel);
        self.send("/api/ota/admin/ota/upload", form.text("checksum", &sha256(zip)).file(zip))
    }

    /// A channel's history.
    ///
    /// # Panics
    /// Where there is none.
    #[track_caller]
    pub fn history(&self, channel: &str) -> Vec<Value> {
        let answer = self.admin("GET", &format!("/api/ota/admin/ota/history?channel={channel}"), None).ok();
        answer["items"].as_array().expect("items").clone()
    }

    /// Asks what there is for a device.
    #[track_caller]
    pub fn check(&self, question: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        call(self.url(), "POST", "/check", &headers, question.to_string().as_bytes())
    }
}
