use std::path::PathBuf;

use ota_protocol::Platform;
use serde_json::{Value, json};

use super::*;
use crate::engine::app::Stamp;
use crate::engine::config::Dialect;
use crate::lifecycle::{Block, Current, SetAside};
use crate::store::Label;

const NOW: u64 = 1_800_000_000;

fn root(name: &str) -> Root {
    Root::of(name.as_bytes())
}

fn checksum(name: &str) -> Checksum {
    Checksum::of(name.as_bytes())
}

/// A device, and a way to change it.
struct Fixture {
    config: Config,
    app: App,
    record: Record,
    date: Option<u64>,
}

impl Fixture {
    fn new() -> Self {
        let app = App {
            id: "com.example.app".parse().ok(),
            native_version: "1.0.0".into(),
            native_build: "1".into(),
            platform: Some(Platform::Android),
            os_version: String::new(),
            builtin: PathBuf::from("/builtin"),
            stamp: None,
            os_boot: None,
            live_reload: false,
        };
        let record = Record::fresh(app.identity());
        Self { config: Config::default(), app, record, date: Some(NOW) }
    }

    fn shows(&mut self, name: &str) {
        self.record.state.current = Current::Confirmed { bundle: BundleId::Held(root(name)) };
        self.label(name);
    }

    fn label(&mut self, name: &str) {
        let label = Label { version: name.into(), checksums: vec![checksum(name)], ..Label::default() };
        self.record.labels.insert(root(name), label);
    }

    fn blocks(&mut self, name: &str, cause: Cause) {
        self.record.state.blocked.insert(root(name), Block { cause, lifted_by: None });
        self.label(name);
    }

    fn decide(&self, reply: &Value) -> Result<Plan, &'static str> {
        let device = Device {
            config: &self.config,
            app: &self.app,
            record: &self.record,
            rules: &Rules::default(),
            now: NOW,
        };
        let reply = super::super::ask::answer(Dialect::Ota, reply.to_string().as_bytes()).expect("a reply");
        let base = Url::parse("https://ota.example.com/check").expect("a url");
        decide(&device, &reply, self.date, &base).map_err(|error| error.code().as_str())
    }
}

fn release(name: &str, sequence: u64, more: &Value) -> Value {
    let mut document = json!({"channel": "stable", "version": name, "sequence": sequence, "root": root(name),
        "unpacked_size": 10, "files": 1, "created_at": NOW - 50,
        "artifacts": [{"kind": "zip", "size": 5, "checksum": checksum(name)}]});
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    json!({"document": document, "urls": {checksum(name).to_string(): format!("/b/{name}.zip")}})
}

fn releases(list: &[Value]) -> Value {
    json!({"releases": list})
}

fn plain(name: &str) -> Value {
    json!({"version": name, "url": format!("/b/{name}.zip"), "checksum": checksum(name)})
}

