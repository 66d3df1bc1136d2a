//! Zips that break a rule or lie: the files of `tests/vectors/zips`, at every door.

use std::fs;
use std::path::PathBuf;

use ota_e2e::zip::{Entry, file, sample, zip, zip_of};
use ota_e2e::{App, Device, Middle, Ota, Site, answer, sha256, vector};
use serde_json::json;

/// A case: the file's name, the code, what the text names, the bytes.
struct Case {
    name: &'static str,
    code: &'static str,
    names: &'static str,
    bytes: Vec<u8>,
}

/// The sample with one entry more.
fn with(entry: Entry) -> Vec<u8> {
    zip(&[sample(), vec![entry]].concat())
}

/// The sample with its second entry changed.
fn lying(change: impl Fn(&mut Entry)) -> Vec<u8> {
    let mut entries = sample();
    change(&mut entries[1]);
    zip(&entries)
}

fn cases() -> Vec<Case> {
    let case = |name, code, names, bytes| Case { name, code, names, bytes };
    let refused = |name, names, bytes| case(name, "archive_refused", names, bytes);
    let whole = zip(&sample());
    let named = |name: &str| with(file(name, b"x"));
    vec![
        case("empty", "not_a_zip", "", Vec::new()),
        case("web-page", "not_a_zip", "", b"<!doctype html><p>sign in".repeat(40)),
        case("cut-in-half", "not_a_zip", "", whole[..whole.len() / 2].to_vec()),
        case("without-its-last-byte", "not_a_zip", "", whole[..whole.len() - 1].to_vec()),
        case("no-entries", "no_index_html", "index.html", zip(&[])),
        case(
            "index-in-a-folder",
            "no_index_html",
            "index.html",
            zip(&[file("dist/index.html", b"x"), file("readme.txt", b"x")]),
        ),
        case("index-in-capitals", "no_index_html", "index.html", zip(&[file("INDEX.HTML", b"x")])),
        refused("leaves-its-folder", "../evil.js", named("../evil.js")),
        refused("leaves-its-folder-deep-inside", "a/../../evil.js", named("a/../../evil.js")),
        refused("absolute", "/etc/evil", named("/etc/evil")),
        refused("backslash", "..\\\\evil.js", named("..\\evil.js")),
        refused("drive", "C:evil.js", named("C:evil.js")),
        refused("control-character", "evil", named("evil\u{7}.js")),
        refused("nul", "evil", named("evil\0.js")),
        refused("empty-part", "a//evil.js", named("a//evil.js")),
        refused("dot-part", "./evil.js", named("./evil.js")),
        refused(
            "not-utf8",
            "",
            with(Entry { name: vec![b'a', 0xff], local_name: vec![b'a', 0xff], ..file("aa", b"x") }),
        ),
        refused("twice", "js/app.js", named("js/app.js")),
        refused("twice-but-for-case", "JS/app.js", named("JS/app.js")),
        refused("file-and-folder", "js", named("js")),
        refused(
            "symlink",
            "link",
            with(Entry { attributes: 0o120_777 << 16, ..file("link", b"/etc/passwd") }),
        ),
        refused("device", "null", with(Entry { attributes: 0o020_666 << 16, ..file("null", b"") })),
        refused("encrypted", "js/app.js", lying(|entry| entry.flags |= 1)),
        refused("unknown-method", "js/app.js", lying(|entry| entry.method = 99)),
        refused("wrong-crc", "js/app.js", lying(|entry| entry.crc ^= 1)),
        case("states-more-than-it-has", "not_a_zip", "js/app.js", lying(|entry| entry.size += 1)),
        case("states-less-than-it-has", "not_a_zip", "js/app.js", lying(|entry| entry.size -= 1)),
        refused("two-names", "js/app.js", lying(|entry| entry.local_name = b"js/app.sh".to_vec())),
        refused("overlapping", "js/app.js", lying(|entry| entry.offset = Some(0))),
        case("offset-beyond-the-end", "not_a_zip", "js/app.js", lying(|entry| entry.offset = Some(1 << 30))),
        case("one-entry-more-stated", "not_a_zip", "", zip_of(&sample(), 3)),
        case("one-entry-fewer-stated", "not_a_zip", "", zip_of(&sample(), 1)),
        refused(
            "a-path-of-513-bytes",
            "aaa",
            named(&format!("{}/x", ["a".repeat(199).as_str(); 3].join("/"))),
        ),
        refused("a-name-of-201-bytes", "aaa", named(&"a".repeat(201))),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/zips").join(format!("{name}.zip"))
}

#[test]
fn vectors_are_what_this_file_makes() {
    let mut listed = json!({});
    for Case { name, code, names, bytes } in cases() {
        listed[name] = json!({"code": code, "names": names});
        if std::env::var_os("OTA_WRITE_VECTORS").is_some() {
            fs::write(path(name), &bytes).unwrap();
        }
        assert_eq!(fs::read(path(name)).expect(name), bytes, "{name}");
    }
    if std::env::var_os("OTA_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&listed).unwrap();
        fs::write(path("x").with_file_name("cases.json"), text + "\n").unwrap();
    }
    assert_eq!(vector("zips/cases.json"), listed);
}

#[test]
fn the_server_refuses_each_and_keeps_nothing() {
    let site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    for Case { name, code, names, bytes } in cases() {
        let answer = site.upload(&bytes, "stable", "2.0.0");
        let text = answer.text();
        assert_eq!((answer.status, answer.json()["code"].as_str()), (422, Some(code)), "{name}: {text}");
        assert!(text.contains(names), "{name}: {names} is not named: {text}");
        let count = |folder: &str| fs::read_dir(site.data().join(folder)).unwrap().count();
        assert_eq!((count("blobs"), count("staging")), (1, 0), "{name}");
    }
    assert_eq!(site.history("stable").len(), 1);
    assert!(!site.server().log().contains("panicked"));
    site.deploy(&App::new("2.0.0"), "2.0.0");
}

#[test]
fn the_command_line_refuses_each_before_it_asks_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut ota = Ota::new(dir.path());
    ota.server = Some("http://127.0.0.1:9".to_owned());
    ota.token = Some("a token".to_owned());
    for Case { name, code, .. } in cases() {
        let path = path(name);
        let path = path.to_str().unwrap();
        assert_eq!(ota.run(&["bundle", "inspect", path]).error(), code, "{name}");
        assert_eq!(ota.run(&["deploy", path, "--version", "1.0.0"]).error(), code, "{name}");
    }
}

