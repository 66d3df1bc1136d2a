//! `ota login` and `ota logout`.

mod support;

use std::fs;

use mockito::{Matcher, Server};
use serde_json::json;
use support::Bench;

fn login(bench: &Bench, server: &str, password: &str) -> support::Said {
    bench.ota_with_input(
        &["login", "--server", server, "--user", "admin", "--password-stdin", "--json"],
        password,
    )
}

#[test]
fn keeps_the_token_for_the_user_alone_and_later_commands_use_it() {
    let bench = Bench::new();
    let mut server = Server::new();
    // A password with everything that could break out of JSON; the line's end is not part of it.
    let asked = server
        .mock("POST", "/api/auth/login")
        .match_body(Matcher::Json(json!({"username": "admin", "password": "a\"b\\c é "})))
        .with_body(r#"{"token":"secret-token"}"#)
        .create();
    let said = login(&bench, &server.url(), "a\"b\\c é \r\n");
    assert_eq!((said.code, said.json()), (0, json!({"server": server.url(), "user": "admin"})), "{said:?}");
    asked.assert();
    assert!(!format!("{said:?}").contains("secret-token"));

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(bench.credentials()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let listed = server
        .mock("GET", "/api/ota/admin/releases?channel=stable")
        .match_header("authorization", "Bearer secret-token")
        .with_body(r#"{"items":[]}"#)
        .create();
    let said = bench.ota(&["release", "list", "--channel", "stable"]);
    assert_eq!(said.out, "Channel stable has no releases.\n", "{said:?}");
    listed.assert();

    let said = bench.ota(&["logout", "--server", &server.url(), "--json"]);
    assert_eq!(said.json()["logged_out"], true);
    assert!(!fs::read_to_string(bench.credentials()).unwrap().contains("secret-token"));
    let said = bench.ota(&["release", "list", "--channel", "stable", "--server", &server.url(), "--json"]);
    let (code, text) = said.error();
    assert_eq!(code, "unauthorized");
    assert!(text.contains("ota login --server"), "{text}");
}

#[test]
fn a_wrong_password_is_the_servers_sentence_and_keeps_the_login_from_before() {
    let bench = Bench::new();
    let mut server = Server::new();
    let good = server.mock("POST", "/api/auth/login").with_body(r#"{"token":"old"}"#).create();
    assert_eq!(login(&bench, &server.url(), "right").code, 0);
    good.remove();
    server
        .mock("POST", "/api/auth/login")
        .with_status(401)
        .with_body(r#"{"code":"unauthorized","message":"User name or password is wrong. Check both."}"#)
        .create();
    let (code, text) = login(&bench, &server.url(), "wrong").error();
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("unauthorized", "User name or password is wrong. Check both.")
    );
    assert!(fs::read_to_string(bench.credentials()).unwrap().contains("\"old\""));
}

#[test]
fn without_a_terminal_the_password_is_not_asked_for() {
    let bench = Bench::new();
    let said = bench.ota(&["login", "--server", "http://127.0.0.1:9", "--user", "admin", "--json"]);
    let (code, text) = said.error();
    assert_eq!(code, "invalid_argument");
    assert!(text.contains("--password-stdin"), "{text}");
    let said = login(&bench, "http://127.0.0.1:9", "\n");
    assert_eq!(said.error().0, "invalid_argument");
}

#[test]
fn a_login_that_cannot_be_kept_is_not_asked_for() {
    let bench = Bench::new();
    fs::create_dir_all(bench.credentials().parent().unwrap()).unwrap();
    fs::write(bench.credentials(), "{ damaged").unwrap();
    let mut server = Server::new();
    let asked = server.mock("POST", "/api/auth/login").expect(0).create();
    let (code, text) = login(&bench, &server.url(), "right").error();
    assert_eq!(code, "disk_error");
    assert!(text.contains("credentials.json is damaged"), "{text}");
    asked.assert();
    assert_eq!(fs::read_to_string(bench.credentials()).unwrap(), "{ damaged");
}

#[test]
fn a_server_that_is_none_is_a_usage_error() {
    let bench = Bench::new();
    let said = bench.ota(&["login", "--server", "ota.example.com", "--user", "admin"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("https://HOST"), "{said:?}");
    // No server at all: neither an option, nor the environment, nor a login.
    assert_eq!(bench.ota(&["login", "--user", "admin"]).code, 2);
}

#[test]
fn plain_http_to_another_machine_is_said_to_be_open() {
    let bench = Bench::new();
    // An address of the documentation range, with a closed door in front: nothing answers.
    let said = bench.ota_with_input(
        &["login", "--server", "http://ota.invalid", "--user", "admin", "--password-stdin", "--json"],
        "x",
    );
    assert!(said.err.contains("not encrypted"), "{said:?}");
    assert_eq!(said.error().0, "offline");
}
