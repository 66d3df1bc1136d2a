//! Writes an upload to staging on a thread of its own, hashing on the way.

use std::io::{self, Write};

use bytes::Bytes;
use ota_protocol::{Checksum, Digest};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::error::ApiError;
use crate::storage::{BlobStore, Staged};

/// Pieces under way to the disk; more make the client wait.
const UNDER_WAY: usize = 2;

enum Message {
    Piece(Bytes),
    /// Without it the upload was given up, and nothing is kept.
    End,
}

/// An upload being written. Dropping it deletes what was written.
pub(super) struct Writer {
    sender: Sender<Message>,
    thread: JoinHandle<io::Result<Staged>>,
}

impl Writer {
    pub(super) fn start(blobs: std::sync::Arc<dyn BlobStore>) -> Self {
        let (sender, receiver) = channel(UNDER_WAY);
        let thread = tokio::task::spawn_blocking(move || write(&*blobs, receiver));
        Self { sender, thread }
    }

    /// Hands over a piece. A failure of the disk shows in [`Writer::finish`].
    pub(super) async fn piece(&self, piece: Bytes) -> Result<(), DiskFailed> {
        self.sender.send(Message::Piece(piece)).await.map_err(|_| DiskFailed)
    }

    /// Nothing is kept; returns when it is gone.
    pub(super) async fn give_up(self) {
        drop(self.sender);
        self.thread.await.ok();
    }

    /// Everything is durable and hashed.
    pub(super) async fn finish(self) -> Result<Staged, ApiError> {
        self.sender.send(Message::End).await.ok(); // a thread that ended early says why
        Ok(self.thread.await.map_err(ApiError::internal)??)
    }
}

/// The disk failed; [`Writer::finish`] says how.
pub(super) struct DiskFailed;

fn write(blobs: &dyn BlobStore, mut pieces: Receiver<Message>) -> io::Result<Staged> {
    let (mut file, name) = blobs.stage()?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    loop {
        match pieces.blocking_recv() {
            Some(Message::Piece(piece)) => {
                hash.update(&piece);
                file.write_all(&piece)?;
                size += piece.len() as u64;
            }
            Some(Message::End) => break,
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    file.sync_all()?;
    Ok(Staged::new(name, Checksum(Digest::from_bytes(hash.finalize().into())), size))
}
