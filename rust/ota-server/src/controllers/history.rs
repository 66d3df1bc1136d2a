//! Bundles: upload, history, deletion.

use axum::extract::{Request, State};
use axum::response::Response;
use ota_protocol::publish::{History, Published};
use ota_protocol::{Channel, Checksum, Code, Version};

use super::{InChannel, Names};
use crate::app::Shared;
use crate::auth::{Action, Caller};
use crate::db::history;
use crate::error::ApiError;
use crate::http::json;
use crate::intake::{Received, check_bundle, receive, refuse};
use crate::publishing::{self, Artifact, Wish};

/// `POST /api/ota/admin/ota/upload`
pub(crate) async fn upload(
    State(app): State<Shared>,
    caller: Result<Caller, ApiError>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let allowed = caller.and_then(|caller| caller.may_somewhere(Action::Upload).map(|()| caller));
    let caller = match allowed {
        Ok(caller) => caller,
        Err(error) => return Err(refuse(&parts.headers, body, error)),
    };
    let Received { form, staged } = receive(&app, &parts.headers, body).await?;
    let wish = Wish::read(&form, app.clock.now())?;
    caller.may(&app, Action::Upload, &wish.document.channel)?;
    compare(wish.checksum, staged.checksum())?;
    let (staged, found) = check_bundle(&app, staged).await?;
    let artifact = Artifact::Bundle(Box::new(wish), found);
    let published: Published = crate::blocking({
        let app = app.clone();
        move || publishing::publish(&app, artifact, staged)
    })
    .await?;
    app.metrics.published();
    Ok(json(&published))
}

/// What arrived must be what was sent.
pub(super) fn compare(stated: Checksum, arrived: Checksum) -> Result<(), ApiError> {
    if stated == arrived {
        return Ok(());
    }
    Err(ApiError::new(
        Code::ChecksumMismatch,
        format!("The file that arrived has SHA-256 {arrived}, not {stated}."),
    ))
}

/// `GET /api/ota/admin/ota/history?channel=C`
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    InChannel(channel): InChannel,
) -> Result<Response, ApiError> {
    caller.may(&app, Action::Read, &channel)?;
    rows(&app, channel).await
}

/// A channel's history, newest first.
pub(super) async fn rows(app: &Shared, channel: Channel) -> Result<Response, ApiError> {
    let items = app
        .db
        .read(move |c| {
            let active = history::active(c, &channel)?.map(|row| row.version);
            let rows = history::newest_first(c, &channel)?;
            Ok(rows.iter().map(|row| row.listed(active.as_ref())).collect())
        })
        .await?;
    Ok(json(&History { items }))
}

/// `DELETE /api/ota/admin/ota/{channel}/{version}`
pub(crate) async fn delete(
    State(app): State<Shared>,
    caller: Caller,
    Names((channel, version)): Names<(Channel, Version)>,
) -> Result<Response, ApiError> {
    if channel.is_apk() {
        return Err(ApiError::plain(
            Code::ReservedChannel,
            "Channel apk holds Android packages. Delete one at /api/ota/admin/apk/{version}.",
        ));
    }
    remove(app, &caller, channel, version).await
}

/// Deletes a version of any channel.
pub(super) async fn remove(
    app: Shared,
    caller: &Caller,
    channel: Channel,
    version: Version,
) -> Result<Response, ApiError> {
    caller.may(&app, Action::Delete, &channel)?;
    let deleted = crate::blocking(move || publishing::delete(&app, &channel, &version)).await?;
    Ok(json(&deleted))
}
