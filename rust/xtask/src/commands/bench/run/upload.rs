//! Large uploads: how much memory the server holds, and how long they take.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::place::{Place, need};
use super::report::{Report, Row, Side};
use super::sample::{self, Spread};
use crate::local::Server;
use crate::project::{self, Outcome};

const FILES: u64 = 4;
const FILE_BYTES: u64 = 25_000_000;
const MANY: usize = 20;
const MOST_KIB: f64 = 64.0 * 1024.0;

pub(super) fn measure(place: &Place, report: &mut Report) -> Outcome {
    need(&[("curl", "curl")])?;
    let zip = place.path("upload.zip");
    let checksum = large_zip(place, &zip)?;
    for (count, data) in [(1, "upload-one"), (MANY, "upload-many")] {
        let server = place.start_server(data, None)?;
        let token = place.token(data)?;
        let idle = high_water(&server)?;
        sample::settle();
        let ((), ms) = sample::time(|| {
            let uploads: Vec<_> =
                (0..count).map(|number| upload(&server, &token, &zip, &checksum, number)).collect();
            uploads.into_iter().try_for_each(finish)
        })?;
        let most = high_water(&server)?;
        report.add(Row {
            what: format!("Upload of a 100 MB zip, {count} at once: the server's peak memory"),
            ours: Side {
                command: "curl -F file=@app.zip -F version=V -F checksum=SHA256 URL/api/ota/admin/ota/upload"
                    .to_owned(),
                unit: "KiB",
                spread: Spread::of(&[most]),
            },
            rival: None,
            result: format!(
                "{:.1} MiB (idle {:.1}); all in {:.1} s",
                most / 1024.0,
                idle / 1024.0,
                ms / 1000.0
            ),
            target: "under 64 MiB".to_owned(),
            is_met: most < MOST_KIB,
        });
    }
    Ok(())
}

/// Random bytes, which no packer makes smaller.
fn large_zip(place: &Place, zip: &Path) -> Outcome<String> {
    let web = place.path("upload-web");
    fs::create_dir_all(&web)?;
    fs::write(web.join("index.html"), "<!doctype html>")?;
    for number in 0..FILES {
        let mut random = File::open("/dev/urandom")?.take(FILE_BYTES);
        io::copy(&mut random, &mut File::create(web.join(format!("{number}.bin")))?)?;
    }
    let mut command = Command::new(&place.ota);
    command.args(["--json", "bundle", "zip"]).arg(&web).arg("--out").arg(zip);
    let line: Value = serde_json::from_slice(&project::output_of(&mut command)?)?;
    Ok(line["checksum"].as_str().ok_or_else(|| format!("no checksum: {line}"))?.to_owned())
}

fn upload(server: &Server, token: &str, zip: &Path, checksum: &str, number: usize) -> Outcome<Child> {
    let mut curl = Command::new("curl");
    curl.args(["-fsS", "-H", &format!("Authorization: Bearer {token}")]);
    curl.args(["-F", &format!("file=@{}", zip.display()), "-F", &format!("version=1.0.{number}")]);
    curl.args(["-F", &format!("checksum={checksum}")]);
    curl.arg(format!("{}/api/ota/admin/ota/upload", server.url()));
    Ok(curl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

fn finish(upload: Outcome<Child>) -> Outcome {
    let output = upload?.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("an upload: {} {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()).into())
}

/// The most memory a process has held, in KiB.
fn high_water(server: &Server) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).ok_or("the system says no VmHWM")?;
    Ok(kib.trim().parse()?)
}
