//! Files that are not what they were.

use super::world::*;
use ota_agent::lifecycle::{BundleId, Cause, Reason};

#[test]
fn a_bundle_without_its_index_is_not_shown_and_is_fetched_again() {
    let world = World::new();
    let bundle = world.confirmed("1.1.0", 10);
    std::fs::remove_file(world.bundle_dir(&bundle).join("www/index.html")).unwrap();
    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!((booted.bundle, booted.reason), (BundleId::Builtin, Reason::RolledBack));
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(start(&world.agent()).bundle, BundleId::Builtin, "the first process still has the page");
    drop(agent);
    assert_eq!(start(&world.agent()).bundle, bundle.id());
}

#[test]
fn a_damaged_bundle_does_not_become_next() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    std::fs::write(world.bundle_dir(&bundle).join("www/assets/app.js"), "changed").unwrap();
    let updated = update(&agent).unwrap();
    assert_eq!(updated.outcome.as_str(), "staged");
    assert_eq!(updated.transferred.received, bundle.size, "fetched again");
    assert_eq!(world.server.downloads(), 2);
}

#[test]
fn a_confirmed_bundle_that_is_late_and_damaged_gives_way_to_the_fallback() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    let damaged = world.confirmed("1.2.0", 12);
    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!(booted.bundle, damaged.id());
    std::fs::write(world.bundle_dir(&damaged).join("www/assets/app.js"), "changed").unwrap();
    agent.failed(booted.token, Cause::Timeout).unwrap();
    drop(agent);
    assert_eq!(start(&world.agent()).bundle, good.id());
    assert!(world.agent().blocked().unwrap().is_empty());
}

#[test]
fn a_trial_that_failed_on_damaged_files_is_not_held_against_the_release() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    std::fs::write(world.bundle_dir(&bundle).join("www/assets/app.js"), "changed").unwrap();
    agent.failed(booted.token, Cause::Load).unwrap();
    swap(&agent);
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(world.server.downloads(), 2);
}

#[test]
fn a_lost_state_keeps_blocks_and_what_was_confirmed() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    world.confirmed("1.2.0", 12);
    let bad = world.publish("1.3.0");
    world.offer(&bad, 14);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    agent.failed(booted.token, Cause::Load).unwrap();
    agent.set_channel(Some("beta".parse().unwrap())).unwrap();
    drop(agent);
    std::fs::write(world.home().join("state.json"), "{").unwrap();
    let agent = world.agent();
    assert_eq!(start(&agent).bundle, good.id(), "the fallback of the state before");
    assert_eq!(agent.blocked().unwrap().len(), 1);
    assert!(world.home().join("state.bad.json").exists());
}

#[test]
fn a_torn_attempt_is_an_interruption() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    update(&world.agent()).unwrap();
    for _ in 0..4 {
        assert_eq!(start(&world.agent()).bundle, bundle.id());
        std::fs::write(world.home().join("attempt"), "torn").unwrap();
    }
}

#[test]
fn a_state_that_cannot_be_read_shows_the_builtin_and_writes_nothing() {
    let world = World::new();
    world.confirmed("1.1.0", 10);
    let state = world.home().join("state.json");
    let kept = world.home().join("kept");
    std::fs::rename(&state, &kept).unwrap();
    std::os::unix::fs::symlink("state.json", &state).unwrap();
    let booted = start(&world.agent());
    assert_eq!((booted.bundle, booted.reason), (BundleId::Builtin, Reason::StateUnreadable));
    assert_eq!(code(update(&world.agent())), "state_unreadable");
    std::fs::remove_file(&state).unwrap();
    std::fs::rename(&kept, &state).unwrap();
    assert_eq!(start(&world.agent()).reason, Reason::Current);
}

#[test]
fn files_and_folders_in_each_others_place_are_in_nobodys_way() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    std::fs::create_dir_all(world.home().join("attempt/inside")).unwrap();
    for name in ["bundles", "downloads", "staging"] {
        std::fs::write(world.home().join(name), "a file").unwrap();
    }
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "staged");
    assert_eq!(start(&world.agent()).bundle, bundle.id());
    let agent = world.agent();
    let booted = start(&agent);
    drop(agent);
    assert!(world.agent().ready(booted.token).unwrap(), "another process finds the attempt");
}

#[test]
fn a_single_bit_changed_in_a_file_of_the_same_length_is_damage() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    let file = world.bundle_dir(&bundle).join("www/assets/app.js");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(code(agent.set_next(bundle.id())), "bundle_damaged");
    assert_eq!(update(&agent).unwrap().transferred.received, bundle.size, "fetched again");
}
