//! Zips that must be refused: each says with which code, names the entry where there is one, and is refused before
//! the first byte is inflated unless only the content gives it away.

#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)]

mod support;

use ota_bundle::{Archive, Discard, Limits, UnpackError};
use support::{Memory, Zip, deflate, extra, file, folder, open, sample, stored, unicode_path, words, zip};

/// Refused by `open`: no sink can have been touched.
fn refused(zip: &[u8], limits: &Limits, code: &str, named: &str) {
    let error = Archive::open(zip, limits).map(drop).expect_err("the archive was taken");
    assert_eq!((error.code(), error.to_string().contains(named)), (code, true), "{error}");
}

/// Cases that change the sample: `code`, a text that the error must name, the change.
macro_rules! refused {
    ($($name:ident: $code:literal, $named:literal, $change:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut zip = sample();
            let change: fn(&mut Zip) = $change;
            change(&mut zip);
            refused(&zip.bytes(), &Limits::default(), $code, $named);
        }
    )*};
}

/// Only the content gives these away.
macro_rules! refused_while_unpacking {
    ($($name:ident: $named:literal, $what:literal, $change:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut zip = sample();
            let change: fn(&mut Zip) = $change;
            change(&mut zip);
            let bytes = zip.bytes();
            let archive = open(&bytes).expect("nothing shows before it is unpacked");
            for threads in [1, 2] {
                let sink = Memory::default();
                let error = archive.unpack(&sink, threads).expect_err("the content was taken");
                let UnpackError::Archive(error) = error else { panic!("not the archive's fault: {error}") };
                assert_eq!(error.code(), "archive_refused");
                let text = error.to_string();
                assert!(text.contains($named) && text.contains($what), "{text}");
                assert!(!sink.files.lock().unwrap().contains_key($named), "the sink took it for complete");
                // A sink that reads nothing is no way around the checks.
                assert!(matches!(archive.unpack(&Discard, threads), Err(UnpackError::Archive(_))));
            }
        }
    )*};
}

mod no_zip_at_all {
    use super::*;

    #[test]
    fn nothing() {
        refused(b"", &Limits::default(), "not_a_zip", "no end record");
    }

    #[test]
    fn a_web_page() {
        refused(&support::PAGE.repeat(100), &Limits::default(), "not_a_zip", "no end record");
    }

    #[test]
    fn cut_off_anywhere() {
        let bytes = sample().bytes();
        for len in 0..bytes.len() {
            let error = open(&bytes[..len]).map(drop).expect_err("a part was taken for the whole");
            assert_eq!(error.code(), "not_a_zip", "{len}: {error}");
        }
    }

    #[test]
    fn an_end_record_alone() {
        refused(&zip([]).bytes(), &Limits::default(), "no_index_html", "index.html");
    }
}

mod the_end_of_the_zip {
    use super::*;

