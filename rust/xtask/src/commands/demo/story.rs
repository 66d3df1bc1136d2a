//! What happens, in order; each thing said is one that was checked.

use std::path::Path;

use serde_json::Value;

use super::apps::Apps;
use super::device::{Device, Update};
use super::teller::Teller;
use crate::local::{Ota, Server};
use crate::project::Outcome;

const DOWNLOADS: &str = "ota_downloads_total";

/// Everybody who takes part.
pub(super) struct Story<'a> {
    pub(super) server: &'a Server,
    pub(super) ota: &'a Ota,
    pub(super) apps: &'a Apps,
    pub(super) device: Device<'a>,
    pub(super) tell: &'a Teller,
}

/// Holds a field of a command's answer against what it must be.
fn expect(line: &Value, field: &str, wanted: impl Into<Value>) -> Outcome {
    let wanted = wanted.into();
    if line[field] == wanted {
        return Ok(());
    }
    Err(format!("{field} should be {wanted}, and the answer is {line}").into())
}

fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

/// 1234567 as 1,234,567.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Story<'_> {
    /// Tells it.
    ///
    /// # Errors
    /// At the first thing that is not as it should be.
    pub(super) fn tell(&self, second_device: &Path) -> Outcome {
        let tell = self.tell;
        tell.title("A device updates itself, and comes back from a bad release");
        tell.part("server", &format!("ota-server on {}, its data directory empty", self.server.url()));
        tell.part("device", "an app from the store, version 0.9.0, its web assets inside");
        tell.part("page", "there is no screen: this program plays the page and says how it went");
        self.ota.log_in()?;
        self.first_start()?;

        tell.chapter("1  Version 1.0.0 goes out");
        let first = self.publish(&self.apps.first, "1.0.0", None)?;
        self.takes("1.0.0", &first)?;

        tell.chapter("2  Version 1.1.0 follows");
        let second = self.publish(&self.apps.second, "1.1.0", Some("1.0.0"))?;
        self.takes("1.1.0", &second)?;

        tell.chapter("3  Version 1.2.0 is broken, and nobody noticed");
        let broken = self.publish(&self.apps.broken, "1.2.0", Some("1.1.0"))?;
        self.comes_back(&broken, &second)?;
        self.never_again(&broken)?;

        tell.chapter("4  Version 1.2.0 is withdrawn");
        self.withdraw(&second, second_device)?;

        tell.moral(
            "Shown: a device took two releases over the air, came back by itself from a third that was broken and \
             never fetched it again, and the channel returned to the good one when it was withdrawn.",
        );
        Ok(())
    }

    fn first_start(&self) -> Outcome {
        let boot = self.device.boot()?;
        expect(&boot, "reason", "builtin")?;
        expect(&boot, "bundle", "builtin")?;
        self.device.ready(&boot).map(drop)
    }

    /// Publishes a folder and gives its root.
    fn publish(&self, dir: &Path, version: &str, replaces: Option<&str>) -> Outcome<String> {
        self.tell.command(&format!("ota deploy {} --version {version}", shown(dir)));
        let args = ["deploy".as_ref(), dir.as_os_str(), "--version".as_ref(), version.as_ref()];
        let line = self.ota.one(&args)?;
        expect(&line, "version", version)?;
        expect(&line, "active", true)?;
        expect(&line, "replaced", replaces.map_or(Value::Null, Value::from))?;
        let root = text(&line, "root").to_owned();
        ensure(root.len() == 64, &format!("the answer names no bundle: {line}"))?;
        let size = number(line["size"].as_u64().unwrap_or_default());
        let replacing = replaces.map_or_else(String::new, |replaced| format!(", in place of {replaced}"));
        self.tell.good(&format!("channel stable offers {version}{replacing}: a zip of {size} bytes"));
        Ok(root)
    }

    /// The device fetches a release, tries it and keeps it.
    fn takes(&self, version: &str, root: &str) -> Outcome {
        self.fetches(&self.device, version, root)?;
        let boot = self.tries(version, root)?;
        self.tell.command("ota device ready");
        expect(&self.device.ready(&boot)?, "outcome", "confirmed")?;
        self.tell.good(&format!("the page is up: {version} is confirmed"));
        Ok(())
    }

    fn fetches(&self, device: &Device<'_>, version: &str, root: &str) -> Outcome {
        self.tell.command("ota device update");
        let Update { line, took, .. } = device.update()?;
        expect(&line, "outcome", "staged")?;
        expect(&line, "version", version)?;
        expect(&line, "bundle", root)?;
        let received = line["received"].as_u64().unwrap_or_default();
        ensure(received > 0, &format!("nothing was received: {line}"))?;
        self.tell.good(&format!(
            "{version} is staged: {} bytes in {} ms, verified and safe on disk",
            number(received),
            took.as_millis()
        ));
        Ok(())
    }

    fn tries(&self, version: &str, root: &str) -> Outcome<Value> {
        self.tell.command("ota device boot");
        let boot = self.device.boot()?;
        expect(&boot, "reason", "trial")?;
        expect(&boot, "version", version)?;
        expect(&boot, "bundle", root)?;
        let is_there = Path::new(text(&boot, "path")).join("index.html").is_file();
        ensure(is_there, &format!("there is no page to show: {boot}"))?;
        self.tell.good(&format!("the app starts with {version}, on trial"));
        Ok(boot)
    }

    fn comes_back(&self, broken: &str, good: &str) -> Outcome {
        self.fetches(&self.device, "1.2.0", broken)?;
        let boot = self.tries("1.2.0", broken)?;
        let failure = self.apps.failure;
        self.tell.bad(&format!("the page throws: {failure}"));
        self.tell.command(&format!("ota device fail --reason \"{failure}\""));
        expect(&self.device.fail(&boot, failure)?, "outcome", "blocked")?;
        self.tell.good("1.2.0 is blocked on this device");
        self.starts_with_second(good)?;
        self.tell.good("the app is back on 1.1.0, without asking anybody");
        Ok(())
    }

    fn starts_with_second(&self, root: &str) -> Outcome {
        self.tell.command("ota device boot");
        let boot = self.device.boot()?;
        expect(&boot, "reason", "current")?;
        expect(&boot, "version", "1.1.0")?;
        expect(&boot, "bundle", root)?;
        self.device.ready(&boot).map(drop)
    }

    fn never_again(&self, broken: &str) -> Outcome {
        let before = self.server.counter(DOWNLOADS)?;
        ensure(before == 3, &format!("three downloads were expected, the server counts {before}"))?;
        let status = self.device.status()?;
        let lists = |field: &str, root: &str| {
            status[field]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one == root || one["bundle"] == root))
        };
        ensure(lists("blocked", broken), "the device does not remember the failure")?;
        ensure(!lists("bundles", broken), "the broken bundle still takes room")?;
        for _ in 0..2 {
            self.tell.command("ota device update");
            let Update { line, progress, .. } = self.device.update()?;
            expect(&line, "outcome", "blocked")?;
            ensure(progress == 0, "something was downloaded")?;
        }
        let after = self.server.counter(DOWNLOADS)?;
        ensure(after == before, &format!("downloads went from {before} to {after}"))?;
        self.tell.good(&format!(
            "1.2.0 is still offered, and not fetched again: the server counts {after} downloads"
        ));
        Ok(())
    }

    fn withdraw(&self, good: &str, second_device: &Path) -> Outcome {
        self.tell.command("ota release delete --channel stable 1.2.0");
        let line = self.ota.one(&["release", "delete", "--channel", "stable", "1.2.0"])?;
        expect(&line, "deleted", "1.2.0")?;
        expect(&line, "active", "1.1.0")?;
        self.tell.good("channel stable offers 1.1.0 again");
        self.tell.command("ota device update");
        let Update { line, progress, .. } = self.device.update()?;
        expect(&line, "outcome", "up_to_date")?;
        expect(&line, "version", "1.1.0")?;
        ensure(progress == 0, "something was downloaded")?;
        self.tell.good("the device is up to date");
        self.starts_with_second(good)?;
        self.tell.good("and still on 1.1.0");
        let newcomer = self.device.another(second_device);
        self.fetches(&newcomer, "1.1.0", good)?;
        self.tell.good("a new device gets 1.1.0, and never hears of 1.2.0");
        Ok(())
    }
}

/// A folder's last two names: enough to know which.
fn shown(dir: &Path) -> String {
    let names: Vec<_> = dir.iter().map(|name| name.to_string_lossy()).collect();
    names[names.len().saturating_sub(2)..].join("/")
}
