//! What is told of the past, over a database as a daemon leaves it: incidents on the provider's page, and reports.

use std::time::Duration;

use watchfire::model::claim::PageComponent;
use watchfire::model::fold::{ProbeRules, ServiceRules, ServiceState, fold};
use watchfire::model::notification::{DeliveryReport, DeliveryResult, Letter};
use watchfire::model::{
    Claim, Confirm, EventKind, FailureKind, Fault, Findings, IncidentEvent, IncidentId,
    IncidentKind, Origin, Outcome, Phases, ProbeId, Sample, ServiceId, Severity, Standing,
    Timestamp, Verdict,
};
use watchfire::store::{About, Reader, Store};

use crate::commands::{Home, text};

const PROBES: &str = "
[service.openai]
title = \"OpenAI <b>\"
slo = \"99%\"

[[probe]]
service = \"openai\"
name = \"chat\"
kind = \"http\"
url = \"http://127.0.0.1:9/\"
every = \"1m\"

[[probe]]
service = \"openai\"
name = \"page\"
kind = \"status_page\"
url = \"http://127.0.0.1:9/status\"
every = \"1m\"
";

/// The database of a daemon that has watched `openai/chat` and its page.
struct Past {
    home: Home,
    store: Store,
    service: ServiceId,
    chat: ProbeId,
    page: ProbeId,
}

/// Minutes after 13:00 on a day.
fn at(minutes: f64) -> Timestamp {
    Timestamp::parse("2026-11-08T13:00:00Z")
        .unwrap()
        .shifted((minutes * 6e7) as i64)
}

