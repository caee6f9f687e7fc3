//! Re-checks: when to look again at once, so that a suspicion is confirmed or dropped in seconds.
//!
//! One is pending at a time for a probe. A pending one that never came is asked for again, so that a lost re-check
//! cannot silence a probe.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds_between;
use crate::model::{Confirm, Timestamp};

/// Re-checks in one suspicion, whatever `max` allows: a limit on the load that a long doubt makes.
const MOST_IN_A_SUSPICION: u32 = 150;
/// While more than a lone failure speaks for an outage, re-checks go on for so many times `max`: a partial outage mostly
/// shows successes.
const STRONG: u32 = 3;
/// A re-check that is overdue by this, and by three of its own spacings, is lost.
const LOST: Duration = Duration::from_secs(60);
/// A result may come this much before its re-check was due and still answer it.
const EARLY: Duration = Duration::from_millis(500);

/// How much speaks for an outage while none is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// What a lone failure leaves.
    Weak,
    /// More than that.
    Strong,
}

/// The re-checks of one probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rechecks {
    due: Option<Timestamp>,
    left: u32,
    asked: u32,
}

impl Rechecks {
    /// When the pending re-check may run at the earliest.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Whether a result that became known at `at` could be the one that was asked for.
    pub fn wants(&self, at: Timestamp) -> bool {
        self.due.is_some_and(|due| at >= due - EARLY)
    }

    /// The pending re-check has come.
    pub fn answered(&mut self) {
        self.due = None;
    }

    /// A failure entitles to further re-checks, a success uses one of them up.
    pub fn count(&mut self, failed: bool, max: u32) {
        self.left = if failed {
            max.saturating_mul(STRONG)
        } else {
            self.left.saturating_sub(1)
        };
    }

    /// The suspicion is over: the next one has its full number.
    pub fn rest(&mut self) {
        self.asked = 0;
    }

    /// Nothing is pending, nothing allowed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Asks for a re-check to confirm a suspicion, unless they are used up or one is pending: `max` of them after the
    /// latest failure, three times as many when the suspicion is strong. `start` is that of the latest run.
    pub fn ask_to_confirm(
        &mut self,
        now: Timestamp,
        start: Timestamp,
        confirm: Confirm,
        suspicion: Suspicion,
    ) -> Option<Timestamp> {
        let Confirm::Rechecks { every, max } = confirm else {
            return None;
        };
        let kept_back = match suspicion {
            Suspicion::Strong => 0,
            Suspicion::Weak => max.saturating_mul(STRONG - 1),
        };
        if self.left <= kept_back || self.asked >= MOST_IN_A_SUSPICION {
            return None;
        }
        let first = self.due.is_none();
        let due = self.ask(now, start + every, every)?;
        self.asked += u32::from(first);
        Some(due)
    }

    /// Asks for a re-check at `at`, or now when that has passed; `None` when one is pending and not lost.
    pub fn ask(&mut self, now: Timestamp, at: Timestamp, every: Duration) -> Option<Timestamp> {
        let lost = LOST.max(every.saturating_mul(3)).as_secs_f64();
        if self
            .due
            .is_some_and(|due| seconds_between(due, now) <= lost)
        {
            return None;
        }
        let due = at.max(now);
        self.due = Some(due);
        Some(due)
    }

    /// When the pending re-check is due, to be moved with the clock.
    pub fn due_mut(&mut self) -> Option<&mut Timestamp> {
        self.due.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five_seconds_apart(max: u32) -> Confirm {
        let every = Duration::from_secs(5);
        Confirm::Rechecks { every, max }
    }

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn one_recheck_is_pending_at_a_time_and_a_lost_one_is_asked_for_again() {
        let mut rechecks = Rechecks::default();
        rechecks.count(true, 20);
        let ask = |r: &mut Rechecks, now: f64| {
            r.ask_to_confirm(
                at(now),
                at(now - 1.0),
                five_seconds_apart(20),
                Suspicion::Weak,
            )
        };
        assert_eq!(ask(&mut rechecks, 1.0), Some(at(5.0)));
        assert_eq!(ask(&mut rechecks, 31.0), None);
        assert_eq!(ask(&mut rechecks, 66.0), Some(at(70.0)));
        assert!(!rechecks.wants(at(69.0)));
        assert!(rechecks.wants(at(69.6)));
    }

    #[test]
    fn max_rechecks_follow_the_latest_failure_and_three_times_as_many_in_strong_suspicion() {
        for (suspicion, most) in [(Suspicion::Weak, 3), (Suspicion::Strong, 9)] {
            let mut rechecks = Rechecks::default();
            rechecks.count(true, 3);
            let mut asked = 0;
            let ask = |r: &mut Rechecks| {
                r.ask_to_confirm(at(0.0), at(0.0), five_seconds_apart(3), suspicion)
            };
            while ask(&mut rechecks).is_some() {
                asked += 1;
                rechecks.answered();
                rechecks.count(false, 3);
            }
            assert_eq!(asked, most);
        }
    }
}
