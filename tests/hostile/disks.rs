//! Disks that are full, small or read-only. Skipped, with a word on standard error, where the system mounts none.

use ota_e2e::{App, Device, Room, Site};

/// A device on a disk of its own that has confirmed 1.1.0; 1.2.0 with `size` bytes is offered.
fn small(options: &str, size: usize) -> Option<(Site, Device, App, App)> {
    let room = Room::new(options)?;
    let site = Site::start();
    let old = App::new("1.1.0");
    site.deploy(&old, "1.1.0");
    let device = Device::within(site.url(), room);
    device.install();
    let new = App::large("1.2.0", size);
    site.deploy(&new, "1.2.0");
    Some((site, device, old, new))
}

/// Holds that 1.1.0 is there, whole, with nothing held against anybody.
#[track_caller]
fn is_intact(device: &Device, old: &App, name: &str) {
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.1.0", "current"), "{name}");
    device.shows(&boot, old);
    device.ready(&boot).ok();
    let status = device.status();
    assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0), "{name}: {status}");
    assert!(device.names("staging").is_empty(), "{name}: {:?}", device.names("staging"));
}

#[test]
fn too_little_room_is_said_before_the_download_and_is_no_loss() {
    let Some((_site, device, old, new)) = small("size=1m", 900_000) else { return };
    let said = device.update();
    assert_eq!(said.error(), "no_room");
    assert!(said.message().contains("bytes"), "it says how much: {said:?}");
    assert_eq!(said.lines.len(), 1, "nothing was begun");
    assert!(device.names("downloads").is_empty());
    is_intact(&device, &old, "1 MB");
    device.room().remount("size=8m");
    let boot = device.install();
    device.shows(&boot, &new);
}

#[test]
fn at_every_size_an_update_fits_or_says_that_it_does_not() {
    let sizes: Vec<u32> = (0..14).map(|at| 480 + at * 56).collect();
    let mut words = Vec::new();
    for size in sizes {
        let name = format!("{size} KiB");
        let Some((_site, device, old, new)) = small(&format!("size={size}k"), 300_000) else { return };
        let said = device.update();
        match said.word() {
            "staged" => {
                let boot = device.start();
                assert_eq!(boot.what(), ("1.2.0", "trial"), "{name}");
                device.shows(&boot, &new);
            }
            "no_room" => {
                is_intact(&device, &old, &name);
                device.room().remount("size=8m");
                let boot = device.install();
                device.shows(&boot, &new);
            }
            word => panic!("{name}: {word}: {said:?}"),
        }
        words.push(said.word().to_owned());
    }
    assert!(words.first().is_some_and(|word| word == "no_room"), "{words:?}");
    assert!(words.last().is_some_and(|word| word == "staged"), "{words:?}");
    assert!(words.is_sorted(), "a larger disk is never worse: {words:?}");
}

#[test]
fn a_release_that_understates_its_size_fails_while_it_is_unpacked_and_is_no_loss() {
    let Some((site, device, old, new)) = small("size=1100k", 500_000) else { return };
    let middle = ota_e2e::Middle::checks(
        site.url(),
        ota_e2e::Step::rewrite(|answer| {
            answer["releases"][0]["document"]["unpacked_size"] = serde_json::json!(10);
            answer["releases"][0]["document"]["files"] = serde_json::json!(1);
        }),
    );
    let mut device = device;
    device.server = Some(middle.url());
    assert_eq!(device.update().error(), "no_room");
    is_intact(&device, &old, "understated");
    middle.behave();
    assert_eq!(device.update().error(), "no_room");
    device.room().remount("size=8m");
    let boot = device.install();
    device.shows(&boot, &new);
}

#[test]
fn too_few_inodes_are_too_little_room() {
    let Some((site, device, old, _)) = small("size=8m,nr_inodes=40", 1000) else { return };
    let many = App::many("1.3.0", 60);
    site.deploy(&many, "1.3.0");
    assert_eq!(device.update().error(), "no_room");
    is_intact(&device, &old, "40 inodes");
    device.room().remount("nr_inodes=400");
    let boot = device.install();
    device.shows(&boot, &many);
}

