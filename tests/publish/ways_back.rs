//! What was published is taken back, and devices follow.

use ota_e2e::{App, Device, Middle, Site};
use serde_json::json;

/// 1.0.0 and 1.1.0 are published, and a device has confirmed both.
fn two_releases() -> (Site, Middle, Device, App) {
    let site = Site::start();
    let middle = Middle::honest(site.url());
    let device = Device::new(&middle.url());
    let first = App::new("1.1.0");
    site.deploy(&first, "1.1.0");
    device.install();
    site.deploy(&App::new("1.2.0"), "1.2.0");
    device.install();
    (site, middle, device, first)
}

#[test]
fn deleting_the_active_release_takes_devices_back_without_a_download() {
    let (site, middle, device, first) = two_releases();
    let deleted = site.admin("DELETE", "/api/ota/admin/ota/stable/1.2.0", None).ok();
    assert_eq!(deleted, json!({"deleted": "1.2.0", "active": "1.1.0"}));
    let rows = site.history("stable");
    assert_eq!((rows.len(), &rows[0]["version"], &rows[0]["active"]), (1, &"1.1.0".into(), &true.into()));
    let downloads = middle.downloads_seen().len();
    let said = device.update();
    assert_eq!((said.word(), said.ok()["received"].as_u64()), ("staged", Some(0)));
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.1.0", "current"), "it was confirmed before");
    device.shows(&boot, &first);
    device.ready(&boot).ok();
    assert_eq!(middle.downloads_seen().len(), downloads);
    assert_eq!(device.update().word(), "up_to_date");
}

#[test]
fn deleting_the_last_release_takes_devices_back_to_the_builtin() {
    let (site, _middle, device, _) = two_releases();
    for (version, active) in [("1.2.0", json!("1.1.0")), ("1.1.0", json!(null))] {
        let said = site.ota.run(&["release", "delete", "--channel", "stable", version]);
        assert_eq!(said.ok(), &json!({"channel": "stable", "deleted": version, "active": active}));
    }
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["bundle"]), ("reverted", &"builtin".into()));
    assert_eq!(said.ok()["version"], "1.0.0");
    let boot = device.boot();
    assert_eq!((boot.what(), boot.bundle.as_str()), (("1.0.0", "builtin"), "builtin"));
    device.shows(&boot, device.builtin());
    device.ready(&boot).ok();
    assert_eq!(device.update().word(), "up_to_date");
}

#[test]
fn deleting_an_older_release_changes_nothing_for_devices() {
    let (site, _middle, device, _) = two_releases();
    let deleted = site.admin("DELETE", "/api/ota/admin/ota/stable/1.1.0", None).ok();
    assert_eq!(deleted, json!({"deleted": "1.1.0", "active": "1.2.0"}));
    assert_eq!(device.update().word(), "up_to_date");
    assert_eq!(device.boot().what(), ("1.2.0", "current"));
}

#[test]
fn apply_shows_a_reverted_builtin_at_once() {
    let (site, _middle, device, _) = two_releases();
    for version in ["1.2.0", "1.1.0"] {
        site.ota.run(&["release", "delete", "--channel", "stable", version]).ok();
    }
    device.boot();
    let said = device.run(&["update", "--apply"]);
    let lines = &said.lines[said.lines.len() - 2..];
    assert_eq!(lines[0]["outcome"], "reverted");
    assert_eq!((&lines[1]["bundle"], &lines[1]["reason"]), (&"builtin".into(), &"builtin".into()));
}

#[test]
fn a_rollback_offers_an_earlier_release_under_a_new_sequence() {
    let (site, middle, device, first) = two_releases();
    let downloads = middle.downloads_seen().len();
    let said = site.ota.run(&["release", "rollback", "--channel", "stable"]);
    assert_eq!((&said.ok()["version"], &said.ok()["replaced"]), (&"1.1.0".into(), &"1.2.0".into()));
    let sequence = said.ok()["sequence"].as_u64().unwrap();
    assert!(device.status()["floors"]["stable"]["sequence"].as_u64().unwrap() < sequence);
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.1.0", "current"));
    device.shows(&boot, &first);
    assert_eq!(middle.downloads_seen().len(), downloads);
    // And forward again.
    site.ota.run(&["release", "rollback", "--channel", "stable", "--to", "1.2.0"]).ok();
    assert_eq!(device.update().word(), "staged");
    assert_eq!(device.boot().what(), ("1.2.0", "current"));
}

#[test]
fn a_rollback_that_has_nowhere_to_go_says_so() {
    let site = Site::start();
    assert_eq!(site.ota.run(&["release", "rollback", "--channel", "stable"]).error(), "not_found");
    site.deploy(&App::new("1.0.0"), "1.0.0");
    assert_eq!(site.ota.run(&["release", "rollback", "--channel", "stable"]).error(), "not_found");
    let said = site.ota.run(&["release", "rollback", "--channel", "stable", "--to", "9.9.9"]);
    assert_eq!(said.error(), "not_found");
    assert_eq!(site.history("stable").len(), 1);
}

#[test]
fn a_device_that_blocked_the_newest_takes_the_rollback() {
    let (site, _middle, device, first) = two_releases();
    site.deploy(&App::new("broken"), "1.3.0");
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    device.fail(&boot, "load").ok();
    device.start();
    assert_eq!(device.update().word(), "blocked");
    site.ota.run(&["release", "rollback", "--channel", "stable", "--to", "1.1.0"]).ok();
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.1.0", "current"));
    device.shows(&boot, &first);
}

#[test]
fn promote_publishes_to_another_channel_without_an_upload() {
    let site = Site::start();
    let app = App::new("2.0.0");
    site.try_deploy(&app, "2.0.0", &["--channel", "beta"]).ok();
    let said = site.ota.run(&["release", "promote", "--channel", "beta", "2.0.0", "--to", "stable"]);
    assert_eq!(
        (&said.ok()["channel"], &said.ok()["filename"]),
        (&"stable".into(), &"stable-2.0.0.zip".into())
    );
    let device = Device::new(site.url());
    let boot = device.install();
    device.shows(&boot, &app);
    // Each channel's row is its own.
    site.ota.run(&["release", "delete", "--channel", "beta", "2.0.0"]).ok();
    assert_eq!(site.history("stable").len(), 1);
    assert_eq!(site.admin("GET", "/api/ota/bundle/stable-2.0.0.zip", None).bytes, app.zip());
}

#[test]
fn promote_of_what_is_not_there_or_to_where_it_may_not_go_is_refused() {
    let site = Site::start();
    let promote = |version: &str, to: &str| {
        site.ota.run(&["release", "promote", "--channel", "beta", version, "--to", to])
    };
    assert_eq!(promote("2.0.0", "stable").error(), "not_found");
    site.try_deploy(&App::new("2.0.0"), "2.0.0", &["--channel", "beta"]).ok();
    assert_eq!(promote("2.0.0", "apk").error(), "reserved_channel");
    site.deploy(&App::new("other"), "2.0.0");
    assert_eq!(promote("2.0.0", "stable").error(), "version_exists");
}
