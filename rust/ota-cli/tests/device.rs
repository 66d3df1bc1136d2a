//! What every program that drives `ota device` relies on; the agent's own tests have the rest.

mod support;

use support::Bench;

#[test]
fn it_speaks_json_without_being_asked_to_also_when_it_fails() {
    let bench = Bench::new();
    let builtin = bench.app();
    let device = ["device", "--home", "phone", "--builtin", &builtin, "--native-version", "1.0.0"];
    let run = |args: &[&str]| bench.ota(&[&device[..], args].concat());

    let said = run(&["boot"]);
    assert_eq!(said.code, 0, "{said:?}");
    let boot = said.json();
    assert_eq!(
        (&boot["reason"], &boot["bundle"], &boot["version"]),
        (&"builtin".into(), &"builtin".into(), &"1.0.0".into())
    );
    assert!(boot["path"].as_str().unwrap().ends_with("dist"), "{boot}");

    let said = run(&["ready", "--token", "of another boot"]);
    assert_eq!(said.error().0, "stale_token");
    assert!(said.err.starts_with("error: "), "{said:?}");
    assert_eq!(run(&["update"]).error().0, "no_update_url");
    assert_eq!(run(&["ready"]).code, 2);
    assert_eq!(run(&["ready", "--token", boot["token"].as_str().unwrap()]).code, 0);
}
