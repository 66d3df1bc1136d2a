use serde_json::{Value, json};

use super::*;

/// A dependency: name, kind, features.
type Edge<'a> = (&'a str, Value, &'a [&'a str]);

/// Metadata of a workspace with these packages, each with its dependencies.
fn workspace(packages: &[(&str, &[Edge<'_>])]) -> Metadata {
    let packages: Vec<_> = packages
        .iter()
        .map(|(name, dependencies)| {
            let dependencies: Vec<_> = dependencies
                .iter()
                .map(|(name, kind, features)| json!({"name": name, "kind": kind, "features": features}))
                .collect();
            json!({"name": name, "dependencies": dependencies, "features": {}})
        })
        .collect();
    serde_json::from_value(json!({"packages": packages, "version": 1})).unwrap()
}

const NORMAL: Value = Value::Null;

#[test]
fn edges_of_the_table_pass_and_so_do_crates_of_others() {
    let metadata = workspace(&[
        ("ota-protocol", &[("serde", NORMAL, &["derive"])]),
        ("ota-bundle", &[("ota-protocol", NORMAL, &[])]),
        ("ota-server", &[("ota-bundle", NORMAL, &["pack"]), ("tokio", NORMAL, &[])]),
    ]);
    assert_eq!(faults(&metadata, TABLE), [""; 0]);
}

#[test]
fn another_edge_is_named() {
    let metadata = workspace(&[
        ("ota-protocol", &[("ota-bundle", NORMAL, &[])]),
        ("ota-bundle", &[]),
        ("ota-server", &[("ota-agent", NORMAL, &[])]),
        ("ota-agent", &[]),
    ]);
    assert_eq!(faults(&metadata, TABLE), ["ota-protocol -> ota-bundle", "ota-server -> ota-agent"]);
}

#[test]
fn build_dependencies_count_and_dev_dependencies_do_not() {
    let edge = |kind| workspace(&[("ota-server", &[("ota-agent", json!(kind), &[])]), ("ota-agent", &[])]);
    assert_eq!(faults(&edge("build"), TABLE), ["ota-server -> ota-agent"]);
    assert_eq!(faults(&edge("dev"), TABLE), [""; 0]);
}

#[test]
fn a_feature_beyond_the_table_is_named_however_it_is_asked_for() {
    let expected = ["ota-agent -> ota-bundle: not with its feature pack"];
    let direct = workspace(&[("ota-agent", &[("ota-bundle", NORMAL, &["pack"])]), ("ota-bundle", &[])]);
    assert_eq!(faults(&direct, TABLE), expected);

    let mut forwarded = workspace(&[("ota-agent", &[("ota-bundle", NORMAL, &[])]), ("ota-bundle", &[])]);
    forwarded.packages[0].features.insert("all".to_owned(), vec!["ota-bundle?/pack".to_owned()]);
    assert_eq!(faults(&forwarded, TABLE), expected);
}

#[test]
fn a_crate_that_must_not_be_used_is_named() {
    let metadata = workspace(&[("ota-bundle", &[("tokio", NORMAL, &[])])]);
    assert_eq!(faults(&metadata, TABLE), ["ota-bundle -> tokio: never"]);
}

#[test]
fn a_crate_without_a_row_is_named() {
    let metadata = workspace(&[("ota-new", &[])]);
    assert_eq!(faults(&metadata, TABLE), ["ota-new has no row in the table"]);
}

#[test]
fn every_crate_of_the_table_may_use_only_crates_of_the_table() {
    for row in TABLE {
        for (name, _) in row.may_use {
            assert!(TABLE.iter().any(|row| row.name == *name), "{} -> {name}", row.name);
        }
    }
}

#[test]
fn a_file_outside_the_one_module_is_named() {
    let src = std::env::temp_dir().join(format!("check-deps-{}", std::process::id()));
    fs::create_dir_all(src.join("commands/device")).unwrap();
    for file in ["commands/device/boot.rs", "commands/device.rs", "commands/deploy.rs"] {
        fs::write(src.join(file), "use ota_agent::Agent;").unwrap();
    }
    let mut faults = Vec::new();
    strays(&src, "ota-agent", "commands/device", &mut faults).unwrap();
    fs::remove_dir_all(&src).unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].ends_with("commands/deploy.rs uses ota-agent: only commands/device may"));
}
