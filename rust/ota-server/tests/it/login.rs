use std::time::{Duration, Instant};

use crate::common::{PASSWORD, START, TestServer};

#[tokio::test]
async fn a_login_gives_a_token_that_opens_the_admin_routes_for_twelve_hours() {
    let server = TestServer::start().await;
    server.get("/api/ota/admin/ota/history").await.ok();
    server.clock.advance(12 * 60 * 60 - 1);
    server.get("/api/ota/admin/ota/history").await.ok();
    server.clock.advance(1);
    server.get("/api/ota/admin/ota/history").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let server = TestServer::start().await;
    let wrong = server.login("admin", "wrong").await;
    let unknown = server.login("nobody", "wrong").await;
    wrong.refused(401, "unauthorized");
    assert_eq!(wrong.text, unknown.text);
    server.login("admin", &"x".repeat(2000)).await.refused(401, "unauthorized");
}

/// Not a timed test: hashing takes some 20 ms, a look into the database less than one; a factor of five between the
/// two kinds would show that one of them is not hashed.
#[tokio::test]
async fn an_unknown_user_costs_the_same_work() {
    let server = TestServer::start().await;
    let mut least = [Duration::MAX; 2];
    for _ in 0..4 {
        for (at, name) in ["admin", "nobody"].into_iter().enumerate() {
            let start = Instant::now();
            server.login(name, "wrong").await.refused(401, "unauthorized");
            least[at] = least[at].min(start.elapsed());
        }
    }
    assert!(least[0] < least[1] * 5 && least[1] < least[0] * 5, "{least:?}");
}

#[tokio::test]
async fn a_token_that_is_missing_forged_or_garbled_is_refused() {
    let mut server = TestServer::start().await;
    let good = server.token.clone();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let payload = head.split('.').nth(1).unwrap();
    let mut flipped = signature.to_owned();
    flipped.replace_range(0..1, if signature.starts_with('A') { "B" } else { "A" });
    let forged = [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}.{flipped}"),
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.{signature}"),
        "y".repeat(10_000),
        "ota_x_y".to_owned(),
        "ota_".to_owned(),
    ];
    for token in forged {
        server.token = token;
        let answer = server.get("/api/ota/admin/ota/history").await;
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let bare = server.request(reqwest::Method::GET, "/api/ota/admin/ota/history").send().await.unwrap();
    assert_eq!(bare.status(), 401);
}

#[tokio::test]
async fn a_token_of_another_server_is_refused() {
    let mut server = TestServer::start().await;
    server.token = TestServer::start().await.token;
    server.get("/api/ota/admin/ota/history").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_token_stays_good_across_a_restart() {
    let server = TestServer::start().await;
    let token = server.token.clone();
    let mut server = server.restart(|_| {}).await;
    server.token = token;
    server.get("/api/ota/admin/ota/history").await.ok();
}

#[tokio::test]
async fn failed_logins_are_slowed_by_account_and_address_and_forgiven_with_time() {
    let server = TestServer::start().await;
    let mut refused = None;
    for _ in 0..20 {
        let answer = server.login("admin", "wrong").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("twenty wrong passwords in a row are too many");
    refused.refused(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    // The right password does not help before the time is over, and does afterwards.
    server.login("admin", PASSWORD).await.refused(429, "rate_limited");
    server.clock.advance(wait);
    server.login("admin", PASSWORD).await.ok();
    // And the count begins anew.
    server.login("admin", "wrong").await.refused(401, "unauthorized");
    server.login("admin", PASSWORD).await.ok();
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_forwarded_address_is_the_one_that_is_slowed() {
    let attack = async |server: &TestServer, address: &str| {
        let request = server.request(reqwest::Method::POST, "/api/auth/login");
        let body = serde_json::json!({ "username": "admin", "password": "wrong" });
        request.header("x-forwarded-for", address).json(&body).send().await.unwrap().status().as_u16()
    };
    let server = TestServer::with(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    while attack(&server, "198.51.100.7").await == 401 {}
    assert_eq!(attack(&server, "198.51.100.7").await, 429);
    assert_eq!(attack(&server, "198.51.100.8").await, 401);
    // Without a trusted proxy the header is only what somebody wrote.
    let server = TestServer::start().await;
    while attack(&server, "198.51.100.7").await == 401 {}
    assert_eq!(attack(&server, "198.51.100.8").await, 429);
}

#[tokio::test]
async fn a_password_is_not_changed_by_what_the_server_is_started_with() {
    let server = TestServer::start().await;
    server.running.stop().await;
    let server = TestServer::on(server.dir, server.clock, |config| {
        config.admin = Some(ota_server::Admin { name: "admin".into(), password: Some("other".into()) });
    })
    .await;
    assert_ne!(server.token, "", "the first password is still the one");
    assert_eq!(server.clock.as_ref().now(), START);
}

use ota_server::Clock as _;
