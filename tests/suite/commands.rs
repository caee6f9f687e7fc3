//! The program as a user calls it: exit codes, what goes to which stream, and no secret in either.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use watchfire::clock::Clock;

use crate::daemon::{CANARY, forms, probes_toml, provider};
use crate::probe::server::{Server, json};

const OK: i32 = 0;
const NO: i32 = 1;
const USAGE: i32 = 64;
const IO: i32 = 74;
const LOCKED: i32 = 75;
const CONFIG: i32 = 78;

/// A folder with both files, as a user has it.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub fn new(probes: &str) -> Self {
        let home = Home(tempfile::tempdir().unwrap());
        std::fs::write(home.path("probes.toml"), probes).unwrap();
        std::fs::create_dir(home.path("config")).unwrap();
        std::fs::write(home.path("config/watchfire.toml"), "data_dir = \"data\"\n").unwrap();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(args)
            .current_dir(self.0.path())
            .env("KEY", CANARY)
            .env("WATCHFIRE_LOG", "trace")
            .env_remove("NO_COLOR")
            .output()
            .unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_command_ends_with_its_code_and_shows_no_secret() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(provider(Arc::new(AtomicBool::new(true))));
    let home = Home::new(&probes_toml(server.port));
    let cases: &[(&[&str], i32)] = &[
        (&["check"], OK),
        (&["check", "--json"], OK),
        (&["status"], IO),
        (&["probe", "-n", "16"], NO),
        (&["probe", "-n", "16", "--json"], NO),
        (&["run", "--once"], NO),
        (&["run", "--once", "--events", "events.jsonl"], NO),
        (&["status"], NO),
        (&["status", "--json"], NO),
        (&["incidents"], OK),
        (&["incidents", "--json"], OK),
        (&["incidents", "7"], NO),
        (&["report"], OK),
        (&["report", "--format", "html"], OK),
        (&["report", "--since", "tomorrow"], USAGE),
        (&["test-mail", "a@example.com"], OK),
        (&["probe", "no-such-probe"], USAGE),
        (&["--no-such-option"], USAGE),
        (&["check", "--probes", "absent.toml"], CONFIG),
        (&["replay", "absent.csv"], IO),
        (&["--version"], OK),
    ];
    for (args, code) in cases {
        let out = home.run(args);
        let (said, told) = (text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(*code), "{args:?}: {said}\n{told}");
        for form in forms(CANARY) {
            assert!(!said.contains(&form), "{form} in the answer of {args:?}");
            assert!(!told.contains(&form), "{form} in the messages of {args:?}");
        }
        assert!(!said.contains('\u{1b}'), "{args:?} colours a file");
        assert!(!told.contains('\u{1b}'), "{args:?} colours a file:\n{told}");
    }
}

