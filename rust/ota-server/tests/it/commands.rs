//! The program `ota-server`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::{PASSWORD, TestServer, client};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ota-server"));
    command.env_remove("OTA_ADMIN_PASSWORD").env_remove("OTA_LOG");
    command
}

/// Runs it to its end: whether it succeeded, standard output, standard error.
pub(crate) fn run(args: &[&str]) -> (bool, String, String) {
    let output = program().args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A server as a process; killed when dropped.
struct Process {
    child: Child,
    url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Process {
    fn start(data: &Path, options: &[&str], password: Option<&str>) -> Self {
        let mut command = program();
        command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(options);
        if let Some(password) = password {
            command.env("OTA_ADMIN_PASSWORD", password);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{url}");
        Self { child, url }
    }

    fn terminate(mut self) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (code, err)
    }

    async fn token(&self, password: &str) -> String {
        let body = serde_json::json!({"username": "admin", "password": password});
        let request = client().post(format!("{}/api/auth/login", self.url)).json(&body);
        let reply: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        reply["token"].as_str().unwrap().to_owned()
    }

    async fn login(&self, name: &str, password: &str) -> u16 {
        let body = serde_json::json!({"username": name, "password": password});
        let url = format!("{}/api/auth/login", self.url);
        client().post(url).json(&body).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn the_first_line_says_where_it_listens_and_sigterm_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(&dir.path().join("a/b"), &["--log-format", "json"], Some("pw"));
    assert_eq!(process.login("admin", "pw").await, 200);
    let (code, err) = process.terminate();
    assert_eq!(code, Some(0));
    for line in err.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    }
}

#[tokio::test]
async fn without_a_password_one_is_made_and_shown_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_, err) = Process::start(dir.path(), &["--admin-user", "root"], None).terminate();
    let password = err.split("with the password ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let process = Process::start(dir.path(), &["--admin-user", "root"], Some("ignored"));
    assert_eq!(process.login("root", &password).await, 200);
    assert_eq!(process.login("root", "ignored").await, 401);
    let (_, err) = process.terminate();
    assert!(!err.contains(&password));
}

#[tokio::test]
async fn a_password_file_works_and_an_empty_password_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, "from a file\n").unwrap();
    let option = ["--admin-password-file", file.to_str().unwrap()];
    let process = Process::start(&dir.path().join("data"), &option, None);
    assert_eq!(process.login("admin", "from a file").await, 200);
    std::fs::write(&file, "\n").unwrap();
    let data = dir.path().join("other");
    let args = [&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"], &option[..]].concat();
    let (ok, _, err) = run(&args);
    assert!(!ok && err.contains("empty"), "{err}");
}

