//! Which bundle a start shows, with the files and processes that a device has.

use super::world::*;
use ota_agent::engine::Ended;
use ota_agent::lifecycle::{BundleId, Cause, Reason};

#[test]
fn a_new_app_shows_its_builtin_and_writes_nothing_but_the_attempt() {
    let world = World::new();
    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!((booted.bundle, booted.reason), (BundleId::Builtin, Reason::Builtin));
    assert_eq!(booted.version, "1.0.0");
    let mut names: Vec<_> =
        std::fs::read_dir(world.home()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["attempt", "page.lock"]);
}

#[test]
fn an_update_is_shown_at_the_next_start_in_trial_and_stays_once_it_is_ready() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    update(&world.agent()).unwrap();

    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!((booted.bundle, booted.reason), (bundle.id(), Reason::Trial));
    assert_eq!(booted.version, "1.1.0");
    assert!(booted.path.join("index.html").is_file());
    assert!(agent.ready(booted.token).unwrap());
    drop(agent);

    let booted = start(&world.agent());
    assert_eq!((booted.bundle, booted.reason), (bundle.id(), Reason::Current));
}

#[test]
fn two_crashed_starts_roll_back_and_the_bundle_is_never_shown_or_fetched_again() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    let bad = world.publish("1.2.0");
    world.offer(&bad, 12);
    update(&world.agent()).unwrap();

    assert_eq!(start(&world.agent()).bundle, bad.id());
    assert_eq!(start(&world.agent()).reason, Reason::Trial);
    let booted = start(&world.agent());
    assert_eq!((booted.bundle, booted.reason), (good.id(), Reason::RolledBack));

    let downloads = world.server.downloads();
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "blocked");
    assert_eq!(world.server.downloads(), downloads);
    assert_eq!(start(&world.agent()).bundle, good.id());
}

#[test]
fn a_start_that_ended_in_the_background_is_not_held_against_the_bundle() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    update(&world.agent()).unwrap();
    for _ in 0..5 {
        let agent = world.agent();
        assert_eq!(start(&agent).bundle, bundle.id());
        agent.background().unwrap();
    }
    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!(booted.bundle, bundle.id());
    assert!(agent.ready(booted.token).unwrap());
}

#[test]
fn a_reboot_of_the_system_is_not_a_crash() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    update(&world.agent()).unwrap();
    for run in ["a", "b", "c"] {
        world.clock.set_os_boot_id(Some(run));
        assert_eq!(start(&world.agent()).bundle, bundle.id());
    }
}

#[test]
fn a_page_that_failed_is_replaced_at_once_and_its_late_ready_says_nothing() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    let bad = world.publish("1.2.0");
    world.offer(&bad, 12);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    assert_eq!(agent.failed(booted.token, Cause::Load).unwrap(), Ended::Blocked);
    let after = swap(&agent);
    assert_eq!((after.bundle, after.reason), (good.id(), Reason::Current));
    assert_eq!(code(agent.ready(booted.token)), "stale_token");
    assert_eq!(code(agent.failed(booted.token, Cause::Load)), "stale_token");
    assert!(!agent.ready(after.token).unwrap());
    assert_eq!(agent.failed_update().unwrap().unwrap().version, "1.2.0");
}

#[test]
fn a_first_time_out_waits_a_day_and_a_second_one_blocks() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    assert_eq!(agent.failed(booted.token, Cause::Timeout).unwrap(), Ended::SetAside);
    assert_eq!(swap(&agent).bundle, BundleId::Builtin);
    let updated = update(&agent).unwrap();
    assert_eq!(format!("{:?}", updated.outcome), "UpToDate(Some(SetAside))");

    world.clock.advance(DAY + MINUTE);
    let downloads = world.server.downloads();
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(world.server.downloads(), downloads, "it is still here");
    let booted = swap(&agent);
    assert_eq!(agent.failed(booted.token, Cause::Timeout).unwrap(), Ended::Blocked);
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "blocked");
}

