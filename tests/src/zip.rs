//! Zips built byte by byte, so that each field can lie.

/// One entry. What its two headers say is taken from here; a test that wants a lie changes a field.
#[derive(Debug, Clone)]
pub struct Entry {
    /// In the local header.
    pub local_name: Vec<u8>,
    /// In the directory.
    pub name: Vec<u8>,
    /// Bit 0: encrypted; bit 3: sizes follow; bit 11: UTF-8.
    pub flags: u16,
    /// 0: stored.
    pub method: u16,
    /// Of the content.
    pub crc: u32,
    /// Bytes, as stated.
    pub size: u32,
    /// Bytes in the zip, as stated.
    pub packed_size: u32,
    /// Unix mode, in the upper half.
    pub attributes: u32,
    /// Where the directory says it is; `None`: where it is.
    pub offset: Option<u32>,
    /// The content.
    pub content: Vec<u8>,
}

/// A stored file.
pub fn file(name: &str, content: &[u8]) -> Entry {
    let size = u32::try_from(content.len()).expect("small");
    Entry {
        local_name: name.as_bytes().to_vec(),
        name: name.as_bytes().to_vec(),
        flags: if name.is_ascii() { 0 } else { 1 << 11 },
        method: 0,
        crc: crc32fast::hash(content),
        size,
        packed_size: size,
        attributes: 0o100_644 << 16,
        offset: None,
        content: content.to_vec(),
    }
}

/// A bundle in which nothing lies.
pub fn sample() -> Vec<Entry> {
    vec![file("index.html", b"<h1>hello</h1>"), file("js/app.js", b"notifyAppReady()")]
}

fn short(bytes: &mut Vec<u8>, values: &[u16]) {
    for value in values {
        bytes.extend(value.to_le_bytes());
    }
}

fn long(bytes: &mut Vec<u8>, values: &[u32]) {
    for value in values {
        bytes.extend(value.to_le_bytes());
    }
}

fn len(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).expect("short")
}

/// The zip of these entries; `count` is how many the end record states.
pub fn zip_of(entries: &[Entry], count: u16) -> Vec<u8> {
    let position = |bytes: &[u8]| u32::try_from(bytes.len()).expect("small");
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = entry.offset.unwrap_or_else(|| position(&body));
        let common = |bytes: &mut Vec<u8>, name: &[u8]| {
            short(bytes, &[20, entry.flags, entry.method, 0, 0x21]);
            long(bytes, &[entry.crc, entry.packed_size, entry.size]);
            short(bytes, &[len(name), 0]);
        };
        body.extend(b"PK\x03\x04");
        common(&mut body, &entry.local_name);
        body.extend(&entry.local_name);
        body.extend(&entry.content);
        directory.extend(b"PK\x01\x02");
        short(&mut directory, &[0x0314]);
        common(&mut directory, &entry.name);
        short(&mut directory, &[0, 0, 0]);
        long(&mut directory, &[entry.attributes, at]);
        directory.extend(&entry.name);
    }
    let (start, size) = (position(&body), position(&directory));
    body.extend(directory);
    body.extend(b"PK\x05\x06");
    short(&mut body, &[0, 0, count, count]);
    long(&mut body, &[size, start]);
    short(&mut body, &[0]);
    body
}

/// The zip of these entries, honestly counted.
///
/// # Panics
/// Where there are too many.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_of(entries, u16::try_from(entries.len()).expect("few"))
}
