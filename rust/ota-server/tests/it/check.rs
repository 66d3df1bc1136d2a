use serde_json::{Value, json};

use crate::common::{START, TestServer};

fn agent(version: &str) -> Value {
    json!({"version_build": version, "protocol": 1, "native_version": "1.0.0", "platform": "android"})
}

/// Capgo's plugin: `version_build` is the native version.
fn capgo(version: &str) -> Value {
    json!({"platform": "android", "device_id": "0f9b2c1e-5b1d-4c0e-9a55-2f4a6f2f7b11", "app_id": "com.example.app",
        "custom_id": "", "version_build": "1.0.0", "version_code": "1", "version_os": "14", "version_name": version,
        "plugin_version": "8.51.23", "is_emulator": false, "is_prod": true, "defaultChannel": ""})
}

#[tokio::test]
async fn a_plain_client_gets_three_fields_or_nothing() {
    let server = TestServer::start().await;
    for path in ["/check", "/api/ota/check"] {
        assert_eq!(server.post(path, json!({"version_build": "1.0.0"})).await.ok(), json!({}));
    }
    let row = server.publish("stable", "1.1.0").await;
    let url = format!("{}/api/ota/bundle/stable-1.1.0.zip", server.url);
    let offer = json!({"version": "1.1.0", "url": url, "checksum": row["checksum"]});
    for path in ["/check", "/api/ota/check"] {
        assert_eq!(server.post(path, json!({"version_build": "1.0.0"})).await.ok(), offer);
        assert_eq!(server.post(path, json!({"version_build": "1.1.0"})).await.ok(), json!({}));
        assert_eq!(server.post(path, json!({})).await.ok(), offer);
    }
    let named = json!({"version_build": "1.0.0", "channel": "stable", "anything": [1, {"else": null}]});
    assert_eq!(server.check(named).await, offer);
    assert_eq!(server.check(json!({"version_build": "1.0.0", "channel": "beta"})).await, json!({}));
    let by_name = json!({"version_build": "1.0.0", "version_name": "1.1.0"});
    assert_eq!(server.check(by_name).await, json!({}), "version_name is the bundle's version");
    // It is what the channel offers, not what is higher.
    assert_eq!(server.check(json!({"version_build": "9.0.0"})).await, offer);
}

#[tokio::test]
async fn the_agent_gets_the_three_fields_and_always_the_releases() {
    let server = TestServer::start().await;
    assert_eq!(server.check(agent("1.0.0")).await, json!({"releases": []}));
    let row = server.publish("stable", "1.1.0").await;
    let reply = server.check(agent("1.0.0")).await;
    assert_eq!(reply["version"], "1.1.0");
    assert_eq!(reply["url"], format!("{}/api/ota/bundle/stable-1.1.0.zip", server.url));
    assert_eq!(reply["checksum"], row["checksum"]);
    let checksum = row["checksum"].as_str().unwrap();
    assert_eq!(
        reply["releases"],
        json!([{
            "document": {
                "channel": "stable", "version": "1.1.0", "sequence": START, "kind": "release", "root": row["root"],
                "unpacked_size": 10, "files": 2, "percent": 100, "created_at": START, "issued_at": START,
                "artifacts": [{"kind": "zip", "size": row["size"], "checksum": checksum}],
            },
            "urls": {checksum: "/api/ota/bundle/stable-1.1.0.zip"},
        }])
    );
    let current = server.check(agent("1.1.0")).await;
    assert_eq!(current, json!({"releases": reply["releases"]}));
}

#[tokio::test]
async fn capgos_plugin_gets_its_own_shapes_without_null_keys() {
    let server = TestServer::start().await;
    let nothing = server.check(capgo("1.0.0")).await;
    assert_eq!(nothing["kind"], "up_to_date");
    assert_eq!(nothing["error"], "no_new_version_available");
    assert_eq!(nothing.as_object().unwrap().len(), 3);
    let row = server.publish("stable", "1.1.0").await;
    let update = server.check(capgo("1.0.0")).await;
    let url = format!("{}/api/ota/bundle/stable-1.1.0.zip", server.url);
    let expected = json!({"version": "1.1.0", "url": url, "checksum": row["checksum"], "session_key": ""});
    assert_eq!(update, expected);
    assert_eq!(server.check(capgo("1.1.0")).await, nothing);
}

#[tokio::test]
async fn a_cleared_channel_sends_agents_and_capgo_back_to_the_builtin() {
    let server = TestServer::start().await;
    server.publish("stable", "1.1.0").await;
    server.delete("/api/ota/admin/ota/stable/1.1.0").await.ok();
    assert_eq!(server.check(json!({"version_build": "1.1.0"})).await, json!({}));
    assert_eq!(server.check(agent("1.1.0")).await, json!({"version": "builtin"}));
    assert_eq!(server.check(agent("1.0.0")).await, json!({"releases": []}), "on the builtin already");
    assert_eq!(server.check(capgo("1.1.0")).await, json!({"version": "builtin"}));
    assert_eq!(server.check(capgo("1.0.0")).await["kind"], "up_to_date");
    // Also after a restart.
    let server = server.restart(|_| {}).await;
    assert_eq!(server.check(agent("1.1.0")).await, json!({"version": "builtin"}));
}

