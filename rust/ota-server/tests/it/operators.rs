use serde_json::json;

use crate::common::TestServer;

#[tokio::test]
async fn health_is_told_without_a_token() {
    let server = TestServer::start().await;
    let answer = server.request(reqwest::Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap(), json!({"status": "ok"}));
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.check(json!({"version_build": "0"})).await;
    server.check(json!({"version_build": "1.0.0", "protocol": 1})).await;
    let size = server.get("/api/ota/bundle/stable-1.0.0.zip").await.header("content-length").to_owned();
    server.get("/nowhere").await.refused(404, "not_found");
    let text = server.get("/metrics").await.text;
    for line in [
        "ota_checks_total{dialect=\"plain\",answer=\"update\"} 1",
        "ota_checks_total{dialect=\"agent\",answer=\"up_to_date\"} 1",
        "ota_logins_total{answer=\"good\"} 1",
        "ota_errors_total{code=\"not_found\"} 1",
        "ota_uploads_total 1",
        "ota_downloads_total 1",
        &format!("ota_download_bytes_total {size}"),
        "ota_http_request_duration_seconds_count{route=\"check\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn the_api_describes_itself() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
}
