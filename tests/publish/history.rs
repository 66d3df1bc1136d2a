//! What the server remembers of what was published.

use ota_e2e::{App, Site, sha256};
use serde_json::{Value, json};

/// The names of an object, sorted.
fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_deploy_is_a_row_of_the_history_in_the_seeds_shape() {
    let site = Site::start();
    let app = App::new("1.0.0");
    let deployed = site.deploy(&app, "1.0.0");
    let zip = app.zip();
    let rows = site.history("stable");
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(names(row), ["active", "channel", "checksum", "filename", "size", "uploaded_at", "version"]);
    assert_eq!((&row["channel"], &row["version"]), (&"stable".into(), &"1.0.0".into()));
    assert_eq!(row["filename"], "stable-1.0.0.zip");
    assert_eq!(row["checksum"], sha256(&zip));
    assert_eq!(row["size"], zip.len());
    assert_eq!(row["active"], true);
    assert_eq!(deployed["root"], app.root());
    for name in names(row) {
        assert_eq!(deployed[name], row[name], "the deploy says what the history says: {name}");
    }
    assert_eq!((&deployed["replaced"], &deployed["unchanged"]), (&Value::Null, &false.into()));
}

#[test]
fn the_newest_comes_first_and_one_is_active() {
    let site = Site::start();
    for version in ["1.0.0", "1.1.0", "1.0.1"] {
        site.deploy(&App::new(version), version);
    }
    let rows = site.history("stable");
    let rows: Vec<_> =
        rows.iter().map(|row| (row["version"].as_str().unwrap(), row["active"].as_bool().unwrap())).collect();
    assert_eq!(rows, [("1.0.1", true), ("1.1.0", false), ("1.0.0", false)]);
}

#[test]
fn a_deploy_says_what_it_replaced() {
    let site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    assert_eq!(site.deploy(&App::new("1.1.0"), "1.1.0")["replaced"], "1.0.0");
}

#[test]
fn an_upload_with_the_seeds_four_fields_is_enough() {
    let site = Site::start();
    let app = App::new("1.0.0");
    let zip = app.zip();
    let row = site.upload(&zip, "beta", "1.0.0").ok();
    assert_eq!((&row["filename"], &row["root"]), (&"beta-1.0.0.zip".into(), &app.root().into()));
    let got = site.admin("GET", "/api/ota/bundle/beta-1.0.0.zip", None);
    assert_eq!((got.status, got.bytes), (200, zip));
    assert_eq!(site.history("beta").len(), 1);
    assert!(site.history("stable").is_empty());
}

#[test]
fn the_same_version_again_with_the_same_bytes_changes_nothing() {
    let site = Site::start();
    let app = App::new("1.0.0");
    let first = site.deploy(&app, "1.0.0");
    let again = site.deploy(&app, "1.0.0");
    assert_eq!((&again["unchanged"], &again["sequence"]), (&true.into(), &first["sequence"]));
    assert_eq!(site.history("stable").len(), 1);
    site.upload(&app.zip(), "stable", "1.0.0").ok();
    assert_eq!(site.history("stable").len(), 1);
}

#[test]
fn the_same_version_again_with_other_bytes_is_refused() {
    let site = Site::start();
    let app = App::new("1.0.0");
    site.deploy(&app, "1.0.0");
    let other = App::new("other");
    assert_eq!(site.try_deploy(&other, "1.0.0", &[]).error(), "version_exists");
    site.upload(&other.zip(), "stable", "1.0.0").refused(409, "version_exists");
    assert_eq!(site.history("stable")[0]["checksum"], sha256(&app.zip()));
}

#[test]
fn a_deleted_versions_number_takes_only_its_old_bytes_again() {
    let site = Site::start();
    let app = App::new("1.0.0");
    site.deploy(&app, "1.0.0");
    let gone = site.admin("DELETE", "/api/ota/admin/ota/stable/1.0.0", None).ok();
    assert_eq!(gone, json!({"deleted": "1.0.0", "active": null}));
    assert!(site.history("stable").is_empty());
    assert_eq!(site.admin("GET", "/api/ota/bundle/stable-1.0.0.zip", None).status, 404);
    site.upload(&App::new("other").zip(), "stable", "1.0.0").refused(409, "version_exists");
    site.deploy(&app, "1.0.0");
    assert_eq!(site.history("stable").len(), 1);
    assert_eq!(site.admin("GET", "/api/ota/bundle/stable-1.0.0.zip", None).bytes, app.zip());
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    let site = Site::start();
    site.admin("DELETE", "/api/ota/admin/ota/stable/9.9.9", None).refused(404, "not_found");
    let said = site.ota.run(&["release", "delete", "--channel", "stable", "9.9.9"]);
    assert_eq!(said.error(), "not_found");
}

#[test]
fn two_uploads_of_one_version_at_once_leave_one_row_and_its_bytes() {
    let site = Site::start();
    for round in 0..4 {
        let version = format!("1.{round}.0");
        let zips: Vec<_> = (0..4).map(|at| App::large(&format!("{round} {at}"), 60_000).zip()).collect();
        let statuses: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                zips.iter().map(|zip| scope.spawn(|| site.upload(zip, "stable", &version).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let won: Vec<_> = (0..4).filter(|at| statuses[*at] == 200).collect();
        assert_eq!(won.len(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
        let rows = site.history("stable");
        assert_eq!(rows.len(), round + 1);
        assert_eq!(rows[0]["checksum"], sha256(&zips[won[0]]));
        let got = site.admin("GET", &format!("/api/ota/bundle/stable-{version}.zip"), None);
        assert_eq!(got.bytes, zips[won[0]]);
    }
}

#[test]
fn two_uploads_of_the_same_bytes_at_once_both_succeed() {
    let site = Site::start();
    let zip = App::large("1.0.0", 60_000).zip();
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| site.upload(&zip, "stable", "1.0.0").status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 4]);
    assert_eq!(site.history("stable").len(), 1);
}

#[test]
fn what_was_published_survives_a_server_that_is_killed() {
    let mut site = Site::start();
    let app = App::new("1.0.0");
    site.deploy(&app, "1.0.0");
    let before = site.history("stable");
    site.kill();
    site.revive();
    assert_eq!(site.history("stable"), before, "and the token is still one");
    assert_eq!(site.admin("GET", "/api/ota/bundle/stable-1.0.0.zip", None).bytes, app.zip());
}

#[test]
fn an_upload_that_a_kill_cuts_off_leaves_nothing() {
    let mut site = Site::start();
    site.deploy(&App::new("1.0.0"), "1.0.0");
    let zip = App::large("1.1.0", 3_000_000).zip();
    let form =
        ota_e2e::Form::default().text("version", "1.1.0").text("checksum", &sha256(&zip)).file(&zip).end();
    let request = format!(
        "POST /api/ota/admin/ota/upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: {}\r\ncontent-length: {}\r\n\r\n",
        site.token(),
        ota_e2e::Form::TYPE,
        form.len()
    );
    let mut stream = std::net::TcpStream::connect(site.url().trim_start_matches("http://")).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    std::io::Write::write_all(&mut stream, &form[..form.len() / 2]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(150));
    site.kill();
    drop(stream);
    site.revive();
    assert_eq!(site.history("stable").len(), 1);
    let left = std::fs::read_dir(site.data().join("staging")).unwrap().count();
    assert_eq!(left, 0, "swept at the start");
    site.upload(&zip, "stable", "1.1.0").ok();
}
