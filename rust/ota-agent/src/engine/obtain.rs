//! Getting one bundle: download, verify, unpack, sync, move to its place.

use std::sync::Arc;

use ota_bundle::{Archive, ArchiveError, ReadAt, TreeList, UnpackError};
use ota_protocol::{Checksum, Code, Root};

use super::agent::Inner;
use super::decide::{Wanted, check_size, least_room, room};
use super::threads;
use crate::error::{AgentError, At};
use crate::ports::Cancel;
use crate::store::bundles::{self, Holding};
use crate::store::staging;
use crate::transfer::{self, Fetched, Progress, TransferError};

/// A bundle that is held now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obtained {
    pub(super) root: Root,
    /// The artifact's checksum; `None`: nothing was fetched.
    pub(super) checksum: Option<Checksum>,
    /// Bytes that came over the network.
    pub(super) received: u64,
    /// Bytes of an earlier try that were gone on with.
    pub(super) resumed_from: u64,
}

impl Inner {
    /// Whether a bundle is held: hashed just now. A damaged one is dropped on the way.
    pub(super) fn is_held(&self, root: Root) -> Result<bool, AgentError> {
        match bundles::holding(self.fs(), &self.layout, root, threads())? {
            Holding::Held => Ok(true),
            Holding::Absent => Ok(false),
            Holding::Damaged(what) => {
                log::error!("{root}: {what}");
                self.drop_damaged(root)?;
                Ok(false)
            }
        }
    }

    /// Gets a bundle, unless it is held. The updater's lock is held.
    pub(super) fn obtain(
        &self,
        wanted: &Wanted,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Obtained, AgentError> {
        if let Some(root) = wanted.root
            && self.is_held(root)?
        {
            // What a kill between a bundle's arrival and here left of its download is of no use any more.
            transfer::sweep(self.fs(), &self.layout.downloads(), &[]);
            return Ok(Obtained { root, checksum: wanted.checksum, received: 0, resumed_from: 0 });
        }
        check_size(&self.config.limits, wanted)?;
        staging::make_dir(self.fs(), &self.layout.downloads())?;
        let name = transfer::partial_name(&wanted.url, wanted.checksum);
        transfer::sweep(self.fs(), &self.layout.downloads(), &[&name]);
        self.check_room_before(wanted, &name)?;
        let fetched = self.fetch(wanted, cancel, on_progress)?;
        let unpacked = self.unpack(wanted, &fetched, cancel);
        // A file that is not the bundle is of no use to anybody; after a full disk or a cancel it is.
        let is_used_up = match &unpacked {
            Ok(_) => true,
            Err(error) => matches!(error, AgentError::Refused { .. }),
        };
        if is_used_up && let Err(error) = transfer::forget(self.fs(), &self.layout.downloads(), &name) {
            log::warn!("the download is swept later: {error}");
        }
        let root = unpacked?;
        Ok(Obtained {
            root,
            checksum: Some(fetched.checksum),
            received: fetched.received,
            resumed_from: fetched.resumed_from,
        })
    }

    fn fetch(
        &self,
        wanted: &Wanted,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Fetched, AgentError> {
        let folder = self.layout.downloads();
        let download = transfer::Wanted {
            url: &wanted.url,
            checksum: wanted.checksum,
            size: wanted.size,
            limit: self.config.limits.archive,
            policy: &self.config.policy,
            folder: &folder,
        };
        match transfer::download(&self.ports, &download, cancel, on_progress) {
            Err(TransferError::RetryAfter { seconds }) => {
                Err(self.hold_back(self.ports.clock.now(), seconds))
            }
            other => Ok(other?),
        }
    }

    fn check_room_before(&self, wanted: &Wanted, name: &str) -> Result<(), AgentError> {
        let Some((unpacked, files)) = wanted.unpacked else { return Ok(()) };
        let downloads = self.layout.downloads();
        let there = transfer::partial_size(self.fs(), &downloads, name).at("look at", &downloads)?;
        let missing = wanted.size.unwrap_or(0).saturating_sub(there);
        self.check_room(least_room(missing, unpacked, files))
    }

    fn check_room(&self, (bytes, inodes): (u64, u64)) -> Result<(), AgentError> {
        let home = self.layout.root();
        let space = self.fs().space(home).at("look at the space of", home)?;
        if space.bytes < bytes || space.inodes < inodes {
            return Err(AgentError::NoRoom { needed: bytes, inodes, available: space.bytes });
        }
        Ok(())
    }

    fn unpack(&self, wanted: &Wanted, fetched: &Fetched, cancel: &Cancel) -> Result<Root, AgentError> {
        let path = &fetched.path;
        let file: Arc<dyn ReadAt> = Arc::from(self.fs().open(path).at("open", path)?);
        let archive = Archive::open(file, &self.config.limits).map_err(|error| refused(error, path))?;
        let sizes = archive.entries().iter().map(ota_bundle::Entry::size);
        self.check_room(room(sizes, archive.folders().len() as u64))?;
        let staged = staging::begin(&self.ports, &self.layout)?;
        let filled = staged.fill(&self.ports, cancel, |sink| {
            archive.unpack(sink, threads()).map_err(|error| self.unpack_error(error, path))
        });
        let checked = filled.and_then(|list| {
            check_root(wanted, &list)?;
            Ok(list)
        });
        match checked {
            Ok(list) => staged.commit(&self.ports, &self.layout, &self.state_lock, &list),
            Err(error) => {
                staged.abandon(self.fs());
                Err(if cancel.is_cancelled() { AgentError::Cancelled } else { error })
            }
        }
    }

    fn unpack_error(&self, error: UnpackError, path: &std::path::Path) -> AgentError {
        match error {
            UnpackError::Archive(error) => refused(error, path),
            UnpackError::Sink { path, source } => {
                AgentError::Disk { operation: "write", path: self.layout.staging().join(path), source }
            }
            other => AgentError::Refused { code: Code::ArchiveRefused, reason: other.to_string() },
        }
    }
}

fn refused(error: ArchiveError, path: &std::path::Path) -> AgentError {
    match error {
        ArchiveError::Read { source } => {
            AgentError::Disk { operation: "read", path: path.to_owned(), source }
        }
        error => {
            let code = Code::parse(error.code()).unwrap_or(Code::ArchiveRefused);
            AgentError::Refused { code, reason: error.to_string() }
        }
    }
}

/// What came is what was offered.
fn check_root(wanted: &Wanted, list: &TreeList) -> Result<(), AgentError> {
    let root = list.root();
    match wanted.root {
        Some(expected) if expected != root => Err(AgentError::Refused {
            code: Code::RootMismatch,
            reason: format!("the archive holds the bundle {root}, and the release names {expected}"),
        }),
        _ => Ok(()),
    }
}
