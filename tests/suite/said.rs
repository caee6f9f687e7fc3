//! What people say on the host, through the engine and a real database: slips in, effects and records out.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchfire::clock::Clock;
use watchfire::engine::{
    Backups, Engine, Input, Money, Observer, Parts, PlannedMaintenance, ProbeMoney, ServicePlan,
};
use watchfire::model::concerned::Role;
use watchfire::model::fold::{ProbeRules, Recheck, ServiceRules};
use watchfire::model::incident::IncidentState;
use watchfire::model::notification::{Compose, Letter, Note, Notification, Reminder};
use watchfire::model::roster::Roster;
use watchfire::model::said::{
    Anchor, Ask, Order, Planned, SaidId, Schedule, Selector, SpellKind, Target, Wish,
};
use watchfire::model::{
    Cause, Confirm, Cron, Deadline, EventKind, FailureKind, Fault, Findings, IncidentEvent,
    IncidentId, Origin, Outcome, Phases, ProbeId, Sample, Severity, Timestamp, Topic,
};
use watchfire::store::{IncidentFilter, IncidentRow, Reader, Retention, SaidRow, Slips, Store};

mod ends;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_secs(30);

/// What was told, and what happened.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    mails: Vec<Notification>,
    events: Vec<EventKind>,
    reminders: Vec<Reminder>,
    direct: Vec<Letter>,
}

impl Compose for Ears {
    fn compose(&self, n: &Notification, recipient: &str) -> Letter {
        self.0.lock().unwrap().mails.push(n.clone());
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!(
                "<{}.{}.{}.{recipient}>",
                n.event.incident,
                n.event.sequence,
                match n.remarks.reminder {
                    0 => 0,
                    _ => n.event.at.as_micros(),
                }
            ),
            bytes: Vec::new(),
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
        self.0.lock().unwrap().reminders.push(reminder.clone());
        Letter {
            recipient: recipient.to_owned(),
            message_id: format!("<end.{}>", reminder.days),
            bytes: Vec::new(),
        }
    }
}

impl Observer for Ears {
    fn recheck(&mut self, _: Recheck) {}

    fn event(&mut self, _: &str, event: &IncidentEvent, _: &[Role<'_>]) {
        self.0.lock().unwrap().events.push(event.event);
    }

    fn direct(&mut self, letters: Vec<Letter>) {
        self.0.lock().unwrap().direct.extend(letters);
    }
}

/// A daemon's engine that watches `openai/chat` and `openai/image`, each every 30 s.
pub(crate) struct Host {
    dir: tempfile::TempDir,
    pub clock: Clock,
    engine: Option<Engine>,
    probes: [ProbeId; 2],
    ears: Ears,
    planned: Option<Schedule>,
    /// What `chat` sees to end soon.
    ends: Option<Deadline>,
    pub recipients: Vec<String>,
    /// In their place.
    pub roster: Option<Roster>,
}

pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2026-11-25T14:00:00Z").unwrap()
}

impl Host {
    pub fn new() -> Self {
        Self::with(None)
    }

