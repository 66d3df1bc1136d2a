//! `cargo xtask demo`: the product's promise, shown and checked: a device updates itself, and comes back from a bad
//! release. The real programs run; `story` says what happens, `apps` makes what is published.

mod apps;
mod device;
mod story;
mod svg;
mod teller;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::local::{Binaries, Ota, Profile, Server, Stop};
use crate::project::Outcome;
use apps::Apps;
use device::Device;
use story::Story;
use teller::Teller;

/// Shows a device update itself from a server, and come back from a bad release.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Your own built web app, the folder with index.html in it [default: the example app]
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,
    /// Leave the server running until Ctrl-C, and print what to try next
    #[arg(long)]
    keep: bool,
    /// Draw what is printed, as docs/demo.svg is drawn
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self) -> Outcome {
        let stop = Stop::listen()?;
        let scratch = tempfile::Builder::new().prefix("ota-demo-").tempdir()?;
        let apps = match &self.app {
            Some(dir) => Apps::from_folder(dir, scratch.path())?,
            None => Apps::from_example(scratch.path())?,
        };
        let binaries = Binaries::build(Profile::Dev)?;
        stop.check()?;
        // After the folder it works in, so that it ends before that goes.
        let mut server = Server::start(Command::new(&binaries.server), &scratch.path().join("server"))?;
        let ota = Ota::new(&binaries.ota, &scratch.path().join("config"), server.url(), &stop);
        let device = Device::new(&ota, &scratch.path().join("device"), &apps.builtin);
        let teller = Teller::new();
        let story = Story { server: &server, ota: &ota, apps: &apps, device, tell: &teller };
        let told = story.tell(&scratch.path().join("second-device"));
        if told.is_err() && !stop.is_wanted() {
            eprintln!("\nThe server's log ends with:\n{}\n", server.last_words());
        }
        told?;
        if let Some(file) = &self.svg {
            std::fs::write(file, svg::draw(&teller.told()))?;
        }
        if self.keep {
            try_next(&binaries, scratch.path(), &server, &apps);
            while !stop.is_wanted() && !server.has_ended() {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }
}

/// Commands that work as they are, in another terminal.
fn try_next(binaries: &Binaries, scratch: &Path, server: &Server, apps: &Apps) {
    let (ota, url) = (binaries.ota.display(), server.url());
    let (config, device) = (scratch.join("config"), scratch.join("device"));
    let builtin = apps.builtin.display();
    println!(
        "
The server is still there, until Ctrl-C. In another terminal:

  export OTA_SERVER={url}
  export XDG_CONFIG_HOME={config}    # the demo's login; yours is left alone
  alias ota={ota}
  alias device=\"ota device --home {device} --builtin {builtin} --native-version {native}\"

  ota release list --channel stable
  ota deploy {app} --version 1.3.0     # the broken one again, under another number
  device update                        # blocked: it is the same bundle
  device status
  ota release rollback --channel stable
  device update && device boot
  curl -s {url}/metrics | grep ^ota_downloads",
        config = config.display(),
        device = device.display(),
        native = device::NATIVE,
        app = apps.broken.display(),
    );
}
