//! One server, three kinds of client.

use ota_e2e::{App, Site, sha256, vector};
use serde_json::{Value, json};

/// Holds that no key of an answer is null: Capgo's Android side looks at presence.
#[track_caller]
fn without_null(value: &Value) {
    match value {
        Value::Null => panic!("null in an answer"),
        Value::Object(fields) => fields.values().for_each(without_null),
        Value::Array(items) => items.iter().for_each(without_null),
        _ => {}
    }
}

/// Holds an answer to Capgo's plugin against the shape of its situation.
#[track_caller]
fn is_shaped(answer: &Value, situation: &str) {
    without_null(answer);
    let shape = vector("capgo/replies.json")[situation].clone();
    let names = |key: &str| shape[key].as_array().expect("names").clone();
    for name in names("must") {
        assert!(answer.get(name.as_str().unwrap()).is_some(), "{situation}: no {name} in {answer}");
    }
    for name in names("must_not") {
        assert!(answer.get(name.as_str().unwrap()).is_none(), "{situation}: {name} in {answer}");
    }
    for (name, value) in shape["is"].as_object().unwrap() {
        assert_eq!(&answer[name], value, "{situation}");
    }
}

fn requests() -> Vec<(String, bool, Value)> {
    let requests = vector("capgo/requests.json");
    let read = |(name, request): (&String, &Value)| {
        (name.clone(), request["on_builtin"].as_bool().unwrap(), request["body"].clone())
    };
    requests.as_object().unwrap().iter().map(read).collect()
}

#[test]
fn capgos_plugin_is_answered_in_its_own_shape_in_every_situation() {
    let site = Site::start();
    let requests = requests();
    assert_eq!(requests.len(), 4);
    for (name, _, body) in &requests {
        is_shaped(&site.check(body).ok(), "up_to_date");
        let answer = ota_e2e::call(
            site.url(),
            "POST",
            "/api/ota/check",
            &[("content-type", "application/json; charset=utf-8")],
            body.to_string().as_bytes(),
        );
        is_shaped(&answer.ok(), "up_to_date");
        assert_eq!(answer.header("content-type"), "application/json", "{name}");
    }
    let app = App::new("3.2.0");
    site.try_deploy(&app, "3.2.0", &["--app", "com.example.notes"]).ok();
    for (name, _, body) in &requests {
        let answer = site.check(body).ok();
        is_shaped(&answer, "update");
        assert_eq!(answer["version"], "3.2.0", "{name}");
        assert_eq!(answer["checksum"], sha256(&app.zip()));
        assert_eq!(answer["url"], format!("{}/api/ota/bundle/stable-3.2.0.zip", site.url()));
        let mut there = body.clone();
        there["version_name"] = json!("3.2.0");
        is_shaped(&site.check(&there).ok(), "up_to_date");
    }
    site.ota.run(&["release", "delete", "--channel", "stable", "3.2.0"]).ok();
    for (name, on_builtin, body) in &requests {
        let situation = if *on_builtin { "up_to_date" } else { "revert" };
        println!("{name}");
        is_shaped(&site.check(body).ok(), situation);
    }
}

#[test]
fn capgos_plugin_gets_only_what_is_for_its_system_and_for_everybody() {
    let site = Site::start();
    site.try_deploy(&App::new("i"), "3.3.0", &["--platform", "ios"]).ok();
    site.try_deploy(&App::new("some"), "3.4.0", &["--rollout", "50"]).ok();
    for (_, _, body) in requests() {
        let answer = site.check(&body).ok();
        if body["platform"] == "ios" {
            assert_eq!(answer["version"], "3.3.0");
        } else {
            is_shaped(&answer, "up_to_date");
        }
    }
}

#[test]
fn capgos_plugin_asks_in_the_channel_it_was_given() {
    let site = Site::start();
    site.try_deploy(&App::new("b"), "3.3.0", &["--channel", "beta"]).ok();
    let (_, _, mut body) = requests().remove(0);
    is_shaped(&site.check(&body).ok(), "up_to_date");
    body["defaultChannel"] = json!("beta");
    assert_eq!(site.check(&body).ok()["version"], "3.3.0");
}

