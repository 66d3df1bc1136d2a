//! One artifact, into a partial file that later calls go on with.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ota_protocol::Checksum;
use url::Url;

use super::error::TransferError;
use super::exchange::{Ask, exchange};
use super::partial::{Partial, Sidecar, paths};
use super::policy::Policy;
use super::redirect::check_scheme;
use super::resume::{Bounds, Head, Verdict, decide};
use super::retry::{Fault, with_retries};
use crate::ports::{Body, Cancel, Fs, Method, Ports, TransportError};

/// The largest artifact that is fetched unless the caller says otherwise, in bytes.
pub const DEFAULT_LIMIT: u64 = 256 * 1024 * 1024;

/// What to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// From where.
    pub url: &'a Url,
    /// What its bytes must hash to; `None`: whatever comes is taken.
    pub checksum: Option<Checksum>,
    /// How many bytes it has, where the release says so.
    pub size: Option<u64>,
    /// No more than this many bytes are taken.
    pub limit: u64,
    /// How to try.
    pub policy: &'a Policy,
    /// `ROOT/downloads`; created where it is missing.
    pub folder: &'a Path,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file. It stays until [`forget`] or [`sweep`]; a call for the same checksum finds it complete.
    pub path: PathBuf,
    /// The SHA-256 of its bytes; the wanted one, where one was wanted.
    pub checksum: Checksum,
    /// Its bytes.
    pub size: u64,
    /// Bytes of bodies that this call got over the network.
    pub received: u64,
    /// How many bytes of an earlier call were gone on with; 0: it started at the first byte.
    pub resumed_from: u64,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there, those of earlier calls included.
    pub done: u64,
    /// All bytes; `None` where neither release nor server says.
    pub total: Option<u64>,
}

/// The name (without extension) of an artifact's partial file: its checksum, or else its URL's hash.
pub fn partial_name(url: &Url, checksum: Option<Checksum>) -> String {
    checksum.unwrap_or_else(|| Checksum::of(url.as_str().as_bytes())).to_string()
}

/// How many bytes of an artifact are there already, so that room is looked for only for the rest. They may turn out
/// to be of no use.
///
/// # Errors
/// The disk's.
pub fn partial_size(fs: &dyn Fs, folder: &Path, name: &str) -> io::Result<u64> {
    Ok(fs.stat(&paths(folder, name).0)?.map_or(0, |stat| stat.len))
}

/// Fetches an artifact, and blocks until it is there and its hash is right. Bytes that an earlier call, try or process
/// got are gone on with where a strong `ETag` vouches for them; whatever does not fit is fetched again from byte 0,
/// once. A complete file is not fetched again. One call at a time for one folder (the updater's lock).
///
/// `progress` is called at most ten times a second, and once more at the end.
///
/// # Errors
/// Every [`TransferError`] except [`Refused`](TransferError::Refused). What came stays for the next call, except after
/// [`ChecksumMismatch`](TransferError::ChecksumMismatch), [`TooLarge`](TransferError::TooLarge) and
/// [`NoRoom`](TransferError::NoRoom).
pub fn download(
    ports: &Ports,
    wanted: &Wanted<'_>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, TransferError> {
    check_scheme(wanted.url, wanted.policy)?;
    if wanted.size.is_some_and(|size| size > wanted.limit) {
        return Err(TransferError::TooLarge { limit: wanted.limit });
    }
    ports.fs.create_dir(wanted.folder).map_err(|source| TransferError::Disk {
        operation: "create the folder for downloads",
        path: wanted.folder.to_owned(),
        source,
    })?;
    let name = partial_name(wanted.url, wanted.checksum);
    let partial = Partial::load(ports, wanted, &name, cancel)?;
    let mut running = Running {
        ports,
        wanted,
        cancel,
        meter: Meter { progress, last: None },
        received: 0,
        resumed_from: partial.len(),
        whole_only: false,
        buffer: vec![0; CHUNK],
        partial,
    };
    if running.is_complete() {
        running.meter.end(ports, running.partial.len());
    } else {
        with_retries(ports.clock.as_ref(), wanted.policy, None, cancel, || running.attempt())?;
    }
    Ok(Fetched {
        path: running.partial.path().to_owned(),
        checksum: running.partial.checksum(),
        size: running.partial.len(),
        received: running.received,
        resumed_from: running.resumed_from,
    })
}

/// Bytes that are read, hashed and written at a time. A kill loses no more than these.
const CHUNK: usize = 128 * 1024;
/// Between two reports of progress.
const REPORT: Duration = Duration::from_millis(100);

/// One call.
struct Running<'a> {
    ports: &'a Ports,
    wanted: &'a Wanted<'a>,
    cancel: &'a Cancel,
    partial: Partial<'a>,
    meter: Meter<'a>,
    received: u64,
    resumed_from: u64,
    /// Going on went wrong once in this call: from here on the whole is asked for, so that nothing can go round.
    whole_only: bool,
    buffer: Vec<u8>,
}

/// How one request ended that did not fail.
enum Ended {
    /// All is there, and right.
    Complete,
    /// Bytes and answer do not fit together.
    Restart,
}

