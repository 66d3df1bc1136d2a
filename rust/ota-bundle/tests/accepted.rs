//! Odd zips that are valid: common tools write them.

#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use support::{
    Entry, PAGE, SCRIPT, Zip, deflate, extra, file, folder, sample, stored, unicode_path, unpack, words, zip,
};

fn files(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    unpack(bytes).unwrap_or_else(|error| panic!("{error}")).1
}

fn paths(bytes: &[u8]) -> Vec<String> {
    files(bytes).into_keys().collect()
}

/// Cases that change the sample and leave its content as it is.
macro_rules! same_as_the_sample {
    ($($name:ident: $change:expr;)*) => {$(
        #[test]
        fn $name() {
            let expected = unpack(&sample().bytes()).unwrap();
            let mut zip = sample();
            let change: fn(&mut Zip) = $change;
            change(&mut zip);
            assert_eq!(unpack(&zip.bytes()).unwrap_or_else(|error| panic!("{error}")), expected);
        }
    )*};
}

fn each(zip: &mut Zip, change: impl Fn(Entry) -> Entry) {
    zip.entries = zip.entries.drain(..).map(change).collect();
}

same_as_the_sample! {
    plain: |_| {};
    descriptors_with_signature: |zip| each(zip, |entry| entry.streamed(true, false));
    descriptors_without_signature: |zip| each(zip, |entry| entry.streamed(false, false));
    wide_descriptors_with_signature: |zip| each(zip, |entry| entry.streamed(true, true));
    wide_descriptors_without_signature: |zip| each(zip, |entry| entry.streamed(false, true));
    descriptors_though_the_sizes_were_known: |zip| each(zip, |entry| {
        let mut streamed = entry.clone().streamed(true, false);
        let known = entry.local;
        (streamed.local.crc, streamed.local.size) = (known.crc, known.size);
        streamed.local.compressed_size = known.compressed_size;
        streamed
    });
    zip64_descriptors_announced_in_the_local_header: |zip| each(zip, |entry| {
        let mut streamed = entry.streamed(true, true);
        (streamed.local.size, streamed.local.compressed_size) = (u32::MAX, u32::MAX);
        streamed.local.extra = extra(1, &words(&[0, 0]));
        streamed
    });
    stored_entries: |zip| zip.entries = vec![stored("index.html", PAGE), stored("assets/app.js", SCRIPT)];
    stored_entries_with_descriptors: |zip| {
        zip.entries = vec![stored("index.html", PAGE), stored("assets/app.js", SCRIPT).streamed(true, false)];
    };
    needless_zip64_fields: |zip| {
        zip.entries[0] = zip.entries[0].clone().zip64(0);
    };
    zip64_fields_with_values_that_fit: |zip| each(zip, |mut entry| {
        let sizes = words(&[entry.central.size.into(), entry.central.compressed_size.into()]);
        entry.headers(|header| header.extra = extra(1, &sizes));
        entry
    });
    needless_zip64_end_record: |zip| zip.change_end64 = Some(|_| {});
    zip64_end_record_with_all_short_fields_blank: |zip| {
        zip.change_end64 = Some(|_| {});
        zip.change_end = |end| {
            (end.entries, end.entries_here) = (u16::MAX, u16::MAX);
            (end.size, end.start) = (u32::MAX, u32::MAX);
        };
    };
    unix_times_and_owners: |zip| each(zip, |mut entry| {
        let times = [extra(0x5455, &[1, 0, 0, 0, 0]), extra(0x7875, &[1, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0])].concat();
        entry.headers(|header| header.extra.clone_from(&times));
        entry
    });
    other_extra_fields_in_the_two_headers: |zip| zip.entries[1].local.extra = extra(0xcafe, &[]);
    contents_aligned_with_zeros: |zip| zip.entries[1].local.extra = vec![0; 3];
    contents_aligned_with_empty_fields: |zip| zip.entries[1].local.extra = vec![0; 10];
    an_extra_field_of_many_bytes: |zip| zip.entries[1].local.extra = extra(0xd935, &[0; 4000]);
    an_archive_comment: |zip| zip.comment = b"made by hand".to_vec();
    the_longest_archive_comment: |zip| zip.comment = vec![b'x'; 65535];
    entry_comments: |zip| zip.entries[0].comment = b"first page".to_vec();
    made_on_windows: |zip| each(zip, |mut entry| {
        (entry.made_by, entry.attributes) = (0x0014, 0x20);
        entry
    });
    made_by_a_tool_that_gives_no_mode: |zip| each(zip, |mut entry| {
        entry.attributes = 0;
        entry
    });
    made_on_macos: |zip| {
        zip.entries.insert(1, folder("assets/"));
        zip.entries.push(stored("__MACOSX/assets/._app.js", b"resource fork"));
        zip.entries.push(stored("assets/.DS_Store", b"\0\0\0\x01Bud1"));
        zip.entries.push(stored(".DS_Store", b"\0\0\0\x01Bud1"));
    };
    folders_listed_twice: |zip| zip.entries.extend([folder("assets/"), folder("assets/"), folder("empty/")]);
    folders_with_an_empty_stream: |zip| {
        let mut entry = file("assets/", b"");
        assert_eq!(entry.content, deflate(b""));
        entry.attributes = 0o040_755 << 16;
        zip.entries.push(entry);
    };
    another_order_in_the_directory: |zip| {
        // The directory lists the second entry first.
        let second = zip.entries[0].local.clone();
        let offset = 30 + second.name.len() + zip.entries[0].content.len();
        let (mut listed_first, mut listed_last) = (zip.entries[1].clone(), zip.entries[1].clone());
        (listed_first.in_body, listed_first.offset) = (false, Some(offset as u32));
        listed_last.in_directory = false;
        zip.entries = vec![listed_first, zip.entries[0].clone(), listed_last];
    };
    levels_of_deflate_in_the_flags: |zip| zip.entries[0].local.flags |= 0b110;
    a_top_folder: |zip| {
        zip.entries = vec![folder("dist/"), file("dist/index.html", PAGE), file("dist/assets/app.js", SCRIPT)];
    };
    a_top_folder_made_on_macos: |zip| {
        zip.entries = vec![
            folder("dist/"),
            file("dist/index.html", PAGE),
            file("dist/.DS_Store", b"x"),
            file("__MACOSX/dist/._index.html", b"x"),
            file("dist/assets/app.js", SCRIPT),
        ];
    };
    an_ascii_name_marked_as_utf8: |zip| each(zip, |mut entry| {
        entry.headers(|header| header.flags |= 1 << 11);
        entry
    });
    a_deflated_content_in_many_blocks: |zip| {
        let content = [&[0, 0, 0, 0xff, 0xff].repeat(30_000)[..], &deflate(SCRIPT)].concat();
        let len = content.len() as u32;
        zip.entries[1].content = content;
        zip.entries[1].headers(|header| header.compressed_size = len);
    };
}