#[test]
fn a_plain_client_gets_the_seeds_three_fields_or_an_empty_object() {
    let site = Site::start();
    assert_eq!(site.check(&json!({"version_build": "1.0.0"})).ok(), json!({}));
    let app = App::new("1.1.0");
    site.deploy(&app, "1.1.0");
    let expected = json!({"version": "1.1.0", "checksum": sha256(&app.zip()),
        "url": format!("{}/api/ota/bundle/stable-1.1.0.zip", site.url())});
    for question in [
        json!({"version_build": "1.0.0"}),
        json!({"version_build": "1.0.0", "channel": "stable", "anything": {"else": [1, 2]}}),
        json!({"version_build": "2.0.0"}),
        json!({"version_name": "1.0.0", "version_build": "1.1.0"}),
        json!({}),
    ] {
        assert_eq!(site.check(&question).ok(), expected, "{question}");
    }
    for question in [
        json!({"version_build": "1.1.0"}),
        json!({"version_name": "1.1.0", "version_build": "1.0.0"}),
        json!({"version_build": "1.0.0", "channel": "beta"}),
    ] {
        assert_eq!(site.check(&question).ok(), json!({}), "{question}");
    }
    site.ota.run(&["release", "delete", "--channel", "stable", "1.1.0"]).ok();
    assert_eq!(site.check(&json!({"version_build": "1.1.0"})).ok(), json!({}));
}

#[test]
fn our_agent_gets_the_releases_beside_the_three_fields() {
    let site = Site::start();
    let ask = |version: &str, more: Value| {
        let mut question = json!({"version_build": version, "channel": "stable", "protocol": 1,
            "platform": "android", "native_version": "1.0.0", "floor": 0, "device_number": 5});
        for (name, value) in more.as_object().into_iter().flatten() {
            question[name] = value.clone();
        }
        let answer = site.check(&question).ok();
        without_null(&answer);
        answer
    };
    assert_eq!(ask("1.0.0", json!({})), json!({"releases": []}));
    let app = App::new("1.1.0");
    site.deploy(&app, "1.1.0");
    let answer = ask("1.0.0", json!({}));
    assert_eq!(answer["version"], "1.1.0");
    let document = &answer["releases"][0]["document"];
    assert_eq!((&document["root"], &document["version"]), (&app.root().into(), &"1.1.0".into()));
    assert_eq!(document["artifacts"][0]["checksum"], sha256(&app.zip()));
    let urls = answer["releases"][0]["urls"].as_object().unwrap();
    assert!(urls.contains_key(&sha256(&app.zip())));
    let same = ask("1.1.0", json!({}));
    assert!(same.get("version").is_none() && same["releases"][0].is_object(), "{same}");
    let future = ask("1.0.0", json!({"of_next_year": true, "device_number": null}));
    assert_eq!(future["version"], "1.1.0");
    site.ota.run(&["release", "delete", "--channel", "stable", "1.1.0"]).ok();
    assert_eq!(ask("1.1.0", json!({}))["version"], "builtin");
    assert_eq!(ask("1.0.0", json!({})), json!({"releases": []}), "on the builtin there is nothing to leave");
}

#[test]
fn a_question_that_cannot_be_read_is_the_clients_fault() {
    let site = Site::start();
    let ask = |kind: &str, body: &[u8]| {
        ota_e2e::call(site.url(), "POST", "/check", &[("content-type", kind)], body)
    };
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"{\"channel\":7}",
        b"{\"channel\":\"a/b\"}",
        b"{\"version_build\":{}}",
        b"{\"protocol\":\"one\"}",
        b"{\"protocol\":1}",
        b"{\"protocol\":1,\"version_build\":\"1\",\"device_number\":10000}",
        b"{\"app_id\":\"a b\"}",
    ] {
        let answer = ask("application/json", body);
        let text = String::from_utf8_lossy(body);
        assert_eq!(answer.status, 400, "{text}: {}", answer.text());
        assert!(answer.json()["message"].is_string(), "{text}");
    }
    let large = format!("{{\"version_build\":\"{}\"}}", "a".repeat(17_000));
    ask("application/json", large.as_bytes()).refused(413, "too_large");
    let deep = "{\"a\":".repeat(3000);
    assert_eq!(ask("application/json", deep.as_bytes()).status, 400);
    // Clients of the plainest kind do not set a type, or set a wrong one.
    assert_eq!(ask("text/plain", b"{}").ok(), json!({}));
    assert_eq!(site.check(&json!({})).ok(), json!({}));
}
