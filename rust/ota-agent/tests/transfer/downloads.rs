use std::fs;
use std::time::{Duration, Instant};

use ota_agent::transfer::{Progress, TransferError, forget, partial_name, partial_size, sweep};
use ota_protocol::{Checksum, Code};

use crate::device::{Device, bytes};
use crate::fault_server::{Fault, FaultServer, Origin, Seen, Step, answer, head};

/// Ranges asked for, request by request.
fn ranges(server: &FaultServer) -> Vec<Option<usize>> {
    server.seen().iter().map(Seen::range).collect()
}

mod going_on {
    use super::*;

    #[test]
    fn a_body_cut_after_any_byte_is_gone_on_with_by_the_next_process() {
        let body = bytes(300);
        for cut in 0..=body.len() {
            let server =
                FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(cut)), Origin::new(&body)]);
            let url = server.url("/a.zip");
            let mut device = Device::new().once();
            let first = device.fetch(&url, &body);
            assert_eq!(first.is_ok(), cut == body.len(), "cut at {cut}");
            device.restart();
            let fetched = device.fetch(&url, &body).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
            assert_eq!(fetched.resumed_from, cut as u64, "cut at {cut}");
            assert_eq!(fetched.received, (body.len() - cut) as u64, "cut at {cut}");
            let second =
                server.seen().get(1).map(|seen| (seen.range(), seen.headers.get("if-range").cloned()));
            match cut {
                0 => assert_eq!(second, Some((None, None))),
                300 => assert_eq!(second, None, "nothing was left to ask for"),
                _ => assert_eq!(second, Some((Some(cut), Some("\"one\"".to_owned())))),
            }
        }
    }

    #[test]
    fn an_answer_cut_after_any_byte_of_its_head_is_asked_for_again() {
        let body = bytes(10);
        let mut cut = 0;
        loop {
            let server =
                FaultServer::origins(vec![Origin::with(&body, Fault::CutHead(cut)), Origin::new(&body)]);
            let mut device = Device::new();
            let fetched = device.fetch(&server.url("/a.zip"), &body).expect("fetched");
            assert!(server.seen().len() <= 2, "cut at {cut}");
            if fetched.resumed_from == 0 && server.seen().len() == 1 {
                break;
            }
            cut += 1;
        }
        assert!(cut > 100, "the head was cut too");
    }

    #[test]
    fn cuts_within_one_call_are_gone_on_with_and_nothing_is_fetched_twice() {
        let body = bytes(100_000);
        let cut = || Origin::with(&body, Fault::CutAfter(30_000));
        let server = FaultServer::origins(vec![cut(), cut(), cut(), Origin::new(&body)]);
        let mut device = Device::new();
        let fetched = device.fetch(&server.url("/a.zip"), &body).expect("fetched");
        assert_eq!(fetched.received, 100_000);
        assert_eq!(fetched.resumed_from, 0);
        assert_eq!(ranges(&server), [None, Some(30_000), Some(60_000), Some(90_000)]);
    }

    #[test]
    fn a_reset_connection_is_gone_on_with() {
        let body = bytes(5000);
        let server =
            FaultServer::origins(vec![Origin::with(&body, Fault::ResetAfter(2000)), Origin::new(&body)]);
        let fetched = Device::new().fetch(&server.url("/a.zip"), &body).expect("fetched");
        assert_eq!(ranges(&server), [None, Some(2000)]);
        assert_eq!(fetched.received, 5000);
    }

    #[test]
    fn a_stalled_connection_is_given_up_and_gone_on_with() {
        let body = bytes(5000);
        let server =
            FaultServer::origins(vec![Origin::with(&body, Fault::StallAfter(2000)), Origin::new(&body)]);
        let mut device = Device::new().impatient(Duration::from_millis(400));
        let start = Instant::now();
        let fetched = device.fetch(&server.url("/a.zip"), &body).expect("fetched");
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(ranges(&server), [None, Some(2000)]);
        assert_eq!(fetched.received, 5000);
    }

    #[test]
    fn a_trickle_is_not_a_stall() {
        let body = bytes(30);
        let server =
            FaultServer::origins(vec![Origin::with(&body, Fault::Trickle(Duration::from_millis(30)))]);
        let mut device = Device::new().impatient(Duration::from_millis(400));
        device.fetch(&server.url("/a.zip"), &body).expect("fetched");
        assert_eq!(server.seen().len(), 1);
    }

    #[test]
    fn bytes_are_on_disk_as_they_come_so_that_a_kill_loses_none() {
        let body = bytes(100_000);
        let server =
            FaultServer::origins(vec![Origin::with(&body, Fault::StallAfter(70_000)), Origin::new(&body)]);
        let url = server.url("/a.zip");
        let mut device = Device::new();
        let (part, sidecar) =
            (device.part(&url, Some(Checksum::of(&body))), device.sidecar(&url, Some(Checksum::of(&body))));
        let cancel = device.cancel.clone();
        let watcher = std::thread::spawn(move || {
            let start = Instant::now();
            while fs::metadata(&part).map_or(0, |meta| meta.len()) < 70_000 {
                assert!(start.elapsed() < Duration::from_secs(10), "the bytes are not on disk");
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(sidecar.exists());
            cancel.cancel();
        });
        let error = device.fetch(&url, &body).expect_err("cancelled");
        watcher.join().expect("seen");
        assert_eq!(error.code(), Code::Cancelled);
        device.restart();
        let fetched = device.fetch(&url, &body).expect("fetched");
        assert_eq!((fetched.resumed_from, fetched.received), (70_000, 30_000));
    }

    #[test]
    fn a_complete_file_is_not_fetched_again() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::new(&body)]);
        let url = server.url("/a.zip");
        let mut device = Device::new();
        device.fetch(&url, &body).expect("fetched");
        device.restart();
        let again = device.fetch(&url, &body).expect("there");
        assert_eq!((again.received, again.resumed_from, server.seen().len()), (0, 1000, 1));
    }

    #[test]
    fn a_part_that_is_shorter_than_asked_for_is_gone_on_with() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![
            Origin::with(&body, Fault::CutAfter(200)),
            Origin::with(&body, Fault::RangeShortened(300)),
            Origin::new(&body),
        ]);
        Device::new().fetch(&server.url("/a.zip"), &body).expect("fetched");
        assert_eq!(ranges(&server), [None, Some(200), Some(500)]);
    }

    #[test]
    fn another_query_in_the_url_is_the_same_source_and_another_path_is_not() {
        let body = bytes(1000);
        for (path, range) in [("/a.zip?signature=2", Some(400)), ("/b.zip", None)] {
            let server =
                FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(400)), Origin::new(&body)]);
            let mut device = Device::new().once();
            device.fetch(&server.url("/a.zip?signature=1"), &body).expect_err("cut");
            device.fetch(&server.url(path), &body).expect("fetched");
            assert_eq!(ranges(&server), [None, range], "{path}");
        }
    }
}

