//! Brings a database to the newest schema, one numbered step at a time.

use rusqlite::{Connection, TransactionBehavior};

/// `migrations/NNNN_name.sql` in order; the schema's number (`user_version`) is how many were applied.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_initial.sql")];

/// The database could not be opened as this version needs it.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A later version of the server wrote it.
    #[error(
        "the data directory has schema {found}, and this ota-server knows up to {known}: \
         start the newer ota-server that wrote it, or restore a backup"
    )]
    Newer {
        /// Its schema.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// `SQLite` says no.
    #[error("open the database")]
    Sqlite(#[from] rusqlite::Error),
}

/// Whether there is a database of the newest schema, so that opening it changes nothing.
pub(crate) fn is_current(path: &std::path::Path) -> rusqlite::Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let found: usize = Connection::open(path)?.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(found == MIGRATIONS.len())
}

/// Applies what is missing, each step with its number in one transaction.
pub(super) fn up(connection: &mut Connection) -> Result<(), MigrateError> {
    apply(connection, MIGRATIONS)
}

fn apply(connection: &mut Connection, migrations: &[&str]) -> Result<(), MigrateError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > known {
            return Err(MigrateError::Newer { found, known });
        }
        let Some(step) = migrations.get(found as usize) else { return Ok(()) };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> u32 {
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_fresh_database_gets_every_step_and_a_second_run_none() {
        let mut connection = Connection::open_in_memory().unwrap();
        up(&mut connection).unwrap();
        up(&mut connection).unwrap();
        assert_eq!(version(&connection) as usize, MIGRATIONS.len());
    }

    /// `tests/data/schema_v1.sql` is a database as the first version left it, with a row in every table.
    #[test]
    fn the_oldest_database_is_brought_up_and_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../tests/data/schema_v1.sql")).unwrap();
        assert_eq!(version(&connection), 1);
        up(&mut connection).unwrap();
        assert_eq!(version(&connection) as usize, MIGRATIONS.len());
        let rows = crate::db::history::newest_first(&connection, &"stable".parse().unwrap()).unwrap();
        assert_eq!(rows.iter().map(|row| row.version.as_str()).collect::<Vec<_>>(), ["1.1.0", "1.0.0"]);
        assert!(crate::db::users::find(&connection, "admin").unwrap().is_some());
    }

    #[test]
    fn a_step_that_fails_leaves_the_schema_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x); ", "CREATE TABLE b (x); CREATE TABLE a (x);"];
        apply(&mut connection, &steps).unwrap_err();
        assert_eq!(version(&connection), 1);
        connection.query_row("SELECT count(*) FROM b", [], |_| Ok(())).unwrap_err();
    }

    #[test]
    fn a_newer_schema_is_refused_with_what_to_do() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = up(&mut connection).unwrap_err().to_string();
        assert!(error.contains("schema 99") && error.contains("backup"), "{error}");
    }
}
