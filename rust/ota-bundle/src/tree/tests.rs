use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;

/// The base of the patch format's example.
const EXAMPLE: &str = "ota-tree-1\n\
    1ef94fc4d398997474a4a3329f4e0b07f38d3da798db1ac3b65b5c9847b99c55 60 assets/app-AAAAAAA1.js\n\
    8420f858fb68c5c96164028e66bd1d0661a24c53f33b8e491a1c5b106aa68c6b 18 assets/lib-CCCCCCC3.js\n\
    7e0c83e529d88b89638390802c6f68c355a4bac7d9a90272b9e3858d846a823e 47 index.html\n\
    84e68693496e281178406d280fe930ba381918a2d8267fa3e43c894c40be93e2 5 logo.svg\n";

fn list(files: &[(&str, &[u8])]) -> TreeList {
    let entry = |(path, content): &(&str, &[u8])| TreeEntry {
        path: path.parse().unwrap(),
        size: content.len() as u64,
        hash: Digest::of(content),
    };
    TreeList::new(files.iter().map(entry).collect(), &Limits::default()).unwrap()
}

mod the_example {
    use super::*;

    #[test]
    fn base_is_listed_and_named_as_specified() {
        let base = list(&[
            ("index.html", b"<script src=\"assets/app-AAAAAAA1.js\"></script>\n"),
            ("logo.svg", b"logo\n"),
            ("assets/app-AAAAAAA1.js", b"import{v}from\"./lib-CCCCCCC3.js\";\nconsole.log(\"version\",v);\n"),
            ("assets/lib-CCCCCCC3.js", b"export const v=1;\n"),
        ]);
        assert_eq!(base.to_text(), EXAMPLE);
        assert_eq!(
            base.root().to_string(),
            "36cb871bd9746a74b28b57bc1719f51c91049b733852e00e0d8f8fdde7735379"
        );
        assert_eq!(TreeList::parse(EXAMPLE.as_bytes()), Ok(base));
    }

    #[test]
    fn target_is_named_as_specified() {
        let target = list(&[
            ("assets/app-BBBBBBB2.js", b"import{v}from\"./lib-DDDDDDD4.js\";\nconsole.log(\"version\",v);\n"),
            ("assets/lib-DDDDDDD4.js", b"export const v=2;\n"),
            ("index.html", b"<script src=\"assets/app-BBBBBBB2.js\"></script>\n"),
            ("logo.svg", b"logo\n"),
        ]);
        assert_eq!(
            target.root().to_string(),
            "e47390ee4d6e9d1ce949876c8ca10f19a2e30b9b0945d355e8f2cbce0dcbc0a4"
        );
    }

    #[test]
    fn list_without_files_is_named_as_specified() {
        assert_eq!(
            TreeList::default().root().to_string(),
            "1b9f0be904c64ec19d8e70e9bbf7b9ea353d562a0a0ef2d574f364658a7afe43"
        );
        assert_eq!(TreeList::parse(b"ota-tree-1\n"), Ok(TreeList::default()));
    }
}

mod a_list {
    use super::*;

    #[test]
    fn answers_for_its_files() {
        let list = TreeList::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((list.files(), list.unpacked_size()), (4, 130));
        assert_eq!(list.get("logo.svg").map(|entry| entry.size), Some(5));
        assert_eq!(list.get("assets"), None);
        assert_eq!(list.folders(), ["assets"]);
    }

    #[test]
    fn names_each_folder_once_and_parents_first() {
        let list = list(&[("a/b/c/1", b""), ("a/2", b""), ("a-b/3", b""), ("a/b/4", b""), ("5", b"")]);
        assert_eq!(list.folders(), ["a", "a-b", "a/b", "a/b/c"]);
    }

    #[test]
    fn is_within_limits() {
        let within = |limits: Limits| TreeList::parse_within(EXAMPLE.as_bytes(), &limits).map(drop);
        let limits = Limits::default();
        assert!(matches!(
            within(Limits { files: 3, ..limits }),
            Err(InvalidTree::Limit(LimitExceeded::Files { .. }))
        ));
        assert!(matches!(
            within(Limits { file: 59, ..limits }),
            Err(InvalidTree::Limit(LimitExceeded::File { .. }))
        ));
        assert!(matches!(
            within(Limits { bundle: 129, ..limits }),
            Err(InvalidTree::Limit(LimitExceeded::Bundle { .. }))
        ));
        let part = Limits { part: 9, ..limits };
        assert_eq!(within(part), Err(InvalidTree::Path { line: 2, source: InvalidPath::PartTooLong }));
        let files = TreeList::parse(EXAMPLE.as_bytes()).unwrap().entries().to_vec();
        assert!(matches!(TreeList::new(files, &part), Err(InvalidTree::Path { .. })));
        assert_eq!(within(Limits { files: 4, file: 60, bundle: 130, path: 22, part: 15, ..limits }), Ok(()));
    }
}

