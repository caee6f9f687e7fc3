//! The engine while the prober itself cannot see: what is kept of it, and who is told.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchfire::clock::Clock;
use watchfire::engine::{Backups, Engine, Input, Money, Observer, Parts, ServicePlan, fact};
use watchfire::model::blind::Tally;
use watchfire::model::concerned::Role;
use watchfire::model::fold::{ProbeRules, Recheck, ServiceRules};
use watchfire::model::notification::{Compose, Letter, Note, Notification, Reminder};
use watchfire::model::said::{Anchor, Ask, Order, Selector, SpellKind, Wish};
use watchfire::model::{
    Cause, Confirm, Deadline, EventKind, FailureKind, Fault, Findings, IncidentEvent, Origin,
    Outcome, Phases, ProbeId, Sample, Severity, Topic,
};
use watchfire::store::{IncidentFilter, Reader, Retention, Slips, Store};

const SERVICES: [&str; 3] = ["anthropic", "gemini", "openai"];

/// Letters that say only what they are about.
struct Plain;

impl Compose for Plain {
    fn compose(&self, n: &Notification, recipient: &str) -> Letter {
        let (event, v) = (&n.event, &n.event.verdict);
        let text = format!(
            "{}: {} of {} unknown of {}",
            n.service,
            v.failed,
            v.of,
            n.probes.len()
        );
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!("<{}.{}.{recipient}>", event.incident, event.sequence),
            bytes: text.into_bytes(),
        }
    }

    fn note(&self, note: &Note, recipient: &str) -> Letter {
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!("<note.{}.{recipient}>", note.at.as_micros()),
            bytes: format!("{:?}", note.about).into_bytes(),
        }
    }

    fn remind(&self, _: &Reminder, _: &str) -> Letter {
        unreachable!("nothing ends on a day here")
    }
}

#[derive(Clone, Default)]
struct Seen {
    events: Arc<Mutex<Vec<(String, EventKind)>>>,
    asked: Arc<Mutex<usize>>,
}

impl Observer for Seen {
    fn recheck(&mut self, _: Recheck) {}

    fn event(&mut self, service: &str, event: &IncidentEvent, _: &[Role<'_>]) {
        let mut events = self.events.lock().unwrap();
        events.push((service.to_owned(), event.event));
    }

    fn has_controls(&self) -> bool {
        true
    }

    fn ask_controls(&mut self) {
        *self.asked.lock().unwrap() += 1;
    }
}

struct Bed {
    dir: tempfile::TempDir,
    clock: Clock,
    seen: Seen,
    engine: Option<Engine>,
    probes: Vec<ProbeId>,
    answered: usize,
}

impl Bed {
    fn new() -> Self {
        let start = watchfire::model::Timestamp::parse("2026-11-08T13:00:00Z").unwrap();
        let mut bed = Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Clock::sped(start, 1.0),
            seen: Seen::default(),
            engine: None,
            probes: Vec::new(),
            answered: 0,
        };
        bed.start();
        bed
    }

    /// Starts it; the one before is dropped without a word, as with kill -9.
    fn start(&mut self) {
        drop(self.engine.take());
        let (engine, probes) = engine(self.dir.path(), &self.clock, &self.seen);
        (self.engine, self.probes) = (Some(engine), probes);
    }

    /// A quarter of a second, in which these end; the controls answer, or do not.
    async fn turn(&mut self, samples: Vec<Sample>, network: bool) {
        tokio::time::advance(Duration::from_millis(250)).await;
        let mut inputs = Vec::new();
        let asked = *self.seen.asked.lock().unwrap();
        if asked > self.answered {
            self.answered = asked;
            let mut tally = Tally {
                of: 3,
                ..Tally::default()
            };
            match network {
                true => tally.answered = 3,
                false => tally.network = 3,
            }
            inputs.push(Input::Controls(tally));
        }
        self.engine.as_mut().unwrap().turn(samples, inputs);
    }