    refused! {
        counts_too_many: "not_a_zip", "directory", |zip| zip.change_end = |end| {
            end.entries += 1;
            end.entries_here += 1;
        };
        counts_too_few: "not_a_zip", "more than the entries", |zip| zip.change_end = |end| {
            end.entries -= 1;
            end.entries_here -= 1;
        };
        counts_differ: "archive_refused", "several", |zip| zip.change_end = |end| end.entries_here -= 1;
        second_disk: "archive_refused", "several", |zip| zip.change_end = |end| end.disk = 1;
        directory_on_another_disk: "archive_refused", "several", |zip| zip.change_end = |end| end.directory_disk = 1;
        directory_starts_late: "not_a_zip", "directory", |zip| zip.change_end = |end| end.start += 1;
        directory_starts_early: "archive_refused", "belong to nothing", |zip| zip.change_end = |end| end.start -= 1;
        directory_too_long: "not_a_zip", "directory", |zip| zip.change_end = |end| end.size += 1;
        directory_overflows: "not_a_zip", "directory", |zip| zip.change_end = |end| end.start = u32::MAX;
        comment_cut_off: "not_a_zip", "comment", |zip| {
            zip.comment = b"PK\x05\x06aaaaaaaaaaaaaaaa\x05\0".to_vec();
        };
        comment_with_an_end_record_of_its_own: "archive_refused", "belong to nothing", |zip| {
            zip.comment = [&zip.bytes()[zip.bytes().len() - 22..], b"more"].concat();
        };
        bytes_behind_the_end: "archive_refused", "behind the end record", |zip| zip.suffix = b"x".to_vec();
        bytes_in_front: "archive_refused", "belong to nothing", |zip| zip.prefix = b"#!/bin/sh\n".to_vec();
        bytes_in_front_of_a_zip_that_knows_nothing_of_them: "archive_refused", "belong to nothing", |zip| {
            zip.prefix = b"#!/bin/sh\n".to_vec();
            zip.entries[0].offset = Some(0);
            zip.change_end = |end| end.start -= 10;
        };
        bytes_before_the_directory: "archive_refused", "behind assets/app.js", |zip| {
            zip.before_directory = vec![0; 7];
        };
        bytes_behind_the_directory: "archive_refused", "belong to nothing", |zip| zip.after_directory = vec![0; 7];
        bytes_in_the_directory: "not_a_zip", "directory", |zip| zip.in_directory = b"PK\x05\x05\0\0".to_vec();
        zip64_record_missing: "not_a_zip", "directory", |zip| zip.change_end = |end| end.size = u32::MAX;
        zip64_locator_lies: "not_a_zip", "zip64", |zip| zip.change_end64 = Some(|end| end.locator_start -= 4);
        zip64_locator_overflows: "not_a_zip", "zip64", |zip| {
            zip.change_end64 = Some(|end| end.locator_start = u64::MAX);
        };
        zip64_of_several_disks: "archive_refused", "several", |zip| zip.change_end64 = Some(|end| end.locator_disks = 2);
        zip64_contradicts_the_short_record: "not_a_zip", "contradict", |zip| {
            zip.change_end64 = Some(|end| end.entries = 1);
        };
        zip64_directory_overflows: "not_a_zip", "directory", |zip| {
            zip.change_end64 = Some(|end| end.start = u64::MAX - 3);
            zip.change_end = |end| end.start = u32::MAX;
        };
        zip64_record_of_version_two: "not_a_zip", "zip64", |zip| zip.change_end64 = Some(|end| end.record_size = 72);
    }

    #[test]
    fn more_entries_than_memory_is_granted() {
        let mut zip = sample();
        zip.change_end64 = Some(|end| end.entries = u64::MAX);
        zip.change_end = |end| (end.entries, end.entries_here) = (u16::MAX, u16::MAX);
        refused(&zip.bytes(), &Limits::default(), "archive_too_large", "entries");
    }

    #[test]
    fn a_directory_larger_than_memory_is_granted() {
        let mut zip = sample();
        zip.entries[0].comment = vec![b'x'; 65_000];
        zip.entries[1].comment = vec![b'x'; 65_000];
        let limits = Limits { files: 2, ..Limits::default() };
        refused(&zip.bytes(), &limits, "archive_too_large", "directory");
    }
}

mod headers_that_lie {
    use super::*;

