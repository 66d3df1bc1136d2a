use proptest::prelude::*;

use super::*;

fn path(text: &str) -> BundlePath {
    text.parse().unwrap()
}

mod a_path {
    use super::*;

    #[test]
    fn that_obeys_the_rules_is_taken_as_it_is() {
        let longest = format!("{}/{}/{}", "a".repeat(200), "b".repeat(200), "c".repeat(110));
        for text in [
            "index.html",
            "a/b/c",
            ".well-known/x",
            "a b",
            "...",
            "grün",
            "日本語",
            "🦀",
            "~",
            "%2e%2e",
            &longest,
        ] {
            assert_eq!(text.parse::<BundlePath>().map(|path| path.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn that_breaks_a_rule_says_which() {
        let too_long = format!("{}x", "d/".repeat(256));
        for (text, rule) in [
            ("", InvalidPath::EmptyPart),
            ("a/", InvalidPath::EmptyPart),
            ("a//b", InvalidPath::EmptyPart),
            ("/a", InvalidPath::Absolute),
            ("/", InvalidPath::Absolute),
            (".", InvalidPath::DotPart),
            ("a/..", InvalidPath::DotPart),
            ("../a", InvalidPath::DotPart),
            ("a\\b", InvalidPath::Backslash),
            ("c:a", InvalidPath::Colon),
            ("a\0", InvalidPath::Control),
            ("a\nb", InvalidPath::Control),
            ("a\u{7f}", InvalidPath::Control),
            ("e\u{301}", InvalidPath::NotNfc),
            ("\u{212a}", InvalidPath::NotNfc),
            (&too_long, InvalidPath::TooLong),
            (&"x".repeat(201), InvalidPath::PartTooLong),
            (&"ü".repeat(101), InvalidPath::PartTooLong),
        ] {
            assert_eq!(text.parse::<BundlePath>(), Err(rule), "{text:?}");
        }
    }

    #[test]
    fn may_be_held_to_narrower_limits_but_not_to_wider_ones() {
        let narrow = Limits { path: 5, part: 3, ..Limits::default() };
        assert!(BundlePath::within("a/b/c", &narrow).is_ok());
        assert_eq!(BundlePath::within("a/b/cd", &narrow), Err(InvalidPath::TooLong));
        assert_eq!(BundlePath::within("abcd", &narrow), Err(InvalidPath::PartTooLong));
        let wide = Limits { path: 5000, part: 5000, ..Limits::default() };
        assert_eq!(BundlePath::within(&"x".repeat(201), &wide), Err(InvalidPath::PartTooLong));
    }

    #[test]
    fn knows_its_folders_outermost_first() {
        assert_eq!(path("a/b/c.js").folders().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(path("c.js").folders().count(), 0);
    }

    proptest! {
        #[test]
        fn stays_below_the_folder_it_is_joined_to(text in any::<String>()) {
            if let Ok(path) = text.parse::<BundlePath>() {
                let joined = path.under(Path::new("/root"));
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::RootDir)));
                prop_assert_eq!(joined.components().count(), 2 + text.split('/').count());
            }
        }
    }
}

#[test]
fn what_macos_adds_is_left_out() {
    for text in ["__MACOSX", "__MACOSX/a", ".DS_Store", "a/.DS_Store", "a/.DS_Store/b"] {
        assert!(is_left_out(text), "{text}");
    }
    for text in ["__MACOSX2/a", "a/__MACOSX/b", "x.DS_Store", ".ds_store"] {
        assert!(!is_left_out(text), "{text}");
    }
}

mod a_set {
    use super::*;

    fn insert_all(texts: &[&str]) -> Result<(), Collision> {
        let paths: Vec<_> = texts.iter().map(|text| path(text)).collect();
        let mut set = PathSet::new();
        paths.iter().try_for_each(|path| set.insert(path))
    }

    #[test]
    fn takes_paths_that_can_live_together() {
        for texts in [
            &["a", "b", "c/a", "c/b", "c/d/a"][..],
            &["a/x", "A/y"],
            &["a", "a.b", "a-b/c", "ab"],
            &["ß", "ss"],
        ] {
            assert_eq!(insert_all(texts), Ok(()), "{texts:?}");
        }
    }

    #[test]
    fn refuses_paths_that_differ_by_case_only() {
        for (one, other) in [
            ("a", "a"),
            ("a", "A"),
            ("x/É", "x/é"),
            ("σ", "ς"),
            ("Σ", "ς"),
            ("ſ", "s"),
            ("ẞ", "ß"),
            ("µ", "μ"),
            ("ა", "Ა"),
        ] {
            assert_eq!(
                insert_all(&[one, other]),
                Err(Collision::Same { path: path(other), other: path(one) })
            );
        }
    }

    #[test]
    fn refuses_a_file_that_is_another_ones_folder() {
        for (one, other) in [("a", "a/b"), ("a/b", "a"), ("a/b/c/d", "A/b"), ("Ä", "ä/x")] {
            assert_eq!(
                insert_all(&[one, other]),
                Err(Collision::FileAndFolder { path: path(other), other: path(one) })
            );
        }
    }
}
