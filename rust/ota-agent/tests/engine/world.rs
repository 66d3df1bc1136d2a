//! A device, its app, and the server it asks.

use std::collections::HashMap;
use std::io::Cursor;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ota_agent::AgentError;
use ota_agent::engine::{Agent, App, Booted, Config, Stamp, Start, Updated};
use ota_agent::lifecycle::{BundleId, Exit};
use ota_agent::ports::{
    Cancel, Fs, Method, Ports, RealFs, Request, Response, TestClock, Transport, TransportError,
};
use ota_bundle::{Limits, write_zip};
use ota_protocol::{Checksum, Root};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const NOW: u64 = 1_800_000_000;

/// A published bundle.
#[derive(Clone)]
pub(crate) struct Bundle {
    pub(crate) version: String,
    pub(crate) root: Root,
    pub(crate) checksum: Checksum,
    pub(crate) size: u64,
    pub(crate) unpacked: u64,
    pub(crate) files: usize,
}

impl Bundle {
    pub(crate) fn id(&self) -> BundleId {
        BundleId::Held(self.root)
    }
}

/// What the server does next, once.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Offline,
    Status(u16, Option<u64>),
    CutAfter(usize),
    /// None: this request goes through.
    Pass,
}

#[derive(Default)]
pub(crate) struct Server {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    reply: Value,
    files: HashMap<String, Vec<u8>>,
    faults: Vec<Fault>,
    asked: Vec<Value>,
    downloads: usize,
    bytes: usize,
    date: Option<String>,
    gate: Option<Gate>,
}

/// Holds downloads back until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// A body behind a gate.
struct Gated(Gate, Cancel, Cursor<Vec<u8>>);

impl Read for Gated {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let mut is_open = self.0.0.0.lock().unwrap();
        while !*is_open && !self.1.is_cancelled() {
            is_open = self.0.0.1.wait_timeout(is_open, Duration::from_millis(20)).unwrap().0;
        }
        if *is_open { self.2.read(buf) } else { Err(std::io::ErrorKind::ConnectionAborted.into()) }
    }
}

impl Server {
    pub(crate) fn answers(&self, reply: Value) {
        self.inner.lock().unwrap().reply = reply;
    }

    pub(crate) fn fails(&self, fault: Fault) {
        self.inner.lock().unwrap().faults.insert(0, fault);
    }

    pub(crate) fn corrupts(&self, bundle: &Bundle) {
        let mut inner = self.inner.lock().unwrap();
        let name = format!("/b/{}.zip", bundle.version);
        let bytes = inner.files.get_mut(&name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    }

    /// Downloads wait at the gate from now on.
    pub(crate) fn gate(&self) -> Gate {
        self.inner.lock().unwrap().gate.get_or_insert_default().clone()
    }

    pub(crate) fn downloads(&self) -> usize {
        self.inner.lock().unwrap().downloads
    }

    pub(crate) fn bytes(&self) -> usize {
        self.inner.lock().unwrap().bytes
    }

    pub(crate) fn asked(&self) -> Vec<Value> {
        self.inner.lock().unwrap().asked.clone()
    }
}

/// Gives some bytes and then breaks.
struct Cut(Cursor<Vec<u8>>);

impl Read for Cut {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(std::io::ErrorKind::ConnectionReset.into()),
            read => Ok(read),
        }
    }
}

fn answer(status: u16, headers: &[(&str, String)], body: Vec<u8>) -> Response {
    let mut headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    headers.push(("content-length".to_owned(), body.len().to_string()));
    Response { status, headers, body: Box::new(Cursor::new(body)) }
}

