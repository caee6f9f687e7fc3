//! The desk of the loop: which probe is due, which may start, and what becomes of its run.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tracing::{error, warn};

use super::crash::crashed;
use super::limits::{Guest, HostIndex, Limits, Promise};
use super::pulse::Pulse;
use super::timetable::{Punctuality, Reason, Timetable, first_slot, next_slot, punctuality};
use super::{Command, Counters, InFlight, Job, Slot};
use crate::clock::{Clock, uptime};
use crate::model::budget::Ration;
use crate::model::{Cadence, Origin, Outcome, ProbeId, Sample};
use crate::probe::Run;

/// Lateness on the machine's clock that cannot be told from none; matters to a sped-up clock only.
const GRAIN: Duration = Duration::from_millis(100);
/// A run that fails sooner than this hangs on nothing.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A re-check that finds a scheduled run waiting comes this much after it.
const BEHIND: Duration = Duration::from_secs(1);

/// Whose run, of which plan, what for, how the loop stood at its start, and what came of it.
type Ended = (Guest, u32, Origin, Pulse, Run);
pub(super) type Done = Result<Ended, tokio::task::JoinError>;

/// The plan, what is due, and what runs.
pub(super) struct Desk<J> {
    clock: Clock,
    pub(super) counters: Arc<Counters>,
    pub(super) table: Timetable,
    entries: Vec<Entry<J>>,
    by_probe: HashMap<ProbeId, u32>,
    limits: Limits,
    in_flight: InFlight,
    pub(super) runs: JoinSet<Ended>,
    pulse: Pulse,
    /// Counted up by each replacement of the plan, so that results of an earlier plan do not touch this one's entries.
    generation: u32,
}

/// A probe of the plan, and how it stands.
struct Entry<J> {
    slot: Slot<J>,
    host: HostIndex,
    interval: Duration,
    ration: Ration,
    /// Slots so far, of a cron probe: every so many runs when it is thinned.
    slots: u32,
    /// The first slot after the start, or one that was put off until then: it is not left out.
    moved: Option<Duration>,
    running: bool,
    promise: Promise,
    /// Admitted, queued or waiting for the run before it: why, and since when it is due.
    next: Option<(Origin, Duration)>,
}

impl<J> Entry<J> {
    fn guest(&self, index: u32) -> Guest {
        Guest {
            probe: index,
            host: self.host,
            promise: self.promise,
        }
    }

    /// Whether the probe's ration lets it run at its slot of `at`.
    ///
    /// One slot in n is a slot of an interval n times as long: which of them follows from the name, as the offset does.
    fn keeps(&mut self, at: Duration) -> bool {
        let moved = self.moved.take_if(|moved| *moved == at).is_some();
        self.slots = self.slots.wrapping_add(1);
        match (self.ration, &self.slot.cadence) {
            (Ration::FULL, _) => true,
            (Ration::Nothing, _) => false,
            _ if moved => true,
            (Ration::OneIn(n), Cadence::Every(every)) => {
                let long = every.saturating_mul(n);
                let just_before = at.saturating_sub(Duration::from_nanos(1));
                next_slot(&self.slot.name, long, just_before) == at
            }
            (Ration::OneIn(n), Cadence::Cron(_)) => self.slots.is_multiple_of(n.max(1)),
        }
    }
}

impl<J: Job> Desk<J> {
    pub(super) fn new(
        plan: Vec<Slot<J>>,
        in_flight: InFlight,
        clock: Clock,
        counters: Arc<Counters>,
    ) -> Self {
        let mut desk = Self {
            clock,
            counters,
            table: Timetable::default(),
            entries: Vec::new(),
            by_probe: HashMap::new(),
            limits: Limits::new(in_flight.total, in_flight.per_host),
            in_flight,
            runs: JoinSet::new(),
            pulse: Pulse::new(uptime()),
            generation: 0,
        };
        desk.enter(plan);
        desk
    }

