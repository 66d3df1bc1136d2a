//! Asking, fetching, staging.

use super::world::*;
use ota_agent::engine::Stamp;
use ota_agent::lifecycle::{BundleId, Reason};
use ota_agent::ports::Cancel;
use ota_protocol::Root;
use serde_json::json;

#[test]
fn a_plain_server_with_three_fields_is_served_fully() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer_plainly(&bundle);
    let agent = world.agent();
    let updated = update(&agent).unwrap();
    assert_eq!((updated.outcome.as_str(), updated.bundle), ("staged", bundle.id()));
    let booted = start(&agent);
    agent.ready(booted.token).unwrap();
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "up_to_date");
    assert_eq!(world.server.downloads(), 1);
}

#[test]
fn a_plain_servers_bad_bundle_is_known_by_its_checksum() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer_plainly(&bundle);
    let agent = world.agent();
    update(&agent).unwrap();
    let booted = start(&agent);
    agent.failed(booted.token, ota_agent::lifecycle::Cause::Load).unwrap();
    let after = swap(&agent);
    agent.ready(after.token).unwrap();
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "blocked");
    assert_eq!(world.server.downloads(), 1);
}

#[test]
fn what_is_staged_is_not_fetched_again() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    assert_eq!(update(&world.agent()).unwrap().transferred.received, bundle.size);
    let again = update(&world.agent()).unwrap();
    assert_eq!((again.outcome.as_str(), again.transferred.received), ("staged", 0));
    assert_eq!(world.server.downloads(), 1);
}

#[test]
fn a_release_that_is_withdrawn_before_it_was_shown_is_never_shown() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    world.server.answers(json!({"releases": []}));
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "up_to_date");
    assert_eq!(start(&agent).bundle, BundleId::Builtin);
}

#[test]
fn a_reply_from_the_past_changes_nothing() {
    let world = World::new();
    let old = world.publish("1.1.0");
    let new = world.publish("1.2.0");
    world.offer(&new, 20);
    let agent = world.agent();
    update(&agent).unwrap();
    world.offer(&old, 10);
    assert_eq!(format!("{:?}", update(&agent).unwrap().outcome), "UpToDate(Some(Stale))");
    assert_eq!(start(&agent).bundle, new.id());
    assert_eq!(world.server.asked().last().unwrap()["floor"], 20);
}

#[test]
fn a_cleared_channel_goes_back_to_the_builtin() {
    let world = World::new();
    world.confirmed("1.1.0", 10);
    world.server.answers(json!({"version": "builtin"}));
    let agent = world.agent();
    let updated = update(&agent).unwrap();
    assert_eq!((updated.outcome.as_str(), updated.bundle), ("reverted", BundleId::Builtin));
    let booted = start(&agent);
    assert_eq!((booted.bundle, booted.reason), (BundleId::Builtin, Reason::Builtin));
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "up_to_date");
}

#[test]
fn a_rollback_on_the_server_shows_the_confirmed_bundle_without_a_trial_or_a_download() {
    let world = World::new();
    let old = world.confirmed("1.1.0", 10);
    world.confirmed("1.2.0", 12);
    let downloads = world.server.downloads();
    world.offer(&old, 14);
    let agent = world.agent();
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
    assert_eq!(world.server.downloads(), downloads);
    let booted = start(&agent);
    assert_eq!((booted.bundle, booted.reason), (old.id(), Reason::Current));
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let part = usize::try_from(bundle.size / 8).unwrap();
    // The check goes through, and each of the four tries of the first process is cut.
    world.server.fails(Fault::Pass);
    for _ in 0..4 {
        world.server.fails(Fault::CutAfter(part));
    }
    assert_eq!(code(update(&world.agent())), "offline");
    assert_eq!(world.server.bytes(), 4 * part);
    let updated = update(&world.agent()).unwrap();
    assert_eq!(updated.outcome.as_str(), "staged");
    assert_eq!(updated.transferred.resumed_from, 4 * part as u64);
    assert_eq!(world.server.bytes() as u64, bundle.size, "no byte came twice");
}

#[test]
fn a_server_that_is_away_is_an_error_and_nothing_changes() {
    let world = World::new();
    let good = world.confirmed("1.1.0", 10);
    for _ in 0..8 {
        world.server.fails(Fault::Offline);
    }
    assert_eq!(code(update(&world.agent())), "offline");
    assert_eq!(start(&world.agent()).bundle, good.id());
}

#[test]
fn a_server_that_asks_for_rest_is_left_alone_across_processes() {
    let world = World::new();
    world.server.fails(Fault::Status(429, Some(120)));
    assert_eq!(code(update(&world.agent())), "retry_later");
    let asked = world.server.asked().len();
    assert_eq!(code(update(&world.agent())), "retry_later");
    assert_eq!(world.server.asked().len(), asked);
    world.clock.advance(2 * MINUTE);
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "up_to_date");
}

