//! Requests that no good client sends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::common::TestServer;

/// Sends bytes as they are and gives what came back.
async fn raw(server: &TestServer, bytes: Vec<u8>) -> String {
    let address = server.running.address();
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(&bytes).unwrap();
        let mut text = Vec::new();
        let mut piece = [0; 4096];
        loop {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(read) => text.extend_from_slice(&piece[..read]),
            }
            // One answer is enough.
            let seen = String::from_utf8_lossy(&text).into_owned();
            if let Some((head, body)) = seen.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                    break;
                }
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn unknown_addresses_and_methods_get_an_error_in_json() {
    let server = TestServer::start().await;
    for path in ["/", "/nowhere", "/api/ota", "/check/", "/api/ota/admin/ota/a/b/c"] {
        server.get(path).await.refused(404, "not_found");
    }
    for (method, path) in [
        (Method::GET, "/check"),
        (Method::PUT, "/api/auth/login"),
        (Method::POST, "/healthz"),
        (Method::DELETE, "/metrics"),
    ] {
        let answer = server.admin(method, path).send().await.unwrap();
        assert!(answer.headers().contains_key("allow"));
        crate::common::Answer::of(answer).await.refused(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn nothing_sent_by_a_client_is_the_servers_fault() {
    let server = TestServer::start().await;
    let login = |body: &str| {
        format!(
            "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    for bytes in [
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /healthz HTTP/1.1\r\n\r\n".to_vec(),
        b"POST /check HTTP/1.1\r\nHost: a\"b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
        b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde".to_vec(),
        b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 100_000]].concat(),
        login("{"),
        login("{\"username\":1}"),
        login("{\"username\":\"\\u0000\",\"password\":\"\\ud800\"}"),
        login("null"),
    ] {
        let answer = raw(&server, bytes.clone()).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(!answer.starts_with("HTTP/1.1 5"), "{shown}\n{answer}");
    }
    server.login("admin", crate::common::PASSWORD).await.ok();
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut_off() {
    let server = TestServer::with(|config| config.timeouts.headers = Duration::from_millis(100)).await;
    let address = server.running.address();
    let closed = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).is_ok()
    });
    assert!(closed.await.unwrap());
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = TestServer::with(|config| config.max_upload = 1000).await;
    let head = format!(
        "POST /api/ota/admin/ota/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 50000000\r\n\
         Content-Type: multipart/form-data; boundary=x\r\n\r\n",
        server.token
    );
    let answer = raw(&server, [head.into_bytes(), vec![b'a'; 8 << 20]].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = TestServer::with(|config| config.max_upload = 1000).await;
    let head = format!(
        "POST /api/ota/admin/ota/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 50000000\r\n\
         Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n",
        server.token
    );
    let answer = raw(&server, head.into_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_large_upload_with_a_bad_token_is_told_so() {
    let server = TestServer::start().await;
    for path in ["/api/ota/admin/ota/upload", "/api/ota/admin/apk/upload"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer expired\r\nContent-Length: 8388608\r\n\
             Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        );
        let answer = raw(&server, [head.into_bytes(), vec![b'a'; 8 << 20]].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("unauthorized"), "{answer}");
    }
}