#[tokio::test]
async fn a_rollout_lists_what_the_others_keep_and_plain_clients_get_the_complete_one() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.publish("stable", "1.1.0").await;
    server.publish_with("stable", "1.2.0", &[("percent", "50")]).await;
    let reply = server.check(agent("0")).await;
    let listed: Vec<_> =
        reply["releases"].as_array().unwrap().iter().map(|r| r["document"]["version"].clone()).collect();
    assert_eq!(listed, ["1.2.0", "1.1.0"]);
    assert_eq!(reply["version"], "1.1.0", "without a device number");
    assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "1.1.0");
    assert_eq!(server.check(capgo("0")).await["version"], "1.1.0");
    let mut versions = std::collections::BTreeSet::new();
    for number in 0..20 {
        let mut question = agent("0");
        question["device_number"] = (number * 400).into();
        versions.insert(server.check(question).await["version"].as_str().unwrap().to_owned());
    }
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["1.1.0", "1.2.0"]);
}

#[tokio::test]
async fn releases_for_some_are_offered_to_those_alone() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0").await;
    server.publish_with("stable", "1.1", &[("platforms", "ios")]).await;
    server.publish_with("stable", "2.0", &[("native_min", "2.0"), ("native_max", "2.x")]).await;
    let ask = async |platform: &str, native: &str| {
        let ours =
            json!({"version_build": "0", "protocol": 1, "platform": platform, "native_version": native});
        let mut theirs = capgo("0");
        theirs["platform"] = platform.into();
        theirs["version_build"] = native.into();
        let (ours, theirs) = (server.check(ours).await, server.check(theirs).await);
        assert_eq!(ours["releases"].as_array().unwrap().len(), 3);
        assert_eq!(ours["version"], theirs["version"]);
        ours["version"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask("android", "2.4").await, "2.0");
    assert_eq!(ask("ios", "2.4").await, "2.0");
    assert_eq!(ask("ios", "1.9").await, "1.1");
    assert_eq!(ask("android", "1.9").await, "1.0");
    assert_eq!(ask("android", "3.0").await, "1.0");
    assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "1.0");
}

#[tokio::test]
async fn the_three_fields_respect_floor_and_the_builtins_age() {
    let server = TestServer::start().await;
    server.publish("stable", "1.1.0").await;
    let mut question = agent("1.0.0");
    question["floor"] = (START + 1).into();
    assert_eq!(server.check(question).await.get("version"), None, "below the floor");
    let mut question = agent("1.0.0");
    question["built_at"] = (START + 1).into();
    server.clock.advance(10);
    assert_eq!(server.check(question.clone()).await.get("version"), None, "older than the builtin");
    question["built_at"] = (START + 1_000).into();
    assert_eq!(server.check(question).await["version"], "1.1.0", "a stamp from the future proves nothing");
}

#[tokio::test]
async fn urls_begin_with_the_public_url_where_there_is_one() {
    let server =
        TestServer::with(|config| config.public_url = Some("https://ota.example.com/".parse().unwrap()))
            .await;
    let row = server.publish("stable", "1.0.0+7").await;
    let reply = server.check(agent("0")).await;
    let url = "https://ota.example.com/api/ota/bundle/stable-1.0.0+7.zip";
    assert_eq!(reply["url"], url);
    assert_eq!(reply["releases"][0]["urls"][row["checksum"].as_str().unwrap()], url);
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_refused() {
    let server = TestServer::start().await;
    let send = async |kind: &str, body: &str| {
        let request = server.request(reqwest::Method::POST, "/check").header("content-type", kind);
        crate::common::Answer::of(request.body(body.to_owned()).send().await.unwrap()).await
    };
    for body in
        ["", "{", "[]", "1", "\"x\"", r#"{"channel":5}"#, r#"{"version_build":[1]}"#, r#"{"protocol":"x"}"#]
    {
        send("application/json", body).await.refused(400, "bad_request");
    }
    send("application/json", r#"{"channel":"a/b"}"#).await.refused(400, "invalid_name");
    // Clients of the plainest kind do not set a type, or set a wrong one.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"] {
        send(kind, "{}").await.ok();
    }
    let deep = "[".repeat(10_000);
    send("application/json", &deep).await.refused(400, "bad_request");
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(16 * 1024));
    send("application/json", &large).await.refused(413, "too_large");
}
