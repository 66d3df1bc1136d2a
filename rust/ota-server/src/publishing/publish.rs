//! Recording a release: an upload, or a promotion of what another channel has.

use ota_protocol::publish::Published;
use ota_protocol::release::{Artifact as ZipArtifact, ArtifactKind, ReleaseDocument};
use ota_protocol::{AppId, Channel, Checksum, Code, Root, UnixSeconds, Version};
use rusqlite::Connection;

use super::{After, Wish, change, key, sequence};
use crate::app::App;
use crate::db::history::{self, Row};
use crate::db::settings;
use crate::error::ApiError;
use crate::storage::Staged;

/// What the server found when it opened a bundle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) root: Root,
    pub(crate) unpacked_size: u64,
    pub(crate) files: u64,
}

/// What is published.
#[derive(Debug)]
pub(crate) enum Artifact {
    /// A bundle, opened and found good.
    Bundle(Box<Wish>, Found),
    /// An Android package.
    Apk(Version),
}

/// What the rows that are there say to a publication.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The same bytes are there.
    There,
    /// Nothing is there, or what was deleted or lost comes back.
    Record,
}

/// A version has one content for ever, and a key belongs to one channel and version for ever: devices and caches
/// may remember either.
fn judge(there: Option<&Row>, owner: Option<&Row>, checksum: Checksum) -> Result<Verdict, ApiError> {
    match (there, owner) {
        (None, Some(owner)) => Err(ApiError::new(
            Code::KeyTaken,
            format!("{} belongs to version {} of channel {}.", owner.filename, owner.version, owner.channel),
        )),
        (Some(row), _) if row.checksum != checksum => Err(ApiError::new(
            Code::VersionExists,
            format!(
                "Version {} of channel {} was published before with other bytes.",
                row.version, row.channel
            ),
        )),
        (Some(row), _) if row.deleted_at.is_none() && !row.missing => Ok(Verdict::There),
        _ => Ok(Verdict::Record),
    }
}

/// The document's claims are held against what was found; then what only the server knows is filled in.
fn complete(
    mut document: ReleaseDocument,
    staged: (Checksum, u64),
    found: Found,
) -> Result<ReleaseDocument, ApiError> {
    let (checksum, size) = staged;
    if document.zip().is_some_and(|zip| zip.checksum != checksum || zip.size != size) {
        return Err(ApiError::new(
            Code::ChecksumMismatch,
            format!(
                "The document's zip is not the file that came with it, which has {size} bytes and SHA-256 {checksum}."
            ),
        ));
    }
    let differs = |said: u64, is: u64| said != 0 && said != is;
    if document.root.is_some_and(|root| root != found.root)
        || differs(document.unpacked_size, found.unpacked_size)
        || differs(document.files, found.files)
    {
        return Err(ApiError::new(
            Code::RootMismatch,
            format!(
                "The file holds bundle {}, {} files of {} bytes together, which is not what the document says.",
                found.root, found.files, found.unpacked_size
            ),
        ));
    }
    document.root = Some(found.root);
    document.unpacked_size = found.unpacked_size;
    document.files = found.files;
    let zip = ZipArtifact { kind: ArtifactKind::Zip, base: None, size, checksum };
    document.artifacts = vec![zip.into()];
    Ok(document)
}

/// Fixes the server's app at the first deploy that names one.
fn settle_app(c: &Connection, named: Option<&AppId>) -> Result<(), ApiError> {
    match (named, settings::app_id(c)?) {
        (Some(named), Some(ours)) if *named != ours => {
            Err(ApiError::new(Code::UnknownApp, format!("This server serves {ours}, not {named}.")))
        }
        (Some(named), None) => Ok(settings::set_app_id(c, named)?),
        _ => Ok(()),
    }
}

/// The answer for a row as it is now.
pub(super) fn answer(c: &Connection, row: &Row, replaced: Option<Version>) -> Result<Published, ApiError> {
    let active = history::active(c, &row.channel)?.map(|row| row.version);
    Ok(Published {
        row: row.listed(active.as_ref()),
        root: row.document.as_ref().and_then(|document| document.root),
        sequence: row.document.as_ref().map(|document| document.sequence),
        replaced,
    })
}