    fn enter(&mut self, plan: Vec<Slot<J>>) {
        let now = self.clock.elapsed();
        let known = std::mem::take(&mut self.by_probe);
        self.table = Timetable::default();
        self.limits = Limits::new(self.in_flight.total, self.in_flight.per_host);
        self.entries = Vec::with_capacity(plan.len());
        for slot in plan {
            let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            let host = self.limits.host(&slot.host);
            let interval = slot.cadence.interval();
            self.by_probe.insert(slot.probe, index);
            let mut moved = None;
            if let Cadence::Every(every) = slot.cadence {
                let at = if known.contains_key(&slot.probe) {
                    next_slot(&slot.name, every, now)
                } else {
                    let first = first_slot(&slot.name, every, now);
                    moved = Some(first);
                    first
                };
                self.table.push(at, index, Reason::Slot);
            }
            let entry = Entry {
                slot,
                host,
                interval,
                ration: Ration::FULL,
                slots: 0,
                moved,
                running: false,
                promise: Promise::default(),
                next: None,
            };
            self.entries.push(entry);
        }
        self.enter_cron();
    }

    fn enter_cron(&mut self) {
        for index in 0..self.entries.len() {
            self.push_next(index as u32);
        }
    }

    /// Puts the next occurrence of a cron probe into the timetable; interval probes are left alone.
    fn push_next(&mut self, index: u32) {
        let Cadence::Cron(times) = &self.entries[index as usize].slot.cadence else {
            return;
        };
        let now = self.clock.now();
        match times.next_after(now) {
            Some(at) => {
                self.table
                    .push(self.clock.elapsed() + at.since(now), index, Reason::Slot);
            }
            None => {
                warn!(probe.name = %self.entries[index as usize].slot.name, "cron expression has no further occurrence")
            }
        }
    }

    pub(super) fn obey(&mut self, command: Command<J>) {
        match command {
            Command::Recheck(probe, not_before) => {
                let Some(&index) = self.by_probe.get(&probe) else {
                    return;
                };
                let at = self.clock.elapsed() + not_before.since(self.clock.now());
                self.table.push(at, index, Reason::Recheck);
            }
            Command::Ration(rations) => {
                for (probe, ration) in rations {
                    let index = self.by_probe.get(&probe).copied();
                    let entry = index.and_then(|i| self.entries.get_mut(i as usize));
                    if let Some(entry) = entry {
                        entry.ration = ration;
                    }
                }
            }
            Command::Replace(plan) => {
                self.generation += 1;
                self.enter(plan);
            }
            Command::ClockStepped => {
                let mut kept = Timetable::default();
                while let Some(due) = self.table.pop(Duration::MAX) {
                    let entry = &self.entries[due.probe as usize];
                    let cron = matches!(entry.slot.cadence, Cadence::Cron(_));
                    if !(cron && due.reason == Reason::Slot) {
                        kept.push(due.at(), due.probe, due.reason);
                    }
                }
                self.table = kept;
                self.enter_cron();
            }
        }
    }

    /// The loop has come round.
    pub(super) fn beat(&mut self) {
        if let Some(stood) = self.pulse.beat(uptime()) {
            warn!(
                "watchfire stood still for {:.1} s: stopped, asleep, or without a processor; runs that failed \
                 meanwhile are recorded as unknown",
                stood.as_secs_f64()
            );
        }
    }

    pub(super) fn start_due(&mut self) {
        let now = self.clock.elapsed();
        while let Some(due) = self.table.pop(now) {
            match due.reason {
                Reason::Slot => self.slot_due(due.probe, due.at(), now),
                Reason::Recheck => {
                    let entry = &self.entries[due.probe as usize];
                    if entry.next.is_none() {
                        self.want(due.probe, Origin::Recheck, due.at());
                    } else {
                        self.table.push(now + BEHIND, due.probe, Reason::Recheck);
                    }
                }
            }
        }
    }

    fn slot_due(&mut self, index: u32, at: Duration, now: Duration) {
        if !self.entries[index as usize].keeps(at) {
            self.counters.thinned.fetch_add(1, Ordering::Relaxed);
            return self.push_after(index, now);
        }
        let grain = self.clock.told(GRAIN);
        let entry = &self.entries[index as usize];
        let verdict = punctuality(
            &entry.slot.name,
            entry.interval,
            now.saturating_sub(at),
            grain,
        );
        let busy = entry.running || matches!(entry.next, Some((Origin::Scheduled, _)));
        self.push_after(index, now);
        match verdict {
            Punctuality::OnTime if !busy || self.entries[index as usize].next.is_none() => {
                self.want(index, Origin::Scheduled, at);
            }
            Punctuality::Postpone(by) if !busy => {
                self.entries[index as usize].moved = Some(now + by);
                self.table.push(now + by, index, Reason::Slot);
            }
            _ => self.miss(),
        }
    }

