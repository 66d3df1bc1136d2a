//! A server from start to stop.

mod accept;
mod start;

use std::net::SocketAddr;

pub use start::StartError;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;

/// Starts servers.
#[derive(Debug, Clone, Copy)]
pub struct Server;

impl Server {
    /// Starts a server on the running tokio runtime; it answers once this returns.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        Self::start_with(config, SystemClock).await
    }

    /// As [`Server::start`], with a clock of the caller's.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way.
    pub async fn start_with(config: Config, clock: impl Clock + 'static) -> Result<Running, StartError> {
        start::start(config, std::sync::Arc::new(clock)).await
    }
}

/// A server that runs until it is stopped, or dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
    /// The password that was made at the first start, with the account's name.
    made_password: Option<(String, String)>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDR:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Account and password made at the first start, where none was given. It is not stored anywhere.
    pub fn made_password(&self) -> Option<(&str, &str)> {
        self.made_password.as_ref().map(|(name, password)| (name.as_str(), password.as_str()))
    }

    /// Takes no more requests, and returns once those under way are answered and the data directory is free.
    pub async fn stop(self) {
        self.stop.send(true).ok();
        self.served.await.ok();
    }
}
