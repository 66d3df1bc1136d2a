//! A process that is killed while it downloads.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ota_agent::transfer::{DEFAULT_LIMIT, Wanted, download};
use ota_protocol::Checksum;

use crate::device::{Device, bytes};
use crate::fault_server::{FaultServer, Origin, Seen, Step};

const URL: &str = "OTA_TEST_URL";
const FOLDER: &str = "OTA_TEST_FOLDER";
const CHECKSUM: &str = "OTA_TEST_CHECKSUM";

/// Not a test: what the killed process runs.
#[test]
#[ignore = "started by the test below"]
fn a_process_that_downloads() {
    let (Ok(url), Ok(folder), Ok(checksum)) =
        (std::env::var(URL), std::env::var(FOLDER), std::env::var(CHECKSUM))
    else {
        return;
    };
    let (device, url) = (Device::new(), url.parse().expect("a URL"));
    let wanted = Wanted {
        url: &url,
        checksum: Some(checksum.parse().expect("a checksum")),
        size: None,
        limit: DEFAULT_LIMIT,
        policy: &device.policy,
        folder: Path::new(&folder),
    };
    let _ = download(&device.ports, &wanted, &device.cancel, &mut |_| ());
}

#[test]
fn a_killed_download_is_gone_on_with_from_the_very_byte() {
    let body = bytes(2_000_000);
    let checksum = Checksum::of(&body);
    for at_least in [0, 1, 100_000, 400_000, 700_000, 1_000_000, 1_300_000, 1_600_000, 1_900_000, 1_999_000] {
        let (origin, slow) = (Origin::new(&body), body.clone());
        let server = FaultServer::new(move |seen| {
            let mut steps = origin.answer(seen);
            if seen.number == 0 {
                steps.truncate(1);
                for piece in slow.chunks(10_000) {
                    steps.push(Step::Send(piece.to_vec()));
                    steps.push(Step::Wait(Duration::from_millis(1)));
                }
            }
            steps
        });
        let (url, mut device) = (server.url("/a.zip"), Device::new());
        let part = device.part(&url, Some(checksum));
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "--ignored", "kills::a_process_that_downloads"])
            .env(URL, url.as_str())
            .env(FOLDER, device.folder())
            .env(CHECKSUM, checksum.to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        let start = Instant::now();
        while std::fs::metadata(&part).map_or(0, |meta| meta.len()) < at_least {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not download");
        }
        child.kill().expect("killed");
        child.wait().expect("dead");
        let left = std::fs::metadata(&part).map_or(0, |meta| meta.len());
        assert!(left >= at_least);
        let fetched = device.fetch(&url, &body).expect("fetched");
        assert_eq!((fetched.resumed_from, fetched.received), (left, 2_000_000 - left));
        let asked = server.seen().last().and_then(Seen::range);
        assert_eq!(asked, (left > 0 && left < 2_000_000).then_some(left as usize));
    }
}
