//! Bodies that no good client sends.

use std::collections::BTreeMap;

use ota_e2e::{Answer, App, Form, PASSWORD, Server, Site, USER, call, exchange, sha256};

fn files(site: &Site) -> BTreeMap<String, usize> {
    let count = |name: &str| std::fs::read_dir(site.data().join(name)).map_or(0, Iterator::count);
    ["blobs", "staging"].map(|name| (name.to_owned(), count(name))).into()
}

/// An upload whose fields a test chooses.
fn upload(site: &Site, fields: &[(&str, &str)], file: Option<&[u8]>) -> Answer {
    let form = fields.iter().fold(Form::default(), |form, (name, value)| form.text(name, value));
    site.send("/api/ota/admin/ota/upload", file.iter().fold(form, |form, bytes| form.file(bytes)))
}

#[test]
fn an_upload_that_lacks_or_garbles_a_field_records_nothing() {
    let site = Site::start();
    let zip = App::new("1.0.0").zip();
    let sum = sha256(&zip);
    let (version, checksum) = (("version", "1.0.0"), ("checksum", sum.as_str()));
    let wrong = "0".repeat(64);
    let upper = sum.to_uppercase();
    for (name, fields, file, status, code) in [
        ("no checksum", vec![version], Some(&zip[..]), 400, "bad_request"),
        ("no version", vec![checksum], Some(&zip), 400, "bad_request"),
        ("no file", vec![version, checksum], None, 400, "bad_request"),
        ("nothing", vec![], None, 400, "bad_request"),
        ("a wrong checksum", vec![version, ("checksum", &wrong)], Some(&zip), 422, "checksum_mismatch"),
        ("half a checksum", vec![version, ("checksum", &sum[..32])], Some(&zip), 400, "bad_request"),
        ("no hex", vec![version, ("checksum", "zz")], Some(&zip), 400, "bad_request"),
        ("a version twice", vec![version, version, checksum], Some(&zip), 400, "bad_request"),
        ("over 100 percent", vec![version, checksum, ("percent", "101")], Some(&zip), 400, "bad_request"),
        (
            "a document that is none",
            vec![version, checksum, ("document", "{")],
            Some(&zip),
            400,
            "bad_request",
        ),
        ("another app id", vec![version, checksum, ("app_id", "a b")], Some(&zip), 400, "invalid_name"),
        (
            "a document of other bytes",
            vec![version, checksum, ("document", r#"{"unpacked_size":7}"#)],
            Some(&zip),
            422,
            "root_mismatch",
        ),
    ] {
        let answer = upload(&site, &fields, file);
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (status, Some(code)),
            "{name}: {}",
            answer.text()
        );
        assert!(site.history("stable").is_empty(), "{name}");
        assert_eq!(files(&site).values().sum::<usize>(), 0, "{name}: something is left");
    }
    let answer = upload(&site, &[version, ("checksum", &upper)], Some(&zip));
    assert_eq!(answer.ok()["checksum"], sum, "capitals are read, and written small");
}

#[test]
fn a_form_that_is_cut_off_or_none_records_nothing() {
    let site = Site::start();
    let zip = App::large("1.0.0", 50_000).zip();
    let form = Form::default().text("version", "1.0.0").text("checksum", &sha256(&zip)).file(&zip).end();
    let bearer = format!("Bearer {}", site.token());
    let send = |kind: &str, body: &[u8]| {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        call(site.url(), "POST", "/api/ota/admin/ota/upload", &headers, body)
    };
    for len in [0, 1, 60, 200, form.len() / 2, form.len() - 3] {
        send(Form::TYPE, &form[..len]).refused(400, "bad_request");
    }
    send("multipart/form-data", &form).refused(400, "bad_request");
    send("multipart/form-data; boundary=another", &form).refused(400, "bad_request");
    send("application/json", b"{}").refused(415, "unsupported_media_type");
    send("application/zip", &zip).refused(415, "unsupported_media_type");
    send("", &form).refused(415, "unsupported_media_type");
    assert!(site.history("stable").is_empty());
    assert_eq!(files(&site).values().sum::<usize>(), 0);
    send(Form::TYPE, &form).ok();
}

#[test]
fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    let site = Site::start();
    let zip = App::large("1.0.0", 300_000).zip();
    let form = Form::default().text("version", "1.0.0").text("checksum", &sha256(&zip)).file(&zip).end();
    let head = format!(
        "POST /api/ota/admin/ota/upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {}\r\n\
         content-length: {}\r\n\r\n",
        site.token(),
        Form::TYPE,
        form.len()
    );
    for part in [1, 2, 3] {
        let bytes = [head.as_bytes(), &form[..form.len() * part / 4]].concat();
        let answer = exchange(site.url(), &bytes);
        assert!(answer.is_none_or(|answer| answer.status == 400), "{part}");
    }
    for _ in 0..100 {
        if files(&site).values().sum::<usize>() == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(files(&site).values().sum::<usize>(), 0);
    assert!(site.history("stable").is_empty());
    site.upload(&zip, "stable", "1.0.0").ok();
}

#[test]
fn an_upload_over_the_limit_is_told_so_and_leaves_nothing() {
    let site = Site::with(&["--max-upload", "64KiB"]);
    let large = App::large("1.0.0", 200_000);
    site.upload(&large.zip(), "stable", "1.0.0").refused(413, "too_large");
    let said = site.try_deploy(&large, "1.0.0", &[]);
    assert_eq!(said.error(), "too_large");
    assert!(said.message().contains("--max-upload"), "{said:?}");
    assert_eq!(files(&site).values().sum::<usize>(), 0);
    site.deploy(&App::new("1.0.0"), "1.0.0");
}

#[test]
fn logins_that_are_none_are_the_clients_fault() {
    let site = Site::start();
    let login = |kind: &str, body: &[u8]| {
        call(site.url(), "POST", "/api/auth/login", &[("content-type", kind)], body)
    };
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"{\"username\":7,\"password\":\"x\"}",
        b"{\"username\":\"admin\"}",
    ] {
        login("application/json", body).refused(400, "bad_request");
    }
    login("text/plain", b"{}").refused(415, "unsupported_media_type");
    login("application/x-www-form-urlencoded", b"username=a").refused(415, "unsupported_media_type");
    let large = format!("{{\"username\":\"{}\"}}", "a".repeat(1 << 20));
    login("application/json", large.as_bytes()).refused(413, "too_large");
    let quoted = serde_json::json!({"username": "a\"}{\"b", "password": "\u{0}'; drop table users --"});
    login("application/json", quoted.to_string().as_bytes()).refused(401, "unauthorized");
    let right = serde_json::json!({"username": USER, "password": PASSWORD});
    assert!(login("application/json", right.to_string().as_bytes()).ok()["token"].is_string());
}

#[test]
fn requests_that_are_hardly_http_never_end_the_server() {
    let site = Site::start();
    let long = "a".repeat(100_000);
    for request in [
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\r\n\r\n\r\n".to_owned(),
        "POST /check HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /check HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".to_owned(),
        "POST /check HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {long}\r\n\r\n"),
        "GET /api/ota/bundle/%ff%fe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ] {
        let answer = exchange(site.url(), request.as_bytes());
        let name = &request[..request.len().min(70)];
        assert!(answer.as_ref().is_none_or(|answer| answer.status < 500), "{name:?}: {answer:?}");
    }
    assert_eq!(call(site.url(), "GET", "/healthz", &[], b"").status, 200);
    let log = site.server().log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_second_server_on_the_same_data_is_told_so_and_the_first_goes_on() {
    let site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    let log = Server::try_listen(&site.data(), "127.0.0.1:0", &[]).expect_err("a second server started");
    assert!(!log.contains("panicked") && !log.is_empty(), "{log}");
    assert_eq!(site.history("stable").len(), 1);
}
