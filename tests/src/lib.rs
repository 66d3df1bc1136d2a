//! What the end-to-end tests share: the real programs on real files, with nothing replaced but the network between
//! them, where a test wants it broken.
//!
//! - [`binaries`]: builds and finds `ota-server` and `ota`; [`Server`] runs the one, [`Ota`] and [`Device`] the other.
//! - [`Site`]: a server with an account, and the command line logged in to it. Most tests begin with one.
//! - [`App`]: a web app to publish, which knows whether a folder shows it whole.
//! - [`Middle`]: stands between a device and a server, counts, and misbehaves as it is told.
//! - [`Room`]: a disk of its own for a device: small, full, or read-only.
//! - [`zip`]: zips built byte by byte, so that each field can lie.
//!
//! Everything here panics when something is not as a test needs it: that is how a test fails.

mod app;
mod binaries;
mod chance;
mod device;
mod http;
mod middle;
mod ota;
mod room;
mod said;
mod server;
mod site;
pub mod zip;

pub use app::{App, noise, sha256};
pub use binaries::{Binaries, binaries};
pub use chance::Chance;
pub use device::{Booted, Device};
pub use http::{Answer, Form, call, exchange};
pub use middle::{Change, Middle, Seen, Step, answer, head};
pub use ota::Ota;
pub use room::Room;
pub use said::Said;
pub use server::{PASSWORD, Server, USER};
pub use site::Site;

/// A file of `tests/vectors`, as JSON.
///
/// # Panics
/// Where it is not there, or not JSON.
pub fn vector(name: &str) -> serde_json::Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
