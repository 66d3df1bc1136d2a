//! `ota deploy` against a server that says what the test wants.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use mockito::{Mock, Server, ServerGuard};
use serde_json::{Value, json};
use support::{Bench, sha256};

const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn published(replaced: Option<&str>) -> String {
    json!({
        "channel": "stable", "version": "1.1.0", "filename": "stable-1.1.0.zip", "uploaded_at": 1_764_000_000,
        "checksum": SUM, "size": 5, "active": true, "root": SUM, "sequence": 7, "replaced": replaced,
    })
    .to_string()
}

/// A server whose channel has these rows.
fn server(rows: &Value) -> ServerGuard {
    let mut server = Server::new();
    server
        .mock("GET", mockito::Matcher::Regex("^/api/ota/admin/ota/history".into()))
        .match_header("authorization", "Bearer a-token")
        .with_body(json!({ "items": rows }).to_string())
        .create();
    server
}

/// The route that takes uploads, and what the last one said.
fn upload(server: &mut ServerGuard, answer: &str) -> (Mock, Arc<Mutex<Vec<u8>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (keep, answer) = (Arc::clone(&seen), answer.to_owned());
    let mock = server
        .mock("POST", "/api/ota/admin/ota/upload")
        .match_header("authorization", "Bearer a-token")
        .with_body_from_request(move |request| {
            keep.lock().expect("no test panicked").clone_from(request.body().expect("it was read"));
            answer.clone().into_bytes()
        })
        .create();
    (mock, seen)
}

/// A text field of a form.
fn field(form: &[u8], name: &str) -> Option<String> {
    let form = String::from_utf8_lossy(form).into_owned();
    let (_, rest) = form.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
    Some(rest.split_once("\r\n--")?.0.to_owned())
}

#[test]
fn sends_the_reproducible_zip_with_its_document_and_says_what_it_replaced() {
    let bench = Bench::new();
    let dir = bench.app();
    let zipped = bench.ota(&["bundle", "zip", &dir, "--json"]).json();
    let mut server = server(&json!([]));
    let (_mock, seen) = upload(&mut server, &published(Some("1.0.0")));
    let said = bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("Published 1.1.0 to stable") && said.out.contains("replacing 1.0.0"),
        "{said:?}"
    );
    assert!(!said.err.contains("warning"), "{said:?}");
    assert!(!said.err.contains('\r') && !said.err.contains('\u{1b}'), "a bar in a pipe: {said:?}");

    let form = seen.lock().unwrap().clone();
    assert_eq!(field(&form, "version").as_deref(), Some("1.1.0"));
    assert_eq!(field(&form, "channel").as_deref(), Some("stable"));
    assert_eq!(field(&form, "checksum").as_deref(), zipped["checksum"].as_str());
    assert_eq!(field(&form, "mandatory"), None);
    let document: Value = serde_json::from_str(&field(&form, "document").unwrap()).unwrap();
    assert_eq!(document["root"], zipped["bundle"]);
    assert_eq!(document["files"], 2);
    assert_eq!(document["artifacts"][0]["checksum"], zipped["checksum"]);
    assert_eq!(document["percent"], 100);
    assert_eq!(document["sequence"], Value::Null, "the server gives it");
    let zip = std::fs::read(bench.path("dist.zip")).unwrap();
    assert!(form.windows(zip.len()).any(|window| window == zip), "the very bytes");
}

