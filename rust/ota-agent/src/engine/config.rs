//! The app's config: `plugins.Ota` of `capacitor.config.json`, or `plugins.CapacitorUpdater` where that is absent.
//!
//! A value that cannot be used never stops the app: it is left out, and said in the log and by `status`.

use std::time::Duration;

use ota_bundle::Limits;
use ota_protocol::{AppId, Channel, Code};
use serde_json::{Map, Value};
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

/// Reads keys one by one and notes what cannot be used.
struct Reader<'a> {
    fields: &'a Map<String, Value>,
    section: &'static str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, key: &str, expected: &str) {
        let reason = format!("plugins.{}.{key} is not used: {expected} is expected", self.section);
        self.problems.push(Problem { code: Code::BadConfig, reason, is_fatal: false });
    }

    fn read<T>(&mut self, key: &str, expected: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.fields.get(key).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.problem(key, expected);
        }
        read
    }

    fn set<T>(&mut self, key: &str, expected: &str, read: impl Fn(&Value) -> Option<T>, place: &mut T) {
        if let Some(value) = self.read(key, expected, read) {
            *place = value;
        }
    }

    fn number(&mut self, key: &str, least: u64, place: &mut u64) {
        let expected = format!("a whole number of at least {least}");
        self.set(key, &expected, |value| value.as_u64().filter(|number| *number >= least), place);
    }

    fn millis(&mut self, key: &str, least: u64, place: &mut Duration) {
        let mut number = u64::try_from(place.as_millis()).unwrap_or(u64::MAX);
        self.number(key, least, &mut number);
        *place = Duration::from_millis(number);
    }

    fn seconds(&mut self, key: &str, place: &mut Duration) {
        let mut number = place.as_secs();
        self.number(key, 0, &mut number);
        *place = Duration::from_secs(number);
    }

    fn switch(&mut self, key: &str, place: &mut bool) {
        self.set(key, "true or false", Value::as_bool, place);
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn mode(value: &Value) -> Option<Mode> {
    Some(match value {
        Value::Bool(false) => Mode::Off,
        Value::Bool(true) => Mode::OnBackground,
        Value::String(word) => match word.as_str() {
            "off" => Mode::Off,
            "nextLaunch" | "onLaunch" => Mode::NextLaunch,
            "onBackground" | "atBackground" | "atInstall" => Mode::OnBackground,
            "immediate" | "always" => Mode::Immediate,
            "onlyDownload" => Mode::OnlyDownload,
            _ => return None,
        },
        _ => return None,
    })
}

fn pins(value: &Value) -> Option<Vec<Pin>> {
    let pin = |(host, keys): (&String, &Value)| Some(Pin { host: host.clone(), sha256: texts(keys)? });
    value.as_object()?.iter().map(pin).collect()
}

impl Config {
    /// Reads the whole of `capacitor.config.json`. Never fails: see [`Config::problems`].
    pub fn read(config: &Value) -> Self {
        let empty = Map::new();
        let plugins = config.get("plugins");
        let section = |name: &str| plugins.and_then(|plugins| plugins.get(name)).and_then(Value::as_object);
        let (fields, section) = match (section("Ota"), section("CapacitorUpdater")) {
            (Some(fields), _) => (fields, "Ota"),
            (None, Some(fields)) => (fields, "CapacitorUpdater"),
            (None, None) => (&empty, "Ota"),
        };
        let mut reader = Reader { fields, section, problems: Vec::new() };
        let mut read = Self::default();
        read.read_addresses(config, &mut reader);
        read.read_behaviour(&mut reader);
        read.read_trust(&mut reader);
        read.read_limits(&mut reader);
        read.problems = reader.problems;
        read
    }

    fn read_addresses(&mut self, config: &Value, reader: &mut Reader<'_>) {
        self.policy.http_hosts = reader.read("httpHosts", "a list of hosts", texts).unwrap_or_default();
        let url = reader.read("updateUrl", "a whole http or https URL", |value| {
            let text = value.as_str()?;
            if text.is_empty() { Some(None) } else { Url::parse(text).ok().filter(Url::has_host).map(Some) }
        });
        if let Some(url) = url.flatten() {
            self.set_update_url(url, &mut reader.problems);
        }
        // Capgo's key says the same.
        for key in ["defaultChannel", "channel"] {
            let name = |value: &Value| value.as_str()?.parse().ok();
            reader.set(key, "a channel name", name, &mut self.channel);
        }
        if self.channel.is_apk() {
            reader.problem("channel", "a channel other than apk, which holds Android packages,");
            self.channel = Channel::default();
        }
        let id = |value: &Value| value.as_str()?.parse().ok();
        self.app_id = reader.read("appId", "an app id", id).or_else(|| config.get("appId").and_then(id));
    }

    /// Sets where to ask, if that is allowed.
    pub fn set_update_url(&mut self, url: Url, problems: &mut Vec<Problem>) {
        if self.policy.allows(&url) {
            self.update_url = Some(url);
        } else {
            let host = url.host_str().unwrap_or_default();
            let reason = format!("updateUrl is not used: plain http to {host} needs an entry in httpHosts");
            problems.push(Problem { code: Code::InsecureUrl, reason, is_fatal: true });
        }
    }

    fn read_behaviour(&mut self, reader: &mut Reader<'_>) {
        const MODES: &str = "off, nextLaunch, onBackground or immediate";
        reader.set("autoUpdate", MODES, mode, &mut self.mode);
        for key in ["appReadyTimeout", "readyTimeout"] {
            reader.millis(key, 1000, &mut self.ready_timeout);
        }
        let attempts = |value: &Value| u8::try_from(value.as_u64()?).ok().filter(|number| *number >= 2);
        reader.set("maxBootAttempts", "a whole number from 2 to 255", attempts, &mut self.max_boot_attempts);
        reader.seconds("checkInterval", &mut self.check_interval);
        reader.millis("minBackground", 0, &mut self.min_background);
        let confirm = |value: &Value| match value.as_str()? {
            "ready" => Some(Confirm::Ready),
            "load" => Some(Confirm::Load),
            _ => None,
        };
        reader.set("confirm", "ready or load", confirm, &mut self.confirm);
        let dialect = |value: &Value| match value.as_str()? {
            "ota" => Some(Dialect::Ota),
            "capgo" => Some(Dialect::Capgo),
            _ => None,
        };
        reader.set("dialect", "ota or capgo", dialect, &mut self.dialect);
        let workers = |value: &Value| match value.as_str()? {
            "drop" => Some(true),
            "keep" => Some(false),
            _ => None,
        };
        reader.set("serviceWorkers", "drop or keep", workers, &mut self.drop_service_workers);
        reader.switch("acceptOlderThanBuiltin", &mut self.accept_older_than_builtin);
        reader.switch("deviceNumber", &mut self.device_number);
    }

    fn read_trust(&mut self, reader: &mut Reader<'_>) {
        self.extra_roots = reader.read("extraRoots", "a list of PEM certificates", texts).unwrap_or_default();
        let expected = "an object of host to list of base64 SHA-256 values";
        self.pins = reader.read("pins", expected, pins).unwrap_or_default();
        let has = |key: &str| reader.fields.get(key).is_some_and(|value| !value.is_null());
        if has("publicKeys") {
            // Dropping the protection would be worse than no update.
            let reason =
                "publicKeys is set, and this version of the agent cannot verify signed releases".to_owned();
            reader.problems.push(Problem { code: Code::Unsupported, reason, is_fatal: true });
        } else if has("publicKey") {
            let reason = "publicKey asks for Capgo's encryption, which is not supported".to_owned();
            reader.problems.push(Problem { code: Code::CapgoEncryptionUnsupported, reason, is_fatal: true });
        }
    }

    fn read_limits(&mut self, reader: &mut Reader<'_>) {
        let mut files = self.limits.files as u64;
        reader.number("maxFiles", 1, &mut files);
        self.limits.files = usize::try_from(files).unwrap_or(usize::MAX);
        reader.number("maxFileBytes", 1, &mut self.limits.file);
        reader.number("maxBundleBytes", 1, &mut self.limits.bundle);
        reader.number("maxDownloadBytes", 1, &mut self.limits.archive);
        reader.number("maxRatio", 1, &mut self.limits.ratio);
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
mod tests {
    use super::*;
    use serde_json::json;

    fn ota(fields: &Value) -> Config {
        Config::read(&json!({"appId": "com.example.app", "plugins": {"Ota": fields}}))
    }

    #[test]
    fn an_app_without_a_config_gets_the_defaults_and_no_url() {
        let config = Config::read(&json!({}));
        assert!(config.update_url.is_none() && config.problems.is_empty());
        assert_eq!(config.mode, Mode::NextLaunch);
    }

    #[test]
    fn our_section_wins_over_capgos() {
        let config = Config::read(&json!({"plugins": {
            "Ota": {"channel": "beta"}, "CapacitorUpdater": {"defaultChannel": "other"}}}));
        assert_eq!(config.channel.as_str(), "beta");
    }

    #[test]
    fn capgos_section_is_read_where_ours_is_absent() {
        let config = Config::read(&json!({"plugins": {"CapacitorUpdater": {
            "updateUrl": "https://ota.example.com/check", "autoUpdate": true, "appReadyTimeout": 5000,
            "defaultChannel": "beta"}}}));
        assert_eq!(config.mode, Mode::OnBackground);
        assert_eq!(config.ready_timeout, Duration::from_secs(5));
        assert_eq!(config.channel.as_str(), "beta");
        assert!(config.update_url.is_some());
    }

    #[test]
    fn each_value_that_cannot_be_used_is_named_and_the_default_stays() {
        for (key, value) in [
            ("updateUrl", json!("not a url")),
            ("autoUpdate", json!("sometimes")),
            ("readyTimeout", json!("10s")),
            ("readyTimeout", json!(5)),
            ("maxBootAttempts", json!(1)),
            ("checkInterval", json!(-1)),
            ("channel", json!("a/b")),
            ("channel", json!("apk")),
            ("confirm", json!(true)),
            ("pins", json!({"host": "x"})),
            ("maxFiles", json!(0)),
        ] {
            let config = ota(&json!({key: value}));
            assert_eq!(config.problems.len(), 1, "{key}");
            assert!(config.problems[0].reason.contains(key), "{}", config.problems[0].reason);
            assert_eq!(config.max_boot_attempts, 2);
        }
    }

    #[test]
    fn plain_http_needs_the_host_to_be_allowed() {
        let config = ota(&json!({"updateUrl": "http://ota.example.com/check"}));
        assert!(config.update_url.is_none());
        assert_eq!(config.problems[0].code, Code::InsecureUrl);
        let config =
            ota(&json!({"updateUrl": "http://ota.example.com/check", "httpHosts": ["ota.example.com"]}));
        assert!(config.update_url.is_some());
        assert!(ota(&json!({"updateUrl": "http://127.0.0.1:1/check"})).update_url.is_some());
    }

    #[test]
    fn a_key_that_promises_protection_we_lack_stops_updates() {
        let capgo = Config::read(&json!({"plugins": {"CapacitorUpdater": {"publicKey": "-----BEGIN"}}}));
        assert_eq!(capgo.problems[0].code, Code::CapgoEncryptionUnsupported);
        assert!(capgo.problems[0].is_fatal);
        assert!(ota(&json!({"publicKeys": ["x"]})).problems[0].is_fatal);
    }
}
