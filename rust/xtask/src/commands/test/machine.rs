//! What a fresh machine lacks is installed, or named.

use super::summary::Summary;
use crate::{project, tools};

/// Programs that tests and builds use, the Debian package each comes with, and what for.
const NEEDED: &[(&str, &str, &str)] = &[
    ("cc", "gcc libc6-dev", "builds SQLite and ring"),
    ("zip", "zip", "a test packs with it"),
    ("unzip", "unzip", "a test unpacks with it"),
    ("python3", "python3", "a test packs with its zipfile"),
    ("curl", "curl", "tests speak to the server with it"),
];

/// Installs what is missing, where that is possible without asking anybody.
pub(super) fn prepare(summary: &mut Summary) {
    for (program, packages, why) in NEEDED {
        if tools::is_installed(program) {
            continue;
        }
        let packages: Vec<_> = packages.split(' ').collect();
        eprintln!("{program} is missing ({why}): apt-get install {}", packages.join(" "));
        if !tools::install(&packages) {
            summary.skip(*program, format!("not installed; {why}: apt-get install {}", packages.join(" ")));
        }
    }
    // The formatter and the linter come with the toolchain file; a toolchain from elsewhere may lack them.
    for component in ["fmt", "clippy"] {
        let has_it = project::cargo().args([component, "--version"]).output();
        if !has_it.is_ok_and(|output| output.status.success()) {
            summary.skip(format!("cargo {component}"), "not installed: rustup component add rustfmt clippy");
        }
    }
}
