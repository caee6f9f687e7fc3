//! The one loop that judges and remembers: samples in, incidents out, all of it committed before it is told.
//!
//! The engine owns the detectors' state and the database's only writing handle, and runs on a thread of its own. Each
//! turn it folds what has come, and commits samples, state, incidents and letters in one transaction: a crash leaves
//! either all of a turn or nothing of it. While the database cannot be written, it goes on judging from memory.

mod backlog;
mod blind;
mod commit;
mod inbox;
mod ledger;
mod letters;
mod limits;
mod own;
mod post;
mod routes;
mod said;
mod scene;
mod service;
mod startup;
mod storage;
mod telling;
mod told;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::model::budget::Ration;
use crate::model::concerned::Role;
use crate::model::fold::{Recheck, fold};
use crate::model::notification::{Compose, Letter};
use crate::model::{IncidentEvent, IncidentId, Outcome, ProbeId, Sample, ServiceId, Timestamp};
use crate::store::{Retention, Store, StoreError};

use backlog::Backlog;
use blind::Watch;
pub use commit::fact;
pub use inbox::{Chore, Inbox, Input, Renumber};
use ledger::Ledger;
pub use ledger::{Money, ProbeMoney};
pub use routes::Routes;
use said::Orders;
use service::Service;
pub use service::{PlannedMaintenance, ServicePlan, incidents, learned, levels};
use storage::Trouble;
use told::Told;

/// Samples wait this long for company before they are committed.
const GROUP_COMMIT: Duration = Duration::from_millis(250);
/// The state of services whose incident did not change is committed this often.
const CHECKPOINT: Duration = Duration::from_secs(60);
/// Hours of probes that one turn sums up at most: some milliseconds.
const ROLL_UP_HOURS: usize = 20;
/// After a step of the wall clock by more than this, nothing is pruned and nobody told of what ends soon for as long: should
/// the clock be wrong, all that is kept would seem too old, and every certificate over.
const DOUBT: Duration = Duration::from_secs(86_400);
/// Rows that one turn prunes at most, so that no commit waits long for it.
const PRUNE_ROWS: usize = 1_000;

/// Who is told of what was committed. Called on the engine's thread: must not block.
pub trait Observer: Send {
    /// A re-check is wanted; not yet committed, because it cannot wait.
    fn recheck(&mut self, recheck: Recheck);
    /// An event of an incident was committed; it is about these probes.
    fn event(&mut self, service: &str, event: &IncidentEvent, probes: &[Role<'_>]) {
        let _ = (service, event, probes);
    }
    /// Whether [`Observer::routes`] is wanted.
    fn wants_routes(&self) -> bool {
        false
    }
    /// Which services are best used now. Told before the events of a commit, and only when wanted.
    fn routes(&mut self, routes: &Routes) {
        let _ = routes;
    }
    /// A budget lets these probes run at another ration than until now; not yet committed.
    fn rations(&mut self, rations: &[(ProbeId, Ration)]) {
        let _ = rations;
    }
    /// Letters were committed to the outbox.
    fn letters(&mut self) {}
    /// Letters that cannot be committed, to be delivered all the same.
    fn direct(&mut self, letters: Vec<Letter>) {
        let _ = letters;
    }
    /// Whether there are control URLs to be asked.
    fn has_controls(&self) -> bool {
        false
    }
    /// The control URLs are to be asked, all at once; what they say comes as [`Input::Controls`] within 2 s.
    fn ask_controls(&mut self) {}
}

/// Counters that others read while the engine runs.
#[derive(Debug, Default)]
pub struct Counters {
    /// Rounds of the loop: stands still when the loop does.
    pub rounds: AtomicU64,
    /// Samples folded.
    pub folded: AtomicU64,
    /// Samples in committed transactions.
    pub committed: AtomicU64,
}

/// Copies of the database.
#[derive(Debug, Clone)]
pub struct Backups {
    /// The folder they go into.
    pub folder: PathBuf,
    /// How many are kept; the oldest go.
    pub keep: usize,
}

/// What the engine is made of.
pub struct Parts {
    /// The writing handle.
    pub store: Store,
    /// The daemon's clock.
    pub clock: Clock,
    /// The services, with numbers registered in `store`.
    pub services: Vec<ServicePlan>,
    /// Renders what is told.
    pub compose: Box<dyn Compose>,
    /// Name of the place that probes, for the letters.
    pub location: String,
    /// How long what is kept.
    pub retention: Retention,
    /// Where backups go, and how many are kept.
    pub backups: Backups,
    /// Counts of the schedule that `status` shows: slots left out.
    pub missed: Box<dyn Fn() -> u64 + Send>,
    /// Who is told.
    pub observer: Box<dyn Observer>,
}

/// The engine, loaded and caught up with what was committed before.
pub struct Engine {
    parts: Parts,
    services: HashMap<ServiceId, Service>,
    /// The service of each probe.
    homes: HashMap<ProbeId, ServiceId>,
    next_incident: IncidentId,
    backlog: Backlog,
    ledger: Ledger,
    /// What people want.
    orders: Orders,
    /// Who was told what, as of the latest commit.
    told: Told,
    watch: Watch,
    counters: Arc<Counters>,
    last_checkpoint: Timestamp,
    /// Not before this moment is a commit tried again after a failure.
    retry_at: Option<tokio::time::Instant>,
    /// The database refuses writes.
    trouble: Option<Trouble>,
    /// When the last trouble was over that people were told of.
    last_trouble: Option<Timestamp>,
    /// When people were last told that the database was damaged.
    last_damage: Option<Timestamp>,
    pruning: bool,
    /// Before it the clock may be wrong by more than a day.
    sure_from: Timestamp,
    rolling_up: bool,
}

impl Engine {
    /// The counters, for others to read.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Works until the inbox is closed, then commits all that is left.
    pub fn run(mut self, inbox: &Inbox) {
        let patience = self
            .parts
            .clock
            .real(GROUP_COMMIT)
            .max(Duration::from_millis(1));
        loop {
            let mut waiting = inbox.take(patience);
            waiting.inputs.extend(self.listen());
            self.counters.rounds.fetch_add(1, Ordering::Relaxed);
            self.backlog.dropped += waiting.dropped;
            self.turn(waiting.samples.into(), waiting.inputs);
            if waiting.closed {
                return self.finish();
            }
        }
    }

