//! How late probes start: the daemon runs in this process on a clock that the bench holds, so that the slot of each
//! stored run is known to the microsecond.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::config::{self, Env, HostFile, ReadError, Source};
use watchfire::daemon::{self, Setup};
use watchfire::model::Timestamp;
use watchfire::probe::Roots;
use xxhash_rust::xxh3::xxh3_64;

use super::process::Process;
use super::watched::{Plan, Watched};

const PROBES: usize = 10_000;
const EVERY: Duration = Duration::from_secs(10);
const RUN: Duration = Duration::from_secs(32);
/// What started before this is left out: the start-up has its own figure.
const WARM_UP: Duration = Duration::from_secs(2);

/// Stamps are whole microseconds and follow the machine's wall clock, which may be slewed meanwhile: a start that seems to
/// be earlier than its slot by less than this was punctual.
const MARGIN: Duration = Duration::from_millis(5);

/// Prints the table.
pub fn print() {
    let late = measure();
    let ms = |share: f64| late[((late.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!("### Punctuality\n");
    println!(
        "{PROBES} probes each {} s, {} runs: start of the request after its slot.\n",
        EVERY.as_secs(),
        late.len()
    );
    println!("| | p50, ms | p99, ms | p99.9, ms | largest, ms |");
    println!("|---|--:|--:|--:|--:|");
    println!(
        "| seen | {:.2} | **{:.2}** | {:.2} | {:.2} |",
        ms(0.5),
        ms(0.99),
        ms(0.999),
        ms(1.0)
    );
    println!("| target | | 10 | | |\n");
}

/// Microseconds between slot and start of every run, in order.
fn measure() -> Vec<u64> {
    let mut server = Process::helper(&["serve"]);
    let address = server.hear();
    let watched = Watched::new(&Plan {
        probes: PROBES,
        every: &format!("{}s", EVERY.as_secs()),
        url: &format!("http://{address}/w"),
        keys: "kind = \"http\"",
    });
    let clock = Clock::system();
    let stop = CancellationToken::new();
    let data = watched.folder().join("data");
    let setup = Setup {
        config: configuration(watched.folder()),
        clock: clock.clone(),
        events: None,
        witness: None,
        reread: Box::new(|| Err(String::new())),
    };
    let daemon = {
        let stop = stop.clone();
        std::thread::spawn(move || daemon::run(setup, stop).unwrap())
    };
    std::thread::sleep(RUN);
    stop.cancel();
    daemon.join().unwrap();
    let mut late = lateness(&data, clock.stamp(Duration::ZERO));
    late.sort_unstable();
    late
}

/// Slot n of a probe is n intervals after the offset that its name is hashed to, counted from the clock's beginning.
fn lateness(data: &Path, began: Timestamp) -> Vec<u64> {
    let file = data.join("watchfire.db");
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut runs = database.prepare("SELECT probe, at_us FROM run").unwrap();
    let runs = runs.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    let runs = runs.unwrap().map(Result::unwrap).filter_map(|(probe, at)| {
        let after = Timestamp::from_micros(at).since(began);
        let every = EVERY.as_nanos();
        let offset = u128::from(xxh3_64(probe.as_bytes())) % every;
        let late = (after.as_nanos() + every + MARGIN.as_nanos() - offset) % every;
        (after > WARM_UP).then_some((late.saturating_sub(MARGIN.as_nanos()) / 1000) as u64)
    });
    runs.collect()
}

fn configuration(folder: &Path) -> config::Config {
    let source = |name: &str| Source {
        name: name.to_owned(),
        bytes: std::fs::read(folder.join(name)).unwrap(),
    };
    let settings = source("watchfire.toml");
    config::load(
        &source("probes.toml"),
        Some(&settings),
        &Nothing,
        Roots::system(),
    )
    .unwrap()
}

/// A host without variables and files.
struct Nothing;

impl Env for Nothing {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &Path, _: usize) -> Result<HostFile, ReadError> {
        Err(ReadError::Absent)
    }

    fn host_name(&self) -> String {
        "bench".to_owned()
    }
}