#[test]
fn a_release_that_says_retry_lifts_such_a_block_once() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    let agent = world.agent();
    let time_out = || {
        let booted = swap(&agent);
        assert_eq!(booted.bundle, bundle.id());
        agent.failed(booted.token, Cause::Timeout).unwrap()
    };
    world.offer(&bundle, 10);
    update(&agent).unwrap();
    assert_eq!(time_out(), Ended::SetAside);
    world.clock.advance(DAY + MINUTE);
    update(&agent).unwrap();
    assert_eq!(time_out(), Ended::Blocked);

    let retry = release(&bundle, 12, &serde_json::json!({"retry": true}));
    world.server.answers(serde_json::json!({"releases": [retry]}));
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(time_out(), Ended::Blocked);
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "blocked");
}

#[test]
fn an_update_from_the_store_starts_over_and_keeps_the_channel() {
    let mut world = World::new();
    world.confirmed("1.1.0", 10);
    let agent = world.agent();
    agent.set_channel(Some("beta".parse().unwrap())).unwrap();
    drop(agent);
    world.native = "2.0.0".into();
    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!((booted.bundle, booted.reason), (BundleId::Builtin, Reason::NativeChanged));
    assert_eq!(booted.version, "2.0.0");
    assert_eq!(agent.channel().unwrap().as_str(), "beta");
    drop(agent);
    assert_eq!(start(&world.agent()).reason, Reason::Builtin);
}

#[test]
fn a_second_process_with_a_page_shows_the_last_confirmed_bundle_and_starts_no_trial() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    let new = world.publish("1.2.0");
    world.offer(&new, 12);
    let first = world.agent();
    update(&first).unwrap();
    let booted = start(&first);
    assert_eq!(booted.bundle, new.id());
    let second = world.agent();
    let other = start(&second);
    assert_eq!(other.bundle, good.id());
    assert!(!second.ready(other.token).unwrap());
    assert!(first.ready(booted.token).unwrap(), "the first is not disturbed");
}

#[test]
fn a_page_that_is_never_ready_runs_out_of_foreground_time() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    start(&agent);
    world.clock.advance(20 * MINUTE / 60);
    agent.background().unwrap();
    world.clock.advance(DAY);
    assert_eq!(agent.ready_due_in(), None);
    assert_eq!(agent.tick().unwrap(), Ended::Nothing);
    agent.foreground().unwrap();
    assert_eq!(agent.ready_due_in().unwrap().as_secs(), 10);
    world.clock.advance(MINUTE);
    assert_eq!(agent.tick().unwrap(), Ended::SetAside);
    assert_eq!(agent.tick().unwrap(), Ended::Nothing);
}

#[test]
fn a_builtin_that_never_says_ready_is_said_before_an_update_is_lost_to_it() {
    let world = World::new();
    let agent = world.agent();
    let booted = start(&agent);
    agent.failed(booted.token, Cause::Timeout).unwrap();
    assert_eq!(agent.status().unwrap()["ready_never_called"], true);
    agent.ready(booted.token).unwrap();
    assert_eq!(agent.status().unwrap()["ready_never_called"], false);
}

#[test]
fn a_confirmed_bundle_whose_renderer_crashes_in_three_starts_gives_way_to_the_fallback() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    let bad = world.confirmed("1.2.0", 12);
    for _ in 0..3 {
        let agent = world.agent();
        let booted = start(&agent);
        assert_eq!(booted.bundle, bad.id());
        assert_eq!(agent.failed(booted.token, Cause::Renderer).unwrap(), Ended::Nothing);
        agent.background().unwrap();
    }
    let booted = start(&world.agent());
    assert_eq!((booted.bundle, booted.reason), (good.id(), Reason::RolledBack));
    assert!(world.agent().blocked().unwrap().is_empty());
}
