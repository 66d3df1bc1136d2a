//! Questions and downloads over a network that may do anything: lie, stall, cut off, redirect in circles, or not be
//! there.
//!
//! - [`check`] asks one question and gives back a JSON object, or says why there is none.
//! - [`download`] fetches one artifact into a partial file, goes on where an earlier call was cut off or killed, and
//!   hashes what it gets. [`sweep`] removes partial files nobody wants any more.
//! - [`Policy`] says how often is tried, how long is waited, and where plain http is allowed.
//!
//! What an answer means is decided by pure functions (`answer`, `resume`, `redirect`); `exchange` and the two calls
//! above only act on it. Nothing here blocks or sets aside a release: a failed transfer is never a bundle's fault.

mod answer;
mod check;
mod download;
mod error;
mod exchange;
mod http_date;
mod partial;
mod policy;
mod redirect;
mod resume;
mod retry;

pub use check::{CheckAnswer, CheckCall, check};
pub use download::{
    DEFAULT_LIMIT, Fetched, Progress, Wanted, download, forget, partial_name, partial_size, sweep,
};
pub use error::TransferError;
pub use policy::Policy;
