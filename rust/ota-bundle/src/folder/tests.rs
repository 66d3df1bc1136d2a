use tempfile::TempDir;

use super::*;

const PAGE: &[u8] = b"<!doctype html>\n";

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, content) in files {
        let on_disk = dir.path().join(path);
        fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
        fs::write(on_disk, content).unwrap();
    }
    dir
}

fn scan_default(dir: &TempDir) -> Result<TreeList, ScanError> {
    scan(dir.path(), &Limits::default(), 2)
}

mod a_scan {
    use super::*;

    #[test]
    fn lists_every_file_with_size_and_hash() {
        let large = vec![7; 3 * BUFFER + 1];
        let dir = folder(&[("index.html", PAGE), ("a/b/large", &large), ("a-b", b"")]);
        let list = scan_default(&dir).unwrap();
        let paths: Vec<_> = list.entries().iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["a-b", "a/b/large", "index.html"]);
        assert_eq!(list.get("a/b/large").unwrap().hash, Digest::of(&large));
        assert_eq!(list.unpacked_size(), large.len() as u64 + 16);
        assert_eq!(TreeList::parse(list.to_text().as_bytes()), Ok(list));
    }

    #[test]
    fn is_the_same_on_any_number_of_threads() {
        let dir = folder(&[("index.html", PAGE), ("a", b"1"), ("b", b"22"), ("c", b"333")]);
        let lists = [0, 1, 2, 9].map(|threads| scan(dir.path(), &Limits::default(), threads).unwrap());
        assert!(lists.iter().all(|list| *list == lists[0]));
    }

    #[test]
    fn leaves_out_what_macos_adds_and_empty_folders() {
        let dir =
            folder(&[("index.html", PAGE), ("__MACOSX/x", b"1"), ("a/.DS_Store", b"2"), (".DS_Store", b"3")]);
        fs::create_dir(dir.path().join("empty")).unwrap();
        assert_eq!(scan_default(&dir).unwrap().files(), 1);
    }

    #[test]
    fn needs_a_first_page() {
        let dir = folder(&[("www/index.html", PAGE)]);
        assert!(matches!(scan_default(&dir), Err(ScanError::NoIndexHtml { .. })));
        assert!(matches!(scan(Path::new("/nonexistent"), &Limits::default(), 1), Err(ScanError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn follows_no_link_and_takes_nothing_but_files() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        for target in ["index.html", "/etc", "nowhere"] {
            let dir = folder(&[("index.html", PAGE)]);
            symlink(target, dir.path().join("link")).unwrap();
            let Err(ScanError::Symlink { path }) = scan_default(&dir) else {
                panic!("{target} was followed")
            };
            assert_eq!(path, dir.path().join("link"));
        }
        let dir = folder(&[("index.html", PAGE)]);
        let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
        assert!(matches!(scan_default(&dir), Err(ScanError::NotAFile { .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_the_file_that_breaks_a_rule() {
        use std::os::unix::ffi::OsStrExt as _;

        for (name, rule) in [
            (&b"a\\b"[..], InvalidPath::Backslash),
            (b"a:b", InvalidPath::Colon),
            (b"a\nb", InvalidPath::Control),
            (b"e\xcc\x81", InvalidPath::NotNfc),
            (b"\xff", InvalidPath::NotUtf8),
            (&[b'x'; 201], InvalidPath::PartTooLong),
        ] {
            let dir = folder(&[("index.html", PAGE)]);
            let on_disk = dir.path().join(std::ffi::OsStr::from_bytes(name));
            fs::write(&on_disk, b"1").unwrap();
            let Err(ScanError::Path { path, source }) = scan_default(&dir) else {
                panic!("{name:?} was taken")
            };
            assert_eq!((path, source), (on_disk, rule));
        }
        let dir = folder(&[("index.html", PAGE), ("INDEX.html", PAGE)]);
        assert!(matches!(scan_default(&dir), Err(ScanError::Collision(_))));
    }

    #[test]
    fn keeps_to_the_limits() {
        let dir = folder(&[("index.html", PAGE), ("a", b"12345678")]);
        let scan = |limits: Limits| scan(dir.path(), &limits, 1);
        let limits = Limits::default();
        for limits in
            [Limits { files: 1, ..limits }, Limits { file: 15, ..limits }, Limits { bundle: 23, ..limits }]
        {
            assert!(matches!(scan(limits), Err(ScanError::Limit(_))), "{limits:?}");
        }
        assert!(scan(Limits { files: 2, file: 16, bundle: 24, ..limits }).is_ok());
    }
}

mod a_verification {
    use super::*;

    fn bundle() -> (TempDir, TreeList) {
        let dir = folder(&[("index.html", PAGE), ("a/app.js", b"console.log(1)"), ("a/empty", b"")]);
        let list = scan_default(&dir).unwrap();
        (dir, list)
    }

    #[test]
    fn passes_what_the_list_says_and_ignores_the_rest() {
        let (dir, list) = bundle();
        fs::write(dir.path().join("a/extra.js"), b"added by the platform's tools").unwrap();
        for threads in [0, 1, 2, 9] {
            verify(dir.path(), &list, threads).unwrap();
        }
        verify(dir.path(), &TreeList::default(), 2).unwrap();
    }

    #[test]
    fn names_a_missing_file() {
        let (dir, list) = bundle();
        fs::remove_file(dir.path().join("a/empty")).unwrap();
        let Err(Damage::Missing { path }) = verify(dir.path(), &list, 2) else { panic!("not noticed") };
        assert_eq!(path.as_str(), "a/empty");
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        assert!(matches!(verify(dir.path(), &list, 2), Err(Damage::Missing { .. })));
        fs::write(dir.path().join("a"), b"a file where the folder was").unwrap();
        assert!(matches!(verify(dir.path(), &list, 2), Err(Damage::Missing { .. })));
    }

    #[test]
    fn names_a_file_of_another_size() {
        let (dir, list) = bundle();
        fs::write(dir.path().join("a/empty"), b"1").unwrap();
        let Err(Damage::Size { path, expected, found }) = verify(dir.path(), &list, 2) else {
            panic!("not noticed")
        };
        assert_eq!((path.as_str(), expected, found), ("a/empty", 0, 1));
    }

    #[test]
    fn names_a_file_of_another_content() {
        let (dir, list) = bundle();
        fs::write(dir.path().join("a/app.js"), b"console.log(2)").unwrap();
        let Err(Damage::Hash { path }) = verify(dir.path(), &list, 2) else { panic!("not noticed") };
        assert_eq!(path.as_str(), "a/app.js");
    }

    #[cfg(unix)]
    #[test]
    fn names_what_is_no_file() {
        let (dir, list) = bundle();
        fs::rename(dir.path().join("a/app.js"), dir.path().join("moved")).unwrap();
        std::os::unix::fs::symlink("../moved", dir.path().join("a/app.js")).unwrap();
        assert!(matches!(verify(dir.path(), &list, 2), Err(Damage::NotAFile { .. })));
        fs::remove_file(dir.path().join("a/app.js")).unwrap();
        fs::create_dir(dir.path().join("a/app.js")).unwrap();
        assert!(matches!(verify(dir.path(), &list, 2), Err(Damage::NotAFile { .. })));
    }
}
