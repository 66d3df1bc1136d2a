//! The data directory: damaged, full, read-only, of a newer version; what crashes left in it.

use std::path::Path;
use std::process::Command;

use ota_server::{Server, StartError};
use serde_json::json;

use crate::common::{START, TestServer, bundle, config, large_bundle};

#[tokio::test]
async fn bytes_that_no_release_names_and_unfinished_uploads_are_swept_at_start() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    let kept = server.blobs();
    let server = server
        .restart(|data| {
            std::fs::write(data.join("blobs").join("0".repeat(64)), "orphan").unwrap();
            std::fs::write(data.join("staging/upload-7"), "half").unwrap();
        })
        .await;
    assert_eq!(server.blobs(), kept);
    assert!(server.staging().is_empty());
    assert_eq!(server.get("/api/ota/bundle/stable-1.0.0.zip").await.status, 200);
}

#[tokio::test]
async fn a_release_whose_bytes_are_gone_is_not_offered_until_they_are_back() {
    for truncated in [false, true] {
        let server = TestServer::start().await;
        server.publish("stable", "1.0.0").await;
        let row = server.publish("stable", "1.1.0").await;
        let damage = |data: &Path| {
            let blob = data.join("blobs").join(row["checksum"].as_str().unwrap());
            if truncated {
                std::fs::write(blob, "short").unwrap();
            } else {
                std::fs::remove_file(blob).unwrap();
            }
        };
        let server = server.restart(damage).await;
        assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "1.0.0");
        assert_eq!(server.get("/api/ota/bundle/stable-1.1.0.zip").await.status, 404);
        let history = server.get("/api/ota/admin/ota/history").await.ok();
        assert_eq!(history["items"][0]["active"], false);
        server.upload(&bundle("other"), &[("version", "1.1.0")]).await.refused(409, "version_exists");
        let back = server.publish("stable", "1.1.0").await;
        assert_eq!(back["active"], true);
        assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "1.1.0");
        assert_eq!(server.get("/api/ota/bundle/stable-1.1.0.zip").await.status, 200);
    }
}

#[tokio::test]
async fn a_channel_that_lost_its_only_bytes_does_not_send_devices_back_to_their_builtin() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    let server = server.restart(|data| std::fs::remove_dir_all(data.join("blobs")).unwrap()).await;
    let asked = json!({"version_build": "1.0.0", "protocol": 1, "native_version": "0.9"});
    assert_eq!(server.check(asked).await, json!({"releases": []}));
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    server.publish_with("stable", "1.1.0", &[("percent", "10")]).await;
    let asked = json!({"version_build": "0", "protocol": 1});
    let before = server.check(asked.clone()).await["releases"].clone();
    let server = server.restart(|_| {}).await;
    assert_eq!(server.check(asked).await["releases"], before);
    assert_eq!(server.publish("stable", "1.2.0").await["sequence"], START + 4);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_untouched() {
    let server = TestServer::start().await;
    let (dir, data) = (server.dir.clone(), server.dir.path().join("data"));
    server.running.stop().await;
    let database = rusqlite::Connection::open(data.join("ota.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let Err(error) = Server::start(config(&data)).await else { panic!("it must not start") };
    assert!(matches!(error, StartError::Database(_)), "{error}");
    assert!(error.to_string().contains("newer"), "{error}");
    drop(dir);
}

#[tokio::test]
async fn another_apps_data_is_refused() {
    let server = TestServer::with(|config| config.app_id = Some("com.example.app".parse().unwrap())).await;
    let data = server.dir.path().join("data");
    server.running.stop().await;
    let mut other = config(&data);
    other.app_id = Some("com.example.other".parse().unwrap());
    assert!(matches!(Server::start(other).await, Err(StartError::OtherApp { .. })));
}

#[tokio::test]
async fn a_directory_that_cannot_be_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below"), Path::new("/proc/ota").to_owned()] {
        let Err(error) = Server::start(config(&path)).await else { panic!("{}", path.display()) };
        assert!(matches!(error, StartError::DataDir(_)), "{error}");
        assert!(error.to_string().contains("directory"), "{error}");
    }
}

/// A small file system of its own, unmounted when dropped; `None` where this user may not mount one.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(options: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("skipped: this user may not mount a file system");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

#[tokio::test]
async fn a_read_only_file_system_is_refused() {
    let Some(mount) = Mount::new("ro") else { return };
    for data in [mount.0.path().to_owned(), mount.0.path().join("data")] {
        let Err(error) = Server::start(config(&data)).await else { panic!("it must not start") };
        assert!(error.to_string().contains("read-only"), "{error}");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_uploads_with_nothing_half_recorded_and_then_a_start() {
    let Some(mount) = Mount::new("size=4m") else { return };
    let server = TestServer::with(|config| config.data = mount.0.path().join("data")).await;
    server.publish("stable", "1.0.0").await;
    server.upload(&large_bundle(8 << 20), &[("version", "2")]).await.refused(507, "storage_full");
    let count = |sub: &str| std::fs::read_dir(mount.0.path().join("data").join(sub)).unwrap().count();
    assert_eq!((count("blobs"), count("staging")), (1, 0));
    let items = server.get("/api/ota/admin/ota/history").await.ok()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    // Full to the last byte: what needs the disk says so and changes nothing, what does not goes on.
    let filler = std::fs::File::create(mount.0.path().join("filler")).unwrap();
    std::io::copy(&mut std::io::repeat(0), &mut &filler).ok();
    server.upload(&bundle("1.1.0"), &[("version", "1.1.0")]).await.refused(507, "storage_full");
    assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "1.0.0");
    assert_eq!(server.get("/api/ota/bundle/stable-1.0.0.zip").await.status, 200);
    server.login("admin", crate::common::PASSWORD).await.ok();
    drop(filler); // an open file keeps its space
    std::fs::remove_file(mount.0.path().join("filler")).unwrap();
    // A smaller one fits again.
    server.publish("stable", "1.1.0").await;
    assert_eq!(server.check(json!({"version_build": "0"})).await["version"], "1.1.0");
    server.running.stop().await;
    let filler = std::fs::File::create(mount.0.path().join("filler")).unwrap();
    std::io::copy(&mut std::io::repeat(0), &mut &filler).ok();
    let Err(error) = Server::start(config(&mount.0.path().join("data"))).await else {
        panic!("it must not start")
    };
    assert!(error.to_string().contains("full"), "{error}");
}
