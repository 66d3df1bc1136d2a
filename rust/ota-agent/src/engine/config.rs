//! The app's config: `plugins.Ota` of `capacitor.config.json`, or `plugins.CapacitorUpdater` where that is absent.
//!
//! A value that cannot be used never stops the app: it is left out, and said in the log and by `status`.

mod read;

use std::time::Duration;

use ota_bundle::Limits;
use ota_protocol::{AppId, Channel, Code};
use url::Url;

use crate::transfer::Policy;

/// When an update is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing happens by itself.
    Off,
    /// At the next start of the app.
    NextLaunch,
    /// When the app comes back after at least `minBackground` away.
    OnBackground,
    /// At once.
    Immediate,
    /// It is fetched, and the page decides (Capgo's `onlyDownload`).
    OnlyDownload,
}

/// What confirms a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// The page's call of `notifyAppReady`.
    Ready,
    /// The page's load event.
    Load,
}

/// Which body a check has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Our own.
    Ota,
    /// Exactly that of Capgo's plugin.
    Capgo,
}

/// A pinned certificate key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// For this host.
    pub host: String,
    /// SHA-256 of the key's `SubjectPublicKeyInfo`, base64; one of them must be in the chain.
    pub sha256: Vec<String>,
}

/// The config, with a default for everything.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to ask; `None`: nowhere.
    pub update_url: Option<Url>,
    /// The channel, unless the page chooses another.
    pub channel: Channel,
    /// The app's id.
    pub app_id: Option<AppId>,
    /// When an update is shown. Default: at the next launch.
    pub mode: Mode,
    /// Foreground time a page has to report ready. Default 30 s; 10 s on iOS, where the host says so.
    pub ready_timeout: Duration,
    /// Crashed boots after which a trial fails. Default 2, and never less.
    pub max_boot_attempts: u8,
    /// Time between two checks made by themselves. Default 10 minutes.
    pub check_interval: Duration,
    /// Time away after which [`Mode::OnBackground`] swaps. Default 60 s.
    pub min_background: Duration,
    /// What confirms a trial.
    pub confirm: Confirm,
    /// Which body a check has.
    pub dialect: Dialect,
    /// Whether a trial's first page gets rid of service workers of older bundles. Default yes.
    pub drop_service_workers: bool,
    /// Whether releases published before the builtin was built are taken all the same. Default no.
    pub accept_older_than_builtin: bool,
    /// Whether the device has a place in rollouts. Default yes.
    pub device_number: bool,
    /// Certificates (PEM) trusted besides the bundled ones.
    pub extra_roots: Vec<String>,
    /// Pinned keys.
    pub pins: Vec<Pin>,
    /// How requests are tried, and to whom plain http is allowed.
    pub policy: Policy,
    /// Bounds on what is taken in.
    pub limits: Limits,
    /// What of the config cannot be used.
    pub problems: Vec<Problem>,
}

/// A part of the config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code.
    pub code: Code,
    /// A sentence: which key, and what is expected.
    pub reason: String,
    /// Whether no update may be taken because of it.
    pub is_fatal: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            update_url: None,
            channel: Channel::default(),
            app_id: None,
            mode: Mode::NextLaunch,
            ready_timeout: Duration::from_secs(30),
            max_boot_attempts: 2,
            check_interval: Duration::from_mins(10),
            min_background: Duration::from_mins(1),
            confirm: Confirm::Ready,
            dialect: Dialect::Ota,
            drop_service_workers: true,
            accept_older_than_builtin: false,
            device_number: true,
            extra_roots: Vec::new(),
            pins: Vec::new(),
            policy: Policy::default(),
            limits: Limits::default(),
            problems: Vec::new(),
        }
    }
}

#[cfg(feature = "http")]
impl Config {
    /// What of the config is the network's.
    pub fn http_options(&self) -> crate::http::HttpOptions {
        let pin = |pin: &Pin| crate::http::Pin { host: pin.host.clone(), sha256s: pin.sha256.clone() };
        crate::http::HttpOptions {
            extra_roots_pem: self.extra_roots.clone(),
            pins: self.pins.iter().map(pin).collect(),
            ..crate::http::HttpOptions::default()
        }
    }
}

#[cfg(test)]
mod tests;