    refused! {
        local_name_differs: "archive_refused", "index.html: its two headers disagree about its name", |zip| {
            zip.entries[0].local.name = b"evil1.html".to_vec();
        };
        local_name_is_longer: "archive_refused", "index.html: its two headers disagree about its name", |zip| {
            zip.entries[0].local.name = b"index.html2".to_vec();
        };
        local_method_differs: "archive_refused", "assets/app.js", |zip| zip.entries[1].local.method = 0;
        local_size_differs: "archive_refused", "assets/app.js", |zip| zip.entries[1].local.size += 1;
        local_compressed_size_differs: "archive_refused", "assets/app.js", |zip| {
            zip.entries[1].local.compressed_size -= 1;
        };
        local_size_is_zero_without_a_descriptor: "archive_refused", "assets/app.js", |zip| {
            zip.entries[1].local.size = 0;
        };
        local_crc_differs: "archive_refused", "CRC", |zip| zip.entries[1].local.crc ^= 1;
        local_flags_differ: "archive_refused", "flags", |zip| zip.entries[1].local.flags |= 1 << 11;
        local_claims_encryption: "archive_refused", "flags", |zip| zip.entries[1].local.flags |= 1;
        local_zip64_differs: "archive_refused", "size", |zip| {
            zip.entries[0] = zip.entries[0].clone().zip64(0);
            zip.entries[0].local.extra[4] ^= 1;
        };
        local_zip64_is_missing: "not_a_zip", "index.html", |zip| {
            zip.entries[0] = zip.entries[0].clone().zip64(0);
            zip.entries[0].local.extra.clear();
        };
        local_header_missing: "not_a_zip", "assets/app.js", |zip| zip.entries[1].signature = *b"PK\x03\x05";
        local_extra_malformed: "not_a_zip", "assets/app.js", |zip| {
            zip.entries[1].local.extra = vec![1, 0, 200, 0, 1];
        };
        central_extra_malformed: "not_a_zip", "assets/app.js", |zip| zip.entries[1].central.extra = vec![7; 5];
        descriptor_differs: "archive_refused", "descriptor", |zip| {
            zip.entries[1] = zip.entries[1].clone().streamed(true, false);
            zip.entries[1].descriptor[8] ^= 1;
        };
        descriptor_without_the_flag: "archive_refused", "assets/app.js", |zip| {
            let streamed = zip.entries[1].clone().streamed(true, false);
            zip.entries[1].descriptor = streamed.descriptor;
        };
        descriptor_missing: "not_a_zip", "descriptor", |zip| {
            zip.entries[1] = zip.entries[1].clone().streamed(true, false);
            zip.entries[1].descriptor.clear();
        };
        descriptor_of_no_known_form: "archive_refused", "behind assets/app.js", |zip| {
            zip.entries[1] = zip.entries[1].clone().streamed(true, false);
            zip.entries[1].descriptor.push(0);
        };
        descriptor_with_a_wrong_signature: "archive_refused", "behind assets/app.js", |zip| {
            zip.entries[1] = zip.entries[1].clone().streamed(true, false);
            zip.entries[1].descriptor[3] = 9;
        };
        stored_with_two_sizes: "not_a_zip", "assets/app.js", |zip| {
            zip.entries[1].headers(|header| header.method = 0);
        };
        deflated_from_nothing: "not_a_zip", "assets/app.js", |zip| {
            zip.entries[1].content.clear();
            zip.entries[1].headers(|header| header.compressed_size = 0);
        };
        zip64_field_missing: "not_a_zip", "index.html", |zip| zip.entries[0].central.size = u32::MAX;
        zip64_field_too_short: "not_a_zip", "index.html", |zip| {
            zip.entries[0] = zip.entries[0].clone().zip64(0);
            zip.entries[0].central.extra = extra(1, &words(&[1, 2]));
        };
        zip64_field_too_long: "not_a_zip", "index.html", |zip| {
            zip.entries[0] = zip.entries[0].clone().zip64(0);
            zip.entries[0].central.extra = extra(1, &[0; 40]);
        };
        zip64_field_with_two_readings: "not_a_zip", "index.html", |zip| {
            let support::Header { compressed_size, size, .. } = zip.entries[0].central.clone();
            zip.entries[0].central.extra = extra(1, &words(&[compressed_size.into(), size.into()]));
            zip.entries[0].central.compressed_size = u32::MAX;
        };
        zip64_field_twice: "not_a_zip", "two zip64", |zip| {
            zip.entries[0] = zip.entries[0].clone().zip64(0);
            let again = zip.entries[0].central.extra.repeat(2);
            zip.entries[0].central.extra = again;
        };
        needless_zip64_field_differs: "not_a_zip", "index.html", |zip| {
            zip.entries[0].central.extra = extra(1, &words(&[1, 1]));
        };
        entry_on_another_disk: "archive_refused", "several", |zip| zip.entries[1].disk = 1;
    }
}

mod bytes_used_twice_or_not_at_all {
    use super::*;

