use std::time::{Duration, Instant};

use ota_agent::transfer::TransferError;
use ota_protocol::Code;

use crate::device::Device;
use crate::fault_server::{FaultServer, Seen, Step, answer, head};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

fn reason(error: &TransferError) -> String {
    assert_eq!(error.code(), Code::BadReply, "{error}");
    error.to_string()
}

mod answers {
    use super::*;

    #[test]
    fn an_object_comes_back_as_it_is_with_date_and_url() {
        let server = FaultServer::always(answer(
            200,
            &[("content-type", "application/json"), ("date", "Tue, 24 Nov 2026 10:55:22 GMT")],
            b" {\"releases\": []}\n",
        ));
        let found = Device::new().check(&server.url("/check")).expect("answered");
        assert_eq!(found.body, b" {\"releases\": []}\n");
        assert_eq!(found.date, Some(1_795_517_722));
        assert_eq!(found.url, server.url("/check"));
        let Seen { method, body, headers, .. } = server.seen().remove(0);
        assert_eq!((method.as_str(), body.as_slice()), ("POST", &b"{\"q\":1}"[..]));
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["accept-encoding"], "identity");
        assert!(headers["user-agent"].starts_with("capacitor-ota/"));
    }

    #[test]
    fn a_missing_or_odd_date_is_none() {
        for headers in [JSON, &[("date", "yesterday")]] {
            let server = FaultServer::always(answer(200, headers, b"{}"));
            assert_eq!(Device::new().check(&server.url("/check")).expect("answered").date, None);
        }
    }

    #[test]
    fn what_is_no_object_is_a_bad_reply_and_not_asked_for_again() {
        for body in
            [&b""[..], b"[]", b"null", b"42", b"\"text\"", b"{\"releases\":[", b"{} trailing", b"\x00\x01"]
        {
            let server = FaultServer::always(answer(200, JSON, body));
            let error = Device::new().check(&server.url("/check")).expect_err("bad");
            assert!(reason(&error).contains("not a JSON object"), "{error}");
            assert_eq!(server.seen().len(), 1);
        }
    }

    #[test]
    fn a_web_page_is_said_to_be_one() {
        for (kind, body) in [
            ("text/html", &b"hello"[..]),
            ("application/json", b"\n <!doctype html><html>"),
            ("TEXT/HTML; charset=x", b""),
        ] {
            let server = FaultServer::always(answer(200, &[("content-type", kind)], body));
            let error = Device::new().check(&server.url("/check")).expect_err("bad");
            assert!(reason(&error).contains("web page"), "{error}");
        }
    }

    #[test]
    fn json_that_calls_itself_html_is_still_an_answer() {
        let server = FaultServer::always(answer(200, &[("content-type", "text/html")], b"{}"));
        Device::new().check(&server.url("/check")).expect("answered");
    }

    #[test]
    fn a_portal_that_redirects_to_its_page_is_a_bad_reply() {
        let portal = FaultServer::always(answer(200, &[("content-type", "text/html")], b"<html>sign in"));
        let page = portal.url("/login").to_string();
        let server = FaultServer::always(answer(302, &[("location", &page)], b""));
        let error = Device::new().check(&server.url("/check")).expect_err("bad");
        assert!(reason(&error).contains("web page"), "{error}");
        let elsewhere = FaultServer::always(answer(302, &[("location", "http://portal.example/")], b""));
        let error = Device::new().check(&elsewhere.url("/check")).expect_err("bad");
        assert!(matches!(&error, TransferError::InsecureUrl { host } if host == "portal.example"));
    }

    #[test]
    fn an_encoded_answer_is_refused() {
        let server = FaultServer::always(answer(200, &[("content-encoding", "gzip")], b"{}"));
        let error = Device::new().check(&server.url("/check")).expect_err("bad");
        assert!(reason(&error).contains("gzip"), "{error}");
    }
}

mod sizes {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn object(length: usize) -> Vec<u8> {
        let mut body = b"{\"a\":\"".to_vec();
        body.resize(length - 2, b'x');
        body.extend_from_slice(b"\"}");
        body
    }

    #[test]
    fn a_mebibyte_is_read_and_a_byte_more_is_not() {
        let server = FaultServer::always(answer(200, JSON, &object(MIB)));
        assert_eq!(Device::new().check(&server.url("/check")).expect("answered").body.len(), MIB);
        let server = FaultServer::always(answer(200, JSON, &object(MIB + 1)));
        let error = Device::new().check(&server.url("/check")).expect_err("too large");
        assert!(reason(&error).contains("larger"), "{error}");
    }

