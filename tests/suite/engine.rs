//! The engine over a real database: what is judged is committed, and a restart at any moment changes nothing.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchfire::clock::Clock;
use watchfire::engine::{Backups, Engine, Input, Money, Observer, Parts, ServicePlan, fact};
use watchfire::model::concerned::Role;
use watchfire::model::counts::NumberRules;
use watchfire::model::detect::count::CountRules;
use watchfire::model::fold::{ProbeRules, Recheck, ServiceRules};
use watchfire::model::incident::IncidentState;
use watchfire::model::notification::{Compose, Letter, Note, Notification, Reminder};
use watchfire::model::{
    Claim, Confirm, EventKind, FailureKind, Fault, Findings, IncidentEvent, Origin, Outcome,
    Phases, ProbeId, Sample, Severity, Standing, Timestamp,
};
use watchfire::store::{IncidentFilter, Reader, Retention, Store};

/// Letters that say only what they are about.
struct Plain;

impl Compose for Plain {
    fn compose(&self, notification: &Notification, recipient: &str) -> Letter {
        let event = &notification.event;
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!("<{}.{}.{recipient}>", event.incident, event.sequence),
            bytes: format!("{:?}", notification.reasons).into_bytes(),
        }
    }

    fn note(&self, note: &Note, recipient: &str) -> Letter {
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!("<note.{}.{recipient}>", note.at.as_micros()),
            bytes: format!("{:?}", note.about).into_bytes(),
        }
    }

    fn remind(&self, reminder: &Reminder, recipient: &str) -> Letter {
        let Reminder { deadline, days, .. } = reminder;
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!("<{}.{days}.{recipient}>", deadline.subject),
            bytes: reminder.title.clone().into_bytes(),
        }
    }
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<EventKind>>>);

impl Observer for Seen {
    fn recheck(&mut self, _: Recheck) {}

    fn event(&mut self, _: &str, event: &IncidentEvent, _: &[Role<'_>]) {
        self.0.lock().unwrap().push(event.event);
    }
}

fn engine_with(
    dir: &Path,
    clock: &Clock,
    seen: &Seen,
    edit: impl FnOnce(&mut ServicePlan),
) -> (Engine, ProbeId) {
    let mut store = Store::open(dir).unwrap();
    let (id, probe) = store.register("here", &[("openai", "chat")]).unwrap()[0];
    let rules = ServiceRules {
        probes: vec![ProbeRules {
            id: probe,
            interval: Duration::from_secs(30),
            confirm: Confirm::CHEAP,
        }],
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    };
    let mut plan = ServicePlan {
        id,
        name: "openai".to_owned(),
        title: "OpenAI".to_owned(),
        provider: "OpenAI".to_owned(),
        kinds: vec![(probe, "chat")],
        rules,
        others: Vec::new(),
        numbers: Vec::new(),
        recipients: vec!["a@example.com".to_owned(), "b@example.com".to_owned()].into(),
        page_at: Severity::Partial,
        money: Money::default(),
        maintenance: Vec::new(),
    };
    edit(&mut plan);
    let parts = Parts {
        store,
        clock: clock.clone(),
        services: vec![plan],
        compose: Box::new(Plain),
        location: "here".to_owned(),
        retention: Retention::default(),
        backups: Backups {
            folder: dir.join("backup"),
            keep: 2,
        },
        missed: Box::new(|| 0),
        observer: Box::new(seen.clone()),
    };
    (Engine::start(parts).unwrap(), probe)
}

fn engine(dir: &Path, clock: &Clock, seen: &Seen) -> (Engine, ProbeId) {
    engine_with(dir, clock, seen, |_| ())
}

fn run(probe: ProbeId, at: Timestamp, fails: bool) -> Sample {
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
        evidence: None,
        found: None,
    }
}

