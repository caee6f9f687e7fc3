//! How long `watchfire report` takes over three months of a thousand probes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use watchfire::clock::Clock;
use watchfire::model::histogram::Histogram;
use watchfire::model::span::Span;
use watchfire::model::tallies::Tallies;
use watchfire::model::{FailureKind, Fault, Origin, Outcome, Phases, ProbeId, Sample, Timestamp};
use watchfire::store::{Days, Reader, Store};

use super::spread;

const PROBES: usize = 1_000;
const SERVICES: usize = 20;
const DAYS: i64 = 90;
const EVERY: Duration = Duration::from_secs(60);
/// Runs that are not summed up yet, of each probe: the most there are, an hour is summed up a quarter past its end.
const NEWEST: u32 = 75;
const ROUNDS: usize = 15;

/// Prints the table.
pub fn print() {
    let home = tempfile::tempdir().unwrap();
    let now = Clock::system().now();
    configure(home.path());
    let probes = fill(&home.path().join("data"), now);
    println!("### A report\n");
    println!(
        "{DAYS} days of {PROBES} probes each {} s in {SERVICES} services; of the last {NEWEST} minutes the samples, of all before the sums.\n",
        EVERY.as_secs()
    );
    println!("| | ms | least..most | target |");
    println!("|---|--:|--:|--:|");
    let reader = Reader::open(&home.path().join("data")).unwrap();
    let from = now - Duration::from_secs(86_400) * DAYS as u32;
    let hour = now - Duration::from_secs(2 * 3600);
    row("the sums of all probes, by day as well", "100", || {
        let past = reader.past(&probes, from, Some(hour), Days::Apart).unwrap();
        assert!(past.iter().all(|p| p.durations.count() > 0));
    });
    row("the samples that are not summed up yet", "", || {
        reader.past(&probes, hour, None, Days::Together).unwrap();
    });
    let run = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(args)
            .current_dir(home.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "{args:?}");
    };
    row(
        "`watchfire report --since 90d --format json`, the whole process",
        "",
        || {
            run(&["report", "--since", "90d", "--format", "json"]);
        },
    );
    row("of it reading and checking the configuration", "", || {
        run(&["check", "--json"]);
    });
    println!();
}

fn row(what: &str, target: &str, mut work: impl FnMut()) {
    let times = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64() * 1e3
    });
    let (least, median, most) = spread(times.collect());
    println!("| {what} | **{median:.0}** | {least:.0}..{most:.0} | {target} |");
}

fn name(probe: usize) -> (String, String) {
    (
        format!("service-{}", probe % SERVICES),
        format!("probe-{probe}"),
    )
}

fn configure(home: &Path) {
    let mut probes: String = (0..SERVICES)
        .map(|n| format!("[service.service-{n}]\nslo = \"99.5%\"\n"))
        .collect();
    for n in 0..PROBES {
        let (service, name) = name(n);
        probes += &format!(
            "[[probe]]\nservice = \"{service}\"\nname = \"{name}\"\nkind = \"http\"\nurl = \"http://127.0.0.1:9/{n}\"\nevery = \"1m\"\n"
        );
    }
    std::fs::write(home.join("probes.toml"), probes).unwrap();
    std::fs::create_dir(home.join("config")).unwrap();
    std::fs::write(
        home.join("config/watchfire.toml"),
        "data_dir = \"data\"\nlocation = \"bench\"\n",
    )
    .unwrap();
}

