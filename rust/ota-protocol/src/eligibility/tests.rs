use super::*;
use crate::release::{Artifact, ArtifactKind};
use crate::{Checksum, NativeRange};

fn root(name: &str) -> Root {
    Root::of(name.as_bytes())
}

fn document(version: &str, sequence: u64) -> ReleaseDocument {
    let text = format!(r#"{{"channel":"stable","version":"{version}","sequence":{sequence}}}"#);
    let mut document: ReleaseDocument = serde_json::from_str(&text).unwrap();
    document.root = Some(root(version));
    let checksum = Checksum::of(version.as_bytes());
    document.artifacts = vec![Artifact { kind: ArtifactKind::Zip, base: None, size: 1, checksum }.into()];
    document
}

fn release(document: ReleaseDocument) -> OrUnknown<Release> {
    Release { document: Some(document), envelope: None, urls: std::collections::BTreeMap::new(), brake: None }
        .into()
}

fn verdict(document: &ReleaseDocument, asker: &Asker) -> Result<(), Why> {
    eligible(document, None, asker, &NoMemory)
}

/// Holds everything against the bundles it names.
struct Grudge {
    blocked: Vec<Root>,
    aside: Vec<Root>,
}

impl Memory for Grudge {
    fn is_blocked(&self, document: &ReleaseDocument) -> bool {
        document.root.is_some_and(|root| self.blocked.contains(&root))
    }

    fn is_set_aside(&self, root: Root) -> bool {
        self.aside.contains(&root)
    }
}

#[test]
fn an_ordinary_release_is_for_everybody() {
    assert_eq!(verdict(&document("1", 5), &Asker::default()), Ok(()));
}

type Change = Box<dyn Fn(&mut ReleaseDocument)>;

#[test]
fn each_rule_refuses_by_its_own_name() {
    let asker = Asker {
        app_id: Some("com.example.app".parse().unwrap()),
        channel: Some("stable".parse().unwrap()),
        platform: Some(Platform::Ios),
        native_version: NativeVersion::parse("1.4"),
        device_number: Some(0.try_into().unwrap()),
        floor: Some(Floor { sequence: 10, root: Some(root("ten")) }),
        built_at: Some(1_000),
        now: Some(2_000),
    };
    let base = document("1", 11);
    assert_eq!(verdict(&base, &asker), Ok(()));

    let cases: Vec<(Why, Change)> = vec![
        (Why::Unsupported, Box::new(|d| d.kind = Kind::Ticket)),
        (Why::Unsupported, Box::new(|d| d.kind = Kind::Other("poem".into()))),
        (Why::Unsupported, Box::new(|d| d.critical = vec!["moon_phase".into()])),
        (Why::Unsupported, Box::new(|d| d.artifacts.clear())),
        (Why::Unsupported, Box::new(|d| d.root = None)),
        (Why::Unsupported, Box::new(|d| d.sequence = 2_001 + MAX_SEQUENCE_AHEAD)),
        (Why::Unsupported, Box::new(|d| d.app_id = Some("com.example.other".parse().unwrap()))),
        (Why::Unsupported, Box::new(|d| d.channel = "beta".parse().unwrap())),
        (Why::Platform, Box::new(|d| d.platforms = vec![Platform::Android])),
        (Why::NativeRange, Box::new(|d| d.native = NativeRange { min: Some("2".into()), max: None })),
        (Why::Stale, Box::new(|d| d.sequence = 9)),
        (Why::Stale, Box::new(|d| d.sequence = 10)),
        (Why::Rollout, Box::new(|d| d.percent = Percent::NONE)),
        (Why::OlderThanBuiltin, Box::new(|d| d.created_at = Some(999))),
    ];
    for (why, change) in cases {
        let mut changed = base.clone();
        change(&mut changed);
        assert_eq!(verdict(&changed, &asker), Err(why));
    }
    let hold = Brake { hold: true, percent: Percent::ALL };
    assert_eq!(eligible(&base, Some(hold), &asker, &NoMemory), Err(Why::Hold));
    let none = Brake { hold: false, percent: Percent::NONE };
    assert_eq!(eligible(&base, Some(none), &asker, &NoMemory), Err(Why::Rollout));
    let grudge = Grudge { blocked: vec![root("1")], aside: vec![] };
    assert_eq!(eligible(&base, None, &asker, &grudge), Err(Why::Blocked));
    let grudge = Grudge { blocked: vec![], aside: vec![root("1")] };
    assert_eq!(eligible(&base, None, &asker, &grudge), Err(Why::SetAside));
}

#[test]
fn the_release_that_was_accepted_last_stays_eligible() {
    let asker = Asker { floor: Some(Floor { sequence: 5, root: Some(root("1")) }), ..Asker::default() };
    assert_eq!(verdict(&document("1", 5), &asker), Ok(()));
    assert_eq!(verdict(&document("2", 5), &asker), Err(Why::Stale));
    assert_eq!(verdict(&document("2", 6), &asker), Ok(()));
}

#[test]
fn a_brake_never_reaches_more_than_the_publisher_allowed() {
    let mut braked = document("1", 1);
    braked.percent = Percent::NONE;
    let brake = Brake { hold: false, percent: Percent::ALL };
    assert_eq!(effective_percent(&braked, Some(brake)), Percent::NONE);
}

#[test]
fn where_either_date_is_missing_nothing_is_older_than_the_builtin() {
    let mut old = document("1", 1);
    assert_eq!(verdict(&old, &Asker { built_at: Some(u64::MAX), ..Asker::default() }), Ok(()));
    old.created_at = Some(0);
    assert_eq!(verdict(&old, &Asker::default()), Ok(()));
}

#[test]
fn the_first_eligible_release_is_taken() {
    let mut partial = document("3", 3);
    partial.percent = Percent::NONE;
    let releases = [release(partial), release(document("2", 2)), release(document("1", 1))];
    let Choice::Take(taken, _) = choose(&releases, &Asker::default(), &NoMemory) else { panic!("taken") };
    assert_eq!(taken.version.as_str(), "2");
}

#[test]
fn where_none_is_eligible_the_newest_one_says_why() {
    let mut partial = document("3", 3);
    partial.percent = Percent::NONE;
    let mut android = document("2", 2);
    android.platforms = vec![Platform::Android];
    let releases = [release(partial), release(android)];
    assert_eq!(choose(&releases, &Asker::default(), &NoMemory), Choice::Nothing(Why::Rollout));
    assert_eq!(choose(&[], &Asker::default(), &NoMemory), Choice::Nothing(Why::None));
    let unknown = [OrUnknown::Unknown(serde_json::json!({"document": 7}))];
    assert_eq!(choose(&unknown, &Asker::default(), &NoMemory), Choice::Nothing(Why::Unsupported));
}

#[test]
fn a_release_older_than_the_builtin_stands_for_the_builtin() {
    let mut old = document("1", 1);
    old.created_at = Some(5);
    let asker = Asker { built_at: Some(6), ..Asker::default() };
    let releases = [release(old)];
    assert!(matches!(choose(&releases, &asker, &NoMemory), Choice::Builtin(_, Some(Why::OlderThanBuiltin))));
}

#[test]
fn a_release_can_ask_for_the_builtin() {
    let mut back = document("9", 9);
    back.kind = Kind::Builtin;
    back.root = None;
    back.artifacts.clear();
    assert!(matches!(choose(&[release(back)], &Asker::default(), &NoMemory), Choice::Builtin(_, None)));
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// No brake a server sends lets a device take what it would not take without one.
        #[test]
        fn a_brake_can_only_reduce(percent in 0u16..=10_000, braked in 0u16..=10_000, hold: bool, device in 0u16..10_000) {
            let mut document = document("1", 1);
            document.percent = Percent::from_hundredths(percent).unwrap();
            let asker = Asker { device_number: Some(device.try_into().unwrap()), ..Asker::default() };
            let brake = Brake { hold, percent: Percent::from_hundredths(braked).unwrap() };
            let with = eligible(&document, Some(brake), &asker, &NoMemory).is_ok();
            let without = eligible(&document, None, &asker, &NoMemory).is_ok();
            prop_assert!(without || !with);
        }

        /// What a device accepted becomes its floor, and never makes a later release ineligible.
        #[test]
        fn a_higher_sequence_is_never_stale(floor: u64, step in 1u64..1000) {
            prop_assume!(floor.checked_add(step).is_some());
            let asker = Asker { floor: Some(Floor { sequence: floor, root: Some(root("x")) }), ..Asker::default() };
            prop_assert_eq!(verdict(&document("1", floor + step), &asker), Ok(()));
        }
    }
}
