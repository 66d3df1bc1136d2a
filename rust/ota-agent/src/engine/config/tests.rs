use super::*;
use serde_json::{Value, json};

fn ota(fields: &Value) -> Config {
    Config::read(&json!({"appId": "com.example.app", "plugins": {"Ota": fields}}))
}

#[test]
fn an_app_without_a_config_gets_the_defaults_and_no_url() {
    let config = Config::read(&json!({}));
    assert!(config.update_url.is_none() && config.problems.is_empty());
    assert_eq!(config.mode, Mode::NextLaunch);
}

#[test]
fn our_section_wins_over_capgos() {
    let config = Config::read(&json!({"plugins": {
        "Ota": {"channel": "beta"}, "CapacitorUpdater": {"defaultChannel": "other"}}}));
    assert_eq!(config.channel.as_str(), "beta");
}

#[test]
fn capgos_section_is_read_where_ours_is_absent() {
    let config = Config::read(&json!({"plugins": {"CapacitorUpdater": {
        "updateUrl": "https://ota.example.com/check", "autoUpdate": true, "appReadyTimeout": 5000,
        "defaultChannel": "beta"}}}));
    assert_eq!(config.mode, Mode::OnBackground);
    assert_eq!(config.ready_timeout, Duration::from_secs(5));
    assert_eq!(config.channel.as_str(), "beta");
    assert!(config.update_url.is_some());
}

#[test]
fn each_value_that_cannot_be_used_is_named_and_the_default_stays() {
    for (key, value) in [
        ("updateUrl", json!("not a url")),
        ("autoUpdate", json!("sometimes")),
        ("readyTimeout", json!("10s")),
        ("readyTimeout", json!(5)),
        ("maxBootAttempts", json!(1)),
        ("checkInterval", json!(-1)),
        ("channel", json!("a/b")),
        ("channel", json!("apk")),
        ("confirm", json!(true)),
        ("pins", json!({"host": "x"})),
        ("maxFiles", json!(0)),
    ] {
        let config = ota(&json!({key: value}));
        assert_eq!(config.problems.len(), 1, "{key}");
        assert!(config.problems[0].reason.contains(key), "{}", config.problems[0].reason);
        assert_eq!(config.max_boot_attempts, 2);
    }
}

#[test]
fn plain_http_needs_the_host_to_be_allowed() {
    let config = ota(&json!({"updateUrl": "http://ota.example.com/check"}));
    assert!(config.update_url.is_none());
    assert_eq!(config.problems[0].code, Code::InsecureUrl);
    let config = ota(&json!({"updateUrl": "http://ota.example.com/check", "httpHosts": ["ota.example.com"]}));
    assert!(config.update_url.is_some());
    assert!(ota(&json!({"updateUrl": "http://127.0.0.1:1/check"})).update_url.is_some());
}

#[test]
fn a_key_that_promises_protection_we_lack_stops_updates() {
    let capgo = Config::read(&json!({"plugins": {"CapacitorUpdater": {"publicKey": "-----BEGIN"}}}));
    assert_eq!(capgo.problems[0].code, Code::CapgoEncryptionUnsupported);
    assert!(capgo.problems[0].is_fatal);
    assert!(ota(&json!({"publicKeys": ["x"]})).problems[0].is_fatal);
}

#[test]
fn a_feed_is_not_asked_as_if_it_were_a_check() {
    let config = ota(&json!({"updateUrl": "https://cdn.example.com/feed/stable.json"}));
    assert!(config.update_url.is_none());
    assert_eq!(config.problems[0].code, Code::Unsupported);
    assert!(config.problems[0].is_fatal);
}
