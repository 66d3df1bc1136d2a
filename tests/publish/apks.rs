//! Android packages: in the same history, and never taken for a bundle.

use ota_e2e::{Answer, App, Device, Form, Site, sha256, zip};
use serde_json::json;

/// An Android package, as far as its outside goes.
fn apk(name: &str) -> Vec<u8> {
    zip::zip(&[zip::file("AndroidManifest.xml", name.as_bytes()), zip::file("classes.dex", b"code")])
}

fn upload(site: &Site, version: &str, bytes: &[u8]) -> Answer {
    let form = Form::default().text("version", version).file(bytes);
    site.send("/api/ota/admin/apk/upload", form)
}

#[test]
fn a_package_is_recorded_served_and_deleted() {
    let site = Site::start();
    for version in ["1.0.0", "1.1.0"] {
        let row = upload(&site, version, &apk(version)).ok();
        assert_eq!(
            (&row["channel"], &row["filename"]),
            (&"apk".into(), &format!("apk-{version}.apk").into())
        );
    }
    let history = site.admin("GET", "/api/ota/admin/apk/history", None).ok();
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(history["items"][0]["checksum"], sha256(&apk("1.1.0")));
    assert_eq!(site.history("apk").len(), 2, "the same history");
    assert_eq!(site.admin("GET", "/api/ota/bundle/apk-1.1.0.apk", None).bytes, apk("1.1.0"));
    let plain = site.check(&json!({"version_build": "1.0.0", "channel": "apk"})).ok();
    assert_eq!((&plain["version"], &plain["checksum"]), (&"1.1.0".into(), &sha256(&apk("1.1.0")).into()));
    assert!(plain["url"].as_str().unwrap().ends_with("/api/ota/bundle/apk-1.1.0.apk"));
    let deleted = site.admin("DELETE", "/api/ota/admin/apk/1.1.0", None).ok();
    assert_eq!(deleted, json!({"deleted": "1.1.0", "active": "1.0.0"}));
    let deleted = site.ota.run(&["release", "delete", "--channel", "apk", "1.0.0"]);
    assert_eq!(deleted.ok()["active"], json!(null));
    assert_eq!(site.check(&json!({"version_build": "0.9", "channel": "apk"})).ok(), json!({}));
}

#[test]
fn agents_are_told_up_to_date_in_channel_apk() {
    let site = Site::start();
    upload(&site, "1.0.0", &apk("1.0.0")).ok();
    let ours = site.check(&json!({"version_build": "0.9", "channel": "apk", "protocol": 1})).ok();
    assert_eq!(ours, json!({"releases": []}));
    let capgo = json!({"version_build": "0.9", "version_name": "0.9", "plugin_version": "8.51.23",
        "platform": "android", "defaultChannel": "apk"});
    assert_eq!(site.check(&capgo).ok()["kind"], "up_to_date");
    let device = Device::new(site.url()).option("--channel", "apk");
    assert_eq!(device.run(&["update"]).error(), "reserved_channel");
}

#[test]
fn bundles_and_packages_do_not_mix() {
    let site = Site::start();
    let app = App::new("1.0.0");
    assert_eq!(site.try_deploy(&app, "1.0.0", &["--channel", "apk"]).error(), "reserved_channel");
    site.upload(&app.zip(), "apk", "1.0.0").refused(400, "reserved_channel");
    upload(&site, "1.0.0", &app.zip()).refused(422, "not_an_apk");
    upload(&site, "1.0.0", b"not a zip").refused(422, "not_an_apk");
    let signed = Form::default().text("version", "1.0.0").text("channel", "stable").file(&apk("1"));
    let answer = site.send("/api/ota/admin/apk/upload", signed);
    assert_eq!(answer.ok()["channel"], "apk", "the route decides, not the field");
    assert!(site.history("stable").is_empty());
    site.upload(&apk("1.0.0"), "stable", "1.0.0").refused(422, "no_index_html");
}

#[test]
fn a_package_with_a_wrong_checksum_is_refused() {
    let site = Site::start();
    let form = Form::default().text("version", "1.0.0").text("checksum", &"0".repeat(64)).file(&apk("1.0.0"));
    site.send("/api/ota/admin/apk/upload", form).refused(422, "checksum_mismatch");
    assert!(site.history("apk").is_empty());
}
