//! The self-hosted update server: publishes bundles to channels and answers devices' checks.
//!
//! - [`Server::start`] runs a server in this process (tests and the demo do); [`run`] is the whole command line.
//! - `router` lists every route; `controllers` has a file per resource; each reads as the contract of its routes.
//! - `publishing` decides what becomes a channel's release and what a check is offered; `catalog` in it keeps the
//!   offers in memory, so that a check touches neither disk nor database.
//! - `intake` receives uploads to the disk and opens them; `storage` keeps bytes by their checksum; `db` the history.
//! - `auth` knows who asks; `http` has what every handler needs.

mod app;
mod auth;
mod backup;
mod clock;
mod commands;
mod config;
mod controllers;
mod data_dir;
mod db;
mod error;
mod http;
mod intake;
mod metrics;
mod publishing;
mod router;
mod server;
mod storage;

pub use clock::{Clock, ManualClock, SystemClock};
pub use commands::run;
pub use config::{Admin, Config, InvalidPublicUrl, PublicUrl, Timeouts};
pub use data_dir::DataDirError;
pub use db::MigrateError;
pub use error::ApiError;
pub use http::{Cidr, InvalidCidr};
pub use server::{Running, Server, StartError};

/// Runs blocking work on the threads that are for it; a panic in it is an internal error.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}
