//! Taking releases back: deletion, and going back to an earlier one.

use ota_protocol::publish::{Deleted, Published};
use ota_protocol::{Channel, Code, UnixSeconds, Version};
use rusqlite::Connection;

use super::publish::{answer, existing};
use super::{After, change, sequence};
use crate::app::App;
use crate::db::history::{self, Row};
use crate::error::ApiError;

/// Offers an earlier release again: under a new sequence, since devices never go below what they have seen; its date
/// of first publication stays.
fn reissue(c: &Connection, row: &Row, now: UnixSeconds) -> Result<(), ApiError> {
    let sequence = sequence::next(history::highest_sequence(c, &row.channel)?, now, None)?;
    let document = row.document.clone().map(|mut document| {
        document.sequence = sequence;
        document.issued_at = Some(now);
        document.retry = false; // it lifted a block once
        document
    });
    history::reissue(c, row.id, sequence, document.as_ref())?;
    history::set_highest_sequence(c, &row.channel, sequence)?;
    Ok(())
}

/// Deletes a version. Where it was the active one, the one before it is offered again, or the channel is cleared.
/// Blocks.
///
/// # Errors
/// `not_found`.
pub(crate) fn delete(app: &App, channel: &Channel, version: &Version) -> Result<Deleted, ApiError> {
    let now = app.clock.now();
    change(app, |transaction, after: &mut After| {
        let row = existing(transaction, channel, version)?;
        let active = history::active(transaction, channel)?;
        history::mark_deleted(transaction, row.id, now)?;
        after.channels.push(channel.clone());
        after.unused.push(row.checksum);
        let was_active = active.as_ref().is_some_and(|active| active.id == row.id);
        let active = if was_active {
            let before = history::before(transaction, channel, row.sequence)?;
            if let Some(before) = &before {
                reissue(transaction, before, now)?;
            }
            before
        } else {
            active
        };
        let active = active.map(|row| row.version);
        tracing::info!(%channel, %version, active = active.as_ref().map(Version::as_str), "deleted");
        Ok(Deleted { deleted: version.clone(), active })
    })
}

/// Goes back to `version`, or, where that is the active one, to the one before it. What was published after it
/// is not offered again by itself. Blocks.
///
/// # Errors
/// `not_found`.
pub(crate) fn roll_back(app: &App, channel: &Channel, version: &Version) -> Result<Published, ApiError> {
    if channel.is_apk() {
        return Err(ApiError::of(Code::ReservedChannel));
    }
    let now = app.clock.now();
    change(app, |transaction, after| {
        let named = existing(transaction, channel, version)?;
        let active = history::active(transaction, channel)?;
        let is_active = active.as_ref().is_some_and(|active| active.id == named.id);
        let target = if is_active {
            history::before(transaction, channel, named.sequence)?.ok_or_else(|| {
                ApiError::plain(
                    Code::NotFound,
                    format!(
                        "Channel {channel} has no release before {version}. Delete {version} to send devices back to \
                         their builtin, or name the version to go back to."
                    ),
                )
            })?
        } else {
            named
        };
        if target.missing {
            let text = format!("The bytes of version {} were lost.", target.version);
            return Err(ApiError::new(Code::NotFound, text));
        }
        history::withdraw_after(transaction, channel, target.id)?;
        reissue(transaction, &target, now)?;
        after.channels.push(channel.clone());
        let row = existing(transaction, channel, &target.version)?;
        tracing::info!(%channel, version = %row.version, "rolled back");
        answer(transaction, &row, active.map(|row| row.version))
    })
}
