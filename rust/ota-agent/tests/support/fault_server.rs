//! A server that misbehaves as data says, over plain TCP or TLS. One request a connection.
//!
//! A test gives a function from the request seen to a list of [`Step`]s: what goes out on the socket, byte for byte.
//! [`Origin`] makes the steps of an honest file server, and [`Fault`] is what it does wrong.

#![allow(dead_code)] // each test binary uses a part

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use url::Url;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// From 0.
    pub number: usize,
    pub method: String,
    pub target: String,
    /// Names in lowercase.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// N of `Range: bytes=N-`.
    pub fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What goes out.
#[derive(Debug, Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// Says nothing for so long.
    Wait(Duration),
    /// One byte at a time, with a pause after each.
    Trickle(Vec<u8>, Duration),
    /// The same again and again, until the client has enough.
    Endless(Vec<u8>),
    /// Ends with a reset in place of a close.
    Reset,
}

/// A head and a body, honest: `HTTP/1.1 STATUS`, the headers, `Connection: close`, a length, the body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("content-length", &length));
    vec![Step::Send(head(status, &all)), Step::Send(body.to_vec())]
}

/// A head alone.
pub fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A file, served with ranges.
#[derive(Debug, Clone)]
pub struct Origin {
    pub body: Vec<u8>,
    /// As it goes out, quotes included.
    pub etag: Option<String>,
    pub fault: Fault,
}

/// What an [`Origin`] does wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    Nothing,
    /// Closes after so many bytes of the body.
    CutAfter(usize),
    /// Resets after so many bytes of the body.
    ResetAfter(usize),
    /// Says nothing more after so many bytes of the body.
    StallAfter(usize),
    /// Sends byte by byte.
    Trickle(Duration),
    /// Closes after so many bytes of head and body.
    CutHead(usize),
    /// States this many bytes more than come.
    LengthTooLong(usize),
    /// States this many bytes fewer than come.
    LengthTooShort(usize),
    /// States no length; the close ends the body.
    NoLength,
    /// As `NoLength`, and closes early.
    NoLengthCutAfter(usize),
    /// Chunked, in pieces of so many bytes.
    Chunked(usize),
    /// Chunked, with a length that is none.
    BadChunk,
    /// Answers a range with the whole and 200.
    IgnoresRange,
    /// 206 that starts so many bytes further on (or back).
    RangeElsewhere(i64),
    /// 206 with this total.
    RangeOfTotal(usize),
    /// 206 without Content-Range.
    RangeUnstated,
    /// 206 with this `ETag`.
    RangeOfEtag(String),
    /// 206 with bytes of this body in place of its own.
    RangeOfOther(Vec<u8>),
    /// 206 of at most so many bytes.
    RangeShortened(usize),
    /// 416 to every range.
    Unsatisfiable,
    /// Says that gzip is on top.
    Gzip,
}

impl Origin {
    pub fn new(body: &[u8]) -> Self {
        Self { body: body.to_vec(), etag: Some("\"one\"".to_owned()), fault: Fault::Nothing }
    }

    pub fn with(body: &[u8], fault: Fault) -> Self {
        Self { fault, ..Self::new(body) }
    }

    pub fn answer(&self, seen: &Seen) -> Vec<Step> {
        let total = self.body.len();
        let asked = seen.range().filter(|_| seen.header("if-range") == self.etag.as_deref());
        let mut headers: Vec<(String, String)> = vec![("accept-ranges".into(), "bytes".into())];
        let mut etag = self.etag.clone();
        let (status, body) = match (asked, &self.fault) {
            (Some(_), Fault::IgnoresRange) | (None, _) => (200, self.body.clone()),
            (Some(at), fault) if at >= total || *fault == Fault::Unsatisfiable => {
                headers.push(("content-range".into(), format!("bytes */{total}")));
                (416, Vec::new())
            }
            (Some(at), fault) => {
                let at = match fault {
                    Fault::RangeElsewhere(by) => (at as i64 + by) as usize,
                    _ => at,
                };
                let source = match fault {
                    Fault::RangeOfOther(other) => other,
                    _ => &self.body,
                };
                let end = match fault {
                    Fault::RangeShortened(most) => (at + most).min(total),
                    _ => total,
                };
                let said = match fault {
                    Fault::RangeOfTotal(said) => *said,
                    _ => total,
                };
                if let Fault::RangeOfEtag(said) = fault {
                    etag = Some(said.clone());
                }
                if *fault != Fault::RangeUnstated {
                    headers.push(("content-range".into(), format!("bytes {at}-{}/{said}", end - 1)));
                }
                (206, source[at..end].to_vec())
            }
        };
        if let Some(etag) = etag {
            headers.push(("etag".into(), etag));
        }
        self.send(status, headers, &body)
    }

