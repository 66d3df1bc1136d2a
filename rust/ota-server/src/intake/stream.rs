//! A request's body as the multipart reader gets it: in bounds, and not for ever.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};

/// What may arrive without being a part of a field, in bytes: boundaries and headers. The multipart reader keeps all
/// of it in memory, so that a body without a boundary would end up there whole.
const UNCLAIMED: u64 = 256 * 1024;
/// How long a client that was refused may go on sending, so that it can read why.
const LINGER: Duration = Duration::from_secs(5);

/// Why a body ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the connection was cut off")]
    CutOff,
    #[error("nothing arrived for too long")]
    Idle,
    #[error("the body is too large")]
    TooLarge,
    #[error("the body is not multipart")]
    NotMultipart,
}

/// A body whose reading several parties take part in.
#[derive(Clone)]
pub(super) struct Source {
    body: Arc<Mutex<Body>>,
    arrived: Arc<AtomicU64>,
    claimed: Arc<AtomicU64>,
}

impl Source {
    pub(super) fn new(body: Body) -> Self {
        Self { body: Arc::new(Mutex::new(body)), arrived: Arc::default(), claimed: Arc::default() }
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything arrived.
    pub(super) fn has_begun(&self) -> bool {
        self.arrived.load(Ordering::Relaxed) > 0
    }

    /// Tells that bytes turned out to be a field's.
    pub(super) fn claim(&self, bytes: usize) {
        self.claimed.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The body, in pieces.
    pub(super) fn stream(&self, limit: u64, idle: Duration) -> Pieces {
        Pieces { source: self.clone(), limit, idle, timer: Box::pin(sleep(idle)), has_given: false }
    }

    /// Goes on reading for a while after the answer was decided: a client that is still sending when the connection
    /// closes would see a reset instead of the answer.
    pub(super) fn linger(self) {
        tokio::spawn(async move {
            let drained = std::future::poll_fn(|cx| {
                let mut body = self.body();
                loop {
                    match Pin::new(&mut *body).poll_frame(cx) {
                        Poll::Ready(Some(Ok(_))) => {}
                        Poll::Ready(_) => return Poll::Ready(()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            });
            tokio::time::timeout(LINGER, drained).await.ok();
        });
    }
}

/// A body as a stream of pieces.
pub(super) struct Pieces {
    source: Source,
    limit: u64,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    has_given: bool,
}

impl Stream for Pieces {
    type Item = Result<Bytes, Fault>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // The multipart reader takes all it can get at once; a pause after each piece keeps its buffer small.
        if std::mem::take(&mut this.has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let arrived = this.source.arrived.load(Ordering::Relaxed);
        if arrived.saturating_sub(this.source.claimed.load(Ordering::Relaxed)) > UNCLAIMED {
            return Poll::Ready(Some(Err(Fault::NotMultipart)));
        }
        let frame = Pin::new(&mut *this.source.body()).poll_frame(cx);
        match frame {
            Poll::Pending if this.timer.as_mut().poll(cx).is_ready() => Poll::Ready(Some(Err(Fault::Idle))),
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Fault::CutOff))),
            Poll::Ready(Some(Ok(frame))) => {
                let piece = frame.into_data().unwrap_or_default();
                this.timer.as_mut().reset(Instant::now() + this.idle);
                let arrived = arrived + piece.len() as u64;
                this.source.arrived.store(arrived, Ordering::Relaxed);
                this.has_given = true;
                if arrived > this.limit {
                    return Poll::Ready(Some(Err(Fault::TooLarge)));
                }
                Poll::Ready(Some(Ok(piece)))
            }
        }
    }
}