    /// Each service is asked every two seconds.
    async fn play(&mut self, seconds: u64, network: bool, fails: impl Fn(usize) -> bool) {
        for quarter in 0..seconds * 4 {
            let mut samples = Vec::new();
            for (n, probe) in self.probes.iter().enumerate() {
                if quarter % 8 == n as u64 {
                    samples.push(run(*probe, &self.clock, fails(n)));
                }
            }
            self.turn(samples, network).await;
        }
    }

    fn opened(&self) -> Vec<String> {
        let events = self.seen.events.lock().unwrap();
        let opened = events.iter().filter(|(_, event)| *event == EventKind::Open);
        opened.map(|(service, _)| service.clone()).collect()
    }

    /// Somebody says that nothing of what is selected is to be mailed for so many minutes.
    async fn silence(&mut self, selector: &str, minutes: u32) {
        let now = self.clock.now();
        let wish = Wish {
            kind: SpellKind::Silence,
            selector: Selector::parse(selector).unwrap(),
            from: now,
            until: now + Duration::from_secs(60) * minutes,
            anchor: Anchor::Span,
            why: "the line is moved".to_owned(),
        };
        let order = Order {
            at: now,
            who: "ann".to_owned(),
            ask: Ask::Begin(wish),
        };
        Slips::leave(self.dir.path(), &order).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let engine = self.engine.as_mut().unwrap();
        let said = engine.listen();
        engine.turn(Vec::new(), said);
    }

    fn letters(&self) -> Vec<(String, String)> {
        let reader = Reader::open(self.dir.path()).unwrap();
        let incidents = reader.incidents(IncidentFilter::default()).unwrap();
        let mut letters = Vec::new();
        for incident in incidents.iter().filter(|i| i.service == "(prober)") {
            for letter in reader.deliveries(incident.id).unwrap() {
                letters.push((letter.recipient, letter.message_id));
            }
        }
        letters
    }
}

