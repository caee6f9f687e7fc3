//! The daemon: wires the rooms together, listens to signals, and ends in good order.
//!
//! Three threads: probes run here, on one runtime; the engine and the sender of mails each have a thread of their
//! own, so that neither the disk nor a mail server can delay a probe.

mod housekeeping;
mod once;
mod plan;
mod relay;
mod systemd;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Backups, Engine, Inbox, Input, Parts};
use crate::model::Timestamp;
use crate::model::notification::{DeliveryReport, Pending};
use crate::notify::worker::{self, Outbox};
use crate::notify::{Channel, Transport};
use crate::probe::{Client, ClientError};
use crate::schedule::{self, Command, Counters};
use crate::store::{OpenError, Reader, Store, StoreError};

pub use once::OnceSummary;
use plan::{Numbered, ProbeJob};
use relay::Relay;
pub use relay::Witness;

/// The wall clock is compared with the machine's this often.
const RESYNC: Duration = Duration::from_secs(1);
/// Reports of the sender that may wait for the engine.
const REPORTS: usize = 64;

/// Why the daemon could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The database is not to be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database could not be read.
    #[error("failed to read the database: {0}")]
    Store(#[from] StoreError),
    /// No HTTP client could be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Mail cannot be set up as configured.
    #[error("failed to set up mail: {0}")]
    Mail(String),
    /// The operating system refused something.
    #[error("failed to {0}: {1}")]
    System(&'static str, #[source] std::io::Error),
}

/// Reads the configuration again; the text is for the log when it cannot be used.
pub type Reread = Box<dyn Fn() -> Result<Config, String> + Send>;

/// What a daemon is started with.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// Its clock.
    pub clock: Clock,
    /// File to which every event of an incident is appended.
    pub events: Option<PathBuf>,
    /// Looks on.
    pub witness: Option<Box<dyn Witness>>,
    /// For SIGHUP.
    pub reread: Reread,
}

/// Runs until SIGTERM or SIGINT, or until `stop`.
///
/// # Errors
/// When it cannot start. Once it runs, it goes on through whatever happens to its disk, network and mail server.
pub fn run(setup: Setup, stop: CancellationToken) -> Result<(), DaemonError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        // Before anything is opened: a stop that comes during the start is obeyed in good order after it.
        let signals = Signals::listen()?;
        let stage = Stage::set(setup, stop)?;
        stage.play(signals).await
    })
}

/// Runs every probe once, commits and delivers, and returns what came of it.
///
/// # Errors
/// When it cannot start.
pub fn run_once(setup: Setup) -> Result<OnceSummary, DaemonError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let stage = Stage::set(setup, CancellationToken::new())?;
        stage.play_once().await
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, DaemonError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .build()
        .map_err(|e| DaemonError::System("start the runtime", e))
}

/// All that is set up before the first probe runs.
struct Stage {
    clock: Clock,
    numbered: Numbered,
    limits: schedule::InFlight,
    backup_cron: String,
    inbox: Inbox,
    commands: mpsc::UnboundedSender<Command<ProbeJob>>,
    receiver: mpsc::UnboundedReceiver<Command<ProbeJob>>,
    counters: Arc<Counters>,
    engine_counters: Arc<crate::engine::Counters>,
    engine: JoinHandle<()>,
    sender: JoinHandle<()>,
    stop_sender: CancellationToken,
    reread: Reread,
    stop: CancellationToken,
    data_dir: PathBuf,
}

