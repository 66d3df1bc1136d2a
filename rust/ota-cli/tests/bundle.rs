//! `ota bundle zip` and `ota bundle inspect`, on real folders and files.

mod support;

use std::fs;

use support::{Bench, sha256};

mod zip {
    use super::*;

    #[test]
    fn says_the_two_lines_that_scripts_read() {
        let bench = Bench::new();
        let dir = bench.app();
        let said = bench.ota(&["bundle", "zip", &dir]);
        assert_eq!(said.code, 0, "{said:?}");
        let sum = sha256(&bench.path("dist.zip"));
        assert_eq!(said.out, format!("Checksum SHA256: {sum}\nSaved to dist.zip\n"));
        assert_eq!(said.err, "");
    }

    #[test]
    fn gives_the_same_bytes_for_the_same_files_whatever_their_times() {
        let bench = Bench::new();
        let dir = bench.app();
        let first = bench.ota(&["bundle", "zip", &dir, "--json"]).json();
        fs::write(bench.path("dist/app.js"), "notifyAppReady()").unwrap();
        let again = bench.ota(&["bundle", "zip", &dir, "--json", "--out", "again.zip"]).json();
        assert_eq!(first["checksum"], again["checksum"]);
        assert_eq!(first["bundle"], again["bundle"]);
        assert_eq!(again["filename"], "again.zip");
        assert_eq!(fs::read(bench.path("dist.zip")).unwrap(), fs::read(bench.path("again.zip")).unwrap());
    }

    #[test]
    fn refuses_what_is_no_bundle_and_leaves_the_zip_from_before() {
        let bench = Bench::new();
        bench.folder("app", &[("dist/index.html", "<p>")]);
        fs::write(bench.path("app.zip"), "before").unwrap();
        let (code, text) = bench.ota(&["bundle", "zip", "app", "--json"]).error();
        assert_eq!(code, "no_index_html");
        assert!(text.contains("app/dist: give that folder"), "{text}");
        assert_eq!(fs::read(bench.path("app.zip")).unwrap(), b"before");
        assert_eq!(fs::read_dir(bench.path("")).unwrap().count(), 2, "a temporary file is left");

        let app = bench.app();
        let (code, text) = bench.ota(&["bundle", "zip", &app, "--out", "dist/a.zip", "--json"]).error();
        assert_eq!(code, "invalid_argument");
        assert!(text.contains("inside the folder"), "{text}");
        assert_eq!(bench.ota(&["bundle", "zip", "nowhere", "--json"]).error().0, "invalid_argument");
        assert_eq!(bench.ota(&["bundle", "zip", "app.zip", "--json"]).error().0, "invalid_argument");
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_link_that_leads_out() {
        let bench = Bench::new();
        let dir = bench.app();
        std::os::unix::fs::symlink("/etc/passwd", bench.path("dist/passwd")).unwrap();
        let (code, text) = bench.ota(&["bundle", "zip", &dir, "--json"]).error();
        assert_eq!(code, "archive_refused");
        assert!(text.contains("passwd is a symbolic link"), "{text}");
    }
}

mod inspect {
    use super::*;

    #[test]
    fn a_folder_and_its_zip_are_one_bundle() {
        let bench = Bench::new();
        let dir = bench.app();
        let zipped = bench.ota(&["bundle", "zip", &dir, "--json"]).json();
        let of_zip = bench.ota(&["bundle", "inspect", "dist.zip", "--json"]).json();
        let of_dir = bench.ota(&["bundle", "inspect", &dir, "--json"]).json();
        assert_eq!(of_zip["bundle"], zipped["bundle"]);
        assert_eq!(of_dir["bundle"], zipped["bundle"]);
        assert_eq!(of_zip["checksum"], zipped["checksum"]);
        assert_eq!(of_zip["files"], 2);
        assert_eq!(of_zip["entries"][0]["path"], "app.js");
        assert_eq!(of_zip["entries"][0]["size"], 16);
        assert_eq!(of_zip["entries"][0]["hash"], of_dir["entries"][0]["hash"]);

        let text = bench.ota(&["bundle", "inspect", "dist.zip"]).out;
        assert!(text.contains(zipped["bundle"].as_str().unwrap()) && text.contains("index.html"), "{text}");
    }

    #[test]
    fn refuses_a_hostile_zip_with_the_devices_code_and_names_the_entry() {
        let bench = Bench::new();
        fs::write(bench.path("no.zip"), "this is no zip").unwrap();
        assert_eq!(bench.ota(&["bundle", "inspect", "no.zip", "--json"]).error().0, "not_a_zip");

        // A stored entry whose name climbs out; both headers agree, so that only the name is wrong.
        let dir = bench.app();
        bench.ota(&["bundle", "zip", &dir]);
        let zip = fs::read(bench.path("dist.zip")).unwrap();
        let evil = replace(&zip, b"app.js", b"../app");
        fs::write(bench.path("evil.zip"), evil).unwrap();
        let said = bench.ota(&["bundle", "inspect", "evil.zip", "--json"]);
        let (code, text) = said.error();
        assert_eq!(code, "archive_refused");
        assert!(text.contains("../app"), "{text}");

        let cut = &zip[..zip.len() - 1];
        fs::write(bench.path("cut.zip"), cut).unwrap();
        assert_eq!(bench.ota(&["bundle", "inspect", "cut.zip", "--json"]).error().0, "not_a_zip");
    }

    fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let mut bytes = bytes.to_vec();
        let mut found = 0;
        for at in 0..=bytes.len() - from.len() {
            if &bytes[at..at + from.len()] == from {
                bytes[at..at + from.len()].copy_from_slice(to);
                found += 1;
            }
        }
        assert!(found >= 2, "both headers");
        bytes
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_exit_code_2() {
    let bench = Bench::new();
    let said = bench.ota(&["bundle", "zip"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("Usage:"));
    let said = bench.ota(&["bundle", "zip", "--json"]);
    assert_eq!(said.code, 2);
    let error = &said.json()["error"];
    assert_eq!(error["code"], "invalid_argument");
    assert!(error["message"].as_str().unwrap().contains("<DIR>"), "{error}");
    assert_eq!(bench.ota(&["--help"]).code, 0);
    assert_eq!(bench.ota(&["--version"]).code, 0);
}
