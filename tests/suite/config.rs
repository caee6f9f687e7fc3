//! Configuration files as users write them: right ones, and wrong ones with the message each gets.
//!
//! `UPDATE=1 cargo test` writes the messages anew; read the difference before committing it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use watchfire::config::{self, Config, Env, HostFile, ReadError, Source};
use watchfire::diagnostic::Diagnosed;
use watchfire::model::fold::{Judge, PlainRule};
use watchfire::model::{Confirm, MicroUsd, Tariff, Timestamp};
use watchfire::probe::Roots;

/// A value that must never be shown.
const CANARY: &str = "sk-canary-7f3a9c51d2e84b06";

/// A preset of the user's own, under the name of one of the program's.
const OWN_PRESET: &str =
    "title = \"Ours\"\nbase_url = \"https://own.example.com/v1\"\nmodel = \"small\"\n
[[probe]]\nname = \"ask\"\nkind = \"chat\"\nmodel = \"${model}\"\n";

fn own(text: &str) -> Result<HostFile, ReadError> {
    Ok(HostFile {
        bytes: text.as_bytes().to_vec(),
        mode: 0o644,
    })
}

/// A host with a few variables and files.
struct Host;

impl Env for Host {
    fn var(&self, name: &str) -> Option<String> {
        match name {
            "SET" => Some(CANARY.to_owned()),
            "EMPTY" => Some(String::new()),
            "BROKEN" => Some(format!("{CANARY}\nX-Injected: 1")),
            _ => None,
        }
    }

    fn read(&self, path: &Path, _: usize) -> Result<HostFile, ReadError> {
        let file = |mode| {
            Ok(HostFile {
                bytes: format!("{CANARY}\n").into_bytes(),
                mode,
            })
        };
        match path.to_str() {
            Some("/secret") => file(0o600),
            Some("/open-secret") => file(0o644),
            Some("/fifo") => Err(ReadError::NotRegular),
            Some("own/providers/gemini.toml") => own(OWN_PRESET),
            Some("own/providers/broken.toml") => own("title = \"Broken\"\nprobes = 1\n"),
            _ => Err(ReadError::Absent),
        }
    }

    fn host_name(&self) -> String {
        "host".to_owned()
    }
}

fn load(probes: &[u8], settings: Option<&[u8]>) -> Result<Config, Vec<Diagnosed>> {
    load_as("probes.toml", probes, settings)
}

fn load_as(name: &str, probes: &[u8], settings: Option<&[u8]>) -> Result<Config, Vec<Diagnosed>> {
    let source = |name: &str, bytes: &[u8]| Source {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
    };
    let settings = settings.map(|bytes| source("watchfire.toml", bytes));
    config::load(&source(name, probes), settings.as_ref(), &Host, roots())
}

/// The system's roots, read once: that takes longer than all these files.
fn roots() -> Roots {
    static ROOTS: OnceLock<Roots> = OnceLock::new();
    ROOTS.get_or_init(Roots::system).clone()
}

