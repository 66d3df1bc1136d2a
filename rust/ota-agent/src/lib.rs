//! The agent on the device: asks a server whether there is a newer release, fetches, verifies and unpacks it, shows
//! it at the next boot, and goes back when it does not come up.
//!
//! Three rings (`docs/architecture.md`): [`lifecycle`] decides and is pure; [`store`] is the one place that changes
//! the disk; [`engine`] turns effects into I/O and I/O into events. The ports they stand on are in [`ports`].

pub mod engine;
mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod lifecycle;
pub mod ports;
pub mod store;
pub mod transfer;

pub use error::AgentError;
