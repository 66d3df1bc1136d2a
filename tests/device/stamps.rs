//! `ota-builtin.json`: what an app build says about the bundle it ships.

use ota_e2e::{App, Device, Site};
use serde_json::json;

/// The folder of a store build, with its stamp.
fn stamped(name: &str, root: &str, built_at: u64) -> App {
    App::new(name)
        .with("ota-builtin.json", json!({"root": root, "built_at": built_at}).to_string().as_bytes())
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

const HOUR: u64 = 3600;

#[test]
fn another_builtin_under_the_same_version_is_another_app() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let mut device = Device::new(site.url());
    device.ship(stamped("first", &App::new("first").root(), now() - HOUR));
    device.install();
    device.ship(stamped("second", &App::new("second").root(), now() - HOUR));
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.0.0", "native_changed"));
    device.shows(&boot, device.builtin());
    assert_eq!(device.boot().what(), ("1.0.0", "builtin"));
}

#[test]
fn a_stamp_where_there_was_none_is_another_app_too() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let mut device = Device::new(site.url());
    device.install();
    device.ship(stamped("first", &App::new("first").root(), now() - HOUR));
    assert_eq!(device.boot().reason, "native_changed");
}

#[test]
fn a_release_older_than_the_builtin_is_not_taken() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let mut device = Device::new(site.url());
    device.ship(stamped("newer", &App::new("newer").root(), now()));
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"older_than_builtin".into()));
    assert_eq!(device.start().what(), ("1.0.0", "builtin"));
    // What is published after the build is.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    site.deploy(&App::new("1.2.0"), "1.2.0");
    assert_eq!(device.install().version, "1.2.0");
    // Going back to the older one means the builtin.
    site.ota.run(&["release", "rollback", "--channel", "stable", "--to", "1.1.0"]).ok();
    assert_eq!(device.update().word(), "reverted");
    assert_eq!(device.boot().what(), ("1.0.0", "builtin"));
}

#[test]
fn the_config_can_take_older_releases_all_the_same() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let mut device = Device::new(site.url());
    device.ship(stamped("newer", &App::new("newer").root(), now()));
    device.configure(&json!({"plugins": {"Ota": {"acceptOlderThanBuiltin": true}}}));
    assert_eq!(device.install().version, "1.1.0");
}

#[test]
fn a_stamp_from_the_future_says_nothing() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let mut device = Device::new(site.url());
    device.ship(stamped("newer", &App::new("newer").root(), now() + 1000 * HOUR));
    assert_eq!(device.install().version, "1.1.0");
}

#[test]
fn a_release_that_is_the_builtin_is_not_downloaded() {
    let site = Site::start();
    let shipped = App::new("shipped");
    site.deploy(&shipped, "1.0.0-ota");
    let middle = ota_e2e::Middle::honest(site.url());
    let mut device = Device::new(&middle.url());
    device.ship(stamped("shipped", &shipped.root(), now() - HOUR));
    assert_eq!(device.update().word(), "up_to_date");
    assert_eq!(device.start().what(), ("1.0.0", "builtin"));
    // From another bundle it is the way back.
    site.deploy(&App::new("1.1.0"), "1.1.0");
    device.install();
    let downloads = middle.downloads_seen().len();
    site.ota.run(&["release", "rollback", "--channel", "stable"]).ok();
    assert_eq!(device.update().word(), "reverted");
    assert_eq!(device.boot().what(), ("1.0.0", "builtin"));
    assert_eq!(middle.downloads_seen().len(), downloads);
}

#[test]
fn a_stamp_that_cannot_be_read_is_none() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    for stamp in ["", "{}", "[]", r#"{"root":"short"}"#, r#"{"root":7,"built_at":"soon"}"#] {
        let mut device = Device::new(site.url());
        device.ship(App::new("shipped").with("ota-builtin.json", stamp.as_bytes()));
        assert_eq!(device.start().what(), ("1.0.0", "builtin"), "{stamp}");
        assert_eq!(device.install().version, "1.1.0", "{stamp}");
    }
}