#[test]
fn the_outbox_is_shown_and_what_is_to_become_of_a_mail_is_left_for_the_daemon() {
    let home = Home::new(&probes_toml(9));
    assert_eq!(home.run(&["outbox"]).status.code(), Some(IO));
    let mut store = watchfire::store::Store::open(&home.path("data")).unwrap();
    let none = home.run(&["outbox"]);
    assert!(text(&none.stdout).contains("no mail waits"), "{none:?}");
    let letter = watchfire::model::notification::Letter {
        recipient: "a@example.com".to_owned(),
        message_id: "<1@x>".to_owned(),
        bytes: b"Subject: broken\r\nMessage-ID: <1@x>\r\n\r\nIt is broken.\r\n".to_vec(),
    };
    let mut tx = store.begin().unwrap();
    tx.letter(None, &letter, Clock::system().now()).unwrap();
    tx.commit().unwrap();
    drop(store);
    let config = ["--config", "config/watchfire.toml"];
    let cases: &[(&[&str], i32, &str)] = &[
        (&["outbox"], OK, "a@example.com"),
        (&["outbox", "--json"], OK, "\"state\":\"pending\""),
        (&["outbox", "list", "--all"], OK, "waits, next try soon"),
        (&["outbox", "list", "--json"], OK, "\"mail\":1"),
        (&["outbox", "show", "1"], OK, "It is broken."),
        (&["outbox", "show", "1", "--raw"], OK, "Message-ID: <1@x>"),
        (&["outbox", "show", "1", "--json"], OK, "\"text\":\"broken"),
        (&["outbox", "show", "2"], NO, ""),
        (&["outbox", "show"], USAGE, ""),
        (&["outbox", "retry"], USAGE, ""),
        (&["outbox", "retry", "1", "--all"], USAGE, ""),
        (&["outbox", "drop", "1"], USAGE, ""),
        (
            &["outbox", "drop", "1", "--why", "it is old"],
            OK,
            "taken up when one starts",
        ),
        (&["outbox", "retry", "--all", "--json"], OK, "waiting"),
    ];
    for (args, code, says) in cases {
        let args: Vec<&str> = args.iter().copied().chain(config).collect();
        let out = home.run(&args);
        let (said, told) = (text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(*code), "{args:?}: {said}\n{told}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn what_is_said_while_no_daemon_runs_is_left_for_it_and_what_makes_no_sense_is_not() {
    let home = Home::new(&probes_toml(9));
    assert_eq!(home.run(&["ack", "1"]).status.code(), Some(IO));
    drop(watchfire::store::Store::open(&home.path("data")).unwrap());
    let service = "ai";
    let cases: &[(&[&str], i32)] = &[
        (&["silence"], OK),
        (&["silence", "--list", "--json"], OK),
        (&["maintenance"], OK),
        (&["ack", "1"], NO),
        (&["ack"], USAGE),
        (&["ack", "first"], USAGE),
        (&["silence", service, "--for", "2h"], USAGE),
        (&["silence", service, "--why", "x"], USAGE),
        (&["silence", service, "--for", "2", "--why", "x"], USAGE),
        (&["silence", service, "--for", "40d", "--why", "x"], USAGE),
        (
            &[
                "silence", service, "--for", "1h", "--until", "18:00", "--why", "x",
            ],
            USAGE,
        ),
        (&["silence", "a/b/c", "--for", "2h", "--why", "x"], USAGE),
        (&["silence", "nobody", "--for", "2h", "--why", "x"], NO),
        (&["silence", "--for", "2h"], USAGE),
        (&["silence", service, "--for", "2h", "--why", "x"], OK),
        (
            &[
                "silence",
                "*",
                "--until",
                "18:00",
                "--timezone",
                "Asia/Tokyo",
                "--why",
                "x",
            ],
            OK,
        ),
        (&["silence", "--end", "3", "--json"], OK),
        (&["maintenance", service, "--from", "22:00"], USAGE),
        (
            &["maintenance", service, "--from", "22:00", "--to", "soon"],
            USAGE,
        ),
        (
            &["maintenance", service, "--from", "22:00", "--to", "02:00"],
            OK,
        ),
        (
            &["maintenance", service, "--for", "30m", "--timezone", "Mars"],
            USAGE,
        ),
        (&["maintenance", "--end", "ai/*"], OK),
    ];
    for (args, code) in cases {
        let out = home.run(args);
        let (said, told) = (text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(*code), "{args:?}: {said}\n{told}");
        let left = *code == OK && !args[1..].is_empty() && !args.contains(&"--list");
        assert_eq!(said.contains("no daemon runs"), left, "{args:?}: {said}");
    }
    let slips = std::fs::read_dir(home.path("data/said")).unwrap().count();
    assert_eq!(slips, 5);
}

#[test]
fn a_second_daemon_leaves_and_names_the_first() {
    let home = Home::new(&probes_toml(9));
    let data = home.path("data");
    let _first = watchfire::store::Store::open(&data).unwrap();
    let out = home.run(&["run"]);
    assert_eq!(out.status.code(), Some(LOCKED));
    let pid = std::process::id().to_string();
    assert!(text(&out.stderr).contains(&pid), "{}", text(&out.stderr));
}

#[test]
fn answers_go_to_stdout_and_messages_to_stderr() {
    let home = Home::new("[alrt]\n");
    let out = home.run(&["check"]);
    assert_eq!(out.status.code(), Some(CONFIG));
    assert_eq!(text(&out.stdout), "");
    assert!(text(&out.stderr).contains("probes.toml:1:2: unknown key `alrt`"));
    assert!(
        Path::new(&home.path("data")).symlink_metadata().is_err(),
        "a check made a folder"
    );
}

#[test]
fn what_pages_claim_and_what_ends_soon_is_shown_by_status() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let soon = (Clock::system().now() + Duration::from_secs(20 * 86_400)).to_string();
        let body = match request.contains("/v1/models") {
            true => format!(r#"{{"data":[{{"id":"gpt-4","shutdown_date":"{}"}}]}}"#, &soon[..10]),
            false => r#"{"status":{"indicator":"minor"},"components":[{"name":"Chat","status":"partial_outage"}],"incidents":[]}"#.to_owned(),
        };
        let _ = stream.write_all(&json(&body)).await;
    }));
    let home = Home::new(&format!(
        "[[probe]]\nservice = \"a\"\nname = \"list\"\nkind = \"models\"\nurl = \"{}\"\nmodels = [\"gpt-4\"]\n\
         [[probe]]\nservice = \"a\"\nname = \"page\"\nkind = \"status_page\"\nurl = \"{}\"\ncomponents = {{ list = [\"Chat\"] }}\n",
        server.url("/v1/models"),
        server.url("/status"),
    ));
    let once = home.run(&["run", "--once"]);
    assert_eq!(once.status.code(), Some(OK), "{}", text(&once.stderr));
    let warned = |out: &Output| {
        text(&out.stderr)
            .matches("the model gpt-4 is switched off on")
            .count()
    };
    assert_eq!(warned(&once), 1, "{}", text(&once.stderr));
    assert_eq!(warned(&home.run(&["run", "--once"])), 0);
    let shown = text(&home.run(&["status"]).stdout);
    for part in [
        "noted: partial",
        "success, page says partial",
        "a/page claims partial since",
        "partial      Chat (list)",
        "a: the model gpt-4 is switched off on",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let status: serde_json::Value =
        serde_json::from_slice(&home.run(&["status", "--json"]).stdout).unwrap();
    let service = &status["services"][0];
    assert_eq!(service["state"], "up");
    assert_eq!(service["claims"][0]["overall"], "partial");
    assert_eq!(service["claims"][0]["components"][0]["probes"][0], "list");
    assert_eq!(service["ends"][0]["subject"], "gpt-4");
    let note = service["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("the model gpt-4 is switched off on"),
        "{note}"
    );
}

