//! A runtime that runs while somebody waits for it, and not otherwise.

use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::ports::{Cancel, TransportError};

/// Cancel is looked at this often.
const TICK: Duration = Duration::from_millis(250);

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For the next sign of life.
    idle: Duration,
    /// For the last byte.
    deadline: Option<Instant>,
}

impl Limits {
    pub(super) fn start(idle: Duration, total: Option<Duration>) -> Self {
        // A time beyond the clock's end is no limit.
        Self { idle, deadline: total.and_then(|total| Instant::now().checked_add(total)) }
    }
}

/// The runtime.
#[derive(Debug)]
pub(super) struct Driver(Option<Runtime>);

impl Driver {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(Some(Builder::new_current_thread().enable_io().enable_time().build()?)))
    }

    /// Waits for one step: an answer's head, or the next piece of a body. `step` may be dropped half way when it takes
    /// too long.
    pub(super) fn drive<F: Future>(
        &self,
        limits: Limits,
        cancel: &Cancel,
        step: F,
    ) -> Result<F::Output, TransportError> {
        let Some(runtime) = &self.0 else { return Err(TransportError::Cancelled) };
        let idle = Instant::now().checked_add(limits.idle);
        let end = match (idle, limits.deadline) {
            (Some(idle), Some(deadline)) => Some(idle.min(deadline)),
            (one, other) => one.or(other),
        };
        runtime.block_on(async {
            let mut step = pin!(step);
            loop {
                if cancel.is_cancelled() {
                    return Err(TransportError::Cancelled);
                }
                let left = end.map_or(TICK, |end| end.saturating_duration_since(Instant::now()));
                if left.is_zero() {
                    return Err(TransportError::TimedOut);
                }
                if let Ok(done) = tokio::time::timeout(left.min(TICK), &mut step).await {
                    return Ok(done);
                }
            }
        })
    }

    /// Lets connections catch up with what happened while nobody waited: one whose body was dropped half read closes,
    /// one that the server closed is given up. Waits for nothing.
    pub(super) fn settle(&self) {
        // Blocking inside another runtime would panic; there the connection closes with the next call.
        if let (Some(runtime), Err(_)) = (&self.0, Handle::try_current()) {
            runtime.block_on(async {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            });
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A plain drop would wait for a name that is still being looked up, for as long as the system takes.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