#[test]
fn a_full_disk_starts_no_trial_and_loses_nothing() {
    let Some((_site, device, old, new)) = small("size=4m", 300_000) else { return };
    assert_eq!(device.update().word(), "staged");
    device.room().fill();
    for _ in 0..4 {
        let boot = device.start();
        assert_eq!(boot.version, "1.1.0", "a trial that cannot be recorded is none: {boot:?}");
        device.shows(&boot, &old);
    }
    assert_eq!(device.update().word(), "staged", "what is held needs no room");
    device.room().free();
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"), "with room it goes on");
    device.shows(&boot, &new);
    assert_eq!(device.ready(&boot).word(), "confirmed");
}

#[test]
fn ready_on_a_full_disk_is_noted_and_the_next_boot_confirms() {
    let Some((_site, device, _, new)) = small("size=4m", 300_000) else { return };
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"));
    device.room().fill();
    let said = device.ready(&boot);
    assert!(["ready", "no_room"].contains(&said.word()), "{said:?}");
    let was_noted = said.code == 0;
    device.room().free();
    let boot = device.boot();
    device.shows(&boot, &new);
    assert_eq!(boot.reason, if was_noted { "current" } else { "trial" }, "{boot:?}");
}

#[test]
fn a_failure_on_a_full_disk_is_not_shown_again_for_ever() {
    let Some((_site, device, _, _)) = small("size=4m", 300_000) else { return };
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    device.room().fill();
    let said = device.fail(&boot, "load");
    assert!(said.code == 0 || ["no_room", "disk_error"].contains(&said.error()), "{said:?}");
    let shown: Vec<_> = (0..4).map(|_| device.boot().version).collect();
    assert_eq!(shown.last().map(String::as_str), Some("1.1.0"), "{shown:?}");
    device.room().free();
    for _ in 0..3 {
        device.boot();
    }
    assert_eq!(device.boot().version, "1.1.0");
}

#[test]
fn a_fresh_device_on_a_full_disk_shows_what_the_store_shipped() {
    let Some(room) = Room::new("size=64k") else { return };
    let site = Site::start();
    site.deploy(&App::new("1.1.0"), "1.1.0");
    let device = Device::within(site.url(), room);
    device.room().fill();
    let boot = device.boot();
    assert_eq!(boot.bundle, "builtin");
    device.shows(&boot, device.builtin());
    assert_eq!(device.update().error(), "no_room");
    device.room().free();
    device.room().remount("size=4m");
    assert_eq!(device.install().version, "1.1.0");
}

#[test]
fn a_read_only_disk_shows_what_is_there_and_says_why_it_takes_nothing() {
    let Some((_site, device, old, new)) = small("size=8m", 100_000) else { return };
    device.room().remount("ro");
    for _ in 0..3 {
        let boot = device.boot();
        assert_eq!(boot.what(), ("1.1.0", "current"));
        device.shows(&boot, &old);
    }
    assert_eq!(device.update().error(), "disk_error");
    let boot = device.boot();
    let said = device.ready(&boot);
    assert!(said.code == 0 || ["disk_error", "stale_token"].contains(&said.error()), "{said:?}");
    device.run(&["background"]);
    device.status();
    let said = device.run(&["reset"]);
    assert_eq!(said.error(), "disk_error");
    device.room().remount("rw");
    let boot = device.install();
    device.shows(&boot, &new);
}

#[test]
fn what_was_staged_before_the_disk_became_read_only_waits() {
    let Some((_site, device, old, new)) = small("size=8m", 100_000) else { return };
    assert_eq!(device.update().word(), "staged");
    device.room().remount("ro");
    for _ in 0..3 {
        let boot = device.boot();
        assert_eq!(boot.version, "1.1.0");
        device.shows(&boot, &old);
    }
    device.room().remount("rw");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"));
    device.shows(&boot, &new);
}

#[test]
fn a_server_on_a_full_disk_refuses_an_upload_and_keeps_what_it_has() {
    let Some(room) = Room::new("size=6m") else { return };
    let site = Site::within(&room);
    site.deploy(&App::new("1.0.0"), "1.0.0");
    let large = App::large("1.1.0", 8_000_000);
    let said = site.try_deploy(&large, "1.1.0", &[]);
    assert_eq!(said.error(), "storage_full", "{said:?}");
    assert_eq!(site.history("stable").len(), 1);
    let small = App::large("1.2.0", 100_000);
    site.deploy(&small, "1.2.0");
    let device = Device::new(site.url());
    let boot = device.install();
    device.shows(&boot, &small);
}