mod starting_again {
    use super::*;

    /// A first process gets 400 of 1000 bytes; then the server is `then`. Returns what the second process asked for.
    fn after_a_cut(first: Origin, then: Vec<Origin>, body: &[u8]) -> Vec<Option<usize>> {
        let server = FaultServer::origins([vec![first], then].concat());
        let url = server.url("/a.zip");
        let mut device = Device::new().once();
        device.download(&url, Some(Checksum::of(body)), None).expect_err("cut");
        device.restart();
        device.fetch(&url, body).expect("fetched");
        ranges(&server)[1..].to_vec()
    }

    fn cut(body: &[u8]) -> Origin {
        Origin::with(body, Fault::CutAfter(400))
    }

    #[test]
    fn every_way_in_which_a_range_can_be_wrong_costs_one_request_more() {
        let body = bytes(1000);
        for fault in [
            Fault::RangeElsewhere(-1),
            Fault::RangeElsewhere(1),
            Fault::RangeElsewhere(-400),
            Fault::RangeOfTotal(1001),
            Fault::RangeUnstated,
            Fault::RangeOfEtag("\"two\"".to_owned()),
            Fault::RangeOfEtag("W/\"one\"".to_owned()),
            Fault::RangeOfOther(bytes(2000)[1000..].to_vec()),
            Fault::Unsatisfiable,
        ] {
            let asked = after_a_cut(cut(&body), vec![Origin::with(&body, fault.clone())], &body);
            assert_eq!(asked, [Some(400), None], "{fault:?}");
        }
    }

