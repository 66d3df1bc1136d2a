//! Boots: which bundle, and why.

use crate::{installed, stage};
use ota_e2e::{App, Device, Site};

#[test]
fn a_new_app_shows_what_the_store_shipped() {
    let site = Site::start();
    let device = Device::new(site.url());
    let boot = device.boot();
    assert_eq!((boot.what(), boot.bundle.as_str()), (("1.0.0", "builtin"), "builtin"));
    assert_eq!(boot.path, device.builtin().dir());
    device.shows(&boot, device.builtin());
    assert_eq!(device.ready(&boot).word(), "ready");
}

#[test]
fn a_home_that_does_not_exist_is_made_with_all_above_it() {
    let device = Device::new("http://127.0.0.1:9");
    assert!(!device.home().exists());
    device.boot();
    assert!(device.home().join("attempt").is_file());
}

#[test]
fn update_boot_ready_installs_a_release() {
    let site = Site::start();
    let app = App::new("1.1.0");
    site.deploy(&app, "1.1.0");
    let device = Device::new(site.url());
    device.start();
    let staged = device.update();
    assert_eq!(staged.word(), "staged");
    assert_eq!(staged.ok()["version"], "1.1.0");
    assert_eq!(staged.ok()["bundle"], app.root());
    let boot = device.boot();
    assert_eq!((boot.what(), boot.bundle.as_str()), (("1.1.0", "trial"), app.root().as_str()));
    assert!(boot.path.is_absolute());
    device.shows(&boot, &app);
    assert_eq!(device.ready(&boot).word(), "confirmed");
    assert_eq!(device.boot().what(), ("1.1.0", "current"));
    assert_eq!(device.update().word(), "up_to_date");
}

#[test]
fn every_boot_has_a_token_of_its_own() {
    let device = Device::new("http://127.0.0.1:9");
    let tokens: std::collections::BTreeSet<_> = (0..10).map(|_| device.boot().token).collect();
    assert_eq!(tokens.len(), 10);
}

#[test]
fn ready_twice_confirms_once() {
    let site = Site::start();
    let device = Device::new(site.url());
    stage(&site, &device, "1.1.0");
    let boot = device.boot();
    assert_eq!(device.ready(&boot).word(), "confirmed");
    assert_eq!(device.ready(&boot).word(), "ready");
}

#[test]
fn one_crashed_boot_is_tried_again_and_two_go_back() {
    let (site, device, app, _) = installed();
    let broken = stage(&site, &device, "1.2.0");
    assert_eq!(device.boot().what(), ("1.2.0", "trial"));
    let second = device.boot();
    assert_eq!(second.what(), ("1.2.0", "trial"));
    let third = device.boot();
    assert_eq!(third.what(), ("1.1.0", "rolled_back"));
    device.shows(&third, &app);
    assert_eq!(device.boot().what(), ("1.1.0", "current"), "it is found once");
    let status = device.status();
    assert_eq!(status["blocked"][0]["bundle"], broken.root());
    assert_eq!(status["blocked"][0]["cause"], "crash");
    assert_eq!(status["failed"]["version"], "1.2.0");
    let again = device.update();
    assert_eq!((again.word(), &again.ok()["version"]), ("blocked", &"1.2.0".into()));
    assert_eq!(again.lines.len(), 1, "nothing is fetched again");
}

#[test]
fn a_crash_after_ready_is_no_failure_of_the_trial() {
    let (_site, device, _, _) = installed();
    for _ in 0..2 {
        assert_eq!(device.boot().what(), ("1.1.0", "current"));
    }
    assert_eq!(device.status()["blocked"].as_array().map(Vec::len), Some(0));
}

#[test]
fn three_crashed_boots_set_a_confirmed_bundle_aside() {
    let (_site, device, _, boot) = installed();
    // The first ended ready; three that did not follow it.
    for _ in 0..3 {
        assert_eq!(device.boot().what(), ("1.1.0", "current"));
    }
    let back = device.boot();
    assert_eq!((back.what(), back.bundle.as_str()), (("1.0.0", "rolled_back"), "builtin"));
    let status = device.status();
    assert_eq!(status["set_aside"][0]["bundle"], boot.bundle);
    assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0));
    let said = device.update();
    assert_eq!((said.word(), &said.ok()["why"]), ("up_to_date", &"set_aside".into()));
}