/// A row that is there, or an error.
pub(super) fn existing(c: &Connection, channel: &Channel, version: &Version) -> Result<Row, ApiError> {
    history::find(c, channel, version)?
        .filter(|row| row.deleted_at.is_none())
        .ok_or_else(|| ApiError::new(Code::NotFound, format!("Channel {channel} has no version {version}.")))
}

/// What is about to be recorded.
struct Draft {
    channel: Channel,
    version: Version,
    checksum: Checksum,
    size: u64,
    document: Option<ReleaseDocument>,
    mandatory: bool,
}

/// Records a draft as the channel's release.
fn record(c: &Connection, draft: Draft, now: UnixSeconds, after: &mut After) -> Result<Published, ApiError> {
    let Draft { channel, version, checksum, size, mut document, mandatory } = draft;
    let active = history::active(c, &channel)?;
    let asked = document.as_ref().map(|document| document.sequence).filter(|asked| *asked > 0);
    let sequence = sequence::next(history::highest_sequence(c, &channel)?, now, asked)?;
    if let Some(document) = &mut document {
        document.sequence = sequence;
        document.issued_at = Some(now);
        // Whoever passed over a mandatory release must not be freed of it by the next ordinary one.
        document.mandatory_since = match (mandatory, document.mandatory_since) {
            (true, _) => Some(sequence),
            (false, Some(since)) => Some(since),
            (false, None) => {
                active.as_ref().and_then(|row| row.document.as_ref()).and_then(|d| d.mandatory_since)
            }
        };
        if let Some(root) = document.root {
            let proposed = document.created_at.unwrap_or(now);
            document.created_at = Some(history::first_published(c, &channel, root, proposed)?);
        }
    }
    let filename = key(&channel, &version);
    let row = Row {
        id: 0,
        channel: channel.clone(),
        version,
        filename,
        uploaded_at: now,
        checksum,
        size,
        sequence,
        document,
        missing: false,
        deleted_at: None,
    };
    history::record(c, &row)?;
    history::set_highest_sequence(c, &channel, sequence)?;
    after.channels.push(channel);
    answer(c, &row, active.map(|row| row.version))
}

/// Makes bytes that were received and checked the channel's release. One transaction; the bytes are in place before
/// it and go again if it fails. Blocks.
///
/// # Errors
/// `version_exists`, `key_taken`, `sequence`, `unknown_app`, `root_mismatch`, `checksum_mismatch`, `storage_full`.
pub(crate) fn publish(app: &App, artifact: Artifact, staged: Staged) -> Result<Published, ApiError> {
    let now = app.clock.now();
    let (checksum, size) = (staged.checksum(), staged.size());
    let (app_id, draft) = match artifact {
        Artifact::Bundle(wish, found) => {
            let Wish { document, mandatory, .. } = *wish;
            let document = complete(document, (checksum, size), found)?;
            let (channel, version) = (document.channel.clone(), document.version.clone());
            let app_id = document.app_id.clone();
            (app_id, Draft { channel, version, checksum, size, document: Some(document), mandatory })
        }
        Artifact::Apk(version) => {
            let channel = Channel::apk();
            (None, Draft { channel, version, checksum, size, document: None, mandatory: false })
        }
    };
    change(app, |transaction, after| {
        settle_app(transaction, app_id.as_ref())?;
        let there = history::find(transaction, &draft.channel, &draft.version)?;
        let owner = history::find_key(transaction, &key(&draft.channel, &draft.version))?;
        if let (Verdict::There, Some(row)) = (judge(there.as_ref(), owner.as_ref(), checksum)?, &there) {
            return answer(transaction, row, None);
        }
        after.unused.push(checksum);
        app.blobs.keep(staged)?;
        let published = record(transaction, draft, now, after)?;
        let row = &published.row;
        tracing::info!(channel = %row.channel, version = %row.version, size_bytes = size, "published");
        Ok(published)
    })
}

