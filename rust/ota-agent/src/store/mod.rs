//! The disk: the one place that changes it, and durably where it matters. All through [`crate::ports::Fs`].

pub mod attempt_file;
pub mod bundles;
mod layout;
pub mod lock;
mod record;
pub mod staging;
pub mod state_file;

pub use layout::Layout;
pub use record::{FailedUpdate, FloorRecord, Label, Record, SCHEMA};
