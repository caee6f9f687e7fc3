//! What the engine gathers around an alert, over a real database.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchfire::clock::Clock;
use watchfire::engine::{Backups, Engine, Input, Money, Observer, Parts, ServicePlan};
use watchfire::model::fold::{ProbeRules, Recheck, ServiceRules};
use watchfire::model::notification::{Compose, Letter, Note, Notification, Reminder};
use watchfire::model::{
    Confirm, EventKind, Evidence, FailureKind, Fault, Origin, Outcome, Phases, ProbeId, Sample,
    Severity, Timestamp,
};
use watchfire::notify::MailComposer;
use watchfire::store::{Reader, Retention, Store};

/// Writes real mails, and keeps what they were made from.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Notification>>>);

impl Compose for Kept {
    fn compose(&self, notification: &Notification, recipient: &str) -> Letter {
        self.0.lock().unwrap().push(notification.clone());
        let composer = MailComposer::new("watchfire@example.com", "here").unwrap();
        composer.compose(notification, recipient)
    }

    fn note(&self, _: &Note, _: &str) -> Letter {
        unreachable!("every mail arrives in these tests")
    }

    fn remind(&self, _: &Reminder, _: &str) -> Letter {
        panic!("nothing ends here")
    }
}

struct Nobody;

impl Observer for Nobody {
    fn recheck(&mut self, _: Recheck) {}
}

fn engine(dir: &Path, clock: &Clock, kept: &Kept) -> (Engine, [ProbeId; 2]) {
    let mut store = Store::open(dir).unwrap();
    let known = store
        .register("here", &[("openai", "chat"), ("openai", "login")])
        .unwrap();
    let (id, probes) = (known[0].0, [known[0].1, known[1].1]);
    let rules = ServiceRules {
        probes: probes
            .map(|id| ProbeRules {
                id,
                interval: Duration::from_secs(30),
                confirm: Confirm::CHEAP,
            })
            .to_vec(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    };
    let plan = ServicePlan {
        id,
        name: "openai".to_owned(),
        title: "OpenAI".to_owned(),
        provider: "OpenAI".to_owned(),
        kinds: probes.map(|probe| (probe, "chat")).to_vec(),
        rules,
        others: Vec::new(),
        numbers: Vec::new(),
        recipients: vec!["a@example.com".to_owned(), "b@example.com".to_owned()].into(),
        page_at: Severity::Partial,
        money: Money::default(),
        maintenance: Vec::new(),
    };
    let parts = Parts {
        store,
        clock: clock.clone(),
        services: vec![plan],
        compose: Box::new(kept.clone()),
        location: "here".to_owned(),
        retention: Retention::default(),
        backups: Backups {
            folder: dir.join("backup"),
            keep: 2,
        },
        missed: Box::new(|| 0),
        observer: Box::new(Nobody),
    };
    (Engine::start(parts).unwrap(), probes)
}

fn run(probe: ProbeId, at: Timestamp, number: usize, fails: bool) -> Sample {
    let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    Sample {
        probe,
        at,
        outcome: if fails { failed } else { Outcome::Success },
        origin: Origin::Scheduled,
        status: Some(if fails { 503 } else { 200 }),
        failed_in: None,
        phases: Phases::default(),
        total_us: 200_000,
        bytes: 10,
        evidence: fails.then(|| {
            Box::new(Evidence {
                text: "overloaded".to_owned(),
                request_id: Some(format!("req_{number}")),
            })
        }),
        found: None,
    }
}

/// An hour of calm, ten minutes in which the first probe fails, an hour of calm.
fn outage() -> Vec<Notification> {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-11-08T13:00:00Z").unwrap();
    let clock = Clock::sped(start + Duration::from_secs(9_000), 1.0);
    let kept = Kept::default();
    let (mut engine, probes) = engine(dir.path(), &clock, &kept);
    for n in 0..260_usize {
        let at = start + Duration::from_secs(30 * n as u64);
        let bad = (120..140).contains(&n);
        let samples = probes.map(|probe| run(probe, at, n, bad && probe == probes[0]));
        engine.turn(samples.to_vec(), Vec::new());
    }
    drop(engine);
    kept.0.lock().unwrap().clone()
}

#[test]
fn a_letter_shows_the_last_hours_the_first_failure_and_the_course_of_the_incident() {
    let told = outage();
    let open = &told[0];
    assert_eq!(open.event.event, EventKind::Open);
    let first = open.scene.first.as_ref().unwrap();
    assert_eq!(first.at.to_string(), "2026-11-08T14:00:00Z");
    assert_eq!(first.request_id.as_deref(), Some("req_120"));
    let last: usize = open.scene.request_ids[0]["req_".len()..].parse().unwrap();
    let wanted = (0..3).map(|back| format!("req_{}", last - back));
    assert_eq!(open.scene.request_ids, wanted.collect::<Vec<_>>());
    let picture = open.scene.picture.as_ref().unwrap();
    assert!(picture.png.starts_with(b"\x89PNG") && picture.png.len() < 40_000);
    assert!(
        picture
            .alt
            .contains("OpenAI: share of runs that failed, 2 probes together, from 8 Nov 13:00"),
        "{picture:?}"
    );
    assert!(picture.alt.contains("login 0 of"), "{picture:?}");

    let close = told.last().unwrap();
    assert_eq!(close.event.event, EventKind::Close);
    let steps: Vec<EventKind> = close.scene.steps.iter().map(|s| s.event).collect();
    assert_eq!(
        (steps[0], steps[steps.len() - 1]),
        (EventKind::Open, EventKind::Close)
    );
    assert!(
        close
            .scene
            .picture
            .as_ref()
            .unwrap()
            .alt
            .contains("Incident 1")
    );
}

#[test]
fn letters_about_no_incident_are_laid_into_the_outbox() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::sped(Timestamp::parse("2026-11-08T13:00:00Z").unwrap(), 1.0);
    let (mut engine, _) = engine(dir.path(), &clock, &Kept::default());
    let letter = Letter {
        recipient: "team@example.com".to_owned(),
        message_id: "<digest.1@here>".to_owned(),
        bytes: b"Subject: a day\r\n\r\n".to_vec(),
    };
    // Twice: a letter with the same id is one.
    for _ in 0..2 {
        engine.turn(Vec::new(), vec![Input::Letters(vec![letter.clone()])]);
    }
    drop(engine);
    let reader = Reader::open(dir.path()).unwrap();
    let due = reader.due(clock.now(), 10).unwrap();
    let letters: Vec<_> = due.into_iter().map(|pending| pending.letter).collect();
    assert_eq!(letters, [letter]);
}

#[test]
fn one_picture_serves_all_who_are_told_and_is_the_same_another_time() {
    let told = outage();
    let [a, b] = [&told[0], &told[1]].map(|n| n.scene.picture.clone().unwrap());
    assert!(Arc::ptr_eq(&a, &b), "it was drawn twice");
    assert_eq!(outage()[0].scene.picture.as_ref(), Some(&a));
}
