//! What comes in broken, damaged or with bad intent: a clear error with a stable code, nothing lost, nothing half
//! recorded, and the next good thing works.

#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::similar_names)] // `site` and `size` say what they are

mod bodies;
mod disks;
mod homes;
mod lies;
mod servers;
mod zips;

use ota_e2e::{App, Device, Middle, Site};

/// A server that offers 1.2.0, and what a device that has confirmed 1.1.0 of it must get through.
struct World {
    site: Site,
    old: App,
    new: App,
    /// The home of a device that has confirmed 1.1.0.
    template: Device,
}

impl World {
    fn new(new: App) -> Self {
        let site = Site::start();
        let old = App::new("1.1.0");
        site.deploy(&old, "1.1.0");
        let template = Device::new(site.url());
        template.install();
        site.deploy(&new, "1.2.0");
        Self { site, old, new, template }
    }

    /// Another device that has confirmed 1.1.0.
    fn device(&self, server: &str) -> Device {
        let device = Device::new(server);
        let done =
            std::process::Command::new("cp").arg("-a").arg(self.template.home()).arg(device.home()).status();
        assert!(done.expect("cp runs").success());
        device
    }

    /// Holds that an update gives this word, and that nothing came of it: the bundle shown is whole, nothing is blocked
    /// or staged, and once the server behaves the update works.
    fn survives(&self, name: &str, middle: &Middle, expected: &str) {
        let device = self.device(&middle.url());
        let said = device.update();
        assert_eq!(said.word(), expected, "{name}: {said:?}");
        let boot = device.boot();
        assert_eq!(boot.what(), ("1.1.0", "current"), "{name}");
        assert_eq!(self.old.differs(&boot.path), None, "{name}");
        device.ready(&boot).ok();
        let status = device.status();
        assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0), "{name}: {status}");
        assert_eq!(status["set_aside"].as_array().map(Vec::len), Some(0), "{name}: {status}");
        assert!(status["next"].is_null(), "{name}: {status}");
        assert_eq!(device.names("bundles").len(), 1, "{name}");
        assert!(device.names("staging").is_empty(), "{name}");
        middle.behave();
        let said = device.update();
        assert_eq!(said.word(), "staged", "{name}: the server behaves again: {said:?}");
        let boot = device.boot();
        assert_eq!(boot.what(), ("1.2.0", "trial"), "{name}");
        assert_eq!(self.new.differs(&boot.path), None, "{name}");
        device.ready(&boot).ok();
    }

    /// Each case on a device and in a thread of its own: most of them wait between tries.
    fn survives_all(&self, cases: Vec<(&str, Middle, &str)>) {
        std::thread::scope(|scope| {
            for (name, middle, expected) in cases {
                scope.spawn(move || self.survives(name, &middle, expected));
            }
        });
    }
}
