//! What agent, server, Worker and command line say to each other: wire types, the release document, eligibility
//! and the one list of error codes. Pure data and pure functions; no I/O, no clock, nothing asynchronous.
//!
//! `docs/protocol.md` describes the same messages for people.

mod digest;
mod ids;

pub use digest::{Checksum, Digest, InvalidDigest, Root};
pub use ids::{APK_CHANNEL, AppId, Channel, DEFAULT_CHANNEL, InvalidName, MAX_APP_ID, MAX_NAME, Version};