impl Transport for Server {
    fn send(&self, request: &Request, cancel: &Cancel) -> Result<Response, TransportError> {
        let mut inner = self.inner.lock().unwrap();
        let fault = inner.faults.pop();
        match fault {
            Some(Fault::Offline) => return Err(TransportError::Unreachable("no route".into())),
            Some(Fault::Status(status, retry)) => {
                let headers: Vec<_> =
                    retry.iter().map(|seconds| ("retry-after", seconds.to_string())).collect();
                return Ok(answer(status, &headers, Vec::new()));
            }
            Some(Fault::CutAfter(_) | Fault::Pass) | None => {}
        }
        if request.method == Method::Post {
            inner.asked.push(serde_json::from_slice(&request.body).unwrap());
            let body = inner.reply.to_string().into_bytes();
            let mut headers = vec![("content-type", "application/json".to_owned())];
            headers.extend(inner.date.iter().map(|date| ("date", date.clone())));
            return Ok(answer(200, &headers, body));
        }
        inner.downloads += 1;
        let Some(bytes) = inner.files.get(request.url.path()).cloned() else {
            return Ok(answer(404, &[], Vec::new()));
        };
        let range = request.headers.iter().find(|(name, _)| name == "range").map(|(_, value)| value.clone());
        let from: usize =
            range.map_or(0, |r| r.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
        let total = bytes.len();
        let part = bytes[from..].to_vec();
        let mut headers =
            vec![("etag", format!("\"{}\"", Checksum::of(&bytes))), ("accept-ranges", "bytes".to_owned())];
        let status = if from > 0 { 206 } else { 200 };
        if from > 0 {
            headers.push(("content-range", format!("bytes {from}-{}/{total}", total - 1)));
        }
        if let Some(Fault::CutAfter(count)) = fault {
            inner.bytes += count;
            let mut response = answer(status, &headers, part.clone());
            response.body = Box::new(Cut(Cursor::new(part[..count].to_vec())));
            return Ok(response);
        }
        inner.bytes += part.len();
        let mut response = answer(status, &headers, part.clone());
        if let Some(gate) = inner.gate.clone() {
            response.body = Box::new(Gated(gate, cancel.clone(), Cursor::new(part)));
        }
        Ok(response)
    }
}

/// A device: its disk, its clock, the app on it.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) server: Arc<Server>,
    pub(crate) native: String,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) config: Value,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("builtin")).unwrap();
        std::fs::write(dir.path().join("builtin/index.html"), "builtin").unwrap();
        let server = Arc::new(Server::default());
        server.answers(json!({}));
        let config = json!({"updateUrl": "https://ota.example.com/check"});
        Self {
            dir,
            clock: Arc::new(TestClock::new(NOW)),
            server,
            native: "1.0.0".into(),
            stamp: None,
            config,
        }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn bundle_dir(&self, bundle: &Bundle) -> PathBuf {
        self.home().join("bundles").join(bundle.root.to_string())
    }

    /// A new process of the app.
    pub(crate) fn agent(&self) -> Agent {
        self.agent_on(RealFs)
    }

    /// A new process of the app, on this disk.
    pub(crate) fn agent_on(&self, fs: impl Fs + 'static) -> Agent {
        let config = Config::read(&json!({"appId": "com.example.app", "plugins": {"Ota": self.config}}));
        let app = App {
            id: None,
            native_version: self.native.clone(),
            native_build: "1".into(),
            platform: Some(ota_protocol::Platform::Android),
            os_version: "14".into(),
            builtin: self.dir.path().join("builtin"),
            stamp: self.stamp,
            os_boot: None,
            live_reload: false,
        };
        let ports =
            Ports { fs: Arc::new(fs), clock: self.clock.clone(), transport: Some(self.server.clone()) };
        Agent::new(&self.home(), config, app, ports)
    }

    /// Makes a bundle and puts its zip on the server.
    pub(crate) fn publish(&self, version: &str) -> Bundle {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("assets")).unwrap();
        std::fs::write(dir.path().join("index.html"), format!("<h1>{version}</h1>")).unwrap();
        std::fs::write(dir.path().join("assets/app.js"), format!("console.log('{version}')").repeat(500))
            .unwrap();
        let mut zip = Vec::new();
        let packed = write_zip(dir.path(), &mut zip, &Limits::default()).unwrap();
        self.server.inner.lock().unwrap().files.insert(format!("/b/{version}.zip"), zip);
        Bundle {
            version: version.to_owned(),
            root: packed.root,
            checksum: packed.checksum,
            size: packed.size,
            unpacked: packed.unpacked_size,
            files: packed.files,
        }
    }

    /// The server offers `bundle` from now on.
    pub(crate) fn offer(&self, bundle: &Bundle, sequence: u64) {
        self.server.answers(json!({"releases": [release(bundle, sequence, &json!({}))]}));
    }

    /// The server offers `bundle` in the plainest way.
    pub(crate) fn offer_plainly(&self, bundle: &Bundle) {
        let url = format!("https://ota.example.com/b/{}.zip", bundle.version);
        self.server.answers(json!({"version": bundle.version, "url": url, "checksum": bundle.checksum}));
    }

    /// Publishes, installs and confirms a bundle.
    pub(crate) fn confirmed(&self, version: &str, sequence: u64) -> Bundle {
        let bundle = self.publish(version);
        self.offer(&bundle, sequence);
        let agent = self.agent();
        update(&agent).unwrap();
        let booted = start(&agent);
        assert_eq!(booted.bundle, bundle.id());
        agent.ready(booted.token).unwrap();
        bundle
    }
}

/// A release of `bundle`, as our own server offers it.
pub(crate) fn release(bundle: &Bundle, sequence: u64, more: &Value) -> Value {
    let mut document = json!({"channel": "stable", "version": bundle.version, "sequence": sequence,
        "kind": "release", "root": bundle.root, "unpacked_size": bundle.unpacked, "files": bundle.files,
        "artifacts": [{"kind": "zip", "size": bundle.size, "checksum": bundle.checksum}],
        "created_at": NOW - 100});
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    let urls = json!({bundle.checksum.to_string(): format!("/b/{}.zip", bundle.version)});
    json!({"document": document, "urls": urls})
}

pub(crate) fn update(agent: &Agent) -> Result<Updated, AgentError> {
    agent.update(&Cancel::default(), &mut |_| {})
}

/// The process of the boot before is gone, nobody knows how.
pub(crate) fn start(agent: &Agent) -> Booted {
    agent.boot(Start { exit: Some(Exit::Unknown), foreground: true }).unwrap()
}

pub(crate) fn swap(agent: &Agent) -> Booted {
    agent.boot(Start { exit: None, foreground: true }).unwrap()
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, AgentError>) -> &'static str {
    result.unwrap_err().code().as_str()
}

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
