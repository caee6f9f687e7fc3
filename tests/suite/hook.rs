//! The command of `[on_change]`, run by the whole daemon: what it is told, and which services it is told to use.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::daemon::{self, Setup};
use watchfire::model::{EventKind, Timestamp};

use crate::daemon::{PATIENCE, SPEED, Told, loaded, probes_toml, provider, wait_for};

const SCRIPT: &str = "#!/bin/sh\n{ env; cat; } > \"$1/.$WATCHFIRE_EVENT\"\nmv \"$1/.$WATCHFIRE_EVENT\" \"$1/$WATCHFIRE_EVENT\"\n";

/// What the command wrote down of an event, as soon as it is there.
fn told(dir: &Path, event: &str) -> (BTreeMap<String, String>, serde_json::Value) {
    let deadline = Instant::now() + PATIENCE;
    let file = dir.join(event);
    while !file.exists() {
        assert!(Instant::now() < deadline, "it was not run for {event}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let text = std::fs::read_to_string(file).unwrap();
    let (line, variables): (Vec<&str>, _) = text.lines().partition(|l| l.starts_with('{'));
    let variables = variables
        .iter()
        .filter_map(|l| l.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    (variables.collect(), serde_json::from_str(line[0]).unwrap())
}

#[test]
fn the_command_is_told_the_event_and_what_to_switch_to_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("switch");
    std::fs::write(&script, SCRIPT).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o700)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let server = runtime.block_on(provider(broken.clone()));
    let other = runtime.block_on(provider(Arc::new(AtomicBool::new(false))));
    let probes = format!(
        "{}[[probe]]\nservice = \"other\"\nname = \"chat\"\nkind = \"chat\"\nevery = \"20s\"\ntimeout = \"20s\"\n\
         url = \"{}\"\nmodel = \"m\"\nexpect = {{ text = \"pong\" }}\n",
        probes_toml(server.port),
        other.url("/v1/chat/completions"),
    );
    let settings = format!(
        "data_dir = {0:?}\n[on_change]\nrun = [{1:?}, {0:?}]\ntimeout = \"30s\"\n",
        dir.path().display().to_string(),
        script.display().to_string(),
    );
    let (events, heard) = channel();
    let stop = CancellationToken::new();
    let clock = Clock::sped(Timestamp::parse("2024-12-11T22:00:00Z").unwrap(), SPEED);
    let setup = Setup {
        config: loaded(&probes, &settings),
        clock: clock.clone(),
        events: None,
        witness: Some(Box::new(Told(events))),
        reread: Box::new(|| Err(String::new())),
    };
    let daemon = {
        let stop = stop.clone();
        std::thread::spawn(move || daemon::run(setup, stop))
    };
    // Both have been seen to work before one of them breaks.
    let begun = clock.now();
    while clock.now().since(begun) < Duration::from_secs(60) {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    broken.store(true, Ordering::Relaxed);
    let open = wait_for(&heard, EventKind::Open);
    let (variables, line) = told(dir.path(), "open");
    assert_eq!(line["event"], "open");
    assert_eq!(line["service"], "ai");
    let at = open.at.to_string();
    let id = open.incident.to_string();
    let wanted = [
        ("EVENT", "open"),
        ("SERVICE", "ai"),
        ("INCIDENT", id.as_str()),
        ("KIND", "errors"),
        ("SEVERITY", open.severity.name()),
        ("AT", at.as_str()),
        ("BEST_CHAT", "other"),
        ("BEST_IMAGE", ""),
    ];
    for (key, value) in wanted {
        let told = variables.get(&format!("WATCHFIRE_{key}"));
        assert_eq!(told.map(String::as_str), Some(value), "{key}");
    }
    // What a shell adds of its own.
    let usual = ["PATH", "LANG", "HOME", "PWD", "SHLVL", "OLDPWD", "_"];
    let foreign: Vec<&String> = variables
        .keys()
        .filter(|k| !k.starts_with("WATCHFIRE_") && !usual.contains(&k.as_str()))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");

    broken.store(false, Ordering::Relaxed);
    wait_for(&heard, EventKind::Close);
    let (variables, line) = told(dir.path(), "close");
    assert_eq!(line["event"], "close");
    assert_eq!(variables["WATCHFIRE_BEST_CHAT"], "other,ai");
    stop.cancel();
    daemon.join().unwrap().unwrap();
}
