//! What is told of the past: incidents on the provider's page, over a database as a daemon leaves it.

use watchfire::model::claim::PageComponent;
use watchfire::model::notification::{DeliveryReport, DeliveryResult, Letter};
use watchfire::model::{
    Claim, EventKind, FailureKind, Fault, Findings, IncidentEvent, IncidentId, IncidentKind,
    Origin, Outcome, Phases, ProbeId, Sample, ServiceId, Severity, Standing, Timestamp, Verdict,
};
use watchfire::store::{About, Reader, Store};

use crate::commands::{Home, text};

const PROBES: &str = "
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
        let event = IncidentEvent {
            incident: IncidentId(1),
            sequence,
            event,
            kind: IncidentKind::Errors,
            cause: None,
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
            message_id: format!("<{sequence}@watchfire>"),
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
