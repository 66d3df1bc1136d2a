use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::commands::run;
use crate::common::{PASSWORD, TestServer, config, names};

fn restore(tar: &Path, data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    tar::Archive::new(std::fs::File::open(tar).unwrap()).unpack(data).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_releases_come_and_go_can_be_started() {
    let server = Arc::new(TestServer::start().await);
    server.publish("stable", "1.0.0").await;
    let busy = tokio::spawn({
        let server = server.clone();
        async move {
            for n in 0..40 {
                server.publish("stable", &format!("2.0.{n}")).await;
                if n % 2 == 1 {
                    server.delete(&format!("/api/ota/admin/ota/stable/2.0.{n}")).await.ok();
                }
            }
        }
    });
    let data = server.dir.path().join("data");
    let mut taken = Vec::new();
    for n in 0..5 {
        let file = server.dir.path().join(format!("backup-{n}.tar"));
        let (data, tar) = (data.clone(), file.clone());
        let (ok, _, err) = tokio::task::spawn_blocking(move || {
            run(&["backup", tar.to_str().unwrap(), "--data", data.to_str().unwrap()])
        })
        .await
        .unwrap();
        assert!(ok, "{err}");
        taken.push(file);
    }
    busy.await.unwrap();
    assert!(names(server.dir.path()).iter().all(|name| !name.contains(".part")));
    for (n, file) in taken.iter().enumerate() {
        let data = server.dir.path().join(format!("restored-{n}"));
        restore(file, &data);
        let copy = TestServer::on(Arc::new(tempfile::tempdir().unwrap()), server.clock.clone(), |c| {
            *c = config(&data);
        })
        .await;
        // Every release that is listed can be fetched.
        let items = copy.get("/api/ota/admin/ota/history").await.ok()["items"].clone();
        let items = items.as_array().unwrap();
        assert_eq!(items.iter().filter(|item| item["active"] == true).count(), 1);
        for item in items {
            let path = format!("/api/ota/bundle/{}", item["filename"].as_str().unwrap());
            assert_eq!(copy.get(&path).await.status, 200, "{path}");
        }
        copy.running.stop().await;
    }
}

#[tokio::test]
async fn a_restored_server_knows_its_accounts_and_signs_with_a_secret_of_its_own() {
    let server = TestServer::start().await;
    server.publish("stable", "1.0.0").await;
    let file = server.dir.path().join("b.tar");
    std::fs::write(&file, "an older backup").unwrap();
    let data = server.dir.path().join("data");
    let (ok, _, err) = run(&["backup", file.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    assert!(ok, "{err}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let restored = server.dir.path().join("restored");
    restore(&file, &restored);
    assert_eq!(names(&restored), ["blobs", "ota.db"]);
    let mut copy =
        TestServer::on(server.dir.clone(), server.clock.clone(), |config| config.data = restored).await;
    assert_eq!(copy.check(json!({"version_build": "0"})).await["version"], "1.0.0");
    copy.login("admin", PASSWORD).await.ok();
    copy.token = server.token.clone();
    copy.get("/api/ota/admin/ota/history").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_nothing() {
    let server = TestServer::start().await;
    let data = server.dir.path().join("data");
    let file = server.dir.path().join("nowhere/b.tar");
    let (ok, _, err) = run(&["backup", file.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    assert!(!ok && err.contains("nowhere"), "{err}");
}
