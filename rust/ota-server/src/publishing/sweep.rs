//! What a crash or a lost disk left behind is put right at start, in both directions.

use std::collections::HashSet;

use crate::app::App;
use crate::db::{self, history};
use crate::error::ApiError;

/// Deletes bytes that no row names and uploads that were never finished; takes rows whose bytes are gone out of
/// their channels' offer, loudly. Runs before the first request. Blocks.
pub(crate) fn sweep(app: &App) -> Result<(), ApiError> {
    app.blobs.clear_staging()?;
    app.db.exclusively(|connection| {
        let there = app.blobs.list()?;
        db::transact(connection, |transaction| {
            let rows = history::all(transaction)?;
            for row in &rows {
                let is_missing = there.get(&row.checksum) != Some(&row.size);
                if is_missing {
                    tracing::error!(
                        channel = %row.channel, version = %row.version, checksum = %row.checksum,
                        "the bytes of a release are gone; it is not offered until the same bytes are uploaded again",
                    );
                }
                if is_missing != row.missing {
                    history::mark_missing(transaction, row.id, is_missing)?;
                }
            }
            let named: HashSet<_> = rows.iter().map(|row| row.checksum).collect();
            for checksum in there.keys().filter(|checksum| !named.contains(checksum)) {
                tracing::warn!(%checksum, "deleted bytes that no release names");
                app.blobs.remove(*checksum)?;
            }
            Ok::<_, ApiError>(())
        })?;
        app.catalog.load(connection)
    })
}
