//! `--config`, `--channel`, and what the options say against it.

use ota_e2e::{App, Booted, Device, Middle, Site};
use serde_json::json;

fn configured(config: &serde_json::Value) -> Device {
    let mut device = Device::new("");
    device.server = None;
    device.configure(config);
    device
}

#[test]
fn the_config_of_our_plugin_says_where_and_which_channel() {
    let site = Site::start();
    site.try_deploy(&App::new("b"), "2.0.0-beta.1", &["--channel", "beta"]).ok();
    let device = configured(&json!({"appId": "com.example.app",
        "plugins": {"Ota": {"updateUrl": format!("{}/check", site.url()), "channel": "beta"}}}));
    assert_eq!(device.install().version, "2.0.0-beta.1");
    let status = device.status();
    assert_eq!((&status["app_id"], &status["channel"]), (&"com.example.app".into(), &"beta".into()));
    assert_eq!(status["problems"], json!([]));
}

#[test]
fn the_config_of_capgos_plugin_is_understood() {
    let site = Site::start();
    site.try_deploy(&App::new("b"), "2.0.0", &["--channel", "production"]).ok();
    let device = configured(&json!({"appId": "com.example.app", "plugins": {"CapacitorUpdater": {
        "updateUrl": format!("{}/api/ota/check", site.url()), "defaultChannel": "production",
        "autoUpdate": "always", "appReadyTimeout": 5000}}}));
    let said = device.run(&["update"]);
    let boot = Booted::read(said.ok());
    assert_eq!(boot.what(), ("2.0.0", "trial"), "`always` shows it at once");
}

#[test]
fn our_section_wins_where_both_are_there() {
    let site = Site::start();
    site.try_deploy(&App::new("ours"), "1.1.0", &["--channel", "ours"]).ok();
    site.try_deploy(&App::new("theirs"), "9.9.9", &["--channel", "theirs"]).ok();
    let url = format!("{}/check", site.url());
    let device = configured(&json!({"plugins": {"Ota": {"updateUrl": url, "channel": "ours"},
        "CapacitorUpdater": {"updateUrl": url, "defaultChannel": "theirs"}}}));
    assert_eq!(device.install().version, "1.1.0");
}

#[test]
fn options_win_over_the_config() {
    let site = Site::start();
    site.try_deploy(&App::new("beta"), "2.0.0", &["--channel", "beta"]).ok();
    let mut device = configured(
        &json!({"plugins": {"Ota": {"updateUrl": "http://127.0.0.1:9/check", "channel": "stable"}}}),
    );
    device.server = Some(site.url().to_owned());
    let device = device.option("--channel", "beta");
    assert_eq!(device.install().version, "2.0.0");
}

#[test]
fn capgos_dialect_asks_as_capgos_plugin_does_and_gets_the_bundle() {
    let site = Site::start();
    let app = App::new("1.1.0");
    site.deploy(&app, "1.1.0");
    let middle = Middle::honest(site.url());
    let device = configured(&json!({"appId": "com.example.app",
        "plugins": {"Ota": {"updateUrl": format!("{}/check", middle.url()), "dialect": "capgo"}}}));
    let boot = device.install();
    device.shows(&boot, &app);
    assert_eq!(device.update().word(), "up_to_date");
    let asked: serde_json::Value = serde_json::from_slice(&middle.seen()[0].body).unwrap();
    assert_eq!((&asked["version_name"], &asked["version_build"]), (&"1.0.0".into(), &"1.0.0".into()));
    assert!(asked.get("protocol").is_none() && asked["plugin_version"].is_string(), "{asked}");
    // A bundle that failed is known by its checksum there.
    site.deploy(&App::new("1.2.0"), "1.2.0");
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    device.fail(&boot, "load").ok();
    device.start();
    assert_eq!(device.update().word(), "blocked");
    // And a cleared channel takes the device back.
    for version in ["1.2.0", "1.1.0"] {
        site.ota.run(&["release", "delete", "--channel", "stable", version]).ok();
    }
    assert_eq!(device.update().word(), "reverted");
    assert_eq!(device.boot().what(), ("1.0.0", "builtin"));
}

