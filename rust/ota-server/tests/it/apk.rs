use serde_json::json;

use crate::common::{Answer, TestServer, bundle, zip};

const UPLOAD: &str = "/api/ota/admin/apk/upload";

#[tokio::test]
async fn packages_have_the_same_history_in_channel_apk() {
    let server = TestServer::start().await;
    let first = server.apk("1.0.0").await.ok();
    assert_eq!(first["channel"], "apk");
    assert_eq!(first["filename"], "apk-1.0.0.apk");
    assert_eq!(first.get("root"), None);
    assert_eq!(server.apk("1.1.0").await.ok()["replaced"], "1.0.0");
    let history = server.get("/api/ota/admin/apk/history").await.ok();
    assert_eq!(history["items"][0]["version"], "1.1.0");
    assert_eq!(history["items"][0]["active"], true);
    assert_eq!(history["items"][1]["active"], false);
    assert_eq!(
        server.get("/api/ota/admin/ota/history").await.ok(),
        json!({"items": []}),
        "bundles stay apart"
    );
    let deleted = server.delete("/api/ota/admin/apk/1.1.0").await.ok();
    assert_eq!(deleted, json!({"deleted": "1.1.0", "active": "1.0.0"}));
    let deleted = server.delete("/api/ota/admin/apk/1.0.0").await.ok();
    assert_eq!(deleted, json!({"deleted": "1.0.0", "active": null}));
    server.delete("/api/ota/admin/apk/1.0.0").await.refused(404, "not_found");
}

#[tokio::test]
async fn a_package_is_served_as_one() {
    let server = TestServer::start().await;
    let row = server.apk("1.0.0").await.ok();
    let answer = Answer::of(
        server.request(reqwest::Method::HEAD, "/api/ota/bundle/apk-1.0.0.apk").send().await.unwrap(),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/vnd.android.package-archive");
    assert_eq!(answer.header("content-length"), row["size"].to_string());
    assert_eq!(server.get("/api/ota/bundle/apk-1.0.0.zip").await.status, 404);
}

#[tokio::test]
async fn a_plain_client_is_offered_the_package_and_agents_are_told_up_to_date() {
    let server = TestServer::start().await;
    assert_eq!(server.check(json!({"version_build": "0", "channel": "apk"})).await, json!({}));
    let row = server.apk("1.0.0").await.ok();
    let reply = server.check(json!({"version_build": "0.9", "channel": "apk"})).await;
    let url = format!("{}/api/ota/bundle/apk-1.0.0.apk", server.url);
    assert_eq!(reply, json!({"version": "1.0.0", "url": url, "checksum": row["checksum"]}));
    assert_eq!(server.check(json!({"version_build": "1.0.0", "channel": "apk"})).await, json!({}));
    for cleared in [false, true] {
        let agent = json!({"version_build": "0.9", "channel": "apk", "protocol": 1});
        assert_eq!(server.check(agent).await, json!({"releases": []}));
        let capgo = json!({"version_build": "0", "version_name": "0.9", "defaultChannel": "apk", "plugin_version": "8"});
        assert_eq!(server.check(capgo).await["kind"], "up_to_date");
        if !cleared {
            server.delete("/api/ota/admin/apk/1.0.0").await.ok();
        }
    }
    assert_eq!(server.check(json!({"version_build": "0.9", "channel": "apk"})).await, json!({}));
}

#[tokio::test]
async fn what_is_no_package_is_refused_and_leaves_nothing() {
    let server = TestServer::start().await;
    let upload = async |bytes: &[u8]| server.upload_form(UPLOAD, Some(bytes), &[("version", "1")]).await;
    upload(&bundle("1")).await.refused(422, "not_an_apk");
    upload(b"not a zip").await.refused(422, "not_an_apk");
    upload(b"").await.refused(422, "not_an_apk");
    let apk = zip(&[("AndroidManifest.xml", "x")]);
    server.upload_form(UPLOAD, Some(&apk), &[]).await.refused(400, "bad_request");
    server.upload_form(UPLOAD, Some(&apk), &[("version", "a b")]).await.refused(400, "invalid_name");
    let zeros = "0".repeat(64);
    let fields = [("version", "1"), ("checksum", zeros.as_str())];
    server.upload_form(UPLOAD, Some(&apk), &fields).await.refused(422, "checksum_mismatch");
    assert!(server.blobs().is_empty() && server.staging().is_empty());
    server.apk("1").await.ok();
    upload(&zip(&[("AndroidManifest.xml", "other")])).await.refused(409, "version_exists");
}
