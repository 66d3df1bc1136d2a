//! A disk of its own for a device: as small as a test wants it, full, or read-only.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A disk in memory, which only commands run [inside](Room::inside) see: it is mounted in a mount namespace that a
/// process of ours holds, and gone with it.
#[derive(Debug)]
pub struct Room {
    holder: Child,
    is_root: bool,
    dir: TempDir,
}

impl Room {
    /// A disk with these mount options, such as `size=1m,nr_inodes=100`. `None`: this system does not let us, and
    /// says so on standard error.
    ///
    /// # Panics
    /// Where there is no place to mount it.
    pub fn new(options: &str) -> Option<Self> {
        let dir = TempDir::new().expect("a temporary folder");
        let is_root = rustix::process::getuid().is_root();
        let mut command = Command::new("unshare");
        command.arg(if is_root { "--mount" } else { "--map-root-user" });
        if !is_root {
            command.arg("--mount");
        }
        command.args(["sh", "-c", "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && echo there && exec sleep 300"]);
        command.args(["sh", options]).arg(dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let holder = command.spawn().ok()?;
        let mut room = Self { holder, is_root, dir };
        let mut line = String::new();
        let _ = BufReader::new(room.holder.stdout.take()?).read_line(&mut line);
        if line.trim() != "there" {
            eprintln!("skipped: this system mounts no disk for a test");
            return None;
        }
        Some(room)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The same place, as it is seen from outside.
    pub fn seen(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        path.strip_prefix("/").map_or_else(|_| path.to_owned(), |path| root.join(path))
    }

    /// A command that runs where the disk is.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !self.is_root {
            inside.args(["--user", "--preserve-credentials"]);
        }
        inside.arg("--").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Changes the mount options: another size, `ro`, `rw`.
    ///
    /// # Panics
    /// Where that fails.
    pub fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{options}")]).arg(self.path());
        let output = self.inside(&mount).output().expect("mount runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Fills the disk with a file, to the last byte.
    ///
    /// # Panics
    /// Where it does not come to its end.
    pub fn fill(&self) {
        let path = self.seen(&self.path().join("filler"));
        let mut file = std::fs::File::create(path).expect("a file");
        let piece = vec![0; 4096];
        while std::io::Write::write_all(&mut file, &piece).is_ok() {}
    }

    /// Removes that file.
    ///
    /// # Panics
    /// Where it is not there.
    pub fn free(&self) {
        std::fs::remove_file(self.seen(&self.path().join("filler"))).expect("the file is there");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
