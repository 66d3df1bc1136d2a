use serde_json::{Value, json};

use crate::common::{START, TestServer};

const HISTORY: &str = "/api/ota/admin/ota/history";

fn column(items: &Value, name: &str) -> Vec<Value> {
    items["items"].as_array().unwrap().iter().map(|item| item[name].clone()).collect()
}

#[tokio::test]
async fn history_is_newest_first_by_channel_with_the_active_one_marked() {
    let server = TestServer::start().await;
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        server.publish("stable", version).await;
        server.clock.advance(10);
    }
    server.publish("beta", "2.0.0").await;
    let history = server.get(&format!("{HISTORY}?channel=stable")).await.ok();
    assert_eq!(column(&history, "version"), ["1.2.0", "1.1.0", "1.0.0"]);
    assert_eq!(column(&history, "active"), [true, false, false]);
    assert_eq!(column(&history, "uploaded_at"), [START + 20, START + 10, START]);
    let keys: Vec<_> = history["items"][0].as_object().unwrap().keys().cloned().collect();
    let mut expected = ["channel", "version", "filename", "uploaded_at", "checksum", "size", "active"];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(server.get(HISTORY).await.ok(), history, "stable is the default");
    assert_eq!(column(&server.get(&format!("{HISTORY}?channel=beta")).await.ok(), "version"), ["2.0.0"]);
    assert_eq!(server.get(&format!("{HISTORY}?channel=none")).await.ok(), json!({"items": []}));
    server.get(&format!("{HISTORY}?channel=a/b")).await.refused(400, "invalid_name");
}

#[tokio::test]
async fn deleting_the_active_version_brings_the_one_before_it_back_under_a_new_sequence() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.clock.advance(100);
    let second = server.publish("stable", "1.1.0").await;
    server.clock.advance(100);
    let deleted = server.delete("/api/ota/admin/ota/stable/1.1.0").await.ok();
    assert_eq!(deleted, json!({"deleted": "1.1.0", "active": "1.0.0"}));
    let reply = server.check(json!({"version_build": "1.1.0", "protocol": 1})).await;
    assert_eq!(reply["version"], "1.0.0");
    let document = &reply["releases"][0]["document"];
    assert!(document["sequence"].as_u64() > second["sequence"].as_u64());
    assert_eq!(document["created_at"], START, "it is as old as it is");
    assert_eq!(document["issued_at"], START + 200);
    assert_eq!(reply["releases"].as_array().unwrap().len(), 1);
    // The bytes of the deleted one are gone, the others are not.
    assert_eq!(server.blobs().len(), 1);
    assert_eq!(server.get("/api/ota/bundle/stable-1.1.0.zip").await.status, 404);
    assert_eq!(server.get("/api/ota/bundle/stable-1.0.0.zip").await.status, 200);
    // The next upload is above that again.
    let next = server.publish("stable", "1.2.0").await;
    assert!(next["sequence"].as_u64() > document["sequence"].as_u64());
}

#[tokio::test]
async fn deleting_another_version_changes_nothing_that_is_offered() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.publish("stable", "1.1.0").await;
    let before = server.check(json!({"version_build": "0", "protocol": 1})).await;
    let deleted = server.delete("/api/ota/admin/ota/stable/1.0.0").await.ok();
    assert_eq!(deleted, json!({"deleted": "1.0.0", "active": "1.1.0"}));
    assert_eq!(server.check(json!({"version_build": "0", "protocol": 1})).await, before);
}

#[tokio::test]
async fn deleting_the_last_version_clears_the_channel() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    let deleted = server.delete("/api/ota/admin/ota/stable/1.0.0").await.ok();
    assert_eq!(deleted, json!({"deleted": "1.0.0", "active": null}));
    assert_eq!(server.get(HISTORY).await.ok(), json!({"items": []}));
    assert!(server.blobs().is_empty());
    // The highest sequence is remembered all the same.
    assert_eq!(server.publish("stable", "1.0.1").await["sequence"], START + 2);
}

#[tokio::test]
async fn deleting_what_is_not_there_is_not_found() {
    let server = TestServer::start().await;
    server.delete("/api/ota/admin/ota/stable/1.0.0").await.refused(404, "not_found");
    server.publish("stable", "1.0.0").await;
    server.delete("/api/ota/admin/ota/stable/1.0.0").await.ok();
    server.delete("/api/ota/admin/ota/stable/1.0.0").await.refused(404, "not_found");
    server.delete("/api/ota/admin/ota/stable/a%2Fb").await.refused(400, "invalid_name");
    server.delete("/api/ota/admin/ota/stable/%ff").await.refused(400, "invalid_name");
    server.delete("/api/ota/admin/ota/apk/1").await.refused(400, "reserved_channel");
}

#[tokio::test]
async fn bytes_that_two_channels_share_stay_until_the_last_of_them_is_deleted() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.publish("beta", "1.0.0").await;
    assert_eq!(server.blobs().len(), 1);
    server.delete("/api/ota/admin/ota/beta/1.0.0").await.ok();
    assert_eq!(server.get("/api/ota/bundle/stable-1.0.0.zip").await.status, 200);
    assert_eq!(server.get("/api/ota/bundle/beta-1.0.0.zip").await.status, 404);
    server.delete("/api/ota/admin/ota/stable/1.0.0").await.ok();
    assert!(server.blobs().is_empty());
}
