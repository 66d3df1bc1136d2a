//! What it takes to publish: pure decisions in `offers`, `sequence`, `wish` and `form`, carried out by `publish`,
//! `withdraw` and `sweep`.

mod catalog;
mod form;
mod offers;
mod publish;
mod sequence;
mod sweep;
mod wish;
mod withdraw;

pub(crate) use catalog::{Catalog, ChannelOffer, Offered};
pub(crate) use form::Form;
pub(crate) use offers::Audience;
pub(crate) use publish::{Artifact, Found, promote, publish};
pub(crate) use sweep::sweep;
pub(crate) use wish::{Wish, missing, stated_checksum};
pub(crate) use withdraw::{delete, roll_back};

use ota_protocol::{Channel, Checksum, Version};
use rusqlite::Transaction;

use crate::app::App;
use crate::db;
use crate::error::ApiError;

/// The name under which a version's bytes are served.
pub(crate) fn key(channel: &Channel, version: &Version) -> String {
    let extension = if channel.is_apk() { "apk" } else { "zip" };
    format!("{channel}-{version}.{extension}")
}

/// What a change of the history leaves to be done once it is durable.
#[derive(Debug, Default)]
pub(crate) struct After {
    /// Channels whose offer changed.
    pub(crate) channels: Vec<Channel>,
    /// Bytes that perhaps nobody needs any more.
    pub(crate) unused: Vec<Checksum>,
}

/// Changes the history in one transaction, then drops bytes that no row names and makes the offers anew: all of it
/// before anybody else changes anything, so that offers are never older than the history. Blocks.
pub(crate) fn change<T>(
    app: &App,
    change: impl FnOnce(&Transaction<'_>, &mut After) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    app.db.exclusively(|connection| {
        let mut after = After::default();
        let result = db::transact(connection, |transaction| change(transaction, &mut after));
        // Also after a failure: bytes may have been put in place that no row came to name.
        for checksum in after.unused {
            if !db::history::is_used(connection, checksum)? {
                app.blobs.remove(checksum).unwrap_or_else(|error| {
                    tracing::warn!(%checksum, %error, "unused bytes stay until the next start");
                });
            }
        }
        let result = result?;
        app.catalog.renew(connection, &after.channels)?;
        Ok(result)
    })
}
