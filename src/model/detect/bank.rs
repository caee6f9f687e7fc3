//! The evidence: three one-sided sums of log-likelihood ratios (CUSUM; Page 1954, Biometrika 41), one for each size
//! of outage that is looked for.
//!
//! A sum says how much likelier the results since its last zero are in an outage of its size than by noise, in nats.
//! Failures raise it, successes pay it back, and it never falls below zero.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Failure rates that are looked for, from mild to full.
pub type Sizes = [f64; 3];

/// The sizes for a service that is paged from `min_error_rate` on.
pub fn sizes(min_error_rate: f64) -> Sizes {
    [min_error_rate, min_error_rate.max(0.3), 0.9]
}

/// The sums of one scope: a probe, or all probes of a service together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    sums: [f64; 3],
    runs: u32,
    failed: u32,
    onset: Option<Timestamp>,
}

impl Bank {
    /// Whether nothing is suspected: all sums are zero.
    pub fn is_idle(&self) -> bool {
        self.onset.is_none()
    }

    /// The largest sum, in nats.
    pub fn score(&self) -> f64 {
        self.sums.iter().copied().fold(0.0, f64::max)
    }

    /// Runs since the first suspicious failure; 0 when idle.
    pub fn runs(&self) -> u32 {
        self.runs
    }

    /// Failed runs among them.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Start of the first suspicious failure: the estimated onset.
    pub fn onset(&self) -> Option<Timestamp> {
        self.onset
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.onset.iter_mut()
    }

    /// Takes a run in. `noise` is the chance that it would fail if nothing but noise were going on, in (0, 1).
    pub fn add(&mut self, failed: bool, noise: f64, start: Timestamp, sizes: &Sizes) {
        if failed {
            self.onset.get_or_insert(start);
        }
        let mut suspicious = false;
        for (sum, size) in self.sums.iter_mut().zip(sizes) {
            if failed {
                *sum = (*sum + (size / noise).ln()).max(0.0);
            } else if *sum > 0.0 {
                // A success never speaks for an outage, even where noise alone would fail more often than the outage.
                *sum = (*sum + ((1.0 - size) / (1.0 - noise)).ln().min(0.0)).max(0.0);
            }
            suspicious |= *sum > 0.0;
        }
        if suspicious {
            self.runs = self.runs.saturating_add(1);
            self.failed = self.failed.saturating_add(u32::from(failed));
        } else {
            *self = Bank::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::EPOCH;

    #[test]
    fn a_failure_of_a_usually_good_probe_weighs_more_than_one_of_a_flaky_probe() {
        let (mut good, mut flaky) = (Bank::default(), Bank::default());
        good.add(true, 0.001, AT, &sizes(0.1));
        flaky.add(true, 0.05, AT, &sizes(0.1));
        assert!((good.score() - 900f64.ln()).abs() < 1e-12);
        assert!((flaky.score() - 18f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn successes_pay_a_failure_back_and_the_window_starts_anew() {
        let mut bank = Bank::default();
        bank.add(true, 0.01, AT, &sizes(0.1));
        let mut passes = 0;
        while !bank.is_idle() {
            bank.add(false, 0.01, AT, &sizes(0.1));
            passes += 1;
        }
        // ln(.1/.01) is paid back by ln(.9/.99) a run; the two larger sizes are forgotten sooner.
        assert_eq!(passes, 25);
        assert_eq!(bank, Bank::default());
    }

    #[test]
    fn a_failure_that_noise_explains_is_no_suspicion() {
        let mut bank = Bank::default();
        bank.add(true, 0.95, AT, &sizes(0.1));
        assert!(bank.is_idle());
    }
}
