//! Bundles in the page's hands.

use super::world::*;
use ota_agent::lifecycle::{BundleId, Cause, Reason};
use ota_agent::ports::Cancel;
use serde_json::json;

#[test]
fn a_page_downloads_chooses_and_shows_a_bundle_itself() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    let agent = world.agent();
    start(&agent);
    let url = "https://ota.example.com/b/1.1.0.zip";
    let info = agent.download(url, "1.1.0", Some(bundle.checksum), &Cancel::default(), &mut |_| {}).unwrap();
    assert_eq!((info.bundle, info.version.as_str()), (bundle.id(), "1.1.0"));
    assert_eq!(agent.list().unwrap().len(), 1);
    agent.set_next(bundle.id()).unwrap();
    assert_eq!(swap(&agent).bundle, bundle.id());
}

#[test]
fn the_pages_own_choice_outlives_a_servers_reply() {
    let world = World::new();
    let own = world.publish("mine");
    let offered = world.publish("1.1.0");
    let agent = world.agent();
    let url = "https://ota.example.com/b/mine.zip";
    agent.download(url, "mine", Some(own.checksum), &Cancel::default(), &mut |_| {}).unwrap();
    agent.set_next(own.id()).unwrap();
    world.offer(&offered, 10);
    update(&agent).unwrap();
    world.server.answers(json!({"releases": []}));
    update(&agent).unwrap();
    assert_eq!(start(&agent).bundle, own.id());
}

#[test]
fn what_is_shown_next_or_the_fallback_is_not_deleted() {
    let world = World::new();
    let old = world.confirmed("1.1.0", 10);
    let shown = world.confirmed("1.2.0", 12);
    let next = world.publish("1.3.0");
    world.offer(&next, 14);
    let agent = world.agent();
    update(&agent).unwrap();
    for bundle in [BundleId::Builtin, old.id(), shown.id(), next.id()] {
        assert_eq!(code(agent.delete(bundle)), "in_use");
    }
    let unknown = BundleId::Held(ota_protocol::Root::of(b"unknown"));
    assert_eq!(code(agent.delete(unknown)), "unknown_bundle");
    assert_eq!(code(agent.set_next(unknown)), "unknown_bundle");
}

#[test]
fn after_a_ready_only_what_is_needed_stays_on_the_disk() {
    let world = World::new();
    let first = world.confirmed("1.1.0", 10);
    let second = world.confirmed("1.2.0", 12);
    let third = world.confirmed("1.3.0", 14);
    assert!(!world.bundle_dir(&first).exists());
    assert!(world.bundle_dir(&second).exists(), "the fallback");
    assert!(world.bundle_dir(&third).exists());
    assert_eq!(std::fs::read_dir(world.home().join("staging")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(world.home().join("downloads")).unwrap().count(), 0);
}

#[test]
fn the_last_three_that_a_page_downloaded_itself_stay() {
    let world = World::new();
    let agent = world.agent();
    let own: Vec<_> = (0..5).map(|n| world.publish(&format!("own-{n}"))).collect();
    for bundle in &own {
        let url = format!("https://ota.example.com/b/{}.zip", bundle.version);
        agent
            .download(&url, &bundle.version, Some(bundle.checksum), &Cancel::default(), &mut |_| {})
            .unwrap();
        world.clock.advance(MINUTE);
    }
    let booted = start(&agent);
    agent.ready(booted.token).unwrap();
    let there: Vec<_> = own.iter().map(|bundle| world.bundle_dir(bundle).exists()).collect();
    assert_eq!(there, [false, false, true, true, true]);
}

#[test]
fn a_blocked_bundle_cannot_be_chosen_until_its_block_is_cleared() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    agent.failed(booted.token, Cause::Reported).unwrap();
    assert_eq!(code(agent.set_next(bundle.id())), "blocked");
    assert_eq!(agent.blocked().unwrap().len(), 1);
    agent.clear_blocked(None).unwrap();
    agent.set_next(bundle.id()).unwrap();
}

#[test]
fn reset_goes_back_to_the_builtin_and_judges_nothing() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    assert_eq!(booted.reason, Reason::Trial);
    agent.reset().unwrap();
    let after = swap(&agent);
    assert_eq!((after.bundle, after.reason), (BundleId::Builtin, Reason::Builtin));
    assert!(agent.blocked().unwrap().is_empty());
    assert_eq!(code(agent.ready(booted.token)), "stale_token");
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(world.server.downloads(), 1);
}

#[test]
fn a_change_of_channel_drops_what_the_other_one_had_made_next() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    agent.set_channel(Some("beta".parse().unwrap())).unwrap();
    assert_eq!(start(&agent).bundle, BundleId::Builtin);
    world.server.answers(json!({}));
    update(&agent).unwrap();
    assert_eq!(world.server.asked().last().unwrap()["channel"], "beta");
    assert_eq!(code(agent.set_channel(Some("apk".parse().unwrap()))), "reserved_channel");
}
