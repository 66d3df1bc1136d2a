//! Puts a server's parts together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ota_protocol::AppId;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Running, accept};
use crate::app::{App, Settings};
use crate::auth::{Hasher, Limiter, Passwords, Sessions, random_text};
use crate::clock::Clock;
use crate::config::{Admin, Config, PublicUrl};
use crate::data_dir::{DataDir, DataDirError};
use crate::db::{Db, MigrateError, settings, users};
use crate::error::ApiError;
use crate::intake::Gates;
use crate::publishing::{Catalog, sweep};
use crate::router::router;
use crate::storage::DiskStore;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] MigrateError),
    /// Nothing listens at that address.
    #[error("cannot listen on {address}: another program may use it, or it is not this machine's")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The data is another app's.
    #[error("the data directory serves {found}, not {asked}: use another directory for another app")]
    OtherApp {
        /// The app it serves.
        found: AppId,
        /// The app asked for.
        asked: AppId,
    },
    /// A password or a token cannot be made.
    #[error("cannot make secrets: {0}")]
    Secrets(String),
    /// Reading what is there failed.
    #[error("cannot read the data directory: {0}")]
    Other(#[from] ApiError),
}

impl From<rusqlite::Error> for StartError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Other(error.into())
    }
}

fn secrets(error: impl std::fmt::Display) -> StartError {
    StartError::Secrets(error.to_string())
}

pub(super) async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    let listen = config.listen;
    let (data_dir, app, made_password) =
        tokio::task::spawn_blocking(move || prepare(config, clock)).await.map_err(secrets)??;
    // Last, so that a client that can connect is answered.
    let listener =
        TcpListener::bind(listen).await.map_err(|source| StartError::Listen { address: listen, source })?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let timeouts = app.settings.timeouts;
    let router = router(Arc::new(app));
    let served = tokio::spawn(async move {
        accept::serve(listener, router, timeouts, stopping).await;
        drop(data_dir); // free for the next server only when nothing of this one is under way
    });
    Ok(Running { address, stop, served, made_password })
}

type Made = Option<(String, String)>;

fn prepare(config: Config, clock: Arc<dyn Clock>) -> Result<(DataDir, App, Made), StartError> {
    let data_dir = DataDir::take(&config.data)?;
    let db = Db::open(&config.data)?;
    let blobs = Arc::new(DiskStore::open(&config.data)?);
    let fresh_id = random_text(16).map_err(secrets)?;
    let server_id = db.write_blocking(|c| {
        if let Some(asked) = config.app_id {
            match settings::app_id(c)? {
                Some(found) if found != asked => return Err(StartError::OtherApp { found, asked }),
                _ => settings::set_app_id(c, &asked)?,
            }
        }
        Ok::<_, StartError>(settings::server_id(c, || fresh_id)?)
    })?;
    let mut hasher = Hasher::default();
    let made_password = admin(&db, &mut hasher, config.admin, clock.now())?;
    let base = config.public_url.as_ref().map(|url| url.as_str().to_owned()).unwrap_or_default();
    let app = App {
        settings: Settings {
            public_url: config.public_url.as_ref().map(PublicUrl::as_str).map(str::to_owned),
            max_upload: config.max_upload,
            trusted_proxies: config.trusted_proxies,
            timeouts: config.timeouts,
        },
        clock,
        db,
        blobs,
        catalog: Catalog::new(base),
        sessions: Sessions::new(&data_dir.secret()?, server_id),
        passwords: Passwords::new(hasher).map_err(secrets)?,
        limiter: std::sync::Mutex::new(Limiter::default()),
        gates: Gates::new()?,
        metrics: Arc::default(),
    };
    sweep(&app)?;
    Ok((data_dir, app, made_password))
}

/// Makes the first account. One that exists stays as it is: a password in a unit file must not undo a change.
fn admin(db: &Db, hasher: &mut Hasher, admin: Option<Admin>, now: u64) -> Result<Made, StartError> {
    let existing = db.read_blocking::<_, rusqlite::Error>(users::all)?;
    let admin = match admin {
        Some(admin) if existing.iter().any(|user| user.name == admin.name) => return Ok(None),
        Some(admin) => admin,
        None if !existing.is_empty() => return Ok(None),
        None => Admin { name: "admin".to_owned(), password: None },
    };
    let is_made = admin.password.is_none();
    let password = admin.password.map_or_else(|| random_text(12).map_err(secrets), Ok)?;
    let hash = hasher.hash(&password).map_err(secrets)?;
    db.write_blocking::<_, rusqlite::Error>(|c| users::add(c, &admin.name, &hash, now))?;
    Ok(is_made.then_some((admin.name, password)))
}
