//! Releases: what each channel's publications say, and moving between them.

use axum::extract::{Request, State};
use axum::response::Response;
use ota_protocol::publish::{ActionRequest, ReleaseItem, ReleaseList};
use ota_protocol::{Channel, Version};

use super::{InChannel, Names};
use crate::app::Shared;
use crate::auth::{Action, Caller};
use crate::db::history;
use crate::error::ApiError;
use crate::http::{json, read_json};
use crate::publishing;

/// The largest action request, in bytes.
const LARGEST: usize = 64 * 1024;

/// `GET /api/ota/admin/releases?channel=C`
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    InChannel(channel): InChannel,
) -> Result<Response, ApiError> {
    caller.may(&app, Action::Read, &channel)?;
    let items = app
        .db
        .read(move |c| {
            let active = history::active(c, &channel)?.map(|row| row.version);
            let rows = history::newest_first(c, &channel)?;
            Ok(rows.into_iter().map(|row| item(row, active.as_ref())).collect())
        })
        .await?;
    Ok(json(&ReleaseList { items }))
}

fn item(row: history::Row, active: Option<&Version>) -> ReleaseItem {
    let listed = row.listed(active);
    let state = if listed.active { "active" } else { "superseded" };
    ReleaseItem { row: listed, state: state.to_owned(), document: row.document, envelope: None }
}

/// `POST /api/ota/admin/releases/{channel}/{version}/promote`
pub(crate) async fn promote(
    State(app): State<Shared>,
    caller: Caller,
    Names((channel, version)): Names<(Channel, Version)>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let action: ActionRequest = read_json(&parts.headers, body, LARGEST).await?;
    let to = action.to.ok_or_else(|| {
        ApiError::bad_request(
            "Field to is missing: name the channel to publish to, such as {\"to\":\"stable\"}.",
        )
    })?;
    caller.may(&app, Action::Promote, &channel)?;
    caller.may(&app, Action::Promote, &to)?;
    let published = crate::blocking(move || publishing::promote(&app, &channel, &version, &to)).await?;
    Ok(json(&published))
}

/// `POST /api/ota/admin/releases/{channel}/{version}/rollback`: a body is not needed, and not read.
pub(crate) async fn roll_back(
    State(app): State<Shared>,
    caller: Caller,
    Names((channel, version)): Names<(Channel, Version)>,
) -> Result<Response, ApiError> {
    caller.may(&app, Action::Rollback, &channel)?;
    let published = crate::blocking(move || publishing::roll_back(&app, &channel, &version)).await?;
    Ok(json(&published))
}
