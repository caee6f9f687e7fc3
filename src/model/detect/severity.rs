//! How bad an open incident is: do at least half of the runs fail, beyond chance?
//!
//! A sum of log-likelihood ratios (70 % against 35 %) finds the moment from which it got worse; the Wilson lower bound
//! (Wilson 1927, JASA 22) of the rate since then must reach one half. Only scheduled runs count: re-checks are asked
//! for after successes, and would make an outage look better than it is.

use serde::{Deserialize, Serialize};

use super::seconds_between;
use crate::model::{Severity, Timestamp, Verdict};

/// A share of failed runs from which an incident is major.
pub const MAJOR: f64 = 0.5;
/// Evidence that it has become major, in nats: under 5 % chance in two hours of a 30 % outage seen by four probes.
const ENOUGH: f64 = 8.0;
/// Fewer runs than this never make it major.
const FEWEST_RUNS: u32 = 8;
/// z of the lower bound.
const Z: f64 = 1.28;
/// What a failure and a success say, in nats: ln(.7/.35), ln(.3/.65).
const FAILED: f64 = std::f64::consts::LN_2;
const PASSED: f64 = -0.773_190;

/// The severity of a window of which this share failed.
pub fn of_rate(rate: f64) -> Severity {
    if rate >= MAJOR {
        Severity::Major
    } else {
        Severity::Partial
    }
}

/// Wilson lower bound of `failed` of `runs`; 0 for no runs.
pub fn lower_bound(failed: u32, runs: u32, z: f64) -> f64 {
    if runs == 0 {
        return 0.0;
    }
    let (n, share) = (
        f64::from(runs),
        f64::from(failed.min(runs)) / f64::from(runs),
    );
    let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (share + z * z / (2.0 * n) - spread) / (1.0 + z * z / n)
}

/// The scheduled runs of the affected probes since it may have got worse.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Worsening {
    sum: f64,
    runs: u32,
    failed: u32,
    since: Option<Timestamp>,
}

impl Worsening {
    /// Takes a scheduled run of an affected probe in.
    pub fn add(&mut self, failed: bool, start: Timestamp) {
        self.sum += if failed { FAILED } else { PASSED };
        if self.sum <= 0.0 {
            *self = Self::default();
            return;
        }
        self.since.get_or_insert(start);
        self.runs = self.runs.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(failed));
    }

    /// The onset and the numbers, when it is major beyond chance.
    pub fn major(&self, now: Timestamp, usual: f64) -> Option<(Timestamp, Verdict)> {
        let since = self.since?;
        let sure = self.sum >= ENOUGH
            && self.runs >= FEWEST_RUNS
            && lower_bound(self.failed, self.runs, Z) >= MAJOR;
        sure.then_some((
            since,
            Verdict {
                failed: self.failed,
                of: self.runs,
                usual,
                window_s: seconds_between(since, now).max(0.0),
                score: self.sum,
                bound: ENOUGH,
            },
        ))
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.since.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_bound_is_wilsons() {
        assert_eq!(lower_bound(0, 0, Z), 0.0);
        assert!((lower_bound(9, 10, 1.96) - 0.5958).abs() < 1e-4);
        assert!(lower_bound(u32::MAX, u32::MAX, Z) <= 1.0);
    }

    #[test]
    fn a_dozen_failures_in_a_row_are_major_and_every_third_one_never_is() {
        let now = Timestamp::from_seconds(300.0);
        let mut worse = Worsening::default();
        for run in 0..300 {
            worse.add(run % 3 == 0, Timestamp::EPOCH);
            assert_eq!(worse.major(now, 0.01), None);
        }
        let runs = (0..20)
            .take_while(|_| {
                worse.add(true, Timestamp::EPOCH);
                worse.major(now, 0.01).is_none()
            })
            .count();
        assert_eq!(runs, 11, "the twelfth says so");
    }
}
