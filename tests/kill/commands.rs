//! Kills during `boot`, `ready`, `fail` and `reset`.

use std::time::{Duration, Instant};

use crate::World;
use ota_e2e::{App, Chance, Device};

/// How long a command takes that is not killed.
fn duration(device: &Device) -> Duration {
    let start = Instant::now();
    device.status();
    start.elapsed() + Duration::from_millis(4)
}

const ROUNDS: usize = 24;

#[test]
fn during_a_boot_into_a_trial() {
    let world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    let longest = duration(&world.device);
    let mut chance = Chance::new(10);
    for at in 0..ROUNDS {
        let device = world.copy();
        let delay = chance.time(longest);
        let said = device.kill_after(&["boot"], delay);
        let moment = format!("{at} of {ROUNDS}, after {delay:?}");
        let boot = device.boot();
        world.is_whole(&device, &boot, &moment);
        assert_eq!(boot.what(), ("1.2.0", "trial"), "{moment}: one crash is not enough");
        let crashes = device.status()["trial"]["crashes"].as_u64().unwrap();
        assert!(crashes <= 1, "{moment}");
        if said.code == 0 {
            assert_eq!(crashes, 1, "{moment}: that boot was whole");
        }
        device.ready(&boot).ok();
        world.arrives(&device, &moment);
    }
}

#[test]
fn boots_that_are_all_killed_end_in_a_bundle_that_works() {
    let world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    let longest = duration(&world.device);
    let mut chance = Chance::new(11);
    // Most kills come before a boot has done anything, all the more on a busy machine.
    for _ in 0..20 {
        for _ in 0..ROUNDS {
            world.device.kill_after(&["boot"], chance.time(longest));
        }
        if world.device.status()["current"]["version"] != "1.2.0" {
            break;
        }
    }
    let boot = world.device.boot();
    world.is_whole(&world.device, &boot, "at the end");
    assert_ne!(boot.version, "1.2.0", "a chain of crashes is not shown for ever");
    assert_eq!(world.device.ready(&boot).word(), "ready");
}

#[test]
fn during_ready() {
    let world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    let longest = duration(&world.device);
    let mut chance = Chance::new(12);
    let mut confirmed = 0;
    for at in 0..ROUNDS {
        let device = world.copy();
        let boot = device.boot();
        let delay = chance.time(longest);
        let said = device.kill_after(&["ready", "--token", &boot.token], delay);
        let moment = format!("{at} of {ROUNDS}, after {delay:?}");
        let next = device.boot();
        world.is_whole(&device, &next, &moment);
        assert_eq!(next.version, "1.2.0", "{moment}: ready or one crash, both stay");
        if said.code == 0 {
            assert_eq!(next.reason, "current", "{moment}: it was confirmed");
        }
        confirmed += usize::from(next.reason == "current");
        device.ready(&next).ok();
        world.arrives(&device, &moment);
    }
    assert!(confirmed < ROUNDS, "no kill came before the confirmation");
}

#[test]
fn during_fail() {
    let world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    let longest = duration(&world.device);
    let mut chance = Chance::new(13);
    for at in 0..ROUNDS {
        let device = world.copy();
        let boot = device.boot();
        let delay = chance.time(longest);
        let said = device.kill_after(&["fail", "--token", &boot.token, "--reason", "load"], delay);
        let moment = format!("{at} of {ROUNDS}, after {delay:?}");
        let next = device.boot();
        world.is_whole(&device, &next, &moment);
        let status = device.status();
        let is_blocked = status["blocked"].as_array().is_some_and(|blocked| !blocked.is_empty());
        assert_eq!(next.version, if is_blocked { "1.1.0" } else { "1.2.0" }, "{moment}: {status}");
        if said.code == 0 {
            assert!(is_blocked, "{moment}: it said so");
        }
        device.ready(&next).ok();
        assert_eq!(device.update().word(), if is_blocked { "blocked" } else { "up_to_date" }, "{moment}");
    }
}

#[test]
fn during_reset_and_marks() {
    let world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    let longest = duration(&world.device);
    let mut chance = Chance::new(14);
    for at in 0..ROUNDS / 2 {
        let device = world.copy();
        device.boot();
        for command in ["background", "foreground", "reset"] {
            let delay = chance.time(longest);
            device.kill_after(&[command], delay);
        }
        let moment = format!("{at}");
        let boot = device.boot();
        world.is_whole(&device, &boot, &moment);
        device.ready(&boot).ok();
        world.arrives(&device, &moment);
    }
}

#[test]
fn during_a_store_updates_first_boot() {
    let mut world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    let longest = duration(&world.device);
    let mut chance = Chance::new(15);
    world.device.native = "2.0.0".to_owned();
    for at in 0..ROUNDS / 2 {
        let mut device = world.copy();
        device.native = "2.0.0".to_owned();
        let said = device.kill_after(&["boot"], chance.time(longest));
        let boot = device.boot();
        assert_eq!((boot.version.as_str(), boot.bundle.as_str()), ("2.0.0", "builtin"), "{at}");
        assert!(["native_changed", "builtin"].contains(&boot.reason.as_str()), "{at}: {boot:?}");
        if said.code == 0 {
            assert_eq!(boot.reason, "builtin", "{at}");
        }
        device.ready(&boot).ok();
        assert_eq!(device.update().word(), "staged", "{at}");
    }
}