#[test]
fn only_download_leaves_the_rest_to_the_page() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let device = configured(&json!({"plugins": {"CapacitorUpdater": {
        "updateUrl": format!("{}/check", site.url()), "autoUpdate": "onlyDownload"}}}));
    assert_eq!(device.update().word(), "staged");
    assert_eq!(device.boot().what(), ("1.0.0", "builtin"));
    assert_eq!(device.names("bundles").len(), 1);
}

#[test]
fn a_value_that_cannot_be_used_is_said_and_the_default_stays() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let device = configured(&json!({"plugins": {"Ota": {"updateUrl": format!("{}/check", site.url()),
        "maxBootAttempts": 1, "channel": "not a channel", "autoUpdate": "sometimes"}}}));
    device.install();
    let problems = device.status()["problems"].as_array().unwrap().clone();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (problem, key) in problems.iter().zip(["channel", "autoUpdate", "maxBootAttempts"]) {
        assert_eq!(problem["code"], "bad_config");
        assert!(problem["message"].as_str().unwrap().contains(key), "{problem}");
    }
}

#[test]
fn a_key_that_promises_protection_we_lack_stops_updates_and_not_the_app() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let url = format!("{}/check", site.url());
    for (section, code) in [
        (
            json!({"CapacitorUpdater": {"updateUrl": url, "publicKey": "-----BEGIN RSA PUBLIC KEY-----"}}),
            "capgo_encryption_unsupported",
        ),
        (json!({"Ota": {"updateUrl": url, "publicKeys": ["a key"]}}), "unsupported"),
    ] {
        let device = configured(&json!({"plugins": section}));
        assert_eq!(device.update().error(), code);
        assert_eq!(device.start().what(), ("1.0.0", "builtin"));
    }
}

#[test]
fn without_a_server_there_is_nobody_to_ask() {
    let device = configured(&json!({}));
    assert_eq!(device.update().error(), "no_update_url");
    assert_eq!(device.start().what(), ("1.0.0", "builtin"));
}

#[test]
fn plain_http_to_another_machine_needs_the_configs_word() {
    let mut device = Device::new("http://ota.example.com");
    assert_eq!(device.update().error(), "insecure_url");
    assert_eq!(device.start().what(), ("1.0.0", "builtin"));
    device.configure(&json!({"plugins": {"Ota": {"httpHosts": ["other.example.com"]}}}));
    assert_eq!(device.update().error(), "insecure_url");
}

#[test]
fn max_boot_attempts_is_how_often_a_trial_may_crash() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let device = configured(&json!({"plugins": {"Ota": {"updateUrl": format!("{}/check", site.url()),
        "maxBootAttempts": 4}}}));
    assert_eq!(device.update().word(), "staged");
    for _ in 0..4 {
        assert_eq!(device.boot().reason, "trial");
    }
    assert_eq!(device.boot().what(), ("1.0.0", "rolled_back"));
}

#[test]
fn another_channel_is_another_line_with_a_floor_of_its_own() {
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    site.try_deploy(&App::new("beta"), "0.9.0-beta", &["--channel", "beta"]).ok();
    let device = Device::new(site.url());
    device.install();
    let device = device.option("--channel", "beta");
    assert_eq!(device.install().version, "0.9.0-beta");
    let floors = device.status()["floors"].clone();
    assert_eq!(floors.as_object().unwrap().keys().collect::<Vec<_>>(), ["beta", "stable"]);
}

#[test]
fn a_limit_of_the_config_is_kept() {
    let site = Site::start();
    site.deploy(&App::large("1.1.0", 50_000), "1.1.0");
    for key in ["maxDownloadBytes", "maxBundleBytes", "maxFileBytes", "maxFiles"] {
        let limit = if key == "maxFiles" { 2 } else { 40_000 };
        let device = configured(
            &json!({"plugins": {"Ota": {"updateUrl": format!("{}/check", site.url()), key: limit}}}),
        );
        assert_eq!(device.update().error(), "archive_too_large", "{key}");
        assert_eq!(device.start().what(), ("1.0.0", "builtin"));
        assert!(device.names("bundles").is_empty() && device.names("staging").is_empty());
    }
}
