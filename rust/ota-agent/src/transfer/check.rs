//! One question to the server.

use ota_protocol::UnixSeconds;
use url::Url;

use super::{Policy, TransferError};
use crate::ports::{Cancel, Ports};

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct CheckCall<'a> {
    /// Whom to ask.
    pub url: &'a Url,
    /// The question, JSON.
    pub body: &'a [u8],
    /// How to try.
    pub policy: &'a Policy,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckAnswer {
    /// A JSON object, as it came, of at most [`MAX_REPLY_BYTES`](ota_protocol::check::MAX_REPLY_BYTES).
    pub body: Vec<u8>,
    /// When the server says it answered; `None` where it does not, or not readably.
    pub date: Option<UnixSeconds>,
    /// Who answered in the end, after redirects: relative URLs of the answer start here.
    pub url: Url,
}

/// Asks.
///
/// # Errors
/// Every [`TransferError`] except those of downloads and the disk.
pub fn check(_ports: &Ports, _call: &CheckCall<'_>, _cancel: &Cancel) -> Result<CheckAnswer, TransferError> {
    Err(TransferError::Offline { reason: "not there yet".to_owned() })
}