    #[test]
    fn endless_json_is_left_after_a_mebibyte() {
        let server = FaultServer::always(vec![
            Step::Send(head(200, JSON)),
            Step::Send(b"{\"a\":[".to_vec()),
            Step::Endless("1,".repeat(10_000).into_bytes()),
        ]);
        let device = Device::new();
        let error = device.check(&server.url("/check")).expect_err("too large");
        assert!(reason(&error).contains("larger"), "{error}");
        assert!(server.sent() < 20 * MIB as u64, "{}", server.sent());
        // At once, and not when the network is used again or goes away.
        let start = Instant::now();
        while server.closed_by_client() == 0 {
            assert!(start.elapsed() < Duration::from_secs(5), "the connection is still open");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(device);
    }

    #[test]
    fn ten_gigabytes_that_are_announced_are_not_read_at_all() {
        let server = FaultServer::always(vec![
            Step::Send(head(200, &[("content-length", "10000000000")])),
            Step::Wait(Duration::from_mins(1)),
        ]);
        let error = Device::new().check(&server.url("/check")).expect_err("too large");
        assert!(reason(&error).contains("larger"), "{error}");
    }

    #[test]
    fn a_flood_of_headers_is_not_http() {
        for flood in [
            vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Endless(b"x-flood: yes\r\n".to_vec())],
            vec![Step::Send(b"HTTP/1.1 200 OK\r\nx-flood: ".to_vec()), Step::Endless(vec![b'y'; 10_000])],
        ] {
            let server = FaultServer::always(flood);
            let error = Device::new().once().check(&server.url("/check")).expect_err("flooded");
            assert!(reason(&error).contains("not valid HTTP"), "{error}");
            assert!(server.sent() < 20 * MIB as u64);
        }
    }

    #[test]
    fn what_is_not_http_is_said_to_be_none() {
        for garbage in
            [&b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..], b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/9.9 999\r\n\r\n"]
        {
            let server = FaultServer::always(vec![Step::Send(garbage.to_vec())]);
            let error = Device::new().once().check(&server.url("/check")).expect_err("garbage");
            assert!(reason(&error).contains("not valid HTTP"), "{error}");
        }
    }
}

mod refusals {
    use super::*;

    #[test]
    fn an_ailing_server_is_tried_four_times_with_waits_between() {
        for status in [408, 500, 502, 503, 504] {
            let server = FaultServer::always(answer(status, &[], b""));
            let device = Device::new();
            let error = device.check(&server.url("/check")).expect_err("ailing");
            assert!(matches!(error, TransferError::Status { status: found } if found == status));
            assert_eq!(server.seen().len(), 4);
            assert!(device.clock.sleeps().iter().sum::<Duration>() <= Duration::from_secs(7));
        }
    }

    #[test]
    fn a_server_that_recovers_is_answered_from() {
        let server = FaultServer::new(|seen| match seen.number {
            0 => answer(500, &[], b""),
            1 => vec![Step::Send(b"HT".to_vec())],
            2 => vec![Step::Send(head(200, &[("content-length", "20")])), Step::Send(b"{\"a\"".to_vec())],
            _ => answer(200, &[], b"{}"),
        });
        assert_eq!(Device::new().check(&server.url("/check")).expect("answered").body, b"{}");
        assert_eq!(server.seen().len(), 4);
    }

    #[test]
    fn refusals_are_final_and_carry_the_servers_words_where_it_has_any() {
        for status in [204, 206, 304, 400, 401, 403, 404, 405, 410, 413, 415] {
            let server = FaultServer::always(answer(status, &[], b""));
            let error = Device::new().check(&server.url("/check")).expect_err("refused");
            assert!(matches!(error, TransferError::Status { status: found } if found == status), "{error}");
            assert_eq!((error.code(), server.seen().len()), (Code::ServerError, 1));
        }
        let words = br#"{"code":"unknown_app","message":"this server serves another app"}"#;
        let server = FaultServer::always(answer(404, JSON, words));
        let error = Device::new().check(&server.url("/check")).expect_err("refused");
        assert_eq!(error.code(), Code::UnknownApp);
        assert!(error.to_string().contains("this server serves another app"));
        let unknown = br#"{"code":"from_the_future","message":"?"}"#;
        let server = FaultServer::always(answer(404, JSON, unknown));
        assert_eq!(
            Device::new().check(&server.url("/check")).expect_err("refused").code(),
            Code::ServerError
        );
    }

    #[test]
    fn every_kind_of_retry_after_is_understood() {
        let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
        for (status, headers, seconds) in [
            (429, vec![], 60),
            (429, vec![("retry-after", "0")], 1),
            (429, vec![("retry-after", "90")], 90),
            (429, vec![("retry-after", "-5")], 60),
            (429, vec![("retry-after", "tomorrow")], 60),
            (429, vec![("retry-after", "99999999999999999999")], 86_400),
            (429, vec![("retry-after", "Thu, 01 Jan 2026 00:02:00 GMT")], 120),
            (429, vec![("retry-after", "Thursday, 01-Jan-26 00:02:00 GMT")], 120),
            (429, vec![("retry-after", "Wed, 31 Dec 2025 00:00:00 GMT")], 1),
            (429, vec![("retry-after", "Fri, 01 Jan 2027 00:00:00 GMT")], 86_400),
            (503, vec![("retry-after", "30")], 30),
            (503, vec![("retry-after", "Thu, 01 Jan 2026 00:02:00 GMT"), date], 120),
        ] {
            let server = FaultServer::always(answer(status, &headers, b""));
            let device = Device::new();
            if headers.contains(&date) {
                device.clock.set_now(5);
            }
            let error = device.check(&server.url("/check")).expect_err("later");
            assert!(
                matches!(error, TransferError::RetryAfter { seconds: found } if found == seconds),
                "{status} {headers:?}: {error}"
            );
            assert_eq!((server.seen().len(), device.clock.sleeps().len()), (1, 0));
        }
    }

