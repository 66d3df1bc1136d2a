//! What a bundle holds arrives, byte for byte.

use ota_e2e::zip::{file, zip};
use ota_e2e::{App, Device, Site};

#[test]
fn awkward_names_and_sizes_arrive_as_they_are() {
    let site = Site::start();
    let app = App::new("awkward")
        .with("\u{fc}ber/stra\u{df}e.js", b"umlauts")
        .with("\u{1f389}/\u{65e5}\u{672c}\u{8a9e}.txt", b"far away")
        .with("a+b & c=d?#%20;'\"<>|*.js", b"punctuation")
        .with(" leading and trailing ", b"spaces")
        .with(".well-known/apple-app-site-association", b"{}")
        .with("empty", b"")
        .with("no-extension/CON", b"a device's name elsewhere")
        .with(&format!("{}.js", "long".repeat(48)), b"long")
        .with("a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z.js", b"deep");
    site.deploy(&app, "1.1.0");
    let device = Device::new(site.url());
    let boot = device.install();
    device.shows(&boot, &app);
    assert_eq!(boot.bundle, app.root());
}

#[test]
fn what_a_mac_packs_and_one_folder_around_it_all_are_left_out() {
    let site = Site::start();
    let packed = zip(&[
        file("dist/index.html", b"<h1>hello</h1>"),
        file("dist/.DS_Store", b"x"),
        file("dist/js/app.js", b"notifyAppReady()"),
        file("__MACOSX/dist/._index.html", b"x"),
        file("dist/js/.DS_Store", b"x"),
    ]);
    let row = site.upload(&packed, "stable", "1.1.0").ok();
    let device = Device::new(site.url());
    let boot = device.install();
    assert_eq!(row["root"], boot.bundle.as_str());
    let names = |folder: &str| device.names(&format!("bundles/{}/{folder}", boot.bundle));
    assert_eq!(
        (names("www"), names("www/js")),
        (vec!["index.html".into(), "js".into()], vec!["app.js".into()])
    );
}

#[test]
fn the_same_files_are_the_same_bundle_however_they_were_packed() {
    let site = Site::start();
    let app = App::new("same");
    site.deploy(&app, "1.1.0");
    let device = Device::new(site.url());
    device.install();
    // Packed by another tool: other bytes, another checksum, the same root.
    let stored: Vec<_> = ["images/a map.svg", "index.html", "js/app.js"]
        .iter()
        .map(|path| file(path, &std::fs::read(app.dir().join(path)).unwrap()))
        .collect();
    let row = site.upload(&zip(&stored), "stable", "1.1.1").ok();
    assert_eq!(row["root"], app.root());
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["version"]), ("up_to_date", &"1.1.1".into()), "nothing is fetched");
}

#[test]
fn many_files_and_a_large_one_arrive() {
    let site = Site::start();
    let app = App::many("many", 1200).with("large.bin", &ota_e2e::noise(1, 6_000_000));
    site.deploy(&app, "1.1.0");
    let device = Device::new(site.url());
    let boot = device.install();
    device.shows(&boot, &app);
}