    refused! {
        two_entries_share_a_local_header: "archive_refused", "overlaps", |zip| {
            let mut twin = zip.entries[0].clone();
            twin.in_body = false;
            twin.offset = Some(0);
            twin.central.name = b"index.htm2".to_vec();
            zip.entries.push(twin);
        };
        an_entry_swallows_the_next: "archive_refused", "index.html overlaps assets/app.js", |zip| {
            let len = zip.entries[0].content.len() as u32 + 60;
            zip.entries[0].headers(|header| header.compressed_size = len);
        };
        an_entry_reaches_into_the_directory: "archive_refused", "overlaps the central directory", |zip| {
            zip.entries[1].headers(|header| header.compressed_size += 10);
        };
        an_entry_of_four_gigabytes: "archive_refused", "overlaps", |zip| {
            zip.entries[1].headers(|header| header.compressed_size = u32::MAX - 1);
        };
        a_local_header_inside_a_content: "archive_refused", "index.html overlaps hidden.js", |zip| {
            let hidden = zip.entries[1].clone();
            let mut outer = stored("index.html", &support::zip([file("hidden.js", b"1")]).bytes());
            outer.local.extra.clear();
            let mut inner = file("hidden.js", b"1");
            inner.in_body = false;
            inner.offset = Some(30 + 10);
            zip.entries = vec![outer, inner, hidden];
        };
        a_local_header_behind_the_entries: "not_a_zip", "assets/app.js", |zip| {
            zip.entries[1].offset = Some(1_000_000);
        };
        a_local_header_at_the_end_of_four_gigabytes: "not_a_zip", "assets/app.js", |zip| {
            zip.entries[1].offset = Some(u32::MAX - 1);
        };
        a_zip64_offset_that_overflows: "not_a_zip", "assets/app.js", |zip| {
            zip.entries[1] = zip.entries[1].clone().zip64(u64::MAX - 5);
        };
        an_extra_field_that_swallows_the_next: "archive_refused", "index.html overlaps assets/app.js", |zip| {
            // Its length says two thousand bytes, of which the next entry is the first part.
            zip.entries[0].local.extra = extra(0xcafe, &[0; 1996]);
            zip.entries[1].offset = Some(100);
        };
        bytes_between_two_entries: "archive_refused", "behind index.html", |zip| zip.entries[1].gap = vec![1; 9];
        an_entry_that_the_directory_leaves_out: "archive_refused", "behind index.html", |zip| {
            zip.entries.insert(1, file("hidden.js", b"alert(1)"));
            zip.entries[1].in_directory = false;
        };
        an_entry_hidden_in_front: "archive_refused", "before the first entry", |zip| {
            zip.entries.insert(0, file("hidden.js", b"alert(1)"));
            zip.entries[0].in_directory = false;
        };
    }
}

mod features_bundles_have_no_use_for {
    use super::*;

    refused! {
        encrypted: "archive_refused", "assets/app.js is encrypted", |zip| {
            zip.entries[1].headers(|header| header.flags |= 1);
        };
        strongly_encrypted: "archive_refused", "assets/app.js is encrypted", |zip| {
            zip.entries[1].headers(|header| header.flags |= 1 << 6);
        };
        headers_masked_by_encryption: "archive_refused", "assets/app.js is encrypted", |zip| {
            zip.entries[1].headers(|header| header.flags |= 1 << 13);
        };
        encrypted_by_an_extra_field: "archive_refused", "assets/app.js is encrypted", |zip| {
            zip.entries[1].central.extra = extra(0x0017, &[0; 8]);
        };
        encrypted_with_aes: "archive_refused", "assets/app.js is encrypted", |zip| {
            zip.entries[1].headers(|header| header.extra = extra(0x9901, &[2, 0, b'A', b'E', 3, 8, 0]));
        };
        patch_data: "archive_refused", "patch data", |zip| {
            zip.entries[1].headers(|header| header.flags |= 1 << 5);
        };
        a_reserved_flag: "archive_refused", "assets/app.js", |zip| {
            zip.entries[1].headers(|header| header.flags |= 1 << 14);
        };
        bzip2: "archive_refused", "method 12", |zip| {
            zip.entries[1].headers(|header| header.method = 12);
        };
        zstandard: "archive_refused", "method 93", |zip| {
            zip.entries[1].headers(|header| header.method = 93);
        };
        a_symbolic_link: "archive_refused", "assets/app.js is a symbolic link", |zip| {
            zip.entries[1].attributes = 0o120_777 << 16;
        };
        a_symbolic_link_made_on_no_unix: "archive_refused", "assets/app.js is a symbolic link", |zip| {
            zip.entries[1].attributes = 0o120_777 << 16;
            zip.entries[1].made_by = 0x0014;
        };
        a_symbolic_link_to_be_dropped: "archive_refused", "__MACOSX/link is a symbolic link", |zip| {
            let mut link = stored("__MACOSX/link", b"/etc");
            link.attributes = 0o120_777 << 16;
            zip.entries.push(link);
        };
        a_symbolic_link_by_an_extra_field: "archive_refused", "assets/app.js is a symbolic link", |zip| {
            zip.entries[1].central.extra = extra(0x756e, &[0, 0, 0, 0, 0xff, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0]);
        };
        a_windows_link: "archive_refused", "assets/app.js is a link", |zip| {
            zip.entries[1].attributes = 0x400;
            zip.entries[1].made_by = 0x0014;
        };
        a_character_device: "archive_refused", "assets/app.js is a device", |zip| {
            zip.entries[1].attributes = 0o020_666 << 16;
        };
        a_block_device: "archive_refused", "assets/app.js is a device", |zip| {
            zip.entries[1].attributes = 0o060_666 << 16;
        };
        a_pipe: "archive_refused", "assets/app.js is a pipe", |zip| zip.entries[1].attributes = 0o010_666 << 16;
        a_socket: "archive_refused", "assets/app.js is a socket", |zip| {
            zip.entries[1].attributes = 0o140_666 << 16;
        };
        a_volume_label: "archive_refused", "volume label", |zip| zip.entries[1].attributes = 0x08;
        a_folder_without_a_slash: "archive_refused", "assets/app.js: marked as a folder", |zip| {
            zip.entries[1].attributes = 0o040_755 << 16;
        };
        a_dos_folder_without_a_slash: "archive_refused", "assets/app.js: marked as a folder", |zip| {
            zip.entries[1].attributes = 0x10;
        };
        a_folder_with_content: "archive_refused", "assets/: a folder with content", |zip| {
            zip.entries.push(file("assets/", b"hidden"));
        };
    }
}

