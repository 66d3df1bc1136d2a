//! Who asks, and what they may do.

mod deploy;
mod limiter;
mod password;
mod session;

pub(crate) use deploy::{Scope, make as make_deploy_token};
pub(crate) use limiter::Limiter;
pub(crate) use password::{Hasher, LONGEST as LONGEST_PASSWORD, Passwords};
pub(crate) use session::{Session, Sessions};

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, header};
use ota_protocol::{Channel, Code};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::{tokens, users};
use crate::error::ApiError;

/// What a deploy token can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Publish bundles and Android packages.
    Upload,
    /// List history and releases.
    Read,
    /// Delete versions.
    Delete,
    /// Publish a release to another channel.
    Promote,
    /// Go back to an earlier release.
    Rollback,
}

impl Action {
    /// The word for people and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Read => "read",
            Self::Delete => "delete",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// A caller whose token was checked.
#[derive(Debug)]
pub(crate) enum Caller {
    /// A person who logged in: may do everything.
    User,
    /// A deploy token.
    Machine(Scope),
}

impl Caller {
    /// Whether the caller may do this to the channel.
    ///
    /// # Errors
    /// `forbidden`; `unknown_app` where the token is for another app than the server's.
    pub(crate) fn may(&self, app: &App, action: Action, channel: &Channel) -> Result<(), ApiError> {
        match self {
            Self::User => Ok(()),
            Self::Machine(scope) => scope.allows(app.catalog.app_id().as_ref(), action, channel),
        }
    }

    /// Whether the caller may do this to some channel: asked before a large body is taken in.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn may_somewhere(&self, action: Action) -> Result<(), ApiError> {
        match self {
            Self::User => Ok(()),
            Self::Machine(scope) => scope.allows_action(action),
        }
    }
}

/// The limiter stays usable after a panic elsewhere: it only counts.
pub(crate) fn lock(limiter: &Mutex<Limiter>) -> MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random bytes of the system, as text without padding or punctuation.
pub(crate) fn random_text(bytes: usize) -> Result<String, getrandom::Error> {
    use std::fmt::Write as _;
    let mut raw = vec![0; bytes];
    getrandom::fill(&mut raw)?;
    Ok(raw.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    }))
}

/// Checks a request's bearer token.
///
/// # Errors
/// `unauthorized`, whatever is wrong with it: the text does not help to guess.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let refused = || {
        ApiError::plain(
            Code::Unauthorized,
            "There is no valid token: it is missing, expired, revoked or of another server. Log in again with \
             `ota login`.",
        )
    };
    let token = bearer(headers).ok_or_else(refused)?.to_owned();
    let now = app.clock.now();
    if let Some(id) = deploy::id(&token) {
        let id = id.to_owned();
        let found = app.db.read(move |c| Ok(tokens::find(c, &id)?)).await?.ok_or_else(refused)?;
        return deploy::check(&found, &token, now).map(Caller::Machine).ok_or_else(refused);
    }
    let session = app.sessions.open(&token, now).ok_or_else(refused)?;
    let name = session.user.clone();
    let user = app.db.read(move |c| Ok(users::find(c, &name)?)).await?.ok_or_else(refused)?;
    if user.token_epoch == session.epoch { Ok(Caller::User) } else { Err(refused()) }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
