use super::*;

/// Reads a sample, writes it again, and compares the two as JSON.
fn same<T: serde::Serialize + serde::de::DeserializeOwned>(sample: &str) -> T {
    let value: Value = serde_json::from_str(sample).unwrap();
    let read: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), value);
    read
}

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../../samples/", $name, ".json"))
    };
}

fn question(text: &str) -> Question {
    Question::read(serde_json::from_str(text).unwrap()).unwrap()
}

#[test]
fn every_message_survives_being_read_and_written() {
    same::<CheckRequest>(sample!("check-request"));
    same::<CheckReply>(sample!("check-reply"));
    same::<CheckReply>(sample!("check-reply-seed"));
    same::<CheckReply>(sample!("check-reply-none"));
    same::<CheckReply>(sample!("check-reply-builtin"));
    same::<Feed>(sample!("feed"));
    same::<crate::release::ReleaseDocument>(sample!("document-full"));
    same::<crate::release::ReleaseDocument>(sample!("document-builtin"));
    same::<CapgoReply>(sample!("capgo-reply-update"));
    same::<CapgoReply>(sample!("capgo-reply-up-to-date"));
    same::<CapgoReply>(sample!("capgo-reply-builtin"));
    same::<crate::publish::Published>(sample!("published"));
    same::<crate::publish::Deleted>(sample!("deleted"));
    same::<crate::publish::History>(sample!("history"));
    same::<crate::publish::ReleaseList>(sample!("release-list"));
    same::<crate::ErrorBody>(sample!("error"));
}

#[test]
fn the_dialect_is_known_by_the_fields() {
    assert!(matches!(question(sample!("check-request")), Question::Agent(_)));
    assert!(matches!(question(sample!("capgo-request-builtin")), Question::Capgo(_)));
    assert!(matches!(question(r#"{"version_build":"1"}"#), Question::Plain(_)));
    assert!(matches!(question(r#"{"version_build":"1","plugin_version":"8"}"#), Question::Plain(_)));
}

#[test]
fn a_plain_client_that_says_nothing_asks_for_stable() {
    let Question::Plain(plain) = question("{}") else { panic!("plain") };
    assert_eq!(plain.channel, Channel::default());
    assert_eq!(plain.version_build, "");
}

#[test]
fn version_name_is_the_bundles_version_where_a_plain_client_sends_it() {
    let Question::Plain(plain) = question(r#"{"version_build":"1","version_name":"2"}"#) else {
        panic!("plain")
    };
    assert_eq!(plain.version_build, "2");
}

#[test]
fn a_version_that_is_a_number_is_read_as_text() {
    let Question::Plain(plain) = question(r#"{"version_build":1.5}"#) else { panic!("plain") };
    assert_eq!(plain.version_build, "1.5");
}

#[test]
fn whatever_else_a_plain_client_sends_is_ignored() {
    let text = r#"{"version_build":"1","channel":null,"platform":5,"device":{"a":[1]},"root":"x"}"#;
    assert!(matches!(question(text), Question::Plain(_)));
}

#[test]
fn capgo_on_its_builtin_is_recognised() {
    let Question::Capgo(capgo) = question(sample!("capgo-request-builtin")) else { panic!("capgo") };
    assert!(capgo.on_builtin());
    assert_eq!(capgo.channel, Channel::default());
    let Question::Capgo(capgo) = question(sample!("capgo-request-bundle")) else { panic!("capgo") };
    assert!(!capgo.on_builtin());
    assert_eq!(capgo.channel.as_str(), "beta");
}

#[test]
fn a_wrong_field_is_named() {
    for (text, field) in [
        (r#"{"channel":"a/b"}"#, "channel"),
        (r#"{"version_build":[1]}"#, "version_build"),
        (r#"{"protocol":1,"version_build":"1","device_number":10000}"#, "device number"),
        (r#"{"plugin_version":"8","version_name":{}}"#, "version_name"),
    ] {
        let error = Question::read(serde_json::from_str(text).unwrap()).unwrap_err().to_string();
        assert!(error.contains(field), "{text}: {error}");
    }
    assert!(matches!(Question::read(Value::Null), Err(BadQuestion::NotAnObject)));
}

#[test]
fn a_reply_without_releases_is_a_plain_servers() {
    let reply: CheckReply = serde_json::from_str(sample!("check-reply-seed")).unwrap();
    assert!(reply.releases.is_none());
    assert!(serde_json::from_str::<CheckReply>("{}").unwrap().releases.is_none());
}

#[test]
fn a_release_that_cannot_be_read_does_not_spoil_the_others() {
    let text = r#"{"releases":[{"document":{"version":5}},{"document":{"channel":"stable","version":"1","sequence":1}}]}"#;
    let releases = serde_json::from_str::<CheckReply>(text).unwrap().releases.unwrap();
    assert!(releases[0].known().is_none());
    assert!(releases[1].known().is_some());
}
