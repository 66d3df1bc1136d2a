//! The three locks, and how long each is waited for.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::layout::Layout;
use crate::error::{AgentError, At};
use crate::ports::{Lock, LockKind, Ports};

/// How long a boot at start waits for the state.
pub const WAIT_AT_START: Duration = Duration::from_millis(50);
/// How long anything in a running process waits for the state.
pub const WAIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(5);

fn acquire(ports: &Ports, path: &Path, wait: Duration) -> Result<Option<Box<dyn Lock>>, AgentError> {
    let end = ports.clock.monotonic() + wait;
    loop {
        if let Some(lock) = ports.fs.try_lock(path, LockKind::Exclusive).at("lock", path)? {
            return Ok(Some(lock));
        }
        if ports.clock.monotonic() >= end {
            return Ok(None);
        }
        ports.clock.sleep(STEP);
    }
}

/// The lock of one read-change-write of the state, for the threads of this process and for other processes.
#[derive(Default)]
pub struct StateLock(Mutex<()>);

/// Held until it is dropped.
pub struct StateGuard<'a> {
    _file: Box<dyn Lock>,
    _thread: MutexGuard<'a, ()>,
}

impl StateLock {
    /// Takes the lock. Another thread of this process is waited for as long as it takes, which its own wait bounds.
    ///
    /// # Errors
    /// [`AgentError::Busy`] when [`WAIT`] is over; the disk's.
    pub fn take(&self, ports: &Ports, layout: &Layout) -> Result<StateGuard<'_>, AgentError> {
        let thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self::guard(thread, acquire(ports, &layout.state_lock(), WAIT)?)
    }

    /// Takes the lock for a start, which waits [`WAIT_AT_START`] for nobody.
    ///
    /// # Errors
    /// [`AgentError::Busy`]; the disk's.
    pub fn take_at_start(&self, ports: &Ports, layout: &Layout) -> Result<StateGuard<'_>, AgentError> {
        let end = ports.clock.monotonic() + WAIT_AT_START;
        let thread = loop {
            match self.0.try_lock() {
                Ok(thread) => break thread,
                Err(TryLockError::Poisoned(thread)) => break thread.into_inner(),
                Err(TryLockError::WouldBlock) if ports.clock.monotonic() >= end => return Err(BUSY),
                Err(TryLockError::WouldBlock) => ports.clock.sleep(STEP),
            }
        };
        let left = end.saturating_sub(ports.clock.monotonic());
        Self::guard(thread, acquire(ports, &layout.state_lock(), left)?)
    }

    fn guard(thread: MutexGuard<'_, ()>, file: Option<Box<dyn Lock>>) -> Result<StateGuard<'_>, AgentError> {
        Ok(StateGuard { _file: file.ok_or(BUSY)?, _thread: thread })
    }
}

const BUSY: AgentError = AgentError::Busy("changing the state");

/// The lock of the one updater. Never waits.
///
/// # Errors
/// [`AgentError::Busy`]; the disk's.
pub fn update(ports: &Ports, layout: &Layout) -> Result<Box<dyn Lock>, AgentError> {
    acquire(ports, &layout.update_lock(), Duration::ZERO)?.ok_or(AgentError::Busy("updating"))
}

/// The lock of the one process that starts trials and writes attempts; `None`: another has it. Never waits.
///
/// # Errors
/// The disk's.
pub fn page(ports: &Ports, layout: &Layout) -> Result<Option<Box<dyn Lock>>, AgentError> {
    acquire(ports, &layout.page_lock(), Duration::ZERO)
}
