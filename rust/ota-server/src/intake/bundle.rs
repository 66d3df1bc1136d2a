//! The one place that opens bundles.

use std::fs::File;
use std::thread::available_parallelism;

use ota_bundle::{Archive, ArchiveError, Discard, Limits, UnpackError};
use ota_protocol::Code;

use crate::error::ApiError;
use crate::publishing::Found;

/// Threads that inflate one bundle; each has some 256 KiB of buffers.
const THREADS: usize = 4;

/// Opens a zip with the code that devices unpack it with, unpacks it into nothing, and gives its root. Blocks.
pub(super) fn check(zip: File) -> Result<Found, ApiError> {
    let archive = Archive::open(zip, &Limits::default()).map_err(refused)?;
    let threads = available_parallelism().map_or(1, usize::from).min(THREADS);
    let tree = archive.unpack(&Discard, threads).map_err(|error| match error {
        UnpackError::Archive(error) => refused(error),
        other => ApiError::internal(other),
    })?;
    Ok(Found { root: tree.root(), unpacked_size: tree.unpacked_size(), files: tree.files() as u64 })
}

fn refused(error: ArchiveError) -> ApiError {
    match Code::parse(error.code()) {
        Some(code) => ApiError::new(code, sentence(&error.to_string())),
        None => ApiError::internal(error),
    }
}

/// A fragment as a sentence.
fn sentence(text: &str) -> String {
    format!("The bundle is refused: {text}.")
}