#[test]
fn empty_files() {
    let files = files(
        &zip([stored("index.html", b""), file("a", b""), file("b", b"").streamed(true, false)]).bytes(),
    );
    assert!(files.len() == 3 && files.values().all(Vec::is_empty));
}

#[test]
fn an_empty_file_that_promises_a_descriptor_and_has_none() {
    let mut entry = stored("a", b"");
    entry.headers(|header| header.flags |= 8);
    assert_eq!(paths(&zip([file("index.html", b"1"), entry]).bytes()), ["a", "index.html"]);
}

#[test]
fn names_in_utf8() {
    let names = ["index.html", "assets/grün.js", "日本語/ファイル.js", "emoji 🦀.svg"];
    let mut expected = names.map(str::to_owned);
    expected.sort();
    let marked = zip(names.map(|name| file(name, b"x")));
    assert_eq!(paths(&marked.bytes()), expected);

    // macOS and Unix tools do not mark them.
    let mut unmarked = marked.clone();
    each(&mut unmarked, |mut entry| {
        entry.headers(|header| header.flags = 0);
        entry
    });
    assert_eq!(paths(&unmarked.bytes()), expected);

    // Info-ZIP elsewhere marks them in an extra field.
    each(&mut unmarked, |mut entry| {
        let name = entry.local.name.clone();
        entry.made_by = 0x0b14;
        entry.headers(|header| header.extra = unicode_path(&name, std::str::from_utf8(&name).unwrap()));
        entry
    });
    assert_eq!(paths(&unmarked.bytes()), expected);
}

#[test]
fn names_that_differ_by_more_than_case() {
    let names =
        ["index.html", "a.js", "a/b.js", "A-b.js", "ß.js", "ss.js", "İ.js", "i.js", "a.js.map", "a b.js"];
    assert_eq!(paths(&zip(names.map(|name| file(name, b"x"))).bytes()).len(), names.len());
}

#[test]
fn the_top_folder_stays_where_the_first_page_is_above_it() {
    let bytes = zip([file("index.html", b"1"), file("www/index.html", b"2")]).bytes();
    assert_eq!(paths(&bytes), ["index.html", "www/index.html"]);
    let only = zip([file("www/index.html", b"1"), file("www/www/index.html", b"2")]).bytes();
    assert_eq!(paths(&only), ["index.html", "www/index.html"]);
}

#[test]
fn the_longest_path_below_a_top_folder() {
    let longest = format!("{}/{}/{}", "a".repeat(200), "b".repeat(200), "c".repeat(110));
    assert_eq!(longest.len(), 512);
    let bytes = zip([file("top/index.html", b"1"), file(&format!("top/{longest}"), b"2")]).bytes();
    assert_eq!(paths(&bytes), [longest, "index.html".to_owned()]);
}

#[test]
fn files_larger_than_every_buffer() {
    let noise: Vec<u8> = (0..900_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut entries = vec![file("index.html", PAGE), file("noise.bin", &noise), stored("stored.bin", &noise)];
    entries.extend((0..50).map(|n| file(&format!("chunks/{n}.js"), &noise[..n * 1000])));
    let files = files(&zip(entries).bytes());
    assert_eq!((files.len(), &files["noise.bin"], &files["stored.bin"]), (53, &noise, &noise));
}
