//! Logging in.

use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use ota_protocol::Code;
use ota_protocol::publish::{LoginReply, LoginRequest};

use crate::app::{Peer, Shared};
use crate::auth::{LONGEST_PASSWORD, Session, lock};
use crate::db::users;
use crate::error::ApiError;
use crate::http::{json, read_json};
use crate::metrics::LoginAnswer;

/// The largest login request, in bytes.
const LARGEST: usize = 4 * 1024;
/// The longest account name, in bytes.
const LONGEST_NAME: usize = 128;

/// `POST /api/auth/login`
pub(crate) async fn login(
    State(app): State<Shared>,
    ConnectInfo(peer): Peer,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let LoginRequest { username, password } = read_json(&parts.headers, body, LARGEST).await?;
    let wrong = || {
        app.metrics.login(LoginAnswer::Wrong);
        ApiError::plain(Code::Unauthorized, "User name or password is wrong. Check both and log in again.")
    };
    if username.len() > LONGEST_NAME || password.len() > LONGEST_PASSWORD {
        return Err(wrong());
    }
    let client = app.client(peer, &parts.headers);
    lock(&app.limiter).begin(&username, client, app.clock.now_ms()).map_err(|seconds| {
        app.metrics.login(LoginAnswer::Limited);
        let text = format!("There were too many failed logins. Try again in {seconds} seconds.");
        ApiError::plain(Code::RateLimited, text).retry_after(seconds)
    })?;
    let name = username.clone();
    let user = app.db.read(move |c| Ok(users::find(c, &name)?)).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = app.passwords.check(password, hash).await?;
    let Some(user) = user.filter(|_| is_right) else { return Err(wrong()) };
    lock(&app.limiter).succeed(&username, client, app.clock.now_ms());
    app.metrics.login(LoginAnswer::Good);
    let session = Session { user: user.name, epoch: user.token_epoch };
    Ok(json(&LoginReply { token: app.sessions.seal(session, app.clock.now())? }))
}
