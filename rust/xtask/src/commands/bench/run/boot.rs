//! A boot: as a process, against one that does nothing, and inside a process that is there already.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ota_agent::engine::{Agent, App, Config, Start};
use ota_agent::http::{Http, HttpOptions};
use ota_agent::lifecycle::Exit;
use ota_agent::ports::{Cancel, Ports, RealFs, SystemClock};
use ota_protocol::Platform;
use serde_json::Value;

use super::place::Place;
use super::report::{Report, Row, Side};
use super::sample::{self, Spread};
use crate::local::Ota;
use crate::project::{self, Outcome};

const NATIVE: &str = "1.0.0";
const PROCESSES: usize = 201;
const CALLS: usize = 1001;
const MOST_ABOVE_TRUE_MS: f64 = 3.0;
const MOST_IN_PROCESS_MS: f64 = 1.0;

pub(super) fn measure(place: &Place, report: &mut Report) -> Outcome {
    let (home, builtin) = (place.path("boot"), place.path("boot-builtin"));
    five_bundles(place, &home, &builtin)?;
    by_process(place, &home, &builtin, report)?;
    in_process(&home, &builtin, report)
}

/// A device with a confirmed bundle, the one before it, and three that its page fetched.
fn five_bundles(place: &Place, home: &Path, builtin: &Path) -> Outcome {
    let server = place.start_server("boot-server", None)?;
    let ota = place.log_in(&server)?;
    let publish = |name: &str| -> Outcome<Value> {
        let dir = place.path(&format!("boot-{name}"));
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("index.html"), format!("<!doctype html><title>{name}</title>"))?;
        for file in 0..20 {
            fs::write(dir.join(format!("{file}.js")), format!("{name} {file} notifyAppReady"))?;
        }
        ota.one(&["deploy".as_ref(), dir.as_os_str(), "--version".as_ref(), name.as_ref()])
    };
    fs::create_dir_all(builtin)?;
    fs::write(builtin.join("index.html"), "<!doctype html>")?;
    for version in ["1.0.1", "1.0.2"] {
        publish(version)?;
        ota.json(&device(home, builtin, &["--server", server.url(), "update"]))?;
        let boot = ota.one(&device(home, builtin, &["boot"]))?;
        ready(&ota, home, builtin, &boot)?;
    }
    let http = Http::new(&HttpOptions::default()).map_err(|error| error.to_string())?;
    let agent = agent(home, builtin, Some(Arc::new(http)));
    for version in ["1.0.3", "1.0.4", "1.0.5"] {
        let released = publish(version)?;
        let file = released["filename"].as_str().unwrap_or_default();
        let url = format!("{}/api/ota/bundle/{file}", server.url());
        agent.download(&url, version, None, &Cancel::default(), &mut |_| {}).map_err(|e| e.explain())?;
    }
    let held = fs::read_dir(home.join("bundles"))?.count();
    if held == 5 { Ok(()) } else { Err(format!("five bundles should be on disk, and {held} are").into()) }
}

fn device(home: &Path, builtin: &Path, words: &[&str]) -> Vec<std::ffi::OsString> {
    let mut args = vec!["device".into(), "--home".into(), home.into(), "--builtin".into(), builtin.into()];
    args.extend(["--native-version", NATIVE].iter().chain(words).map(std::ffi::OsString::from));
    args
}

fn ready(ota: &Ota, home: &Path, builtin: &Path, boot: &Value) -> Outcome {
    let token = boot["token"].as_str().ok_or_else(|| format!("no token: {boot}"))?;
    ota.json(&device(home, builtin, &["ready", "--token", token])).map(drop)
}

fn by_process(place: &Place, home: &Path, builtin: &Path, report: &mut Report) -> Outcome {
    let args = |words: &[&str]| device(home, builtin, words);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for pair in 0..PROCESSES {
        place.stop.check()?;
        // A process that is not timed goes before each that is, so that what ran before it weighs on neither side.
        let run = |command: &mut Command| {
            project::output_of(&mut Command::new("/bin/true"))?;
            sample::time(|| project::output_of(command))
        };
        let boot = || run(Command::new(&place.ota).args(args(&["boot"])));
        let nothing = || run(&mut Command::new("/bin/true"));
        let (boot, nothing) = if pair % 2 == 0 { (boot()?, nothing()?) } else { flip(nothing()?, boot()?) };
        ours.push(boot.1);
        theirs.push(nothing.1);
        let line: Value = serde_json::from_slice(&boot.0)?;
        if line["reason"] != "current" {
            return Err(format!("an ordinary boot was expected: {line}").into());
        }
        let token = line["token"].as_str().unwrap_or_default();
        project::output_of(Command::new(&place.ota).args(args(&["ready", "--token", token])))?;
    }
    let (ours, theirs) = (Spread::of(&ours), Spread::of(&theirs));
    let above = ours.median - theirs.median;
    report.add(Row {
        what: "Boot, five bundles on disk: a process".to_owned(),
        ours: side("ota device --home H --builtin B --native-version 1.0.0 boot", ours),
        rival: Some(side("/bin/true", theirs)),
        result: format!("{above:.2} ms above it"),
        target: format!("at most {MOST_ABOVE_TRUE_MS} ms"),
        is_met: above <= MOST_ABOVE_TRUE_MS,
    });
    Ok(())
}

fn flip<A, B>(a: A, b: B) -> (B, A) {
    (b, a)
}

/// Each call is a new agent's first, as at a phone's start.
fn in_process(home: &Path, builtin: &Path, report: &mut Report) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let (booted, ms) = sample::time(|| {
            let agent = agent(home, builtin, None);
            let start = Start { exit: Some(Exit::Unknown), foreground: true };
            let booted = agent.boot(start).map_err(|error| error.explain())?;
            Ok((agent, booted))
        })?;
        times.push(ms);
        booted.0.ready(booted.1.token).map_err(|error| error.explain())?;
    }
    let ours = Spread::of(&times);
    report.add(Row {
        what: "The same boot inside a process".to_owned(),
        ours: side("Agent::new, Agent::boot", ours),
        rival: None,
        result: format!("{:.3} ms", ours.median),
        target: format!("under {MOST_IN_PROCESS_MS} ms"),
        is_met: ours.median < MOST_IN_PROCESS_MS,
    });
    Ok(())
}

fn side(command: &str, spread: Spread) -> Side {
    Side { command: command.to_owned(), unit: "ms", spread }
}

/// The agent as `ota device` makes it.
fn agent(home: &Path, builtin: &Path, http: Option<Arc<Http>>) -> Agent {
    let app = App {
        id: None,
        native_version: NATIVE.to_owned(),
        native_build: String::new(),
        platform: Some(Platform::Android),
        os_version: String::new(),
        builtin: builtin.to_owned(),
        stamp: None,
        os_boot: None,
        live_reload: false,
    };
    let transport = http.map(|http| http as _);
    let ports = Ports { fs: Arc::new(RealFs), clock: Arc::new(SystemClock), transport };
    Agent::new(home, Config::default(), app, ports)
}
