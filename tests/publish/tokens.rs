//! Who may publish.

use std::process::Command;

use ota_e2e::{App, Ota, PASSWORD, Site, USER, binaries, call};
use serde_json::json;

/// Every route that wants a token.
const ADMIN: &[(&str, &str)] = &[
    ("POST", "/api/ota/admin/ota/upload"),
    ("GET", "/api/ota/admin/ota/history?channel=stable"),
    ("DELETE", "/api/ota/admin/ota/stable/1.0.0"),
    ("POST", "/api/ota/admin/apk/upload"),
    ("GET", "/api/ota/admin/apk/history"),
    ("DELETE", "/api/ota/admin/apk/1.0.0"),
    ("GET", "/api/ota/admin/releases?channel=stable"),
    ("POST", "/api/ota/admin/releases/stable/1.0.0/promote"),
    ("POST", "/api/ota/admin/releases/stable/1.0.0/rollback"),
];

#[test]
fn without_a_valid_token_nothing_is_done() {
    let site = Site::start();
    let other = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    let good = site.token();
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    // {"alg":"none"}, and a payload that expires in a thousand years.
    let forged = format!("eyJhbGciOiJub25lIn0.{}.", rest.split_once('.').unwrap().0);
    let unsigned = format!("{head}.{}.", rest.split_once('.').unwrap().0);
    let swapped = format!("{head}.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OTl9.{signature}");
    let cut = &good[..good.len() - 2];
    let bearers = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {good}"),
        format!("Bearer {}", other.token()),
        format!("Bearer {forged}"),
        format!("Bearer {unsigned}"),
        format!("Bearer {swapped}"),
        format!("Bearer {cut}"),
        format!("Bearer {good}x"),
        format!("Bearer {}", "a".repeat(6000)),
        "Bearer ota_0123456789abcdef0123456789abcdef".to_owned(),
    ];
    for bearer in &bearers {
        for (method, path) in ADMIN {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let answer = call(site.url(), method, path, &headers, b"{}");
            answer.refused(401, "unauthorized");
        }
    }
    assert_eq!(site.history("stable").len(), 1);
}

#[test]
fn the_command_line_says_what_to_do_about_a_token() {
    let site = Site::start();
    let mut ota = site.ota.clone();
    ota.token = Some("forged".to_owned());
    let said = ota.run(&["release", "list", "--channel", "stable"]);
    assert_eq!(said.error(), "unauthorized");
    assert!(said.message().contains("OTA_TOKEN"), "{said:?}");
    ota.token = None;
    assert_eq!(ota.run(&["release", "list", "--channel", "stable"]).error(), "unauthorized");
}

#[test]
fn a_login_is_kept_and_a_changed_password_ends_it() {
    let site = Site::start();
    let dir = tempfile::tempdir().unwrap();
    let mut ota = Ota::new(dir.path());
    let login = ["login", "--server", site.url(), "--user", USER, "--password-stdin"];
    assert_eq!(ota.run_with_input(&login, "wrong").error(), "unauthorized");
    assert_eq!(ota.run_with_input(&login, PASSWORD).ok()["user"], USER);
    let app = App::new("1.0.0");
    ota.run(&["deploy", app.dir().to_str().unwrap(), "--version", "1.0.0"]).ok();
    let mut passwd = Command::new(&binaries().server);
    passwd.args(["user", "passwd", USER, "--data"]).arg(site.data());
    let output = passwd.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(ota.run(&["release", "list", "--channel", "stable"]).error(), "unauthorized");
    assert_eq!(ota.run_with_input(&login, PASSWORD).error(), "unauthorized", "the old one is none");
    let words = String::from_utf8(output.stderr).unwrap();
    let made = words.lines().next().and_then(|line| line.rsplit(' ').next()).expect("the one made");
    ota.run_with_input(&login, made).ok();
    ota.run(&["release", "list", "--channel", "stable"]).ok();
    ota.server = None;
    ota.run(&["logout", "--server", site.url()]).ok();
}

#[test]
fn a_deploy_token_may_do_what_its_scope_says_and_no_more() {
    let site = Site::start();
    let make = |args: &[&str]| {
        let mut command = Command::new(&binaries().server);
        let output = command.args(["token", "new", "--data"]).arg(site.data()).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let token = text.split_whitespace().find(|word| word.starts_with("ota_")).expect("a token");
        token.to_owned()
    };
    let mut ota = site.ota.clone();
    ota.token = Some(make(&["--name", "ci", "--channel", "beta", "--action", "upload"]));
    let app = App::new("1.0.0");
    let dir = app.dir().to_str().unwrap();
    ota.run(&["deploy", dir, "--version", "1.0.0", "--channel", "beta"]).ok();
    assert_eq!(ota.run(&["deploy", dir, "--version", "1.0.0"]).error(), "forbidden");
    for args in [
        &["release", "delete", "--channel", "beta", "1.0.0"][..],
        &["release", "list", "--channel", "beta"],
        &["release", "promote", "--channel", "beta", "1.0.0", "--to", "stable"],
    ] {
        assert_eq!(ota.run(args).error(), "forbidden", "{args:?}");
    }
    assert!(site.history("stable").is_empty());
    assert_eq!(site.history("beta").len(), 1);
}

#[test]
fn wrong_logins_are_slowed_down_and_the_owner_is_not_locked_out_for_good() {
    let site = Site::start();
    let login = |password: &str| {
        let body = json!({"username": USER, "password": password}).to_string();
        call(site.url(), "POST", "/api/auth/login", &[("content-type", "application/json")], body.as_bytes())
    };
    let mut last = login("wrong");
    for _ in 0..30 {
        if last.status == 429 {
            break;
        }
        last.refused(401, "unauthorized");
        last = login("wrong");
    }
    last.refused(429, "rate_limited");
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(site.history("stable").len(), 0, "a token that is there goes on");
}
