//! Five hundred services that fail in one second, and recover in one: what the engine does for a sample then, the longest
//! turn, and the memory that it takes.
//!
//! The engine itself, with its database, its mails and the re-checks that it asks for; time is handed in, so that half an
//! hour passes as fast as it can be judged. It runs in a process of its own, whose memory is nobody else's.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use watchfire::clock::Clock;
use watchfire::engine::{Backups, Engine, Input, Money, Observer, Parts, ServicePlan};
use watchfire::model::fold::{ProbeRules, Recheck, ServiceRules};
use watchfire::model::notification::{DeliveryReport, DeliveryResult};
use watchfire::model::{
    Confirm, Evidence, FailureKind, Fault, Origin, Outcome, Phases, ProbeId, Sample, Severity,
    Timestamp,
};
use watchfire::notify::MailComposer;
use watchfire::store::{Reader, Retention, Store};

use super::process::Process;

const SERVICES: usize = 500;
const PROBES: usize = 2;
const EVERY: Duration = Duration::from_secs(30);
/// As often as samples are committed.
const TURN: Duration = Duration::from_millis(250);
/// What is told of, how many minutes each takes, and whether all of them fail in it.
const PARTS: &[(&str, u64, bool)] = &[
    ("calm, all ten minutes", 10, false),
    ("the first two minutes of the outage", 2, true),
    ("the eight minutes after them", 8, true),
    ("the first ten minutes of the recovery", 10, false),
    ("ten minutes after them", 10, false),
];

/// Prints the table.
pub fn print() {
    println!("### Five hundred services at once\n");
    println!(
        "{SERVICES} services of {PROBES} probes each {} s fail in one second for ten minutes; three people are mailed of all of them, \
         ten of fifty each. All of it in one thread, with the database on this disk.\n",
        EVERY.as_secs()
    );
    println!("| | samples | µs a sample | busy of a second | longest turn, ms | mails |");
    println!("|---|--:|--:|--:|--:|--:|");
    let mut storm = Process::helper(&["storm-itself"]);
    for _ in PARTS {
        println!("{}", storm.hear());
    }
    println!("\n{}\n", storm.hear());
    storm.stop();
}

/// The process that is measured.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let home = tempfile::tempdir().unwrap();
        let mut storm = Storm::new(home.path());
        let mut calm_kib = 0;
        for (what, minutes, fails) in PARTS {
            let seen = storm.pass(*minutes, *fails).await;
            println!("| {what} | {} |", seen.cells(*minutes));
            if calm_kib == 0 {
                calm_kib = kib("VmRSS");
            }
        }
        println!(
            "Resident memory: {:.1} MB after the calm, **{:.1} MB** at most; {} incidents.",
            calm_kib as f64 / 1024.0,
            kib("VmHWM") as f64 / 1024.0,
            storm.incidents(),
        );
    });
}

#[derive(Default)]
struct Seen {
    samples: u32,
    mails: usize,
    busy: Duration,
    longest: Duration,
}

impl Seen {
    fn cells(&self, minutes: u64) -> String {
        let sample_us = self.busy.as_secs_f64() * 1e6 / f64::from(self.samples);
        let share = self.busy.as_secs_f64() / (minutes as f64 * 60.0) * 100.0;
        let longest_ms = self.longest.as_secs_f64() * 1e3;
        format!(
            "{} | **{sample_us:.0}** | {share:.1} % | {longest_ms:.0} | {}",
            self.samples, self.mails
        )
    }
}

#[derive(Clone, Default)]
struct Wanted(Arc<Mutex<Vec<Recheck>>>);

impl Observer for Wanted {
    fn recheck(&mut self, recheck: Recheck) {
        self.0.lock().unwrap().push(recheck);
    }
}

struct Storm {
    clock: Clock,
    engine: Engine,
    reader: Reader,
    probes: Vec<ProbeId>,
    wanted: Wanted,
    turns: u64,
}

