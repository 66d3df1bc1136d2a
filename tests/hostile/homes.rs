//! A device's home, damaged in every way we can think of. The app always starts with something whole, and the next
//! update works.

use std::fs;
use std::path::Path;

use ota_e2e::{App, Device, Site};

/// A device that has confirmed 1.1.0 and then 1.2.0; 1.3.0 is offered. Tests damage a copy.
struct World {
    site: Site,
    apps: [App; 3],
    template: Device,
}

impl World {
    fn new() -> Self {
        let site = Site::start();
        let apps = ["1.1.0", "1.2.0", "1.3.0"].map(App::new);
        let template = Device::new(site.url());
        for (app, version) in apps[..2].iter().zip(["1.1.0", "1.2.0"]) {
            site.deploy(app, version);
            template.install();
        }
        // One more write, so that the copy of the state knows what the state knows.
        template.start();
        site.deploy(&apps[2], "1.3.0");
        Self { site, apps, template }
    }

    fn copy(&self) -> Device {
        let device = Device::new(self.site.url());
        let done =
            std::process::Command::new("cp").arg("-a").arg(self.template.home()).arg(device.home()).status();
        assert!(done.expect("cp runs").success());
        device
    }

    /// Holds that a boot shows the release it names, whole, or what the store ships.
    #[track_caller]
    fn is_whole(&self, device: &Device, boot: &ota_e2e::Booted, name: &str) {
        let index = ["1.1.0", "1.2.0", "1.3.0"].iter().position(|known| *known == boot.version);
        let app = index.map_or(device.builtin(), |index| &self.apps[index]);
        assert_eq!(app.differs(&boot.path), None, "{name}: {boot:?}");
    }

    /// Damages a home, and holds that the app starts with something whole, that an update gets the device to 1.3.0,
    /// and that nothing is blocked by it. `shown`: the versions that may be shown right after.
    fn survives(&self, name: &str, shown: &[&str], damage: impl Fn(&Path)) {
        let device = self.copy();
        damage(&device.home());
        let boot = device.boot();
        assert!(shown.contains(&boot.version.as_str()), "{name}: {boot:?}");
        self.is_whole(&device, &boot, name);
        device.ready(&boot).ok();
        let status = device.status();
        assert_eq!(status["blocked"].as_array().map(Vec::len), Some(0), "{name}: {status}");
        let said = device.update();
        assert_eq!(said.word(), "staged", "{name}: {said:?}");
        let boot = device.boot();
        assert_eq!(boot.what(), ("1.3.0", "trial"), "{name}");
        device.shows(&boot, &self.apps[2]);
        assert_eq!(device.ready(&boot).word(), "confirmed", "{name}");
        assert_eq!(device.boot().what(), ("1.3.0", "current"), "{name}");
    }
}

