//! Android packages: channel `apk`, with the same history.

use axum::extract::{Request, State};
use axum::response::Response;
use ota_protocol::{Channel, Version};

use super::Names;
use super::history::{compare, remove, rows};
use crate::app::Shared;
use crate::auth::{Action, Caller};
use crate::error::ApiError;
use crate::http::json;
use crate::intake::{Received, check_apk, receive, refuse};
use crate::publishing::{self, Artifact, missing, stated_checksum};

/// `POST /api/ota/admin/apk/upload`
pub(crate) async fn upload(
    State(app): State<Shared>,
    caller: Result<Caller, ApiError>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    if let Err(error) = caller.and_then(|caller| caller.may(&app, Action::Upload, &Channel::apk())) {
        return Err(refuse(&parts.headers, body, error));
    }
    let Received { form, staged } = receive(&app, &parts.headers, body).await?;
    let version =
        form.get("version").ok_or_else(|| missing("version", "what the package is called, such as 1.2.0"))?;
    let version: Version = version.parse()?;
    if let Some(stated) = stated_checksum(&form)? {
        compare(stated, staged.checksum())?;
    }
    let staged = check_apk(&app, staged).await?;
    let published = crate::blocking({
        let app = app.clone();
        move || publishing::publish(&app, Artifact::Apk(version), staged)
    })
    .await?;
    app.metrics.published();
    Ok(json(&published))
}

/// `GET /api/ota/admin/apk/history`
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Result<Response, ApiError> {
    caller.may(&app, Action::Read, &Channel::apk())?;
    rows(&app, Channel::apk()).await
}

/// `DELETE /api/ota/admin/apk/{version}`
pub(crate) async fn delete(
    State(app): State<Shared>,
    caller: Caller,
    Names(version): Names<Version>,
) -> Result<Response, ApiError> {
    remove(app, &caller, Channel::apk(), version).await
}
