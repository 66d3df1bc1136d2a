use std::io::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::common::{Answer, START, TestServer, bundle, form, large_bundle, zip};

const UPLOAD: &str = "/api/ota/admin/ota/upload";

#[tokio::test]
async fn an_upload_becomes_the_channels_release() {
    let server = TestServer::start().await;
    let first = server.publish("stable", "1.0.0").await;
    assert_eq!(first["channel"], "stable");
    assert_eq!(first["version"], "1.0.0");
    assert_eq!(first["filename"], "stable-1.0.0.zip");
    assert_eq!(first["uploaded_at"], START);
    assert_eq!(first["active"], true);
    assert_eq!(first["replaced"], json!(null));
    assert_eq!(first["sequence"], START);
    let second = server.publish("stable", "1.1.0").await;
    assert_eq!(second["replaced"], "1.0.0");
    assert_eq!(second["sequence"], START + 2);
}

#[tokio::test]
async fn the_channel_is_stable_unless_told_otherwise() {
    let server = TestServer::start().await;
    assert_eq!(server.upload(&bundle("1"), &[("version", "1")]).await.ok()["channel"], "stable");
}

#[tokio::test]
async fn the_same_version_again_takes_the_same_bytes_only() {
    let server = TestServer::start().await;
    let first = server.publish("stable", "1.0.0").await;
    server.publish("stable", "1.1.0").await;
    server.clock.advance(100);
    let again = server.publish("stable", "1.0.0").await;
    assert_eq!(again["uploaded_at"], first["uploaded_at"]);
    assert_eq!(again["sequence"], first["sequence"]);
    assert_eq!(again["active"], false);
    server.upload(&bundle("other"), &[("version", "1.0.0")]).await.refused(409, "version_exists");
    assert_eq!(server.blobs().len(), 2);
}

#[tokio::test]
async fn a_deleted_versions_number_takes_only_its_old_bytes() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.delete("/api/ota/admin/ota/stable/1.0.0").await.ok();
    server.upload(&bundle("other"), &[("version", "1.0.0")]).await.refused(409, "version_exists");
    server.clock.advance(100);
    let back = server.publish("stable", "1.0.0").await;
    assert_eq!(back["active"], true);
    assert_eq!(back["uploaded_at"], START + 100);
    assert_eq!(server.get("/api/ota/admin/releases").await.ok()["items"][0]["document"]["created_at"], START);
}

#[tokio::test]
async fn names_that_look_alike_as_keys_never_share_one() {
    let server = TestServer::start().await;
    server.publish("a-1", "2").await;
    server.upload(&bundle("x"), &[("channel", "a"), ("version", "1-2")]).await.refused(409, "key_taken");
    server.delete("/api/ota/admin/ota/a-1/2").await.ok();
    server.upload(&bundle("x"), &[("channel", "a"), ("version", "1-2")]).await.refused(409, "key_taken");
}

#[tokio::test]
async fn names_outside_their_rule_are_refused() {
    let server = TestServer::start().await;
    let long = "v".repeat(65);
    for version in ["../x", "a b", "-1", ".1", "v/1", "é", &long] {
        server.upload(&bundle("x"), &[("version", version)]).await.refused(400, "invalid_name");
    }
    let fields = [("channel", "a/b"), ("version", "1")];
    server.upload(&bundle("x"), &fields).await.refused(400, "invalid_name");
    let fields = [("channel", "apk"), ("version", "1")];
    server.upload(&bundle("x"), &fields).await.refused(400, "reserved_channel");
    assert!(server.blobs().is_empty() && server.staging().is_empty());
}

#[tokio::test]
async fn a_wrong_or_missing_checksum_is_refused_and_leaves_nothing() {
    let server = TestServer::start().await;
    let upload = async |fields: &[(&str, &str)]| server.upload_form(UPLOAD, Some(&bundle("1")), fields).await;
    let zeros = "0".repeat(64);
    upload(&[("version", "1"), ("checksum", &zeros)]).await.refused(422, "checksum_mismatch");
    upload(&[("version", "1"), ("checksum", "abc")]).await.refused(400, "bad_request");
    let missing = upload(&[("version", "1")]).await;
    assert!(missing.refused(400, "bad_request").text.contains("checksum"));
    assert!(server.blobs().is_empty() && server.staging().is_empty());
    let upper = ota_protocol::Checksum::of(&bundle("1")).to_string().to_uppercase();
    upload(&[("version", "1"), ("checksum", &upper)]).await.ok();
}