mod names {
    use super::*;

    /// Renames the script.
    fn renamed(name: &str) -> Vec<u8> {
        zip([file("index.html", support::PAGE), file(name, support::SCRIPT)]).bytes()
    }

    #[test]
    fn that_leave_the_folder_or_mean_different_things() {
        for name in [
            "../evil.js",
            "assets/../../evil.js",
            "assets/./app.js",
            "/etc/passwd",
            "//server/share",
            "assets//app.js",
            "assets\\app.js",
            "..\\evil.js",
            "C:/evil.js",
            "C:evil.js",
            "app.js:stream",
            "new\nline",
            "bell\u{7}",
            "nul\0.js",
            "del\u{7f}",
        ] {
            let shown: String = name
                .chars()
                .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
                .collect();
            refused(&renamed(name), &Limits::default(), "archive_refused", &shown);
        }
    }

    #[test]
    fn of_folders_that_leave_the_folder() {
        for name in ["../", "a/../", "/", "a//"] {
            let mut zip = sample();
            zip.entries.push(folder(name));
            refused(&zip.bytes(), &Limits::default(), "archive_refused", name);
        }
    }

    #[test]
    fn that_leave_the_folder_though_they_are_dropped() {
        refused(
            &renamed("__MACOSX/../../evil.js"),
            &Limits::default(),
            "archive_refused",
            "__MACOSX/../../evil.js",
        );
    }

    #[test]
    fn too_long() {
        refused(&renamed(&"d/".repeat(256)), &Limits::default(), "archive_refused", "d/d");
        refused(
            &renamed(&format!("{}x", "d/".repeat(256))),
            &Limits::default(),
            "archive_refused",
            "too long",
        );
        refused(&renamed(&"x".repeat(201)), &Limits::default(), "archive_refused", "too long");
        let limits = Limits { path: 12, ..Limits::default() };
        refused(&renamed("assets/app.js"), &limits, "archive_refused", "assets/app.js");
    }

    #[test]
    fn not_in_normal_form_c() {
        refused(&renamed("cafe\u{301}.js"), &Limits::default(), "archive_refused", "normal form");
    }

    #[test]
    fn are_shown_without_control_characters() {
        let error = open(&renamed("a\u{1b}[31m\u{202e}.js")).map(drop).unwrap_err().to_string();
        assert!(error.contains("a\\u{1b}[31m\\u{202e}.js"), "{error}");
        assert!(!error.contains(['\u{1b}', '\u{202e}']), "{error}");
    }

    #[test]
    fn are_shown_without_control_characters_in_every_error() {
        let names = ["index.html", "a\u{202e}b", "A\u{202e}b"];
        let error = open(&zip(names.map(|name| file(name, b"1"))).bytes()).map(drop).unwrap_err().to_string();
        assert!(error.contains("a\\u{202e}b") && !error.contains('\u{202e}'), "{error}");
    }

    #[test]
    fn that_are_one_file_on_some_systems() {
        for (one, other) in [
            ("a.js", "a.js"),
            ("a.js", "A.js"),
            ("dir/x.js", "DIR/X.js"),
            ("ä.js", "Ä.js"),
            ("σ.js", "ς.js"),
            ("k.js", "\u{212a}.js"),
        ] {
            // The Kelvin sign is not in normal form C either; refused is refused.
            let bytes = zip([file("index.html", b"1"), file(one, b"2"), file(other, b"3")]).bytes();
            refused(&bytes, &Limits::default(), "archive_refused", other);
        }
    }

