//! What agent, server, Worker and command line say to each other: wire types, the release document, eligibility
//! and the one list of error codes. Pure data and pure functions; no I/O, no clock, nothing asynchronous.
//!
//! `docs/protocol.md` describes the same messages for people; `samples/` holds one of each, read and written again
//! by the tests of this crate.

pub mod check;
mod codes;
mod digest;
pub mod eligibility;
mod ids;
mod lenient;
mod native;
pub mod publish;
pub mod release;
pub mod rollout;

pub use codes::{Code, ErrorBody};
pub use digest::{Checksum, Digest, InvalidDigest, Root};
pub use ids::{APK_CHANNEL, AppId, Channel, DEFAULT_CHANNEL, InvalidName, MAX_APP_ID, MAX_NAME, Version};
pub use lenient::OrUnknown;
pub use native::{InvalidRange, NativeRange, NativeVersion};
pub use release::{Platform, UnixSeconds};
pub use rollout::{DeviceNumber, InvalidPercent, Percent};
