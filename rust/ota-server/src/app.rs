//! The parts of a running server, as handlers see them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::extract::connect_info::ConnectInfo;
use axum::http::{HeaderMap, request};

use crate::auth::{Limiter, Passwords, Sessions};
use crate::clock::Clock;
use crate::config::Timeouts;
use crate::db::Db;
use crate::http::{Cidr, client_address, origin};
use crate::intake::Gates;
use crate::metrics::Metrics;
use crate::publishing::Catalog;
use crate::storage::BlobStore;

/// What handlers read of the configuration.
pub(crate) struct Settings {
    pub(crate) public_url: Option<String>,
    pub(crate) max_upload: u64,
    pub(crate) trusted_proxies: Vec<Cidr>,
    pub(crate) timeouts: Timeouts,
}

/// A running server's parts.
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) db: Db,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) catalog: Catalog,
    pub(crate) sessions: Sessions,
    pub(crate) passwords: Passwords,
    pub(crate) limiter: Mutex<Limiter>,
    pub(crate) gates: Gates,
    pub(crate) metrics: Arc<Metrics>,
}

/// How handlers share it.
pub(crate) type Shared = Arc<App>;

/// The other end of a request's connection.
pub(crate) type Peer = ConnectInfo<IpAddr>;

impl App {
    /// Who the client is, for limits and logs.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        client_address(peer, forwarded, &self.settings.trusted_proxies)
    }

    /// The origin that URLs in the answer begin with.
    pub(crate) fn origin(&self, parts: &request::Parts) -> String {
        let peer = parts.extensions.get::<Peer>().map(|ConnectInfo(peer)| peer.to_canonical());
        let is_trusted =
            peer.is_some_and(|peer| self.settings.trusted_proxies.iter().any(|network| network.holds(peer)));
        origin(self.settings.public_url.as_deref(), &parts.headers, is_trusted)
    }
}