    #[test]
    fn that_are_file_and_folder_at_once() {
        for (one, other) in [("a", "a/b"), ("a/b", "a"), ("A", "a/b"), ("a/b/c", "a/B")] {
            let bytes = zip([file("index.html", b"1"), file(one, b"2"), file(other, b"3")]).bytes();
            refused(&bytes, &Limits::default(), "archive_refused", one);
        }
    }

    refused! {
        without_any: "archive_refused", "no name", |zip| {
            zip.entries[1].headers(|header| header.name.clear());
        };
        not_utf8_though_marked_so: "archive_refused", "UTF-8", |zip| {
            zip.entries[1].headers(|header| (header.name, header.flags) = (b"caf\xe9.js".to_vec(), 1 << 11));
        };
        not_utf8_and_not_marked: "archive_refused", "UTF-8", |zip| {
            zip.entries[1].headers(|header| header.name = b"caf\x82.js".to_vec());
            zip.entries[1].made_by = 0x0014;
        };
        overlong_utf8: "archive_refused", "UTF-8", |zip| {
            zip.entries[1].headers(|header| header.name = b"a\xc0\xaf..\xc0\xafb".to_vec());
        };
        utf8_by_chance_on_windows: "archive_refused", "not marked", |zip| {
            zip.entries[1].headers(|header| header.name = "é.js".into());
            zip.entries[1].made_by = 0x0014;
        };
        a_second_spelling: "archive_refused", "Unicode name", |zip| {
            zip.entries[1].central.extra = unicode_path(b"assets/app.js", "assets/evil.js");
        };
        a_second_spelling_in_the_local_header: "archive_refused", "Unicode name", |zip| {
            zip.entries[1].local.extra = unicode_path(b"assets/app.js", "assets/evil.js");
        };
        a_second_spelling_of_another_name: "archive_refused", "Unicode name", |zip| {
            zip.entries[1].central.extra = unicode_path(b"other", "assets/app.js");
        };
    }
}

mod too_much {
    use super::*;

    #[test]
    fn files() {
        let limits = Limits { files: 1, ..Limits::default() };
        refused(&sample().bytes(), &limits, "archive_too_large", "more than 1 files");
    }

    #[test]
    fn entries_that_are_no_files() {
        let mut zip = sample();
        zip.entries.extend((0..8).map(|n| folder(&format!("f{n}/"))));
        let limits = Limits { files: 2, ..Limits::default() };
        refused(&zip.bytes(), &limits, "archive_too_large", "10 entries");
    }

    #[test]
    fn folders() {
        let deep = |n: usize| file(&format!("{n}/{}x", "d/".repeat(250)), b"1");
        let bytes = support::zip([file("index.html", b"1")].into_iter().chain((0..100).map(deep))).bytes();
        refused(&bytes, &Limits::default(), "archive_too_large", "20000 folders");
    }

    #[test]
    fn one_file() {
        let limits = Limits { file: 60, ..Limits::default() };
        refused(&sample().bytes(), &limits, "archive_too_large", "assets/app.js");
    }

    #[test]
    fn all_files_together() {
        let limits = Limits { bundle: 100, ..Limits::default() };
        refused(&sample().bytes(), &limits, "archive_too_large", "together");
    }

    #[test]
    fn zip() {
        let limits = Limits { archive: 200, ..Limits::default() };
        refused(&sample().bytes(), &limits, "archive_too_large", "the zip has");
    }

    #[test]
    fn out_of_too_little() {
        let bytes = support::zip([file("index.html", &vec![0; 3 << 20])]).bytes();
        refused(&bytes, &Limits::default(), "archive_too_large", "200 to 1");
    }

    #[test]
    fn by_sizes_that_overflow_when_added() {
        let mut zip = sample();
        for entry in &mut zip.entries {
            entry.central.size = u32::MAX;
            entry.local.size = u32::MAX;
            entry.central.extra = extra(1, &words(&[u64::MAX - 1]));
            entry.local.extra = extra(1, &words(&[u64::MAX - 1]));
        }
        let limits = Limits { file: u64::MAX, ..Limits::default() };
        refused(&zip.bytes(), &limits, "archive_too_large", "together");
    }
}

mod the_first_page {
    use super::*;

