//! `ota release`.

mod support;

use mockito::{Matcher, Server, ServerGuard};
use serde_json::{Value, json};
use support::Bench;

const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn row(version: &str, active: bool) -> Value {
    json!({
        "channel": "stable", "version": version, "filename": format!("stable-{version}.zip"),
        "uploaded_at": 1_764_000_000, "checksum": SUM, "size": 33_500_000, "active": active,
    })
}

fn item(version: &str, active: bool) -> Value {
    let mut item = row(version, active);
    item["state"] = json!(if active { "active" } else { "superseded" });
    item["document"] = json!({
        "channel": "stable", "version": version, "sequence": 7, "root": SUM, "unpacked_size": 5, "files": 2,
        "artifacts": [], "percent": 25, "platforms": ["android"], "native": {"min": "1.0", "max": "1.x"},
    });
    item
}

fn server(items: &[Value]) -> ServerGuard {
    let mut server = Server::new();
    server
        .mock("GET", "/api/ota/admin/releases?channel=stable")
        .match_header("authorization", "Bearer a-token")
        .with_body(json!({ "items": items }).to_string())
        .create();
    server
}

fn published(version: &str, replaced: &str) -> String {
    let mut row = row(version, true);
    row["sequence"] = json!(9);
    row["replaced"] = json!(replaced);
    row.to_string()
}

#[test]
fn list_is_a_table_or_the_servers_json() {
    let bench = Bench::new();
    let server = server(&[item("1.1.0", true), item("1.0.0", false)]);
    let text = bench.ota_at(&server.url(), &["release", "list", "--channel", "stable"]).out;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("VERSION  STATE"), "{text}");
    for part in ["1.1.0", "active", "2025-11-24 16:00 UTC", "33.5 MB", "25 %", "android, native 1.0 to 1.x"] {
        assert!(lines[1].contains(part), "{part} in {text}");
    }
    let json = bench.ota_at(&server.url(), &["release", "list", "--channel", "stable", "--json"]).json();
    assert_eq!(json["items"][0]["version"], "1.1.0");
    assert_eq!(json["items"][1]["state"], "superseded");
}

#[test]
fn show_tells_all_of_one() {
    let bench = Bench::new();
    let server = server(&[item("1.1.0", true)]);
    let said = bench.ota_at(&server.url(), &["release", "show", "--channel", "stable", "1.1.0"]);
    assert!(said.out.contains(SUM) && said.out.contains("Sequence   7"), "{said:?}");
    let args = ["release", "show", "--channel", "stable", "1.1.0", "--json"];
    assert_eq!(bench.ota_at(&server.url(), &args).json()["document"]["files"], 2);
    let args = ["release", "show", "--channel", "stable", "9", "--json"];
    assert_eq!(bench.ota_at(&server.url(), &args).error().0, "not_found");
}

#[test]
fn delete_says_what_is_offered_now() {
    let bench = Bench::new();
    let mut server = Server::new();
    let bundle = server
        .mock("DELETE", "/api/ota/admin/ota/stable/1.1.0+7")
        .with_body(r#"{"deleted":"1.1.0+7","active":"1.0.0"}"#)
        .create();
    let apk = server
        .mock("DELETE", "/api/ota/admin/apk/2.0")
        .with_body(r#"{"deleted":"2.0","active":null}"#)
        .create();
    let said = bench.ota_at(&server.url(), &["release", "delete", "--channel", "stable", "1.1.0+7"]);
    assert_eq!(said.out, "Deleted 1.1.0+7 from stable. The channel offers 1.0.0.\n");
    let said = bench.ota_at(&server.url(), &["release", "delete", "--channel", "apk", "2.0", "--json"]);
    assert_eq!(said.json(), json!({"channel": "apk", "deleted": "2.0", "active": null}));
    bundle.assert();
    apk.assert();
}

mod rollback {
    use super::*;

    #[test]
    fn without_a_version_the_route_is_asked_with_the_active_one() {
        let bench = Bench::new();
        let mut server = server(&[item("1.1.0", true), item("1.0.0", false)]);
        let asked = server
            .mock("POST", "/api/ota/admin/releases/stable/1.1.0/rollback")
            .with_body(published("1.0.0", "1.1.0"))
            .create();
        let said = bench.ota_at(&server.url(), &["release", "rollback", "--channel", "stable"]);
        assert_eq!(said.out, "stable offers 1.0.0 again instead of 1.1.0.\nSequence  9\n", "{said:?}");
        asked.assert();
    }

    #[test]
    fn to_a_version_it_is_asked_with_that_one() {
        let bench = Bench::new();
        let mut server = server(&[item("1.1.0", true), item("1.0.0", false)]);
        let asked = server
            .mock("POST", "/api/ota/admin/releases/stable/1.0.0/rollback")
            .with_body(published("1.0.0", "1.1.0"))
            .create();
        let args = ["release", "rollback", "--channel", "stable", "--to", "1.0.0", "--json"];
        let json = bench.ota_at(&server.url(), &args).json();
        assert_eq!((&json["version"], &json["replaced"]), (&json!("1.0.0"), &json!("1.1.0")));
        asked.assert();
    }

    #[test]
    fn to_what_is_offered_already_nothing_is_done() {
        let bench = Bench::new();
        let mut server = server(&[item("1.1.0", true), item("1.0.0", false)]);
        let asked = server.mock("POST", Matcher::Any).expect(0).create();
        let said =
            bench.ota_at(&server.url(), &["release", "rollback", "--channel", "stable", "--to", "1.1.0"]);
        assert!(said.code == 0 && said.out.contains("already"), "{said:?}");
        asked.assert();
    }

    #[test]
    fn to_nothing_is_an_error() {
        let bench = Bench::new();
        let server = server(&[]);
        let args = ["release", "rollback", "--channel", "stable", "--json"];
        assert_eq!(bench.ota_at(&server.url(), &args).error().0, "not_found");
        let args = ["release", "rollback", "--channel", "stable", "--to", "1", "--json"];
        assert_eq!(bench.ota_at(&server.url(), &args).error().0, "not_found");
    }
}

#[test]
fn promote_names_the_other_channel() {
    let bench = Bench::new();
    let mut server = Server::new();
    let asked = server
        .mock("POST", "/api/ota/admin/releases/beta/1.1.0/promote")
        .match_body(Matcher::Json(json!({"to": "stable"})))
        .with_body(published("1.1.0", "1.0.0"))
        .create();
    let args = ["release", "promote", "--channel", "beta", "1.1.0", "--to", "stable"];
    let said = bench.ota_at(&server.url(), &args);
    assert_eq!(said.out, "stable offers 1.1.0 of beta, replacing 1.0.0.\nSequence  9\n", "{said:?}");
    asked.assert();
    let args = ["release", "promote", "--channel", "beta", "1.1.0", "--to", "beta"];
    assert_eq!(bench.ota_at(&server.url(), &args).code, 2);
}

#[test]
fn what_a_lying_server_says_cannot_move_the_cursor() {
    let bench = Bench::new();
    let mut server = Server::new();
    server
        .mock("GET", "/api/ota/admin/releases?channel=stable")
        .with_status(500)
        .with_body("{\"code\":\"internal\",\"message\":\"\\u001b[2Jgone\"}")
        .create();
    let said = bench.ota_at(&server.url(), &["release", "list", "--channel", "stable"]);
    assert!(said.err.contains("gone") && !said.err.contains('\u{1b}'), "{said:?}");
    assert_eq!(said.code, 1);
}