/// Publishes what a channel has to another one, with the same bytes. Blocks.
///
/// # Errors
/// `not_found`, `reserved_channel`, and those of [`publish`].
pub(crate) fn promote(
    app: &App,
    from: &Channel,
    version: &Version,
    to: &Channel,
) -> Result<Published, ApiError> {
    if from.is_apk() || to.is_apk() {
        return Err(ApiError::of(Code::ReservedChannel));
    }
    let now = app.clock.now();
    change(app, |transaction, after| {
        let source = existing(transaction, from, version)?;
        if source.missing {
            return Err(ApiError::new(Code::NotFound, format!("The bytes of version {version} were lost.")));
        }
        let there = history::find(transaction, to, version)?;
        let owner = history::find_key(transaction, &key(to, version))?;
        if let (Verdict::There, Some(row)) = (judge(there.as_ref(), owner.as_ref(), source.checksum)?, &there)
        {
            return answer(transaction, row, None);
        }
        let mut document = source.document;
        let mut mandatory = false;
        if let Some(document) = &mut document {
            // Sequences and dates are the channel's own; that this very release is mandatory goes with it.
            mandatory = document.mandatory_since == Some(document.sequence);
            document.channel = to.clone();
            document.sequence = 0;
            document.mandatory_since = None;
            document.created_at = None;
        }
        let (checksum, size) = (source.checksum, source.size);
        let draft =
            Draft { channel: to.clone(), version: version.clone(), checksum, size, document, mandatory };
        let published = record(transaction, draft, now, after)?;
        tracing::info!(%from, %to, %version, "promoted");
        Ok(published)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(checksum: Checksum, deleted: bool, missing: bool) -> Row {
        Row {
            id: 1,
            channel: Channel::default(),
            version: "1".parse().unwrap(),
            filename: "stable-1.zip".to_owned(),
            uploaded_at: 1,
            checksum,
            size: 1,
            sequence: 1,
            document: None,
            missing,
            deleted_at: deleted.then_some(1),
        }
    }

    #[test]
    fn a_version_has_one_content_for_ever() {
        let (old, new) = (Checksum::of(b"old"), Checksum::of(b"new"));
        for (deleted, missing) in [(false, false), (true, false), (false, true)] {
            let there = row(old, deleted, missing);
            let refused = judge(Some(&there), Some(&there), new).unwrap_err();
            assert_eq!(refused.code(), Code::VersionExists);
            let expected = if deleted || missing { Verdict::Record } else { Verdict::There };
            assert_eq!(judge(Some(&there), Some(&there), old).unwrap(), expected);
        }
    }

    #[test]
    fn a_key_stays_with_its_channel_and_version_even_when_that_was_deleted() {
        let sum = Checksum::of(b"x");
        for deleted in [false, true] {
            let owner = row(sum, deleted, false);
            assert_eq!(judge(None, Some(&owner), sum).unwrap_err().code(), Code::KeyTaken);
        }
    }

    #[test]
    fn a_documents_claims_are_held_against_the_file() {
        let found = Found { root: Root::of(b"root"), unpacked_size: 10, files: 2 };
        let sum = Checksum::of(b"zip");
        let with = |fields: &str| {
            let text = format!(r#"{{"channel":"stable","version":"1","sequence":0{fields}}}"#);
            complete(serde_json::from_str(&text).unwrap(), (sum, 5), found)
        };
        let filled = with("").unwrap();
        assert_eq!((filled.root, filled.files, filled.unpacked_size), (Some(found.root), 2, 10));
        assert_eq!(filled.zip().unwrap().checksum, sum);
        with(&format!(r#","root":"{}","unpacked_size":10,"files":2"#, found.root)).unwrap();
        for wrong in
            [r#","unpacked_size":11"#, r#","files":3"#, &format!(r#","root":"{}""#, Root::of(b"other"))]
        {
            assert_eq!(with(wrong).unwrap_err().code(), Code::RootMismatch, "{wrong}");
        }
        let zip = format!(r#","artifacts":[{{"kind":"zip","size":6,"checksum":"{sum}"}}]"#);
        assert_eq!(with(&zip).unwrap_err().code(), Code::ChecksumMismatch);
    }
}
