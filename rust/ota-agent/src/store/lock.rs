//! The three locks, and how long each is waited for.

use std::path::Path;
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

/// The lock of one read-change-write of the state.
///
/// # Errors
/// [`AgentError::Busy`] when `wait` is over; the disk's.
pub fn state(ports: &Ports, layout: &Layout, wait: Duration) -> Result<Box<dyn Lock>, AgentError> {
    acquire(ports, &layout.state_lock(), wait)?.ok_or(AgentError::Busy("changing the state"))
}

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
