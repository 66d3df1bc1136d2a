//! Programs that are not part of the project: whether they are there, and getting them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Daemons are not on everybody's path.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Whether a program is there.
pub(crate) fn is_installed(program: &str) -> bool {
    find(program).is_some()
}

/// Installs Debian packages, where there is apt and nobody need be asked. Gives whether that worked.
pub(crate) fn install(packages: &[&str]) -> bool {
    apt(&["install", "-y", "--no-install-recommends"], packages)
        || (apt(&["update"], &[]) && apt(&["install", "-y", "--no-install-recommends"], packages))
}

fn apt(args: &[&str], packages: &[&str]) -> bool {
    let Some(apt) = find("apt-get") else { return false };
    let run = |mut command: Command| {
        command.args(args).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
        command.stdin(Stdio::null()).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let mut sudo = Command::new("sudo");
    sudo.arg("-n").arg(&apt);
    run(Command::new(&apt)) || (is_installed("sudo") && run(sudo))
}
