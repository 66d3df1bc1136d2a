//! A client that sends exactly what it is told, one request a connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// What a server answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lowercase.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The JSON of an answer that is not an error.
    ///
    /// # Panics
    /// Where it is one.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Holds an error's status and code, and that it has a sentence.
    ///
    /// # Panics
    /// Where it is anything else.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        let json = self.json();
        assert_eq!((self.status, json["code"].as_str()), (status, Some(code)), "{}", self.text());
        let text = json["message"].as_str().unwrap_or_default();
        assert!(text.len() > 10, "{}", self.text());
    }
}

/// Sends bytes as they are, and reads until the server closes. `None`: it closed without an answer.
///
/// # Panics
/// Where there is no connection, or what comes is not HTTP.
pub fn exchange(url: &str, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(host(url)).unwrap_or_else(|error| panic!("{url}: {error}"));
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    // A server that has read enough answers and closes; what it said is still there to be read.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    (!all.is_empty()).then(|| parse(&all))
}

fn host(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

fn parse(all: &[u8]) -> Answer {
    let end = all.windows(4).position(|part| part == b"\r\n\r\n").expect("an end of headers");
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|word| word.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let mut answer = Answer { status: status.expect("a status"), headers, bytes: all[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == "chunked" {
        answer.bytes = unchunk(&answer.bytes);
    }
    answer
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|part| part == b"\r\n") {
        let size =
            std::str::from_utf8(&bytes[..end]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else { break };
        let start = end + 2;
        whole.extend_from_slice(&bytes[start..(start + size).min(bytes.len())]);
        bytes = bytes.get(start + size + 2..).unwrap_or_default();
    }
    whole
}

/// Asks, and gives the answer.
///
/// # Panics
/// Where there is none.
pub fn call(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", host(url)).into_bytes();
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !body.is_empty() || method == "POST" {
        request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    exchange(url, &request).unwrap_or_else(|| panic!("{method} {path}: no answer"))
}

/// A form as uploads send it.
#[derive(Debug, Clone, Default)]
pub struct Form(Vec<u8>);

const BOUNDARY: &str = "a-boundary-that-no-file-holds";

impl Form {
    /// Its content type.
    pub const TYPE: &str = "multipart/form-data; boundary=a-boundary-that-no-file-holds";

    /// A text field more.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        let part =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    /// The file.
    #[must_use]
    pub fn file(mut self, bytes: &[u8]) -> Self {
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"bundle.zip\"\r\ncontent-type: application/zip\r\n\r\n"
        );
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// The body.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }
}
