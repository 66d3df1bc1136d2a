//! Kills of the server while it is published to.

use std::time::{Duration, Instant};

use ota_e2e::{App, Chance, Device, Site, sha256};

/// Every row's bytes are there and what it says, and nothing is left lying about.
#[track_caller]
fn is_consistent(site: &Site, moment: &str) {
    let rows = site.history("stable");
    for row in &rows {
        let path = format!("/api/ota/bundle/{}", row["filename"].as_str().unwrap());
        let got = site.admin("GET", &path, None);
        assert_eq!(
            (got.status, sha256(&got.bytes).into()),
            (200, row["checksum"].clone()),
            "{moment}: {row}"
        );
    }
    let active = rows.iter().filter(|row| row["active"] == true).count();
    assert_eq!(active, usize::from(!rows.is_empty()), "{moment}: {rows:?}");
    let count = |folder: &str| std::fs::read_dir(site.data().join(folder)).map_or(0, Iterator::count);
    assert_eq!((count("blobs"), count("staging")), (rows.len(), 0), "{moment}");
}

#[test]
fn during_a_deploy_it_is_published_whole_or_not_at_all() {
    let mut site = Site::start();
    site.deploy(&App::new("0"), "1.0.0");
    let whole = {
        let app = App::large("timed", 1_500_000);
        let start = Instant::now();
        site.deploy(&app, "1.0.1");
        start.elapsed()
    };
    let mut chance = Chance::new(20);
    for at in 0..10 {
        let version = format!("1.1.{at}");
        let app = App::large(&version, 1_500_000);
        let dir = app.dir().to_str().unwrap().to_owned();
        let ota = site.ota.clone();
        let args = version.clone();
        let publisher = std::thread::spawn(move || ota.run(&["deploy", &dir, "--version", &args]));
        let delay = chance.time(whole);
        std::thread::sleep(delay);
        site.kill();
        let said = publisher.join().unwrap();
        site.revive();
        let moment = format!("{at}, after {delay:?} of {whole:?}");
        is_consistent(&site, &moment);
        let is_there = site.history("stable").iter().any(|row| row["version"] == version.as_str());
        assert!(is_there || said.code == 1, "{moment}: {said:?}");
        // Again, as a person or CI does.
        site.deploy(&app, &version);
        is_consistent(&site, &moment);
    }
    let device = Device::new(site.url());
    assert_eq!(device.install().version, "1.1.9");
}

#[test]
fn during_a_deletion_it_is_deleted_or_not() {
    let mut site = Site::start();
    let mut chance = Chance::new(21);
    for at in 0..8 {
        let version = format!("1.0.{at}");
        site.deploy(&App::new(&version), &version);
        let ota = site.ota.clone();
        let args = version.clone();
        let publisher =
            std::thread::spawn(move || ota.run(&["release", "delete", "--channel", "stable", &args]));
        let delay = chance.time(Duration::from_millis(40));
        std::thread::sleep(delay);
        site.kill();
        let said = publisher.join().unwrap();
        site.revive();
        let moment = format!("{at}, after {delay:?}");
        is_consistent(&site, &moment);
        let is_there = site.history("stable").iter().any(|row| row["version"] == version.as_str());
        assert!(!is_there || said.code == 1, "{moment}: {said:?}");
    }
}