    #[test]
    fn a_503_without_a_readable_time_is_an_ailing_server() {
        let server = FaultServer::always(answer(503, &[("retry-after", "soon")], b""));
        let error = Device::new().check(&server.url("/check")).expect_err("ailing");
        assert!(matches!(error, TransferError::Status { status: 503 }));
        assert_eq!(server.seen().len(), 4);
    }
}

mod redirects {
    use super::*;

    #[test]
    fn a_question_stays_a_question() {
        for status in [301, 302, 307, 308] {
            let server = FaultServer::new(move |seen| match seen.target.as_str() {
                "/check" => answer(status, &[("location", "/api/check")], b""),
                _ => answer(200, &[], b"{}"),
            });
            let found = Device::new().check(&server.url("/check")).expect("answered");
            assert_eq!(found.url, server.url("/api/check"), "relative URLs start at the one that answered");
            let last = server.seen().remove(1);
            assert_eq!((last.method.as_str(), last.body.as_slice()), ("POST", &b"{\"q\":1}"[..]), "{status}");
        }
    }

    #[test]
    fn see_other_is_no_answer_to_a_question() {
        let server = FaultServer::always(answer(303, &[("location", "/page")], b""));
        let error = Device::new().check(&server.url("/check")).expect_err("bad");
        assert_eq!((error.code(), server.seen().len()), (Code::BadReply, 1));
    }

    #[test]
    fn plain_http_is_asked_only_where_the_config_allows_it() {
        let mut device = Device::new().once();
        let url = "http://updates.example/check".parse().expect("a URL");
        let error = device.check(&url).expect_err("refused");
        assert!(matches!(&error, TransferError::InsecureUrl { host } if host == "updates.example"));
        device.policy.http_hosts.push("nowhere.invalid".to_owned());
        let url = "http://nowhere.invalid/check".parse().expect("a URL");
        assert_eq!(device.check(&url).expect_err("no such host").code(), Code::Offline);
    }
}

mod times {
    use super::*;

    #[test]
    fn a_silent_server_is_given_up() {
        let server = FaultServer::always(vec![Step::Wait(Duration::from_mins(1))]);
        let device = Device::new().once().impatient(Duration::from_millis(300));
        let start = Instant::now();
        assert_eq!(device.check(&server.url("/check")).expect_err("silent").code(), Code::Offline);
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn a_trickle_does_not_go_beyond_the_time_of_a_check() {
        let server = FaultServer::always(vec![
            Step::Send(head(200, &[])),
            Step::Trickle(vec![b' '; 10_000], Duration::from_millis(50)),
        ]);
        let mut device = Device::new().once();
        device.policy.check_total = Duration::from_millis(700);
        let start = Instant::now();
        assert_eq!(device.check(&server.url("/check")).expect_err("slow").code(), Code::Offline);
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn waits_end_with_the_time_of_a_check() {
        let server = FaultServer::always(answer(500, &[], b""));
        let mut device = Device::new();
        device.policy.base_delay = Duration::from_secs(1000);
        device.policy.max_delay = Duration::from_secs(1000);
        let error = device.check(&server.url("/check")).expect_err("ailing");
        assert!(matches!(error, TransferError::Status { status: 500 }));
        assert!(device.clock.sleeps().iter().sum::<Duration>() <= device.policy.check_total);
    }

    #[test]
    fn cancel_ends_a_check_within_a_second() {
        let server = FaultServer::always(vec![Step::Wait(Duration::from_mins(1))]);
        let device = Device::new();
        let cancel = device.cancel.clone();
        let ender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            cancel.cancel();
        });
        let start = Instant::now();
        assert_eq!(device.check(&server.url("/check")).expect_err("cancelled").code(), Code::Cancelled);
        assert!(start.elapsed() < Duration::from_secs(1));
        ender.join().expect("joined");
    }
}

mod nobody_there {
    use super::*;

    #[test]
    fn a_refused_connection_is_offline_after_four_tries() {
        let url = FaultServer::always(vec![]).url("/check");
        // Whoever listened there is gone.
        std::thread::sleep(Duration::from_millis(50));
        let device = Device::new();
        let error = device.check(&url).expect_err("refused");
        assert_eq!(error.code(), Code::Offline);
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(!device.clock.sleeps().is_empty());
    }

    #[test]
    fn an_unknown_name_is_offline_and_says_so() {
        let url = "https://nowhere.invalid/check?token=secret".parse().expect("a URL");
        let error = Device::new().check(&url).expect_err("no such name");
        assert_eq!(error.code(), Code::Offline);
        assert!(error.to_string().contains("looked up"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_process_without_a_network_is_offline() {
        let mut device = Device::new();
        device.ports.transport = None;
        let url = "https://updates.example/check".parse().expect("a URL");
        assert_eq!(device.check(&url).expect_err("no network").code(), Code::Offline);
    }
}