#[test]
fn the_device_refuses_each_and_takes_the_next_good_one() {
    let site = Site::start();
    let good = App::new("good");
    site.deploy(&good, "1.1.0");
    let device = Device::new(site.url());
    device.install();
    let next = App::new("next");
    for Case { name, code, bytes, .. } in cases() {
        // A server of the plainest kind, which checks nothing itself.
        let reply = json!({"version": "2.0.0", "url": "/x.zip", "checksum": sha256(&bytes)}).to_string();
        let middle = Middle::new(site.url(), move |seen| {
            let body = if seen.method == "POST" { reply.as_bytes() } else { &bytes };
            answer(200, &[("content-type", "application/octet-stream")], body)
        });
        let device = Device::new(&middle.url());
        let said = device.update();
        assert_eq!(said.error(), code, "{name}: {said:?}");
        assert!(device.names("staging").is_empty() && device.names("bundles").is_empty(), "{name}");
        assert!(device.names("downloads").is_empty(), "{name}: of no use to anybody");
        let status = device.status();
        assert_eq!((&status["blocked"], &status["next"]), (&json!([]), &json!(null)), "{name}");
        assert_eq!(device.start().what(), ("1.0.0", "builtin"), "{name}");
    }
    site.deploy(&next, "1.2.0");
    device.shows(&device.install(), &next);
}

#[test]
fn a_zip_bomb_is_refused_before_it_takes_disk() {
    let bomb = App::new("bomb").with("zeros.bin", &vec![0; 3 << 20]);
    let dir = tempfile::tempdir().unwrap();
    let ota = Ota::new(dir.path());
    let out = dir.path().join("bomb.zip");
    let said = ota.run(&["bundle", "zip", bomb.dir().to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(said.error(), "archive_too_large", "what no device takes is not made: {said:?}");
    assert!(!out.exists());
}

#[test]
fn what_a_folder_may_not_hold_is_refused_by_deploy() {
    let site = Site::start();
    let linked = App::new("x");
    std::os::unix::fs::symlink("/etc/passwd", linked.dir().join("link")).unwrap();
    let said = site.try_deploy(&linked, "1.0.0", &[]);
    assert_eq!(said.error(), "archive_refused");
    assert!(said.message().contains("link"), "{said:?}");
    let headless = App::new("x");
    fs::remove_file(headless.dir().join("index.html")).unwrap();
    assert_eq!(site.try_deploy(&headless, "1.0.0", &[]).error(), "no_index_html");
    assert!(site.history("stable").is_empty());
}