#[test]
fn the_best_services_for_something_are_named_one_a_line() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let well = runtime.block_on(provider(Arc::new(AtomicBool::new(false))));
    let broken = runtime.block_on(provider(Arc::new(AtomicBool::new(true))));
    let probe = |service: &str, url: String| {
        format!(
            "[[probe]]\nservice = \"{service}\"\nname = \"list\"\nkind = \"http\"\nurl = \"{url}\"\nexpect = {{ status = [200] }}\n"
        )
    };
    let home = Home::new(&format!(
        "{}{}[service.keyless]\nbase_url = \"http://127.0.0.1:9\"\nkey = {{ env = \"ABSENT\" }}\n\
         [[probe]]\nservice = \"keyless\"\nname = \"list\"\nkind = \"http\"\npath = \"/x\"\nauth = \"bearer\"\n",
        probe("broken", broken.url("/v1/models")),
        probe("well", well.url("/v1/models")),
    ));
    home.run(&["run", "--once"]);
    let best = home.run(&["status", "--best", "http"]);
    assert_eq!(best.status.code(), Some(OK), "{}", text(&best.stderr));
    assert_eq!(text(&best.stdout), "well\nbroken\n");
    let listed: serde_json::Value =
        serde_json::from_slice(&home.run(&["status", "--best", "http", "--json"]).stdout).unwrap();
    let states: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["healthy", "doubtful", "unknown"]);
    assert_eq!(listed[2]["reason"], "ABSENT is not set");
    assert_eq!(listed[2]["usable"], false);
    // Nobody can do that.
    let none = home.run(&["status", "--best", "image"]);
    assert_eq!(
        (none.status.code(), text(&none.stdout)),
        (Some(NO), String::new())
    );
    assert_eq!(
        home.run(&["status", "--best", "poetry"]).status.code(),
        Some(USAGE)
    );
}

#[test]
fn a_rule_is_set_beside_the_detector_with_the_same_probes() {
    let probe =
        "kind = \"http\"\nurl = \"http://127.0.0.1:9/\"\nevery = \"30s\"\ntimeout = \"10s\"\n";
    let home = Home::new(&format!(
        "[service.ruled.alert]\nrule = {{ consecutive_failures = 3 }}\n\
         [[probe]]\nservice = \"ruled\"\nname = \"p\"\n{probe}[[probe]]\nservice = \"judged\"\nname = \"p\"\n{probe}"
    ));
    let said: serde_json::Value =
        serde_json::from_slice(&home.run(&["check", "--json"]).stdout).unwrap();
    let of = |name: &str| {
        let services = said["services"].as_array().unwrap();
        let own = services.iter().find(|s| s["service"] == name);
        own.unwrap().clone()
    };
    let (ruled, judged) = (of("ruled"), of("judged"));
    assert_eq!(ruled["time_to_detect_s"]["100%"], 75.0);
    let compared = &ruled["compared"];
    assert_eq!(
        compared["detector"]["time_to_detect_s"],
        judged["time_to_detect_s"]
    );
    assert_eq!(
        compared["false_pages_per_year_by_usual_rate"]["0.5%"],
        0.131
    );
    assert!(judged["compared"].is_null());
    let shown = text(&home.run(&["check"]).stdout);
    assert!(
        shown.contains(
            "ruled is judged by a rule, 3 failures in a row: false pages a year 0, 0.1 or 8.2"
        ),
        "{shown}"
    );
}