    #[test]
    fn missing() {
        refused(&zip([file("main.html", b"1")]).bytes(), &Limits::default(), "no_index_html", "index.html");
    }

    #[test]
    fn two_folders_down() {
        refused(
            &zip([file("a/b/index.html", b"1")]).bytes(),
            &Limits::default(),
            "no_index_html",
            "index.html",
        );
    }

    #[test]
    fn in_one_of_two_folders() {
        let bytes = zip([file("a/index.html", b"1"), file("b/app.js", b"2")]).bytes();
        refused(&bytes, &Limits::default(), "no_index_html", "index.html");
    }

    #[test]
    fn beside_a_file_at_the_top() {
        let bytes = zip([file("a/index.html", b"1"), file("app.js", b"2")]).bytes();
        refused(&bytes, &Limits::default(), "no_index_html", "index.html");
    }

    #[test]
    fn in_another_case() {
        refused(&zip([file("Index.html", b"1")]).bytes(), &Limits::default(), "no_index_html", "index.html");
    }

    #[test]
    fn a_folder() {
        refused(
            &zip([folder("index.html/"), file("a.js", b"")]).bytes(),
            &Limits::default(),
            "no_index_html",
            "index",
        );
    }

    #[test]
    fn among_what_is_dropped() {
        let bytes = zip([file("__MACOSX/index.html", b"1")]).bytes();
        refused(&bytes, &Limits::default(), "no_index_html", "index.html");
    }
}

mod contents {
    use super::*;

    /// Gives the script another compressed content.
    fn content(zip: &mut Zip, content: Vec<u8>) {
        let len = content.len() as u32;
        zip.entries[1].content = content;
        zip.entries[1].headers(|header| header.compressed_size = len);
    }

    refused_while_unpacking! {
        with_another_crc: "assets/app.js", "CRC", |zip| {
            zip.entries[1].headers(|header| header.crc ^= 1);
        };
        stored_with_another_crc: "assets/app.js", "CRC", |zip| {
            zip.entries[1] = stored("assets/app.js", support::SCRIPT);
            zip.entries[1].content[0] ^= 1;
        };
        empty_with_another_crc: "assets/app.js", "CRC", |zip| {
            zip.entries[1] = stored("assets/app.js", b"");
            zip.entries[1].headers(|header| header.crc = 1);
        };
        longer_than_they_say: "assets/app.js", "more", |zip| {
            zip.entries[1].headers(|header| header.size -= 1);
        };
        far_longer_than_they_say: "assets/app.js", "more", |zip| {
            content(zip, deflate(&vec![b'x'; 1 << 20]));
        };
        shorter_than_they_say: "assets/app.js", "fewer", |zip| {
            zip.entries[1].headers(|header| header.size += 1);
        };
        something_out_of_an_empty_file: "assets/app.js", "more", |zip| {
            zip.entries[1].headers(|header| (header.size, header.crc) = (0, 0));
        };
        that_are_no_deflate_stream: "assets/app.js", "deflate", |zip| {
            content(zip, vec![0xff; 20]);
        };
        that_are_cut_off: "assets/app.js", "cut off", |zip| {
            let mut cut = deflate(support::SCRIPT);
            cut.truncate(cut.len() / 2);
            content(zip, cut);
        };
        that_never_end: "assets/app.js", "cut off", |zip| {
            // One stored block, not the last one, with everything in it.
            let len = support::SCRIPT.len() as u16;
            content(zip, [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes(), support::SCRIPT].concat());
        };
        with_bytes_behind_the_stream: "assets/app.js", "after its end", |zip| {
            content(zip, [&deflate(support::SCRIPT)[..], b"hidden"].concat());
        };
        with_a_second_stream_behind_the_first: "assets/app.js", "after its end", |zip| {
            content(zip, deflate(support::SCRIPT).repeat(2));
        };
        with_many_bytes_behind_the_stream: "assets/app.js", "after its end", |zip| {
            content(zip, [&deflate(support::SCRIPT)[..], &vec![0; 200_000]].concat());
        };
        that_yield_nothing_for_long: "assets/app.js", "CRC", |zip| {
            // A hundred thousand empty stored blocks before the real one.
            let empty = [0, 0, 0, 0xff, 0xff].repeat(100_000);
            content(zip, [&empty[..], &deflate(support::SCRIPT)].concat());
            zip.entries[1].headers(|header| header.crc ^= 1);
        };
    }
}