    #[test]
    fn a_server_without_ranges_gives_the_whole_at_once() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![cut(&body), Origin::with(&body, Fault::IgnoresRange)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new().once());
        device.fetch(&url, &body).expect_err("cut");
        let fetched = device.fetch(&url, &body).expect("fetched");
        assert_eq!(ranges(&server), [None, Some(400)]);
        assert_eq!((fetched.resumed_from, fetched.received), (0, 1000));
    }

    #[test]
    fn a_changed_etag_gives_the_whole_at_once() {
        let (body, old) = (bytes(1000), vec![7; 1000]);
        let new = Origin { etag: Some("\"two\"".to_owned()), ..Origin::new(&body) };
        assert_eq!(after_a_cut(cut(&old), vec![new], &body), [Some(400)]);
    }

    #[test]
    fn an_etag_that_stays_while_the_bytes_change_is_noticed_by_the_hash() {
        let (body, old) = (bytes(1000), vec![7; 1000]);
        assert_eq!(after_a_cut(cut(&old), vec![Origin::new(&body)], &body), [Some(400), None]);
    }

    #[test]
    fn what_became_longer_or_shorter_is_fetched_from_the_start() {
        let old = bytes(1000);
        for length in [300, 400, 401, 999, 1001, 5000] {
            let body = bytes(length);
            let asked = after_a_cut(cut(&old), vec![Origin::new(&body)], &body);
            let restarted = if length == 400 { vec![] } else { vec![Some(400), None] };
            assert_eq!(asked, restarted, "{length}");
        }
    }

    #[test]
    fn without_a_strong_etag_nothing_is_gone_on_with() {
        let body = bytes(1000);
        for etag in [None, Some("W/\"one\"".to_owned()), Some("one".to_owned())] {
            let first = Origin { etag: etag.clone(), ..cut(&body) };
            let then = Origin { etag: etag.clone(), ..Origin::new(&body) };
            assert_eq!(after_a_cut(first, vec![then], &body), [None], "{etag:?}");
        }
    }

    #[test]
    fn without_a_known_total_nothing_is_gone_on_with() {
        let body = bytes(1000);
        let asked =
            after_a_cut(Origin::with(&body, Fault::NoLengthCutAfter(400)), vec![Origin::new(&body)], &body);
        assert_eq!(asked, [None]);
    }

    /// Makes garbage of a sidecar.
    type Spoil<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

    #[test]
    fn garbage_for_a_sidecar_is_no_sidecar() {
        let body = bytes(1000);
        let text = |good: &[u8]| String::from_utf8(good.to_vec()).expect("JSON");
        let spoilings: [Spoil<'_>; 9] = [
            &|_| Vec::new(),
            &|_| b"{}".to_vec(),
            &|_| b"null".to_vec(),
            &|_| b"\xff\xfe".to_vec(),
            &|_| vec![b' '; 100_000],
            &|good| good[..good.len() - 1].to_vec(),
            &|good| [good, b"}"].concat(),
            &|good| text(good).replace("\"schema\":1", "\"schema\":2").into_bytes(),
            &|good| text(good).replace("\\\"one\\\"", "W/\\\"one\\\"").into_bytes(),
        ];
        for (number, spoil) in spoilings.iter().enumerate() {
            let server = FaultServer::origins(vec![cut(&body), Origin::new(&body)]);
            let (url, mut device) = (server.url("/a.zip"), Device::new().once());
            device.fetch(&url, &body).expect_err("cut");
            let sidecar = device.sidecar(&url, Some(Checksum::of(&body)));
            let good = fs::read(&sidecar).expect("a sidecar");
            assert_ne!(spoil(&good), good, "{number}");
            fs::write(&sidecar, spoil(&good)).expect("written");
            device.fetch(&url, &body).expect("fetched");
            assert_eq!(ranges(&server), [None, None], "{number}");
        }
    }

    #[test]
    fn bytes_damaged_on_disk_are_noticed_by_the_hash() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![cut(&body), Origin::new(&body)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new().once());
        device.fetch(&url, &body).expect_err("cut");
        let part = device.part(&url, Some(Checksum::of(&body)));
        let mut there = fs::read(&part).expect("read");
        there[100] ^= 1;
        fs::write(&part, there).expect("written");
        let fetched = device.fetch(&url, &body).expect("fetched");
        assert_eq!(ranges(&server), [None, Some(400), None]);
        assert_eq!((fetched.resumed_from, fetched.received), (0, 1600));
    }

    #[test]
    fn a_file_that_is_longer_than_it_may_be_is_thrown_away() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::new(&body)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new());
        fs::create_dir(device.folder()).expect("made");
        fs::write(device.part(&url, Some(Checksum::of(&body))), bytes(3000)).expect("written");
        let fetched = device.download(&url, Some(Checksum::of(&body)), Some(1000)).expect("fetched");
        assert_eq!((fetched.size, fetched.received), (1000, 1000));
    }

    #[test]
    fn a_complete_file_beyond_the_limit_is_not_taken() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::new(&body)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new());
        device.fetch(&url, &body).expect("fetched");
        device.limit = 999;
        assert_eq!(device.fetch(&url, &body).expect_err("too large").code(), Code::ArchiveTooLarge);
    }

    #[test]
    fn a_wrong_hash_after_going_on_starts_again_once_and_then_is_final() {
        let (body, wrong) = (bytes(1000), vec![7; 1000]);
        let server = FaultServer::origins(vec![cut(&wrong), Origin::new(&wrong)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new());
        let error = device.fetch(&url, &body).expect_err("wrong");
        assert_eq!(ranges(&server), [None, Some(400), None]);
        assert!(matches!(error, TransferError::ChecksumMismatch { expected, found }
            if expected == Checksum::of(&body) && found == Checksum::of(&wrong)));
        assert_eq!(device.files(), [""; 0]);
    }

    #[test]
    fn a_wrong_hash_from_byte_0_is_final_and_leaves_nothing() {
        let server = FaultServer::origins(vec![Origin::new(&[7; 1000])]);
        let mut device = Device::new();
        let error = device.fetch(&server.url("/a.zip"), &bytes(1000)).expect_err("wrong");
        assert_eq!(error.code(), Code::ChecksumMismatch);
        assert_eq!((server.seen().len(), device.files().len()), (1, 0));
    }
}

