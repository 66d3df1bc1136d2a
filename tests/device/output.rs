//! Exit codes and lines, where a command is not what it should be.

use ota_e2e::{Device, Ota};
use serde_json::Value;

#[test]
fn a_command_line_that_makes_no_sense_is_exit_code_two() {
    let device = Device::new("http://127.0.0.1:9");
    for args in [
        &["ready"][..],
        &["fail", "--token", "x"],
        &["fail", "--reason", "x"],
        &["boot", "--unheard-of"],
        &["fly"],
        &[],
        &["update", "--apply=perhaps"],
    ] {
        assert_eq!(device.run(args).code, 2, "{args:?}");
    }
    for (option, value) in [("--channel", "not a channel"), ("--app", "no app")] {
        let device = Device::new("http://127.0.0.1:9").option(option, value);
        assert_eq!(device.run(&["boot"]).code, 2, "{option}");
    }
}

#[test]
fn with_json_a_senseless_command_line_has_an_error_line_too() {
    let dir = tempfile::tempdir().unwrap();
    let said = Ota::new(dir.path()).run(&["device", "fly"]);
    assert_eq!(said.code, 2);
    let error = &said.lines.last().expect("a line")["error"];
    assert!(error["code"].is_string() && error["message"].is_string(), "{error}");
}

#[test]
fn what_is_no_device_is_an_error_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not JSON").unwrap();
    let file = file.to_str().unwrap();
    for (option, value, code) in [
        ("--config", "/nowhere/capacitor.config.json", "invalid_argument"),
        ("--config", file, "bad_config"),
        ("--channel", "apk", "reserved_channel"),
    ] {
        let device = Device::new("http://127.0.0.1:9").option(option, value);
        assert_eq!(device.run(&["boot"]).error(), code, "{option} {value}");
    }
    for server in ["", "not a url", "127.0.0.1:9"] {
        assert_eq!(Device::new(server).run(&["boot"]).error(), "invalid_argument", "{server}");
    }
}

#[test]
fn a_builtin_without_an_index_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (home, builtin) = (dir.path().join("home"), dir.path().join("empty"));
    std::fs::create_dir(&builtin).unwrap();
    let ota = Ota::new(dir.path());
    let said = ota.run(&[
        "device",
        "--home",
        home.to_str().unwrap(),
        "--builtin",
        builtin.to_str().unwrap(),
        "--native-version",
        "1.0.0",
        "boot",
    ]);
    assert_eq!(said.error(), "invalid_argument");
    assert!(said.message().contains("index.html"), "{said:?}");
}

#[test]
fn words_go_to_standard_error_and_json_to_standard_output() {
    let device = Device::new("http://127.0.0.1:9");
    device.boot();
    std::fs::write(device.home().join("state.json"), "damaged").unwrap();
    let mut command = device.command(&["boot"]);
    let output = command.env("OTA_LOG", "debug").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.lines().count(), 1);
    assert!(serde_json::from_str::<Value>(&out).is_ok(), "{out}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("corrupt"));
}
