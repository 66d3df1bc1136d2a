//! An update from a server on this machine, against what a person would type for the same zip.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::place::{APP, APP_VERSION, Place, need};
use super::report::{Report, Row, Side};
use super::sample::{self, Run, Spread};
use crate::project::Outcome;

const MOST_TIME: f64 = 0.6;
const MOST_KIB: f64 = 64.0 * 1024.0;

pub(super) fn measure(place: &Place, pairs: usize, report: &mut Report) -> Outcome {
    need(&[("curl", "curl"), ("unzip", "unzip"), ("npm", "npm")])?;
    let app = place.app()?;
    let server = place.start_server("update-server", None)?;
    let ota = place.log_in(&server)?;
    let args = ["deploy".as_ref(), app.as_os_str(), "--version".as_ref(), APP_VERSION.as_ref()];
    let released = ota.one(&args)?;
    let builtin = place.path("builtin");
    fs::create_dir_all(&builtin)?;
    fs::write(builtin.join("index.html"), "<!doctype html>")?;

    let typed = rival(&released, server.url())?;
    let count = Cell::new(0);
    // Nothing is deleted between runs: ext4 avoids the inodes of files deleted a moment ago, and looks ever longer
    // for others, so that each run would pay for the ones before it. It also finds a folder's place on the disk by its
    // name, so names are new as well.
    let folder = || -> Outcome<PathBuf> {
        count.set(count.get() + 1);
        let work = place.path(&format!("update-{}-{}", std::process::id(), count.get()));
        fs::create_dir_all(&work)?;
        sample::settle();
        Ok(work)
    };
    let ours = || sample::run(&place.ota, &device(&folder()?, &builtin, server.url()));
    let theirs = || {
        let shell = [OsString::from("-c"), format!("cd {} && {typed}", folder()?.display()).into()];
        sample::run(Path::new("/bin/sh"), &shell)
    };

    // One of each that does not count: files come into the system's cache, programs are loaded.
    ours()?;
    theirs()?;
    let (mut our_runs, mut their_runs) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        place.stop.check()?;
        // Whoever comes first in a pair comes second in the next.
        if pair % 2 == 0 {
            our_runs.push(ours()?);
            their_runs.push(theirs()?);
        } else {
            their_runs.push(theirs()?);
            our_runs.push(ours()?);
        }
    }
    add_rows(&released, &typed, &our_runs, &their_runs, report);
    Ok(())
}

fn add_rows(released: &Value, typed: &str, ours: &[Run], theirs: &[Run], report: &mut Report) {
    let ms = |runs: &[Run]| Spread::of(&runs.iter().map(|run| run.ms).collect::<Vec<_>>());
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let kib = |runs: &[Run]| Spread::of(&runs.iter().map(|run| run.max_rss_kib as f64).collect::<Vec<_>>());
    let side = |command: &str, unit, spread| Side { command: command.to_owned(), unit, spread };
    let device = "ota device --home H --builtin B --native-version 1.0.0 --server URL update";
    let (time, memory) = (ms(ours).median / ms(theirs).median, kib(ours).max);
    let kilobytes = released["size"].as_u64().unwrap_or_default() / 1000;
    report.add(Row {
        what: format!("Update, {APP} {APP_VERSION}, zip of {kilobytes} kB: time"),
        ours: side(device, "ms", ms(ours)),
        rival: Some(side(typed, "ms", ms(theirs))),
        result: format!("{time:.2} of the rival's"),
        target: format!("at most {MOST_TIME}"),
        is_met: time <= MOST_TIME,
    });
    report.add(Row {
        what: "The same update: peak memory".to_owned(),
        ours: side(device, "KiB", kib(ours)),
        rival: Some(side(typed, "KiB", kib(theirs))),
        result: format!("{:.1} MiB at most", memory / 1024.0),
        target: "at most 64 MiB".to_owned(),
        is_met: memory <= MOST_KIB,
    });
}

/// What a person would type, in an empty folder.
fn rival(released: &Value, server: &str) -> Outcome<String> {
    let text = |field: &str| released[field].as_str().ok_or_else(|| format!("no {field}: {released}"));
    let (file, checksum) = (text("filename")?, text("checksum")?);
    Ok(format!(
        "curl -fsSO {server}/api/ota/bundle/{file} && echo '{checksum}  {file}' | sha256sum -c --quiet && \
         unzip -q {file} -d www"
    ))
}

fn device(home: &Path, builtin: &Path, server: &str) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["device".into(), "--home".into(), home.into()];
    args.extend(["--builtin".into(), builtin.into(), "--native-version".into(), "1.0.0".into()]);
    args.extend(["--server".into(), server.into(), "update".into()]);
    args
}