mod without_a_checksum {
    use super::*;

    #[test]
    fn a_download_is_gone_on_with_in_the_same_run_of_the_system() {
        let body = bytes(1000);
        let server =
            FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(400)), Origin::new(&body)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new().once());
        device.download(&url, None, None).expect_err("cut");
        device.restart();
        let fetched = device.download(&url, None, None).expect("fetched");
        assert_eq!(ranges(&server), [None, Some(400)]);
        assert_eq!(fetched.checksum, Checksum::of(&body));
    }

    #[test]
    fn after_a_reboot_it_is_not_for_nothing_vouches_for_its_bytes() {
        let body = bytes(1000);
        for boot in [Some("os-boot-2"), None] {
            let server =
                FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(400)), Origin::new(&body)]);
            let (url, mut device) = (server.url("/a.zip"), Device::new().once());
            device.download(&url, None, None).expect_err("cut");
            device.clock.set_os_boot_id(boot);
            let fetched = device.download(&url, None, None).expect("fetched");
            assert_eq!(ranges(&server), [None, None]);
            assert_eq!(fetched.checksum, Checksum::of(&body));
        }
    }

    #[test]
    fn a_complete_file_is_fetched_again() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::new(&body)]);
        let (url, mut device) = (server.url("/a.zip"), Device::new());
        device.download(&url, None, None).expect("fetched");
        let again = device.download(&url, None, None).expect("fetched");
        assert_eq!((again.received, ranges(&server)), (1000, vec![None, None]));
    }
}

mod lengths {
    use super::*;

    #[test]
    fn every_honest_framing_is_understood() {
        let body = bytes(1000);
        for fault in [Fault::NoLength, Fault::Chunked(1), Fault::Chunked(300), Fault::Chunked(5000)] {
            for size in [None, Some(1000)] {
                let server = FaultServer::origins(vec![Origin::with(&body, fault.clone())]);
                let fetched = Device::new()
                    .download(&server.url("/a.zip"), Some(Checksum::of(&body)), size)
                    .unwrap_or_else(|error| panic!("{fault:?}: {error}"));
                assert_eq!((fetched.received, server.seen().len()), (1000, 1), "{fault:?}");
            }
        }
    }

    #[test]
    fn a_length_that_is_not_kept_is_tried_four_times_and_is_offline() {
        let body = bytes(1000);
        let server =
            FaultServer::origins(vec![Origin { etag: None, ..Origin::with(&body, Fault::LengthTooLong(5)) }]);
        let mut device = Device::new();
        let error = device.fetch(&server.url("/a.zip"), &body).expect_err("cut");
        assert_eq!((error.code(), server.seen().len()), (Code::Offline, 4));
    }