mod anything_but_the_canonical_form_is_refused {
    use super::*;

    const H: &str = "84e68693496e281178406d280fe930ba381918a2d8267fa3e43c894c40be93e2";

    fn refused(body: &str) -> InvalidTree {
        TreeList::parse(format!("ota-tree-1\n{body}").as_bytes()).expect_err(body)
    }

    #[test]
    fn other_headers() {
        for text in
            ["", "ota-tree-1", "ota-tree-2\n", "ota-tree-1\r\n", "\nota-tree-1\n", "\u{feff}ota-tree-1\n"]
        {
            assert_eq!(TreeList::parse(text.as_bytes()), Err(InvalidTree::Header), "{text:?}");
        }
    }

    #[test]
    fn other_lines() {
        for body in [
            "\n".to_owned(),
            format!("{H} 5 a"),
            format!("{H} 5\n"),
            format!("{H} 05 a\n"),
            format!("{H} +5 a\n"),
            format!("{H} -0 a\n"),
            format!("{H}  a\n"),
            format!("{H}  5 a\n"),
            format!(" {H} 5 a\n"),
            format!("{H}\t5\ta\n"),
            format!("{H} 99999999999999999999999 a\n"),
            format!("{} 5 a\n", H.to_uppercase()),
            format!("{} 5 a\n", &H[1..]),
            format!("{H} 5 a\n\n"),
        ] {
            let line = if body.ends_with("\n\n") { 3 } else { 2 };
            assert_eq!(refused(&body), InvalidTree::Line { line }, "{body:?}");
        }
    }

    #[test]
    fn other_paths() {
        for (path, rule) in [
            ("../a", InvalidPath::DotPart),
            ("/a", InvalidPath::Absolute),
            ("a\r", InvalidPath::Control),
            (" ", InvalidPath::EmptyPart),
        ] {
            if path != " " {
                assert_eq!(refused(&format!("{H} 5 {path}\n")), InvalidTree::Path { line: 2, source: rule });
            }
        }
        assert_eq!(
            refused(&format!("{H} 5 \n")),
            InvalidTree::Path { line: 2, source: InvalidPath::EmptyPart }
        );
        let text = [b"ota-tree-1\n", H.as_bytes(), b" 5 \xff\n"].concat();
        assert_eq!(TreeList::parse(&text), Err(InvalidTree::Path { line: 2, source: InvalidPath::NotUtf8 }));
    }

    #[test]
    fn other_orders() {
        assert_eq!(refused(&format!("{H} 5 b\n{H} 5 a\n")), InvalidTree::Order { line: 3 });
        assert_eq!(refused(&format!("{H} 5 a\n{H} 5 a\n")), InvalidTree::Order { line: 3 });
    }

    #[test]
    fn paths_that_cannot_live_together() {
        assert!(matches!(refused(&format!("{H} 5 A\n{H} 5 a\n")), InvalidTree::Collision(_)));
        assert!(matches!(refused(&format!("{H} 5 a\n{H} 5 a/b\n")), InvalidTree::Collision(_)));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        files in btree_map("[a-z0-9é ~]{1,8}(/[a-z0-9é ~]{1,8}){0,3}", (any::<[u8; 32]>(), 0_u64..1 << 20), 0..20)
    ) {
        let entries = files.into_iter().map(|(path, (hash, size))| TreeEntry {
            path: path.parse().unwrap(),
            size,
            hash: Digest::from_bytes(hash),
        });
        if let Ok(list) = TreeList::new(entries.collect(), &Limits::default()) {
            prop_assert_eq!(TreeList::parse(list.to_text().as_bytes()), Ok(list));
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_changes_the_root(at in 0..EXAMPLE.len(), to in any::<u8>()) {
        let mut text = EXAMPLE.as_bytes().to_vec();
        text[at] = to;
        if let Ok(list) = TreeList::parse(&text) {
            prop_assert_eq!(list.to_text().into_bytes(), text.clone());
            let same = list.root() == TreeList::parse(EXAMPLE.as_bytes()).unwrap().root();
            prop_assert_eq!(same, text == EXAMPLE.as_bytes());
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>()) {
        let text = [HEADER.as_bytes(), &bytes].concat();
        if let Ok(list) = TreeList::parse(&text) {
            prop_assert_eq!(list.to_text().into_bytes(), text);
        }
        prop_assert_eq!(TreeList::parse(&bytes), Err(InvalidTree::Header));
    }
}
