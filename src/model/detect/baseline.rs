//! The baseline: how often a probe fails when nothing is wrong.
//!
//! Only scheduled runs teach it, and only those that led to no incident: otherwise an outage would become usual.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A probe remembers about so many seconds of runs.
const MEMORY_SECONDS: f64 = 14.0 * 86_400.0;
/// What is kept of the weights when there are more runs than that.
const FADE: f64 = 0.98;
/// z of the upper estimate: nine times in ten the true rate is below it.
const Z: f64 = 1.28;

/// Weights of failures and successes, and the scheduled runs that still await their verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    failures: f64,
    successes: f64,
    #[serde(default, skip_serializing_if = "super::is_default")]
    pending_runs: u32,
    #[serde(default, skip_serializing_if = "super::is_default")]
    pending_failed: u32,
}

impl Default for Baseline {
    /// One failure in 200 runs, until the probe has shown what is usual for it.
    fn default() -> Self {
        Self {
            failures: 1.0,
            successes: 199.0,
            pending_runs: 0,
            pending_failed: 0,
        }
    }
}

impl Baseline {
    /// The usual failure rate, as an upper estimate from 0.1 % to 5 %.
    ///
    /// The lower end keeps a spotless probe from paging at its first failure, the upper one keeps a long trouble from
    /// becoming usual.
    pub fn usual(&self) -> f64 {
        let runs = self.failures + self.successes;
        let mean = self.failures / runs;
        (mean + Z * (mean * (1.0 - mean) / runs).sqrt()).clamp(0.001, 0.05)
    }

    /// Runs that have taught it, as far as they are remembered; the prior is not among them.
    pub fn runs(&self) -> f64 {
        let prior = Self::default();
        (self.failures + self.successes - prior.failures - prior.successes).max(0.0)
    }

    /// Takes a scheduled run in, to be judged by what follows.
    pub fn suspend(&mut self, failed: bool) {
        self.pending_runs = self.pending_runs.saturating_add(1);
        self.pending_failed += u32::from(failed);
    }

    /// The suspicion is over: what was waiting was usual.
    pub fn accept(&mut self, interval: Duration) {
        self.failures += f64::from(self.pending_failed);
        self.successes += f64::from(self.pending_runs - self.pending_failed.min(self.pending_runs));
        self.reject();
        if (self.failures + self.successes) * interval.as_secs_f64() > MEMORY_SECONDS {
            self.failures *= FADE;
            self.successes *= FADE;
        }
    }

    /// What was waiting belonged to an incident, and teaches nothing.
    pub fn reject(&mut self) {
        self.pending_runs = 0;
        self.pending_failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    #[test]
    fn an_unknown_probe_is_taken_to_fail_one_time_in_a_hundred() {
        let usual = Baseline::default().usual();
        assert!((0.010..0.012).contains(&usual), "{usual}");
    }

    #[test]
    fn a_week_of_successes_brings_the_usual_rate_down_to_its_floor() {
        let mut baseline = Baseline::default();
        for _ in 0..7 * 2880 {
            baseline.suspend(false);
            baseline.accept(INTERVAL);
        }
        assert_eq!(baseline.usual(), 0.001);
    }

    #[test]
    fn an_outage_teaches_nothing() {
        let mut baseline = Baseline::default();
        baseline.suspend(true);
        baseline.reject();
        assert_eq!(baseline, Baseline::default());
    }
}