    #[test]
    fn a_length_that_is_too_short_ends_the_body_and_the_hash_is_wrong() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::with(&body, Fault::LengthTooShort(5))]);
        let error = Device::new().fetch(&server.url("/a.zip"), &body).expect_err("wrong");
        assert_eq!((error.code(), server.seen().len()), (Code::ChecksumMismatch, 1));
    }

    #[test]
    fn another_length_than_the_releases_is_refused_unread() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::new(&body)]);
        for size in [999, 1001] {
            let mut device = Device::new();
            let error = device.download(&server.url("/a.zip"), Some(Checksum::of(&body)), Some(size));
            assert_eq!(error.expect_err("refused").code(), Code::BadReply);
            assert_eq!(device.files(), [""; 0]);
        }
    }

    #[test]
    fn a_chunked_body_that_is_longer_than_the_release_says_is_not_read_further() {
        let body = bytes(1000);
        let server = FaultServer::always(vec![
            Step::Send(head(200, &[("transfer-encoding", "chunked")])),
            Step::Endless(b"4\r\nmore\r\n".to_vec()),
        ]);
        let mut device = Device::new();
        let error = device.download(&server.url("/a.zip"), Some(Checksum::of(&body)), Some(1000));
        assert_eq!(error.expect_err("wrong").code(), Code::ChecksumMismatch);
        assert_eq!(server.seen().len(), 1);
    }

    #[test]
    fn a_chunked_body_that_is_shorter_than_the_release_says_is_a_cut() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::with(&body[..900], Fault::Chunked(100))]);
        let mut device = Device::new();
        let error = device.download(&server.url("/a.zip"), Some(Checksum::of(&body)), Some(1000));
        assert_eq!(error.expect_err("cut").code(), Code::Offline);
        assert!(server.seen().len() <= 5);
    }

    #[test]
    fn chunks_without_a_length_are_not_http() {
        let server = FaultServer::origins(vec![Origin::with(&bytes(10), Fault::BadChunk)]);
        let error = Device::new().fetch(&server.url("/a.zip"), &bytes(10)).expect_err("not HTTP");
        assert_eq!((error.code(), server.seen().len()), (Code::BadReply, 4));
    }

    #[test]
    fn more_than_the_limit_is_refused_whether_it_is_stated_or_not() {
        for fault in [Fault::Nothing, Fault::Chunked(100), Fault::NoLength] {
            let body = bytes(2000);
            let server = FaultServer::origins(vec![Origin::with(&body, fault.clone())]);
            let mut device = Device::new();
            device.limit = 1999;
            let error = device.fetch(&server.url("/a.zip"), &body).expect_err("too large");
            assert!(matches!(error, TransferError::TooLarge { limit: 1999 }), "{fault:?}: {error}");
            assert_eq!((server.seen().len(), device.files().len()), (1, 0), "{fault:?}");
            device.limit = 2000;
            device.fetch(&server.url("/a.zip"), &body).expect("just fits");
        }
    }

    #[test]
    fn an_endless_body_is_left_at_the_limit() {
        let server = FaultServer::always(vec![
            Step::Send(head(200, &[("etag", "\"x\"")])),
            Step::Endless(vec![0; 65_536]),
        ]);
        let mut device = Device::new();
        device.limit = 1_000_000;
        let error = device.download(&server.url("/a.zip"), None, None).expect_err("too large");
        assert_eq!(error.code(), Code::ArchiveTooLarge);
        assert!(server.sent() < 20_000_000, "{}", server.sent());
    }

    #[test]
    fn a_release_that_says_more_than_the_limit_is_not_asked_for() {
        let server = FaultServer::origins(vec![Origin::new(b"x")]);
        let mut device = Device::new();
        device.limit = 10;
        let error = device.download(&server.url("/a.zip"), None, Some(11)).expect_err("too large");
        assert!(matches!(error, TransferError::TooLarge { limit: 10 }));
        assert_eq!(server.seen().len(), 0);
    }

    #[test]
    fn an_empty_artifact_is_one() {
        let server = FaultServer::origins(vec![Origin::new(b"")]);
        let mut device = Device::new();
        device.fetch(&server.url("/a.zip"), b"").expect("fetched");
    }
}

mod refusals {
    use super::*;

    fn error_of(steps: Vec<Step>) -> (TransferError, usize, Device) {
        let server = FaultServer::always(steps);
        let mut device = Device::new();
        let error = device.fetch(&server.url("/a.zip"), &bytes(1000)).expect_err("refused");
        (error, server.seen().len(), device)
    }

