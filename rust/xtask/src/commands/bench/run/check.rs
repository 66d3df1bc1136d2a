//! Checks on one core, against nginx with a file of the same size; with few releases and with many.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::place::{Place, need};
use super::report::{Report, Row, Side};
use super::sample::{self, Spread};
use crate::local::Server;
use crate::project::{self, Outcome};
use crate::tools;

const RELEASES: [usize; 2] = [10, 10_000];
const SECONDS: usize = 3;
const LEAST: f64 = 0.5;
const NGINX_PORT: u16 = 18_089;
const DATA: &str = "check-server";

pub(super) fn measure(place: &Place, pairs: usize, report: &mut Report) -> Outcome {
    need(&[("taskset", "util-linux"), ("curl", "curl"), ("wrk", "wrk"), ("nginx", "nginx-light")])?;
    let server = place.start_server(DATA, Some(0))?;
    let token = place.token(DATA)?;
    let dir = place.path("check");
    fs::create_dir_all(dir.join("www"))?;
    let zip = small_zip(place, &dir)?;
    let mut there = 0;
    for releases in RELEASES {
        publish(place, &server, &token, &zip, there..releases)?;
        there = releases;
        let question = question(&zip);
        let answer = ask(&server, &question)?;
        fs::write(dir.join("www").join("check.json"), &answer)?;
        let lua = dir.join("check.lua");
        fs::write(&lua, script(&question))?;
        let nginx = Nginx::start(&dir)?;
        let (mut ours, mut theirs) = (Load::default(), Load::default());
        for _ in 0..pairs {
            place.stop.check()?;
            ours.add(server.id(), || wrk(&format!("{}/check", server.url()), Some(&lua)))?;
            let url = format!("http://127.0.0.1:{NGINX_PORT}/check.json");
            theirs.add(nginx.worker()?, || wrk(&url, None))?;
        }
        drop(nginx);
        add_row(report, releases, answer.len(), &ours, &theirs);
    }
    Ok(())
}

/// What a server did while it was asked as fast as it answers.
#[derive(Debug, Default)]
struct Load {
    /// Requests a second.
    rates: Vec<f64>,
    /// The share of the time in which it computed, in percent: where it is far from 100, something else was measured.
    busy: Vec<f64>,
}

impl Load {
    fn add(&mut self, process: u32, wrk: impl FnOnce() -> Outcome<f64>) -> Outcome {
        let before = computed_ms(process)?;
        let (rate, ms) = sample::time(wrk)?;
        self.rates.push(rate);
        self.busy.push((computed_ms(process)? - before) / ms * 100.0);
        Ok(())
    }
}

/// Milliseconds that a process's threads have computed.
fn computed_ms(process: u32) -> Outcome<f64> {
    let mut ms = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        ms += text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e6;
    }
    Ok(ms)
}

fn add_row(report: &mut Report, releases: usize, size: usize, ours: &Load, theirs: &Load) {
    let of = |command: String, load: &Load| Side { command, unit: "/s", spread: Spread::of(&load.rates) };
    let median = |values: &[f64]| Spread::of(values).median;
    let share = median(&ours.rates) / median(&theirs.rates);
    let wrk = format!("taskset -c 1 wrk -t1 -c32 -d{SECONDS}s");
    report.add(Row {
        what: format!("Checks on one core, {releases} releases, answers of {size} bytes"),
        ours: of(format!("{wrk} -s check.lua URL/check"), ours),
        rival: Some(of(format!("{wrk} URL/check.json   # taskset -c 0 nginx, one worker, no log"), theirs)),
        result: format!(
            "{share:.2} of nginx's (busy {:.0} % and {:.0} %)",
            median(&ours.busy),
            median(&theirs.busy)
        ),
        target: format!("at least {LEAST}"),
        is_met: share >= LEAST,
    });
}

struct Zip {
    path: std::path::PathBuf,
    checksum: String,
    root: String,
}

