//! What the demo publishes: an app, a better one, a broken one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::{self, Outcome};

/// The versions of a web app, each a folder.
#[derive(Debug)]
pub(super) struct Apps {
    /// What the store ships.
    pub(super) builtin: PathBuf,
    /// 1.0.0.
    pub(super) first: PathBuf,
    /// 1.1.0.
    pub(super) second: PathBuf,
    /// 1.2.0, whose page does not come up.
    pub(super) broken: PathBuf,
    /// How the broken one fails, in the page's words.
    pub(super) failure: &'static str,
}

/// The first line of the broken version's script.
const THROWS: &str = "throw new Error(\"checkout is not defined\");\n";
const FAILURE: &str = "Error: checkout is not defined";

impl Apps {
    /// The app that comes with the repository.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub(super) fn from_example(scratch: &Path) -> Outcome<Self> {
        let web = project::root().join("example-app").join("web");
        let make = |version: &str| -> Outcome<PathBuf> {
            let dir = scratch.join("web").join(version);
            copy(&web, &dir)?;
            let line = format!("{{\"version\":\"{version}\"}}\n");
            fs::write(dir.join("version.json"), line).map_err(|error| failed("write", &dir, &error))?;
            Ok(dir)
        };
        let (builtin, first, second, broken) =
            (make("0.9.0")?, make("1.0.0")?, make("1.1.0")?, make("1.2.0")?);
        let script = broken.join("app.js");
        let code = fs::read_to_string(&script).map_err(|error| failed("read", &script, &error))?;
        fs::write(&script, format!("{THROWS}{code}"))?;
        Ok(Self { builtin, first, second, broken, failure: FAILURE })
    }

    /// The reader's own: 1.0.0 as it is, 1.1.0 with a small file more, 1.2.0 with a page that throws.
    ///
    /// # Errors
    /// Where it is no web app, or cannot be copied.
    pub(super) fn from_folder(dir: &Path, scratch: &Path) -> Outcome<Self> {
        let first = std::path::absolute(dir)?;
        if !first.join("index.html").is_file() {
            let inside = ["dist", "www", "build", "public", "package", "package/dist"];
            let found = inside.iter().map(|name| dir.join(name)).find(|dir| dir.join("index.html").is_file());
            let hint = found.map_or_else(String::new, |dir| format!("; did you mean {}?", dir.display()));
            return Err(format!("{} has no index.html{hint}", dir.display()).into());
        }
        let (second, broken) = (scratch.join("web").join("1.1.0"), scratch.join("web").join("1.2.0"));
        copy(&first, &second)?;
        fs::write(second.join("ota-demo.txt"), "1.1.0\n")?;
        copy(&first, &broken)?;
        let page = format!("<!doctype html>\n<script>\n{THROWS}</script>\n");
        fs::write(broken.join("index.html"), page)?;
        Ok(Self { builtin: first.clone(), first, second, broken, failure: FAILURE })
    }
}

fn failed(operation: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {operation} {}: {error}", path.display())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| failed("create", to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| failed("read", from, &error))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(|error| failed("copy", &path, &error))?;
        }
    }
    Ok(())
}
