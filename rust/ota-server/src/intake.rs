//! Taking uploads in: received to the disk, hashed on the way, then opened and held against the limits. Nothing here
//! records anything.

mod apk;
mod bundle;
mod receive;
mod stream;
mod writer;

pub(crate) use receive::{Received, receive, refuse};

use ota_protocol::Code;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::ApiError;
use crate::publishing::Found;
use crate::storage::Staged;

/// Uploads received at once; each has a thread that writes and some 300 KiB of buffers. Further ones wait.
const RECEIVING: usize = 32;
/// Files opened and checked at once: this bounds what hostile archives can make the server hold.
const CHECKING: usize = 1;

/// How much is taken in at once.
pub(crate) struct Gates {
    receiving: Semaphore,
    checking: Semaphore,
}

impl Gates {
    pub(crate) fn new() -> Self {
        Self { receiving: Semaphore::new(RECEIVING), checking: Semaphore::new(CHECKING) }
    }
}

/// Opens a bundle, holds it against every limit and finds out what it is.
///
/// # Errors
/// `not_a_zip`, `archive_refused`, `archive_too_large`, `no_index_html`.
pub(crate) async fn check_bundle(app: &App, staged: Staged) -> Result<(Staged, Found), ApiError> {
    let _turn = app.gates.checking.acquire().await.map_err(|_| ApiError::of(Code::Unavailable))?;
    crate::blocking(move || {
        let found = bundle::check(staged.open()?)?;
        Ok((staged, found))
    })
    .await
}

/// Sees whether a file is an Android package.
///
/// # Errors
/// `not_an_apk`.
pub(crate) async fn check_apk(app: &App, staged: Staged) -> Result<Staged, ApiError> {
    let _turn = app.gates.checking.acquire().await.map_err(|_| ApiError::of(Code::Unavailable))?;
    crate::blocking(move || {
        if apk::has_manifest(&staged.open()?)? {
            Ok(staged)
        } else {
            Err(ApiError::new(Code::NotAnApk, "The file has no AndroidManifest.xml at its top."))
        }
    })
    .await
}
