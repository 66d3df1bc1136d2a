//! The database: one writer, a few readers, numbered migrations.

pub(crate) mod history;
mod migrate;
pub(crate) mod settings;
pub(crate) mod tokens;
pub(crate) mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use migrate::MigrateError;
pub(crate) use migrate::is_current;

use crate::error::ApiError;

/// The database's file in the data directory.
pub(crate) const FILE: &str = "ota.db";
/// Idle read connections kept; more are opened while more are needed.
const KEPT_READERS: usize = 4;

/// The opened database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// A panic in a closure rolled its transaction back, so that the connection is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db {
    /// Opens or creates the database of a data directory and brings it to the newest schema.
    ///
    /// # Errors
    /// [`MigrateError::Newer`] where a later version of the server wrote it.
    pub(crate) fn open(data: &Path) -> Result<Self, MigrateError> {
        let path = data.join(FILE);
        let mut writer = connect(&path)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        migrate::up(&mut writer)?;
        Ok(Self { inner: Arc::new(Inner { path, writer: Mutex::new(writer), readers: Mutex::default() }) })
    }

    /// Reads. Blocks.
    pub(crate) fn read_blocking<T, E: From<rusqlite::Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let kept = lock(&self.inner.readers).pop();
        let connection = kept.map_or_else(|| connect(&self.inner.path), Ok)?;
        let result = read(&connection);
        let mut readers = lock(&self.inner.readers);
        if readers.len() < KEPT_READERS {
            readers.push(connection);
        }
        result
    }

    /// Reads on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let db = self.clone();
        crate::blocking(move || db.read_blocking(read)).await
    }

    /// Runs `change` alone with the writer: whatever else must not happen between two changes (blobs that come and
    /// go, offers made anew) belongs inside. Blocks.
    pub(crate) fn exclusively<T>(&self, change: impl FnOnce(&mut Connection) -> T) -> T {
        change(&mut lock(&self.inner.writer))
    }

    /// Runs `change` in one transaction. Blocks.
    pub(crate) fn write_blocking<T, E: From<rusqlite::Error>>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.exclusively(|connection| transact(connection, change))
    }
}

/// Runs `change` in one transaction, kept only where it succeeds.
pub(crate) fn transact<T, E: From<rusqlite::Error>>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = change(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // Every commit is on the disk before it is answered.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -1024)?; // KiB
    Ok(connection)
}