fn shown(faults: &[Diagnosed]) -> String {
    faults.iter().map(|f| format!("{f}\n")).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_shipped_files_are_valid_and_say_what_is_not_configured() {
    let probes = std::fs::read(root().join("probes.toml")).unwrap();
    let settings = std::fs::read(root().join("config/watchfire.toml")).unwrap();
    let config = load(&probes, Some(&settings)).unwrap_or_else(|f| panic!("{}", shown(&f)));
    assert!(config.warnings.is_empty());
    let openai = config.services.iter().find(|s| s.name == "openai").unwrap();
    assert_eq!(
        openai
            .probes
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>(),
        ["web", "status-page"]
    );
    let missing: Vec<&str> = openai
        .not_configured
        .iter()
        .map(|n| n.missing.as_str())
        .collect();
    assert_eq!(missing, ["OPENAI_API_KEY"; 4]);
}

#[test]
fn every_preset_brings_probes_that_can_run_once_its_key_is_there() {
    for preset in config::preset_names() {
        let text = format!(
            "[service.x]\npreset = \"{preset}\"\nmodel = \"m\"\nbase_url = \"https://llm.example.com/v1\"\nkey = {{ env = \"SET\" }}\n"
        );
        let config =
            load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{preset}: {}", shown(&f)));
        assert!(config.services[0].probes.len() >= 2, "{preset}");
        assert!(config.services[0].not_configured.is_empty(), "{preset}");
    }
}

#[test]
fn a_preset_of_the_users_own_takes_the_place_of_the_programs() {
    let asks = |model: &str| {
        let text = format!("[service.x]\npreset = \"gemini\"\n{model}");
        let config = load_as("own/probes.toml", text.as_bytes(), None)
            .unwrap_or_else(|f| panic!("{}", shown(&f)));
        let service = &config.services[0];
        let asks: Vec<String> = service
            .probes
            .iter()
            .map(|p| p.plan.check.describe())
            .collect();
        (service.title.clone(), asks.join("; "))
    };
    let (title, usual) = asks("");
    assert_eq!(title, "Ours");
    assert!(
        usual.contains("own.example.com") && usual.contains(", small,"),
        "{usual}"
    );
    let (_, chosen) = asks("model = \"large\"\n");
    assert!(chosen.contains(", large,"), "{chosen}");
}

#[test]
fn a_fault_in_a_preset_of_the_users_own_is_told_with_its_place() {
    let text = "[service.x]\npreset = \"broken\"\nbase_url = \"https://x.org/\"\n";
    let faults = load_as("own/probes.toml", text.as_bytes(), None).unwrap_err();
    let said = shown(&faults);
    assert!(
        said.contains("in own/providers/broken.toml:2:1: unknown key `probes`"),
        "{said}"
    );
    assert!(said.contains("did you mean `probe`?"), "{said}");
}

#[test]
fn a_service_says_how_its_chat_probes_speak_and_a_preset_does_so_for_it() {
    let asked = |service: &str| {
        let text = format!(
            "[service.x]\n{service}\nprobes = []\nkey = {{ env = \"SET\" }}\n[[probe]]\nservice = \"x\"\nname = \"ask\"\nkind = \"chat\"\nmodel = \"m\"\n"
        );
        let config =
            load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{service}: {}", shown(&f)));
        config.services[0].probes[0].plan.check.describe()
    };
    for (service, wanted) in [
        (
            "base_url = \"https://h/v1\"",
            "POST https://h/v1/chat/completions",
        ),
        (
            "base_url = \"https://h/v1\"\napi = \"responses\"",
            "POST https://h/v1/responses",
        ),
        (
            "preset = \"anthropic\"",
            "POST https://api.anthropic.com/v1/messages",
        ),
        (
            "preset = \"gemini\"",
            "POST https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        ),
    ] {
        assert!(
            asked(service).starts_with(wanted),
            "{service}: {}",
            asked(service)
        );
    }
}

#[test]
fn a_probe_of_the_same_name_takes_the_place_of_the_presets() {
    let text = "[service.openai]\npreset = \"openai\"\n[[probe]]\nservice = \"openai\"\nname = \"web\"\nkind = \"http\"\nurl = \"https://x.org/\"\n";
    let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    let web: Vec<_> = config.services[0]
        .probes
        .iter()
        .filter(|p| p.name == "web")
        .collect();
    assert_eq!(web.len(), 1);
    assert!(web[0].plan.check.describe().contains("x.org"));
}

#[test]
fn maintenance_is_planned_by_cron_or_once_in_a_time_zone() {
    let text = r#"
[[probe]]
name = "chat"
service = "web"
kind = "http"
url = "https://x.org/"

[[maintenance]]
select = "web/ch*"
cron = "0 3 * * SUN"
for = "2h"
timezone = "Europe/Berlin"
why = "updates"

[[maintenance]]
select = "*"
from = "2026-11-25 22:00"
to = 2026-11-26T01:00:00Z
timezone = "Europe/Berlin"

[[maintenance]]
select = "web"
from = 2026-11-25T22:00:00
for = "90m"
"#;
    let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    let after = Timestamp::parse("2026-11-25T12:00:00Z").unwrap();
    let planned: Vec<(String, String, String)> = config
        .maintenance
        .iter()
        .map(|m| {
            let next = m.schedule.next(after).unwrap();
            (
                m.selector.to_string(),
                next.from.to_string(),
                next.until.to_string(),
            )
        })
        .collect();
    let wanted = [
        ("web/ch*", "2026-11-29T02:00:00Z", "2026-11-29T04:00:00Z"),
        ("*", "2026-11-25T21:00:00Z", "2026-11-26T01:00:00Z"),
        ("web", "2026-11-25T22:00:00Z", "2026-11-25T23:30:00Z"),
    ]
    .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(planned, wanted);
    assert_eq!(config.maintenance[0].why, "updates");
}

#[test]
fn every_broken_file_gets_its_message_and_no_secret_is_shown() {
    let dir = root().join("tests/config/invalid");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 60, "only {} cases", files.len());
    for file in files {
        let text = std::fs::read(&file).unwrap();
        let settings = file.to_str().is_some_and(|f| f.contains("settings"));
        let valid =
            b"[[probe]]\nname = \"a\"\nservice = \"a\"\nkind = \"http\"\nurl = \"https://x.org\"\n"
                .to_vec();
        let loaded = if settings {
            load(&valid, Some(&text))
        } else {
            load(&text, None)
        };
        let faults = loaded
            .err()
            .unwrap_or_else(|| panic!("{} is accepted", file.display()));
        let message = shown(&faults);
        assert!(
            !message.contains(CANARY),
            "{} shows a secret:\n{message}",
            file.display()
        );
        let expected = file.with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &message).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(message, wanted, "{}", file.display());
    }
}

