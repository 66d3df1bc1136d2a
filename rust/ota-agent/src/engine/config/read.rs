//! Reading the config, key by key.

use std::time::Duration;

use ota_protocol::{Channel, Code};
use serde_json::{Map, Value};
use url::Url;

use super::{Config, Confirm, Dialect, Mode, Pin, Problem};

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
        if url.path().to_ascii_lowercase().ends_with(".json") {
            // Asked as if it were a check, a feed's host would answer anything.
            let reason = "updateUrl names a feed, which this version of the agent cannot read; name a check"
                .to_owned();
            problems.push(Problem { code: Code::Unsupported, reason, is_fatal: true });
            return;
        }
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
