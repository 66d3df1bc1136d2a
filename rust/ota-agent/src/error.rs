//! Errors as an app sees them: a stable code, and a sentence that says what happened and what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ota_protocol::{Code, UnixSeconds};

use crate::transfer::TransferError;

/// Why a call of the agent did not do what was asked. Nothing was lost.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Another process of the app is updating or starting.
    #[error("another process of the app is {0}")]
    Busy(&'static str),
    /// What was asked of the server does not matter any more: the channel was changed, or the app was updated.
    #[error("the {0} meanwhile; the update belonged to the one before")]
    Superseded(&'static str),
    /// The server asked to be left alone.
    #[error("the server asked to be left alone until {until} (Unix seconds)")]
    RetryLater {
        /// Until when.
        until: UnixSeconds,
    },
    /// The config does not allow updates, or cannot be used.
    #[error("{reason}")]
    Config {
        /// Which problem.
        code: Code,
        /// In words.
        reason: String,
    },
    /// The network or the server.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The server says that something is wrong.
    #[error("{reason}")]
    Server {
        /// Which problem.
        code: Code,
        /// In words.
        reason: String,
    },
    /// The bytes that came are not the bundle that was offered.
    #[error("{reason}")]
    Refused {
        /// Which problem.
        code: Code,
        /// In words, with the entry named where there is one.
        reason: String,
    },
    /// Too little space.
    #[error("{needed} bytes and {inodes} files are needed on the disk, {available} bytes are free")]
    NoRoom {
        /// Bytes.
        needed: u64,
        /// Files and folders.
        inodes: u64,
        /// Bytes free.
        available: u64,
    },
    /// The disk refused an operation.
    #[error("{operation} {}", path.display())]
    Disk {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The state cannot be read just now; nothing was written.
    #[error("the state cannot be read: {0}")]
    StateUnreadable(#[source] io::Error),
    /// The token is not that of the page shown now.
    #[error("the token is not that of the page shown now")]
    StaleToken,
    /// There is no such bundle here.
    #[error("there is no bundle {0} on this device")]
    UnknownBundle(String),
    /// The bundle's files are damaged; it was dropped.
    #[error("the files of bundle {0} are damaged; it was dropped")]
    BundleDamaged(String),
    /// The bundle failed on this device.
    #[error("bundle {0} failed on this device and is not shown again")]
    Blocked(String),
    /// The bundle is needed.
    #[error("bundle {0} is shown, is next, or is what a failure goes back to")]
    InUse(String),
    /// The caller ended it.
    #[error("cancelled")]
    Cancelled,
    /// An argument is not right.
    #[error("{0}")]
    InvalidArgument(String),
    /// A bug.
    #[error("{0}")]
    Internal(&'static str),
    /// The error of a transfer that several callers shared.
    #[error(transparent)]
    Shared(Arc<AgentError>),
}

impl AgentError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Busy(_) => Code::Busy,
            Self::RetryLater { .. } => Code::RetryLater,
            Self::Config { code, .. } | Self::Server { code, .. } | Self::Refused { code, .. } => *code,
            Self::Transfer(error) => error.code(),
            Self::NoRoom { .. } => Code::NoRoom,
            Self::Disk { source, .. } if is_full(source) => Code::NoRoom,
            Self::Disk { .. } => Code::DiskError,
            Self::StateUnreadable(_) => Code::StateUnreadable,
            Self::StaleToken => Code::StaleToken,
            Self::UnknownBundle(_) => Code::UnknownBundle,
            Self::BundleDamaged(_) => Code::BundleDamaged,
            Self::Blocked(_) => Code::Blocked,
            Self::InUse(_) => Code::InUse,
            Self::Cancelled | Self::Superseded(_) => Code::Cancelled,
            Self::InvalidArgument(_) => Code::InvalidArgument,
            Self::Internal(_) => Code::Internal,
            Self::Shared(error) => error.code(),
        }
    }

    /// The whole sentence for people: what happened, its causes, and what to do.
    pub fn explain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.ends_with(&said) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        // A server's own sentence has it already.
        let remedy = self.code().remedy();
        if text.ends_with(remedy) { text } else { format!("{text}. {remedy}") }
    }
}

/// Whether the disk, or this user's share of it, is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Adds operation and path to the system's error.
pub(crate) trait At<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, AgentError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, AgentError> {
        self.map_err(|source| AgentError::Disk { operation, path: path.to_owned(), source })
    }
}