    /// Puts the slot after `now` into the timetable.
    fn push_after(&mut self, index: u32, now: Duration) {
        match &self.entries[index as usize].slot {
            Slot {
                name,
                cadence: Cadence::Every(every),
                ..
            } => {
                let next = next_slot(name, *every, now);
                self.table.push(next, index, Reason::Slot);
            }
            _ => self.push_next(index),
        }
    }

    fn miss(&self) {
        self.counters.missed.fetch_add(1, Ordering::Relaxed);
    }

    /// Starts a run, or leaves it waiting for the probe's own earlier run or for a place.
    fn want(&mut self, index: u32, origin: Origin, due: Duration) {
        let entry = &mut self.entries[index as usize];
        let queued = entry.next.is_some();
        if let Some((Origin::Recheck, _)) = entry.next {
            self.table.push(due + BEHIND, index, Reason::Recheck);
        }
        entry.next = Some((origin, due));
        if entry.running || queued {
            return;
        }
        let guest = entry.guest(index);
        if self.limits.admit(guest) {
            self.start(guest);
        }
    }

    /// Starts the run that `next` holds; its place is taken. When that run has become stale in its wait, its place goes
    /// to the next in the queue, and so on: after a long wait all of them may have.
    fn start(&mut self, guest: Guest) {
        let mut candidate = Some(guest);
        while let Some(guest) = candidate {
            if self.start_unless_stale(guest) {
                return;
            }
            candidate = self.limits.release(guest);
        }
    }

    /// False when nothing was started, and the place is free again.
    fn start_unless_stale(&mut self, guest: Guest) -> bool {
        let index = guest.probe;
        let now = self.clock.elapsed();
        let grain = self.clock.told(GRAIN);
        let entry = &mut self.entries[index as usize];
        let Some((origin, due)) = entry.next.take() else {
            return false;
        };
        let late = now.saturating_sub(due);
        let stale = punctuality(&entry.slot.name, entry.interval, late, grain) == Punctuality::Skip;
        if origin == Origin::Scheduled && stale {
            self.miss();
            return false;
        }
        entry.running = true;
        self.counters.started.fetch_add(1, Ordering::Relaxed);
        let (job, generation, clock) =
            (entry.slot.job.clone(), self.generation, self.clock.clone());
        self.beat();
        let begun = self.pulse;
        self.runs.spawn(async move {
            let run = AssertUnwindSafe(job.run()).catch_unwind().await;
            let run = run.unwrap_or_else(|_| crashed(clock.stamp(now)));
            (guest, generation, origin, begun, run)
        });
        true
    }

    fn give_back(&mut self, guest: Guest) {
        if let Some(next) = self.limits.release(guest) {
            self.start(next);
        }
    }

    pub(super) fn take(&mut self, done: Done, sink: &impl Fn(Sample)) {
        let Some((guest, generation)) = self.finish(done, sink) else {
            return;
        };
        if generation != self.generation {
            return;
        }
        let index = guest.probe;
        self.entries[index as usize].running = false;
        self.give_back(guest);
        // Whatever waited for this run to end takes its turn now, if the queue has not already started it.
        let entry = &self.entries[index as usize];
        if entry.running || entry.next.is_none() {
            return;
        }
        let guest = entry.guest(index);
        if self.limits.admit(guest) {
            self.start(guest);
        }
    }

    /// Hands a finished run on. Returns whose it was.
    pub(super) fn finish(&mut self, done: Done, sink: &impl Fn(Sample)) -> Option<(Guest, u32)> {
        // First: the run may have ended because all of us stood still.
        self.beat();
        let (guest, generation, origin, begun, mut run) = match done {
            Ok(done) => done,
            Err(e) => {
                error!("a probe's task ended without a result: {e}");
                return None;
            }
        };
        if generation == self.generation {
            let entry = &mut self.entries[guest.probe as usize];
            entry.promise = promise_after(&run);
            let probe = entry.slot.probe;
            if let Some(cause) = self.pulse.excuse(begun, run.outcome) {
                run.outcome = Outcome::Inconclusive(cause);
            }
            sink(run.into_sample(probe, origin));
        }
        Some((guest, generation))
    }
}

/// What a run leads to expect of the next one.
fn promise_after(run: &Run) -> Promise {
    let at_once = u128::from(run.total_us) < AT_ONCE.as_micros();
    match run.outcome {
        Outcome::Failure(..) if !at_once => Promise::Unknown,
        _ => Promise::Ends,
    }
}
