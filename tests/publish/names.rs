//! Names of channels and versions.

use ota_e2e::{App, Device, Site, sha256};
use serde_json::Value;

/// Names that are none, whatever they name.
const BAD: &[&str] = &[
    "a/b",
    "../stable",
    "a b",
    ".a",
    "-a",
    "_a",
    "a\\b",
    "a:b",
    "\u{e9}t\u{e9}",
    "a%2fb",
    "a?b",
    "a#b",
    "a\"b",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

#[test]
fn a_name_outside_its_rule_is_refused_everywhere() {
    let site = Site::start();
    let app = App::new("x");
    let zip = app.zip();
    for bad in BAD {
        site.upload(&zip, bad, "1.0.0").refused(400, "invalid_name");
        site.upload(&zip, "stable", bad).refused(400, "invalid_name");
        assert_eq!(site.try_deploy(&app, &format!("{bad}+"), &[]).code, 2, "{bad}");
        assert_eq!(site.try_deploy(&app, "1.0.0", &[&format!("--channel={bad}")]).code, 2, "{bad}");
    }
    assert!(site.history("stable").is_empty());
    let blobs = std::fs::read_dir(site.data().join("blobs")).unwrap().count();
    assert_eq!(blobs, 0, "nothing is kept of what was refused");
}

#[test]
fn names_at_the_end_of_their_rule_go_all_the_way_to_the_device() {
    let site = Site::start();
    let longest = "a".repeat(64);
    for (channel, version) in
        [(longest.as_str(), longest.as_str()), ("0", "0"), ("A.b_c-D", "1.0.0-rc.1+build_7"), ("Apk", "1")]
    {
        let app = App::new(version);
        site.try_deploy(&app, version, &["--channel", channel]).ok();
        let device = Device::new(site.url()).option("--channel", channel);
        let boot = device.install();
        assert_eq!(boot.version, version);
        device.shows(&boot, &app);
    }
}

#[test]
fn channels_whose_keys_look_alike_never_serve_each_others_bytes() {
    let site = Site::start();
    let (first, second) = (App::new("first"), App::new("second"));
    site.try_deploy(&first, "1-2", &["--channel", "a"]).ok();
    assert_eq!(site.try_deploy(&second, "2", &["--channel", "a-1"]).error(), "key_taken");
    site.upload(&second.zip(), "a-1", "2").refused(409, "key_taken");
    assert_eq!(site.admin("GET", "/api/ota/bundle/a-1-2.zip", None).bytes, first.zip());
    // Also not when the first is gone: caches may remember it.
    site.ota.run(&["release", "delete", "--channel", "a", "1-2"]).ok();
    assert_eq!(site.try_deploy(&second, "2", &["--channel", "a-1"]).error(), "key_taken");
}

#[test]
fn channels_that_differ_in_case_are_two() {
    let site = Site::start();
    site.try_deploy(&App::new("lower"), "1", &["--channel", "beta"]).ok();
    site.try_deploy(&App::new("upper"), "1", &["--channel", "Beta"]).ok();
    let lower = site.admin("GET", "/api/ota/bundle/beta-1.zip", None).bytes;
    let upper = site.admin("GET", "/api/ota/bundle/Beta-1.zip", None).bytes;
    assert_eq!((lower, upper), (App::new("lower").zip(), App::new("upper").zip()));
}

#[test]
fn no_release_can_be_called_builtin() {
    // To every kind of client the word means "go back to what the app shipped with".
    let site = Site::start();
    let app = App::new("builtin");
    assert_eq!(site.try_deploy(&app, "builtin", &[]).error(), "invalid_name");
    site.upload(&app.zip(), "stable", "builtin").refused(400, "invalid_name");
    site.deploy(&app, "builtin-2");
    assert_eq!(Device::new(site.url()).install().version, "builtin-2");
}

#[test]
fn paths_that_leave_the_bundles_serve_nothing() {
    let site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    for path in [
        "/api/ota/bundle/../../ota.db",
        "/api/ota/bundle/..%2f..%2fota.db",
        "/api/ota/bundle/%2e%2e",
        "/api/ota/bundle/stable-1.0.0.zip%00",
        "/api/ota/bundle/stable-1.0.0",
        "/api/ota/bundle/stable-1.0.0.apk",
        "/api/ota/bundle/",
        "/api/ota/bundle/stable-1.0.0.zip/",
    ] {
        let answer = site.admin("GET", path, None);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(answer.json()["code"].is_string(), "{path}");
    }
}

#[test]
fn a_bundle_is_served_in_parts_with_its_checksum_for_an_etag() {
    let site = Site::start();
    let app = App::large("1.0.0", 10_000);
    site.deploy(&app, "1.0.0");
    let zip = app.zip();
    let path = "/api/ota/bundle/stable-1.0.0.zip";
    let etag = format!("\"{}\"", sha256(&zip));
    let get = |headers: &[(&str, &str)]| ota_e2e::call(site.url(), "GET", path, headers, b"");
    let whole = get(&[]);
    assert_eq!(
        (whole.status, whole.header("etag"), whole.header("accept-ranges")),
        (200, etag.as_str(), "bytes")
    );
    let part = get(&[("range", "bytes=9000-"), ("if-range", &etag)]);
    assert_eq!((part.status, &part.bytes[..]), (206, &zip[9000..]));
    let other = get(&[("range", "bytes=9000-"), ("if-range", "\"another\"")]);
    assert_eq!((other.status, other.bytes.len()), (200, zip.len()));
    assert_eq!(get(&[("range", "bytes=99999999-")]).status, 416);
    assert_eq!(get(&[("if-none-match", &etag)]).status, 304);
    let head = ota_e2e::call(site.url(), "HEAD", path, &[], b"");
    assert_eq!((head.status, head.header("content-length")), (200, zip.len().to_string().as_str()));
    assert!(head.bytes.is_empty());
    assert_eq!(whole.json(), Value::Null);
}
