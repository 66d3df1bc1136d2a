//! Why a transfer did not give what was asked for.

use std::io;
use std::path::PathBuf;

use ota_protocol::{Checksum, Code};

/// Why a transfer did not give what was asked for. No variant holds a URL: they may carry tokens.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// No connection, no name, a certificate that is refused, or a connection that broke too often. Try later.
    #[error("the server cannot be reached: {reason}")]
    Offline {
        /// What went wrong last.
        reason: String,
    },
    /// The server answered with an error that says no more than its number.
    #[error("the server answered {status}")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// The server said no, in words of the protocol.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's code.
        code: Code,
        /// The server's sentence for people.
        message: String,
    },
    /// What came is not an answer of an update server. A captive portal answers so.
    #[error("not an answer of an update server: {reason}")]
    BadReply {
        /// What is wrong with it.
        reason: String,
    },
    /// The server no longer has the artifact (404 or 410). Asking again is useless; a new check says what is offered.
    #[error("the server no longer has it ({status})")]
    Gone {
        /// HTTP status.
        status: u16,
    },
    /// The server asked to be left alone (429, or 503 with `Retry-After`).
    #[error("the server asks to wait for {seconds} s")]
    RetryAfter {
        /// From now on, 1 to [`MAX_RETRY_AFTER`](super::Policy::MAX_RETRY_AFTER).
        seconds: u64,
    },
    /// Plain http, to a host it is not allowed to.
    #[error("plain http is not allowed to {host}")]
    InsecureUrl {
        /// The host.
        host: String,
    },
    /// The artifact is larger than an artifact may be.
    #[error("the download is larger than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// All bytes came, from byte 0 in one go or started again, and are not those that were promised. The partial
    /// file is gone.
    #[error("the download has the SHA-256 {found}, expected was {expected}")]
    ChecksumMismatch {
        /// Promised.
        expected: Checksum,
        /// Received.
        found: Checksum,
    },
    /// The disk is full. The partial file is gone, so that it does not keep others from the space.
    #[error("no room for the download: {needed} bytes are needed, {available} are free")]
    NoRoom {
        /// Bytes still to be written; 0: not known.
        needed: u64,
        /// Bytes free just after; 0 also where that cannot be found out.
        available: u64,
    },
    /// The disk refused an operation.
    #[error("{operation} {}", path.display())]
    Disk {
        /// What was tried: a verb and its object.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The caller ended it. What came so far stays for the next call.
    #[error("cancelled")]
    Cancelled,
}

impl TransferError {
    /// The code that apps see.
    pub fn code(&self) -> Code {
        match self {
            Self::Offline { .. } => Code::Offline,
            Self::Status { .. } => Code::ServerError,
            Self::Refused { code, .. } => *code,
            Self::BadReply { .. } => Code::BadReply,
            Self::Gone { .. } => Code::Gone,
            Self::RetryAfter { .. } => Code::RetryLater,
            Self::InsecureUrl { .. } => Code::InsecureUrl,
            Self::TooLarge { .. } => Code::ArchiveTooLarge,
            Self::ChecksumMismatch { .. } => Code::ChecksumMismatch,
            Self::NoRoom { .. } => Code::NoRoom,
            Self::Disk { .. } => Code::DiskError,
            Self::Cancelled => Code::Cancelled,
        }
    }
}
