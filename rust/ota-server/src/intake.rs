//! Taking uploads in: received to the disk, hashed on the way, then opened and held against the limits. Nothing here
//! records anything.

mod apk;
mod bundle;
mod checker;
mod receive;
mod stream;
mod writer;

pub(crate) use receive::{Received, receive, refuse};

use checker::Checker;
use ota_protocol::Code;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::ApiError;
use crate::publishing::Found;
use crate::storage::Staged;

/// Uploads received at once; each has a thread that writes and some 400 KiB of memory. Further ones wait.
const RECEIVING: usize = 20;

/// How much is taken in at once.
pub(crate) struct Gates {
    receiving: Semaphore,
    checker: Checker,
}

impl Gates {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { receiving: Semaphore::new(RECEIVING), checker: Checker::start()? })
    }
}

/// Opens a bundle, holds it against every limit and finds out what it is.
///
/// # Errors
/// `not_a_zip`, `archive_refused`, `archive_too_large`, `no_index_html`.
pub(crate) async fn check_bundle(app: &App, staged: Staged) -> Result<(Staged, Found), ApiError> {
    let check = move || {
        let found = bundle::check(staged.open()?)?;
        Ok((staged, found))
    };
    app.gates.checker.run(check).await
}

/// Sees whether a file is an Android package.
///
/// # Errors
/// `not_an_apk`.
pub(crate) async fn check_apk(app: &App, staged: Staged) -> Result<Staged, ApiError> {
    let check = move || {
        if apk::has_manifest(&staged.open()?)? {
            Ok(staged)
        } else {
            Err(ApiError::new(Code::NotAnApk, "The file has no AndroidManifest.xml at its top."))
        }
    };
    app.gates.checker.run(check).await
}