impl Stage {
    fn set(setup: Setup, stop: CancellationToken) -> Result<Self, DaemonError> {
        let Setup {
            config,
            clock,
            events,
            witness,
            reread,
        } = setup;
        let mut store = Store::open(&config.data_dir)?;
        if let Some(aside) = store.recovered() {
            error!(
                "the database was damaged; it was moved to {} and a new one begun",
                aside.display()
            );
        }
        let client = Client::new(clock.clone(), &config.roots, config.redactor.clone())?;
        let numbered = plan::number(&mut store, &config, &client)?;
        let composer = plan::composer(&config, store.instance()).map_err(DaemonError::Mail)?;
        let channel = transport(&config).open().map_err(DaemonError::Mail)?;
        info!("mails go to {}", channel.describe());

        let (commands, receiver) = mpsc::unbounded_channel();
        let wake = Arc::new(Notify::new());
        let counters = Arc::new(Counters::default());
        let events = match events {
            Some(path) => Some(
                Relay::open_events(&path)
                    .map_err(|e| DaemonError::System("open the events file", e))?,
            ),
            None => None,
        };
        let missed = counters.clone();
        let engine = Engine::start(Parts {
            store,
            clock: clock.clone(),
            services: numbered.services.clone(),
            compose: Box::new(composer),
            location: config.location.clone(),
            retention: config.retention,
            backups: Backups {
                folder: config.data_dir.join("backup"),
                keep: config.backup.keep,
            },
            missed: Box::new(move || missed.missed.load(Ordering::Relaxed)),
            observer: Box::new(Relay {
                commands: commands.clone(),
                wake: wake.clone(),
                events,
                witness,
            }),
        })?;
        let inbox = Inbox::default();
        let engine_counters = engine.counters();
        let engine = {
            let inbox = inbox.clone();
            thread("engine", move || engine.run(&inbox))?
        };
        let stop_sender = CancellationToken::new();
        let sender = {
            let reader = Reader::open(&config.data_dir)?;
            let (inbox, clock, stop) = (inbox.clone(), clock.clone(), stop_sender.clone());
            thread("mail", move || {
                send_mail(reader, channel, &inbox, wake, clock, stop)
            })?
        };
        Ok(Self {
            clock,
            numbered,
            limits: config.limits,
            backup_cron: config.backup.cron.clone(),
            inbox,
            commands,
            receiver,
            counters,
            engine_counters,
            engine,
            sender,
            stop_sender,
            reread,
            stop,
            data_dir: config.data_dir.clone(),
        })
    }

    async fn play(self, mut signals: Signals) -> Result<(), DaemonError> {
        let Stage {
            clock,
            inbox,
            commands,
            counters,
            stop,
            reread,
            engine_counters,
            ..
        } = self;
        let housekeeping = match housekeeping::start(&inbox, &self.backup_cron).await {
            Ok(scheduler) => Some(scheduler),
            Err(e) => {
                error!("no housekeeping: old samples are kept and no backups are made: {e}");
                None
            }
        };
        let sink = {
            let inbox = inbox.clone();
            move |sample| inbox.sample(sample)
        };
        let probes = self.numbered.slots.len();
        let schedule = schedule::run(
            self.numbered.slots,
            self.limits,
            clock.clone(),
            self.receiver,
            counters.clone(),
            sink,
            stop.clone(),
        );
        let loops = [
            ("schedule", &counters.rounds),
            ("engine", &engine_counters.rounds),
        ];
        let obey = async {
            loop {
                tokio::select! {
                    _ = signals.terminate.recv() => stop.cancel(),
                    _ = signals.interrupt.recv() => stop.cancel(),
                    _ = signals.hangup.recv() => reload(&reread, &clock, &inbox, &commands, &self.data_dir),
                    () = tokio::time::sleep(RESYNC) => resync(&clock, &inbox, &commands),
                }
            }
        };
        info!(
            "watching {probes} probes of {} services",
            self.numbered.services.len()
        );
        systemd::tell(&[
            NotifyState::Ready,
            NotifyState::Status(&format!("watching {probes} probes")),
        ]);
        tokio::select! {
            () = schedule => {}
            () = obey => {}
            () = systemd::watchdog(&loops) => {}
        }
        systemd::tell(&[NotifyState::Stopping]);
        if let Some(scheduler) = housekeeping {
            housekeeping::stop(scheduler).await;
        }
        close(&inbox, self.engine, &self.stop_sender, self.sender);
        info!("stopped");
        Ok(())
    }
}