    /// One turn: fold what has come, then commit what there is.
    pub fn turn(&mut self, mut samples: Vec<Sample>, inputs: Vec<Input>) {
        let now = self.parts.clock.now();
        samples.sort_by_key(Sample::known_at);
        for mut sample in samples {
            self.set_apart(&mut sample);
            self.see(sample, now);
        }
        for input in inputs {
            self.obey(input);
        }
        let now = self.parts.clock.now();
        self.look(now);
        self.settle(now);
        self.lapse(now);
        self.review(now);
        let checkpoint = now.since(self.last_checkpoint) >= CHECKPOINT;
        let waiting = self
            .retry_at
            .is_some_and(|at| at > tokio::time::Instant::now());
        let tells = self.told.is_due(now, &self.services, &self.orders);
        if (checkpoint || tells || !self.backlog.is_empty()) && !waiting {
            self.commit(now, checkpoint);
        }
        if self.trouble.is_none() {
            self.tidy(now);
        }
    }

    fn fold(&mut self, mut sample: Sample) {
        self.counters.folded.fetch_add(1, Ordering::Relaxed);
        // A probe that was removed while its run was in flight: nobody wants its result.
        let Some(home) = self.homes.get(&sample.probe) else {
            return;
        };
        let Some(service) = self.services.get_mut(home) else {
            return;
        };
        service.pulses.take(&sample);
        if sample.outcome != Outcome::Noted || !self.orders.is_worked_on(service, &sample) {
            service.counts.take(
                &service.plan.numbers,
                service.plan.rules.false_pages_per_year,
                &mut sample,
            );
        }
        let folded = fold(
            &mut service.state,
            &service.plan.rules,
            &sample,
            &mut self.next_incident,
        );
        service.dirty = true;
        self.ledger.take(*home, &sample);
        for recheck in folded.rechecks {
            self.parts.observer.recheck(recheck);
        }
        self.backlog
            .events
            .extend(folded.events.into_iter().map(|event| (*home, event)));
        self.backlog.sample(sample);
    }

    fn obey(&mut self, input: Input) {
        match input {
            Input::Report(report) => self.backlog.reports.push(report),
            Input::Damaged => self.look_into_damage(self.parts.clock.now()),
            Input::ClockStep(micros) => {
                warn!(
                    "the wall clock was stepped by {:+.1} s",
                    micros as f64 / 1e6
                );
                for service in self.services.values_mut() {
                    service.state.shift(micros);
                    service.counts.shift(micros);
                    service.pulses.shift(micros);
                    service.dirty = true;
                }
                // At once, or the latest checkpoint would seem as old as the step is wide.
                self.last_checkpoint = Timestamp::EPOCH;
                self.backlog.shift += micros;
                self.shift_trouble(micros);
                self.orders.spells.shift(micros);
                self.backlog.heard.shift(micros);
                self.ledger.clock_stepped();
                self.watch.shift(micros);
                if u128::from(micros.unsigned_abs()) > DOUBT.as_micros() {
                    self.sure_from = self.parts.clock.now() + DOUBT;
                }
            }
            Input::Controls(tally) => self.controls(tally, self.parts.clock.now()),
            Input::Reload(renumber) => match renumber(&mut self.parts.store) {
                Ok(plans) => self.reload(plans),
                Err(e) => error!("the changed configuration could not be adopted: {e}"),
            },
            Input::Chore(Chore::Tidy) => (self.pruning, self.rolling_up) = (true, true),
            Input::Letters(letters) => self.backlog.letters(letters),
            Input::Chore(Chore::Backup) => self.back_up(),
            Input::Said(token, order) => self.hear(token, order),
        }
    }