    #[test]
    fn what_is_gone_is_asked_for_once() {
        for status in [404, 410] {
            let (error, asked, _) = error_of(answer(status, &[], b"no"));
            assert!(matches!(error, TransferError::Gone { status: found } if found == status));
            assert_eq!((error.code(), asked), (Code::Gone, 1));
        }
    }

    #[test]
    fn other_refusals_are_final() {
        for status in [201, 204, 206, 300, 304, 400, 401, 403, 405, 416, 418, 451] {
            let (error, asked, device) = error_of(answer(status, &[], b""));
            assert!(matches!(error.code(), Code::ServerError | Code::BadReply), "{status}: {error}");
            assert_eq!((asked, device.files().len()), (1, 0), "{status}");
        }
    }

    #[test]
    fn an_ailing_server_is_tried_four_times() {
        for status in [408, 500, 502, 503, 504, 507, 599] {
            let (error, asked, device) = error_of(answer(status, &[], b""));
            assert!(matches!(error, TransferError::Status { status: found } if found == status));
            assert_eq!((error.code(), asked), (Code::ServerError, 4), "{status}");
            assert!(!device.clock.sleeps().is_empty());
        }
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_is_at_once() {
        for (status, value, seconds) in [
            (429, None, 60),
            (429, Some("7"), 7),
            (429, Some("garbage"), 60),
            (503, Some("120"), 120),
            (503, Some("100000000"), 86_400),
            (503, Some("Thu, 01 Jan 2026 00:01:40 GMT"), 100),
        ] {
            let headers: Vec<_> = value.iter().map(|value| ("retry-after", *value)).collect();
            let (error, asked, device) = error_of(answer(status, &headers, b""));
            assert!(
                matches!(error, TransferError::RetryAfter { seconds: found } if found == seconds),
                "{error}"
            );
            assert_eq!((error.code(), asked, device.clock.sleeps().len()), (Code::RetryLater, 1, 0));
        }
    }

    #[test]
    fn gzip_on_top_is_refused_and_never_loops() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![
            Origin::with(&body, Fault::CutAfter(400)),
            Origin::with(&body, Fault::Gzip),
        ]);
        let mut device = Device::new();
        let error = device.fetch(&server.url("/a.zip"), &body).expect_err("refused");
        assert_eq!((error.code(), ranges(&server)), (Code::BadReply, vec![None, Some(400), None]));
        assert!(server.seen().iter().all(|seen| seen.header("accept-encoding") == Some("identity")));
    }

    #[test]
    fn a_portals_page_in_place_of_the_bundle_is_said_to_be_one_and_keeps_what_is_there() {
        let body = bytes(1000);
        let page = answer(200, &[("content-type", "text/html; charset=utf-8")], b"<html>sign in</html>");
        let origin = Origin::with(&body, Fault::CutAfter(400));
        let good = Origin::new(&body);
        let server = FaultServer::new(move |seen| match seen.number {
            0 => origin.answer(seen),
            1 => page.clone(),
            _ => good.answer(seen),
        });
        let mut device = Device::new();
        let error = device.fetch(&server.url("/a.zip"), &body).expect_err("a page");
        assert!(matches!(&error, TransferError::BadReply { reason } if reason.contains("web page")));
        let fetched = device.fetch(&server.url("/a.zip"), &body).expect("fetched");
        assert_eq!(fetched.resumed_from, 400);
    }
}

mod redirects {
    use super::*;

