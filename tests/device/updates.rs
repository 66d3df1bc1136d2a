//! `update`.

use crate::{installed, stage};
use ota_e2e::{App, Booted, Device, Middle, Site};

#[test]
fn an_update_says_what_came_and_a_second_one_fetches_nothing() {
    let site = Site::start();
    let app = App::large("1.1.0", 300_000);
    site.deploy(&app, "1.1.0");
    let middle = Middle::honest(site.url());
    let device = Device::new(&middle.url());
    let size = app.zip().len() as u64;
    let said = device.update();
    assert_eq!(said.word(), "staged");
    assert_eq!((said.ok()["received"].as_u64(), said.ok()["resumed_from"].as_u64()), (Some(size), Some(0)));
    let progress = &said.lines[said.lines.len() - 2];
    assert_eq!((progress["done"].as_u64(), progress["total"].as_u64()), (Some(size), Some(size)));
    assert_eq!(middle.downloaded(), size);
    let again = device.update();
    assert_eq!((again.word(), again.ok()["received"].as_u64()), ("staged", Some(0)));
    assert_eq!(middle.downloads_seen().len(), 1);
}

#[test]
fn an_empty_channel_has_nothing() {
    let site = Site::start();
    let device = Device::new(site.url());
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"none".into()));
    assert_eq!((&said.ok()["bundle"], &said.ok()["version"]), (&"builtin".into(), &"1.0.0".into()));
}

#[test]
fn apply_shows_a_staged_bundle_at_once_with_one_line_more() {
    let (site, device, _, _) = installed();
    let running = device.boot();
    let app = App::new("1.2.0");
    site.deploy(&app, "1.2.0");
    let said = device.run(&["update", "--apply"]);
    let lines = &said.lines[said.lines.len() - 2..];
    assert_eq!(lines[0]["outcome"], "staged");
    let boot = Booted::read(&lines[1]);
    assert_eq!(boot.what(), ("1.2.0", "trial"));
    device.shows(&boot, &app);
    assert_eq!(device.ready(&running).error(), "stale_token", "the page before is gone");
    assert_eq!(device.ready(&boot).word(), "confirmed");
    let said = device.run(&["update", "--apply"]);
    assert_eq!((said.lines.len(), said.word()), (1, "up_to_date"), "nothing to show");
}

#[test]
fn without_apply_the_page_that_is_there_stays() {
    let (site, device, _, _) = installed();
    let running = device.boot();
    stage(&site, &device, "1.2.0");
    assert_eq!(device.ready(&running).word(), "ready");
    assert_eq!(device.status()["current"]["version"], "1.1.0");
    assert_eq!(device.status()["next"]["version"], "1.2.0");
    assert_eq!(device.boot().what(), ("1.2.0", "trial"));
}

#[test]
fn a_release_withdrawn_before_it_was_shown_is_never_shown() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    site.ota.run(&["release", "delete", "--channel", "stable", "1.2.0"]).ok();
    assert_eq!(device.update().word(), "up_to_date");
    assert_eq!(device.boot().what(), ("1.1.0", "current"));
}

#[test]
fn offline_changes_nothing_and_the_way_back_is_open() {
    let (mut site, device, app, _) = installed();
    site.deploy(&App::new("1.2.0"), "1.2.0");
    site.kill();
    let before = device.status();
    assert_eq!(device.update().error(), "offline");
    let mut after = device.status();
    after["last_check"] = before["last_check"].clone();
    assert_eq!(after, before);
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.1.0", "current"));
    device.shows(&boot, &app);
    device.ready(&boot).ok();
    site.revive();
    device.install();
}

#[test]
fn what_is_staged_comes_up_without_a_network() {
    let (mut site, device, _, _) = installed();
    let app = stage(&site, &device, "1.2.0");
    site.kill();
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"));
    device.shows(&boot, &app);
    assert_eq!(device.ready(&boot).word(), "confirmed");
}

#[test]
fn old_bundles_go_and_the_one_before_the_shown_one_stays() {
    let (site, device, _, first) = installed();
    let second = stage(&site, &device, "1.2.0");
    device.start();
    let third = stage(&site, &device, "1.3.0");
    assert!(device.names("bundles").contains(&first.bundle), "until a newer one is confirmed");
    device.start();
    let mut kept = [second.root(), third.root()];
    kept.sort();
    assert_eq!(device.names("bundles"), kept);
    assert!(device.names("staging").is_empty());
    assert!(device.names("downloads").is_empty());
}

#[test]
fn status_says_what_happened() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    let boot = device.boot();
    let status = device.status();
    assert_eq!(status["current"]["version"], "1.2.0");
    assert_eq!(status["confirmed"], false);
    assert_eq!(status["trial"]["token"], boot.token.as_str());
    assert_eq!(status["fallback"]["version"], "1.1.0");
    assert_eq!(status["channel"], "stable");
    assert_eq!(status["update_url"], format!("{}/check", site.url()));
    assert!(status["floors"]["stable"]["sequence"].as_u64().is_some_and(|floor| floor > 1_700_000_000));
    assert!(status["last_check"].as_u64().is_some());
    assert!(status["device_number"].as_u64().is_some_and(|number| number < 10_000));
    assert_eq!(status["device_id"].as_str().map(str::len), Some(36));
    device.ready(&boot).ok();
    let status = device.status();
    assert_eq!((&status["confirmed"], &status["trial"]), (&true.into(), &().into()));
}

#[test]
fn a_new_label_for_the_bundle_shown_is_recorded_and_nothing_restarts() {
    let (site, device, app, _) = installed();
    site.deploy(&app, "1.1.1");
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["version"]), ("up_to_date", &"1.1.1".into()));
    assert_eq!(device.boot().what(), ("1.1.1", "current"));
}
