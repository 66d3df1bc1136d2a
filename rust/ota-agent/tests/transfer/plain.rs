//! The usual, against an HTTP server that somebody else wrote.

use ota_protocol::Checksum;

use crate::device::{Device, bytes};

#[test]
fn a_check_and_the_download_it_leads_to_use_one_connection() {
    let mut server = mockito::Server::new();
    let body = bytes(3_000_000);
    let check = server
        .mock("POST", "/check")
        .match_header("content-type", "application/json")
        .match_body("{\"q\":1}")
        .with_header("content-type", "application/json")
        .with_body("{\"version\":\"1.0.1\"}")
        .create();
    let bundle = server
        .mock("GET", "/bundle.zip")
        .match_header("accept-encoding", "identity")
        .match_header("range", mockito::Matcher::Missing)
        .with_header("etag", "\"x\"")
        .with_body(&body)
        .create();
    let mut device = Device::new();
    let answer = device.check(&format!("{}/check", server.url()).parse().expect("a URL")).expect("answered");
    let url = answer.url.join("bundle.zip").expect("a URL");
    let fetched = device.fetch(&url, &body).expect("fetched");
    assert_eq!(fetched.received, 3_000_000);
    check.assert();
    bundle.assert();
}

#[test]
fn many_answers_in_a_row_come_over_a_connection_that_is_kept() {
    let mut server = mockito::Server::new();
    let mock = server.mock("POST", "/check").with_body("{}").expect(20).create();
    let device = Device::new();
    let url = format!("{}/check", server.url()).parse().expect("a URL");
    for _ in 0..20 {
        device.check(&url).expect("answered");
    }
    mock.assert();
}

#[test]
fn several_threads_share_one_network() {
    let mut server = mockito::Server::new();
    let body = bytes(200_000);
    let _bundle = server.mock("GET", "/bundle.zip").with_header("etag", "\"x\"").with_body(&body).create();
    let url = format!("{}/bundle.zip", server.url()).parse().expect("a URL");
    let shared = Device::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut device = Device::new();
            device.ports.transport = shared.ports.transport.clone();
            let (url, body) = (&url, &body);
            scope.spawn(move || {
                let fetched = device.download(url, Some(Checksum::of(body)), Some(200_000));
                assert_eq!(fetched.expect("fetched").received, 200_000);
            });
        }
    });
}