/// In place of whatever is there.
fn replace(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

fn folder_in_place_of(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir_all(path);
    fs::create_dir_all(path.join("something")).unwrap();
}

fn file_in_place_of(path: &Path) {
    let _ = fs::remove_dir_all(path);
    let _ = fs::remove_file(path);
    fs::write(path, b"a file").unwrap();
}

/// What a state that is lost may lead to: its copy knows what was confirmed before, or nothing does.
const SALVAGED: &[&str] = &["1.2.0", "1.1.0", "1.0.0"];

#[test]
fn the_state_is_damaged() {
    let world = World::new();
    let whole = fs::read(world.template.home().join("state.json")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("garbage", b"\x00\xff\x00\xff garbage"),
        ("a web page", b"<html></html>"),
        ("a list", b"[]"),
        ("an empty object", b"{}"),
        ("cut off", &whole[..whole.len() / 2]),
        ("cut off at its end", &whole[..whole.len() - 3]),
        ("one bit flipped", &flipped),
        ("zeros, as after a power cut", &vec![0; whole.len()]),
        ("five megabytes", &vec![b'x'; 5 << 20]),
        ("an unknown schema before the first", br#"{"schema":0,"crc32":"00000000","record":{}}"#),
        ("a checksum that is wrong", br#"{"schema":1,"crc32":"00000000","record":{}}"#),
    ] {
        world.survives(name, SALVAGED, |home| replace(&home.join("state.json"), bytes));
    }
}

#[test]
fn the_state_or_its_copy_is_missing() {
    let world = World::new();
    world.survives("no state", SALVAGED, |home| fs::remove_file(home.join("state.json")).unwrap());
    world.survives("no copy", &["1.2.0"], |home| fs::remove_file(home.join("state.prev.json")).unwrap());
    world.survives("neither", &["1.0.0"], |home| {
        fs::remove_file(home.join("state.json")).unwrap();
        fs::remove_file(home.join("state.prev.json")).unwrap();
    });
    world.survives("both damaged", &["1.0.0"], |home| {
        replace(&home.join("state.json"), b"{");
        replace(&home.join("state.prev.json"), b"}");
    });
    world.survives("everything", &["1.0.0"], |home| fs::remove_dir_all(home).unwrap());
    world.survives("leftovers of a write", &["1.2.0"], |home| {
        fs::write(home.join("state.tmp"), b"half").unwrap();
        fs::write(home.join("state.prev.tmp"), b"half").unwrap();
    });
}

#[test]
fn a_lost_state_keeps_its_blocks_by_its_copy() {
    let world = World::new();
    let device = world.copy();
    assert_eq!(device.update().word(), "staged");
    let boot = device.boot();
    device.fail(&boot, "load").ok();
    let boot = device.boot();
    device.ready(&boot).ok();
    // One more write, so that the copy knows of the block too.
    device.run(&["reset"]).ok();
    replace(&device.home().join("state.json"), b"garbage");
    let boot = device.boot();
    device.ready(&boot).ok();
    assert_eq!(device.update().word(), "blocked");
    assert_eq!(fs::read(device.home().join("state.bad.json")).unwrap(), b"garbage", "kept aside");
}

#[test]
fn the_state_is_a_later_versions() {
    let world = World::new();
    let text = fs::read_to_string(world.template.home().join("state.json")).unwrap();
    let newer = text.replacen("\"schema\":1", "\"schema\":2", 1);
    assert_ne!(newer, text);
    world.survives("schema 2", SALVAGED, |home| replace(&home.join("state.json"), newer.as_bytes()));
    let stranger = br#"{"schema":9,"crc32":"of next year","record":{"all":"new"}}"#;
    world.survives("nothing of it known", SALVAGED, |home| replace(&home.join("state.json"), stranger));
}

#[test]
fn the_attempt_is_damaged() {
    let world = World::new();
    for (name, bytes) in
        [("empty", &b""[..]), ("garbage", b"garbage"), ("zeros", &[0; 512]), ("too long", &[b'x'; 5000])]
    {
        world.survives(name, &["1.2.0"], |home| replace(&home.join("attempt"), bytes));
    }
    world.survives("missing", &["1.2.0"], |home| fs::remove_file(home.join("attempt")).unwrap());
}

fn current(home: &Path) -> std::path::PathBuf {
    // The later of the two is the one shown.
    let state = fs::read_to_string(home.join("state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    home.join("bundles").join(state["record"]["current"]["bundle"].as_str().unwrap())
}

fn fallback(home: &Path) -> std::path::PathBuf {
    let state = fs::read_to_string(home.join("state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    home.join("bundles").join(state["record"]["fallback"].as_str().unwrap())
}

#[test]
fn bundles_are_missing() {
    let world = World::new();
    world.survives("the one shown", &["1.1.0"], |home| fs::remove_dir_all(current(home)).unwrap());
    world.survives("its files", &["1.1.0"], |home| fs::remove_dir_all(current(home).join("www")).unwrap());
    world.survives("its index", &["1.1.0"], |home| {
        fs::remove_file(current(home).join("www/index.html")).unwrap();
    });
    world.survives("its index is a folder", &["1.1.0"], |home| {
        folder_in_place_of(&current(home).join("www/index.html"));
    });
    world.survives("the one before", &["1.2.0"], |home| fs::remove_dir_all(fallback(home)).unwrap());
    world.survives("both", &["1.0.0"], |home| {
        let (current, fallback) = (current(home), fallback(home));
        fs::remove_dir_all(current).unwrap();
        fs::remove_dir_all(fallback).unwrap();
    });
    world.survives("all of them", &["1.0.0"], |home| fs::remove_dir_all(home.join("bundles")).unwrap());
    world.survives("its list", &["1.2.0"], |home| fs::remove_file(current(home).join("list")).unwrap());
}

#[test]
fn a_damaged_bundle_that_comes_next_is_fetched_again() {
    let world = World::new();
    for (name, path) in [("a file", "www/js/app.js"), ("the index", "www/index.html"), ("the list", "list")] {
        let device = world.copy();
        assert_eq!(device.update().word(), "staged");
        let root = world.apps[2].root();
        fs::write(device.home().join("bundles").join(&root).join(path), b"damaged").unwrap();
        let said = device.update();
        assert_eq!(said.word(), "staged", "{name}");
        assert!(said.ok()["received"].as_u64().unwrap() > 0, "{name}: it was fetched again");
        let boot = device.boot();
        assert_eq!(boot.what(), ("1.3.0", "trial"), "{name}");
        device.shows(&boot, &world.apps[2]);
    }
}

#[test]
fn a_bundle_that_fails_because_the_disk_damaged_it_is_not_held_to_blame() {
    let world = World::new();
    let device = world.copy();
    assert_eq!(device.update().word(), "staged");
    let root = world.apps[2].root();
    fs::write(device.home().join("bundles").join(&root).join("www/js/app.js"), b"damaged").unwrap();
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.3.0", "trial"));
    device.fail(&boot, "load").ok();
    let boot = device.boot();
    assert_eq!(boot.what(), ("1.2.0", "current"));
    device.ready(&boot).ok();
    assert_eq!(device.status()["blocked"].as_array().map(Vec::len), Some(0));
    assert_eq!(device.update().word(), "staged");
    let boot = device.start();
    assert_eq!(boot.what(), ("1.3.0", "trial"));
    device.shows(&boot, &world.apps[2]);
}

#[test]
fn leftovers_are_swept_and_strangers_left_alone() {
    let world = World::new();
    let device = world.copy();
    let home = device.home();
    fs::create_dir_all(home.join("staging/half/www/deep/er")).unwrap();
    fs::write(home.join("staging/half/www/index.html"), b"half").unwrap();
    fs::write(home.join("staging/a file"), b"x").unwrap();
    fs::create_dir_all(home.join("downloads")).unwrap();
    fs::write(home.join("downloads/other.part"), vec![0; 100_000]).unwrap();
    fs::write(home.join("downloads/other.json"), b"{}").unwrap();
    fs::create_dir_all(home.join("bundles/not-a-root/www")).unwrap();
    fs::write(home.join("bundles/a file"), b"x").unwrap();
    fs::write(home.join("check.json"), b"garbage").unwrap();
    fs::write(home.join("notes of a stranger"), b"x").unwrap();
    let boot = device.install();
    assert_eq!(boot.version, "1.3.0");
    assert!(device.names("staging").is_empty() && device.names("downloads").is_empty());
    assert!(home.join("notes of a stranger").is_file());
}

#[test]
fn a_partial_download_that_is_not_what_it_says_costs_a_download_at_most() {
    let world = World::new();
    let zip = world.apps[2].zip();
    for (name, part) in [
        ("too long", [&zip[..], &zip].concat()),
        ("other bytes", vec![7; zip.len() / 2]),
        ("empty", Vec::new()),
        ("whole and wrong", vec![7; zip.len()]),
    ] {
        let device = world.copy();
        // Where the part is called what the agent calls it: by a download that was cut off.
        let middle = ota_e2e::Middle::downloads(world.site.url(), vec![ota_e2e::Step::CutAfter(20)]);
        let mut device = device;
        device.server = Some(middle.url());
        assert_eq!(device.update().error(), "offline");
        let part_name = device.names("downloads").into_iter().find(|name| name.contains(".part"));
        let path = device.home().join("downloads").join(part_name.expect("a part"));
        fs::write(path, part).unwrap();
        middle.behave();
        let said = device.update();
        assert_eq!(said.word(), "staged", "{name}: {said:?}");
        let boot = device.start();
        device.shows(&boot, &world.apps[2]);
    }
}

/// Folders where files should be, and files where folders should be: nothing we or a crash ever make.
#[test]
fn the_wrong_kind_in_its_place() {
    let world = World::new();
    world.survives("the state", SALVAGED, |home| folder_in_place_of(&home.join("state.json")));
    world.survives("its copy", &["1.2.0"], |home| folder_in_place_of(&home.join("state.prev.json")));
    world.survives("the bundle's files", &["1.1.0"], |home| file_in_place_of(&current(home).join("www")));
    world.survives("the bundle", &["1.1.0"], |home| file_in_place_of(&current(home)));
}

/// What we cannot put right ourselves is named, stops no start of the app, and works once it is gone.
#[test]
fn the_wrong_kind_where_we_cannot_help_it() {
    type Damage = fn(&Path);
    let world = World::new();
    let cases: [(&str, Damage); 6] = [
        ("state.tmp", folder_in_place_of),
        ("attempt", folder_in_place_of),
        ("update.lock", folder_in_place_of),
        ("staging", file_in_place_of),
        ("downloads", file_in_place_of),
        ("bundles", file_in_place_of),
    ];
    for (name, damage) in cases {
        let device = world.copy();
        let path = device.home().join(name);
        damage(&path);
        for _ in 0..2 {
            let boot = device.boot();
            world.is_whole(&device, &boot, name);
        }
        let said = device.update();
        if said.code != 0 {
            assert_eq!(said.error(), "disk_error", "{name}");
            assert!(said.message().contains("/home/"), "{name}: {}", said.message());
        }
        let _ = fs::remove_dir_all(&path);
        let _ = fs::remove_file(&path);
        assert_eq!(device.update().word(), "staged", "{name}: it works again");
        let boot = device.start();
        assert_eq!(boot.what(), ("1.3.0", "trial"), "{name}");
        device.shows(&boot, &world.apps[2]);
    }
}

#[test]
fn a_home_that_is_a_file_shows_what_the_store_shipped() {
    let world = World::new();
    let device = Device::new(world.site.url());
    fs::write(device.home(), b"a file").unwrap();
    let boot = device.boot();
    assert_eq!(boot.bundle, "builtin");
    device.shows(&boot, device.builtin());
    assert_eq!(device.update().error(), "disk_error");
    fs::remove_file(device.home()).unwrap();
    assert_eq!(device.install().version, "1.3.0");
}

#[test]
fn a_wish_for_rest_further_ahead_than_a_day_is_void() {
    let world = World::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let device = world.copy();
    let wish = |until: u64| {
        let memory = serde_json::json!({"at": now, "retry_at": until}).to_string();
        fs::write(device.home().join("check.json"), memory).unwrap();
    };
    wish(now + 1000);
    assert_eq!(device.update().error(), "retry_later");
    for until in [now + 2 * 86_400, u64::MAX, now - 1] {
        wish(until);
        assert_eq!(device.update().word(), "staged", "{until}");
    }
}
