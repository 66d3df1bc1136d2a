//! What was published. Every row's state is in its own columns; which one is active follows from them.

use ota_protocol::publish::HistoryRow;
use ota_protocol::release::ReleaseDocument;
use ota_protocol::{Channel, Checksum, Root, UnixSeconds, Version};
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::publishing::Audience;

/// A row that a channel may offer: not deleted, not rolled back past, its bytes there.
const OFFERED: &str = "deleted_at IS NULL AND withdrawn = 0 AND missing = 0";

/// One publication.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Order of publication.
    pub(crate) id: i64,
    pub(crate) channel: Channel,
    pub(crate) version: Version,
    pub(crate) filename: String,
    pub(crate) uploaded_at: UnixSeconds,
    pub(crate) checksum: Checksum,
    pub(crate) size: u64,
    /// Of its latest issue.
    pub(crate) sequence: u64,
    /// `None` for an Android package.
    pub(crate) document: Option<ReleaseDocument>,
    pub(crate) missing: bool,
    pub(crate) deleted_at: Option<UnixSeconds>,
}

impl Row {
    /// As the history routes list it.
    pub(crate) fn listed(&self, active: Option<&Version>) -> HistoryRow {
        HistoryRow {
            channel: self.channel.clone(),
            version: self.version.clone(),
            filename: self.filename.clone(),
            uploaded_at: self.uploaded_at,
            checksum: self.checksum,
            size: self.size,
            active: active == Some(&self.version),
        }
    }
}

fn bad<E: std::error::Error + Send + Sync + 'static>(error: E) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let text = |name| row.get::<_, String>(name);
    let document: Option<String> = row.get("document")?;
    Ok(Row {
        id: row.get("id")?,
        channel: text("channel")?.parse().map_err(bad)?,
        version: text("version")?.parse().map_err(bad)?,
        filename: text("filename")?,
        uploaded_at: row.get("uploaded_at")?,
        checksum: text("checksum")?.parse().map_err(bad)?,
        size: row.get("size")?,
        sequence: row.get("sequence")?,
        document: document.map(|text| serde_json::from_str(&text).map_err(bad)).transpose()?,
        missing: row.get("missing")?,
        deleted_at: row.get("deleted_at")?,
    })
}

/// The row of a version, deleted or not.
pub(crate) fn find(c: &Connection, channel: &Channel, version: &Version) -> rusqlite::Result<Option<Row>> {
    c.prepare_cached("SELECT * FROM history WHERE channel = ?1 AND version = ?2")?
        .query_row([channel.as_str(), version.as_str()], read)
        .optional()
}

/// The row of a key, deleted or not.
pub(crate) fn find_key(c: &Connection, filename: &str) -> rusqlite::Result<Option<Row>> {
    c.prepare_cached("SELECT * FROM history WHERE filename = ?1")?.query_row([filename], read).optional()
}

/// What was not deleted, newest publication first.
pub(crate) fn newest_first(c: &Connection, channel: &Channel) -> rusqlite::Result<Vec<Row>> {
    c.prepare_cached("SELECT * FROM history WHERE channel = ?1 AND deleted_at IS NULL ORDER BY id DESC")?
        .query_map([channel.as_str()], read)?
        .collect()
}

/// What the channel offers, newest issue first, as far as `take` wants to read; it returns whether to go on.
pub(crate) fn offered(
    c: &Connection,
    channel: &Channel,
    mut take: impl FnMut(Row) -> bool,
) -> rusqlite::Result<()> {
    let sql = format!("SELECT * FROM history WHERE channel = ?1 AND {OFFERED} ORDER BY sequence DESC");
    let mut statement = c.prepare_cached(&sql)?;
    for row in statement.query_map([channel.as_str()], read)? {
        if !take(row?) {
            break;
        }
    }
    Ok(())
}

/// The channel's active release: the offered one with the highest sequence.
pub(crate) fn active(c: &Connection, channel: &Channel) -> rusqlite::Result<Option<Row>> {
    let mut found = None;
    offered(c, channel, |row| {
        found = Some(row);
        false
    })?;
    Ok(found)
}

/// The offered release before the one with `sequence`.
pub(crate) fn before(c: &Connection, channel: &Channel, sequence: u64) -> rusqlite::Result<Option<Row>> {
    let sql = format!(
        "SELECT * FROM history WHERE channel = ?1 AND sequence < ?2 AND {OFFERED} ORDER BY sequence DESC LIMIT 1"
    );
    c.prepare_cached(&sql)?.query_row((channel.as_str(), sequence), read).optional()
}

