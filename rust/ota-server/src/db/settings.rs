//! Single values.

use ota_protocol::AppId;
use rusqlite::{Connection, OptionalExtension};

const APP_ID: &str = "app_id";
const SERVER_ID: &str = "server_id";

fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()
}

fn set(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}

/// The app this server serves, once that is fixed.
pub(crate) fn app_id(connection: &Connection) -> rusqlite::Result<Option<AppId>> {
    Ok(get(connection, APP_ID)?.and_then(|text| text.parse().ok()))
}

/// Fixes the app.
pub(crate) fn set_app_id(connection: &Connection, app_id: &AppId) -> rusqlite::Result<()> {
    set(connection, APP_ID, app_id.as_str())
}

/// What tells this server's tokens from another's; made by `fresh` on the first call.
pub(crate) fn server_id(connection: &Connection, fresh: impl FnOnce() -> String) -> rusqlite::Result<String> {
    if let Some(id) = get(connection, SERVER_ID)? {
        return Ok(id);
    }
    let id = fresh();
    set(connection, SERVER_ID, &id)?;
    Ok(id)
}