fn taken(plan: Result<Plan, &'static str>) -> Wanted {
    match plan {
        Ok(Plan::Take { wanted, .. }) => wanted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_release_is_taken_with_all_that_its_document_promises() {
    let wanted = taken(Fixture::new().decide(&releases(&[release("b", 7, &json!({}))])));
    assert_eq!(wanted.root, Some(root("b")));
    assert_eq!(wanted.url.as_str(), "https://ota.example.com/b/b.zip");
    assert_eq!((wanted.size, wanted.unpacked), (Some(5), Some((10, 1))));
    assert!(!wanted.is_mandatory);
}

#[test]
fn a_release_without_an_address_for_its_zip_is_the_servers_fault() {
    let mut broken = release("b", 7, &json!({}));
    broken["urls"] = json!({});
    assert_eq!(Fixture::new().decide(&releases(&[broken])), Err("bad_reply"));
}

#[test]
fn a_mandatory_release_hurries_whoever_had_not_accepted_it() {
    let reply = releases(&[release("b", 9, &json!({"mandatory_since": 7}))]);
    let mut fixture = Fixture::new();
    assert!(taken(fixture.decide(&reply)).is_mandatory);
    let channel = "stable".parse().expect("a channel");
    fixture.record.raise_floor(&channel, FloorRecord { sequence: 7, root: None, at_once: false });
    assert!(!taken(fixture.decide(&reply)).is_mandatory);
}

#[test]
fn a_mandatory_release_whose_download_broke_off_still_hurries() {
    let reply = releases(&[release("b", 9, &json!({"mandatory_since": 7}))]);
    let mut fixture = Fixture::new();
    let Ok(Plan::Take { floor: Some(floor), .. }) = fixture.decide(&reply) else { panic!("not taken") };
    fixture.record.raise_floor(&"stable".parse().expect("a channel"), floor);
    assert!(taken(fixture.decide(&reply)).is_mandatory);
}

#[test]
fn what_is_shown_is_only_named_anew() {
    let mut fixture = Fixture::new();
    fixture.shows("a");
    let plan = fixture.decide(&releases(&[release("a", 7, &json!({"version": "a2"}))])).expect("a plan");
    assert!(matches!(plan, Plan::Shown { version, .. } if version == "a2"));
    assert!(matches!(fixture.decide(&plain("a")), Ok(Plan::Shown { .. })));
}

#[test]
fn a_blocked_release_is_named_and_nothing_behind_it_that_is_stale_is_taken() {
    let mut fixture = Fixture::new();
    fixture.blocks("bad", Cause::Crash);
    let channel = "stable".parse().expect("a channel");
    fixture
        .record
        .raise_floor(&channel, FloorRecord { sequence: 9, root: Some(root("bad")), at_once: false });
    let reply = releases(&[release("bad", 9, &json!({})), release("old", 5, &json!({}))]);
    assert_eq!(fixture.decide(&reply), Ok(Plan::Blocked { version: "bad".into(), root: root("bad") }));
}

#[test]
fn only_a_block_from_time_outs_is_lifted_and_only_by_a_release_that_says_retry() {
    let retry = releases(&[release("bad", 9, &json!({"retry": true}))]);
    let again = releases(&[release("bad", 9, &json!({}))]);
    let mut fixture = Fixture::new();
    fixture.blocks("bad", Cause::Timeout);
    assert_eq!(taken(fixture.decide(&retry)).lifted_by, Some(9));
    assert!(matches!(fixture.decide(&again), Ok(Plan::Blocked { .. })));
    fixture.record.state.blocked.insert(root("bad"), Block { cause: Cause::Timeout, lifted_by: Some(9) });
    assert!(matches!(fixture.decide(&retry), Ok(Plan::Blocked { .. })), "once");
    fixture.blocks("bad", Cause::Crash);
    assert!(matches!(fixture.decide(&retry), Ok(Plan::Blocked { .. })));
}

#[test]
fn a_bundle_that_is_set_aside_waits() {
    let mut fixture = Fixture::new();
    let aside = |until| SetAside { until, timeouts: 1, lifted_by: None };
    fixture.label("b");
    fixture.record.state.set_aside.insert(root("b"), aside(NOW + 5));
    assert_eq!(fixture.decide(&releases(&[release("b", 7, &json!({}))])), Ok(Plan::Nothing(Why::SetAside)));
    assert_eq!(fixture.decide(&plain("b")), Ok(Plan::Nothing(Why::SetAside)));
    fixture.record.state.set_aside.insert(root("b"), aside(NOW + 1_000_000));
    taken(fixture.decide(&plain("b")));
}

#[test]
fn a_plain_offer_without_a_checksum_is_known_by_version_and_address() {
    let mut fixture = Fixture::new();
    fixture.blocks("bad", Cause::Load);
    let url = Some("https://ota.example.com/b/bad.zip".to_owned());
    fixture.record.labels.insert(root("bad"), Label { version: "bad".into(), url, ..Label::default() });
    let mut reply = json!({"version": "bad", "url": "/b/bad.zip"});
    assert!(matches!(fixture.decide(&reply), Ok(Plan::Blocked { .. })));
    reply["url"] = json!("/b/other.zip");
    taken(fixture.decide(&reply));
}

#[test]
fn a_sequence_from_the_far_future_strands_nobody() {
    let mut fixture = Fixture::new();
    let far = releases(&[release("b", 9_007_199_254_740_000, &json!({}))]);
    assert_eq!(fixture.decide(&far), Ok(Plan::Nothing(Why::Unsupported)));
    fixture.date = None;
    taken(fixture.decide(&far));
}

#[test]
fn the_builtin_is_wanted_by_word_by_root_and_by_age() {
    let mut fixture = Fixture::new();
    fixture.shows("a");
    assert_eq!(fixture.decide(&json!({"version": "builtin"})), Ok(Plan::Builtin { why: None, floor: None }));
    fixture.app.stamp = Some(Stamp { root: root("b"), built_at: Some(NOW - 10) });
    let by_root = releases(&[release("b", 7, &json!({"created_at": NOW}))]);
    assert!(matches!(fixture.decide(&by_root), Ok(Plan::Builtin { why: None, floor: Some(_) })));
    let by_age = releases(&[release("c", 7, &json!({}))]);
    let older = Plan::Builtin { why: Some(Why::OlderThanBuiltin), floor: None };
    assert_eq!(fixture.decide(&by_age), Ok(older));
}

#[test]
fn a_stamp_from_the_future_compares_with_nothing() {
    let mut fixture = Fixture::new();
    fixture.app.stamp = Some(Stamp { root: root("x"), built_at: Some(NOW + 1) });
    taken(fixture.decide(&releases(&[release("c", 7, &json!({}))])));
    fixture.date = None;
    let plan = fixture.decide(&releases(&[release("c", 7, &json!({}))]));
    assert!(
        matches!(plan, Ok(Plan::Builtin { .. })),
        "without a date there is nothing to doubt the stamp by"
    );
}

#[test]
fn room_rounds_every_file_up_to_its_blocks() {
    let (bytes, inodes) = room([0, 1, 4096, 4097].into_iter(), 1);
    assert_eq!(bytes, (1 + 1 + 1 + 2 + 3) * 4096 + 128 * 1024);
    assert_eq!(inodes, 4 + 3 + 8);
}
