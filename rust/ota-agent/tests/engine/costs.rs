//! What a boot costs the disk.

use super::watched_fs::{Account, WatchedFs};
use super::world::*;
use ota_agent::lifecycle::Reason;

fn account_of(world: &World, reason: Reason) -> Vec<String> {
    let account = Account::default();
    let agent = world.agent_on(WatchedFs::new(&account));
    assert_eq!(start(&agent).reason, reason);
    account.lock().unwrap().clone()
}

#[test]
fn an_ordinary_boot_syncs_and_renames_nothing_and_does_not_take_the_states_lock() {
    let world = World::new();
    world.confirmed("1.1.0", 10);
    let done = account_of(&world, Reason::Current);
    assert_eq!(done, ["lock page.lock", "open attempt", "overwrite attempt", "share list"]);
}

#[test]
fn a_boot_into_a_trial_replaces_the_state_durably_exactly_once_and_before_the_attempt() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    update(&world.agent()).unwrap();
    for _ in 0..2 {
        let done = account_of(&world, Reason::Trial);
        let replaced: Vec<_> = done.iter().filter(|what| *what == "rename state.json").collect();
        assert_eq!(replaced.len(), 1, "{done:?}");
        let at = |what: &str| done.iter().position(|done| done == what).unwrap();
        assert!(at("sync state.tmp") < at("rename state.json"));
        assert!(at("rename state.json") < at("sync home"));
        assert!(at("sync home") < at("overwrite attempt"));
        assert!(
            !done.iter().any(|what| what.starts_with("open ") && what != "open attempt"),
            "nothing is hashed: {done:?}"
        );
    }
}

#[test]
fn a_bundle_is_synced_before_it_gets_its_name_and_named_before_it_is_next() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let account = Account::default();
    update(&world.agent_on(WatchedFs::new(&account))).unwrap();
    let done = account.lock().unwrap().clone();
    let at =
        |what: &str| done.iter().position(|done| done == what).unwrap_or_else(|| panic!("{what}: {done:?}"));
    let named = at(&format!("rename {}", bundle.root));
    for file in ["sync index.html", "sync app.js", "sync assets", "sync www", "sync list"] {
        assert!(at(file) < named, "{file}: {done:?}");
    }
    let last = done.iter().rposition(|done| done == "rename state.json").unwrap();
    assert!(named < at("sync bundles") && at("sync bundles") < last);
}
