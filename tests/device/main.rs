//! `ota device`, line by line as its contract has it (`docs/cli.md`), against a real server.

#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::similar_names)] // `site` and `size` say what they are

mod boots;
mod config;
mod failures;
mod output;
mod stamps;
mod updates;

use ota_e2e::{App, Booted, Device, Site};

/// A server that offers 1.1.0, and a device that has it, confirmed.
fn installed() -> (Site, Device, App, Booted) {
    let site = Site::start();
    let app = App::new("1.1.0");
    site.deploy(&app, "1.1.0");
    let device = Device::new(site.url());
    let boot = device.install();
    (site, device, app, boot)
}

/// Publishes a version, and lets the device stage it.
fn stage(site: &Site, device: &Device, version: &str) -> App {
    let app = App::new(version);
    site.deploy(&app, version);
    assert_eq!(device.update().word(), "staged");
    app
}
