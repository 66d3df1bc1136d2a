//! `fail`, and tokens.

use crate::{installed, stage};
use ota_e2e::{App, Device, Site};

#[test]
fn a_time_out_sets_aside_first_and_blocks_in_a_later_trial() {
    let (site, device, _, _) = installed();
    let slow = stage(&site, &device, "1.2.0");
    let boot = device.boot();
    let said = device.fail(&boot, "timeout");
    assert_eq!((said.word(), &said.ok()["reason"]), ("set_aside", &"timeout".into()));
    let back = device.boot();
    assert_eq!(back.what(), ("1.1.0", "current"), "after a fail the next boot has nothing to find");
    device.ready(&back).ok();
    let status = device.status();
    assert_eq!(status["set_aside"][0]["version"], "1.2.0");
    assert_eq!(status["set_aside"][0]["timeouts"], 1);
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"set_aside".into()));

    // Another release of the same files does not get around it; a day later there is a second trial.
    site.try_deploy(&slow, "1.2.1", &[]).ok();
    assert_eq!(device.update().ok()["why"], "set_aside");
    let state = device.home().join("state.json");
    let until = status["set_aside"][0]["until"].as_u64().unwrap();
    let day_before = |text: &str| text.replace(&until.to_string(), &(until - 86_400).to_string());
    rewrite_state(&state, day_before);
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.1", "trial"));
    assert_eq!(device.fail(&boot, "timeout").word(), "blocked");
    assert_eq!(device.boot().what(), ("1.1.0", "current"));
    assert_eq!(device.update().word(), "blocked");
    assert_eq!(device.status()["blocked"][0]["cause"], "timeout");
}

/// Changes the state and makes its checksum true again.
fn rewrite_state(path: &std::path::Path, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("\"record\":").unwrap();
    let body = change(rest.trim_end().strip_suffix('}').unwrap());
    let old = before.split("\"crc32\":\"").nth(1).unwrap().split('"').next().unwrap();
    let new = format!("{:08x}", crc32(body.as_bytes()));
    std::fs::write(path, format!("{}\"record\":{body}}}\n", before.replace(old, &new))).unwrap();
}

fn crc32(bytes: &[u8]) -> u32 {
    ota_e2e::zip::file("x", bytes).crc
}

#[test]
fn every_other_reason_blocks_at_once() {
    for (reason, cause) in
        [("load", "load"), ("renderer", "renderer"), ("the cart is empty \u{1f6d2}", "reported")]
    {
        let (site, device, app, _) = installed();
        stage(&site, &device, "1.2.0");
        let boot = device.boot();
        let said = device.fail(&boot, reason);
        assert_eq!((said.word(), said.ok()["reason"].as_str()), ("blocked", Some(reason)));
        let back = device.boot();
        assert_eq!(back.what(), ("1.1.0", "current"), "{reason}");
        device.shows(&back, &app);
        assert_eq!(device.status()["blocked"][0]["cause"], cause);
        assert_eq!(device.update().word(), "blocked");
    }
}

#[test]
fn where_nothing_was_confirmed_a_failure_goes_back_to_the_builtin() {
    let site = Site::start();
    let device = Device::new(site.url());
    stage(&site, &device, "1.1.0");
    let boot = device.boot();
    assert_eq!(device.fail(&boot, "load").word(), "blocked");
    let boot = device.boot();
    assert_eq!((boot.what(), boot.bundle.as_str()), (("1.0.0", "builtin"), "builtin"));
}

#[test]
fn a_failure_after_ready_is_ignored() {
    let (_site, device, _, boot) = installed();
    assert_eq!(device.fail(&boot, "load").word(), "ignored");
    assert_eq!(device.boot().what(), ("1.1.0", "current"));
}

