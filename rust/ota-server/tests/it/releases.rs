use serde_json::{Value, json};

use crate::common::{START, TestServer, bundle};

fn action(channel: &str, version: &str, action: &str) -> String {
    format!("/api/ota/admin/releases/{channel}/{version}/{action}")
}

async fn states(server: &TestServer) -> Vec<(String, String)> {
    let list = server.get("/api/ota/admin/releases?channel=stable").await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(|i| (text(&i["version"]), text(&i["state"]))).collect()
}

#[tokio::test]
async fn releases_are_listed_with_documents_and_state() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.publish_with("stable", "1.1.0", &[("percent", "12.5"), ("retry", "true")]).await;
    let list = server.get("/api/ota/admin/releases").await.ok();
    let newest = &list["items"][0];
    assert_eq!(newest["version"], "1.1.0");
    assert_eq!(newest["state"], "active");
    assert_eq!(newest["document"]["percent"], 12.5);
    assert_eq!(newest["document"]["retry"], true);
    assert_eq!(newest["document"]["artifacts"][0]["size"], newest["size"]);
    assert_eq!(list["items"][1]["state"], "superseded");
}

#[tokio::test]
async fn a_promotion_publishes_the_same_bytes_to_another_channel() {
    let server = TestServer::start().await;
    let beta = server.publish_with("beta", "1.0.0", &[("platforms", "ios"), ("mandatory", "true")]).await;
    server.publish("stable", "0.9.0").await;
    server.clock.advance(50);
    let stable = server.post(&action("beta", "1.0.0", "promote"), json!({"to": "stable"})).await.ok();
    assert_eq!(stable["channel"], "stable");
    assert_eq!(stable["replaced"], "0.9.0");
    assert_eq!((&stable["root"], &stable["checksum"]), (&beta["root"], &beta["checksum"]));
    assert_eq!(stable["filename"], "stable-1.0.0.zip");
    let document = server.get("/api/ota/admin/releases").await.ok()["items"][0]["document"].clone();
    assert_eq!(document["platforms"], json!(["ios"]));
    assert_eq!(document["created_at"], START + 50, "the first time in this channel");
    assert_eq!(document["mandatory_since"], document["sequence"]);
    assert_eq!(server.blobs().len(), 2);
    // Again: what is there.
    let again = server.post(&action("beta", "1.0.0", "promote"), json!({"to": "stable"})).await.ok();
    assert_eq!(again["sequence"], stable["sequence"]);
    // The bytes stay as long as one of the two is there.
    server.delete("/api/ota/admin/ota/beta/1.0.0").await.ok();
    assert_eq!(server.get("/api/ota/bundle/stable-1.0.0.zip").await.status, 200);
}

#[tokio::test]
async fn a_promotion_that_cannot_be_is_refused() {
    let server = TestServer::start().await;
    server.publish("beta", "1").await;
    server.upload(&bundle("other"), &[("version", "1")]).await.ok();
    let promote =
        async |version: &str, body: Value| server.post(&action("beta", version, "promote"), body).await;
    promote("1", json!({"to": "stable"})).await.refused(409, "version_exists");
    promote("2", json!({"to": "stable"})).await.refused(404, "not_found");
    promote("1", json!({"to": "apk"})).await.refused(400, "reserved_channel");
    promote("1", json!({})).await.refused(400, "bad_request");
    promote("1", json!({"to": "a/b"})).await.refused(400, "bad_request");
    server.post(&action("beta", "1", "explode"), json!({})).await.refused(404, "not_found");
}

#[tokio::test]
async fn rolling_back_offers_an_earlier_release_under_a_new_sequence() {
    let server = TestServer::start().await;
    for version in ["1", "2", "3"] {
        server.publish("stable", version).await;
    }
    let back = server.post(&action("stable", "1", "rollback"), json!({})).await.ok();
    assert_eq!(
        (&back["version"], &back["active"], &back["replaced"]),
        (&json!("1"), &json!(true), &json!("3"))
    );
    assert_eq!(back["sequence"], START + 6);
    let reply = server.check(json!({"version_build": "3", "protocol": 1})).await;
    assert_eq!(reply["version"], "1");
    assert_eq!(reply["releases"].as_array().unwrap().len(), 1);
    assert_eq!(reply["releases"][0]["document"]["created_at"], START);
    let expected = [("3", "superseded"), ("2", "superseded"), ("1", "active")];
    assert_eq!(states(&server).await, expected.map(|(v, s)| (v.to_owned(), s.to_owned())));
}

#[tokio::test]
async fn naming_the_active_version_rolls_back_to_the_one_before_it() {
    let server = TestServer::start().await;
    for version in ["1", "2", "3"] {
        server.publish("stable", version).await;
    }
    // The body may be left out altogether.
    let path = action("stable", "3", "rollback");
    let back = server.admin(reqwest::Method::POST, &path).send().await.unwrap();
    assert_eq!(back.status(), 200);
    assert_eq!(server.check(json!({"version_build": "3"})).await["version"], "2");
    // What was gone back from does not come back by itself.
    assert_eq!(server.post(&action("stable", "2", "rollback"), json!({})).await.ok()["version"], "1");
    server.post(&action("stable", "1", "rollback"), json!({})).await.refused(404, "not_found");
    // By name it does.
    assert_eq!(server.post(&action("stable", "3", "rollback"), json!({})).await.ok()["version"], "3");
    server.post(&action("stable", "9", "rollback"), json!({})).await.refused(404, "not_found");
    // And what was offered until then is what is before it.
    assert_eq!(server.post(&action("stable", "3", "rollback"), json!({})).await.ok()["version"], "1");
}

#[tokio::test]
async fn a_partial_release_after_a_roll_back_falls_back_to_the_right_one() {
    let server = TestServer::start().await;
    for version in ["1", "2"] {
        server.publish("stable", version).await;
    }
    server.post(&action("stable", "1", "rollback"), json!({})).await.ok();
    server.publish_with("stable", "3", &[("percent", "10")]).await;
    let reply = server.check(json!({"version_build": "0", "protocol": 1})).await;
    let listed: Vec<_> =
        reply["releases"].as_array().unwrap().iter().map(|r| r["document"]["version"].clone()).collect();
    assert_eq!(listed, ["3", "1"], "2 was withdrawn");
    // Deleting the active one goes to 1 as well.
    assert_eq!(server.delete("/api/ota/admin/ota/stable/3").await.ok()["active"], "1");
}

#[tokio::test]
async fn a_block_is_lifted_once_and_not_again_by_a_re_issue() {
    let server = TestServer::start().await;
    server.publish_with("stable", "1", &[("retry", "true")]).await;
    server.publish("stable", "2").await;
    server.delete("/api/ota/admin/ota/stable/2").await.ok();
    let reply = server.check(json!({"version_build": "0", "protocol": 1})).await;
    assert_eq!(reply["releases"][0]["document"].get("retry"), None);
}
