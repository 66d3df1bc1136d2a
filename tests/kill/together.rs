//! Several processes of one app at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::World;
use ota_e2e::{App, Said, Step};

#[test]
fn of_two_updates_at_once_the_second_is_busy_and_the_first_is_not_disturbed() {
    let world = World::new(App::large("1.2.0", 200_000));
    let open = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&open);
    world.middle.rule(move |seen| {
        let mut steps = vec![Step::Forward];
        if seen.is_download() {
            steps.insert(0, Step::Hold(Arc::clone(&gate)));
        }
        steps
    });
    let before = world.middle.downloads_seen().len();
    let first = world.device.spawn(&["update"]);
    while world.middle.downloads_seen().len() == before {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    for _ in 0..3 {
        assert_eq!(world.device.update().error(), "busy");
    }
    // The app can be started meanwhile, and everything but a second update works.
    let boot = world.device.boot();
    assert_eq!(boot.what(), ("1.1.0", "current"));
    world.device.shows(&boot, &world.old);
    world.device.run(&["background"]).ok();
    world.device.run(&["foreground"]).ok();
    world.device.ready(&boot).ok();
    assert_eq!(world.device.status()["current"]["version"], "1.1.0");
    assert_eq!(world.middle.downloads_seen().len(), before + 1, "the second asked for nothing");
    open.store(true, Ordering::Release);
    let first = Said::read(&first.wait_with_output().unwrap());
    assert_eq!(first.word(), "staged");
    world.arrives(&world.device, "after both");
}

#[test]
fn a_store_update_under_a_running_update_voids_it() {
    let mut world = World::new(App::large("1.2.0", 200_000));
    let open = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&open);
    world.middle.rule(move |seen| {
        let mut steps = vec![Step::Forward];
        if seen.is_download() {
            steps.insert(0, Step::Hold(Arc::clone(&gate)));
        }
        steps
    });
    let before = world.middle.downloads_seen().len();
    let first = world.device.spawn(&["update"]);
    while world.middle.downloads_seen().len() == before {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    world.device.native = "2.0.0".to_owned();
    let boot = world.device.boot();
    assert_eq!(boot.what(), ("2.0.0", "native_changed"));
    open.store(true, Ordering::Release);
    let first = Said::read(&first.wait_with_output().unwrap());
    assert_eq!(first.error(), "cancelled", "its result belonged to the old app");
    assert_eq!(world.device.boot().what(), ("2.0.0", "builtin"));
    world.arrives(&world.device, "the new app's own update");
}

#[test]
fn a_reset_during_an_update_leaves_what_the_update_stages() {
    let world = World::new(App::large("1.2.0", 200_000));
    let open = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&open);
    world.middle.rule(move |seen| {
        let mut steps = vec![Step::Forward];
        if seen.is_download() {
            steps.insert(0, Step::Hold(Arc::clone(&gate)));
        }
        steps
    });
    let before = world.middle.downloads_seen().len();
    let first = world.device.spawn(&["update"]);
    while world.middle.downloads_seen().len() == before {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    world.device.run(&["reset"]).ok();
    assert_eq!(world.device.boot().what(), ("1.0.0", "builtin"));
    open.store(true, Ordering::Release);
    assert_eq!(Said::read(&first.wait_with_output().unwrap()).word(), "staged");
    world.arrives(&world.device, "after the reset");
}

#[test]
fn many_boots_at_once_all_show_something_whole() {
    let world = World::new(App::new("1.2.0"));
    assert_eq!(world.device.update().word(), "staged");
    for round in 0..3 {
        let device = world.copy();
        let children: Vec<_> = (0..6).map(|_| device.spawn(&["boot"])).collect();
        for child in children {
            let said = Said::read(&child.wait_with_output().unwrap());
            let boot = ota_e2e::Booted::read(said.ok());
            world.is_whole(&device, &boot, &format!("round {round}"));
        }
        let boot = device.boot();
        world.is_whole(&device, &boot, "the last one");
        device.ready(&boot).ok();
    }
}

#[test]
fn an_update_that_is_killed_leaves_no_lock_behind() {
    let world = World::new(App::large("1.2.0", 200_000));
    world.middle.rule(|seen| {
        vec![if seen.is_download() { Step::Wait(std::time::Duration::from_secs(20)) } else { Step::Forward }]
    });
    for _ in 0..3 {
        let before = world.middle.downloads_seen().len();
        let mut child = world.device.spawn(&["update"]);
        while world.middle.downloads_seen().len() == before {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    world.middle.behave();
    world.arrives(&world.device, "after three kills");
}