impl Storm {
    fn new(dir: &Path) -> Self {
        let clock = Clock::sped(Timestamp::parse("2026-11-24T00:00:00Z").unwrap(), 1.0);
        let mut store = Store::open(dir).unwrap();
        let services: Vec<String> = (0..SERVICES).map(|n| format!("service-{n}")).collect();
        let names: Vec<(&str, &str)> = services
            .iter()
            .flat_map(|service| ["chat", "models"].map(|probe| (service.as_str(), probe)))
            .collect();
        let numbers = store.register("bench", &names).unwrap();
        let plans =
            services
                .iter()
                .zip(numbers.chunks(PROBES))
                .enumerate()
                .map(|(n, (name, numbers))| {
                    let ids: Vec<ProbeId> = numbers.iter().map(|(_, id)| *id).collect();
                    let everybody = (0..3).map(|k| format!("all-{k}@example.com"));
                    let team = format!("team-{}@example.com", n % 10);
                    ServicePlan {
                        id: numbers[0].0,
                        name: name.clone(),
                        title: name.clone(),
                        provider: format!("provider-{}", n % 20),
                        kinds: ids.iter().copied().zip(["chat", "models"]).collect(),
                        rules: rules(&ids),
                        others: Vec::new(),
                        numbers: Vec::new(),
                        recipients: everybody.chain([team]).collect::<Vec<_>>().into(),
                        page_at: Severity::Partial,
                        money: Money::default(),
                        maintenance: Vec::new(),
                    }
                });
        let wanted = Wanted::default();
        let services = plans.collect();
        let parts = Parts {
            store,
            clock: clock.clone(),
            services,
            compose: Box::new(MailComposer::new("watchfire@example.com", "bench").unwrap()),
            location: "bench".to_owned(),
            retention: Retention::default(),
            backups: Backups {
                folder: dir.join("backup"),
                keep: 2,
            },
            missed: Box::new(|| 0),
            observer: Box::new(wanted.clone()),
        };
        Self {
            engine: Engine::start(parts).unwrap(),
            reader: Reader::open(dir).unwrap(),
            probes: numbers.iter().map(|(_, id)| *id).collect(),
            clock,
            wanted,
            turns: 0,
        }
    }

    async fn pass(&mut self, minutes: u64, fails: bool) -> Seen {
        let mut seen = Seen::default();
        let a_round = EVERY.as_millis() as usize / TURN.as_millis() as usize;
        for _ in 0..minutes * 60_000 / TURN.as_millis() as u64 {
            tokio::time::advance(TURN).await;
            let now = self.clock.now();
            let slot = self.turns as usize % a_round;
            self.turns += 1;
            let due = self.probes.iter().skip(slot).step_by(a_round);
            let mut samples: Vec<Sample> = due
                .map(|probe| sample(*probe, now, fails, Origin::Scheduled))
                .collect();
            let mut wanted = self.wanted.0.lock().unwrap();
            let asked = wanted.extract_if(.., |r| r.at <= now);
            samples.extend(asked.map(|r| sample(r.probe, now, fails, Origin::Recheck)));
            drop(wanted);
            seen.samples += samples.len() as u32;
            self.turn(samples, Vec::new(), &mut seen);
            let reports = self.deliver(now);
            if !reports.is_empty() {
                seen.mails += reports.len();
                self.turn(Vec::new(), reports, &mut seen);
            }
        }
        seen
    }

    fn turn(&mut self, samples: Vec<Sample>, inputs: Vec<Input>, seen: &mut Seen) {
        let begun = Instant::now();
        self.engine.turn(samples, inputs);
        let took = begun.elapsed();
        seen.busy += took;
        seen.longest = seen.longest.max(took);
    }

    /// A mail server that takes everything at once.
    fn deliver(&self, now: Timestamp) -> Vec<Input> {
        let due = self.reader.due(now + TURN, 10_000).unwrap();
        let report = |id| {
            Input::Report(DeliveryReport {
                reached: true,
                id,
                at: now,
                result: DeliveryResult::Sent,
                reply: "250 taken".to_owned(),
            })
        };
        due.iter().map(|pending| report(pending.id)).collect()
    }

    fn incidents(&self) -> usize {
        let all = watchfire::store::IncidentFilter {
            unfinished: false,
            limit: 100_000,
        };
        self.reader.incidents(all).unwrap().len()
    }
}

fn rules(ids: &[ProbeId]) -> ServiceRules {
    let rules = |id: &ProbeId| ProbeRules {
        id: *id,
        interval: EVERY,
        confirm: Confirm::CHEAP,
    };
    ServiceRules {
        probes: ids.iter().map(rules).collect(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    }
}

fn sample(probe: ProbeId, now: Timestamp, fails: bool, origin: Origin) -> Sample {
    let failure = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    let evidence = Evidence {
        text: "HTTP 503, wanted 2xx: {\"error\":{\"message\":\"The server is overloaded\"}}"
            .to_owned(),
        request_id: None,
    };
    Sample {
        probe,
        at: now - Duration::from_millis(200),
        outcome: if fails { failure } else { Outcome::Success },
        origin,
        status: Some(if fails { 503 } else { 200 }),
        failed_in: None,
        phases: Phases::default(),
        total_us: 200_000,
        bytes: 300,
        evidence: fails.then(|| Box::new(evidence)),
        found: None,
    }
}

/// A line of this process' status, in KiB.
fn kib(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
