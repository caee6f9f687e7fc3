//! A user's own limit: are there more too slow runs than usual?
//!
//! The sums, the baseline and the recovery are those of the error rate, told of runs that were right but later than the
//! probe allows (`latency_under`, `first_token_within`). Slow runs follow each other where nothing is wrong, so how
//! often one follows another is learned, and one right after another weighs only as much as that leaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::track::Moment;
use crate::model::Timestamp;
use crate::model::detect::bank::{Bank, Sizes};
use crate::model::detect::baseline::Baseline;
use crate::model::detect::is_default;
use crate::model::detect::recovery::Recovery;

/// How often a too slow run follows another until the probe has shown it: one time in five, as good as seen 20 times.
const FOLLOWS: (f32, f32) = (4.0, 20.0);
/// What is remembered of that, in runs after a too slow one.
const MEMORY_RUNS: f32 = 400.0;
/// A run after a too slow one is never taken to be too slow by mere habit more often than this.
const MOST_FOLLOW: f64 = 0.8;
/// The sums grow no further than one run above this, in nats: more than any bound.
const MOST_EVIDENCE: f64 = 25.0;

/// What is remembered of one probe's limit. Kept from the first run that is too slow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Limit {
    baseline: Baseline,
    #[serde(default, skip_serializing_if = "is_default")]
    bank: Bank,
    #[serde(default, skip_serializing_if = "is_default")]
    recovery: Recovery,
    #[serde(default, skip_serializing_if = "is_default")]
    affected: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    last: bool,
    /// Too slow runs, and all, right after a too slow one.
    follow: (f32, f32),
    /// The same, awaiting their verdict.
    #[serde(default, skip_serializing_if = "is_default")]
    pending: (u32, u32),
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            baseline: Baseline::default(),
            bank: Bank::default(),
            recovery: Recovery::default(),
            affected: false,
            last: false,
            follow: FOLLOWS,
            pending: (0, 0),
        }
    }
}

impl Limit {
    /// Takes a run in.
    pub fn take(&mut self, too_slow: bool, at: &Moment, sizes: &Sizes) {
        let usual = self.usual();
        let [min_rate, ..] = *sizes;
        if at.teaches {
            self.baseline.suspend(too_slow);
        }
        if self.affected {
            if too_slow {
                self.recovery.fail(usual, min_rate);
            } else {
                self.recovery.pass(usual, at.known);
            }
        }
        let noise = if self.last {
            let (slow, all) = self.follow;
            f64::from(slow / all).clamp(usual, MOST_FOLLOW)
        } else {
            usual
        };
        if self.last && at.teaches {
            let (slow, all) = &mut self.pending;
            *slow = slow.saturating_add(u32::from(too_slow));
            *all = all.saturating_add(1);
        }
        self.last = too_slow;
        // Not further than that, so that it is paid back as soon as things are well.
        let more = too_slow && self.bank.score() < MOST_EVIDENCE;
        if more || !(too_slow || self.bank.is_idle()) {
            self.bank.add(too_slow, noise, at.start, sizes);
        }
        if self.bank.is_idle() && at.teaches {
            self.accept(at.interval_s);
        }
    }

    /// The suspicion is over: what was waiting was usual.
    fn accept(&mut self, interval_s: f64) {
        let interval = Duration::try_from_secs_f64(interval_s).unwrap_or_default();
        self.baseline.accept(interval);
        let ((slow, all), (more_slow, more)) = (&mut self.follow, self.pending);
        if more > 0 {
            let kept = (1.0 - more as f32 / MEMORY_RUNS).max(0.0);
            let kept = if *all + more as f32 > MEMORY_RUNS {
                kept
            } else {
                1.0
            };
            *slow = *slow * kept + more_slow as f32;
            *all = *all * kept + more as f32;
            self.pending = (0, 0);
        }
    }

    /// The incident is about this limit from now on.
    pub fn affect(&mut self, min_rate: f64) {
        if !self.affected {
            self.affected = true;
            self.recovery.begin(min_rate);
            let (runs, slow) = (self.bank.runs(), self.bank.failed());
            self.recovery.begin_affected(runs, slow, min_rate);
        }
    }

    /// Whether the incident is about this limit.
    pub fn is_affected(&self) -> bool {
        self.affected
    }

    /// When it came back, if it is back.
    pub fn back_since(&self) -> Option<Timestamp> {
        let complete = self.recovery.is_complete();
        self.recovery.since().filter(|_| complete)
    }

    /// The incident is over: what was suspected in it is forgotten, and teaches nothing.
    pub fn close(&mut self) {
        self.baseline.reject();
        self.bank = Bank::default();
        self.recovery = Recovery::default();
        self.affected = false;
        self.last = false;
        self.pending = (0, 0);
    }

    /// Nothing was seen for long: an old suspicion is no suspicion.
    pub fn interrupt(&mut self) {
        self.last = false;
        if !self.affected {
            self.close();
        }
    }

    /// The sum, in nats.
    pub fn score(&self) -> f64 {
        self.bank.score()
    }

    /// Runs and too slow runs since the onset; the usual share of them.
    pub fn counts(&self) -> (u32, u32, f64) {
        (self.bank.runs(), self.bank.failed(), self.usual())
    }

    /// Start of the first too slow run.
    pub fn onset(&self) -> Option<Timestamp> {
        self.bank.onset()
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.bank.moments().chain(self.recovery.moments())
    }

    fn usual(&self) -> f64 {
        self.baseline.usual()
    }
}
