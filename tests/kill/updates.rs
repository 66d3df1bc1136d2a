//! Kills during `update`.

use std::time::{Duration, Instant};

use crate::World;
use ota_e2e::{App, Chance, Step};

/// How long an update takes that is not killed, as a device of its own has it.
fn duration(world: &World) -> Duration {
    let device = world.copy();
    let start = Instant::now();
    assert_eq!(device.update().word(), "staged");
    start.elapsed()
}

/// Kills an update at `delay`, and holds what must be true after it.
fn kill_at(world: &World, delay: Duration, moment: &str) -> u64 {
    let device = world.copy();
    device.kill_after(&["update"], delay);
    let there = device.downloaded();
    let boot = device.boot();
    world.is_whole(&device, &boot, moment);
    assert!(["current", "trial"].contains(&boot.reason.as_str()), "{moment}: {boot:?}");
    device.run(&["background"]).ok();
    let requests = world.middle.downloads_seen().len();
    let said = device.update();
    let size = world.new.zip().len() as u64;
    match said.word() {
        "staged" => {
            let received = said.ok()["received"].as_u64().unwrap();
            let resumed = said.ok()["resumed_from"].as_u64().unwrap();
            if received > 0 {
                assert_eq!((resumed, received), (there, size - there), "{moment}: went on elsewhere");
                let seen = world.middle.downloads_seen();
                assert_eq!(seen.len(), requests + 1, "{moment}");
                let range = seen.last().and_then(ota_e2e::Seen::range);
                assert_eq!(range, (there > 0).then_some(there), "{moment}: asked for elsewhere");
            }
        }
        "up_to_date" => assert_eq!(boot.version, "1.2.0", "{moment}"),
        word => panic!("{moment}: {word}"),
    }
    world.arrives(&device, moment);
    for folder in ["staging", "downloads"] {
        let left = device.names(folder);
        assert!(left.is_empty(), "{moment}: {left:?} is left in {folder}; the boot was {boot:?}");
    }
    there
}

#[test]
fn at_ten_moments_of_a_slow_download() {
    let world = World::new(App::large("1.2.0", 1_200_000));
    world.middle.rule(|seen| {
        if seen.is_download() && seen.range().is_none() {
            vec![Step::Slowly(48 * 1024, Duration::from_millis(12))]
        } else {
            vec![Step::Forward]
        }
    });
    let whole = duration(&world);
    let mut resumed = 0;
    for at in 0..10 {
        let delay = whole * (2 * at + 1) / 20;
        let there = kill_at(&world, delay, &format!("{at} of 10, after {delay:?} of {whole:?}"));
        resumed += u32::from(there > 0);
    }
    assert!(resumed >= 4, "only {resumed} kills hit the download");
}

#[test]
fn at_many_moments_of_an_unpacking() {
    let world = World::new(App::many("1.2.0", 300));
    let whole = duration(&world);
    let mut chance = Chance::new(4);
    for at in 0..14 {
        let delay = chance.time(whole);
        kill_at(&world, delay, &format!("{at} of 14, after {delay:?} of {whole:?}"));
    }
}

#[test]
fn the_moment_the_bundle_has_arrived() {
    let world = World::new(App::many("1.2.0", 300));
    for at in 0..4 {
        let device = world.copy();
        let mut child = device.spawn(&["update"]);
        let start = Instant::now();
        while device.names("bundles").len() < 2 && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_micros(50));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let boot = device.boot();
        let moment = format!("{at} of 4: {boot:?}");
        world.is_whole(&device, &boot, &moment);
        device.run(&["background"]).ok();
        let downloads = world.middle.downloads_seen().len();
        world.arrives(&device, &moment);
        assert_eq!(world.middle.downloads_seen().len(), downloads, "{moment}: it was there");
        assert!(device.names("downloads").is_empty(), "{moment}: {:?}", device.names("downloads"));
    }
}

#[test]
fn the_moment_files_begin_to_appear() {
    let world = World::new(App::many("1.2.0", 300));
    let mut chance = Chance::new(5);
    for at in 0..4 {
        let device = world.copy();
        let mut child = device.spawn(&["update"]);
        let start = Instant::now();
        while device.names("staging").is_empty() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_micros(300));
        }
        std::thread::sleep(chance.time(Duration::from_millis(40)));
        child.kill().unwrap();
        child.wait().unwrap();
        let moment = format!("{at} of 4");
        let boot = device.boot();
        world.is_whole(&device, &boot, &moment);
        device.run(&["background"]).ok();
        world.arrives(&device, &moment);
        assert!(device.names("staging").is_empty(), "{moment}: what was left is swept");
    }
}

#[test]
fn again_and_again_until_it_is_there_without_fetching_a_byte_twice() {
    let world = World::new(App::large("1.2.0", 1_500_000));
    world.middle.rule(|seen| {
        let slowly = Step::Slowly(32 * 1024, Duration::from_millis(10));
        vec![if seen.is_download() { slowly } else { Step::Forward }]
    });
    let size = world.new.zip().len() as u64;
    let (mut chance, mut kills, mut last) = (Chance::new(6), 0_u32, 0);
    let device = &world.device;
    loop {
        let delay = Duration::from_millis(60) + chance.time(Duration::from_millis(120));
        let said = device.kill_after(&["update"], delay);
        if said.code == 0 {
            break;
        }
        kills += 1;
        // Once the bundle has arrived its download goes.
        if device.names("bundles").len() == 2 {
            break;
        }
        let there = device.downloaded();
        assert!(there >= last, "kill {kills}: {there} bytes are left of {last}");
        last = there;
        assert!(kills < 60, "it never arrives");
        if last == size {
            break;
        }
    }
    assert!(kills >= 3, "{kills}");
    let ranges: Vec<_> = world.middle.downloads_seen().iter().filter_map(ota_e2e::Seen::range).collect();
    assert!(ranges.is_sorted(), "{ranges:?}");
    world.arrives(device, &format!("after {kills} kills"));
    // What a kill can cost is what was on its way: a block not yet written, and the sockets' buffers.
    let twice = world.middle.downloaded().saturating_sub(size);
    assert!(twice <= u64::from(kills) * 256 * 1024, "{twice} bytes came twice in {kills} kills");
}

#[test]
fn a_release_replaced_between_a_kill_and_the_next_update_is_fetched_from_its_beginning() {
    let world = World::new(App::large("1.2.0", 800_000));
    world.middle.rule(|seen| {
        let slowly = Step::Slowly(32 * 1024, Duration::from_millis(10));
        vec![if seen.is_download() { slowly } else { Step::Forward }]
    });
    let mut child = world.device.spawn(&["update"]);
    let start = Instant::now();
    while world.device.downloaded() < 100_000 && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(world.device.downloaded() >= 100_000);
    world.middle.behave();
    let newer = App::large("1.3.0", 700_000);
    world.site.deploy(&newer, "1.3.0");
    let said = world.device.update();
    assert_eq!((said.word(), said.ok()["resumed_from"].as_u64()), ("staged", Some(0)));
    let boot = world.device.boot();
    assert_eq!(boot.what(), ("1.3.0", "trial"));
    world.device.shows(&boot, &newer);
    assert!(world.device.names("downloads").is_empty(), "the other half is swept");
}