#[test]
fn a_failure_of_a_confirmed_bundle_or_the_builtin_is_held_against_nobody() {
    let (_site, device, _, _) = installed();
    let boot = device.boot();
    assert_eq!(device.fail(&boot, "load").word(), "ignored");
    assert_eq!(device.boot().what(), ("1.1.0", "current"));
    let fresh = Device::new("http://127.0.0.1:9");
    let boot = fresh.boot();
    assert_eq!(fresh.fail(&boot, "timeout").word(), "ignored");
    assert_eq!(fresh.status()["ready_never_called"], true);
}

#[test]
fn a_token_of_an_earlier_boot_or_of_none_changes_nothing() {
    let (site, device, _, _) = installed();
    let old = device.boot();
    stage(&site, &device, "1.2.0");
    let trial = device.boot();
    assert_eq!(trial.what(), ("1.2.0", "trial"));
    let before = device.status();
    let unknown = "0123456789abcdef0123456789abcdef";
    for token in
        [old.token.as_str(), unknown, "", "not a token", &trial.token[1..], &format!("{}0", trial.token)]
    {
        assert_eq!(device.run(&["ready", "--token", token]).error(), "stale_token", "{token}");
        let fail = device.run(&["fail", "--token", token, "--reason", "load"]);
        assert_eq!(fail.error(), "stale_token", "{token}");
    }
    assert_eq!(device.status(), before);
    assert_eq!(device.ready(&trial).word(), "confirmed");
}

#[test]
fn before_any_boot_every_token_is_stale() {
    let device = Device::new("http://127.0.0.1:9");
    let token = "0123456789abcdef0123456789abcdef";
    assert_eq!(device.run(&["ready", "--token", token]).error(), "stale_token");
    assert_eq!(device.run(&["fail", "--token", token, "--reason", "load"]).error(), "stale_token");
}

#[test]
fn a_token_is_stale_after_its_boot_failed() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    let boot = device.boot();
    device.fail(&boot, "load").ok();
    assert_eq!(device.ready(&boot).error(), "stale_token");
    assert_eq!(device.fail(&boot, "load").error(), "stale_token");
    assert_eq!(device.boot().what(), ("1.1.0", "current"));
}

#[test]
fn a_release_that_says_retry_lifts_a_block_that_came_from_time_outs_once() {
    let (site, device, _, _) = installed();
    let app = stage(&site, &device, "1.2.0");
    let time_out = |device: &Device| {
        let boot = device.boot();
        assert_eq!(boot.reason, "trial");
        device.fail(&boot, "timeout").word().to_owned()
    };
    assert_eq!(time_out(&device), "set_aside");
    let until = device.status()["set_aside"][0]["until"].as_u64().unwrap();
    rewrite_state(&device.home().join("state.json"), |text| {
        text.replace(&until.to_string(), &(until - 86_400).to_string())
    });
    assert_eq!(device.update().word(), "staged");
    assert_eq!(time_out(&device), "blocked");
    device.start();
    site.try_deploy(&app, "1.2.1", &["--retry"]).ok();
    assert_eq!(device.update().word(), "staged", "lifted");
    assert_eq!(time_out(&device), "blocked", "one more is enough");
    device.start();
    assert_eq!(device.update().word(), "blocked", "each release lifts once");
}

#[test]
fn retry_lifts_no_block_of_a_bundle_that_failed_otherwise() {
    let (site, device, _, _) = installed();
    let app = stage(&site, &device, "1.2.0");
    let boot = device.boot();
    device.fail(&boot, "load").ok();
    device.start();
    site.try_deploy(&app, "1.2.1", &["--retry"]).ok();
    assert_eq!(device.update().word(), "blocked");
}

#[test]
fn a_corrected_release_is_taken_after_a_blocked_one() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    let boot = device.boot();
    device.fail(&boot, "renderer").ok();
    device.start();
    let good = App::new("1.2.1");
    site.deploy(&good, "1.2.1");
    let boot = device.install();
    device.shows(&boot, &good);
    assert_eq!(device.status()["blocked"][0]["version"], "1.2.0", "still known");
}