    /// Watches that have ended make their incidents final, once it was told of those that it is to be told of.
    fn settle(&mut self, now: Timestamp) {
        let waiting: HashSet<ServiceId> = self.told.mailings.services_due(now).collect();
        for service in self.services.values_mut() {
            if waiting.contains(&service.plan.id) {
                continue;
            }
            while let Some(incident) = service.state.settle(&service.plan.rules, now) {
                service.dirty = true;
                self.backlog.finals.push(incident);
            }
        }
    }

    /// A small piece of the housekeeping, if there is any to do.
    fn tidy(&mut self, now: Timestamp) {
        let store = &mut self.parts.store;
        let done = if self.rolling_up {
            let summed = store.roll_up(now, ROLL_UP_HOURS);
            summed.map(|hours| self.rolling_up = hours > 0)
        } else if self.pruning && now >= self.sure_from {
            let pruned = store.prune(now, &self.parts.retention, PRUNE_ROWS);
            pruned.map(|pruned| self.pruning = pruned.more)
        } else {
            Ok(())
        };
        let Err(e) = done else { return };
        warn!("the housekeeping is put off for an hour: {e}");
        (self.rolling_up, self.pruning) = (false, false);
        // The handle is not to be written with again as it is.
        if matches!(e, StoreError::Io(_) | StoreError::Corrupt(_)) {
            self.refused(&e, now);
        }
    }

    fn back_up(&mut self) {
        let now = self.parts.clock.now();
        match startup::back_up(&mut self.parts.store, &self.parts.backups, now) {
            Ok(file) => info!("the database was copied to {}", file.display()),
            Err(e) => error!("no backup was made: {e}"),
        }
    }

    /// Takes a changed configuration: services that stay keep what they have learned; one that is gone ends its
    /// incident, and nobody is mailed for what nobody wants to be watched any more.
    fn reload(&mut self, plans: Vec<ServicePlan>) {
        let now = self.parts.clock.now();
        let staying: HashSet<ServiceId> = plans.iter().map(|p| p.id).collect();
        for service in self
            .services
            .values_mut()
            .filter(|s| !staying.contains(&s.plan.id))
        {
            let mut plan = service.plan.clone();
            plan.rules.probes.clear();
            plan.recipients.seats.clear();
            let events = service.replan(plan, now);
            self.backlog
                .events
                .extend(events.into_iter().map(|e| (service.plan.id, e)));
        }
        for plan in plans {
            let id = plan.id;
            match self.services.get_mut(&id) {
                Some(service) => {
                    let events = service.replan(plan, now);
                    self.backlog
                        .events
                        .extend(events.into_iter().map(|e| (id, e)));
                }
                None => {
                    self.services.insert(id, startup::load(plan, None));
                }
            }
        }
        self.homes = startup::homes(&self.services);
        self.watch.retain(|id| staying.contains(&id));
        match startup::ledger(&self.parts.store, &self.services, now) {
            Ok(ledger) => {
                let old = std::mem::replace(&mut self.ledger, ledger);
                self.ledger.inherit(old);
            }
            Err(e) => error!(
                "what the services have spent cannot be read; budgets stay as they were: {e}"
            ),
        }
    }

    /// Has the budgets looked at, and the schedule told of what they change.
    fn review(&mut self, now: Timestamp) {
        let services = &self.services;
        let in_doubt = |s: &Service| s.state.suspects() || s.state.is_slow();
        let changes = self
            .ledger
            .review(now, |id| services.get(&id).is_some_and(in_doubt));
        if !changes.rations.is_empty() {
            self.parts.observer.rations(&changes.rations);
        }
        self.backlog.rations(changes.rows);
    }

    /// Commits all that is left, with the state of every service.
    fn finish(mut self) {
        self.retry_at = None;
        let now = self.parts.clock.now();
        self.release_all(now);
        self.commit(now, true);
        if self.trouble.is_some() {
            error!(
                "{} samples could not be saved before the end",
                self.backlog.samples.len()
            );
        }
    }
}