/// The audiences that have a release for all of their devices.
pub(crate) fn complete_audiences(c: &Connection, channel: &Channel) -> rusqlite::Result<Vec<Audience>> {
    let sql =
        format!("SELECT DISTINCT audience FROM history WHERE channel = ?1 AND complete = 1 AND {OFFERED}");
    let words = c
        .prepare_cached(&sql)?
        .query_map([channel.as_str()], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(words.iter().map(|word| Audience::parse(word)).collect())
}

/// Whether rows of the channel lost their bytes.
pub(crate) fn has_missing(c: &Connection, channel: &Channel) -> rusqlite::Result<bool> {
    c.query_row(
        "SELECT EXISTS (SELECT 1 FROM history WHERE channel = ?1 AND missing = 1 AND deleted_at IS NULL)",
        [channel.as_str()],
        |row| row.get(0),
    )
}

/// Whether a row that is not deleted has these bytes.
pub(crate) fn is_used(c: &Connection, checksum: Checksum) -> rusqlite::Result<bool> {
    c.query_row(
        "SELECT EXISTS (SELECT 1 FROM history WHERE checksum = ?1 AND deleted_at IS NULL)",
        [checksum.to_string()],
        |row| row.get(0),
    )
}

/// Every channel that ever had a release.
pub(crate) fn channels(c: &Connection) -> rusqlite::Result<Vec<Channel>> {
    let names = c
        .prepare("SELECT channel FROM sequences")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    names.iter().map(|name| name.parse().map_err(bad)).collect()
}

/// Records a publication in place of a row of the same version, if there is one.
pub(crate) fn record(c: &Connection, row: &Row) -> rusqlite::Result<()> {
    c.execute(
        "DELETE FROM history WHERE channel = ?1 AND version = ?2",
        [row.channel.as_str(), row.version.as_str()],
    )?;
    c.prepare_cached(
        "INSERT INTO history (channel, version, filename, uploaded_at, checksum, size, sequence, document,
                              audience, complete)
         VALUES (:channel, :version, :filename, :uploaded_at, :checksum, :size, :sequence, :document,
                 :audience, :complete)",
    )?
    .execute(named_params! {
        ":channel": row.channel.as_str(),
        ":version": row.version.as_str(),
        ":filename": row.filename,
        ":uploaded_at": row.uploaded_at,
        ":checksum": row.checksum.to_string(),
        ":size": row.size,
        ":sequence": row.sequence,
        ":document": row.document.as_ref().map(serde_json::to_string).transpose().map_err(bad)?,
        ":audience": Audience::of(row.document.as_ref()).word(),
        ":complete": row.document.as_ref().is_none_or(|document| document.percent.is_complete()),
    })?;
    Ok(())
}

/// Issues a row again: under a new sequence, offered again.
pub(crate) fn reissue(
    c: &Connection,
    id: i64,
    sequence: u64,
    document: Option<&ReleaseDocument>,
) -> rusqlite::Result<()> {
    let document = document.map(serde_json::to_string).transpose().map_err(bad)?;
    c.execute(
        "UPDATE history SET sequence = ?2, document = ?3, withdrawn = 0 WHERE id = ?1",
        (id, sequence, document),
    )?;
    Ok(())
}

/// Takes back every release of the channel that was published after the row `id`.
pub(crate) fn withdraw_after(c: &Connection, channel: &Channel, id: i64) -> rusqlite::Result<()> {
    c.execute("UPDATE history SET withdrawn = 1 WHERE channel = ?1 AND id > ?2", (channel.as_str(), id))?;
    Ok(())
}

pub(crate) fn mark_deleted(c: &Connection, id: i64, now: UnixSeconds) -> rusqlite::Result<()> {
    c.execute("UPDATE history SET deleted_at = ?2 WHERE id = ?1", (id, now))?;
    Ok(())
}

/// Every row that is not deleted.
pub(crate) fn all(c: &Connection) -> rusqlite::Result<Vec<Row>> {
    c.prepare("SELECT * FROM history WHERE deleted_at IS NULL")?.query_map([], read)?.collect()
}

pub(crate) fn mark_missing(c: &Connection, id: i64, missing: bool) -> rusqlite::Result<()> {
    c.execute("UPDATE history SET missing = ?2 WHERE id = ?1", (id, missing))?;
    Ok(())
}

/// The highest sequence the channel ever had; 0: none.
pub(crate) fn highest_sequence(c: &Connection, channel: &Channel) -> rusqlite::Result<u64> {
    let found = c
        .query_row("SELECT highest FROM sequences WHERE channel = ?1", [channel.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

pub(crate) fn set_highest_sequence(c: &Connection, channel: &Channel, sequence: u64) -> rusqlite::Result<()> {
    c.execute(
        "INSERT INTO sequences (channel, highest) VALUES (?1, ?2)
         ON CONFLICT (channel) DO UPDATE SET highest = max(highest, ?2)",
        (channel.as_str(), sequence),
    )?;
    Ok(())
}

/// When a bundle was first published in a channel; `proposed` becomes the answer where it never was.
pub(crate) fn first_published(
    c: &Connection,
    channel: &Channel,
    root: Root,
    proposed: UnixSeconds,
) -> rusqlite::Result<UnixSeconds> {
    c.execute(
        "INSERT INTO first_published (channel, root, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (channel.as_str(), root.to_string(), proposed),
    )?;
    c.query_row(
        "SELECT created_at FROM first_published WHERE channel = ?1 AND root = ?2",
        [channel.as_str(), &root.to_string()],
        |row| row.get(0),
    )
}