fn small_zip(place: &Place, dir: &Path) -> Outcome<Zip> {
    let web = dir.join("web");
    fs::create_dir_all(&web)?;
    fs::write(web.join("index.html"), "<!doctype html><script>notifyAppReady()</script>")?;
    let path = dir.join("web.zip");
    let mut command = Command::new(&place.ota);
    command.args(["--json", "bundle", "zip"]).arg(&web).arg("--out").arg(&path);
    let line: Value = serde_json::from_slice(&project::output_of(&mut command)?)?;
    let text = |field: &str| line[field].as_str().map(str::to_owned).ok_or(format!("no {field}: {line}"));
    Ok(Zip { path, checksum: text("checksum")?, root: text("bundle")? })
}

/// Uploads the same zip under one version after another, over one connection.
fn publish(place: &Place, server: &Server, token: &str, zip: &Zip, range: std::ops::Range<usize>) -> Outcome {
    let mut config = String::new();
    for number in range {
        write!(
            config,
            "url = \"{}/api/ota/admin/ota/upload\"\nheader = \"Authorization: Bearer {token}\"\n\
             form = \"file=@{}\"\nform = \"version=1.0.{number}\"\nform = \"checksum={}\"\n\
             output = \"/dev/null\"\nfail\nsilent\nshow-error\nnext\n",
            server.url(),
            zip.path.display(),
            zip.checksum,
        )?;
    }
    let path = place.path("check").join("uploads.curl");
    fs::write(&path, config.trim_end_matches("next\n"))?;
    project::output_of(Command::new("curl").arg("-K").arg(&path)).map(drop)
}

/// A device on the newest release: the question that nearly all devices ask, nearly always.
fn question(zip: &Zip) -> String {
    json!({
        "version_build": "1.0.0", "channel": "stable", "protocol": 1, "platform": "android",
        "native_version": "1.0.0", "native_build": "10", "root": zip.root, "floor": 1,
        "device_number": 4321, "on_builtin": false
    })
    .to_string()
}

fn ask(server: &Server, question: &str) -> Outcome<Vec<u8>> {
    let mut curl = Command::new("curl");
    curl.args(["-fsS", "-H", "Content-Type: application/json", "-d", question]);
    let answer = project::output_of(curl.arg(format!("{}/check", server.url())))?;
    let value: Value = serde_json::from_slice(&answer)?;
    let is_one = value["releases"].as_array().is_some_and(|releases| releases.len() == 1);
    if is_one { Ok(answer) } else { Err(format!("one release was expected: {value}").into()) }
}

fn script(question: &str) -> String {
    format!(
        "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [[{question}]]\n"
    )
}

/// Requests a second. Answers that are not 200 are an error.
fn wrk(url: &str, script: Option<&Path>) -> Outcome<f64> {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", "1", "wrk", "-t1", "-c32", &format!("-d{SECONDS}s")]);
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let said = String::from_utf8(project::output_of(wrk.arg(url))?)?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("not every request was answered:\n{said}").into());
    }
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(rate.ok_or("wrk says no rate")?.trim().parse()?)
}

/// Ends with this value.
struct Nginx(Child);

impl Nginx {
    fn start(dir: &Path) -> Outcome<Self> {
        let config = format!(
            "daemon off;\nworker_processes 1;\npid {dir}/nginx.pid;\nerror_log {dir}/nginx.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 100000000;\n  \
             types {{ application/json json; }}\n  client_body_temp_path {dir}/a;\n  proxy_temp_path {dir}/b;\n  \
             fastcgi_temp_path {dir}/c;\n  uwsgi_temp_path {dir}/d;\n  scgi_temp_path {dir}/e;\n  \
             server {{ listen 127.0.0.1:{NGINX_PORT}; root {dir}/www; }}\n}}\n",
            dir = dir.display()
        );
        let path = dir.join("nginx.conf");
        fs::write(&path, config)?;
        let program = tools::find("nginx").ok_or("nginx is missing")?;
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program).arg("-c").arg(&path).arg("-p").arg(dir);
        let nginx = Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", NGINX_PORT)).is_ok() {
                return Ok(nginx);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let log = fs::read_to_string(dir.join("nginx.log")).unwrap_or_default();
        Err(format!("nginx did not start:\n{log}").into())
    }
}

impl Nginx {
    /// The process that answers.
    fn worker(&self) -> Outcome<u32> {
        let master = self.0.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        Ok(children.split_whitespace().next().ok_or("nginx has no worker")?.parse()?)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its worker, which a kill would leave behind.
        let id = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}