/// An hour of calm, ten minutes in which all fails, an hour of calm; each run a turn of its own.
fn play(restart_every: usize) -> (Vec<EventKind>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-11-08T13:00:00Z").unwrap();
    // The engine looks at its clock for checkpoints only; the samples bring their own time.
    let clock = Clock::sped(start + Duration::from_secs(9_000), 1.0);
    let seen = Seen::default();
    let (mut engine_now, mut probe) = engine(dir.path(), &clock, &seen);
    for n in 0..260_usize {
        if n > 0 && n % restart_every == 0 {
            // Dropped without a word: what was not committed is lost, as with kill -9.
            drop(engine_now);
            (engine_now, probe) = engine(dir.path(), &clock, &seen);
        }
        let at = start + Duration::from_secs(30 * n as u64);
        engine_now.turn(vec![run(probe, at, (120..140).contains(&n))], Vec::new());
    }
    drop(engine_now);
    let reader = Reader::open(dir.path()).unwrap();
    let incidents = reader.incidents(IncidentFilter::default()).unwrap();
    assert_eq!(incidents.len(), 1, "one outage is one incident");
    let letters = reader.deliveries(incidents[0].id).unwrap();
    let events = seen.0.lock().unwrap().clone();
    (events, letters.into_iter().map(|l| l.message_id).collect())
}

#[test]
fn an_outage_is_one_incident_with_a_letter_to_each_for_each_event() {
    let (events, letters) = play(usize::MAX);
    assert_eq!(events.first(), Some(&EventKind::Open));
    assert_eq!(events.last(), Some(&EventKind::Close));
    assert_eq!(letters.len(), 2 * events.len());
}

#[test]
fn a_restart_after_any_number_of_runs_changes_neither_events_nor_letters() {
    let whole = play(usize::MAX);
    for restart_every in [1, 50] {
        assert_eq!(
            play(restart_every),
            whole,
            "restarted every {restart_every} runs"
        );
    }
}