    fn send(&self, status: u16, mut headers: Vec<(String, String)>, body: &[u8]) -> Vec<Step> {
        let chunked = |size: usize| -> Vec<u8> {
            let mut out = Vec::new();
            for piece in body.chunks(size.max(1)) {
                out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                out.extend_from_slice(piece);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
            out
        };
        let length = match self.fault {
            Fault::NoLength | Fault::NoLengthCutAfter(_) => None,
            Fault::Chunked(_) | Fault::BadChunk => {
                headers.push(("transfer-encoding".into(), "chunked".into()));
                None
            }
            Fault::LengthTooLong(by) => Some(body.len() + by),
            Fault::LengthTooShort(by) => Some(body.len() - by),
            _ => Some(body.len()),
        };
        if let Some(length) = length {
            headers.push(("content-length".into(), length.to_string()));
        }
        if self.fault == Fault::Gzip {
            headers.push(("content-encoding".into(), "gzip".into()));
        }
        let pairs: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let head = head(status, &pairs);
        let first = |count: usize| body[..count.min(body.len())].to_vec();
        match &self.fault {
            Fault::CutHead(count) => {
                let all = [head.as_slice(), body].concat();
                vec![Step::Send(all[..(*count).min(all.len())].to_vec())]
            }
            Fault::CutAfter(count) | Fault::NoLengthCutAfter(count) => {
                vec![Step::Send(head), Step::Send(first(*count))]
            }
            // The pause lets the bytes arrive before the reset, which throws away what is still on its way.
            Fault::ResetAfter(count) => vec![
                Step::Send(head),
                Step::Send(first(*count)),
                Step::Wait(Duration::from_millis(30)),
                Step::Reset,
            ],
            Fault::StallAfter(count) => {
                vec![Step::Send(head), Step::Send(first(*count)), Step::Wait(Duration::from_mins(1))]
            }
            Fault::Trickle(pause) => vec![Step::Send(head), Step::Trickle(body.to_vec(), *pause)],
            Fault::Chunked(size) => vec![Step::Send(head), Step::Send(chunked(*size))],
            Fault::BadChunk => {
                vec![Step::Send(head), Step::Send(b"5\r\nhello\r\nzz\r\nworld\r\n0\r\n\r\n".to_vec())]
            }
            _ => vec![Step::Send(head), Step::Send(body.to_vec())],
        }
    }
}

type Handler = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    #[cfg(feature = "http")]
    tls: Option<Arc<rustls::ServerConfig>>,
    seen: Mutex<Vec<Seen>>,
    sent: AtomicU64,
    closed_by_client: AtomicU64,
    stop: AtomicBool,
}

/// Listens on a free port of 127.0.0.1 until it is dropped.
pub struct FaultServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

impl FaultServer {
    pub fn new(handler: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::listen(Shared {
            handler: Box::new(handler),
            #[cfg(feature = "http")]
            tls: None,
            seen: Mutex::default(),
            sent: AtomicU64::new(0),
            closed_by_client: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        })
    }

