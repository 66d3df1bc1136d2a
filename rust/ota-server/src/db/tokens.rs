//! Deploy tokens.

use ota_protocol::{AppId, Channel, Digest, UnixSeconds};
use rusqlite::{Connection, OptionalExtension};

use crate::auth::Action;

/// A token for machines; what it is made of is known only to its owner.
#[derive(Debug, Clone)]
pub(crate) struct DeployToken {
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// Of the whole token.
    pub(crate) hash: Digest,
    /// The app it is for; `None`: whichever this server serves.
    pub(crate) app_id: Option<AppId>,
    /// The channels it may touch; empty: all.
    pub(crate) channels: Vec<Channel>,
    /// What it may do.
    pub(crate) actions: Vec<Action>,
    pub(crate) created_at: UnixSeconds,
    pub(crate) expires_at: Option<UnixSeconds>,
    pub(crate) revoked_at: Option<UnixSeconds>,
}

fn bad<E: std::error::Error + Send + Sync + 'static>(error: E) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<DeployToken> {
    let text = |name| row.get::<_, String>(name);
    Ok(DeployToken {
        id: text("id")?,
        name: text("name")?,
        hash: text("hash")?.parse().map_err(bad)?,
        app_id: row.get::<_, Option<String>>("app_id")?.map(|id| id.parse().map_err(bad)).transpose()?,
        channels: serde_json::from_str(&text("channels")?).map_err(bad)?,
        actions: serde_json::from_str(&text("actions")?).map_err(bad)?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

pub(crate) fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<DeployToken>> {
    connection.query_row("SELECT * FROM deploy_tokens WHERE id = ?1", [id], read).optional()
}

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<DeployToken>> {
    connection.prepare("SELECT * FROM deploy_tokens ORDER BY created_at, id")?.query_map([], read)?.collect()
}

pub(crate) fn add(connection: &Connection, token: &DeployToken) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO deploy_tokens (id, name, hash, app_id, channels, actions, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &token.id,
            &token.name,
            token.hash.to_string(),
            token.app_id.as_ref().map(AppId::as_str),
            serde_json::to_string(&token.channels).map_err(bad)?,
            serde_json::to_string(&token.actions).map_err(bad)?,
            token.created_at,
            token.expires_at,
        ),
    )?;
    Ok(())
}

/// Makes a token void; false where there is none, or it was void before.
pub(crate) fn revoke(connection: &Connection, id: &str, now: UnixSeconds) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE deploy_tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        (id, now),
    )?;
    Ok(changed == 1)
}
