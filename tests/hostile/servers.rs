//! A server that is away, slow or broken, and what stands in its place. Silence for 20 s, and checks that take 30 s,
//! are left to the agent's own tests: their times are not for the command line to choose.

use std::time::Duration;

use crate::World;
use ota_e2e::{App, Middle, Step, answer, head};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn checks_that_are_answered_wrongly() {
    let world = World::new(App::large("1.2.0", 100_000));
    let url = world.site.url();
    let page = b"<!doctype html><title>Welcome to the hotel</title><p>Please sign in".as_slice();
    let html = [("content-type", "text/html")];
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("closes at once", vec![], "offline"),
        ("closes in the head", vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())], "offline"),
        ("is no HTTP", vec![Step::Send(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())], "bad_reply"),
        ("500", answer(500, &[], b"oh no"), "server_error"),
        ("502 with a page", answer(502, &html, page), "server_error"),
        ("503", answer(503, &[], b""), "server_error"),
        ("404", answer(404, &html, page), "server_error"),
        ("401", answer(401, &[], b""), "server_error"),
        ("204", answer(204, &[], b""), "server_error"),
        ("a captive portal's page", answer(200, &html, page), "bad_reply"),
        ("a page that calls itself JSON", answer(200, &[JSON], page), "bad_reply"),
        ("nothing", answer(200, &[JSON], b""), "bad_reply"),
        ("a list", answer(200, &[JSON], b"[]"), "bad_reply"),
        ("null", answer(200, &[JSON], b"null"), "bad_reply"),
        ("somebody else's JSON", answer(200, &[JSON], br#"{"status":"ok"}"#), "bad_reply"),
        ("half a JSON", answer(200, &[JSON], br#"{"releases":["#), "bad_reply"),
        ("releases of another type", answer(200, &[JSON], br#"{"releases":{}}"#), "bad_reply"),
        ("a version and no url", answer(200, &[JSON], br#"{"version":"9"}"#), "bad_reply"),
        (
            "a checksum that is none",
            answer(200, &[JSON], br#"{"version":"9","url":"/x","checksum":"0"}"#),
            "bad_reply",
        ),
        (
            "zipped, though nobody asked",
            answer(200, &[JSON, ("content-encoding", "gzip")], b"{}"),
            "bad_reply",
        ),
        (
            "cut off",
            vec![Step::Send([head(200, &[JSON, ("content-length", "500")]), b"{".to_vec()].concat())],
            "offline",
        ),
        (
            "JSON without an end",
            vec![
                Step::Send([head(200, &[JSON]), b"{\"version\":\"".to_vec()].concat()),
                Step::Endless(vec![b'a'; 8192]),
            ],
            "bad_reply",
        ),
        (
            "depth without an end",
            vec![Step::Send(head(200, &[JSON])), Step::Endless(b"{\"a\":[".repeat(1000))],
            "bad_reply",
        ),
        (
            "headers without an end",
            vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Endless(b"x-y: z\r\n".repeat(500))],
            "bad_reply",
        ),
        (
            "a length of an exabyte",
            vec![Step::Send(head(200, &[JSON, ("content-length", "1152921504606846976")]))],
            "bad_reply",
        ),
    ];
    let cases = cases.into_iter().map(|(name, steps, code)| (name, Middle::checks(url, steps), code));
    world.survives_all(cases.collect());
}

#[test]
fn checks_that_are_sent_elsewhere() {
    let world = World::new(App::new("1.2.0"));
    let url = world.site.url();
    let to = |status, target: &str| answer(status, &[("location", target)], b"");
    let page = answer(200, &[("content-type", "text/html")], b"<html>sign in</html>");
    let portal = Middle::new(url, move |_| page.clone());
    let sign_in = format!("{}/sign-in", portal.url());
    let cases = vec![
        ("to a portal's page, 302", to(302, &sign_in), "bad_reply"),
        ("to a portal's page, 307", to(307, &sign_in), "bad_reply"),
        ("to a portal's page, 303", to(303, &sign_in), "bad_reply"),
        ("to plain http", to(302, "http://portal.example.com/"), "insecure_url"),
        ("to a file", to(302, "file:///etc/passwd"), "bad_reply"),
        ("to itself", to(302, "/check"), "bad_reply"),
        ("to nowhere", answer(302, &[], b""), "bad_reply"),
        ("to nonsense", to(302, "http://["), "bad_reply"),
    ];
    let cases = cases.into_iter().map(|(name, steps, code)| (name, Middle::checks(url, steps), code));
    world.survives_all(cases.collect());
}

#[test]
fn a_redirect_to_the_right_place_is_followed() {
    let world = World::new(App::new("1.2.0"));
    let moved = answer(308, &[("location", &format!("{}/check", world.site.url()))], b"");
    let middle = Middle::new(world.site.url(), move |_| moved.clone());
    let device = world.device(&middle.url());
    assert_eq!(device.update().word(), "staged");
}

#[test]
fn downloads_that_go_wrong() {
    let world = World::new(App::large("1.2.0", 400_000));
    let url = world.site.url();
    let zip = world.new.zip();
    let page = b"<html>sign in</html>".as_slice();
    let mut long = zip.clone();
    long.extend_from_slice(&[0; 1000]);
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("closes at once", vec![], "offline"),
        ("is cut off at every try", vec![Step::CutAfter(20_000)], "offline"),
        ("404", answer(404, &[], b""), "gone"),
        ("410", answer(410, &[], b""), "gone"),
        ("403", answer(403, &[], b"no"), "server_error"),
        ("500", answer(500, &[], b""), "server_error"),
        ("a captive portal's page", answer(200, &[("content-type", "text/html")], page), "bad_reply"),
        (
            "a page that calls itself a zip",
            answer(200, &[("content-type", "application/zip")], page),
            "bad_reply",
        ),
        ("other bytes of the same length", Step::alter(|bytes| bytes[1000] ^= 1), "checksum_mismatch"),
        ("more than was stated", answer(200, &[("etag", "\"x\"")], &long), "bad_reply"),
        ("less than was stated", answer(200, &[("etag", "\"x\"")], &zip[..zip.len() - 1]), "bad_reply"),
        ("zipped once more", answer(200, &[("content-encoding", "gzip")], &zip), "bad_reply"),
        ("a part, though the whole was asked for", answer(206, &[], &zip), "bad_reply"),
        (
            "bytes without an end",
            vec![Step::Send(head(200, &[])), Step::Endless(vec![7; 64 * 1024])],
            "checksum_mismatch",
        ),
        (
            "sent to plain http",
            answer(302, &[("location", "http://cdn.example.com/x.zip")], b""),
            "insecure_url",
        ),
        ("sent round in a circle", answer(302, &[("location", "?again")], b""), "bad_reply"),
    ];
    let cases = cases.into_iter().map(|(name, steps, code)| (name, Middle::downloads(url, steps), code));
    world.survives_all(cases.collect());
}

#[test]
fn a_download_that_breaks_and_goes_on_is_one_update() {
    let world = World::new(App::large("1.2.0", 400_000));
    let size = world.new.zip().len() as u64;
    let middle = Middle::new(world.site.url(), |seen| {
        let is_first = seen.range().is_none_or(|from| from < 150_000);
        vec![if seen.is_download() && is_first { Step::CutAfter(100_000) } else { Step::Forward }]
    });
    let device = world.device(&middle.url());
    let said = device.update();
    assert_eq!(said.word(), "staged");
    assert_eq!(said.ok()["received"], size, "no byte came twice");
    let ranges: Vec<_> = middle.downloads_seen().iter().map(ota_e2e::Seen::range).collect();
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);
    assert_eq!(middle.downloaded(), size);
}

#[test]
fn a_server_that_knows_no_ranges_gives_the_whole_again() {
    let world = World::new(App::large("1.2.0", 300_000));
    let zip = world.new.zip();
    let whole = answer(200, &[("etag", "\"1\"")], &zip);
    let cut = Step::Send(
        [
            head(200, &[("content-length", &zip.len().to_string()), ("etag", "\"1\"")]),
            zip[..100_000].to_vec(),
        ]
        .concat(),
    );
    let middle = Middle::new(world.site.url(), move |seen| {
        if !seen.is_download() {
            return vec![Step::Forward];
        }
        if seen.range().is_some() { whole.clone() } else { vec![cut.clone()] }
    });
    let device = world.device(&middle.url());
    let said = device.update();
    assert_eq!((said.word(), said.ok()["resumed_from"].as_u64()), ("staged", Some(0)));
    assert_eq!(middle.downloads_seen().len(), 2);
}

#[test]
fn a_slow_server_is_waited_for() {
    let world = World::new(App::large("1.2.0", 60_000));
    let middle = Middle::new(world.site.url(), |seen| {
        if seen.is_download() {
            vec![Step::Slowly(2000, Duration::from_millis(40))]
        } else {
            vec![Step::Wait(Duration::from_millis(1500)), Step::Forward]
        }
    });
    let device = world.device(&middle.url());
    let said = device.update();
    assert_eq!(said.word(), "staged");
    assert!(said.lines.len() > 4, "progress is said on the way: {said:?}");
}

#[test]
fn a_server_that_wants_rest_gets_it() {
    let world = World::new(App::new("1.2.0"));
    for (status, wait) in
        [(429, Some("2")), (503, Some("2")), (429, None), (429, Some("Fri, 31 Dec 2199 23:59:59 GMT"))]
    {
        let headers: Vec<_> = wait.iter().map(|wait| ("retry-after", *wait)).collect();
        let middle = Middle::checks(world.site.url(), answer(status, &headers, b""));
        let device = world.device(&middle.url());
        assert_eq!(device.update().error(), "retry_later");
        middle.behave();
        assert_eq!(device.update().error(), "retry_later", "{wait:?}: another process keeps to it too");
        assert_eq!(middle.seen().len(), 1, "nobody was asked");
        let retry_at = device.status()["retry_at"].as_u64().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(retry_at <= now + 86_400, "a day at most");
        assert_eq!(device.start().what(), ("1.1.0", "current"), "the app starts meanwhile");
        if wait == Some("2") {
            std::thread::sleep(Duration::from_millis(2100));
            assert_eq!(device.update().word(), "staged");
        }
    }
}

#[test]
fn a_server_that_stops_and_comes_back_goes_on_with_downloads() {
    let mut world = World::new(App::large("1.2.0", 900_000));
    let middle = Middle::new(world.site.url(), |seen| {
        vec![if seen.is_download() { Step::CutAfter(300_000) } else { Step::Forward }]
    });
    let device = world.device(&middle.url());
    let child = device.spawn(&["update"]);
    middle.wait_for_download();
    std::thread::sleep(Duration::from_millis(50));
    world.site.kill();
    let said = ota_e2e::Said::read(&child.wait_with_output().unwrap());
    assert_eq!(said.error(), "offline");
    let there = device.downloaded();
    assert!(there > 0, "what came is kept");
    world.site.revive();
    middle.behave();
    let said = device.update();
    assert_eq!((said.word(), said.ok()["resumed_from"].as_u64()), ("staged", Some(there)));
}

#[test]
fn a_server_that_is_stopped_finishes_what_is_under_way() {
    let mut world = World::new(App::large("1.2.0", 6_000_000));
    let middle =
        Middle::downloads(world.site.url(), vec![Step::Slowly(256 * 1024, Duration::from_millis(20))]);
    let device = world.device(&middle.url());
    let child = device.spawn(&["update"]);
    while middle.downloaded() == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let status = world.site.stop();
    assert!(status.success(), "{status}");
    let said = ota_e2e::Said::read(&child.wait_with_output().unwrap());
    assert_eq!(said.word(), "staged");
    assert_eq!(middle.downloads_seen().len(), 1);
}
