use reqwest::Method;
use serde_json::Value;

use crate::common::{Answer, TestServer, large_bundle};

const PATH: &str = "/api/ota/bundle/stable-1.0.0.zip";

async fn published(len: usize) -> (TestServer, Vec<u8>, Value) {
    let server = TestServer::start().await;
    let bytes = large_bundle(len);
    let row = server.upload(&bytes, &[("version", "1.0.0")]).await.ok();
    (server, bytes, row)
}

async fn ask(server: &TestServer, method: Method, headers: &[(&str, &str)]) -> (Answer, Vec<u8>) {
    let mut request = server.request(method, PATH);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap().to_vec();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    (Answer { status, headers, text: String::new(), json }, bytes)
}

#[tokio::test]
async fn the_bytes_are_served_whole_with_their_checksum_as_etag() {
    let (server, bytes, row) = published(1_000_000).await;
    let (answer, body) = ask(&server, Method::GET, &[]).await;
    assert_eq!((answer.status, body == bytes), (200, true));
    assert_eq!(answer.header("etag"), format!("\"{}\"", row["checksum"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(answer.header("content-length"), bytes.len().to_string());
    let (head, empty) = ask(&server, Method::HEAD, &[("range", "bytes=0-1")]).await;
    assert_eq!((head.status, empty.len()), (200, 0));
    for name in ["etag", "cache-control", "accept-ranges", "content-type", "content-length"] {
        assert_eq!(head.header(name), answer.header(name), "{name}");
    }
}

#[tokio::test]
async fn one_range_is_served_in_part() {
    let (server, bytes, row) = published(300_000).await;
    let last = bytes.len() - 1;
    for (range, start, end) in [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=65530-65550".to_owned(), 65_530, 65_550),
        (format!("bytes={last}-"), last, last),
        ("bytes=-100".to_owned(), last - 99, last),
        ("bytes=100000-99999999".to_owned(), 100_000, last),
    ] {
        let (answer, body) = ask(&server, Method::GET, &[("range", &range)]).await;
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {start}-{end}/{}", bytes.len()));
        assert_eq!(body, &bytes[start..=end], "{range}");
    }
    let etag = format!("\"{}\"", row["checksum"].as_str().unwrap());
    let (answer, _) = ask(&server, Method::GET, &[("range", "bytes=5-"), ("if-range", &etag)]).await;
    assert_eq!(answer.status, 206);
    let (answer, body) = ask(&server, Method::GET, &[("range", "bytes=5-"), ("if-range", "\"other\"")]).await;
    assert_eq!((answer.status, body.len()), (200, bytes.len()));
    let (answer, body) = ask(&server, Method::GET, &[("range", "bytes=0-1,4-5")]).await;
    assert_eq!((answer.status, body.len()), (200, bytes.len()));
    let (answer, _) = ask(&server, Method::GET, &[("range", "bytes=9999999-")]).await;
    assert_eq!(answer.status, 416);
    assert_eq!(answer.header("content-range"), format!("bytes */{}", bytes.len()));
    assert_eq!(answer.json["code"], "bad_request");
}

#[tokio::test]
async fn conditions_are_answered() {
    let (server, _, row) = published(10).await;
    let etag = format!("\"{}\"", row["checksum"].as_str().unwrap());
    let (answer, body) = ask(&server, Method::GET, &[("if-none-match", &etag)]).await;
    assert_eq!((answer.status, body.len(), answer.header("etag")), (304, 0, etag.as_str()));
    assert_eq!(ask(&server, Method::GET, &[("if-none-match", "\"x\"")]).await.0.status, 200);
    assert_eq!(ask(&server, Method::GET, &[("if-match", "\"x\"")]).await.0.status, 412);
    assert_eq!(ask(&server, Method::GET, &[("if-match", &etag)]).await.0.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (server, ..) = published(10).await;
    for key in
        ["stable-2.zip", "..%2Fota.db", "%2e%2e/ota.db", "%00", "%ff", "stable-1.0.0.apk", &"x".repeat(5000)]
    {
        let answer = server.get(&format!("/api/ota/bundle/{key}")).await;
        assert!(matches!(answer.status, 400 | 404), "{key}: {}", answer.text);
        assert!(answer.json["code"].is_string(), "{key}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_plus_in_a_version_is_served_as_it_is_and_escaped() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0+7").await;
    for key in ["stable-1.0.0+7.zip", "stable-1.0.0%2B7.zip"] {
        assert_eq!(server.get(&format!("/api/ota/bundle/{key}")).await.status, 200, "{key}");
    }
}
