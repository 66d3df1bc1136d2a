//! Whom a release is for.

use ota_e2e::{App, Booted, Device, Middle, Site, Step, answer};
use serde_json::json;

#[test]
fn a_rollout_of_nothing_reaches_nobody_and_of_everything_everybody() {
    let site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.1.0");
    let devices: Vec<_> = (0..4).map(|_| Device::new(site.url())).collect();
    for device in &devices {
        device.install();
    }
    site.try_deploy(&App::new("nobody's"), "1.2.0", &["--rollout", "0"]).ok();
    for device in &devices {
        let said = device.update();
        assert_eq!((said.word(), &said.ok()["version"]), ("up_to_date", &"1.1.0".into()), "{said:?}");
    }
    let app = App::new("everybody's");
    site.try_deploy(&app, "1.3.0", &["--rollout", "100"]).ok();
    for device in &devices {
        let boot = device.install();
        device.shows(&boot, &app);
    }
}

#[test]
fn where_there_is_nothing_but_a_rollout_of_nothing_its_reason_is_said() {
    let site = Site::start();
    site.try_deploy(&App::new("nobody's"), "1.2.0", &["--rollout", "0"]).ok();
    let said = Device::new(site.url()).update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"rollout".into()));
}

#[test]
fn a_part_of_the_devices_gets_a_part_of_a_rollout_and_the_rest_what_was_there() {
    let site = Site::start();
    site.deploy(&App::new("all"), "1.1.0");
    site.try_deploy(&App::new("some"), "1.2.0", &["--rollout", "50"]).ok();
    let mut got = std::collections::BTreeMap::new();
    for _ in 0..16 {
        let device = Device::new(site.url());
        assert_eq!(device.update().word(), "staged");
        let version = device.boot().version;
        assert_eq!(device.update().ok()["version"], version.as_str(), "it draws once");
        *got.entry(version).or_insert(0) += 1;
    }
    // Once in 32,768 runs all sixteen draw alike.
    assert_eq!(got.len(), 2, "{got:?}");
}

#[test]
fn a_device_that_has_no_number_gets_what_is_for_everybody() {
    let site = Site::start();
    site.deploy(&App::new("all"), "1.1.0");
    site.try_deploy(&App::new("some"), "1.2.0", &["--rollout", "99.99"]).ok();
    let mut device = Device::new(site.url());
    device.configure(&json!({"plugins": {"Ota": {"deviceNumber": false}}}));
    assert_eq!(device.install().version, "1.1.0");
}

#[test]
fn each_system_gets_its_own() {
    let site = Site::start();
    site.try_deploy(&App::new("a"), "1.1.0", &["--platform", "android"]).ok();
    site.try_deploy(&App::new("i"), "1.2.0", &["--platform", "ios"]).ok();
    assert_eq!(Device::new(site.url()).install().version, "1.1.0");
    assert_eq!(Device::new(site.url()).option("--platform", "ios").install().version, "1.2.0");
    let said = Device::new(site.url()).option("--platform", "electron").update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"platform".into()));
}

#[test]
fn each_native_version_gets_what_runs_on_it() {
    let site = Site::start();
    site.try_deploy(&App::new("old"), "1.1.0", &["--native-max", "1.x"]).ok();
    site.try_deploy(&App::new("new"), "2.1.0", &["--native-min", "2.0.0"]).ok();
    for (native, version) in [("1.0.0", "1.1.0"), ("1.9.9", "1.1.0"), ("2.0.0", "2.1.0"), ("10.0", "2.1.0")] {
        let mut device = Device::new(site.url());
        device.native = native.to_owned();
        assert_eq!(device.install().version, version, "{native}");
    }
    let mut device = Device::new(site.url());
    device.native = "no number".to_owned();
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"native_range".into()));
    let turned = site.try_deploy(&App::new("x"), "3", &["--native-min", "2.0.0", "--native-max", "1.0.0"]);
    assert_eq!(turned.code, 2, "{turned:?}");
}

#[test]
fn a_mandatory_release_is_shown_at_once() {
    let site = Site::start();
    let device = Device::new(site.url());
    site.deploy(&App::new("1.1.0"), "1.1.0");
    device.install();
    let app = App::new("1.2.0");
    site.try_deploy(&app, "1.2.0", &["--mandatory"]).ok();
    let running = device.boot();
    let said = device.run(&["update"]);
    let lines = &said.lines[said.lines.len() - 2..];
    assert_eq!(lines[0]["outcome"], "staged");
    let boot = Booted::read(&lines[1]);
    assert_eq!(boot.what(), ("1.2.0", "trial"));
    device.shows(&boot, &app);
    assert_eq!(device.ready(&running).error(), "stale_token");
    device.ready(&boot).ok();
    // What follows it is not mandatory for who has it.
    site.deploy(&App::new("1.3.0"), "1.3.0");
    assert_eq!(device.run(&["update"]).ok()["outcome"], "staged");
}

#[test]
fn who_missed_a_mandatory_release_applies_the_next_one_at_once() {
    let site = Site::start();
    let device = Device::new(site.url());
    site.deploy(&App::new("1.1.0"), "1.1.0");
    device.install();
    site.try_deploy(&App::new("1.2.0"), "1.2.0", &["--mandatory"]).ok();
    site.deploy(&App::new("1.3.0"), "1.3.0");
    let said = device.run(&["update"]);
    assert_eq!(Booted::read(said.ok()).what(), ("1.3.0", "trial"));
}

#[test]
fn another_apps_device_is_told_so() {
    let site = Site::with(&["--app-id", "com.example.app"]);
    site.try_deploy(&App::new("1.1.0"), "1.1.0", &["--app", "com.example.app"]).ok();
    let refused = site.try_deploy(&App::new("1.2.0"), "1.2.0", &["--app", "com.example.other"]);
    assert_eq!(refused.error(), "unknown_app");
    assert_eq!(Device::new(site.url()).option("--app", "com.example.other").update().error(), "unknown_app");
    assert_eq!(Device::new(site.url()).option("--app", "com.example.app").install().version, "1.1.0");
    assert_eq!(Device::new(site.url()).install().version, "1.1.0", "one that names none is served");
}

#[test]
fn the_first_deploy_that_names_an_app_fixes_it() {
    let site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    site.try_deploy(&App::new("1.1.0"), "1.1.0", &["--app", "com.example.app"]).ok();
    let other = site.try_deploy(&App::new("1.2.0"), "1.2.0", &["--app", "com.example.other"]);
    assert_eq!(other.error(), "unknown_app");
    assert_eq!(site.history("stable").len(), 2);
}

#[test]
fn a_mandatory_release_whose_download_broke_off_is_still_shown_at_once() {
    let site = Site::start();
    let middle = Middle::honest(site.url());
    let device = Device::new(&middle.url());
    site.deploy(&App::new("1.1.0"), "1.1.0");
    device.install();
    site.try_deploy(&App::new("1.2.0"), "1.2.0", &["--mandatory"]).ok();
    middle.rule(|seen| if seen.is_download() { answer(404, &[], b"") } else { vec![Step::Forward] });
    assert_eq!(device.update().error(), "gone");
    middle.behave();
    let said = device.run(&["update"]);
    assert_eq!(Booted::read(said.ok()).what(), ("1.2.0", "trial"));
}