/// Ends engine and sender, in this order: what the engine commits last may be a letter, and it is sent after the next start.
fn close(
    inbox: &Inbox,
    engine: JoinHandle<()>,
    stop_sender: &CancellationToken,
    sender: JoinHandle<()>,
) {
    stop_sender.cancel();
    // Their last reports are to be committed too: the sender ends first, and the engine takes what it left.
    if sender.join().is_err() {
        error!("the sender of mails ended in a panic");
    }
    inbox.close();
    if engine.join().is_err() {
        error!("the engine ended in a panic");
    }
}

/// What the operator says to a running daemon.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(|e| DaemonError::System("listen to signals", e));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

fn resync(clock: &Clock, inbox: &Inbox, commands: &mpsc::UnboundedSender<Command<ProbeJob>>) {
    if let Some(micros) = clock.resync() {
        inbox.tell(Input::ClockStep(micros));
        // Fails only when the schedule has stopped.
        let _ = commands.send(Command::ClockStepped);
    }
}

/// Adopts the files as they are now; when they are not usable, says so and stays with the old ones.
fn reload(
    reread: &Reread,
    clock: &Clock,
    inbox: &Inbox,
    commands: &mpsc::UnboundedSender<Command<ProbeJob>>,
    data_dir: &std::path::Path,
) {
    if let Ok(at) = NotifyState::monotonic_usec_now() {
        systemd::tell(&[NotifyState::Reloading, at]);
    }
    match (reread)() {
        Err(faults) => {
            error!("the changed configuration is not usable; the old one stays in force:\n{faults}")
        }
        Ok(config) if config.data_dir != data_dir => {
            error!(
                "`data_dir` cannot be changed while the daemon runs; the old configuration stays in force"
            );
        }
        Ok(config) => {
            // A client of its own: what it redacts are the secrets of this configuration.
            let client = match Client::new(clock.clone(), &config.roots, config.redactor.clone()) {
                Ok(client) => client,
                Err(e) => return error!("the changed configuration is not usable: {e}"),
            };
            let commands = commands.clone();
            inbox.tell(Input::Reload(Box::new(move |store| {
                let Numbered { services, slots } = plan::number(store, &config, &client)?;
                // Fails only when the schedule has stopped.
                let _ = commands.send(Command::Replace(slots));
                info!("the configuration was read again");
                Ok(services)
            })));
        }
    }
    systemd::tell(&[NotifyState::Ready]);
}

fn transport(config: &Config) -> Transport {
    match &config.smtp {
        Some(smtp) => Transport::Smtp(smtp.clone()),
        None => Transport::Files(config.data_dir.join("mail")),
    }
}

/// Starts a thread whose panic ends the process: a daemon without engine or sender would be a ghost.
fn thread(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DaemonError> {
    let guarded = move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            error!("the {name} thread panicked; the process ends, and what was committed is safe");
            std::process::abort();
        }
    };
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder
        .spawn(guarded)
        .map_err(|e| DaemonError::System("start a thread", e))
}

/// The sender's thread.
fn send_mail(
    reader: Reader,
    channel: Arc<dyn Channel>,
    inbox: &Inbox,
    wake: Arc<Notify>,
    clock: Clock,
    stop: CancellationToken,
) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(e) => return error!("no mail can be sent: {e}"),
    };
    runtime.block_on(async {
        let (reports, mut receiver) = mpsc::channel::<DeliveryReport>(REPORTS);
        let pass_on = async {
            while let Some(report) = receiver.recv().await {
                inbox.tell(Input::Report(report));
            }
        };
        let work = worker::run(Letters(reader), channel, reports, wake, clock, stop);
        tokio::join!(work, pass_on);
    });
}

/// The outbox, as the sender sees it.
struct Letters(Reader);

impl Outbox for Letters {
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String> {
        self.0.due(now, limit).map_err(|e| e.to_string())
    }

    fn next_due(&self) -> Result<Option<Timestamp>, String> {
        self.0.next_due().map_err(|e| e.to_string())
    }
}
