//! kill -9 at any moment: the next boot is right, and nothing later is stuck.
//!
//! Moments come from seeded chance, so that a failure can be tried again; its text names the moment.

#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::similar_names)] // `site` and `size` say what they are

mod commands;
mod server;
mod together;
mod updates;

use ota_e2e::{App, Booted, Device, Middle, Site};

/// A server behind a middle, and a device that has confirmed 1.1.0 of it; 1.2.0 is offered.
struct World {
    site: Site,
    middle: Middle,
    device: Device,
    old: App,
    new: App,
}

impl World {
    fn new(new: App) -> Self {
        let site = Site::start();
        let old = App::new("1.1.0");
        site.deploy(&old, "1.1.0");
        let middle = Middle::honest(site.url());
        let device = Device::new(&middle.url());
        device.install();
        site.deploy(&new, "1.2.0");
        Self { site, middle, device, old, new }
    }

    /// Another device that has confirmed 1.1.0, while 1.2.0 is offered.
    fn copy(&self) -> Device {
        let device = Device::new(&self.middle.url());
        let from = self.device.home();
        let done = std::process::Command::new("cp").arg("-a").arg(from).arg(device.home()).status();
        assert!(done.expect("cp runs").success());
        device
    }

    /// Holds that a boot shows one of the two releases, whole, or what the store ships.
    #[track_caller]
    fn is_whole(&self, device: &Device, boot: &Booted, moment: &str) {
        let app = match boot.version.as_str() {
            "1.2.0" => &self.new,
            "1.1.0" => &self.old,
            "1.0.0" => device.builtin(),
            _ => panic!("{moment}: {boot:?}"),
        };
        assert_eq!(app.differs(&boot.path), None, "{moment}: {boot:?}");
    }

    /// Holds that the device gets to 1.2.0 from here, whatever happened.
    #[track_caller]
    fn arrives(&self, device: &Device, moment: &str) {
        let said = device.update();
        assert!(["staged", "up_to_date"].contains(&said.word()), "{moment}: {said:?}");
        let boot = device.boot();
        self.is_whole(device, &boot, moment);
        assert_eq!(boot.version, "1.2.0", "{moment}: {boot:?}");
        device.ready(&boot).ok();
        let status = device.status();
        assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0), "{moment}: {status}");
        assert_eq!(status["confirmed"], true, "{moment}");
    }
}
