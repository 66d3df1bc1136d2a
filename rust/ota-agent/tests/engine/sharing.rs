//! Several callers, one transfer.

use super::world::*;
use ota_agent::AgentError;
use ota_agent::engine::{Agent, Updated};
use ota_agent::lifecycle::BundleId;
use ota_agent::ports::Cancel;
use std::sync::Arc;
use std::thread::JoinHandle;

type Call = JoinHandle<Result<Updated, AgentError>>;

fn call(agent: &Agent, cancel: &Cancel) -> Call {
    let (agent, cancel) = (agent.clone(), cancel.clone());
    std::thread::spawn(move || agent.update(&cancel, &mut |_| {}))
}

/// Waits for something that other threads bring about.
fn until(what: impl Fn() -> bool) {
    while !what() {
        std::thread::yield_now();
    }
}

#[test]
fn a_cancel_ends_its_callers_wait_and_the_others_go_on() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let gate = world.server.gate();
    let agent = world.agent();
    let (first, second) = (Cancel::default(), Cancel::default());
    let one = call(&agent, &first);
    until(|| world.server.downloads() == 1);
    let other = call(&agent, &second);
    until(|| world.server.asked().len() == 2);
    first.cancel();
    assert_eq!(code(one.join().unwrap()), "cancelled");
    gate.open();
    assert_eq!(other.join().unwrap().unwrap().outcome.as_str(), "staged");
    assert_eq!(world.server.downloads(), 1);
}

#[test]
fn the_transfer_ends_when_no_caller_is_left() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let gate = world.server.gate();
    let agent = world.agent();
    let cancel = Cancel::default();
    let one = call(&agent, &cancel);
    until(|| world.server.downloads() == 1);
    cancel.cancel();
    assert_eq!(code(one.join().unwrap()), "cancelled");
    gate.open();
    // The next call is not kept from anything by what was cancelled.
    assert_eq!(update(&agent).unwrap().outcome.as_str(), "staged");
}

#[test]
fn leaving_the_channel_ends_its_transfer() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let _gate = world.server.gate();
    let agent = world.agent();
    let one = call(&agent, &Cancel::default());
    until(|| world.server.downloads() == 1);
    agent.set_channel(Some("beta".parse().unwrap())).unwrap();
    assert_eq!(code(one.join().unwrap()), "cancelled");
    assert_eq!(start(&agent).bundle, BundleId::Builtin);
}

#[test]
fn a_boot_does_not_wait_for_an_update() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let gate = world.server.gate();
    let agent = world.agent();
    let one = call(&agent, &Cancel::default());
    until(|| world.server.downloads() == 1);
    let booted = start(&agent);
    assert_eq!(booted.bundle, BundleId::Builtin);
    agent.ready(booted.token).unwrap();
    gate.open();
    assert_eq!(one.join().unwrap().unwrap().outcome.as_str(), "staged");
}

#[test]
fn many_calls_from_many_threads_all_get_an_answer() {
    let world = Arc::new(World::new());
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let agent = world.agent();
    let booted = start(&agent);
    std::thread::scope(|scope| {
        for n in 0..24 {
            let (agent, world) = (&agent, &world);
            scope.spawn(move || match n % 6 {
                0 => drop(update(agent).unwrap()),
                1 => drop(agent.status().unwrap()),
                2 => drop(agent.ready(booted.token)),
                3 => drop(agent.foreground().unwrap()),
                4 => agent.background().unwrap(),
                _ => drop(world.agent().current().unwrap()),
            });
        }
    });
    assert_eq!(agent.next_bundle().unwrap().unwrap().bundle, bundle.id());
}

#[test]
fn another_process_that_leaves_the_channel_voids_the_answer() {
    let world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let gate = world.server.gate();
    let one = call(&world.agent(), &Cancel::default());
    until(|| world.server.downloads() == 1);
    world.agent().set_channel(Some("beta".parse().unwrap())).unwrap();
    gate.open();
    assert_eq!(code(one.join().unwrap()), "cancelled");
    assert_eq!(start(&world.agent()).bundle, BundleId::Builtin);
}

#[test]
fn an_update_from_the_store_meanwhile_voids_the_answer() {
    let mut world = World::new();
    let bundle = world.publish("1.1.0");
    world.offer(&bundle, 10);
    let gate = world.server.gate();
    let one = call(&world.agent(), &Cancel::default());
    until(|| world.server.downloads() == 1);
    world.native = "2.0.0".into();
    start(&world.agent());
    gate.open();
    assert_eq!(code(one.join().unwrap()), "cancelled");
    assert_eq!(start(&world.agent()).bundle, BundleId::Builtin);
}