    fn with(planned: Option<Schedule>) -> Self {
        let mut host = Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Clock::sped(start(), 1.0),
            engine: None,
            probes: [ProbeId(0); 2],
            ears: Ears::default(),
            planned,
            ends: None,
            recipients: vec!["a@example.com".to_owned()],
            roster: None,
        };
        host.restart();
        host
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// As after `kill -9`: what was not committed is lost.
    pub fn restart(&mut self) {
        self.engine = None;
        let mut store = Store::open(self.dir()).unwrap();
        let names = [("openai", "chat"), ("openai", "image")];
        let ids = store.register("here", &names).unwrap();
        self.probes = [ids[0].1, ids[1].1];
        let rules = |id| ProbeRules {
            id,
            interval: STEP,
            confirm: Confirm::Off,
        };
        let money = |(id, name): (ProbeId, &str)| ProbeMoney {
            probe: id,
            name: name.to_owned(),
            interval: STEP,
            forecast: None,
        };
        let maintenance = self.planned.iter().map(|schedule| PlannedMaintenance {
            probes: self.probes.to_vec(),
            planned: Planned::new(schedule.clone()),
        });
        let plan = ServicePlan {
            id: ids[0].0,
            name: "openai".to_owned(),
            title: "OpenAI".to_owned(),
            provider: "OpenAI".to_owned(),
            kinds: Vec::new(),
            rules: ServiceRules {
                probes: self.probes.map(rules).to_vec(),
                false_pages_per_year: 1.0,
                min_error_rate: 0.1,
                reopen_within: MINUTE * 60,
                judge: Default::default(),
            },
            others: Vec::new(),
            numbers: Vec::new(),
            recipients: self
                .roster
                .clone()
                .unwrap_or_else(|| self.recipients.clone().into()),
            page_at: Severity::Partial,
            maintenance: maintenance.collect(),
            money: Money {
                budget: None,
                probes: [(self.probes[0], "chat"), (self.probes[1], "image")]
                    .map(money)
                    .to_vec(),
            },
        };
        self.engine = Some(
            Engine::start(Parts {
                store,
                clock: self.clock.clone(),
                services: vec![plan],
                compose: Box::new(self.ears.clone()),
                location: "here".to_owned(),
                retention: Retention::default(),
                backups: Backups {
                    folder: self.dir().join("backup"),
                    keep: 2,
                },
                missed: Box::new(|| 0),
                observer: Box::new(self.ears.clone()),
            })
            .unwrap(),
        );
    }

    pub fn turn(&mut self, samples: Vec<Sample>, inputs: Vec<Input>) {
        self.engine.as_mut().unwrap().turn(samples, inputs);
    }

    /// Lets time pass, in which the probes named fail at every run.
    pub async fn pass(&mut self, time: Duration, failing: &[&str]) {
        for _ in 0..time.as_secs() / STEP.as_secs() {
            tokio::time::advance(STEP).await;
            let now = self.clock.now();
            let run = |(probe, name): (ProbeId, &str)| {
                let fails = failing.contains(&name);
                sample(probe, now - Duration::from_millis(200), fails)
            };
            let mut samples = [(self.probes[0], "chat"), (self.probes[1], "image")].map(run);
            samples[0].phases.tls_us = Some(1);
            samples[0].found = self.ends.clone().map(|ends| {
                Box::new(Findings {
                    deadlines: vec![ends],
                    ..Findings::default()
                })
            });
            self.turn(samples.to_vec(), Vec::new());
        }
    }

    /// Lets time pass, in which the key of both probes is refused.
    pub async fn refused_key(&mut self, time: Duration) {
        for _ in 0..time.as_secs() / STEP.as_secs() {
            tokio::time::advance(STEP).await;
            let now = self.clock.now();
            let refused = |probe: ProbeId| Sample {
                outcome: Outcome::Failure(FailureKind::Auth, Fault::Ours),
                status: Some(401),
                ..sample(probe, now - Duration::from_millis(200), true)
            };
            let samples = self.probes.map(refused);
            self.turn(samples.to_vec(), Vec::new());
        }
    }

    /// Somebody says it: as a command does, by a slip.
    pub async fn say(&mut self, ask: Ask) -> SaidRow {
        let order = Order {
            at: self.clock.now(),
            who: "ann".to_owned(),
            ask,
        };
        let token = Slips::leave(self.dir(), &order).unwrap();
        self.hear().await;
        let row = self.reader().said_by_slip(&token).unwrap();
        row.expect("the engine has taken it")
    }

    /// What the engine's loop does each second.
    async fn hear(&mut self) {
        tokio::time::advance(Duration::from_secs(1)).await;
        let inputs = self.engine.as_mut().unwrap().listen();
        self.turn(Vec::new(), inputs);
    }

    fn wish(&self, kind: SpellKind, selector: &str, minutes: u32) -> Wish {
        let from = self.clock.now();
        Wish {
            kind,
            selector: Selector::parse(selector).unwrap(),
            from,
            until: from + MINUTE * minutes,
            anchor: Anchor::Span,
            why: "a deployment".to_owned(),
        }
    }

