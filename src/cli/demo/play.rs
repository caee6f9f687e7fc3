//! The play itself: a fake provider and the real daemon on one sped-up clock, and somebody who tells what happens.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::letter;
use super::narrate::{Happening, What, line, told_by};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::{self, DaemonError, Setup, Witness};
use crate::model::scenario::Scenario;
use crate::model::{EventKind, IncidentEvent, Timestamp};
use crate::simulate::{Provider, serve};

/// How often the narrator looks for mails, on the machine's clock.
const LOOK: Duration = Duration::from_millis(20);
/// The provider and the daemon get this long to end.
const END: Duration = Duration::from_secs(10);

/// What a play needs.
pub(super) struct Stage {
    pub scenario: Scenario,
    pub clock: Clock,
    pub seed: u64,
    /// The database and the mails go here.
    pub dir: PathBuf,
}

/// Why a play could not be played.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlayError {
    #[error("failed to {0}: {1}")]
    System(&'static str, #[source] std::io::Error),
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    #[error("the demo's own configuration is faulty, a defect of watchfire:\n{0}")]
    Config(String),
    #[error("the daemon ended in a panic")]
    Panic,
}

struct Told(Sender<(String, IncidentEvent)>);

impl Witness for Told {
    fn event(&mut self, service: &str, event: &IncidentEvent) {
        // Fails only when the narrator has left.
        let _ = self.0.send((service.to_owned(), *event));
    }
}

/// Plays the scenario to its end; tells each thing as it happens and returns them all.
pub(super) fn play(
    stage: Stage,
    configure: impl FnOnce(SocketAddr) -> Result<Config, String>,
) -> Result<Vec<Happening>, PlayError> {
    let Stage {
        scenario,
        clock,
        seed,
        dir,
    } = stage;
    let stop = CancellationToken::new();
    let (address, provider) = provide(scenario.clone(), clock.clone(), seed, stop.clone())?;
    let (events, heard) = channel();
    let setup = Setup {
        config: configure(address).map_err(PlayError::Config)?,
        clock: clock.clone(),
        events: Some(dir.join("events.jsonl")),
        witness: Some(Box::new(Told(events))),
        reread: Box::new(|| Err("the demo has no files to read again".to_owned())),
    };
    let daemon = {
        let stop = stop.clone();
        std::thread::Builder::new()
            .name("daemon".to_owned())
            .spawn(move || daemon::run(setup, stop))
            .map_err(|e| PlayError::System("start a thread", e))?
    };
    let happenings = narrate(&scenario, &clock, &dir.join("mail"), &heard, &daemon);
    stop.cancel();
    daemon.join().map_err(|_| PlayError::Panic)??;
    if provider.join().is_err() {
        return Err(PlayError::Panic);
    }
    Ok(happenings)
}

/// Starts the fake provider on a port of its own choice.
fn provide(
    scenario: Scenario,
    clock: Clock,
    seed: u64,
    stop: CancellationToken,
) -> Result<(SocketAddr, JoinHandle<()>), PlayError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| PlayError::System("start the runtime", e))?;
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .map_err(|e| PlayError::System("listen on 127.0.0.1", e))?;
    let address = listener
        .local_addr()
        .map_err(|e| PlayError::System("listen on 127.0.0.1", e))?;
    let provider = Arc::new(Provider::new(scenario, clock, seed));
    let serving = move || {
        runtime.block_on(serve(listener, provider, stop));
        runtime.shutdown_timeout(END);
    };
    let thread = std::thread::Builder::new()
        .name("provider".to_owned())
        .spawn(serving);
    Ok((
        address,
        thread.map_err(|e| PlayError::System("start a thread", e))?,
    ))
}

/// Tells what happens until the story is over, or the daemon ends before it.
fn narrate(
    scenario: &Scenario,
    clock: &Clock,
    mails: &Path,
    heard: &Receiver<(String, IncidentEvent)>,
    daemon: &JoinHandle<Result<(), DaemonError>>,
) -> Vec<Happening> {
    let mut story = told_by(scenario).into_iter().peekable();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let mut tell = |happening: Happening| {
        anstream::println!("{}", line(&happening));
        all.push(happening);
    };
    while clock.now() < scenario.end && !daemon.is_finished() {
        match heard.recv_timeout(LOOK) {
            Ok((service, event)) => {
                tell(Happening {
                    at: event.at,
                    what: What::Event { service, event },
                });
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let now = clock.now();
        while let Some(happening) = story.next_if(|h| h.at <= now) {
            tell(happening);
        }
        for what in new_mails(mails, &mut seen) {
            tell(Happening { at: now, what });
        }
    }
    all
}

/// The mails that were not there before, in order of their names, which is that of time.
fn new_mails(folder: &Path, seen: &mut BTreeSet<PathBuf>) -> Vec<What> {
    let fresh: Vec<PathBuf> = files(folder)
        .into_iter()
        .filter(|f| !seen.contains(f))
        .collect();
    seen.extend(fresh.iter().cloned());
    fresh
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .map(|bytes| {
            let header = |name| letter::header(&bytes, name).unwrap_or_default();
            What::Mail {
                event: EventKind::from_name(&header("X-Watchfire-Event"))
                    .unwrap_or(EventKind::Open),
                to: header("To"),
                subject: letter::subject(&bytes),
            }
        })
        .collect()
}

/// The `.eml` files of a folder by name; none when it is not there yet.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let eml = |p: &PathBuf| p.extension().is_some_and(|e| e == "eml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(eml).collect();
    files.sort();
    files
}

/// How fast the story must be told to end in `within`; at least as fast as life.
pub(super) fn speed_to_end(from: Timestamp, until: Timestamp, within: Duration) -> f64 {
    (until.since(from).as_secs_f64() / within.as_secs_f64()).max(1.0)
}
