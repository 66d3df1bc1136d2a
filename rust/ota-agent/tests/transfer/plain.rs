//! The usual, against an HTTP server that somebody else wrote.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ota_protocol::Checksum;
use url::Url;

use crate::device::{Device, bytes};

#[test]
fn a_check_leads_to_a_download() {
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

/// Answers `{}` to posts, so many on each connection, and then closes it without having said so. Counts
/// connections, and tells of each that it closed.
fn keeps_alive(answers: usize) -> (Url, Arc<AtomicUsize>, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/check", listener.local_addr().expect("an address")).parse().expect("a URL");
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let (teller, closed) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a client"));
            counter.fetch_add(1, Ordering::AcqRel);
            for _ in 0..answers {
                let mut line = String::new();
                while line != "\r\n" {
                    line.clear();
                    if stream.read_line(&mut line).unwrap_or(0) == 0 {
                        break;
                    }
                }
                let mut body = [0; 7];
                if stream.read_exact(&mut body).is_err() {
                    break;
                }
                let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
            }
            drop(stream);
            let _ = teller.send(());
        }
    });
    (url, connections, closed)
}

#[test]
fn a_connection_is_kept_for_the_next_question() {
    let (url, connections, _) = keeps_alive(usize::MAX);
    let device = Device::new();
    for _ in 0..20 {
        device.check(&url).expect("answered");
    }
    assert_eq!(connections.load(Ordering::Acquire), 1);
}

#[test]
fn a_kept_connection_that_the_server_closed_meanwhile_costs_no_try() {
    let (url, connections, closed) = keeps_alive(1);
    let device = Device::new().once();
    for _ in 0..20 {
        device.check(&url).expect("answered");
        closed.recv_timeout(Duration::from_secs(10)).expect("closed");
    }
    assert_eq!(connections.load(Ordering::Acquire), 20);
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