#[test]
fn every_misspelt_key_of_the_shipped_file_is_caught_with_the_right_one() {
    let text = std::fs::read_to_string(root().join("probes.toml")).unwrap();
    let keys = [
        "page_at",
        "false_pages_per_year",
        "min_error_rate",
        "reopen_within",
        "preset",
        "key",
    ];
    for key in keys {
        let broken = text.replacen(&format!("\n{key} ="), &format!("\n{key}x ="), 1);
        assert_ne!(broken, text, "{key} is not in the file");
        let message = shown(&load(broken.as_bytes(), None).unwrap_err());
        assert!(
            message.contains(&format!("did you mean `{key}`?")),
            "{message}"
        );
    }
}

#[test]
fn no_cut_or_garbled_file_makes_it_panic() {
    let text = std::fs::read(root().join("probes.toml")).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..500 {
        let mut broken = text.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..broken.len());
            broken[at] = random.u8(..);
        }
        broken.truncate(random.usize(..=broken.len()));
        drop(load(&broken, Some(&broken)));
    }
}

#[test]
fn what_is_legal_but_hardly_meant_is_warned_about() {
    let text = "[service.a]\nbase_url = \"http://llm.example.com/v1\"\nkey = { env = \"SET\" }\n\
                [[probe]]\nname = \"c\"\nservice = \"a\"\nkind = \"chat\"\nmodel = \"m\"\ncron = \"*/90 * * * *\"\n";
    let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    insta::assert_snapshot!(shown(&config.warnings), @r#"
    probes.toml:2:12: warning: the key is sent in clear text
      |
    2 | base_url = "http://llm.example.com/v1"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: use https:// where the server can

    probes.toml:9:8: warning: `cron` has a step of 90 in a field of 60 minutes
      |
    9 | cron = "*/90 * * * *"
      |        ^^^^^^^^^^^^^^
      = help: such a step is met once a round; for longer ones use `every`
    "#);
    let home = text
        .replace("llm.example.com", "127.0.0.1:4000")
        .replace("*/90", "*/30");
    let config = load(home.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    assert_eq!(shown(&config.warnings), "");
}

#[test]
fn a_key_that_decides_nothing_is_said_to_do_so() {
    let text = "[alert]\n\
                [control]\nurls = [\"https://c.example\"]\n\
                [[probe]]\nname = \"p\"\nservice = \"a\"\nkind = \"http\"\nurl = \"https://a.example\"\n";
    let settings = b"listen = \"off\"\n[heartbeat]\nurl = \"https://h.example\"\n";
    let config = load(text.as_bytes(), Some(settings)).unwrap_or_else(|f| panic!("{}", shown(&f)));
    let warned: Vec<String> = config.warnings.iter().map(|w| w.message.clone()).collect();
    let keys = ["listen", "heartbeat"];
    for key in keys {
        let wanted = format!("`{key}` has no effect in this version");
        assert!(warned.contains(&wanted), "{key}: {warned:?}");
    }
    assert_eq!(warned.len(), keys.len());
}

#[test]
fn a_rule_judges_its_service_and_re_checks_only_where_the_file_says_so() {
    let probe = |service: &str, name: &str, more: &str| {
        format!(
            "[[probe]]\nname = \"{name}\"\nservice = \"{service}\"\nkind = \"http\"\nurl = \"https://a.example\"\n{more}\n"
        )
    };
    let text = [
        "[alert]\nrule = { error_rate_over = \"20%\", window = \"5m\" }\n[service.a]\n".to_owned(),
        "[service.b.alert]\nrule = { consecutive_failures = 3 }\n".to_owned(),
        "[service.c.alert]\nrule = \"off\"\n".to_owned(),
        probe("a", "p", "every = \"30s\""),
        probe("b", "p", "confirm = { every = \"5s\", max = 3 }"),
        probe("b", "q", ""),
        probe("c", "p", ""),
    ]
    .concat();
    let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    let of = |name: &str| {
        let service = config.services.iter().find(|s| s.name == name).unwrap();
        let confirm: Vec<Confirm> = service.probes.iter().map(|p| service.confirm(p)).collect();
        (service.alert.judge, confirm)
    };
    let rate = PlainRule::Rate {
        over: 0.2,
        window: Duration::from_secs(300),
        min_runs: 5,
    };
    let in_a_row = PlainRule::Consecutive {
        failures: 3,
        recover_after: 2,
    };
    let chosen = Confirm::Rechecks {
        every: Duration::from_secs(5),
        max: 3,
    };
    assert_eq!(of("a"), (Judge::Plain(rate), vec![Confirm::Off]));
    assert_eq!(
        of("b"),
        (Judge::Plain(in_a_row), vec![chosen, Confirm::Off])
    );
    assert_eq!(of("c"), (Judge::Detector, vec![Confirm::CHEAP]));
    assert_eq!(shown(&config.warnings), "");
}

#[test]
fn what_decides_nothing_beside_a_rule_and_a_rule_that_never_applies_are_warned_about() {
    let text = "[service.a.alert]\nfalse_pages_per_year = 2\n\
                rule = { error_rate_over = \"20%\", min_runs = 8, recover_after = 3 }\n\
                [[probe]]\nname = \"p\"\nservice = \"a\"\nkind = \"http\"\nurl = \"https://a.example\"\n";
    let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    insta::assert_snapshot!(shown(&config.warnings), @r#"
    probes.toml:2:24: warning: `false_pages_per_year` has no effect: it is a dial of the detector, and `rule` judges in its place
      |
    2 | false_pages_per_year = 2
      |                        ^
      = help: remove it

    probes.toml:3:8: warning: the rule never applies to a: its probes run 5 times in 5m, and it wants at least 8
      |
    3 | rule = { error_rate_over = "20%", min_runs = 8, recover_after = 3 }
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: lengthen `window`, lower `min_runs`, or probe more often

    probes.toml:3:65: warning: `recover_after` has no effect: it belongs to the other form of `rule`
      |
    3 | rule = { error_rate_over = "20%", min_runs = 8, recover_after = 3 }
      |                                                                 ^
      = help: remove it
    "#);
}

#[test]
fn numbered_services_are_not_taken_for_slips_of_each_other() {
    let warnings = |second: &str| {
        let probe = |service: &str| {
            format!(
                "[[probe]]\nname = \"up\"\nservice = \"{service}\"\nkind = \"http\"\nurl = \"http://x.example\"\n"
            )
        };
        let text = format!("{}{}", probe("gateway-1"), probe(second));
        load(text.as_bytes(), None).unwrap().warnings.len()
    };
    assert_eq!(warnings("gateway-2"), 0);
    assert_eq!(warnings("gatway-1"), 1);
}

#[test]
fn the_list_of_models_is_looked_through_for_those_that_the_services_probes_ask() {
    let asks = |extra: &str| {
        let text = format!(
            "[service.x]\npreset = \"openai\"\nkey = {{ env = \"SET\" }}\nprobes = [\"chat\", \"image\", \"web\"]\n\
             [[probe]]\nservice = \"x\"\nname = \"web\"\nkind = \"chat\"\nmodel = \"ours\"\n\
             [[probe]]\nservice = \"x\"\nname = \"list\"\nkind = \"models\"\n{extra}\
             [[probe]]\nservice = \"y\"\nname = \"chat\"\nkind = \"chat\"\nmodel = \"another services\"\nurl = \"https://y.org/\"\n"
        );
        let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
        let probes = &config
            .services
            .iter()
            .find(|s| s.name == "x")
            .unwrap()
            .probes;
        let list = probes.iter().find(|p| p.name == "list").unwrap();
        list.plan.check.describe()
    };
    assert_eq!(
        asks(""),
        "GET https://api.openai.com/v1/models, with ours, gpt-6-luna, gpt-image-2.6-flare"
    );
    assert_eq!(
        asks("models = [\"one\"]\n"),
        "GET https://api.openai.com/v1/models, with one"
    );
}

#[test]
fn the_components_of_a_page_are_given_to_probes_of_the_service_by_their_names() {
    let load = |map: &str| {
        let text = format!(
            "[service.x]\npreset = \"openai\"\nkey = {{ env = \"SET\" }}\n\
             [[probe]]\nservice = \"x\"\nname = \"page\"\nkind = \"status_page\"\nurl = \"https://status.openai.com\"\ncomponents = {map}\n"
        );
        load(text.as_bytes(), None)
    };
    let config = load("{ \"chat*\" = [\"Chat*\"], \"*\" = [\"API\"] }").unwrap();
    let page = config.services[0].probes.iter().find(|p| p.name == "page");
    assert!(!page.unwrap().plan.check.judged().counts());
    let said = shown(&load("{ caht = [\"Chat*\"] }").unwrap_err());
    assert!(
        said.contains("no probe of service `x` fits `caht`"),
        "{said}"
    );
    assert!(said.contains("its probes: page, chat, "), "{said}");
}

/// Tariff of the probe `p`, and how it is re-checked.
fn priced(top: &str, service: &str, probe: &str) -> (Tariff, Confirm) {
    let text = format!(
        "{top}\n[service.a]\nbase_url = \"https://api.openai.com/v1\"\nkey = {{ env = \"SET\" }}\n{service}\n\
         [[probe]]\nname = \"p\"\nservice = \"a\"\nmax_tokens = 20\n{probe}\n"
    );
    let text = match probe.contains("kind = \"chat\"") {
        true => text,
        false => text.replace("max_tokens = 20\n", ""),
    };
    let config = load(text.as_bytes(), None).unwrap_or_else(|f| panic!("{}", shown(&f)));
    let probe = &config.services[0].probes[0];
    (probe.plan.tariff, probe.confirm)
}

#[test]
fn a_price_of_the_users_own_wins_over_the_list_the_nearest_first() {
    let mini = "kind = \"chat\"\nmodel = \"gpt-4o-mini\"";
    let own = |usd: &str| format!("price = {{ per_run = {usd} }}");
    let model = "[price.\"gpt-4o*\"]\nper_run = 0.0007\n";
    let http = "kind = \"http\"\npath = \"/models\"";
    let other = "kind = \"chat\"\nmodel = \"gpt-of-tomorrow\"";
    let cases: &[(&str, [&str; 3], Option<u64>)] = &[
        // 40 x 0.15 + 20 x 0.6
        ("listed", ["", "", mini], Some(18)),
        ("unknown", ["", "", other], None),
        ("by model", [model, "", mini], Some(700)),
        ("by model, another one", [model, "", other], None),
        ("of the service", [model, &own("0.0006"), mini], Some(600)),
        (
            "of the service, for its free probes",
            ["", &own("0.0006"), http],
            Some(0),
        ),
        (
            "of the probe",
            [model, &own("0.0006"), &format!("{mini}\n{}", own("0.0005"))],
            Some(500),
        ),
        (
            "of a probe that asks no model",
            ["", "", &format!("{http}\n{}", own("0.0005"))],
            Some(500),
        ),
        ("said to be free", ["", "price = \"free\"", mini], Some(0)),
        ("no model", ["", "", http], Some(0)),
    ];
    for (what, [top, service, probe], want) in cases {
        let (tariff, _) = priced(top, service, probe);
        assert_eq!(tariff.forecast(), want.map(MicroUsd), "{what}");
    }
}

#[test]
fn a_dear_probe_is_re_checked_more_slowly_unless_it_says_how() {
    let chat = |model: &str| format!("kind = \"chat\"\nmodel = \"{model}\"");
    assert_eq!(priced("", "", &chat("gpt-4o-mini")).1, Confirm::CHEAP);
    assert_eq!(priced("", "", &chat("gpt-5.5-pro")).1, Confirm::COSTLY);
    assert_eq!(priced("", "", &chat("gpt-of-tomorrow")).1, Confirm::CHEAP);
    let own = format!("{}\nconfirm = \"off\"", chat("gpt-5.5-pro"));
    assert_eq!(priced("", "", &own).1, Confirm::Off);
}

#[test]
fn a_faulty_price_is_shown_where_it_stands() {
    let text = "[price.\"gpt-*\"]\ninput = -1\noutputs = 2\n[price.y]\nper_run = \"1\"\n\
                [service.a]\nbase_url = \"https://api.openai.com/v1\"\nprice = \"cheap\"\n\
                [[probe]]\nname = \"p\"\nservice = \"a\"\nkind = \"http\"\npath = \"/\"\nprice = {}\n";
    let faults = load(text.as_bytes(), None).unwrap_err();
    insta::assert_snapshot!(shown(&faults), @r#"
    probes.toml:2:9: `input` is not between 0 and 1000000
      |
    2 | input = -1
      |         ^^

    probes.toml:3:1: unknown key `outputs` in [price."gpt-*"]
      |
    3 | outputs = ***
      | ^^^^^^^
      = help: did you mean `output`?

    probes.toml:5:11: `per_run` is a number, not a string
      |
    5 | per_run = "1"
      |           ^^^

    probes.toml:8:9: `price` is no price
      |
    8 | price = "cheap"
      |         ^^^^^^^
      = help: { input = 0.15, output = 0.6 } in USD for a million tokens, or "free"

    probes.toml:14:9: `price` says nothing
       |
    14 | price = {}
       |         ^^
       = help: for instance { input = 0.15, output = 0.6 }
    "#);
}