fn engine(dir: &Path, clock: &Clock, seen: &Seen) -> (Engine, Vec<ProbeId>) {
    let mut store = Store::open(dir).unwrap();
    let names: Vec<_> = SERVICES.iter().map(|name| (*name, "chat")).collect();
    let ids = store.register("here", &names).unwrap();
    let services = SERVICES
        .iter()
        .zip(&ids)
        .map(|(name, (id, probe))| ServicePlan {
            id: *id,
            name: (*name).to_owned(),
            title: (*name).to_owned(),
            rules: ServiceRules {
                probes: vec![ProbeRules {
                    id: *probe,
                    interval: Duration::from_secs(2),
                    confirm: Confirm::CHEAP,
                }],
                false_pages_per_year: 1.0,
                judge: Default::default(),
                min_error_rate: 0.1,
                reopen_within: Duration::from_secs(3600),
            },
            others: Vec::new(),
            kinds: Vec::new(),
            provider: (*name).to_owned(),
            numbers: Vec::new(),
            recipients: vec!["all@example.com".to_owned(), format!("{name}@example.com")].into(),
            page_at: Severity::Partial,
            maintenance: Vec::new(),
            money: Money::default(),
        });
    let parts = Parts {
        services: services.collect(),
        store,
        clock: clock.clone(),
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
    let probes = ids.iter().map(|(_, probe)| *probe).collect();
    (Engine::start(parts).unwrap(), probes)
}

fn run(probe: ProbeId, clock: &Clock, fails: bool) -> Sample {
    let failed = Outcome::Failure(FailureKind::ConnectTimeout, Fault::Network);
    Sample {
        probe,
        at: clock.now() - Duration::from_millis(200),
        outcome: if fails { failed } else { Outcome::Success },
        origin: Origin::Scheduled,
        status: (!fails).then_some(200),
        failed_in: None,
        phases: Phases::default(),
        total_us: 200_000,
        bytes: 10,
        evidence: None,
        found: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_network_of_our_own_is_an_incident_of_the_prober_and_of_nobody_else() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    bed.play(120, false, |_| true).await;
    let reader = Reader::open(bed.dir.path()).unwrap();
    let words = reader.meta(fact::BLIND).unwrap().unwrap();
    assert!(
        words.starts_with("its own network is down since 2026-11-08T13:0"),
        "{words}"
    );
    assert_eq!(bed.letters(), [], "nobody could receive them");
    for probe in &bed.probes {
        let last = reader.last_sample(*probe).unwrap().unwrap();
        assert_eq!(last.outcome, Outcome::Inconclusive(Cause::Blind));
    }

    bed.play(60, true, |_| false).await;
    assert_eq!(bed.opened(), ["(prober)"]);
    assert_eq!(reader.meta(fact::BLIND).unwrap().unwrap(), "");
    let mut to: Vec<String> = bed.letters().into_iter().map(|(to, _)| to).collect();
    to.sort();
    assert_eq!(
        to,
        [
            "all@example.com",
            "anthropic@example.com",
            "gemini@example.com",
            "openai@example.com"
        ]
    );
    let incident = &reader.incidents(IncidentFilter::default()).unwrap()[0];
    let blind_for = incident.closed_at.unwrap().since(incident.since);
    assert!((120..140).contains(&blind_for.as_secs()), "{blind_for:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_the_controls_and_then_counts() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    bed.play(90, true, |service| service == 2).await;
    assert_eq!(bed.opened(), ["openai"]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_stays_down_when_the_network_is_back_is_opened_in_time() {
    let opened_after = |blind: bool| async move {
        let mut bed = Bed::new();
        bed.play(60, true, |_| false).await;
        if blind {
            bed.play(120, false, |_| true).await;
        }
        let mut seconds = 0;
        while !bed.opened().contains(&"openai".to_owned()) && seconds < 300 {
            bed.play(2, true, |service| service == 2).await;
            seconds += 2;
        }
        assert!(!bed.opened().contains(&"gemini".to_owned()));
        seconds
    };
    let (usual, after) = (opened_after(false).await, opened_after(true).await);
    // The controls are asked each 5 s while blind; the interval is 2 s.
    assert!(
        after <= usual + 8,
        "{after} s, and {usual} s without a blindness"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_goes_on_with_the_same_incident() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    for _ in 0..4 {
        bed.play(30, false, |_| true).await;
        bed.start();
    }
    bed.play(60, true, |_| false).await;
    let events = bed.seen.events.lock().unwrap().clone();
    let prober = "(prober)".to_owned();
    assert_eq!(
        events,
        [
            (prober.clone(), EventKind::Open),
            (prober, EventKind::Close)
        ]
    );
    assert_eq!(bed.letters().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_comes_and_goes_is_one_incident() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    for n in 0..50 {
        bed.play(2 + n % 5, false, |_| true).await;
        bed.play(2 + n % 7, true, |_| false).await;
    }
    bed.play(120, true, |_| false).await;
    assert_eq!(bed.opened(), ["(prober)"]);
    assert_eq!(bed.letters().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_blindness_is_silenced_by_a_silence_of_everything_and_by_no_other() {
    for (selector, mails) in [("*", 0), ("open*", 4), ("openai", 4), ("*/chat", 4)] {
        let mut bed = Bed::new();
        bed.play(60, true, |_| false).await;
        bed.silence(selector, 30).await;
        bed.play(120, false, |_| true).await;
        bed.play(60, true, |_| false).await;
        assert_eq!(bed.opened(), ["(prober)"], "it is recorded");
        assert_eq!(bed.letters().len(), mails, "a silence of {selector}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_failure_that_waits_waits_with_it_in_its_service_only() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    let reader = Reader::open(bed.dir.path()).unwrap();
    let [first, other] = [bed.probes[0], bed.probes[1]];
    let outcome = |probe| reader.last_sample(probe).unwrap().unwrap().outcome;
    let newest = |probe| reader.last_sample(probe).unwrap().unwrap().at;
    let before = newest(first);
    let engine = bed.engine.as_mut().unwrap();
    // Nobody has answered for the controls yet.
    tokio::time::advance(Duration::from_secs(8)).await;
    engine.turn(vec![run(first, &bed.clock, true)], Vec::new());
    tokio::time::advance(Duration::from_millis(500)).await;
    let then = vec![run(first, &bed.clock, false), run(other, &bed.clock, false)];
    let other_before = newest(other);
    engine.turn(then, Vec::new());
    assert_eq!(newest(first), before, "both wait");
    assert!(newest(other) > other_before);
    tokio::time::advance(Duration::from_secs(3)).await;
    engine.turn(Vec::new(), Vec::new());
    assert!(newest(first) > before);
    assert_eq!(outcome(first), Outcome::Success);
}

#[tokio::test(start_paused = true)]
async fn when_too_many_failures_wait_they_count() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    tokio::time::advance(Duration::from_secs(8)).await;
    let engine = bed.engine.as_mut().unwrap();
    let counters = engine.counters();
    let folded = || counters.folded.load(std::sync::atomic::Ordering::Relaxed);
    let before = folded();
    let many = |range: std::ops::Range<u64>| {
        let one = |n| {
            let mut sample = run(bed.probes[0], &bed.clock, true);
            sample.at = sample.at - Duration::from_micros(n);
            sample
        };
        range.map(one).collect::<Vec<_>>()
    };
    engine.turn(many(0..19_000), Vec::new());
    assert_eq!(folded(), before, "they wait");
    engine.turn(many(19_000..20_500), Vec::new());
    assert!(folded() - before >= 20_000);
}

#[tokio::test(start_paused = true)]
async fn by_a_clock_that_is_wrong_nothing_ends() {
    let mut bed = Bed::new();
    bed.play(60, true, |_| false).await;
    let ended = |bed: &Bed| {
        let mut sample = run(bed.probes[0], &bed.clock, false);
        sample.outcome = Outcome::Failure(FailureKind::TlsExpired, Fault::Provider);
        sample.found = Some(Box::new(Findings {
            deadlines: vec![Deadline {
                topic: Topic::Certificate,
                subject: "llm.example.com:443".to_owned(),
                at: bed.clock.now() - Duration::from_secs(86_400),
            }],
            ..Findings::default()
        }));
        sample
    };
    // The failure waits; the controls say that it is the clock, and in the same turn that it is right again.
    tokio::time::advance(Duration::from_secs(8)).await;
    let sample = ended(&bed);
    let engine = bed.engine.as_mut().unwrap();
    engine.turn(vec![sample], Vec::new());
    let controls = |clock: u32, answered: u32| {
        Input::Controls(Tally {
            answered,
            clock,
            of: 3,
            ..Tally::default()
        })
    };
    engine.turn(Vec::new(), vec![controls(3, 0)]);
    tokio::time::advance(Duration::from_secs(6)).await;
    engine.turn(Vec::new(), Vec::new());
    engine.turn(Vec::new(), vec![controls(0, 3)]);
    // One that began while the clock was wrong, and ends when it is right.
    let mut late = ended(&bed);
    late.at = bed.clock.now() - Duration::from_secs(5);
    let engine = bed.engine.as_mut().unwrap();
    engine.turn(vec![late], Vec::new());
    tokio::time::advance(Duration::from_secs(3)).await;
    engine.turn(Vec::new(), Vec::new());
    // `Plain` writes no reminder: had there been one, the test would have ended.
    let reader = Reader::open(bed.dir.path()).unwrap();
    assert_eq!(reader.notices().unwrap().len(), 0);
    let last = reader.last_sample(bed.probes[0]).unwrap().unwrap();
    assert_eq!(last.outcome, Outcome::Inconclusive(Cause::Blind));
}
