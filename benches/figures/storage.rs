//! What a stored sample takes on the disk, and what writing it costs.

use std::time::Duration;

use rusqlite::Connection;
use watchfire::model::{
    Evidence, FailureKind, Fault, Origin, Outcome, Phase, Phases, ProbeId, Sample, Timestamp,
};
use watchfire::store::Store;

const PROBES: usize = 1_000;
/// Runs of each probe: five hours.
const RUNS: u32 = 600;
const EVERY: Duration = Duration::from_secs(30);
/// One run in so many fails and keeps its evidence.
const FAILS: u32 = 200;

/// Prints the table.
pub fn print() {
    let folder = tempfile::tempdir().unwrap();
    let samples = fill(folder.path());
    let file = folder.path().join("watchfire.db");
    let bytes = std::fs::metadata(&file).unwrap().len() as f64;
    let database = Connection::open(&file).unwrap();
    let pages = |table: &str| {
        let sql = "SELECT sum(pgsize) FROM dbstat WHERE name = ?1";
        database
            .query_row(sql, [table], |row| row.get::<_, f64>(0))
            .unwrap()
    };
    let each = |bytes: f64| bytes / samples as f64;
    println!("### Storage\n");
    println!(
        "{samples} runs of {PROBES} probes over https, one in {FAILS} failed, written in the order of time.\n"
    );
    println!("| | bytes a sample | target |");
    println!("|---|--:|--:|");
    println!(
        "| the whole database, with evidence and names | **{:.1}** | 48 |",
        each(bytes)
    );
    println!(
        "| its table of samples alone | {:.1} | |\n",
        each(pages("sample"))
    );
}

/// Writes the samples as the engine does; returns how many.
fn fill(folder: &std::path::Path) -> usize {
    let mut store = Store::open(folder).unwrap();
    let names: Vec<String> = (0..PROBES).map(|n| format!("probe-{n}")).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|n| ("service", n.as_str())).collect();
    let ids = store.register("bench", &names).unwrap();
    let start = Timestamp::parse("2026-11-24T00:00:00Z").unwrap();
    let mut chance = fastrand::Rng::with_seed(1);
    for run in 0..RUNS {
        let mut turn: Vec<Sample> = ids
            .iter()
            .zip(0_u32..)
            .map(|((_, probe), n)| {
                let offset = EVERY * n / PROBES as u32 + Duration::from_micros(chance.u64(..2_000));
                sample(*probe, start + EVERY * run + offset, &mut chance)
            })
            .collect();
        turn.sort_by_key(|s| s.at);
        let mut transaction = store.begin().unwrap();
        transaction.samples(&turn).unwrap();
        transaction.commit().unwrap();
    }
    PROBES * RUNS as usize
}

/// A run as it is over the internet: a look-up from the cache or not, a connection, a handshake, a small answer.
fn sample(probe: ProbeId, at: Timestamp, chance: &mut fastrand::Rng) -> Sample {
    let failed = chance.u32(..FAILS) == 0;
    let parts = [
        chance.u32(50..4_000),
        chance.u32(8_000..20_000),
        chance.u32(15_000..40_000),
        chance.u32(90_000..400_000),
        chance.u32(100..9_000),
    ];
    let [dns, connect, tls, first_byte, body] = parts.map(Some);
    let failure = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    let request_id = format!("req_{:016x}", chance.u64(..));
    Sample {
        probe,
        at,
        outcome: if failed { failure } else { Outcome::Success },
        origin: Origin::Scheduled,
        status: Some(if failed { 503 } else { 200 }),
        failed_in: failed.then_some(Phase::FirstByte),
        phases: Phases {
            dns_us: dns,
            connect_us: connect,
            tls_us: tls,
            first_byte_us: first_byte,
            body_us: body,
            ..Phases::default()
        },
        total_us: parts.iter().sum::<u32>() + chance.u32(10..60),
        bytes: chance.u32(300..1_500),
        found: None,
        evidence: failed.then(|| {
            Box::new(Evidence {
                text: "HTTP 503, wanted 2xx: upstream connect error or disconnect/reset before headers".to_owned(),
                request_id: Some(request_id),
            })
        }),
    }
}