    pub fn wish_silence(&self, selector: &str, minutes: u32) -> Wish {
        self.wish(SpellKind::Silence, selector, minutes)
    }

    /// The daemon is gone.
    pub fn stop(&mut self) {
        self.engine = None;
    }

    async fn silence(&mut self, selector: &str, minutes: u32) -> SaidRow {
        let wish = self.wish_silence(selector, minutes);
        self.say(Ask::Begin(wish)).await
    }

    async fn maintenance(&mut self, selector: &str, minutes: u32) -> SaidRow {
        let wish = self.wish(SpellKind::Maintenance, selector, minutes);
        self.say(Ask::Begin(wish)).await
    }

    async fn ack(&mut self, incident: u64) -> SaidRow {
        let note = "a ticket is open".to_owned();
        let incident = IncidentId(incident);
        self.say(Ask::Ack { incident, note }).await
    }

    pub fn reader(&self) -> Reader {
        Reader::open(self.dir()).unwrap()
    }

    pub fn incidents(&self) -> Vec<IncidentRow> {
        let mut rows = self.reader().incidents(IncidentFilter::default()).unwrap();
        rows.reverse();
        rows
    }

    /// What was mailed: the letters that are in the database.
    fn mailed(&self) -> Vec<EventKind> {
        let of = |row: &IncidentRow| self.reader().deliveries(row.id).unwrap();
        let letters = self.incidents().iter().flat_map(of).collect::<Vec<_>>();
        letters.iter().filter_map(|l| l.event).collect()
    }

    pub fn last_mail(&self) -> Notification {
        self.ears.0.lock().unwrap().mails.last().unwrap().clone()
    }

    /// What left past the outbox.
    pub fn direct(&self) -> Vec<Letter> {
        self.ears.0.lock().unwrap().direct.clone()
    }

    /// What happened, mailed or not.
    pub fn events(&self) -> Vec<EventKind> {
        self.ears.0.lock().unwrap().events.clone()
    }

    fn outcomes(&self, probe: ProbeId) -> Vec<Outcome> {
        let samples = self.reader().samples_after(probe, None, 10_000).unwrap();
        samples.iter().map(|s| s.outcome).collect()
    }
}