#[tokio::test]
async fn a_file_that_is_no_bundle_is_refused_with_what_is_wrong() {
    let server = TestServer::start().await;
    let with = async |bytes: &[u8]| server.upload(bytes, &[("version", "1")]).await;
    with(b"not a zip").await.refused(422, "not_a_zip");
    with(b"").await.refused(422, "not_a_zip");
    with(&bundle("1")[..100]).await.refused(422, "not_a_zip");
    with(&zip(&[("app.js", "x")])).await.refused(422, "no_index_html");
    let refused = with(&zip(&[("index.html", "x"), ("../evil", "y")])).await;
    assert!(refused.refused(422, "archive_refused").text.contains("evil"));
    with(&zip(&[("index.html", "x"), ("bomb", &"0".repeat(20 << 20))]))
        .await
        .refused(422, "archive_too_large");
    let mut damaged = large_bundle(1000);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    with(&damaged).await.refused(422, "archive_refused");
    assert!(server.blobs().is_empty() && server.staging().is_empty());
    assert_eq!(server.get("/api/ota/admin/ota/history").await.ok(), json!({"items": []}));
}

#[tokio::test]
async fn a_form_that_is_not_right_is_refused_with_the_field_named() {
    let server = TestServer::start().await;
    let upload = async |file: Option<&[u8]>, fields: &[(&str, &str)]| {
        let answer = server.upload_form(UPLOAD, file, fields).await;
        answer.refused(400, "bad_request");
        answer.text
    };
    assert!(upload(None, &[("version", "1")]).await.contains("file"));
    assert!(upload(Some(b"x"), &[("version", "1"), ("version", "2")]).await.contains("version"));
    assert!(
        upload(Some(b"x"), &[("version", "1"), ("document", &"x".repeat(70_000))]).await.contains("field")
    );
    let envelope = upload(Some(b"x"), &[("version", "1"), ("envelope", "{}")]).await;
    assert!(envelope.contains("signed releases are not supported by this server version yet"));
    assert!(server.staging().is_empty());
}

#[tokio::test]
async fn the_wrong_content_type_is_refused() {
    let server = TestServer::start().await;
    server.post(UPLOAD, json!({})).await.refused(415, "unsupported_media_type");
    let send = async |kind: &str, body: Vec<u8>| {
        let request = server.admin(Method::POST, UPLOAD).header("content-type", kind).body(body);
        Answer::of(request.send().await.unwrap()).await
    };
    send("multipart/form-data", b"x".to_vec()).await.refused(400, "bad_request");
    send("multipart/form-data; boundary=x", b"no boundary here".to_vec()).await.refused(400, "bad_request");
    // Larger than what is kept in memory.
    send("multipart/form-data; boundary=x", vec![b'a'; 2 << 20]).await.refused(400, "bad_request");
    let endless_header = [b"--x\r\nContent-Disposition: ".to_vec(), vec![b'a'; 2 << 20]].concat();
    send("multipart/form-data; boundary=x", endless_header).await.refused(400, "bad_request");
}

#[tokio::test]
async fn a_file_above_the_limit_is_refused_whatever_its_length_claims() {
    let server = TestServer::with(|config| config.max_upload = 100_000).await;
    server.upload(&large_bundle(90_000), &[("version", "1")]).await.ok();
    server.upload(&large_bundle(100_000), &[("version", "2")]).await.refused(413, "too_large");
    server.upload(&large_bundle(4_000_000), &[("version", "2")]).await.refused(413, "too_large");
    // Chunked: no length is claimed at all.
    let bytes = large_bundle(3_000_000);
    let part = reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(Pieces(bytes)));
    let form = form(None, &[("version", "2")]).part("file", part);
    let answer = server.admin(Method::POST, UPLOAD).multipart(form).send().await.unwrap();
    Answer::of(answer).await.refused(413, "too_large");
    assert_eq!(server.blobs().len(), 1);
    assert!(server.staging().is_empty());
}

/// A body of unknown length.
struct Pieces(Vec<u8>);

