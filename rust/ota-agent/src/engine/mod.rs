//! Turns the lifecycle's effects into I/O, and I/O into its events. Blocking; the host chooses the thread.
//!
//! [`Agent`] is the only glue. What decides is apart from what does: `ask` and `decide` read an answer, `session` holds it against the state, `schedule`
//! and `timer` say when, `obtain` gets a bundle, `boot`, `page`, `library` and `update` are the calls.

mod agent;
mod app;
mod ask;
mod boot;
mod config;
mod decide;
mod jobs;
mod library;
mod obtain;
mod page;
mod prune;
mod schedule;
mod session;
mod status;
mod timer;
mod update;

pub use agent::Agent;
pub use app::{App, STAMP, Stamp};
pub use boot::{Booted, Start};
pub use config::{Config, Confirm, Dialect, Mode, Pin, Problem};
pub use library::BundleInfo;
pub use page::{Ended, Hint};
pub use status::Status;
pub use update::{Outcome, Transferred, Updated};

/// How many threads hash and inflate: the cores there are, and no more than a phone's fast ones.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(4)
}
