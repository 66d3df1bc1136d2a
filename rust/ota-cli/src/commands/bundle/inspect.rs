//! `ota bundle inspect`.

use std::path::PathBuf;

use ota_bundle::{Limits, TreeList, scan};
use ota_protocol::{Checksum, Digest, Root};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::prepared::{Prepared, check_index, threads};
use crate::text;

/// Say what a zip or a folder holds; a zip that a device refuses is refused here, with the same code
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// A zip, or a folder with index.html in it
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
}

#[derive(Debug, Serialize)]
struct Inspected {
    /// The root.
    bundle: Root,
    files: usize,
    unpacked_size: u64,
    /// Of the zip; absent for a folder.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    zip: Option<ZipFacts>,
    entries: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct ZipFacts {
    checksum: Checksum,
    size: u64,
}

#[derive(Debug, Serialize)]
struct Item {
    path: String,
    size: u64,
    hash: Digest,
    /// Absent for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    compressed_size: Option<u64>,
}

impl Inspected {
    fn new(list: &TreeList) -> Self {
        let item = |entry: &ota_bundle::TreeEntry| Item {
            path: entry.path.to_string(),
            size: entry.size,
            hash: entry.hash,
            compressed_size: None,
        };
        Self {
            bundle: list.root(),
            files: list.files(),
            unpacked_size: list.unpacked_size(),
            zip: None,
            entries: list.entries().iter().map(item).collect(),
        }
    }
}

impl Report for Inspected {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("Bundle    {}", self.bundle),
            format!("Files     {}, {}", self.files, text::bytes(self.unpacked_size)),
        ];
        if let Some(zip) = &self.zip {
            lines.push(format!("Zip       {}", text::bytes(zip.size)));
            lines.push(format!("Checksum  {}", zip.checksum));
        }
        let rows = self.entries.iter().map(|entry| {
            let zipped = entry.compressed_size.map_or_else(String::new, text::bytes);
            let hash: String = entry.hash.to_string().chars().take(12).collect();
            [text::bytes(entry.size), zipped, hash, entry.path.clone()]
        });
        lines.push(String::new());
        lines.push(text::table(
            ["SIZE", if self.zip.is_some() { "ZIPPED" } else { "" }, "HASH", "PATH"],
            rows,
        ));
        lines.join("\n")
    }
}

impl Inspect {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        if self.path.is_dir() {
            check_index(&self.path)?;
            let list = scan(&self.path, &Limits::default(), threads())?;
            return output.report(&Inspected::new(&list));
        }
        let prepared = Prepared::new(&self.path)?;
        let mut inspected = Inspected::new(&prepared.list);
        inspected.zip = Some(ZipFacts { checksum: prepared.checksum, size: prepared.size });
        for (item, entry) in inspected.entries.iter_mut().zip(&prepared.entries) {
            item.compressed_size = Some(entry.compressed_size());
        }
        output.report(&inspected)
    }
}