fn sample(probe: ProbeId, at: Timestamp, fails: bool) -> Sample {
    Sample {
        probe,
        at,
        outcome: if fails {
            Outcome::Failure(FailureKind::ServerError, Fault::Provider)
        } else {
            Outcome::Success
        },
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

pub(crate) const ALL: &[&str] = &["chat", "image"];
pub(crate) const NONE: &[&str] = &[];
const IN_MAINTENANCE: Outcome = Outcome::Inconclusive(Cause::Maintenance);

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_in_a_silence_is_recorded_and_never_mailed() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    let said = host.silence("openai", 180).await;
    assert!(!said.refused);
    assert_eq!(
        (said.who.as_str(), said.why.as_str()),
        ("ann", "a deployment")
    );
    host.pass(MINUTE * 20, ALL).await;
    host.pass(MINUTE * 60, NONE).await;
    assert_eq!(host.incidents()[0].state, IncidentState::Recovered);
    assert_eq!(host.events().first(), Some(&EventKind::Open));
    assert_eq!(host.events().last(), Some(&EventKind::Close));
    host.pass(MINUTE * 120, NONE).await;
    assert_eq!(host.mailed(), []);
    let row = &host.reader().said(10).unwrap()[0];
    assert_eq!(row.ended.as_ref().map(|(_, by)| by.as_str()), Some(""));
}

#[tokio::test(start_paused = true)]
async fn what_is_still_open_when_a_silence_ends_is_mailed_once_by_then_over_a_restart_too() {
    for restarts in [false, true] {
        let mut host = Host::new();
        host.pass(MINUTE * 60, NONE).await;
        host.silence("openai", 40).await;
        host.pass(MINUTE * 30, ALL).await;
        assert_eq!(host.mailed(), []);
        if restarts {
            host.restart();
        }
        host.pass(MINUTE * 15, ALL).await;
        if restarts {
            host.restart();
        }
        host.pass(MINUTE * 5, ALL).await;
        assert_eq!(host.mailed(), [EventKind::Open], "restarts: {restarts}");
        let mail = host.last_mail();
        let silence = mail.remarks.silence.unwrap();
        assert_eq!(
            (silence.who.as_str(), silence.why.as_str()),
            ("ann", "a deployment")
        );
        assert!(mail.event.at.since(start()) >= MINUTE * 100);
        assert!(mail.event.since.since(start()) < MINUTE * 70);
        assert!(mail.event.verdict.failed >= 70, "{:?}", mail.event.verdict);
        host.pass(MINUTE * 60, NONE).await;
        assert_eq!(host.mailed(), [EventKind::Open, EventKind::Close]);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_left_with_a_down_whose_recovery_fell_into_a_silence() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    host.pass(MINUTE * 10, ALL).await;
    assert_eq!(host.mailed(), [EventKind::Open]);
    crate::post::deliver(&mut host);
    // Longer than the watch after the incident: it is final when the silence ends.
    host.silence("openai", 240).await;
    host.pass(MINUTE * 200, NONE).await;
    assert_eq!(host.incidents()[0].state, IncidentState::Final);
    assert_eq!(host.mailed(), [EventKind::Open]);
    host.pass(MINUTE * 60, NONE).await;
    assert_eq!(host.mailed(), [EventKind::Open, EventKind::Close]);
    let mail = host.last_mail();
    assert_eq!(
        (mail.thread.incident, mail.thread.sequence),
        (IncidentId(1), 0)
    );
    assert!(mail.event.at < mail.remarks.silence.unwrap().at);
}

#[tokio::test(start_paused = true)]
async fn a_silence_of_some_probes_holds_while_no_others_fail() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    host.silence("openai/chat*", 600).await;
    host.pass(MINUTE * 20, &["chat"]).await;
    assert_eq!(host.events(), [EventKind::Open]);
    assert_eq!(host.mailed(), []);
    host.pass(MINUTE * 20, ALL).await;
    assert_eq!(host.mailed(), [EventKind::Open]);
    assert_eq!(host.incidents().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silence_of_another_service_changes_nothing() {
    let mut host = Host::new();
    host.silence("anthropic", 600).await;
    host.pass(MINUTE * 60, NONE).await;
    host.pass(MINUTE * 10, ALL).await;
    assert_eq!(host.mailed(), [EventKind::Open]);
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_somebody_ends_tells_at_once_what_stands() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    let silence = host.silence("openai", 600).await;
    host.pass(MINUTE * 20, ALL).await;
    assert_eq!(host.mailed(), []);
    let kind = SpellKind::Silence;
    let target = Target::Id(silence.id);
    let end = host.say(Ask::End { kind, target }).await;
    assert_eq!(end.answer, "silence 1 is over");
    assert_eq!(host.mailed(), [EventKind::Open]);
    let ended = host.reader().said_by_slip(&silence.token).unwrap().unwrap();
    assert_eq!(ended.ended.unwrap().1, "ann");
    let target = Target::Id(SaidId(1));
    assert!(host.say(Ask::End { kind, target }).await.refused);
}

#[tokio::test(start_paused = true)]
async fn runs_in_a_maintenance_are_recorded_and_say_nothing() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    host.maintenance("openai/chat", 30).await;
    host.pass(MINUTE * 29, ALL).await;
    // The other probe is judged as ever.
    assert_eq!(host.events(), [EventKind::Open]);
    let counted = |probe, host: &Host| {
        let outcomes = host.outcomes(probe);
        outcomes.iter().filter(|o| **o == IN_MAINTENANCE).count()
    };
    assert_eq!(counted(host.probes[0], &host), 58);
    assert_eq!(counted(host.probes[1], &host), 0);
    let tally = host.reader().tally(host.probes[0], start()).unwrap();
    assert_eq!((tally.up, tally.down, tally.other), (120, 0, 58));
}

#[tokio::test(start_paused = true)]
async fn an_incident_that_is_open_when_a_maintenance_begins_stands_still_until_its_end() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    host.pass(MINUTE * 10, ALL).await;
    let before = host.events();
    assert_eq!(before[0], EventKind::Open);
    host.maintenance("openai", 90).await;
    // It works all the time, and then fails all the time: nobody can tell which of it is the maintenance.
    host.pass(MINUTE * 60, NONE).await;
    host.restart();
    host.pass(MINUTE * 25, ALL).await;
    assert_eq!(host.events(), before);
    assert_eq!(host.incidents()[0].state, IncidentState::Open);
    host.pass(MINUTE * 60, NONE).await;
    assert_eq!(host.events().last(), Some(&EventKind::Close));
    assert_eq!(host.incidents().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_began_before_the_maintenance_counts_and_one_that_began_in_it_does_not() {
    let mut host = Host::new();
    let wish = host.wish(SpellKind::Maintenance, "openai", 10);
    let said = host.say(Ask::Begin(wish)).await;
    let stretch = said.stretch.unwrap();
    let second = Duration::from_secs(1);
    let starts = [
        (stretch.from - second, false),
        (stretch.from, true),
        (stretch.until - second, true),
        (stretch.until, false),
    ];
    host.pass(MINUTE * 11, NONE).await;
    let probe = host.probes[0];
    let before = host.outcomes(probe).len();
    for (at, _) in starts {
        // Known only now, when the maintenance is over.
        host.turn(vec![sample(probe, at, true)], Vec::new());
    }
    let samples = host.reader().samples_after(probe, None, 1_000).unwrap();
    assert_eq!(samples.len(), before + starts.len());
    for (at, inside) in starts {
        let found = samples.iter().find(|s| s.at == at).unwrap();
        assert_eq!(found.outcome == IN_MAINTENANCE, inside, "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn planned_maintenance_comes_again_and_again() {
    // A quarter past and a quarter to each hour, for ten minutes.
    let each = Schedule::Each {
        cron: Box::new(Cron::parse("15,45 * * * *", chrono_tz::UTC).unwrap()),
        span: MINUTE * 10,
    };
    let mut host = Host::with(Some(each));
    for _ in 0..4 {
        host.pass(MINUTE * 15, NONE).await;
        host.pass(MINUTE * 10, ALL).await;
        host.pass(MINUTE * 5, NONE).await;
    }
    assert_eq!(host.events(), []);
    let outcomes = host.outcomes(host.probes[0]);
    let inside = outcomes.iter().filter(|o| **o == IN_MAINTENANCE).count();
    // A run that is known on the very minute has begun 200 ms before it.
    assert_eq!((outcomes.len(), inside), (240, 80));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_in_later_mails_and_does_not_outlast_a_relapse() {
    let mut host = Host::new();
    host.pass(MINUTE * 60, NONE).await;
    assert_eq!(host.ack(1).await.answer, "there is no incident 1");
    host.pass(MINUTE * 10, ALL).await;
    let said = host.ack(1).await;
    assert!(!said.refused, "{}", said.answer);
    let ack = host.reader().ack(IncidentId(1)).unwrap().unwrap();
    assert_eq!(
        (ack.who.as_str(), ack.why.as_str()),
        ("ann", "a ticket is open")
    );
    host.restart();
    host.pass(MINUTE * 40, NONE).await;
    assert_eq!(host.mailed(), [EventKind::Open, EventKind::Close]);
    let remark = host.last_mail().remarks.ack.unwrap();
    assert_eq!((remark.who.as_str(), remark.ends), ("ann", false));
    assert_eq!(
        host.ack(1).await.answer,
        "incident 1 is over: there is nothing to acknowledge"
    );
    host.pass(MINUTE * 10, ALL).await;
    assert_eq!(host.mailed().last(), Some(&EventKind::Reopen));
    assert!(host.last_mail().remarks.ack.unwrap().ends);
    assert_eq!(host.reader().ack(IncidentId(1)).unwrap(), None);
    let ended = host.reader().acks(IncidentId(1)).unwrap();
    assert_eq!(ended[0].ended.as_ref().unwrap().1, "it came back");
    host.pass(MINUTE * 40, NONE).await;
    assert_eq!(host.last_mail().remarks.ack, None);
}

#[tokio::test(start_paused = true)]
async fn a_slip_that_is_found_again_counts_once() {
    let mut host = Host::new();
    let said = host.silence("openai", 60).await;
    let file = host.dir().join(format!("said/{}.json", said.token));
    assert!(!file.exists());
    // As after a crash between the commit and the removal.
    let at = host.clock.now();
    let who = "bob".to_owned();
    let again = Ask::Begin(host.wish(SpellKind::Silence, "openai", 60));
    std::fs::write(
        &file,
        Order {
            at,
            who,
            ask: again,
        }
        .write(),
    )
    .unwrap();
    host.restart();
    host.hear().await;
    assert!(!file.exists());
    assert_eq!(host.reader().standing().unwrap().len(), 1);
    assert_eq!(host.reader().said(10).unwrap().len(), 1);
    let target = Target::Selector(Selector::parse("openai").unwrap());
    let kind = SpellKind::Silence;
    let end = host.say(Ask::End { kind, target }).await;
    assert_eq!(end.answer, "silence 1 is over");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_no_daemon_runs_is_taken_up_at_the_start() {
    let mut host = Host::new();
    host.engine = None;
    let order = |host: &Host, minutes| Order {
        at: host.clock.now(),
        who: "ann".to_owned(),
        ask: Ask::Begin(host.wish(SpellKind::Silence, "openai", minutes)),
    };
    let long = Slips::leave(host.dir(), &order(&host, 600)).unwrap();
    let short = Slips::leave(host.dir(), &order(&host, 10)).unwrap();
    tokio::time::advance(MINUTE * 60).await;
    host.restart();
    host.hear().await;
    let row = |token: &str| host.reader().said_by_slip(token).unwrap().unwrap();
    assert!(!row(&long).refused);
    assert!(
        row(&short).answer.contains("was over at"),
        "{}",
        row(&short).answer
    );
    host.pass(MINUTE * 60, NONE).await;
    host.pass(MINUTE * 20, ALL).await;
    assert_eq!(host.mailed(), []);
}

#[tokio::test(start_paused = true)]
async fn a_hostile_folder_does_no_harm() {
    let mut host = Host::new();
    host.hear().await;
    let folder = host.dir().join("said");
    std::fs::write(folder.join("00.json"), vec![b'{'; 1 << 20]).unwrap();
    std::fs::write(folder.join("01.json"), "[".repeat(10_000)).unwrap();
    symlink("/dev/zero", folder.join("02.json")).unwrap();
    std::fs::create_dir(folder.join("03.json")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.join("04.json"))
        .status();
    assert!(made.unwrap().success());
    let said = host.silence("openai", 60).await;
    assert!(!said.refused);
    let aside = std::fs::read_dir(folder.join("refused")).unwrap().count();
    assert_eq!(aside, 5);
    host.pass(MINUTE * 30, ALL).await;
    assert_eq!(host.mailed(), []);
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_clock_makes_two_hours_neither_longer_nor_shorter() {
    const HOUR_US: i64 = 3_600_000_000;
    let mut host = Host::new();
    host.silence("openai", 120).await;
    let mut fixed = host.wish(SpellKind::Silence, "openai/image", 120);
    fixed.anchor = Anchor::Calendar;
    host.say(Ask::Begin(fixed)).await;
    let until = |host: &Host| -> Vec<Timestamp> {
        let rows = host.reader().standing().unwrap();
        rows.iter().map(|r| r.stretch.unwrap().until).collect()
    };
    let before = until(&host);
    host.turn(Vec::new(), vec![Input::ClockStep(HOUR_US)]);
    let after = until(&host);
    assert_eq!(after[0], before[0].shifted(HOUR_US));
    assert_eq!(after[1], before[1]);
    // And so after a restart.
    host.restart();
    assert_eq!(until(&host), after);
}