    #[cfg(feature = "http")]
    pub fn with_tls(
        config: rustls::ServerConfig,
        handler: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Shared {
            handler: Box::new(handler),
            tls: Some(Arc::new(config)),
            seen: Mutex::default(),
            sent: AtomicU64::new(0),
            closed_by_client: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        })
    }

    /// The same steps for every request.
    pub fn always(steps: Vec<Step>) -> Self {
        Self::new(move |_| steps.clone())
    }

    /// The n-th origin answers the n-th request, the last one all that follow.
    pub fn origins(origins: Vec<Origin>) -> Self {
        Self::new(move |seen| origins[seen.number.min(origins.len() - 1)].answer(seen))
    }

    fn listen(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        #[cfg(feature = "http")]
        let scheme = if shared.tls.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "http"))]
        let scheme = "http";
        let shared = Arc::new(shared);
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stop.load(Ordering::Acquire) {
                    break;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&accepting)) else { continue };
                thread::spawn(move || {
                    if let Err(error) = shared.serve(&stream)
                        && matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
                    {
                        shared.closed_by_client.fetch_add(1, Ordering::AcqRel);
                    }
                });
            }
        });
        Self { address, scheme, shared }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, path: &str) -> Url {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port()).parse().expect("a URL")
    }

    /// By name, for certificates that have it.
    pub fn url_of(&self, host: &str, path: &str) -> Url {
        format!("{}://{host}:{}{path}", self.scheme, self.port()).parse().expect("a URL")
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no panic").clone()
    }

    /// Bytes that the sockets took.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Acquire)
    }

    /// Connections that the client closed while the server still wrote.
    pub fn closed_by_client(&self) -> u64 {
        self.shared.closed_by_client.load(Ordering::Acquire)
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        #[cfg(feature = "http")]
        if let Some(config) = &self.tls {
            let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            let mut tls = rustls::StreamOwned::new(connection, stream.try_clone()?);
            self.talk(&mut tls, false)?;
            tls.conn.send_close_notify();
            return tls.flush();
        }
        let mut plain = stream;
        self.talk(&mut plain, true)
    }

    fn talk(&self, stream: &mut (impl Read + Write), can_reset: bool) -> io::Result<()> {
        // The head's last byte stays unread for now: a socket that is closed over unread bytes sends a reset.
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r") {
            if stream.read(&mut byte)? == 0 {
                return Ok(());
            }
            head.push(byte[0]);
        }
        let mut seen = parse(&head);
        let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut last_byte_read = false;
        if length > 0 {
            stream.read_exact(&mut byte)?;
            last_byte_read = true;
            seen.body = vec![0; length];
            stream.read_exact(&mut seen.body)?;
        }
        {
            let mut all = self.seen.lock().expect("no panic");
            seen.number = all.len();
            all.push(seen.clone());
        }
        for step in (self.handler)(&seen) {
            match step {
                Step::Send(bytes) => self.send(stream, &bytes)?,
                Step::Wait(time) => self.wait(time)?,
                Step::Trickle(bytes, pause) => {
                    for byte in bytes {
                        self.send(stream, &[byte])?;
                        self.wait(pause)?;
                    }
                }
                Step::Endless(bytes) => loop {
                    self.send(stream, &bytes)?;
                    self.wait(Duration::ZERO)?;
                },
                Step::Reset => {
                    assert!(can_reset && !last_byte_read, "only a plain GET can be reset");
                    return Ok(());
                }
            }
        }
        if !last_byte_read {
            stream.read_exact(&mut byte)?;
        }
        Ok(())
    }

    fn send(&self, stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes)?;
        stream.flush()?;
        self.sent.fetch_add(bytes.len() as u64, Ordering::AcqRel);
        Ok(())
    }

    fn wait(&self, time: Duration) -> io::Result<()> {
        let mut left = time;
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if left.is_zero() {
                return Ok(());
            }
            let step = left.min(Duration::from_millis(20));
            thread::sleep(step);
            left -= step;
        }
    }
}

fn parse(head: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Seen {
        number: 0,
        method: first.next().unwrap_or_default().to_owned(),
        target: first.next().unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
    }
}
