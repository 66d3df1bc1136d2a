//! What other tools really write is taken, and what we write is taken by them. A tool that is not installed is not
//! tested; one that is installed must work.

#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use ota_bundle::{Limits, scan};
use support::unpack;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn content() -> BTreeMap<&'static str, Vec<u8>> {
    let large = b"export const line = 'of a large script';\n".repeat(5000);
    BTreeMap::from([
        ("index.html", support::PAGE.to_vec()),
        ("assets/app.js", large),
        ("assets/empty.txt", Vec::new()),
        ("assets/grün.svg", b"<svg/>".to_vec()),
        ("fonts/noise.bin", (0..5000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()),
    ])
}

fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, content) in content() {
        let on_disk = dir.path().join("www").join(path);
        fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
        fs::write(on_disk, content).unwrap();
    }
    dir
}

/// The zip holds exactly the folder's content.
fn assert_taken(bytes: &[u8], dir: &Path, tool: &str) {
    let (list, _) = unpack(bytes).unwrap_or_else(|error| panic!("{tool}: {error}"));
    let expected = scan(&dir.join("www"), &Limits::default(), 2).unwrap();
    assert_eq!(list.to_text(), expected.to_text(), "{tool}");
}

fn is_installed(tool: &str) -> bool {
    let runs = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if runs.is_err() {
        eprintln!("{tool} is not installed: not tested");
    }
    runs.is_ok()
}

