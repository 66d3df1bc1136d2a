//! Accounts.

use ota_protocol::UnixSeconds;
use rusqlite::{Connection, OptionalExtension};

/// An account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    /// argon2, in PHC form.
    pub(crate) password_hash: String,
    /// Tokens of an earlier epoch are void.
    pub(crate) token_epoch: u64,
    pub(crate) created_at: UnixSeconds,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        token_epoch: row.get("token_epoch")?,
        created_at: row.get("created_at")?,
    })
}

pub(crate) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<User>> {
    connection.query_row("SELECT * FROM users WHERE name = ?1", [name], read).optional()
}

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    connection.prepare("SELECT * FROM users ORDER BY name")?.query_map([], read)?.collect()
}

/// Adds an account; false where the name is taken.
pub(crate) fn add(
    connection: &Connection,
    name: &str,
    hash: &str,
    now: UnixSeconds,
) -> rusqlite::Result<bool> {
    // The epoch starts at the time, so that a token of an account that was removed stays void for its successor.
    let added = connection.execute(
        "INSERT INTO users (name, password_hash, token_epoch, created_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT DO NOTHING",
        (name, hash, now),
    )?;
    Ok(added == 1)
}

/// Changes a password, which voids every token of the account; false where there is no such account.
pub(crate) fn set_password(connection: &Connection, name: &str, hash: &str) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE users SET password_hash = ?2, token_epoch = token_epoch + 1 WHERE name = ?1",
        [name, hash],
    )?;
    Ok(changed == 1)
}
