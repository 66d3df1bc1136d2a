//! A server that lies about its releases.

use crate::World;
use ota_e2e::{App, Middle, Step};
use serde_json::{Value, json};

/// A release of an answer, changed.
fn release(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Vec<Step> {
    Step::rewrite(move |answer| {
        for release in answer["releases"].as_array_mut().into_iter().flatten() {
            change(release);
        }
    })
}

fn document(name: &'static str, value: Value) -> Vec<Step> {
    release(move |release| release["document"][name] = value.clone())
}

fn url(target: &'static str) -> Vec<Step> {
    release(move |release| {
        for (_, url) in release["urls"].as_object_mut().expect("urls") {
            *url = json!(target);
        }
    })
}

#[test]
fn what_a_release_says_of_its_bytes() {
    let world = World::new(App::large("1.2.0", 50_000));
    let zero = "0".repeat(64);
    let other_checksum = release(move |release| {
        let url = release["urls"].as_object().and_then(|urls| urls.values().next().cloned());
        release["document"]["artifacts"][0]["checksum"] = json!(zero);
        release["urls"] = json!({zero.clone(): url});
    });
    let size = |size: u64| release(move |release| release["document"]["artifacts"][0]["size"] = json!(size));
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("another checksum", other_checksum, "checksum_mismatch"),
        ("a smaller size", size(100), "bad_reply"),
        ("a larger size", size(60_000), "bad_reply"),
        ("a size beyond all limits", size(1 << 40), "archive_too_large"),
        (
            "an unpacked size beyond all limits",
            document("unpacked_size", json!(1_u64 << 50)),
            "archive_too_large",
        ),
        ("no address", release(|release| release["urls"] = json!({})), "bad_reply"),
        ("an address on another machine", url("http://cdn.example.com/x.zip"), "insecure_url"),
        ("an address of a file", url("file:///etc/passwd"), "bad_reply"),
        ("an address of nothing", url("http://["), "bad_reply"),
        ("an address with nothing behind it", url("/api/ota/bundle/stable-9.9.9.zip"), "gone"),
    ];
    let url = world.site.url();
    let cases = cases.into_iter().map(|(name, steps, code)| (name, Middle::checks(url, steps), code));
    world.survives_all(cases.collect());
}

#[test]
fn what_a_release_says_of_whom_it_is_for() {
    let world = World::new(App::new("1.2.0"));
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("another channel's", document("channel", json!("beta")), "up_to_date"),
        ("a kind of next year", document("kind", json!("of_next_year")), "up_to_date"),
        ("critical and unknown", document("critical", json!(["of_next_year"])), "up_to_date"),
        ("from the past", document("sequence", json!(1)), "up_to_date"),
        ("for nobody", document("percent", json!(0)), "up_to_date"),
        ("a percentage that is none", document("percent", json!(-5)), "up_to_date"),
        ("a name that is none", document("version", json!("../../etc")), "up_to_date"),
        ("a root that is none", document("root", json!("../../etc")), "up_to_date"),
        (
            "an artifact of next year",
            release(|r| r["document"]["artifacts"][0]["kind"] = json!("x")),
            "up_to_date",
        ),
        ("held", release(|release| release["brake"] = json!({"hold": true})), "up_to_date"),
        ("no document", release(|release| *release = json!({"urls": {}})), "up_to_date"),
        ("no releases at all", Step::rewrite(|answer| *answer = json!({"releases": []})), "up_to_date"),
        (
            "a number in place of a release",
            Step::rewrite(|a| *a = json!({"releases": [7, null, "x"]})),
            "up_to_date",
        ),
        (
            "fields of next year",
            Step::rewrite(|answer| {
                answer["of_next_year"] = json!({"a": 1});
                answer["releases"] = json!([]);
            }),
            "up_to_date",
        ),
    ];
    let url = world.site.url();
    let cases = cases.into_iter().map(|(name, steps, code)| (name, Middle::checks(url, steps), code));
    world.survives_all(cases.collect());
}

#[test]
fn another_root_than_the_zips_is_refused_and_the_next_release_is_taken() {
    let world = World::new(App::new("1.2.0"));
    let lie = document("root", json!("1".repeat(64)));
    let middle = Middle::checks(world.site.url(), lie);
    let device = world.device(&middle.url());
    assert_eq!(device.update().error(), "root_mismatch");
    assert!(device.names("staging").is_empty() && device.names("bundles").len() == 1);
    assert_eq!(device.start().what(), ("1.1.0", "current"));
    middle.behave();
    let next = App::new("1.3.0");
    world.site.deploy(&next, "1.3.0");
    let boot = device.install();
    device.shows(&boot, &next);
}

#[test]
fn the_same_sequence_with_its_true_root_is_taken_after_a_lie_was_found_out() {
    let world = World::new(App::new("1.2.0"));
    let middle = Middle::checks(world.site.url(), document("root", json!("1".repeat(64))));
    world.survives("another root", &middle, "root_mismatch");
}

#[test]
fn a_plain_server_that_lies_about_its_checksum() {
    let world = World::new(App::new("1.2.0"));
    let plain = |checksum: Value| {
        Step::rewrite(move |answer| {
            let fields = answer.as_object_mut().expect("an object");
            fields.remove("releases");
            fields.insert("checksum".to_owned(), checksum.clone());
        })
    };
    let middle = Middle::checks(world.site.url(), plain(json!("0".repeat(64))));
    world.survives("plain, wrong checksum", &middle, "checksum_mismatch");
}
