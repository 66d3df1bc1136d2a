//! Which entries are a bundle's files, and under which paths.

use super::member::{DEFLATED, Member};
use super::{ArchiveError, Entry};
use crate::limits::{Limits, Tally, check_folders};
use crate::path::{BundlePath, INDEX, PathSet, check_shape, is_left_out};

/// The bundle's files, ordered by path. `contents` says where each member's content begins.
pub(super) fn files(
    members: &[Member<'_>],
    contents: &[u64],
    limits: &Limits,
) -> Result<Vec<Entry>, ArchiveError> {
    let mut kept = Vec::new();
    let mut tally = Tally::new(limits);
    for (member, &content) in members.iter().zip(contents) {
        let name = member.name.strip_suffix('/').unwrap_or(member.name);
        check_shape(name).map_err(|source| ArchiveError::Path { entry: member.shown(), source })?;
        if !member.is_folder() && !is_left_out(name) {
            tally.add(&member.shown(), member.size)?;
            kept.push((member, content));
        }
    }
    let top = top_folder(&kept).ok_or(ArchiveError::NoIndexHtml)?;
    let entry = |&(member, offset): &(&Member<'_>, u64)| {
        let path = BundlePath::within(&member.name[top..], limits)
            .map_err(|source| ArchiveError::Path { entry: member.shown(), source })?;
        Ok(Entry {
            path,
            size: member.size,
            compressed_size: member.compressed_size,
            deflated: member.method == DEFLATED,
            crc: member.crc,
            offset,
        })
    };
    let mut entries = kept.iter().map(entry).collect::<Result<Vec<_>, ArchiveError>>()?;
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    check_folders(entries.iter().map(|entry| &entry.path), limits)?;
    let mut paths = PathSet::new();
    entries.iter().try_for_each(|entry| paths.insert(&entry.path))?;
    Ok(entries)
}

/// How much to take off the front of each name, so that `index.html` is at the top: nothing, or the one folder that
/// holds everything.
fn top_folder(kept: &[(&Member<'_>, u64)]) -> Option<usize> {
    let has = |path: &str| kept.iter().any(|(member, _)| member.name == path);
    if has(INDEX) {
        return Some(0);
    }
    let (first, _) = kept.first()?;
    let top = &first.name[..=first.name.find('/')?];
    let common = kept.iter().all(|(member, _)| member.name.starts_with(top));
    (common && has(&format!("{top}{INDEX}"))).then_some(top.len())
}
