use super::*;
use crate::lifecycle::{Block, BundleId, Cause, Current, Identity};
use crate::ports::RealFs;
use crate::store::record::FloorRecord;
use ota_protocol::Root;
use tempfile::TempDir;

fn root(name: &str) -> Root {
    Root::of(name.as_bytes())
}

fn home() -> (TempDir, Layout) {
    let dir = TempDir::new().unwrap();
    let layout = Layout::new(dir.path());
    (dir, layout)
}

fn record(version: &str) -> Record {
    let mut record = Record::fresh(Identity { version: version.into(), ..Identity::default() });
    record.state.current = Current::Confirmed { bundle: BundleId::Held(root("shown")) };
    record.state.fallback = BundleId::Held(root("before"));
    record.state.blocked.insert(root("bad"), Block { cause: Cause::Crash, lifted_by: None });
    record.raise_floor(&"stable".parse().unwrap(), FloorRecord { sequence: 7, root: None, at_once: false });
    record.channel = Some("beta".parse().unwrap());
    record
}

/// Two states, one after the other, so that there is a copy.
fn written() -> (TempDir, Layout) {
    let (dir, layout) = home();
    let loaded = load(&RealFs, &layout).unwrap();
    let loaded = save(&RealFs, &layout, &record("1"), &loaded).unwrap();
    save(&RealFs, &layout, &record("1"), &loaded).unwrap();
    (dir, layout)
}

fn salvaged(layout: &Layout) -> Record {
    let loaded = load(&RealFs, layout).unwrap();
    assert_eq!(loaded.found, Found::Salvaged);
    loaded.record.unwrap()
}

#[test]
fn a_new_app_has_no_state() {
    let (_dir, layout) = home();
    let loaded = load(&RealFs, &layout).unwrap();
    assert_eq!((loaded.record, loaded.found), (None, Found::Nothing));
}

#[test]
fn what_is_saved_is_loaded() {
    let (_dir, layout) = written();
    let loaded = load(&RealFs, &layout).unwrap();
    assert_eq!((loaded.record, loaded.found), (Some(record("1")), Found::Whole));
}

#[test]
fn a_corrupt_state_gives_what_its_copy_keeps() {
    let (_dir, layout) = written();
    std::fs::write(layout.state(), "garbage").unwrap();
    let kept = salvaged(&layout);
    assert_eq!(kept.state.current, Current::Confirmed { bundle: BundleId::Held(root("before")) });
    assert_eq!(kept.state.fallback, BundleId::Builtin);
    assert!(kept.state.is_blocked(root("bad")));
    assert_eq!(kept.channel, record("1").channel);
    assert_eq!(kept.floors, record("1").floors);
}

#[test]
fn a_single_changed_bit_is_noticed() {
    let (_dir, layout) = written();
    let bytes = std::fs::read(layout.state()).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let read = parse(&changed);
        // A higher schema is another version's, and whitespace says nothing.
        let is_same = matches!(&read, Read::Whole(found) if **found == record("1"));
        assert!(!matches!(read, Read::Whole(_)) || is_same, "byte {at}");
    }
}

#[test]
fn a_lost_state_beside_a_copy_is_not_a_new_app() {
    let (_dir, layout) = written();
    std::fs::remove_file(layout.state()).unwrap();
    assert!(salvaged(&layout).state.is_blocked(root("bad")));
}

#[test]
fn with_both_lost_the_app_starts_over_loudly() {
    let (_dir, layout) = written();
    std::fs::write(layout.state(), "").unwrap();
    std::fs::write(layout.state_prev(), "{}").unwrap();
    let loaded = load(&RealFs, &layout).unwrap();
    assert_eq!((loaded.record, loaded.found), (None, Found::Salvaged));
}

#[test]
fn a_state_that_could_not_be_used_is_kept_aside() {
    let (_dir, layout) = written();
    std::fs::write(layout.state(), "garbage").unwrap();
    let loaded = load(&RealFs, &layout).unwrap();
    save(&RealFs, &layout, &record("2"), &loaded).unwrap();
    assert_eq!(std::fs::read(layout.state_bad()).unwrap(), b"garbage");
    assert_eq!(load(&RealFs, &layout).unwrap().record, Some(record("2")));
}

#[test]
fn a_folder_in_the_states_place_is_kept_aside_too() {
    let (_dir, layout) = written();
    std::fs::remove_file(layout.state()).unwrap();
    std::fs::create_dir_all(layout.state().join("something")).unwrap();
    assert!(salvaged(&layout).state.is_blocked(root("bad")));
    let loaded = load(&RealFs, &layout).unwrap();
    save(&RealFs, &layout, &record("2"), &loaded).unwrap();
    assert!(layout.state_bad().is_dir());
    std::fs::write(layout.state(), "garbage").unwrap();
    let loaded = load(&RealFs, &layout).unwrap();
    save(&RealFs, &layout, &record("2"), &loaded).unwrap();
    assert!(layout.state_bad().is_file());
    assert_eq!(load(&RealFs, &layout).unwrap().record, Some(record("2")));
}

#[test]
fn of_a_later_versions_state_the_lasting_parts_are_read() {
    let (_dir, layout) = written();
    let text = std::fs::read_to_string(layout.state()).unwrap();
    let later = text
        .replace("\"schema\":1", "\"schema\":2")
        .replace("\"is\":\"confirmed\"", "\"is\":\"hibernating\"")
        .replace("\"crash\"", "\"solar_flare\"");
    std::fs::write(layout.state(), later).unwrap();
    let loaded = load(&RealFs, &layout).unwrap();
    assert_eq!(loaded.found, Found::Newer);
    let kept = loaded.record.unwrap();
    assert!(kept.state.is_blocked(root("bad")));
    assert_eq!(kept.state.current.bundle(), BundleId::Held(root("before")));
}

#[test]
fn an_unreadable_state_is_an_error_and_not_a_new_app() {
    let (_dir, layout) = written();
    let looped = layout.state();
    std::fs::remove_file(&looped).unwrap();
    std::os::unix::fs::symlink(&looped, &looped).unwrap();
    assert!(load(&RealFs, &layout).is_err());
}
