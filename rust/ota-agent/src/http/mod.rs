//! The real network: [`Transport`] over reqwest, rustls and ring (feature `http`).
//!
//! HTTP/1.1 on a private runtime that runs only while a call does: no thread of its own, none of the host's. Trusted
//! are Mozilla's roots, which are part of the library, and those of the config; the system's are not asked, so the
//! same servers are trusted on every phone. Proxies of system and environment are not used, redirects not followed,
//! cookies not kept, and nothing is asked for compressed.

mod body;
mod drive;
mod fault;
mod pin;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{Cancel, Header, Method, Request, Response, Transport, TransportError};
use body::Reading;
use drive::{Driver, Limits};

/// What an app's config says about its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// Certificates of authorities that are trusted beside the bundled ones, PEM, any number in each text.
    pub extra_roots_pem: Vec<String>,
    /// Hosts of which not any trusted certificate will do.
    pub pins: Vec<Pin>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// For name, connection and TLS together. Default 10 s.
    pub connect_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            extra_roots_pem: Vec::new(),
            pins: Vec::new(),
            user_agent: concat!("capacitor-ota/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// A host's chain must hold one of these keys: the server's own, or that of an authority on the way to a trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Exactly this host, in any case.
    pub host: String,
    /// SHA-256 of a `SubjectPublicKeyInfo`, base64, with or without `sha256/` before it. At least one; a second one
    /// whose key is kept in a drawer is what makes a change of keys possible.
    pub sha256s: Vec<String>,
}

/// An option that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpOptionError {
    /// An extra root is not a certificate, or not one of an authority.
    #[error("extra root {number} cannot be used: {reason}")]
    Root {
        /// Which text, from 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
    /// A pin is not base64 of 32 bytes, or a host has none.
    #[error("the pins of {host} cannot be used: {reason}")]
    Pin {
        /// Of which host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// Anything else.
    #[error("the network cannot be set up: {reason}")]
    Setup {
        /// What is wrong.
        reason: String,
    },
}

/// The real network. Cheap to keep: connections are used again for 30 s, and there is no thread. Never call it from
/// inside another async runtime, which it would block.
pub struct Http {
    driver: Arc<Driver>,
    client: reqwest::Client,
}

impl Http {
    /// Sets up, without touching the network.
    ///
    /// # Errors
    /// [`HttpOptionError`] names the option that cannot be used.
    pub fn new(options: &HttpOptions) -> Result<Self, HttpOptionError> {
        let setup = |reason: String| HttpOptionError::Setup { reason };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(options)?)
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(1)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|error| setup(error.to_string()))?;
        let driver = Driver::new().map_err(|error| setup(error.to_string()))?;
        Ok(Self { driver: Arc::new(driver), client })
    }
}

impl Transport for Http {
    fn send(&self, request: &Request, cancel: &Cancel) -> Result<Response, TransportError> {
        // While nobody waited, nothing was noticed: a kept connection that the server closed meanwhile is found out now,
        // and not by a question that goes out on it and gets no answer.
        self.driver.settle();
        let limits = Limits::start(request.idle, request.total);
        let asked = match request.method {
            Method::Get => self.client.get(request.url.clone()),
            Method::Post => self.client.post(request.url.clone()).body(request.body.clone()),
        };
        let asked = request.headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value));
        let response =
            self.driver.drive(limits, cancel, asked.send())?.map_err(|error| fault::classify(&error))?;
        Ok(Response {
            status: response.status().as_u16(),
            headers: headers(&response),
            body: Box::new(Reading::new(Arc::clone(&self.driver), response, limits, cancel.clone())),
        })
    }
}

fn headers(response: &reqwest::Response) -> Vec<Header> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect()
}