impl futures_core::Stream for Pieces {
    type Item = Result<bytes::Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let len = self.0.len().min(8192);
        let piece: Vec<u8> = self.0.drain(..len).collect();
        std::task::Poll::Ready((len > 0).then(|| Ok(piece.into())))
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_off_or_stands_still_leaves_nothing() {
    let server = TestServer::with(|config| config.timeouts.body_idle = Duration::from_millis(200)).await;
    for close in [true, false] {
        let mut stream = std::net::TcpStream::connect(server.running.address()).unwrap();
        let head = format!(
            "POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100000\r\n\
             Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"a\"\r\n\r\nsome bytes",
            server.token
        );
        stream.write_all(head.as_bytes()).unwrap();
        if close {
            while server.staging().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            drop(stream);
        } else {
            let answer = tokio::task::spawn_blocking(move || {
                let mut text = [0; 512];
                let read = std::io::Read::read(&mut stream, &mut text).unwrap();
                String::from_utf8_lossy(&text[..read]).into_owned()
            });
            assert!(answer.await.unwrap().starts_with("HTTP/1.1 408"));
        }
        while !server.staging().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(server.blobs().is_empty());
    assert_eq!(server.get("/api/ota/admin/ota/history").await.ok(), json!({"items": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uploads_of_one_version_at_once_exactly_one_is_recorded() {
    let server = std::sync::Arc::new(TestServer::start().await);
    let uploads: Vec<_> = (0..20)
        .map(|n| {
            let server = server.clone();
            // Two kinds of bytes, ten of each.
            tokio::spawn(async move {
                let bytes = bundle(if n % 2 == 0 { "even" } else { "odd" });
                (n % 2, server.upload(&bytes, &[("version", "1.0.0")]).await)
            })
        })
        .collect();
    let mut answers = Vec::new();
    for upload in uploads {
        answers.push(upload.await.unwrap());
    }
    let winner = answers.iter().find(|(_, answer)| answer.status == 200).unwrap().0;
    for (kind, answer) in &answers {
        if *kind == winner {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.json["sequence"], START);
        } else {
            answer.refused(409, "version_exists");
        }
    }
    assert_eq!(server.get("/api/ota/admin/ota/history").await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.blobs().len(), 1);
    assert!(server.staging().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_versions_at_once_get_sequences_that_rise() {
    let server = std::sync::Arc::new(TestServer::start().await);
    let uploads: Vec<_> = (0..20)
        .map(|n| {
            let server = server.clone();
            tokio::spawn(async move { server.publish("stable", &n.to_string()).await })
        })
        .collect();
    let mut sequences = Vec::new();
    for upload in uploads {
        sequences.push(upload.await.unwrap()["sequence"].as_u64().unwrap());
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (0..20).map(|n| START + 2 * n).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_first_deploy_that_names_an_app_fixes_it() {
    let server = TestServer::start().await;
    server.publish("stable", "1").await;
    server.publish_with("stable", "2", &[("app_id", "com.example.app")]).await;
    let other = [("version", "3"), ("app_id", "com.example.other")];
    server.upload(&bundle("3"), &other).await.refused(404, "unknown_app");
    server.publish("stable", "3").await;
    let check = async |app: &str| {
        server.post("/check", json!({"version_build": "0", "protocol": 1, "app_id": app})).await
    };
    check("com.example.app").await.ok();
    check("com.example.other").await.refused(404, "unknown_app");
    assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "3");
    // And it stays so.
    let server = server.restart(|_| {}).await;
    server
        .upload(&bundle("4"), &[("version", "4"), ("app_id", "com.example.other")])
        .await
        .refused(404, "unknown_app");
}

#[tokio::test]
async fn a_document_must_be_true() {
    let server = TestServer::start().await;
    let bytes = bundle("1");
    let published = server.publish("beta", "1").await;
    let root = published["root"].as_str().unwrap();
    let with = async |document: serde_json::Value| {
        server.upload(&bytes, &[("version", "1"), ("document", &document.to_string())]).await
    };
    with(json!({"root": "0".repeat(64)})).await.refused(422, "root_mismatch");
    with(json!({"files": 3})).await.refused(422, "root_mismatch");
    let zip = json!({"kind": "zip", "size": 1, "checksum": published["checksum"]});
    with(json!({"artifacts": [zip]})).await.refused(422, "checksum_mismatch");
    with(json!({"version": "2"})).await.refused(400, "bad_request");
    with(json!({"sequence": START + 86_401})).await.refused(409, "sequence");
    let zip = json!({"kind": "zip", "size": bytes.len(), "checksum": published["checksum"]});
    let document = json!({"root": root, "files": 2, "artifacts": [zip], "percent": 25, "sequence": START + 10,
        "platforms": ["ios"], "created_at": START - 100});
    assert_eq!(with(document).await.ok()["sequence"], START + 10);
    let item = server.get("/api/ota/admin/releases").await.ok()["items"][0].clone();
    assert_eq!(item["document"]["percent"], 25);
    assert_eq!(item["document"]["platforms"], json!(["ios"]));
    assert_eq!(item["document"]["created_at"], START - 100);
    assert_eq!(item["document"]["issued_at"], START);
    let late = json!({"sequence": START + 10}).to_string();
    server.upload(&bundle("2"), &[("version", "2"), ("document", &late)]).await.refused(409, "sequence");
}

#[tokio::test]
async fn a_mandatory_release_stays_so_in_later_ones() {
    let server = TestServer::start().await;
    server.publish("stable", "1").await;
    let since = server.publish_with("stable", "2", &[("mandatory", "true")]).await["sequence"].clone();
    server.publish("stable", "3").await;
    let items = server.get("/api/ota/admin/releases").await.ok()["items"].clone();
    let mandatory: Vec<_> =
        items.as_array().unwrap().iter().map(|item| item["document"]["mandatory_since"].clone()).collect();
    assert_eq!(mandatory, [since.clone(), since, json!(null)]);
}