/// Ten blows of ten minutes in a night, with a restart after each so many hours; the letters to one recipient, as
/// `event at hour`.
async fn night(restart_every: u64) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-11-08T20:00:00Z").unwrap();
    let clock = Clock::sped(start, 1.0);
    let seen = Seen::default();
    let (mut now, mut probe) = engine(dir.path(), &clock, &seen);
    // In minutes: the longest quiet is that before the last one, four and a half hours.
    let blows = [30, 75, 150, 215, 290, 320, 380, 455, 545, 825];
    let in_a_turn = 10;
    for turn in 0..(24 * 12) {
        if turn > 0 && turn % (restart_every * 12) == 0 {
            drop(now);
            (now, probe) = engine(dir.path(), &clock, &seen);
        }
        let samples = (0..in_a_turn).map(|n| {
            let seconds = turn * 300 + n * 30;
            let fails = blows
                .iter()
                .any(|b| (b * 60..b * 60 + 600).contains(&seconds));
            run(probe, start + Duration::from_secs(seconds), fails)
        });
        let samples = samples.collect();
        tokio::time::advance(Duration::from_secs(300)).await;
        now.turn(samples, Vec::new());
    }
    drop(now);
    let reader = Reader::open(dir.path()).unwrap();
    let incidents = reader.incidents(IncidentFilter::default()).unwrap();
    assert_eq!(incidents.len(), 1, "one night is one incident");
    assert_eq!(incidents[0].reopened, 9);
    assert_eq!(incidents[0].state, IncidentState::Final);
    let letters = reader.deliveries(incidents[0].id).unwrap();
    let own = letters.iter().filter(|l| l.recipient.starts_with("a@"));
    own.map(|l| l.event.map_or("", |e| e.name()).to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn ten_blows_in_a_night_are_one_incident_and_six_mails_over_restarts_too() {
    let whole = night(1000).await;
    assert_eq!(
        whole,
        ["open", "close", "reopen", "close", "reopen", "close"],
        "the last one when it has stayed well"
    );
    assert_eq!(night(1).await, whole);
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_clock_is_followed_by_a_checkpoint_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-11-08T13:00:00Z").unwrap();
    let clock = Clock::sped(start, 1.0);
    let (mut engine, _) = engine(dir.path(), &clock, &Seen::default());
    let wrote = || {
        let reader = Reader::open(dir.path()).unwrap();
        Timestamp::parse(&reader.meta(fact::ALIVE_AT).unwrap().unwrap()).unwrap()
    };
    engine.turn(Vec::new(), Vec::new());
    assert_eq!(wrote(), start);
    let later = Duration::from_secs(10);
    tokio::time::advance(later).await;
    engine.turn(Vec::new(), Vec::new());
    assert_eq!(wrote(), start);
    engine.turn(Vec::new(), vec![Input::ClockStep(7_200_000_000)]);
    assert_eq!(wrote(), start + later);
}

#[test]
fn a_number_that_is_to_alert_opens_an_incident_when_it_is_raised_over_restarts_too() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-11-08T13:00:00Z").unwrap();
    let clock = Clock::sped(start + Duration::from_secs(9_000), 1.0);
    let seen = Seen::default();
    let numbers = |plan: &mut ServicePlan| {
        let probe = &plan.rules.probes[0];
        let rules = CountRules {
            cumulative: false,
            rise: CountRules::RISE,
            alert: true,
        };
        plan.numbers = vec![NumberRules {
            probe: probe.id,
            interval: probe.interval,
            rules,
        }];
    };
    let (mut engine, mut probe) = engine_with(dir.path(), &clock, &seen, numbers);
    for n in 0..300_u64 {
        if n % 40 == 39 {
            engine.turn(Vec::new(), vec![Input::ClockStep(0)]);
            drop(engine);
            (engine, probe) = engine_with(dir.path(), &clock, &seen, numbers);
        }
        let mut sample = run(probe, start + Duration::from_secs(30 * n), false);
        sample.outcome = Outcome::Noted;
        sample.found = Some(Box::new(Findings {
            count: Some(if n < 250 { (n % 3) as f64 } else { 60.0 }),
            ..Findings::default()
        }));
        engine.turn(vec![sample], Vec::new());
    }
    drop(engine);
    assert_eq!(*seen.0.lock().unwrap(), [EventKind::Open]);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.numbers(probe, start).unwrap().len(), 300);
    let last = reader.last_sample(probe).unwrap().unwrap();
    assert!(last.evidence.unwrap().text.starts_with("60, usually "));
}

#[test]
fn a_probe_that_reads_claims_is_recorded_and_teaches_the_detector_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-11-08T13:00:00Z").unwrap();
    let clock = Clock::sped(start + Duration::from_secs(9_000), 1.0);
    let seen = Seen::default();
    // The one probe reads a page: it is not among those that are judged.
    let (mut engine, probe) = engine_with(dir.path(), &clock, &seen, |plan| {
        plan.others = plan.rules.probes.drain(..).map(|p| p.id).collect();
    });
    for n in 0..100_u64 {
        let mut sample = run(probe, start + Duration::from_secs(30 * n), n >= 50);
        let overall = if n < 50 {
            Standing::Operational
        } else {
            Standing::Major
        };
        sample.found = Some(Box::new(Findings {
            claim: Some(Claim {
                overall,
                ..Claim::UNKNOWN
            }),
            ..Findings::default()
        }));
        engine.turn(vec![sample], Vec::new());
    }
    drop(engine);
    assert!(seen.0.lock().unwrap().is_empty());
    let reader = Reader::open(dir.path()).unwrap();
    assert!(
        reader
            .incidents(IncidentFilter::default())
            .unwrap()
            .is_empty()
    );
    let claims = reader.claims_after(probe, Timestamp::EPOCH, 10).unwrap();
    let since: Vec<_> = claims
        .iter()
        .map(|c| (c.claim.overall, c.first_at))
        .collect();
    let turned = start + Duration::from_secs(30 * 50);
    assert_eq!(
        since,
        [(Standing::Operational, start), (Standing::Major, turned)]
    );
}