    #[test]
    fn the_range_goes_along_and_credentials_do_not() {
        let body = bytes(1000);
        let far = FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(400)), Origin::new(&body)]);
        let target = far.url("/far.zip").to_string();
        let near = FaultServer::always(answer(302, &[("location", &target)], b""));
        let mut url = near.url("/a.zip");
        url.set_username("someone").expect("set");
        url.set_password(Some("secret")).expect("set");
        Device::new().fetch(&url, &body).expect("fetched");
        assert_eq!(ranges(&far), [None, Some(400)]);
        assert!(near.seen().iter().all(|seen| seen.header("authorization").is_some()));
        assert!(far.seen().iter().all(|seen| {
            ["authorization", "cookie", "referer"].iter().all(|name| seen.header(name).is_none())
        }));
    }

    #[test]
    fn a_circle_is_noticed_and_not_tried_again() {
        for status in [301, 302, 303, 307, 308] {
            let server = FaultServer::new(move |seen| {
                answer(status, &[("location", if seen.target == "/1" { "/2" } else { "/1" })], b"")
            });
            let error = Device::new().fetch(&server.url("/1"), b"x").expect_err("a circle");
            assert!(
                matches!(&error, TransferError::BadReply { reason } if reason.contains("circle")),
                "{error}"
            );
            assert_eq!(server.seen().len(), 2);
        }
    }

    #[test]
    fn a_long_way_ends_after_five_redirects() {
        let server =
            FaultServer::new(|seen| answer(302, &[("location", &format!("/{}", seen.number + 1))], b""));
        let error = Device::new().fetch(&server.url("/start"), b"x").expect_err("too many");
        assert_eq!((error.code(), server.seen().len()), (Code::BadReply, 6));
    }

    #[test]
    fn plain_http_elsewhere_and_other_schemes_are_not_entered() {
        for (target, code) in [
            ("http://updates.example/a.zip", Code::InsecureUrl),
            ("ftp://127.0.0.1/a.zip", Code::BadReply),
            ("file:///etc/passwd", Code::BadReply),
        ] {
            let server = FaultServer::always(answer(302, &[("location", target)], b""));
            let error = Device::new().fetch(&server.url("/a.zip"), b"x").expect_err("refused");
            assert_eq!((error.code(), server.seen().len()), (code, 1), "{target}");
        }
    }
}

mod the_caller {
    use super::*;

    #[test]
    fn a_cancelled_call_does_not_ask() {
        let server = FaultServer::origins(vec![Origin::new(b"x")]);
        let mut device = Device::new();
        device.cancel.cancel();
        let error = device.fetch(&server.url("/a.zip"), b"x").expect_err("cancelled");
        assert_eq!((error.code(), server.seen().len()), (Code::Cancelled, 0));
    }

    #[test]
    fn cancel_ends_a_stall_within_a_second() {
        let body = bytes(1000);
        for fault in [Fault::StallAfter(400), Fault::StallAfter(0)] {
            let server = FaultServer::origins(vec![Origin::with(&body, fault)]);
            let mut device = Device::new();
            let cancel = device.cancel.clone();
            let ender = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                cancel.cancel();
            });
            let start = Instant::now();
            let error = device.fetch(&server.url("/a.zip"), &body).expect_err("cancelled");
            assert_eq!(error.code(), Code::Cancelled);
            assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
            ender.join().expect("joined");
        }
    }

    #[test]
    fn progress_starts_where_the_file_ends_and_ends_with_the_whole() {
        let body = bytes(500_000);
        let server =
            FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(100_000)), Origin::new(&body)]);
        let mut device = Device::new().once();
        device.fetch(&server.url("/a.zip"), &body).expect_err("cut");
        device.progress.clear();
        device.fetch(&server.url("/a.zip"), &body).expect("fetched");
        // The test's clock stands still, so everything in between comes too soon.
        assert_eq!(
            device.progress,
            [
                Progress { done: 100_000, total: Some(500_000) },
                Progress { done: 500_000, total: Some(500_000) }
            ]
        );
    }

    #[test]
    fn what_is_there_already_can_be_counted_forgotten_and_swept() {
        let body = bytes(1000);
        let server = FaultServer::origins(vec![Origin::with(&body, Fault::CutAfter(400))]);
        let (url, mut device) = (server.url("/a.zip"), Device::new().once());
        device.fetch(&url, &body).expect_err("cut");
        let other = vec![7; 1000];
        device.fetch(&url, &other).expect_err("cut");
        let (fs, folder) = (device.ports.fs.clone(), device.folder());
        let name = partial_name(&url, Some(Checksum::of(&body)));
        fs.create_dir(&folder.join("folder")).expect("made");
        fs.overwrite(&folder.join("stray"), b"x").expect("written");
        assert_eq!(partial_size(fs.as_ref(), &folder, &name).expect("a size"), 400);
        sweep(fs.as_ref(), &folder, &[&name]);
        let mut files = device.files();
        files.sort();
        assert_eq!(files, [format!("{name}.json"), format!("{name}.part"), "folder".to_owned()]);
        forget(fs.as_ref(), &folder, &name).expect("forgotten");
        assert_eq!(partial_size(fs.as_ref(), &folder, &name).expect("a size"), 0);
        assert_eq!(device.files(), ["folder"]);
        sweep(fs.as_ref(), &folder.join("missing"), &[]);
    }
}