impl Running<'_> {
    /// Whether what is there is what is wanted, known without asking.
    fn is_complete(&self) -> bool {
        self.partial.len() > 0 && self.wanted.checksum == Some(self.partial.checksum())
    }

    /// One try: one request, and a second one for the whole where going on went wrong.
    fn attempt(&mut self) -> Result<(), Fault> {
        loop {
            match self.request()? {
                Ended::Complete => return Ok(()),
                Ended::Restart if self.whole_only => {
                    // Not reached: nothing that is asked for as a whole is told to restart.
                    return Err(Fault::bad_reply("the server does not give the whole"));
                }
                Ended::Restart => {
                    self.whole_only = true;
                    self.partial.clear()?;
                    self.resumed_from = 0;
                }
            }
        }
    }

    fn request(&mut self) -> Result<Ended, Fault> {
        let resume = if self.whole_only { None } else { self.partial.resume() };
        let mut headers = Vec::new();
        if let Some(resume) = &resume {
            headers.push(("range".to_owned(), format!("bytes={}-", resume.at)));
            headers.push(("if-range".to_owned(), resume.etag.clone()));
        }
        let ask = Ask { method: Method::Get, url: self.wanted.url, headers, body: &[], deadline: None };
        let mut answered = exchange(self.ports, self.wanted.policy, &ask, self.cancel)?;
        let bounds = Bounds { size: self.wanted.size, limit: self.wanted.limit };
        let total = match decide(resume.as_ref(), &Head::of(&answered), bounds) {
            Verdict::Append if self.partial.go_on()? => resume.map(|resume| resume.total),
            Verdict::Append | Verdict::Restart => return Ok(Ended::Restart),
            Verdict::Whole { etag, total } => {
                self.resumed_from = 0;
                let boot = self.ports.clock.os_boot_id();
                let origin =
                    etag.zip(total).map(|(etag, total)| Sidecar::new(self.wanted.url, etag, total, boot));
                self.partial.start_over(origin, total)?;
                total
            }
            Verdict::Fail(fault) => return Err(fault),
        };
        self.copy(&mut answered.response.body, total)?;
        self.judge(total)
    }

    /// Takes the body, as far as it comes and no further than `total` or the limit.
    fn copy(&mut self, body: &mut Body, total: Option<u64>) -> Result<(), Fault> {
        let clock = self.ports.clock.as_ref();
        self.meter.tick(clock.monotonic(), Progress { done: self.partial.len(), total });
        loop {
            if self.cancel.is_cancelled() {
                return Err(TransferError::Cancelled.into());
            }
            // Where the end is not known, one byte more than allowed tells that there are more.
            let end = total.unwrap_or(self.wanted.limit.saturating_add(1));
            let left = usize::try_from(end.saturating_sub(self.partial.len())).unwrap_or(CHUNK);
            let room = left.min(self.buffer.len());
            if room == 0 {
                break;
            }
            let got = match body.read(&mut self.buffer[..room]) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::of_transport(TransportError::of_read(error))),
            };
            self.received += got as u64;
            if self.partial.len() + got as u64 > self.wanted.limit {
                self.partial.clear()?;
                return Err(TransferError::TooLarge { limit: self.wanted.limit }.into());
            }
            let missing = total.map(|total| total.saturating_sub(self.partial.len()));
            self.partial.push(&self.buffer[..got], missing)?;
            self.meter.tick(clock.monotonic(), Progress { done: self.partial.len(), total });
        }
        Ok(())
    }

    /// Whether what is there after a body's end is what is wanted.
    fn judge(&mut self, total: Option<u64>) -> Result<Ended, Fault> {
        let done = self.partial.len();
        if let Some(total) = total.filter(|total| done < *total) {
            let reason = format!("the answer ended after {done} of {total} bytes");
            return Err(Fault::Passing(TransferError::Offline { reason }));
        }
        let found = self.partial.checksum();
        match self.wanted.checksum {
            Some(expected) if expected != found => {
                if self.partial.is_joined() {
                    return Ok(Ended::Restart);
                }
                self.partial.clear()?;
                Err(TransferError::ChecksumMismatch { expected, found }.into())
            }
            _ => {
                self.meter.end(self.ports, done);
                Ok(Ended::Complete)
            }
        }
    }
}

/// Reports progress, not too often.
struct Meter<'a> {
    progress: &'a mut dyn FnMut(Progress),
    last: Option<Duration>,
}

impl Meter<'_> {
    fn tick(&mut self, now: Duration, progress: Progress) {
        if self.last.is_none_or(|last| now.saturating_sub(last) >= REPORT) {
            self.last = Some(now);
            (self.progress)(progress);
        }
    }

    fn end(&mut self, ports: &Ports, done: u64) {
        self.last = Some(ports.clock.monotonic());
        (self.progress)(Progress { done, total: Some(done) });
    }
}

/// Removes an artifact's partial file and what is known about it: after it was unpacked, or is not wanted any more.
///
/// # Errors
/// The disk's.
pub fn forget(fs: &dyn Fs, folder: &Path, name: &str) -> io::Result<()> {
    // The bytes go first: what is left without them promises nothing.
    let (part, sidecar) = paths(folder, name);
    fs.remove_file(&part)?;
    fs.remove_file(&sidecar)
}

/// Removes everything from the folder but the artifacts of `keep` (see [`partial_name`]). Call it with the updater's
/// lock held. Goes on over errors: what stays is swept next time.
pub fn sweep(fs: &dyn Fs, folder: &Path, keep: &[&str]) {
    let Ok(entries) = fs.list(folder) else { return };
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        let path = Path::new(&entry.name);
        let kept = path.file_stem().is_some_and(|stem| keep.iter().any(|name| stem == *name));
        if !kept {
            let _ = fs.remove_file(&folder.join(path));
        }
    }
}
