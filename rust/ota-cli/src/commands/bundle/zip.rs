//! `ota bundle zip`.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use ota_bundle::{Limits, write_zip};
use ota_protocol::{Checksum, Code, Root};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::prepared::check_index;

/// Pack a built web app into a zip, the same bytes for the same files
#[derive(Debug, clap::Args)]
pub(crate) struct Zip {
    /// The build's output folder, the one with index.html in it
    dir: PathBuf,
    /// Where to write the zip [default: the folder's name with .zip, here]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Zipped {
    /// The root.
    bundle: Root,
    filename: String,
    checksum: Checksum,
    size: u64,
    files: usize,
    unpacked_size: u64,
}

impl Report for Zipped {
    fn text(&self) -> String {
        format!("Checksum SHA256: {}\nSaved to {}", self.checksum, self.filename)
    }
}

impl Zip {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        let dir = fs::canonicalize(&self.dir).map_err(|error| Failure::disk("read", &self.dir, &error))?;
        if !dir.is_dir() {
            let what = format!("{} is not a folder", self.dir.display());
            return Err(Failure::new(Code::InvalidArgument, what)
                .remedy("Give the build's output folder, the one with index.html in it."));
        }
        check_index(&self.dir)?;
        let out = match self.out {
            Some(out) => out,
            None => default_name(&dir)?,
        };
        let failed = |error: &std::io::Error| Failure::disk("write", &out, error);
        let beside = out.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let beside = fs::canonicalize(beside).map_err(|error| failed(&error))?;
        if beside.starts_with(&dir) {
            let what = format!("{} would be inside the folder it is made of", out.display());
            return Err(
                Failure::new(Code::InvalidArgument, what).remedy("Give another place with --out FILE.")
            );
        }

        // A reader of `out` finds the zip from before or the new one, whole.
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o666)); // less what the umask takes
        }
        let file: NamedTempFile =
            builder.prefix(".ota-").suffix(".tmp").tempfile_in(&beside).map_err(|error| failed(&error))?;
        let mut writer = BufWriter::with_capacity(128 * 1024, file.as_file());
        let packed = write_zip(&dir, &mut writer, &Limits::default())?;
        drop(writer); // write_zip flushed it
        file.persist(&out).map_err(|error| failed(&error.error))?;

        output.report(&Zipped {
            bundle: packed.root,
            filename: out.display().to_string(),
            checksum: packed.checksum,
            size: packed.size,
            files: packed.files,
            unpacked_size: packed.unpacked_size,
        })
    }
}

fn default_name(dir: &Path) -> Result<PathBuf, Failure> {
    let mut name =
        dir.file_name().ok_or_else(|| Failure::usage("the folder has no name; give --out FILE"))?.to_owned();
    name.push(".zip");
    Ok(name.into())
}
