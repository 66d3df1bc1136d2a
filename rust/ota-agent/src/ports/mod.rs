//! What the agent needs from the world: files, time, chance and a network. Each is a small trait, so that a test can
//! cut the power, stop the clock or break the network wherever it likes.

mod clock;
#[cfg(any(test, feature = "test-util"))]
mod fakes;
mod fs;
mod real_fs;
mod transport;

pub use clock::{Clock, SystemClock};
#[cfg(any(test, feature = "test-util"))]
pub use fakes::TestClock;
pub use fs::{Entry, Fs, Lock, LockKind, Space, Stat, WriteFile};
pub use real_fs::RealFs;
pub use transport::{Body, Cancel, Header, Method, Request, Response, Transport, TransportError};

/// The agent's ports, shared by all its threads.
#[derive(Clone)]
pub struct Ports {
    /// Files.
    pub fs: std::sync::Arc<dyn Fs>,
    /// Time and chance.
    pub clock: std::sync::Arc<dyn Clock>,
    /// The network; `None` in processes that only boot.
    pub transport: Option<std::sync::Arc<dyn Transport>>,
}
