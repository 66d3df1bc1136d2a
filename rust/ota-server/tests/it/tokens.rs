use serde_json::json;

use crate::commands::run;
use crate::common::TestServer;

/// Makes a deploy token with the command line, beside the running server.
fn make(server: &TestServer, options: &[&str]) -> String {
    let data = server.dir.path().join("data");
    let mut args = vec!["token", "new", "--data", data.to_str().unwrap()];
    args.extend(options);
    let (ok, out, err) = run(&args);
    assert!(ok, "{err}");
    assert_eq!(out.lines().count(), 1, "the token alone, so that a script can take it");
    out.trim().to_owned()
}

#[tokio::test]
async fn a_deploy_token_does_what_it_is_for_and_nothing_else() {
    let mut server = TestServer::start().await;
    server.publish("stable", "0.9").await;
    let admin = std::mem::take(&mut server.token);
    server.token = make(&server, &["--channel", "beta", "--name", "ci"]);
    server.publish("beta", "1.0.0").await;
    server.get("/api/ota/admin/ota/history?channel=beta").await.ok();
    server.upload(&crate::common::bundle("x"), &[("version", "1.1")]).await.refused(403, "forbidden");
    server.get("/api/ota/admin/ota/history?channel=stable").await.refused(403, "forbidden");
    server.delete("/api/ota/admin/ota/beta/1.0.0").await.refused(403, "forbidden");
    let promote = "/api/ota/admin/releases/beta/1.0.0/promote";
    server.post(promote, json!({"to": "stable"})).await.refused(403, "forbidden");
    server.post("/api/ota/admin/releases/beta/1.0.0/rollback", json!({})).await.refused(403, "forbidden");
    assert_eq!(server.apk("1").await.status, 403);

    let all = ["--action", "upload", "--action", "promote", "--action", "delete", "--action", "read"];
    server.token = make(&server, &all);
    server.post(promote, json!({"to": "stable"})).await.ok();
    server.delete("/api/ota/admin/ota/beta/1.0.0").await.ok();
    server.apk("1").await.ok();
    server.token = admin;
}

#[tokio::test]
async fn a_token_for_another_app_is_refused() {
    let mut server =
        TestServer::with(|config| config.app_id = Some("com.example.app".parse().unwrap())).await;
    server.token = make(&server, &["--app", "com.example.other"]);
    server.get("/api/ota/admin/ota/history").await.refused(404, "unknown_app");
    server.token = make(&server, &["--app", "com.example.app"]);
    server.get("/api/ota/admin/ota/history").await.ok();
}

#[tokio::test]
async fn a_revoked_or_expired_token_is_void_at_once() {
    let mut server = TestServer::start().await;
    // The command line goes by the system's clock, the server by the test's.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let days = (crate::common::START.saturating_sub(now) / 86_400 + 10).to_string();
    server.token = make(&server, &["--days", &days]);
    server.get("/api/ota/admin/ota/history").await.ok();
    let data = server.dir.path().join("data");
    let data = data.to_str().unwrap();
    let id = server.token.split('_').nth(1).unwrap().to_owned();
    let (_, list, _) = run(&["token", "list", "--data", data]);
    assert!(list.contains(&id) && !list.contains(&server.token), "{list}");
    let (ok, ..) = run(&["token", "revoke", &id, "--data", data]);
    assert!(ok);
    server.get("/api/ota/admin/ota/history").await.refused(401, "unauthorized");
    let (ok, _, err) = run(&["token", "revoke", &id, "--data", data]);
    assert!(!ok && err.contains("token list"), "{err}");

    server.token = make(&server, &["--days", &days]);
    server.clock.advance(12 * 86_400);
    server.get("/api/ota/admin/ota/history").await.refused(401, "unauthorized");
}
