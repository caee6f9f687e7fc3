//! The timetable at work: starts each probe at its time, keeps to the limits, hands on what comes back.
//!
//! One loop owns all of it. A probe has at most one run in flight; a slot that comes too late is left out and counted,
//! never made up for in a bunch; a re-check waits for the run that is in its way.

mod crash;
mod desk;
mod limits;
mod pulse;
mod timetable;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::Clock;
use crate::model::budget::Ration;
use crate::model::{Cadence, ProbeId, Sample, Timestamp};
use crate::probe::Run;

use desk::Desk;
use pulse::BEAT;

/// A shutdown waits this long for runs in flight; their results would otherwise be lost.
const LAST_RUNS: Duration = Duration::from_secs(2);

/// What runs a probe once.
pub trait Job: Clone + Send + 'static {
    /// One run. It keeps its own time limit.
    fn run(self) -> impl Future<Output = Run> + Send;
}

/// A probe in the plan.
#[derive(Debug, Clone)]
pub struct Slot<J> {
    /// Who it is.
    pub probe: ProbeId,
    /// `service/probe`: decides its offset.
    pub name: String,
    /// `host:port`: what the limit per host counts.
    pub host: String,
    /// How often it runs.
    pub cadence: Cadence,
    /// What to run.
    pub job: J,
}

/// Bounds on requests in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// In all.
    pub total: usize,
    /// To one `host:port`.
    pub per_host: usize,
}

impl Default for InFlight {
    /// 512 in all (36 KiB each on https: 18 MiB), 64 to a host.
    fn default() -> Self {
        Self {
            total: 512,
            per_host: 64,
        }
    }
}

/// What the loop is told while it runs.
#[derive(Debug)]
pub enum Command<J> {
    /// The detector wants one more run of this probe, not before the moment.
    Recheck(ProbeId, Timestamp),
    /// The configuration changed. Probes that stay keep their offsets; runs in flight are let go on.
    Replace(Vec<Slot<J>>),
    /// A budget lets these probes run at another ration. Their slots stay where they are: some are left out. Re-checks run
    /// all the same, and so does a run that has begun.
    Ration(Vec<(ProbeId, Ration)>),
    /// The wall clock was stepped: cron times are computed anew.
    ClockStepped,
}

/// Counters that others read while the loop runs.
#[derive(Debug, Default)]
pub struct Counters {
    /// Slots that were left out because they came too late.
    pub missed: AtomicU64,
    /// Slots that a budget left out.
    pub thinned: AtomicU64,
    /// Runs that were started.
    pub started: AtomicU64,
    /// Rounds of the loop: stands still when the loop does.
    pub rounds: AtomicU64,
}

/// Runs the plan until `stop`. Every finished run goes to `sink`, which must not block.
pub async fn run<J: Job>(
    plan: Vec<Slot<J>>,
    in_flight: InFlight,
    clock: Clock,
    mut commands: UnboundedReceiver<Command<J>>,
    counters: Arc<Counters>,
    sink: impl Fn(Sample) + Send,
    stop: CancellationToken,
) {
    let mut desk = Desk::new(plan, in_flight, clock.clone(), counters);
    loop {
        desk.counters.rounds.fetch_add(1, Ordering::Relaxed);
        desk.beat();
        desk.start_due();
        let wake = tokio::time::Instant::now() + BEAT;
        let wake = match desk.table.next_at() {
            Some(at) => wake.min(clock.instant_at(at)),
            None => wake,
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(done) = desk.runs.join_next() => desk.take(done, &sink),
            Some(command) = commands.recv() => desk.obey(command),
            () = tokio::time::sleep_until(wake) => {}
        }
    }
    let last = async {
        while let Some(done) = desk.runs.join_next().await {
            desk.finish(done, &sink);
        }
    };
    // What is still running after that is dropped: a run cut short by us says nothing about the service.
    if tokio::time::timeout(LAST_RUNS, last).await.is_err() {
        warn!("stopped with runs in flight; they are not recorded");
    }
}

#[cfg(test)]
mod tests;