fn run(probe: ProbeId, at: Timestamp, outcome: Outcome) -> Sample {
    Sample {
        probe,
        at,
        outcome,
        origin: Origin::Scheduled,
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: 250_000,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

impl Past {
    fn new() -> Self {
        let home = Home::new(PROBES);
        let mut store = Store::open(&home.path("data")).unwrap();
        let names = [("openai", "chat"), ("openai", "page")];
        let ids = store.register("here", &names).unwrap();
        Self {
            home,
            store,
            service: ids[0].0,
            chat: ids[0].1,
            page: ids[1].1,
        }
    }

    fn write(&mut self, samples: &[Sample]) {
        let mut tx = self.store.begin().unwrap();
        tx.samples(samples).unwrap();
        tx.commit().unwrap();
    }

    /// The page is read at a minute.
    fn claims(&mut self, minute: f64, standing: Standing) {
        let mut sample = run(self.page, at(minute), Outcome::Noted);
        let chat = PageComponent {
            name: "Chat".to_owned(),
            standing,
            probes: vec!["chat".to_owned()],
        };
        sample.found = Some(Box::new(Findings {
            claim: Some(Claim {
                overall: standing,
                components: vec![chat],
                posts: Vec::new(),
            }),
            ..Findings::default()
        }));
        self.write(&[sample]);
    }

    /// A step of incident 1, with its letter; `since` and `minute` are minutes.
    fn event(&mut self, sequence: u32, event: EventKind, since: f64, minute: f64) {
        self.event_of(1, IncidentKind::Errors, (sequence, event), since, minute);
    }

    /// The same of another.
    fn event_of(
        &mut self,
        incident: u64,
        kind: IncidentKind,
        (sequence, event): (u32, EventKind),
        since: f64,
        minute: f64,
    ) {
        let event = IncidentEvent {
            incident: IncidentId(incident),
            sequence,
            event,
            kind,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Major,
            at: at(minute),
            since: at(since),
            verdict: Verdict {
                failed: 9,
                of: 10,
                usual: 0.004,
                window_s: 60.0,
                score: 14.0,
                bound: 12.0,
            },
        };
        let letter = Letter {
            recipient: "oncall@example.com".to_owned(),
            message_id: format!("<{incident}.{sequence}@watchfire>"),
            bytes: Vec::new(),
        };
        let about = About {
            incident: event.incident,
            sequence,
            event: event.event,
        };
        let mut tx = self.store.begin().unwrap();
        tx.event(self.service, &event).unwrap();
        tx.letter(Some(about), &letter, event.at).unwrap();
        tx.commit().unwrap();
    }

    /// The oldest letter that waits is accepted at a minute.
    fn accepted(&mut self, minute: f64) {
        let reader = Reader::open(&self.home.path("data")).unwrap();
        let waiting = reader.due(at(1e6), 1).unwrap();
        let mut tx = self.store.begin().unwrap();
        tx.report(&DeliveryReport {
            id: waiting[0].id,
            at: at(minute),
            result: DeliveryResult::Sent,
            reached: true,
            reply: "250 ok".to_owned(),
        })
        .unwrap();
        tx.commit().unwrap();
    }

    /// An outage from minute 0 to 90, noticed in minute 1, admitted in minute 18 and called over in minute 95.
    fn with_an_outage() -> Self {
        let mut past = Self::new();
        for minute in -60..240 {
            let standing = match minute {
                18..95 => Standing::Partial,
                _ => Standing::Operational,
            };
            past.claims(f64::from(minute), standing);
        }
        let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
        let outcome = |minute| {
            if (0..90).contains(&minute) {
                failed
            } else {
                Outcome::Success
            }
        };
        let chat = past.chat;
        let runs: Vec<Sample> = (-60..240)
            .map(|minute| run(chat, at(f64::from(minute)), outcome(minute)))
            .collect();
        past.write(&runs);
        let minute = Duration::from_secs(60);
        let paces = [(past.chat, minute), (past.page, minute)];
        past.store.note_paces(at(-60.0), &paces).unwrap();
        past.event(0, EventKind::Open, 0.0, 1.0);
        past.accepted(1.5);
        past.event(1, EventKind::Close, 90.0, 94.0);
        past.accepted(94.5);
        past
    }
}

#[test]
fn an_incident_tells_when_the_page_of_its_provider_admitted_it_and_called_it_over() {
    let past = Past::with_an_outage();
    let shown = text(&past.home.run(&["incidents", "1"]).stdout);
    let line = "openai/page admitted it at 2026-11-08 13:18:00: 18 min after the onset, 17 min after it was noticed here; \
                called it over at 2026-11-08 14:35:00, 5 min after the recovery";
    assert!(shown.contains(line), "{line} is not in\n{shown}");
    for args in [&["incidents", "--json"][..], &["incidents", "1", "--json"]] {
        let out = past.home.run(args);
        let incident: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let said = &incident["status_pages"][0];
        assert_eq!(said["probe"], "page");
        assert_eq!(said["state"], "admitted");
        assert_eq!(said["admitted_at"], "2026-11-08T13:18:00Z");
        assert_eq!(said["lag_s"], 1080.0);
        assert_eq!(said["over_lag_s"], 300.0);
    }
}

/// From 12:00 to 18:00 of the day: 300 runs, of which 90 failed, and two hours without any. One of these is forgiven.
const SIX_HOURS: [&str; 5] = [
    "report",
    "--since",
    "2026-11-08T12:00:00Z",
    "--until",
    "2026-11-08T19:00:00Z",
];

fn report(past: &Past, more: &[&str]) -> String {
    let out = past.home.run(&[&SIX_HOURS[..], more].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn a_report_tells_up_down_and_unknown_and_what_the_objective_allows() {
    let past = Past::with_an_outage();
    let told: serde_json::Value = serde_json::from_str(&report(&past, &["--json"])).unwrap();
    let service = &told["services"][0];
    let uptime = &service["uptime"];
    assert_eq!(uptime["up"], 210);
    assert_eq!(uptime["down"], 90);
    assert_eq!(uptime["share"], 0.7);
    assert_eq!(uptime["failures"]["server_error"], 90);
    assert_eq!(uptime["unknown_because"]["no_data"], 119);
    assert_eq!(uptime["share_if_unknown_was_down"], 210.0 / 419.0);
    assert_eq!(uptime["share_if_unknown_was_up"], 329.0 / 419.0);
    let left = service["error_budget"]["left"].as_f64().unwrap();
    assert!(
        (left + 29.0).abs() < 1e-9,
        "30 times what was allowed: {left}"
    );
    assert_eq!(service["mttd_s"]["mean"], 60.0);
    assert_eq!(service["mttm_s"]["mean"], 90.0);
    assert_eq!(service["mttr_s"]["mean"], 5400.0);
    assert_eq!(service["in_incident_s"], 5400);
    assert_eq!(service["status_pages"][0]["lag_s"]["mean"], 1080.0);
    assert_eq!(service["status_pages"][0]["lag_after_us_s"]["mean"], 1020.0);
    let probe = &service["probes"][0];
    let p50 = probe["latency_ms"]["p50"].as_f64().unwrap();
    assert!((p50 / 250.0 - 1.0).abs() < 0.011, "{p50}");
    assert_eq!(service["probes"][1]["note"], "only noted, not judged");
    let day = serde_json::json!({ "day": "2026-11-08", "up": 210, "down": 90, "unknown": 119 });
    assert_eq!(service["days"], serde_json::json!([day]));
}

#[test]
fn a_report_holds_what_lies_in_its_time_and_of_outages_only_those() {
    let mut past = Past::with_an_outage();
    let slow = IncidentKind::Latency;
    past.event_of(2, slow, (0, EventKind::Open), 120.0, 130.0);
    past.event_of(2, slow, (1, EventKind::Close), 150.0, 160.0);
    let told = |until: &str| -> serde_json::Value {
        let until = format!("2026-11-08T{until}:00Z");
        let since = "2026-11-08T12:00:00Z";
        let args = ["report", "--since", since, "--until", &until, "--json"];
        let told = text(&past.home.run(&args).stdout);
        serde_json::from_str::<serde_json::Value>(&told).unwrap()["services"][0].take()
    };
    let numbers = |service: &serde_json::Value| {
        let incidents = service["incidents"].as_array().unwrap().iter();
        let numbers: Vec<u64> = incidents.map(|i| i["incident"].as_u64().unwrap()).collect();
        numbers
    };
    let before = told("13:00");
    assert_eq!(
        (numbers(&before), &before["in_incident_s"]),
        (vec![], &0.into())
    );
    let within = told("14:00");
    assert_eq!(
        (numbers(&within), &within["in_incident_s"]),
        (vec![1], &3600.into())
    );
    let all = told("19:00");
    assert_eq!(
        (numbers(&all), &all["in_incident_s"]),
        (vec![1, 2], &5400.into())
    );
    assert_eq!(all["mttr_s"]["n"], 1, "slow answers are no outage");
}

#[test]
fn of_many_incidents_the_newest_twenty_are_listed_and_the_others_counted() {
    let mut past = Past::with_an_outage();
    for incident in 2..=25 {
        let minute = 100.0 + incident as f64;
        let kind = IncidentKind::Errors;
        past.event_of(incident, kind, (0, EventKind::Open), minute, minute + 0.2);
        past.event_of(
            incident,
            kind,
            (1, EventKind::Close),
            minute + 0.5,
            minute + 0.6,
        );
    }
    let told = report(&past, &[]);
    let listed = |number: u32| {
        told.lines()
            .any(|l| l.trim().starts_with(&format!("{number} ")))
    };
    assert!(told.contains("and 5 earlier ones"), "{told}");
    assert!(listed(25) && listed(6) && !listed(5), "{told}");
}

#[test]
fn a_report_over_sums_tells_the_same_as_one_over_samples() {
    let mut past = Past::with_an_outage();
    let before = report(&past, &["--json"]);
    while past.store.roll_up(at(1e4), 3).unwrap() > 0 {}
    assert_eq!(report(&past, &["--json"]), before);
}

#[test]
fn every_format_holds_the_figures_and_what_came_from_elsewhere_is_escaped() {
    let past = Past::with_an_outage();
    let shown = report(&past, &[]);
    for part in [
        "openai (OpenAI <b>)",
        "70.00 % (50.11 to 78.52 %",
        "30.00 %: server_error 90",
        "28.40 %: no data 119",
        "99 %: error budget spent 30.0 times (spent 49.9 times if all that is unknown was down); burn rate 30.00",
        "outages     1, 1 h 30 min in all; noticed after 1 min; mailed after 1 min 30 s; over after 1 h 30 min",
        "page admitted 1 of 1, 18 min after the onset and 17 min after it was noticed here; called over 5 min after the recovery",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let page = report(&past, &["--format", "html"]);
    assert!(page.contains("OpenAI &#60;b&#62;"), "{page}");
    for part in ["70.00 %", "errors (major)", "+18 min", "server_error 90"] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    for loads in [
        "<script", "<link", "<img", "src=", "url(", "@import", "http:", "https:",
    ] {
        assert!(!page.contains(loads), "{loads} is in the page");
    }
    let rows = report(&past, &["--format", "csv"]);
    let lines: Vec<&str> = rows.lines().collect();
    assert_eq!(lines.len(), 4, "{rows}");
    assert!(
        lines[1].starts_with(
            "openai,,,2026-11-08T12:00:00Z,2026-11-08T19:00:00Z,210,0,90,119,0.700000,"
        )
    );
    assert!(lines[2].starts_with("openai,chat,http,"), "{rows}");
    assert_eq!(
        report(&past, &["--service", "open*", "--format", "csv"]),
        rows
    );
    let none = past.home.run(&["report", "--service", "nothing"]);
    assert_eq!(none.status.code(), Some(64));
}

/// What `replay --history` says of the day.
fn replayed(past: &Past, more: &[&str]) -> String {
    let args = ["replay", "--history", "--since", "2026-11-08"];
    let out = past.home.run(&[&args[..], more].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn other_rules_are_tried_on_what_was_recorded_and_their_mails_are_set_beside_those_of_the_present_ones()
 {
    let past = Past::with_an_outage();
    let same = replayed(&past, &[]);
    assert!(
        same.contains("as it is: 1 incidents; as changed: 1: 0 more, 0 less, 0 earlier, 0 later"),
        "{same}"
    );
    let later = replayed(&past, &["--rule", "consecutive_failures=30"]);
    assert!(
        later.contains("+29 min") && later.contains("0 earlier, 1 later"),
        "{later}"
    );
    assert!(
        later.contains("300 runs since 2026-11-08 12:00:00 UTC"),
        "{later}"
    );
    // A file with other rules.
    let changed = format!("[alert]\nrule = {{ consecutive_failures = 100 }}\n{PROBES}");
    std::fs::write(past.home.path("changed.toml"), changed).unwrap();
    let less = replayed(&past, &["--probes", "changed.toml"]);
    assert!(less.contains("as changed: 0: 0 more, 1 less"), "{less}");
    let more = replayed(
        &past,
        &["--present", "changed.toml", "--probes", "probes.toml"],
    );
    assert!(
        more.contains("as it is: 0 incidents; as changed: 1: 1 more"),
        "{more}"
    );
    // The events of the changed rules, as lines.
    let lines = replayed(&past, &["--rule", "consecutive_failures=2", "--json"]);
    let events: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 2, "{lines}");
    assert_eq!(
        (events[0]["event"].as_str(), events[1]["event"].as_str()),
        (Some("open"), Some("close"))
    );
    assert_eq!(events[0]["at"], "2026-11-08T13:01:00.250Z");
    for (args, code) in [
        (&["replay", "--history", "a.csv"][..], 64),
        (&["replay", "a.csv", "--probes", "probes.toml"], 64),
        (&["replay", "--history", "--service", "none"], 1),
    ] {
        assert_eq!(past.home.run(args).status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn check_forecasts_from_what_was_learned_and_says_so() {
    let home = Home::new(PROBES);
    let usual = |home: &Home| {
        let out = home.run(&["check", "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        told["services"][0]["usually_fails"].clone()
    };
    assert_eq!(
        usual(&home),
        serde_json::json!({ "rate": 0.005, "learned": false })
    );
    assert!(text(&home.run(&["check"]).stdout).contains("assumed 0.5 %"));
    let mut store = Store::open(&home.path("data")).unwrap();
    let names = [("openai", "chat"), ("openai", "page")];
    let ids = store.register("here", &names).unwrap();
    let (service, chat) = ids[0];
    let rules = ServiceRules {
        probes: vec![ProbeRules {
            id: chat,
            interval: Duration::from_secs(60),
            confirm: Confirm::Off,
        }],
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    };
    let mut state = ServiceState::new(&rules);
    for minute in 0..5_000 {
        // One run in a hundred fails.
        let outcome = match minute % 100 {
            0 => Outcome::Failure(FailureKind::ServerError, Fault::Provider),
            _ => Outcome::Success,
        };
        let sample = run(chat, at(f64::from(minute)), outcome);
        fold(&mut state, &rules, &sample, &mut IncidentId(1));
    }
    let checkpoint = serde_json::json!({ "detector": state }).to_string();
    let mut tx = store.begin().unwrap();
    tx.state(service, &checkpoint, at(5_000.0)).unwrap();
    tx.commit().unwrap();
    let learned = usual(&home);
    let rate = learned["rate"].as_f64().unwrap();
    assert_eq!(learned["learned"], true);
    assert!((0.009..0.014).contains(&rate), "{rate}");
    assert!(text(&home.run(&["check"]).stdout).contains("learned 1."));
}
