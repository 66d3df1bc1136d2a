//! The network: one request out, one answer in, its body read as it comes.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use url::Url;

/// Ends a call from another thread. Clones share one switch.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends the call. Again is the same.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Get,
    /// With one.
    Post,
}

/// A header's name, lowercase, and its value.
pub type Header = (String, String);

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// How to ask.
    pub method: Method,
    /// Whom. Redirects are not followed here.
    pub url: Url,
    /// Headers beside those the transport sets itself.
    pub headers: Vec<Header>,
    /// The body of a post.
    pub body: Vec<u8>,
    /// No byte for this long ends it.
    pub idle: Duration,
    /// From start to the last byte; `None`: as long as bytes come.
    pub total: Option<Duration>,
}

/// An answer's body. Each read returns what has come; an error ends it. The error holds a [`TransportError`], which
/// [`TransportError::of_read`] gives back; an end before the length that the headers state is one.
pub type Body = Box<dyn Read + Send>;

/// One answer; also 3xx, 4xx and 5xx.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lowercase.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Body,
}

impl Response {
    /// The first header of a name (lowercase).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection, no name, no route, or it broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// Nothing came for too long.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The server's certificate is not one to trust.
    #[error("the server's certificate is refused: {0}")]
    Tls(String),
    /// The answer is not HTTP, or broke its framing.
    #[error("the answer is not valid HTTP: {0}")]
    Malformed(String),
    /// The caller ended it.
    #[error("cancelled")]
    Cancelled,
}

impl TransportError {
    /// What went wrong where reading a body failed.
    pub fn of_read(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            Err(error) => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<TransportError> for io::Error {
    fn from(error: TransportError) -> Self {
        Self::other(error)
    }
}

/// The network.
pub trait Transport: Send + Sync {
    /// Sends one request and returns when the answer's headers are there. Blocks; looks at `cancel` at least twice a
    /// second, also while the body is read.
    ///
    /// # Errors
    /// [`TransportError`]; an answer of any status is not one.
    fn send(&self, request: &Request, cancel: &Cancel) -> Result<Response, TransportError>;
}
