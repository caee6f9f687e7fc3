//! The end of an outage needs evidence too: so many successes that the outage, at the rate it had, is implausible.
//!
//! A full outage is over after a couple of dozen clean runs, a 10 % one only after eighty: successes are what a
//! partial outage mostly shows.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Evidence for recovery that closes an incident, in nats.
const ENOUGH: f64 = 8.0;
/// The outage is never taken to be worse than this: else three successes would end a flapping one.
const WORST_ASSUMED: f64 = 0.3;
/// The outage's own rate is estimated from about so many runs.
const MEMORY_RUNS: f64 = 60.0;
/// z of the lower estimate of the outage's rate.
const Z: f64 = 1.28;

/// How far one probe has recovered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    evidence: f64,
    clean: u32,
    outage_rate: f64,
    runs: f64,
    failed: f64,
    pending_runs: u32,
    pending_failed: u32,
    since: Option<Timestamp>,
}

impl Recovery {
    /// An incident begins; this probe has nothing to do with it so far.
    pub fn begin(&mut self, min_error_rate: f64) {
        self.evidence = 0.0;
        self.clean = 0;
        self.pending_runs = 0;
        self.pending_failed = 0;
        self.outage_rate = min_error_rate;
    }

    /// This probe is part of the incident that begins: `failed` of its last `runs` runs failed.
    pub fn begin_affected(&mut self, runs: u32, failed: u32, min_error_rate: f64) {
        self.runs = f64::from(runs.max(1));
        self.failed = f64::from(failed.max(1));
        self.estimate(min_error_rate);
    }

    /// Whether the outage is over as far as this probe can tell.
    pub fn is_complete(&self) -> bool {
        self.evidence >= ENOUGH
    }

    /// Successes in a row.
    pub fn clean(&self) -> u32 {
        self.clean
    }

    /// When the first success of the present recovery became known.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Takes a failed run in; `usual` is the probe's usual failure rate.
    pub fn fail(&mut self, usual: f64, min_error_rate: f64) {
        self.pending_runs = self.pending_runs.saturating_add(1);
        self.pending_failed = self.pending_failed.saturating_add(1);
        if self.evidence <= (self.outage_rate.max(0.02) / usual).ln() {
            // This failure uses up all evidence for a recovery: the runs since the last such one were still the outage.
            let runs = f64::from(self.pending_runs);
            let kept = (1.0 - runs / MEMORY_RUNS).max(0.0);
            self.runs = self.runs * kept + runs;
            self.failed = self.failed * kept + f64::from(self.pending_failed);
            self.pending_runs = 0;
            self.pending_failed = 0;
            self.estimate(min_error_rate);
            self.since = None;
        }
        let against = (self.outage_rate / usual).ln().max(0.0);
        self.evidence = (self.evidence - against).max(0.0);
        self.clean = 0;
    }

    /// Takes a successful run in that became known at `known`.
    pub fn pass(&mut self, usual: f64, known: Timestamp) {
        self.pending_runs = self.pending_runs.saturating_add(1);
        if self.evidence == 0.0 || self.since.is_none() {
            self.since = Some(known);
        }
        // Where pages are wanted from a rate that is nearly usual, a success still has to tell the two apart.
        let outage_rate = self.outage_rate.max(2.0 * usual);
        self.evidence += ((1.0 - usual) / (1.0 - outage_rate)).ln();
        self.clean = self.clean.saturating_add(1);
    }

    fn estimate(&mut self, min_error_rate: f64) {
        let mean = (self.failed + 0.5) / (self.runs + 1.0);
        let spread = Z * (mean * (1.0 - mean) / (self.runs + 2.0)).max(0.0).sqrt();
        // In this order: a wish for pages above 30 % only must not lower what is assumed below the wish.
        self.outage_rate = (mean - spread).max(min_error_rate).min(WORST_ASSUMED);
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.since.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes_until_complete(mut recovery: Recovery) -> u32 {
        for passes in 0..1000 {
            if recovery.is_complete() {
                return passes;
            }
            recovery.pass(0.005, Timestamp::EPOCH);
        }
        panic!("never complete")
    }

    fn outage(runs: u32, failed: u32) -> Recovery {
        let mut recovery = Recovery::default();
        recovery.begin(0.1);
        recovery.begin_affected(runs, failed, 0.1);
        recovery
    }

    #[test]
    fn a_full_outage_is_over_after_two_dozen_clean_runs_and_a_mild_one_after_eighty() {
        assert_eq!(passes_until_complete(outage(4, 4)), 23);
        assert_eq!(passes_until_complete(outage(40, 4)), 80);
    }

    #[test]
    fn a_failure_throws_a_recovery_back() {
        let mut recovery = outage(4, 4);
        for _ in 0..10 {
            recovery.pass(0.005, Timestamp::EPOCH);
        }
        recovery.fail(0.005, 0.1);
        assert_eq!(recovery.since(), None);
        assert!(passes_until_complete(recovery) >= 23);
    }

    #[test]
    fn recovery_is_found_even_where_the_paged_rate_is_below_the_usual_one() {
        let mut recovery = Recovery::default();
        recovery.begin(0.01);
        recovery.begin_affected(100, 2, 0.01);
        for _ in 0..400 {
            recovery.pass(0.05, Timestamp::EPOCH);
        }
        assert!(recovery.is_complete());
    }
}
