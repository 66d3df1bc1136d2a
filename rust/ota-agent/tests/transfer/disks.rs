//! Disks that refuse.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ota_agent::ports::{Entry, Fs, Lock, LockKind, RealFs, Space, Stat, WriteFile};
use ota_agent::transfer::TransferError;
use ota_bundle::ReadAt;
use ota_protocol::Code;

use crate::device::{Device, bytes};
use crate::fault_server::{Fault, FaultServer, Origin};

/// The real disk, on which only so many bytes and new files can be written before `error` comes.
#[derive(Clone)]
struct Failing {
    left: Arc<AtomicU64>,
    files: Arc<AtomicU64>,
    error: i32,
}

impl Failing {
    fn new(bytes: u64, files: u64, error: i32) -> Self {
        Self { left: Arc::new(bytes.into()), files: Arc::new(files.into()), error }
    }

    fn refused(&self) -> io::Error {
        io::Error::from_raw_os_error(self.error)
    }

    fn take(counter: &AtomicU64, count: u64) -> bool {
        counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(count)).is_ok()
    }
}

struct FailingFile(Box<dyn WriteFile>, Failing);

impl WriteFile for FailingFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if Failing::take(&self.1.left, bytes.len() as u64) {
            return self.0.write_all(bytes);
        }
        // As much as fits is written, as the real one does.
        let fits = self.1.left.swap(0, Ordering::AcqRel) as usize;
        self.0.write_all(&bytes[..fits])?;
        Err(self.1.refused())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

impl Fs for Failing {
    fn read(&self, path: &Path, cap: u64) -> io::Result<Vec<u8>> {
        RealFs.read(path, cap)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        RealFs.open(path)
    }
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        if !Self::take(&self.files, 1) {
            return Err(self.refused());
        }
        Ok(Box::new(FailingFile(RealFs.create_new(path)?, self.clone())))
    }
    fn append(&self, path: &Path) -> io::Result<(Box<dyn WriteFile>, u64)> {
        let (file, len) = RealFs.append(path)?;
        Ok((Box::new(FailingFile(file, self.clone())), len))
    }
    fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if !Self::take(&self.files, 1) {
            return Err(self.refused());
        }
        RealFs.overwrite(path, bytes)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFs.rename(from, to)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.create_dir(path)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealFs.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.remove_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        RealFs.list(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        RealFs.stat(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.sync_dir(path)
    }
    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(Space { bytes: 123, inodes: 5 })
    }
    fn try_lock(&self, path: &Path, kind: LockKind) -> io::Result<Option<Box<dyn Lock>>> {
        RealFs.try_lock(path, kind)
    }
    fn try_share(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        RealFs.try_share(path)
    }
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

#[test]
fn a_full_disk_is_no_room_wherever_it_fills_and_gets_its_bytes_back() {
    let body = bytes(1000);
    for error in [ENOSPC, EDQUOT] {
        for (room, files) in [(0, 9), (1, 9), (999, 9), (1000, 0), (1000, 1)] {
            let server = FaultServer::origins(vec![Origin::new(&body)]);
            let url = server.url("/a.zip");
            let mut device = Device::new();
            device.set_fs(Failing::new(room, files, error));
            let refused = device.fetch(&url, &body).expect_err("full");
            assert_eq!(refused.code(), Code::NoRoom, "{refused}");
            assert!(matches!(refused, TransferError::NoRoom { needed: 1000, available: 123 }), "{refused}");
            assert_eq!((device.files().len(), server.seen().len()), (0, 1));
            device.set_fs(RealFs);
            device.fetch(&url, &body).expect("fetched once there is room");
        }
    }
}

#[test]
fn a_failing_disk_names_operation_and_path_and_what_was_written_is_gone_on_with() {
    let body = bytes(1000);
    let server = FaultServer::origins(vec![Origin::new(&body)]);
    let url = server.url("/a.zip");
    let mut device = Device::new();
    device.set_fs(Failing::new(400, 9, EIO));
    let refused = device.fetch(&url, &body).expect_err("broken");
    assert_eq!(refused.code(), Code::DiskError);
    assert!(refused.to_string().starts_with("write the partial file "), "{refused}");
    device.set_fs(RealFs);
    let fetched = device.fetch(&url, &body).expect("fetched");
    assert_eq!(fetched.resumed_from, 400);
}

#[test]
fn a_sidecar_that_cannot_be_written_stops_the_download_before_its_first_byte() {
    let body = bytes(1000);
    let server = FaultServer::origins(vec![Origin::with(&body, Fault::Nothing)]);
    let mut device = Device::new();
    device.set_fs(Failing::new(1000, 0, EIO));
    let refused = device.fetch(&server.url("/a.zip"), &body).expect_err("broken");
    assert_eq!((refused.code(), device.files().len()), (Code::DiskError, 0));
}