#[test]
fn bytes_with_another_checksum_are_refused_and_block_nothing() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    world.server.corrupts(&bundle);
    let agent = world.agent();
    assert_eq!(code(update(&agent)), "checksum_mismatch");
    assert!(agent.blocked().unwrap().is_empty());
    assert!(!world.bundle_dir(&bundle).exists());
    world.publish("1.1.0");
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
}

#[test]
fn an_archive_that_is_not_the_bundle_named_is_refused() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    let other = Root::of(b"another");
    let release = release(&bundle, 10, &json!({"root": other}));
    world.server.answers(json!({"releases": [release]}));
    assert_eq!(code(update(&world.agent())), "root_mismatch");
    assert!(!world.bundle_dir(&bundle).exists());
}

#[test]
fn a_release_older_than_the_builtin_is_passed_over() {
    let mut world = World::new();
    let bundle = world.publish("0.9.0");
    world.offer(&bundle, 10);
    world.stamp = Some(Stamp { root: Root::of(b"builtin"), built_at: Some(NOW) });
    let updated = update(&world.agent()).unwrap();
    assert_eq!(format!("{:?}", updated.outcome), "UpToDate(Some(OlderThanBuiltin))");
    world.config["acceptOlderThanBuiltin"] = json!(true);
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "staged");
}

#[test]
fn a_release_that_is_the_builtin_itself_is_not_fetched() {
    let mut world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    world.stamp = Some(Stamp { root: bundle.root, built_at: None });
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "up_to_date");
    assert_eq!(world.server.downloads(), 0);
}

#[test]
fn a_new_name_for_the_bundle_shown_restarts_nothing() {
    let world = World::new();
    let mut bundle = world.confirmed("1.1.0", 10);
    bundle.version = "1.1.1".into();
    world.offer(&bundle, 12);
    let agent = world.agent();
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "up_to_date");
    let booted = start(&agent);
    assert_eq!((booted.version.as_str(), booted.reason), ("1.1.1", Reason::Current));
}

#[test]
fn a_cancelled_update_leaves_nothing_half_done() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let cancel = Cancel::default();
    cancel.cancel();
    let agent = world.agent();
    assert_eq!(code(agent.update(&cancel, &mut |_| {})), "cancelled");
    assert_eq!(start(&agent).bundle, BundleId::Builtin);
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
}

#[test]
fn another_process_that_updates_makes_this_one_busy() {
    use ota_agent::ports::{Fs, LockKind, RealFs};
    let world = World::new();
    std::fs::create_dir_all(world.home()).unwrap();
    let lock = RealFs.try_lock(&world.home().join("update.lock"), LockKind::Exclusive).unwrap().unwrap();
    assert_eq!(code(update(&world.agent())), "busy");
    drop(lock);
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "up_to_date");
}

#[test]
fn two_callers_of_one_process_share_a_transfer() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| update(&agent))).collect();
        for call in calls {
            assert_eq!(call.join().unwrap().unwrap().outcome.as_str(), "staged");
        }
    });
    assert_eq!(world.server.downloads(), 1);
}

#[test]
fn an_app_without_an_update_url_says_so() {
    let mut world = World::new();
    world.config = json!({});
    assert_eq!(code(update(&world.agent())), "no_update_url");
}

#[test]
fn a_config_that_promises_protection_we_lack_takes_no_update() {
    let mut world = World::new();
    world.config["publicKeys"] = json!(["key"]);
    assert_eq!(code(update(&world.agent())), "unsupported");
    assert!(world.server.asked().is_empty());
}

#[test]
fn a_captive_portal_does_not_withdraw_an_update() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    update(&agent).unwrap();
    world.server.answers(json!({"login": "please"}));
    assert_eq!(code(update(&agent)), "bad_reply");
    assert_eq!(start(&agent).bundle, bundle.id());
}

#[test]
fn capgos_dialect_sends_exactly_its_fields() {
    let mut world = World::new();
    world.config["dialect"] = json!("capgo");
    world.server.answers(json!({"kind": "up_to_date", "error": "no_new_version_available", "message": ""}));
    assert_eq!(update(&world.agent()).unwrap().outcome.as_str(), "up_to_date");
    let asked = world.server.asked().pop().unwrap();
    let mut keys: Vec<_> = asked.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "app_id",
            "custom_id",
            "defaultChannel",
            "device_id",
            "install_source",
            "is_emulator",
            "is_prod",
            "platform",
            "plugin_version",
            "version_build",
            "version_code",
            "version_name",
            "version_os"
        ]
    );
    assert_eq!(asked["version_name"], asked["version_build"], "on the builtin");
}
