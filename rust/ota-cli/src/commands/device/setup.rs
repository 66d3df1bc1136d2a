//! Which device: its home, the app on it, and the app's config.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use ota_agent::engine::{Agent, App, Config, Stamp};
use ota_agent::http::Http;
use ota_agent::ports::{Ports, RealFs, SystemClock, Transport};
use ota_protocol::{AppId, Channel, Code, Platform};
use serde_json::Value;
use url::Url;

use super::unusable;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct Setup {
    /// The device's own folder
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// The web assets the store ships
    #[arg(long, value_name = "DIR")]
    builtin: PathBuf,
    /// The app's version name in the store
    #[arg(long, value_name = "V")]
    native_version: String,
    /// The app's build number in the store
    #[arg(long, value_name = "N", default_value = "")]
    native_build: String,
    /// android, ios, or another word that releases name
    #[arg(long, value_name = "SYSTEM", default_value = "android")]
    platform: String,
    /// The app's id, where the config has none
    #[arg(long = "app", value_name = "ID")]
    app_id: Option<AppId>,
    /// The app's `capacitor.config.json`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server: asks its /check
    #[arg(long, value_name = "ORIGIN", env = "OTA_SERVER")]
    server: Option<String>,
    /// The channel, in place of the config's
    #[arg(long, value_name = "C")]
    channel: Option<Channel>,
}

impl Setup {
    /// The agent of this device; with a network where `online`.
    pub(super) fn agent(&self, online: bool) -> Result<Agent, Failure> {
        let config = self.config()?;
        let app = self.app(&config)?;
        let transport = if online { Some(transport(&config)?) } else { None };
        let ports = Ports { fs: Arc::new(RealFs), clock: Arc::new(SystemClock), transport };
        Ok(Agent::new(&absolute(&self.home)?, config, app, ports))
    }

    fn config(&self) -> Result<Config, Failure> {
        let value = match &self.config {
            Some(path) => read_json(path)?,
            None => Value::Null,
        };
        let mut config = Config::read(&value);
        if let Some(server) = &self.server {
            let url = check_url(server)?;
            let mut problems = Vec::new();
            config.set_update_url(url, &mut problems);
            config.problems.extend(problems);
        }
        if let Some(channel) = &self.channel {
            if channel.is_apk() {
                return Err(Failure::new(
                    Code::ReservedChannel,
                    "a device takes no bundles from channel apk",
                ));
            }
            config.channel = channel.clone();
        }
        Ok(config)
    }

    fn app(&self, config: &Config) -> Result<App, Failure> {
        let builtin = absolute(&self.builtin)?;
        if !builtin.join("index.html").is_file() {
            let what = format!("--builtin {}: there is no index.html in it", builtin.display());
            return Err(
                unusable(what).remedy("Name the folder that the store ships, the one with index.html in it.")
            );
        }
        Ok(App {
            id: self.app_id.clone().or_else(|| config.app_id.clone()),
            native_version: self.native_version.clone(),
            native_build: self.native_build.clone(),
            platform: Some(Platform::from(self.platform.clone())),
            os_version: String::new(),
            stamp: Stamp::read(&builtin),
            builtin,
            os_boot: None,
            live_reload: false,
        })
    }
}

fn transport(config: &Config) -> Result<Arc<dyn Transport>, Failure> {
    let http = Http::new(&config.http_options());
    let http =
        http.map_err(|error| Failure::new(Code::BadConfig, format!("the config's network: {error}")))?;
    Ok(Arc::new(http))
}

/// `ORIGIN` means `ORIGIN/check`.
fn check_url(server: &str) -> Result<Url, Failure> {
    let bad = |why: String| {
        unusable(format!("--server {server}: {why}"))
            .remedy("Give an origin such as https://ota.example.com.")
    };
    let url = Url::parse(&format!("{}/check", server.trim_end_matches('/')))
        .map_err(|error| bad(error.to_string()))?;
    if url.has_host() { Ok(url) } else { Err(bad("it names no host".into())) }
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::disk("read", path, &error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(Code::BadConfig, format!("{} is not JSON: {error}", path.display())))
}

/// Paths are printed for other programs, which may run elsewhere.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::disk("find", path, &error))
}
