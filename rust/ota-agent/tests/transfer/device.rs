//! What asks: real network, real disk, a clock that never really sleeps.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ota_agent::http::{Http, HttpOptions};
use ota_agent::ports::{Cancel, Fs, Ports, RealFs, TestClock};
use ota_agent::transfer::{
    CheckAnswer, CheckCall, DEFAULT_LIMIT, Fetched, Policy, Progress, TransferError, Wanted, check, download,
    partial_name,
};
use ota_protocol::Checksum;
use tempfile::TempDir;
use url::Url;

/// A device with an empty downloads folder.
pub struct Device {
    root: TempDir,
    pub clock: Arc<TestClock>,
    pub ports: Ports,
    pub policy: Policy,
    pub cancel: Cancel,
    pub limit: u64,
    pub progress: Vec<Progress>,
}

impl Device {
    pub fn new() -> Self {
        Self::with(&HttpOptions::default())
    }

    pub fn with(options: &HttpOptions) -> Self {
        let clock = Arc::new(TestClock::default());
        let http = Http::new(options).expect("options");
        Self {
            root: tempfile::tempdir().expect("a folder"),
            ports: Ports { fs: Arc::new(RealFs), clock: clock.clone(), transport: Some(Arc::new(http)) },
            clock,
            policy: Policy::default(),
            cancel: Cancel::default(),
            limit: DEFAULT_LIMIT,
            progress: Vec::new(),
        }
    }

    /// One try a call.
    pub fn once(mut self) -> Self {
        self.policy.attempts = 1;
        self
    }

    /// Gives up after so long without a byte.
    pub fn impatient(mut self, idle: Duration) -> Self {
        self.policy.idle = idle;
        self
    }

    /// The process starts again: new connections, the same disk.
    pub fn restart(&mut self) {
        self.ports.transport = Some(Arc::new(Http::new(&HttpOptions::default()).expect("options")));
        self.cancel = Cancel::default();
    }

    pub fn set_fs(&mut self, fs: impl Fs + 'static) {
        self.ports.fs = Arc::new(fs);
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("downloads")
    }

    pub fn part(&self, url: &Url, checksum: Option<Checksum>) -> PathBuf {
        self.folder().join(format!("{}.part", partial_name(url, checksum)))
    }

    pub fn sidecar(&self, url: &Url, checksum: Option<Checksum>) -> PathBuf {
        self.folder().join(format!("{}.json", partial_name(url, checksum)))
    }

    /// Names in the downloads folder.
    pub fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else { return Vec::new() };
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    pub fn download(
        &mut self,
        url: &Url,
        checksum: Option<Checksum>,
        size: Option<u64>,
    ) -> Result<Fetched, TransferError> {
        let folder = self.folder();
        let wanted = Wanted { url, checksum, size, limit: self.limit, policy: &self.policy, folder: &folder };
        let progress = &mut self.progress;
        download(&self.ports, &wanted, &self.cancel, &mut |at| progress.push(at))
    }

    /// Fetches `body` by its checksum, and compares what is on disk.
    pub fn fetch(&mut self, url: &Url, body: &[u8]) -> Result<Fetched, TransferError> {
        let fetched = self.download(url, Some(Checksum::of(body)), None)?;
        assert_eq!(fetched.checksum, Checksum::of(body));
        assert_eq!(fetched.size, body.len() as u64);
        assert!(std::fs::read(&fetched.path).expect("the file") == body, "not the bytes");
        Ok(fetched)
    }

    pub fn check(&self, url: &Url) -> Result<CheckAnswer, TransferError> {
        check(&self.ports, &CheckCall { url, body: b"{\"q\":1}", policy: &self.policy }, &self.cancel)
    }
}

/// `length` bytes, no two regions alike.
pub fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}