fn run(dir: &Path, command: &str) {
    let output = Command::new("sh").arg("-c").arg(command).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn info_zip() {
    if !is_installed("zip") {
        return;
    }
    let dir = folder();
    for (name, command) in [
        ("plain", "cd www && zip -r ../OUT ."),
        ("best", "cd www && zip -9 -X -D -r ../OUT ."),
        ("stored", "cd www && zip -0 -r ../OUT ."),
        ("with the folder", "zip -r OUT www"),
        ("streamed", "cd www && zip -r - . | cat > ../OUT"),
        ("zip64", "cd www && zip -fz -r ../OUT ."),
        ("descriptors", "cd www && zip -fd -r ../OUT ."),
        (
            "updated",
            "cd www && zip ../OUT index.html && touch -d 2030-01-01 index.html && zip -r ../OUT . && zip -d ../OUT fonts/ && zip -u -r ../OUT .",
        ),
        ("commented", "cd www && echo remark | zip -z -r ../OUT ."),
        ("in another locale", "cd www && LC_ALL=C.UTF-8 zip -r ../OUT ."),
    ] {
        run(dir.path(), &command.replace("OUT", "out.zip"));
        let bytes = fs::read(dir.path().join("out.zip")).unwrap();
        fs::remove_file(dir.path().join("out.zip")).unwrap();
        assert_taken(&bytes, dir.path(), name);
    }
    run(dir.path(), "cd www && ln -s /etc/passwd link && zip -y -r ../out.zip .");
    let error = unpack(&fs::read(dir.path().join("out.zip")).unwrap()).unwrap_err().to_string();
    assert!(error.contains("link is a symbolic link"), "{error}");
    run(dir.path(), "rm www/link out.zip; cd www && zip -P secret -r ../out.zip .");
    let error = unpack(&fs::read(dir.path().join("out.zip")).unwrap()).unwrap_err().to_string();
    assert!(error.contains("is encrypted"), "{error}");
}

#[test]
fn python_zipfile() {
    if !is_installed("python3") {
        return;
    }
    let dir = folder();
    for (name, script) in [
        ("plain", "z = zipfile.ZipFile('out.zip', 'w', zipfile.ZIP_DEFLATED)"),
        ("stored", "z = zipfile.ZipFile('out.zip', 'w')"),
        ("streamed", "z = zipfile.ZipFile(Pipe(open('out.zip', 'wb')), 'w', zipfile.ZIP_DEFLATED)"),
        ("zip64", "z = zipfile.ZipFile('out.zip', 'w', zipfile.ZIP_DEFLATED); force = True"),
        (
            "zip64 streamed",
            "z = zipfile.ZipFile(Pipe(open('out.zip', 'wb')), 'w', zipfile.ZIP_DEFLATED); force = True",
        ),
    ] {
        let script = format!(
            "import io, pathlib, zipfile
class Pipe(io.RawIOBase):
    def __init__(self, out): self.out = out
    def writable(self): return True
    def seekable(self): return False
    def write(self, data): return self.out.write(data)
    def flush(self): self.out.flush()
force = False
{script}
for path in sorted(pathlib.Path('www').rglob('*')):
    if path.is_file():
        with z.open(path.relative_to('www').as_posix(), 'w', force_zip64=force) as f: f.write(path.read_bytes())
z.close()"
        );
        fs::write(dir.path().join("make.py"), script).unwrap();
        run(dir.path(), "python3 make.py");
        assert_taken(&fs::read(dir.path().join("out.zip")).unwrap(), dir.path(), name);
    }
    run(dir.path(), "python3 -c \"import shutil; shutil.make_archive('made', 'zip', 'www')\"");
    assert_taken(&fs::read(dir.path().join("made.zip")).unwrap(), dir.path(), "make_archive");
}

#[test]
fn the_zip_crate() {
    let dir = folder();
    for (method, large) in [
        (CompressionMethod::Deflated, false),
        (CompressionMethod::Stored, false),
        (CompressionMethod::Deflated, true),
    ] {
        let options = SimpleFileOptions::default().compression_method(method).large_file(large);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.add_directory("assets/", options).unwrap();
        for (path, content) in content() {
            zip.start_file(path, options).unwrap();
            zip.write_all(&content).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        assert_taken(&bytes, dir.path(), &format!("{method} {large}"));

        let mut zip = ZipWriter::new_stream(Vec::new());
        for (path, content) in content() {
            zip.start_file(path, options).unwrap();
            zip.write_all(&content).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        assert_taken(&bytes, dir.path(), &format!("{method} {large} streamed"));
    }
}

/// `data/tools/README.md` says what they are.
#[test]
fn zips_kept_from_tools_that_are_rarely_installed() {
    let script = b"console.log(1);\n".repeat(40);
    let expected = BTreeMap::from([
        ("index.html".to_owned(), b"<!doctype html><script src=\"assets/app.js\"></script>\n".to_vec()),
        ("assets/app.js".to_owned(), script),
        ("assets/empty.txt".to_owned(), Vec::new()),
        ("assets/grün.svg".to_owned(), b"<svg/>".to_vec()),
    ]);
    let mut failed = Vec::new();
    let mut count = 0;
    for item in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tools")).unwrap() {
        let path = item.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "zip") {
            continue;
        }
        count += 1;
        match unpack(&fs::read(&path).unwrap()) {
            Ok((_, files)) if files == expected => {}
            Ok((_, files)) => failed.push(format!("{}: {:?}", path.display(), files.keys())),
            Err(error) => failed.push(format!("{}: {error}", path.display())),
        }
    }
    assert!(failed.is_empty() && count > 20, "{count} read, failed: {failed:#?}");
}

#[cfg(feature = "pack")]
mod ours {
    use super::*;

    fn packed(dir: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        ota_bundle::write_zip(&dir.join("www"), &mut bytes, &Limits::default()).unwrap();
        bytes
    }

    #[test]
    fn is_read_by_unzip() {
        if !is_installed("unzip") {
            return;
        }
        let dir = folder();
        fs::write(dir.path().join("out.zip"), packed(dir.path())).unwrap();
        run(
            dir.path(),
            "LC_ALL=C.UTF-8 unzip -t out.zip && mkdir again && LC_ALL=C.UTF-8 unzip -d again/www out.zip",
        );
        assert_taken(&packed(dir.path()), &dir.path().join("again"), "unzip");
    }

    #[test]
    fn is_read_by_the_zip_crate() {
        let dir = folder();
        let mut zip = zip::ZipArchive::new(Cursor::new(packed(dir.path()))).unwrap();
        for (path, content) in content() {
            let mut read = Vec::new();
            std::io::copy(&mut zip.by_name(path).unwrap(), &mut read).unwrap();
            assert_eq!(read, content, "{path}");
        }
        assert_eq!(zip.len(), content().len());
    }
}
