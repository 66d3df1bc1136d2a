//! Between a device and a server: counts what goes through, and does wrong what a test wants done wrong.

use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// From 0.
    pub number: usize,
    /// GET, POST …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lowercase.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Seen {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }

    /// Whether it asks for a bundle's bytes.
    pub fn is_download(&self) -> bool {
        self.target.starts_with("/api/ota/bundle/")
    }

    /// N of `Range: bytes=N-`.
    pub fn range(&self) -> Option<u64> {
        self.header("range").strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// Changes what a server said.
pub type Change<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// What is done about a request, in this order; then the connection is closed.
#[derive(Clone)]
pub enum Step {
    /// As the server says it.
    Forward,
    /// As the server says it, in pieces of so many bytes, with a pause after each.
    Slowly(usize, Duration),
    /// As the server says it, closed after so many bytes of the body.
    CutAfter(usize),
    /// As the server says it, with its JSON changed.
    Rewrite(Change<Value>),
    /// As the server says it, with the body's bytes changed.
    Alter(Change<Vec<u8>>),
    /// These bytes.
    Send(Vec<u8>),
    /// These bytes again and again, until the client has enough.
    Endless(Vec<u8>),
    /// Nothing, for so long.
    Wait(Duration),
    /// Nothing, until the test says so.
    Hold(Arc<AtomicBool>),
}

impl Step {
    /// Changes the server's JSON.
    pub fn rewrite(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Vec<Self> {
        vec![Self::Rewrite(Arc::new(change))]
    }

    /// Changes the server's bytes.
    pub fn alter(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Vec<Self> {
        vec![Self::Alter(Arc::new(change))]
    }
}

/// A head: the status, these headers, `Connection: close`.
pub fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.extend([*name, ": ", *value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A whole answer.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("content-length", &length));
    vec![Step::Send([head(status, &all), body.to_vec()].concat())]
}

type Rule = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

struct Shared {
    upstream: String,
    rule: Mutex<Arc<Rule>>,
    seen: Mutex<Vec<Seen>>,
    downloaded: AtomicU64,
    stop: AtomicBool,
}

/// Listens on a free port until it is dropped.
pub struct Middle {
    address: SocketAddr,
    shared: Arc<Shared>,
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Middle {
    /// Before the server at `upstream`; `rule` says what is done about each request.
    ///
    /// # Panics
    /// Where there is no free port.
    pub fn new(upstream: &str, rule: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            rule: Mutex::new(Arc::new(rule)),
            seen: Mutex::default(),
            downloaded: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stop.load(Ordering::Acquire) {
                    break;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&accepting)) else { continue };
                // A client that was killed has closed its end: that is what some tests are about.
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// One that changes nothing.
    pub fn honest(upstream: &str) -> Self {
        Self::new(upstream, |_| vec![Step::Forward])
    }

    /// Does wrong only what is done about checks.
    pub fn checks(upstream: &str, steps: Vec<Step>) -> Self {
        Self::new(upstream, move |seen| if seen.is_download() { vec![Step::Forward] } else { steps.clone() })
    }

    /// Does wrong only what is done about downloads.
    pub fn downloads(upstream: &str, steps: Vec<Step>) -> Self {
        Self::new(upstream, move |seen| if seen.is_download() { steps.clone() } else { vec![Step::Forward] })
    }

    /// Another rule from now on.
    pub fn rule(&self, rule: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) {
        *locked(&self.shared.rule) = Arc::new(rule);
    }

    /// Changes nothing from now on.
    pub fn behave(&self) {
        self.rule(|_| vec![Step::Forward]);
    }

    /// Its origin.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.shared.seen).clone()
    }

    /// Requests for a bundle's bytes.
    pub fn downloads_seen(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(Seen::is_download).collect()
    }

    /// Bytes of bundles that went through.
    pub fn downloaded(&self) -> u64 {
        self.shared.downloaded.load(Ordering::Acquire)
    }

    /// Waits until a request for a bundle's bytes has come.
    ///
    /// # Panics
    /// Where none comes.
    pub fn wait_for_download(&self) {
        let start = Instant::now();
        while self.downloads_seen().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "no download was asked for");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let Some((mut seen, head)) = read_request(&mut stream)? else { return Ok(()) };
        {
            let mut all = locked(&self.seen);
            seen.number = all.len();
            all.push(seen.clone());
        }
        let rule = Arc::clone(&locked(&self.rule));
        for step in rule(&seen) {
            match step {
                Step::Send(bytes) => stream.write_all(&bytes)?,
                Step::Wait(time) => self.pause(time)?,
                Step::Hold(open) => {
                    while !open.load(Ordering::Acquire) {
                        self.pause(Duration::from_millis(5))?;
                    }
                }
                Step::Endless(bytes) => loop {
                    stream.write_all(&bytes)?;
                    self.pause(Duration::ZERO)?;
                },
                Step::Forward => self.forward(&mut stream, &seen, &head, usize::MAX, None)?,
                Step::CutAfter(most) => self.forward(&mut stream, &seen, &head, most, None)?,
                Step::Slowly(piece, pause) => {
                    self.forward(&mut stream, &seen, &head, usize::MAX, Some((piece, pause)))?;
                }
                Step::Rewrite(change) => self.change(&mut stream, &seen, &head, |body| {
                    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
                    change(&mut value);
                    *body = value.to_string().into_bytes();
                })?,
                Step::Alter(change) => self.change(&mut stream, &seen, &head, |body| change(body))?,
            }
        }
        Ok(())
    }

    fn pause(&self, time: Duration) -> io::Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            if self.stop.load(Ordering::Acquire) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            thread::sleep(time.saturating_sub(start.elapsed()).min(Duration::from_millis(20)));
        }
        if self.stop.load(Ordering::Acquire) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    fn ask(&self, seen: &Seen, head: &[u8]) -> io::Result<(TcpStream, Vec<u8>, Vec<u8>)> {
        let mut upstream = TcpStream::connect(&self.upstream)?;
        upstream.write_all(head)?;
        upstream.write_all(&seen.body)?;
        let mut all = Vec::new();
        let mut piece = [0; 16 * 1024];
        loop {
            if let Some(end) = all.windows(4).position(|part| part == b"\r\n\r\n") {
                let rest = all.split_off(end + 4);
                return Ok((upstream, all, rest));
            }
            match upstream.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => all.extend_from_slice(&piece[..read]),
            }
        }
    }

    fn forward(
        &self,
        stream: &mut TcpStream,
        seen: &Seen,
        head: &[u8],
        most: usize,
        slowly: Option<(usize, Duration)>,
    ) -> io::Result<()> {
        let (mut upstream, answered, mut rest) = self.ask(seen, head)?;
        stream.write_all(&answered)?;
        let mut left = most;
        let mut piece = vec![0; slowly.map_or(64 * 1024, |(piece, _)| piece)];
        loop {
            if rest.is_empty() {
                let read = upstream.read(&mut piece)?;
                rest.extend_from_slice(&piece[..read]);
            }
            let count = rest.len().min(piece.len()).min(left);
            if count == 0 {
                return Ok(());
            }
            stream.write_all(&rest[..count])?;
            if seen.is_download() {
                self.downloaded.fetch_add(count as u64, Ordering::AcqRel);
            }
            rest.drain(..count);
            left -= count;
            if let Some((_, pause)) = slowly {
                self.pause(pause)?;
            }
        }
    }

    fn change(
        &self,
        stream: &mut TcpStream,
        seen: &Seen,
        head: &[u8],
        change: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        let (mut upstream, answered, mut body) = self.ask(seen, head)?;
        upstream.read_to_end(&mut body)?;
        change(&mut body);
        let text = String::from_utf8_lossy(&answered);
        let kept: Vec<&str> =
            text.trim_end().split("\r\n").filter(|line| !line.starts_with("content-length")).collect();
        let length = body.len();
        stream.write_all(format!("{}\r\ncontent-length: {length}\r\n\r\n", kept.join("\r\n")).as_bytes())?;
        stream.write_all(&body)
    }
}

/// A request, and its head as it is sent on. `None`: the client closed without one.
fn read_request(stream: &mut TcpStream) -> io::Result<Option<(Seen, Vec<u8>)>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.trim_end().split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let mut seen = Seen { number: 0, method, target, headers, body: Vec::new() };
    let length = seen.header("content-length").parse().unwrap_or(0);
    seen.body = vec![0; length];
    stream.read_exact(&mut seen.body)?;
    let mut sent_on = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", seen.method, seen.target);
    for (name, value) in seen.headers.iter().filter(|(name, _)| name != "connection") {
        sent_on.extend([name, ": ", value, "\r\n"]);
    }
    sent_on.push_str("\r\n");
    Ok(Some((seen, sent_on.into_bytes())))
}
