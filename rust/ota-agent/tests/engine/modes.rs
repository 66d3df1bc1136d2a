//! When checks go out and updates are shown, driven by what the host reports.

use super::world::*;
use ota_agent::engine::{Hint, Start};
use ota_agent::lifecycle::{BundleId, Exit};
use serde_json::json;

fn staged(mode: &str) -> (World, Bundle) {
    let mut world = World::new();
    world.config["autoUpdate"] = json!(mode);
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    (world, bundle)
}

#[test]
fn a_start_asks_for_a_check_but_not_more_often_than_the_interval() {
    let world = World::new();
    let agent = world.agent();
    start(&agent);
    assert!(agent.started().check);
    update(&agent).unwrap();
    assert_eq!(agent.foreground().unwrap(), Hint { check: false, swap: false });
    world.clock.advance(10 * MINUTE);
    assert!(agent.foreground().unwrap().check);
}

#[test]
fn after_a_crashed_start_a_check_goes_out_at_once() {
    let (world, _) = staged("nextLaunch");
    update(&world.agent()).unwrap();
    start(&world.agent());
    let agent = world.agent();
    agent.boot(Start { exit: Some(Exit::Crashed), foreground: true }).unwrap();
    assert!(agent.started().check);
}

#[test]
fn switched_off_nothing_goes_out_by_itself() {
    let (world, bundle) = staged("off");
    let agent = world.agent();
    start(&agent);
    assert_eq!(agent.started(), Hint::default());
    // By hand it does.
    assert_eq!(update(&agent).unwrap().bundle, bundle.id());
}

#[test]
fn immediate_and_mandatory_updates_are_to_be_shown_at_once() {
    let (world, bundle) = staged("immediate");
    let agent = world.agent();
    start(&agent);
    assert!(update(&agent).unwrap().apply_now);
    assert_eq!(swap(&agent).bundle, bundle.id());

    let (world, bundle) = staged("nextLaunch");
    let release = release(&bundle, 20, &json!({"mandatory_since": 20}));
    world.server.answers(json!({"releases": [release]}));
    assert!(update(&world.agent()).unwrap().apply_now);
    assert!(!update(&world.agent()).unwrap().apply_now, "whoever accepted it once is not hurried");
}

#[test]
fn on_background_an_update_is_shown_after_a_long_time_away_only() {
    let (world, bundle) = staged("onBackground");
    let agent = world.agent();
    start(&agent);
    update(&agent).unwrap();
    agent.background().unwrap();
    world.clock.advance(MINUTE / 2);
    assert!(!agent.foreground().unwrap().swap);
    agent.background().unwrap();
    world.clock.advance(MINUTE);
    assert!(agent.foreground().unwrap().swap);
    assert_eq!(swap(&agent).bundle, bundle.id());
}

#[test]
fn only_download_leaves_the_choice_to_the_page() {
    let (world, bundle) = staged("onlyDownload");
    let agent = world.agent();
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(start(&agent).bundle, BundleId::Builtin);
    agent.set_next(bundle.id()).unwrap();
    assert_eq!(swap(&agent).bundle, bundle.id());
}

#[test]
fn the_load_event_confirms_where_the_config_says_so() {
    let (mut world, bundle) = staged("nextLaunch");
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    assert!(!agent.loaded(booted.token).unwrap());
    drop(agent);
    world.config["confirm"] = json!("load");
    let agent = world.agent();
    let booted = start(&agent);
    assert_eq!(booted.bundle, bundle.id());
    assert!(agent.loaded(booted.token).unwrap());
}
