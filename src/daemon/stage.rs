//! What a daemon is made of, set up in order, played, and closed in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::digest::{self, Digests};
use super::hook::{Hook, Runner};
use super::plan::{self, Numbered, ProbeJob};
use super::relay::Relay;
use super::reload::{Lasting, Reload, resync};
use super::{DaemonError, Setup, control, housekeeping, sender, systemd};
use crate::clock::Clock;
use crate::engine::{Backups, Engine, Inbox, Parts};
use crate::notify::Direct;
use crate::probe::Client;
use crate::schedule::{self, Command, Counters, Slot};
use crate::store::Store;

/// The wall clock is compared with the machine's this often.
const RESYNC: Duration = Duration::from_secs(1);
/// All that is set up before the first probe runs.
pub(super) struct Stage {
    clock: Clock,
    pub(super) slots: Vec<Slot<ProbeJob>>,
    /// How many services are watched.
    services: usize,
    pub(super) limits: schedule::InFlight,
    backup_cron: String,
    digests: Digests,
    pub(super) inbox: Inbox,
    commands: mpsc::UnboundedSender<Command<ProbeJob>>,
    receiver: mpsc::UnboundedReceiver<Command<ProbeJob>>,
    counters: Arc<Counters>,
    pub(super) engine_counters: Arc<crate::engine::Counters>,
    pub(super) engine: JoinHandle<()>,
    pub(super) sender: JoinHandle<()>,
    pub(super) stop_sender: CancellationToken,
    pub(super) runner: Option<Runner>,
    reload: Reload,
    stop: CancellationToken,
    pub(super) data_dir: PathBuf,
}

impl Stage {
    pub(super) fn set(setup: Setup, stop: CancellationToken) -> Result<Self, DaemonError> {
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
        let Numbered { services, slots } = plan::number(&mut store, &config, &client, clock.now())?;
        let watched = services.len();
        let instance = store.instance().to_owned();
        let composer = plan::composer(&config, store.instance()).map_err(DaemonError::Mail)?;
        let ways = sender::ways(&config, &clock).map_err(DaemonError::Mail)?;
        for way in ways.iter().filter_map(sender::Way::describe) {
            info!("{way}");
        }

        let (commands, receiver) = mpsc::unbounded_channel();
        let counters = Arc::new(Counters::default());
        let events = match events {
            Some(path) => Some(
                Relay::open_events(&path)
                    .map_err(|e| DaemonError::System("open the events file", e))?,
            ),
            None => None,
        };
        let inbox = Inbox::default();
        let (asker, replace) = control::start(control::of(&config, &clock)?, inbox.clone());
        let (hook, runner) = match &config.on_change {
            Some(on_change) => {
                let (hook, runner) = Hook::start(on_change.clone(), config.redactor.clone())?;
                (Some(hook), Some(runner))
            }
            None => (None, None),
        };
        let missed = counters.clone();
        let direct = Direct::default();
        let engine = Engine::start(Parts {
            store,
            clock: clock.clone(),
            services,
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
                wake: ways.iter().map(|way| way.wake.clone()).collect(),
                events,
                witness,
                controls: asker,
                hook,
                direct: direct.clone(),
                clock: clock.clone(),
            }),
        })?;
        let (data_dir, limits, backup_cron) = (
            config.data_dir.clone(),
            config.limits,
            config.backup.cron.clone(),
        );
        let lasting = Lasting::of(&config);
        let (kept, in_force) = watch::channel(digest::keep(&Arc::new(config)));
        let digests = Digests::new(in_force, instance, clock.clone(), inbox.clone());
        let reload = Reload {
            kept,
            reread,
            lasting,
            clock: clock.clone(),
            inbox: inbox.clone(),
            commands: commands.clone(),
            controls: replace,
        };
        let engine_counters = engine.counters();
        let engine = {
            let inbox = inbox.clone();
            thread("engine", move || engine.run(&inbox))?
        };
        let stop_sender = CancellationToken::new();
        let sender = {
            let (inbox, clock, stop) = (inbox.clone(), clock.clone(), stop_sender.clone());
            let data_dir = data_dir.clone();
            thread("mail", move || {
                sender::run(ways, &data_dir, &direct, &inbox, &clock, &stop);
            })?
        };
        Ok(Self {
            clock,
            slots,
            services: watched,
            limits,
            backup_cron,
            digests,
            inbox,
            commands,
            receiver,
            counters,
            engine_counters,
            engine,
            sender,
            stop_sender,
            runner,
            reload,
            stop,
            data_dir,
        })
    }

    pub(super) async fn play(self, mut signals: Signals) -> Result<(), DaemonError> {
        let Stage {
            clock,
            inbox,
            commands,
            counters,
            stop,
            reload,
            engine_counters,
            ..
        } = self;
        let housekeeping = match housekeeping::start(&inbox, &self.backup_cron, &self.digests).await
        {
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
        let probes = self.slots.len();
        let schedule = schedule::run(
            self.slots,
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
                    _ = signals.hangup.recv() => reload.run(),
                    () = tokio::time::sleep(RESYNC) => resync(&clock, &inbox, &commands),
                }
            }
        };
        info!("watching {probes} probes of {} services", self.services);
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
        close(
            &inbox,
            self.engine,
            &self.stop_sender,
            self.sender,
            self.runner,
        );
        info!("stopped");
        Ok(())
    }
}

/// Ends engine and sender, in this order: what the engine commits last may be a letter, and it is sent after the next start.
pub(super) fn close(
    inbox: &Inbox,
    engine: JoinHandle<()>,
    stop_sender: &CancellationToken,
    sender: JoinHandle<()>,
    runner: Option<Runner>,
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
    if let Some(runner) = runner {
        runner.close();
    }
}

/// What the operator says to a running daemon.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(|e| DaemonError::System("listen to signals", e));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

/// Starts a thread whose panic ends the process: a daemon without engine or sender would be a ghost.
pub(super) fn thread(
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