#[tokio::test]
async fn a_request_under_way_is_finished_after_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[], Some("pw"));
    let address = process.url.strip_prefix("http://").unwrap().to_owned();
    let body = r#"{"username":"admin","password":"pw"}"#;
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await; // so that it is under way
    let stopped = std::thread::spawn(move || process.terminate());
    while std::net::TcpStream::connect(&address).is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    std::io::Write::write_all(&mut stream, body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(stopped.join().unwrap().0, Some(0));
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path(), &[], Some("pw"));
    let (ok, out, err) = run(&["--data", dir.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(!ok && out.is_empty() && err.contains("another ota-server"), "{err}");
    drop(first); // killed: the lock goes with it
    Process::start(dir.path(), &[], None);
}

#[tokio::test]
async fn accounts_are_made_changed_and_listed_beside_a_running_server() {
    let server = TestServer::start().await;
    let data = server.dir.path().join("data");
    let data = data.to_str().unwrap();
    let (ok, _, err) = run(&["user", "add", "second", "--data", data]);
    assert!(ok, "{err}");
    let password = err.split("second is ").nth(1).unwrap().lines().next().unwrap();
    server.login("second", password).await.ok();
    let (ok, _, err) = run(&["user", "add", "second", "--data", data]);
    assert!(!ok && err.contains("user passwd"), "{err}");
    let (ok, _, err) = run(&["user", "passwd", "third", "--data", data]);
    assert!(!ok && err.contains("user add"), "{err}");
    let (_, list, _) = run(&["user", "list", "--data", data]);
    let names: Vec<_> = list.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(names, ["admin", "second"]);
}

#[tokio::test]
async fn a_changed_password_ends_every_login_of_the_account() {
    let mut server = TestServer::start().await;
    let data = server.dir.path().join("data");
    server.get("/api/ota/admin/ota/history").await.ok();
    let file = server.dir.path().join("password");
    std::fs::write(&file, "new one").unwrap();
    let args = [
        "user",
        "passwd",
        "admin",
        "--data",
        data.to_str().unwrap(),
        "--password-file",
        file.to_str().unwrap(),
    ];
    let (ok, _, err) = run(&args);
    assert!(ok, "{err}");
    server.get("/api/ota/admin/ota/history").await.refused(401, "unauthorized");
    server.login("admin", PASSWORD).await.refused(401, "unauthorized");
    server.token = server.login("admin", "new one").await.ok()["token"].as_str().unwrap().to_owned();
    server.get("/api/ota/admin/ota/history").await.ok();
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    for args in [&[][..], &["--listen", "127.0.0.1:0"], &["--data"], &["user"], &["--nonsense"]] {
        let status = program().args(args).output().unwrap().status;
        assert_eq!(status.code(), Some(2), "{args:?}");
    }
    let (ok, _, err) = run(&["backup", "/tmp/x.tar", "--data", "/nonexistent"]);
    assert!(!ok && err.contains("not a data directory"), "{err}");
}

/// The most memory a process had so far, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_uploads_at_once_take_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[], Some("pw"));
    let token = process.token("pw").await;
    let bytes = bytes::Bytes::from(crate::common::large_bundle(40 << 20));
    let checksum = ota_protocol::Checksum::of(&bytes).to_string();
    let uploads: Vec<_> = (0..6)
        .map(|n| {
            let length = bytes.len() as u64;
            let part = reqwest::multipart::Part::stream_with_length(bytes.clone(), length);
            let form = reqwest::multipart::Form::new()
                .part("file", part)
                .text("version", n.to_string())
                .text("checksum", checksum.clone());
            let url = format!("{}/api/ota/admin/ota/upload", process.url);
            tokio::spawn(client().post(url).bearer_auth(&token).multipart(form).send())
        })
        .collect();
    for upload in uploads {
        assert_eq!(upload.await.unwrap().unwrap().status(), 200);
    }
    let peak = peak_kib(process.child.id());
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_any_moment_has_every_release_it_answered_for_and_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let mut answered = Vec::new();
    for round in 0..6u64 {
        let mut process = Process::start(dir.path(), &[], Some("pw"));
        let token = process.token("pw").await;
        let url = process.url.clone();
        let uploads = tokio::spawn(async move {
            let mut answered = Vec::new();
            for n in 0.. {
                let version = format!("{round}.{n}");
                let zip = crate::common::bundle(&version);
                let checksum = ota_protocol::Checksum::of(&zip).to_string();
                let form = crate::common::form(Some(&zip), &[("version", &version), ("checksum", &checksum)]);
                let request = client().post(format!("{url}/api/ota/admin/ota/upload"));
                match request.bearer_auth(&token).multipart(form).send().await {
                    Ok(answer) if answer.status() == 200 => answered.push(version),
                    _ => break,
                }
            }
            answered
        });
        tokio::time::sleep(Duration::from_millis(60 + 37 * round)).await;
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        answered.extend(uploads.await.unwrap());

        let process = Process::start(dir.path(), &[], Some("pw"));
        let token = process.token("pw").await;
        let get = |path: &str| client().get(format!("{}{path}", process.url)).bearer_auth(&token).send();
        let history: serde_json::Value =
            get("/api/ota/admin/ota/history").await.unwrap().json().await.unwrap();
        let items = history["items"].as_array().unwrap();
        for version in &answered {
            assert!(items.iter().any(|item| item["version"] == version.as_str()), "{version} is lost");
        }
        for item in items {
            let bytes =
                get(&format!("/api/ota/bundle/{}", item["filename"].as_str().unwrap())).await.unwrap();
            let sum = ota_protocol::Checksum::of(&bytes.bytes().await.unwrap()).to_string();
            assert_eq!(item["checksum"], sum);
        }
        assert_eq!(crate::common::names(&dir.path().join("blobs")).len(), items.len());
        assert!(crate::common::names(&dir.path().join("staging")).is_empty());
    }
    assert!(!answered.is_empty());
}

#[tokio::test]
async fn a_database_that_a_running_server_has_not_upgraded_is_left_alone() {
    let server = TestServer::start().await;
    let data = server.dir.path().join("data");
    rusqlite::Connection::open(data.join("ota.db")).unwrap().pragma_update(None, "user_version", 0).unwrap();
    let (ok, _, err) = run(&["user", "list", "--data", data.to_str().unwrap()]);
    assert!(!ok && err.contains("another ota-server"), "{err}");
}
