//! A part of a file as a body: read piece by piece, as fast as the client takes it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::metrics::Metrics;

/// Bytes read at once; what one download holds in memory.
const PIECE: u64 = 64 * 1024;

/// A part of a file.
#[derive(Debug)]
pub(crate) struct FileBody {
    file: Arc<File>,
    at: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    metrics: Arc<Metrics>,
}

impl FileBody {
    /// `len` bytes from `at` on; `metrics` counts what is sent.
    pub(crate) fn new(file: File, at: u64, len: u64, metrics: Arc<Metrics>) -> Self {
        Self { file: Arc::new(file), at, left: len, reading: None, metrics }
    }
}

fn read(file: &File, at: u64, len: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(len).unwrap_or_default()];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let (at, len) = (this.at, this.left.min(PIECE));
        let reading = this.reading.get_or_insert_with(|| {
            let file = this.file.clone();
            tokio::task::spawn_blocking(move || read(&file, at, len))
        });
        let piece = ready!(Pin::new(reading).poll(cx));
        this.reading = None;
        let piece = piece.map_err(io::Error::other).flatten()?;
        this.at += len;
        this.left -= len;
        this.metrics.sent(len);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