#[test]
fn every_option_arrives_and_a_zip_goes_as_it_is() {
    let bench = Bench::new();
    let dir = bench.app();
    bench.ota(&["bundle", "zip", &dir]);
    let mut server = server(&json!([]));
    let (_mock, seen) = upload(&mut server, &published(None));
    let said = bench.ota(&[
        "deploy",
        "dist.zip",
        "--version=2.0.0+7",
        "--channel=beta",
        "--app=com.example.app",
        "--platform=ios",
        "--native-min=1.0.0",
        "--native-max=1.x",
        "--rollout=12.5",
        "--mandatory",
        "--retry",
        "--json",
        "--server",
        &server.url(),
    ]);
    assert_eq!(said.error().0, "unauthorized", "there is no token yet");
    let said = bench.ota_at(
        &server.url(),
        &[
            "deploy",
            "dist.zip",
            "--version=2.0.0+7",
            "--channel=beta",
            "--app=com.example.app",
            "--platform=ios",
            "--native-min=1.0.0",
            "--native-max=1.x",
            "--rollout=12.5",
            "--mandatory",
            "--retry",
            "--json",
        ],
    );
    assert_eq!(said.code, 0, "{said:?}");
    let answer = said.json();
    assert_eq!(answer["sequence"], 7);
    assert_eq!(answer["replaced"], Value::Null);
    assert_eq!(answer["unchanged"], false);
    assert_eq!(answer["warnings"], json!([]));

    let form = seen.lock().unwrap().clone();
    let document: Value = serde_json::from_str(&field(&form, "document").unwrap()).unwrap();
    assert_eq!(field(&form, "checksum").unwrap(), sha256(&bench.path("dist.zip")));
    assert_eq!(field(&form, "mandatory").as_deref(), Some("true"));
    for (name, value) in [
        ("version", json!("2.0.0+7")),
        ("channel", json!("beta")),
        ("app_id", json!("com.example.app")),
        ("platforms", json!(["ios"])),
        ("native", json!({"min": "1.0.0", "max": "1.x"})),
        ("percent", json!(12.5)),
        ("retry", json!(true)),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
}

#[test]
fn warns_of_an_app_that_never_says_it_is_ready_and_of_a_clock_that_is_off() {
    let bench = Bench::new();
    bench.folder("dist", &[("index.html", "<p>")]);
    let mut server = Server::new();
    let yesterday = SystemTime::now() - Duration::from_hours(24);
    server
        .mock("GET", "/api/ota/admin/ota/history?channel=stable")
        .with_header("date", &httpdate::fmt_http_date(yesterday))
        .with_body(r#"{"items":[]}"#)
        .create();
    upload(&mut server, &published(None));
    let said = bench.ota_at(&server.url(), &["deploy", "dist", "--version", "1.1.0", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("no script contains notifyAppReady"), "{said:?}");
    assert!(said.err.contains("24 h 0 min ahead of the server's"), "{said:?}");
    let warnings = said.json()["warnings"].clone();
    assert_eq!(warnings[0]["code"], "ready_never_called");
    assert_eq!(warnings[1]["code"], "clock_off");
}

mod before_anything_is_sent {
    use super::*;

    /// Runs a deploy that must not upload.
    fn refused(server: &mut ServerGuard, bench: &Bench, args: &[&str]) -> (String, String) {
        let mock = server.mock("POST", "/api/ota/admin/ota/upload").expect(0).create();
        let args = [&["deploy", "--version", "1.1.0", "--json"], args].concat();
        let error = bench.ota_at(&server.url(), &args).error();
        mock.assert();
        error
    }

    #[test]
    fn a_version_that_has_other_bytes_is_refused() {
        let bench = Bench::new();
        let dir = bench.app();
        let row = json!({
            "channel": "stable", "version": "1.1.0", "filename": "f", "uploaded_at": 1, "checksum": SUM,
            "size": 1, "active": true,
        });
        let (code, text) = refused(&mut server(&json!([row])), &bench, &[&dir]);
        assert_eq!(code, "version_exists");
        assert!(text.contains("Publish under a new version"), "{text}");
    }

    #[test]
    fn a_token_that_is_not_taken_names_what_helps() {
        let bench = Bench::new();
        let dir = bench.app();
        let mut server = Server::new();
        server
            .mock("GET", "/api/ota/admin/ota/history?channel=stable")
            .with_status(401)
            .with_body(r#"{"code":"unauthorized","message":"The token has expired. Log in again."}"#)
            .create();
        let (code, text) = refused(&mut server, &bench, &[&dir]);
        assert_eq!(code, "unauthorized");
        assert!(text.contains("OTA_TOKEN"), "{text}");

        server.mock("POST", "/api/auth/login").with_body(r#"{"token":"expired"}"#).create();
        let url = server.url();
        let login = ["login", "--server", &url, "--user", "admin", "--password-stdin"];
        assert_eq!(bench.ota_with_input(&login, "x").code, 0);
        let (code, text) = bench.ota(&["deploy", &dir, "--version", "1", "--json"]).error();
        assert_eq!(code, "unauthorized");
        assert!(text.contains(&format!("ota login --server {url} --user NAME")), "{text}");
    }

    #[test]
    fn a_captive_portal_is_no_server() {
        let bench = Bench::new();
        let dir = bench.app();
        let mut server = Server::new();
        let history = "/api/ota/admin/ota/history?channel=stable";
        let page = server
            .mock("GET", history)
            .with_header("content-type", "text/html")
            .with_body("<!doctype html><title>Welcome to the hotel</title>")
            .create();
        let (code, text) = refused(&mut server, &bench, &[&dir]);
        assert_eq!(code, "bad_reply");
        assert!(text.contains("Welcome to the hotel"), "{text}");
        page.remove();

        server
            .mock("GET", history)
            .with_status(302)
            .with_header("location", "http://portal.example/")
            .create();
        let (code, text) = refused(&mut server, &bench, &[&dir]);
        assert_eq!(code, "bad_reply");
        assert!(text.contains("http://portal.example/"), "{text}");
    }

    #[test]
    fn another_web_server_is_no_ota_server() {
        let bench = Bench::new();
        let dir = bench.app();
        let mut server = Server::new();
        server
            .mock("GET", "/api/ota/admin/ota/history?channel=stable")
            .with_status(404)
            .with_body("404 page not found")
            .create();
        let (code, text) = refused(&mut server, &bench, &[&dir]);
        assert_eq!(code, "bad_reply");
        assert!(text.contains("404"), "{text}");
    }

    #[test]
    fn a_folder_that_is_no_bundle_is_refused() {
        let bench = Bench::new();
        bench.folder("app", &[("dist/index.html", "<p>")]);
        let mut server = server(&json!([]));
        assert_eq!(refused(&mut server, &bench, &["app"]).0, "no_index_html");
        std::fs::write(bench.path("x.zip"), "no zip").unwrap();
        assert_eq!(refused(&mut server, &bench, &["x.zip"]).0, "not_a_zip");
        let dir = bench.app();
        assert_eq!(refused(&mut server, &bench, &[&dir, "--channel", "apk"]).0, "reserved_channel");
    }

    #[test]
    fn a_server_that_is_away_is_named() {
        let bench = Bench::new();
        let dir = bench.app();
        let (code, text) =
            bench.ota_at("http://127.0.0.1:9", &["deploy", &dir, "--version", "1", "--json"]).error();
        assert_eq!(code, "offline");
        assert!(text.contains("http://127.0.0.1:9 cannot be reached"), "{text}");
    }

    #[test]
    fn values_outside_their_rules_are_usage_errors() {
        let bench = Bench::new();
        let dir = bench.app();
        for args in [
            ["--version", "a/b"],
            ["--channel", "a b"],
            ["--app", "-"],
            ["--rollout", "101"],
            ["--rollout", "0.001"],
            ["--platform", "web"],
            ["--native-min", "one"],
        ] {
            let args = [
                &["deploy", &dir, "--version", "1", "--json"][..if args[0] == "--version" { 2 } else { 4 }],
                &args,
            ]
            .concat();
            let said = bench.ota_at("http://127.0.0.1:9", &args);
            assert_eq!(said.code, 2, "{args:?} {said:?}");
        }
    }
}

#[test]
fn a_token_that_may_only_upload_is_enough() {
    let bench = Bench::new();
    let dir = bench.app();
    let mut server = Server::new();
    server
        .mock("GET", "/api/ota/admin/ota/history?channel=stable")
        .with_status(403)
        .with_body(r#"{"code":"forbidden","message":"The token does not allow to read."}"#)
        .create();
    let (mock, _) = upload(&mut server, &published(None));
    assert_eq!(bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0"]).code, 0);
    mock.assert();
}

#[test]
fn a_sequence_that_was_taken_meanwhile_is_made_again_and_not_for_ever() {
    let bench = Bench::new();
    let dir = bench.app();
    let mut server = server(&json!([]));
    let taken = r#"{"code":"sequence","message":"The sequence is taken. Publish again."}"#;
    let refusing =
        server.mock("POST", "/api/ota/admin/ota/upload").with_status(409).with_body(taken).expect(1).create();
    let (taking, seen) = upload(&mut server, &published(None));
    // mockito answers with the first mock until it has been asked as often as it expects.
    let said = bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0"]);
    assert_eq!(said.code, 0, "{said:?}");
    refusing.assert();
    taking.assert();
    assert!(field(&seen.lock().unwrap(), "document").is_some(), "whole again");

    let mut server = self::server(&json!([]));
    let refusing =
        server.mock("POST", "/api/ota/admin/ota/upload").with_status(409).with_body(taken).expect(3).create();
    let said = bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0", "--json"]);
    assert_eq!(said.error().0, "sequence");
    refusing.assert();
}

#[test]
fn the_same_bytes_again_change_nothing_and_that_is_said() {
    let bench = Bench::new();
    let dir = bench.app();
    let sum = bench.ota(&["bundle", "zip", &dir, "--json"]).json()["checksum"].clone();
    let row = json!({
        "channel": "stable", "version": "1.1.0", "filename": "f", "uploaded_at": 1, "checksum": sum, "size": 1,
        "active": false,
    });
    let mut server = server(&json!([row]));
    let answer = published(None).replace("\"active\":true", "\"active\":false");
    upload(&mut server, &answer);
    let said = bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0"]);
    assert!(said.out.contains("Nothing was changed"), "{said:?}");
    assert!(said.out.contains("ota release rollback --channel stable --to 1.1.0"), "{said:?}");
    let said = bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0", "--json"]);
    assert_eq!(said.json()["unchanged"], true);
}

#[test]
fn a_refused_upload_is_the_servers_sentence_and_a_proxys_limit_is_named() {
    let bench = Bench::new();
    let dir = bench.app();
    for (status, body, code, part) in [
        (
            404,
            r#"{"code":"unknown_app","message":"This server serves com.a. Check it."}"#,
            "unknown_app",
            "com.a",
        ),
        (413, "<html>413 Request Entity Too Large</html>", "too_large", "client_max_body_size"),
        (502, "<html>502 Bad Gateway</html>", "server_error", "502"),
    ] {
        let mut server = server(&json!([]));
        server.mock("POST", "/api/ota/admin/ota/upload").with_status(status).with_body(body).create();
        let error = bench.ota_at(&server.url(), &["deploy", &dir, "--version", "1.1.0", "--json"]).error();
        assert_eq!(error.0, code);
        assert!(error.1.contains(part), "{error:?}");
    }
}