/// Fills a database as it is after three months; returns its probes.
fn fill(data: &Path, now: Timestamp) -> Vec<ProbeId> {
    let mut store = Store::open(data).unwrap();
    let names: Vec<(String, String)> = (0..PROBES).map(name).collect();
    let names: Vec<(&str, &str)> = names
        .iter()
        .map(|(s, n)| (s.as_str(), n.as_str()))
        .collect();
    let ids = store.register("bench", &names).unwrap();
    let probes: Vec<ProbeId> = ids.iter().map(|(_, id)| *id).collect();
    let first = now - Duration::from_secs(86_400) * DAYS as u32;
    let paces: Vec<(ProbeId, Duration)> = probes.iter().map(|id| (*id, EVERY)).collect();
    store.note_paces(first, &paces).unwrap();
    let mut chance = fastrand::Rng::with_seed(1);
    for minute in (0..NEWEST).rev() {
        let at = now - EVERY * minute;
        let turn: Vec<Sample> = probes
            .iter()
            .map(|id| sample(*id, at, &mut chance))
            .collect();
        let mut transaction = store.begin().unwrap();
        transaction.samples(&turn).unwrap();
        transaction.commit().unwrap();
    }
    drop(store);
    sums(data, &probes, first, now, &mut chance);
    probes
}

/// The sums of days and weeks, straight into their tables: a quarter of a thousand million samples would take hours.
fn sums(
    data: &Path,
    probes: &[ProbeId],
    first: Timestamp,
    now: Timestamp,
    chance: &mut fastrand::Rng,
) {
    let mut conn = Connection::open(data.join("watchfire.db")).unwrap();
    let hour = |at: Timestamp| at.as_micros() / 3_600_000_000;
    let day = |at| Span::Day.of_hour(hour(at));
    let tx = conn.transaction().unwrap();
    for probe in probes {
        let mut weeks: Vec<(i64, Tallies, Histogram)> = Vec::new();
        for day in day(first)..=day(now) {
            let (results, durations) = a_day(chance);
            let week = day.div_euclid(7);
            keep(&tx, *probe, 1, day, &results, &durations);
            match weeks.last_mut().filter(|w| w.0 == week) {
                Some((_, r, d)) => {
                    r.merge(&results);
                    d.merge(&durations);
                }
                None => weeks.push((week, results, durations)),
            }
        }
        for (week, results, durations) in &weeks {
            keep(&tx, *probe, 7, *week, results, durations);
        }
    }
    tx.commit().unwrap();
}

fn a_day(chance: &mut fastrand::Rng) -> (Tallies, Histogram) {
    let (mut results, mut durations) = (Tallies::default(), Histogram::default());
    for _ in 0..1440 {
        let sample = sample(ProbeId(0), Timestamp::EPOCH, chance);
        results.add(sample.outcome, sample.origin);
        if sample.outcome == Outcome::Success {
            durations.add(sample.total_us);
        }
    }
    (results, durations)
}

fn keep(
    conn: &Connection,
    probe: ProbeId,
    span: i64,
    start: i64,
    results: &Tallies,
    durations: &Histogram,
) {
    conn.prepare_cached(
        "INSERT INTO tally(probe_id, span, start, results) VALUES (?1, ?2, ?3, ?4)",
    )
    .unwrap()
    .execute(params![probe.0, span, start, results.encode()])
    .unwrap();
    conn.prepare_cached(
        "INSERT INTO spread(probe_id, span, start, hist, tokens) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .unwrap()
    .execute(params![
        probe.0,
        span,
        start,
        durations.encode(),
        Histogram::default().encode()
    ])
    .unwrap();
}

/// A run that takes between 0.1 and 2 s, most about 0.4; one in 200 fails.
fn sample(probe: ProbeId, at: Timestamp, chance: &mut fastrand::Rng) -> Sample {
    let failed = chance.u32(..200) == 0;
    let failure = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    let spread: f64 = (0..4).map(|_| chance.f64()).sum::<f64>() - 2.0;
    Sample {
        probe,
        at: at + Duration::from_micros(u64::from(probe.0) * 50_000),
        outcome: if failed { failure } else { Outcome::Success },
        origin: Origin::Scheduled,
        status: Some(if failed { 503 } else { 200 }),
        failed_in: None,
        phases: Phases::default(),
        total_us: (400_000.0 * spread.exp()) as u32,
        bytes: 500,
        evidence: None,
        found: None,
    }
}
