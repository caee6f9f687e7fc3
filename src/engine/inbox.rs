//! What waits for the engine: filled by the schedule and the sender without ever blocking them.
//!
//! Good news can wait for company: samples of success are left lying until the next turn, so that a thousand of them
//! cost one wake-up. Anything the detector may act on wakes the engine at once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::blind::Tally;
use crate::model::notification::{DeliveryReport, Letter};
use crate::model::said::Order;
use crate::model::{Outcome, Sample};

use super::ServicePlan;
use crate::store::{Store, StoreError};

/// Samples that are kept when the engine falls behind; beyond that the oldest are dropped and counted. 15 MB.
const MOST_SAMPLES: usize = 100_000;
/// So many samples wake the engine: a good size for one transaction.
const WAKE_AT: usize = 1_000;

/// Gives the services of a changed configuration their numbers; run on the engine's thread, which owns the store.
pub type Renumber = Box<dyn FnOnce(&mut Store) -> Result<Vec<ServicePlan>, StoreError> + Send>;

/// What the engine is told beside samples.
pub enum Input {
    /// An attempt to deliver has ended.
    Report(DeliveryReport),
    /// The wall clock was stepped by so many microseconds.
    ClockStep(i64),
    /// The configuration was read anew.
    Reload(Renumber),
    /// Housekeeping is due.
    Chore(Chore),
    /// Letters that are about no incident: a digest.
    Letters(Vec<Letter>),
    /// The control URLs were asked.
    Controls(Tally),
    /// Somebody who reads the database finds it damaged.
    Damaged,
    /// Somebody said something; the text is the token of the slip that brought it.
    Said(String, Order),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Report(report) => f.debug_tuple("Report").field(report).finish(),
            Input::ClockStep(micros) => f.debug_tuple("ClockStep").field(micros).finish(),
            Input::Reload(_) => f.write_str("Reload"),
            Input::Chore(chore) => f.debug_tuple("Chore").field(chore).finish(),
            Input::Letters(letters) => f.debug_tuple("Letters").field(&letters.len()).finish(),
            Input::Controls(tally) => f.debug_tuple("Controls").field(tally).finish(),
            Input::Damaged => f.write_str("Damaged"),
            Input::Said(_, order) => f.debug_tuple("Said").field(order).finish(),
        }
    }
}

/// Housekeeping that writes to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Sum up the hours that are over, remove what is older than the retention says.
    Tidy,
    /// Copy the database into `backup/`.
    Backup,
}

/// The shared end of the queue.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<(Mutex<Waiting>, Condvar)>);

/// What was waiting, in order of arrival.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Finished runs.
    pub samples: VecDeque<Sample>,
    /// The rest.
    pub inputs: Vec<Input>,
    /// Samples that had to be dropped since the last turn.
    pub dropped: u64,
    /// Nothing more will come.
    pub closed: bool,
    urgent: bool,
}

impl Inbox {
    /// Adds a finished run.
    pub fn sample(&self, sample: Sample) {
        let mut waiting = self.lock();
        let quiet = sample.outcome == Outcome::Success;
        if waiting.samples.len() >= MOST_SAMPLES {
            waiting.samples.pop_front();
            waiting.dropped += 1;
        }
        waiting.samples.push_back(sample);
        if !quiet || waiting.samples.len() == WAKE_AT {
            self.wake(waiting);
        }
    }

    /// Adds anything else.
    pub fn tell(&self, input: Input) {
        let mut waiting = self.lock();
        waiting.inputs.push(input);
        self.wake(waiting);
    }

    /// Nothing more will come: the engine finishes what waits and ends.
    pub fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        self.wake(waiting);
    }

    /// Takes everything, at the latest after `patience`, sooner when something is urgent.
    pub fn take(&self, patience: Duration) -> Waiting {
        let calm = |w: &mut Waiting| !w.urgent && !w.closed && w.samples.len() < WAKE_AT;
        let (mut waiting, _) = self
            .0
            .1
            .wait_timeout_while(self.lock(), patience, calm)
            .unwrap_or_else(PoisonError::into_inner);
        let closed = waiting.closed;
        let taken = std::mem::take(&mut *waiting);
        waiting.closed = closed;
        taken
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        waiting.urgent = true;
        drop(waiting);
        self.0.1.notify_one();
    }

    /// A panic elsewhere cannot leave the queue half changed: each change is one push or one take.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureKind, Fault, Origin, Phases, ProbeId, Timestamp};

    fn sample(n: i64, outcome: Outcome) -> Sample {
        Sample {
            probe: ProbeId(1),
            at: Timestamp::from_micros(n),
            outcome,
            origin: Origin::Scheduled,
            status: None,
            failed_in: None,
            phases: Phases::default(),
            total_us: 1,
            bytes: 0,
            evidence: None,
            found: None,
        }
    }

    #[test]
    fn a_failure_ends_the_wait_at_once_and_nothing_is_lost_or_reordered() {
        let inbox = Inbox::default();
        inbox.sample(sample(1, Outcome::Success));
        inbox.sample(sample(
            2,
            Outcome::Failure(FailureKind::Timeout, Fault::Provider),
        ));
        let taken = inbox.take(Duration::from_secs(3600));
        let order: Vec<i64> = taken.samples.iter().map(|s| s.at.as_micros()).collect();
        assert_eq!(order, [1, 2]);
        assert!(!taken.closed);
    }

    #[test]
    fn when_the_engine_stands_still_the_oldest_are_dropped_and_counted() {
        let inbox = Inbox::default();
        for n in 0..(MOST_SAMPLES as i64 + 7) {
            inbox.sample(sample(n, Outcome::Success));
        }
        let taken = inbox.take(Duration::ZERO);
        assert_eq!((taken.samples.len(), taken.dropped), (MOST_SAMPLES, 7));
        assert_eq!(taken.samples.front().map(|s| s.at.as_micros()), Some(7));
    }

    #[test]
    fn a_closed_inbox_says_so_at_every_take() {
        let inbox = Inbox::default();
        inbox.close();
        assert!(inbox.take(Duration::from_secs(3600)).closed);
        assert!(inbox.take(Duration::from_secs(3600)).closed);
    }
}