#[test]
fn a_process_that_ends_in_the_background_did_not_crash() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    for _ in 0..4 {
        assert_eq!(device.boot().what(), ("1.2.0", "trial"));
        assert_eq!(device.run(&["background"]).word(), "background");
    }
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"), "the trial goes on");
    assert_eq!(device.status()["trial"]["crashes"], 0);
    assert_eq!(device.ready(&boot).word(), "confirmed");
}

#[test]
fn the_last_mark_decides() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    for _ in 0..2 {
        assert_eq!(device.boot().what(), ("1.2.0", "trial"));
        device.run(&["background"]).ok();
        assert_eq!(device.run(&["foreground"]).word(), "foreground");
    }
    assert_eq!(device.boot().what(), ("1.1.0", "rolled_back"));
}

#[test]
fn the_sixth_interruption_in_a_row_sets_aside_without_blocking() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    for _ in 0..6 {
        assert_eq!(device.boot().what(), ("1.2.0", "trial"));
        device.run(&["background"]).ok();
    }
    assert_eq!(device.boot().what(), ("1.1.0", "rolled_back"));
    let status = device.status();
    assert_eq!(status["set_aside"][0]["version"], "1.2.0");
    assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_newer_release_takes_the_place_of_an_unjudged_trial() {
    let (site, device, _, _) = installed();
    stage(&site, &device, "1.2.0");
    assert_eq!(device.boot().what(), ("1.2.0", "trial"));
    let newer = stage(&site, &device, "1.3.0");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.3.0", "trial"));
    device.shows(&boot, &newer);
    let status = device.status();
    assert_eq!(status["fallback"]["version"], "1.1.0");
    assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_store_update_starts_with_its_own_bundle_and_forgets_blocks() {
    let (site, mut device, _, _) = installed();
    let app = stage(&site, &device, "1.2.0");
    let boot = device.boot();
    assert_eq!(device.fail(&boot, "load").word(), "blocked");
    device.native = "2.0.0".to_owned();
    let boot = device.boot();
    assert_eq!((boot.what(), boot.bundle.as_str()), (("2.0.0", "native_changed"), "builtin"));
    device.shows(&boot, device.builtin());
    device.ready(&boot).ok();
    assert_eq!(device.boot().what(), ("2.0.0", "builtin"), "it changed once");
    let status = device.status();
    assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0));
    assert_eq!(status["native"]["version"], "2.0.0");
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"), "the block was the old app's");
    device.shows(&boot, &app);
}

#[test]
fn another_build_number_is_another_app() {
    let (_site, device, _, _) = installed();
    let device = device.option("--native-build", "11");
    assert_eq!(device.boot().what(), ("1.0.0", "native_changed"));
    assert_eq!(device.boot().what(), ("1.0.0", "builtin"));
}

#[test]
fn what_was_staged_under_the_old_app_is_not_shown_under_the_new_one() {
    let site = Site::start();
    let mut device = Device::new(site.url());
    stage(&site, &device, "1.1.0");
    device.native = "2.0.0".to_owned();
    assert_eq!(device.boot().what(), ("2.0.0", "native_changed"));
    assert_eq!(device.boot().what(), ("2.0.0", "builtin"));
}

#[test]
fn a_store_update_that_an_update_notices_first_is_seen_by_the_boot_too() {
    let (site, mut device, _, _) = installed();
    site.deploy(&App::new("1.2.0"), "1.2.0");
    device.native = "2.0.0".to_owned();
    assert_eq!(device.update().word(), "staged");
    assert_eq!(device.boot().what(), ("1.2.0", "trial"));
    assert_eq!(device.status()["fallback"]["bundle"], "builtin");
}

#[test]
fn reset_goes_back_to_what_the_store_shipped_and_judges_nothing() {
    let (site, device, _, _) = installed();
    let app = stage(&site, &device, "1.2.0");
    let boot = device.boot();
    assert_eq!(device.run(&["reset"]).word(), "reset");
    assert_eq!(device.ready(&boot).error(), "stale_token", "its page has no say any more");
    let boot = device.boot();
    assert_eq!((boot.what(), boot.bundle.as_str()), (("1.0.0", "builtin"), "builtin"));
    device.ready(&boot).ok();
    assert_eq!(device.status()["blocked"].as_array().map(Vec::len), Some(0));
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "trial"));
    device.shows(&boot, &app);
}
