//! How bad an open incident is: do at least half of the runs fail, beyond chance?
//!
//! A sum of log-likelihood ratios (70 % against 35 %) finds the moment from which it got worse, the same sum with the
//! other sign that from which it got better; the Wilson bound (Wilson 1927, JASA 22) of the rate since then must reach
//! one half. Only scheduled runs count: re-checks are asked for after successes, and would make an outage look better
//! than it is.

use serde::{Deserialize, Serialize};

use super::seconds_between;
use crate::model::{Severity, Timestamp, Verdict};

/// A share of failed runs from which an incident is major.
pub const MAJOR: f64 = 0.5;
/// Evidence that it has become major, or is not major any more, in nats: under 5 % chance in two hours of a 30 % outage seen by four probes.
const ENOUGH: f64 = 8.0;
/// Fewer runs than this change nothing.
const FEWEST_RUNS: u32 = 8;
/// What gets better and shows fewer failures than this is on its way to be over.
const FEWEST_FAILED: u32 = 2;
/// The outage that a major one is told from.
const MILD: f64 = 0.35;
/// A probe that fails less than this, beyond chance, is not what an incident is about.
const CONCERNED: f64 = 0.05;
/// Two failures are what a blip of the network leaves with every probe; so many tell more, however many runs succeeded.
const TELLING: u32 = 3;
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

/// The severity of a window in which so many of the runs failed: major when at least half of them did, and an outage of
/// a third would not show that by chance. A few runs that happen to fail half and half are partial until more is known.
pub fn of_window(failed: u32, runs: u32) -> Severity {
    let rate = f64::from(failed) / f64::from(runs.max(1));
    if lower_bound(failed, runs, Z) >= MILD {
        of_rate(rate)
    } else {
        Severity::Partial
    }
}

/// How bad it is for one probe of a service whose incident is open; `None` when that probe works nearly as usual.
pub fn of_probe(failed: u32, runs: u32) -> Option<Severity> {
    let telling = failed >= TELLING || failed >= FEWEST_FAILED && 2 * failed >= runs;
    let concerned = telling && lower_bound(failed, runs, Z) >= CONCERNED;
    concerned.then(|| of_window(failed, runs))
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

/// The scheduled runs of the affected probes since the severity may have changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    sum: f64,
    runs: u32,
    failed: u32,
    since: Option<Timestamp>,
}

impl Trend {
    /// Takes a scheduled run of an affected probe in. What it is now is what it may cease to be.
    pub fn add(&mut self, failed: bool, start: Timestamp, now: Severity) {
        let worse = if failed { FAILED } else { PASSED };
        self.sum += if now == Severity::Major {
            -worse
        } else {
            worse
        };
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
        self.verdict(lower_bound(self.failed, self.runs, Z) >= MAJOR, now, usual)
    }

    /// The same, when it is not major any more beyond chance, and goes on.
    pub fn partial(&self, now: Timestamp, usual: f64) -> Option<(Timestamp, Verdict)> {
        let passed = self.runs.saturating_sub(self.failed);
        let milder = 1.0 - lower_bound(passed, self.runs, Z) < MAJOR;
        self.verdict(milder && self.failed >= FEWEST_FAILED, now, usual)
    }

    fn verdict(&self, sure: bool, now: Timestamp, usual: f64) -> Option<(Timestamp, Verdict)> {
        let since = self.since?;
        let sure = sure && self.sum >= ENOUGH && self.runs >= FEWEST_RUNS;
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
    fn a_window_is_major_only_when_half_of_it_fails_beyond_chance() {
        for (failed, runs) in [(2, 2), (3, 3), (3, 4), (9, 18), (60, 110)] {
            assert_eq!(
                of_window(failed, runs),
                Severity::Major,
                "{failed} of {runs}"
            );
        }
        for (failed, runs) in [(3, 6), (1, 2), (2, 3), (40, 90), (0, 0)] {
            assert_eq!(
                of_window(failed, runs),
                Severity::Partial,
                "{failed} of {runs}"
            );
        }
    }

    #[test]
    fn a_probe_that_fails_now_and_then_is_not_concerned() {
        assert_eq!(of_probe(1, 1), None);
        assert_eq!(of_probe(20, 400), None);
        assert_eq!(of_probe(0, 0), None);
        assert_eq!(of_probe(2, 7), None, "a blip leaves as much");
        assert_eq!(of_probe(2, 4), Some(Severity::Partial));
        assert_eq!(of_probe(3, 9), Some(Severity::Partial));
        assert_eq!(of_probe(40, 400), Some(Severity::Partial));
        assert_eq!(of_probe(300, 400), Some(Severity::Major));
    }

    #[test]
    fn the_lower_bound_is_wilsons() {
        assert_eq!(lower_bound(0, 0, Z), 0.0);
        assert!((lower_bound(9, 10, 1.96) - 0.5958).abs() < 1e-4);
        assert!(lower_bound(u32::MAX, u32::MAX, Z) <= 1.0);
    }

    #[test]
    fn a_dozen_failures_in_a_row_are_major_and_every_third_one_never_is() {
        let now = Timestamp::from_seconds(300.0);
        let mut worse = Trend::default();
        for run in 0..300 {
            worse.add(run % 3 == 0, Timestamp::EPOCH, Severity::Partial);
            assert_eq!(worse.major(now, 0.01), None);
        }
        let runs = (0..20)
            .take_while(|_| {
                worse.add(true, Timestamp::EPOCH, Severity::Partial);
                worse.major(now, 0.01).is_none()
            })
            .count();
        assert_eq!(runs, 11, "the twelfth says so");
    }

    #[test]
    fn a_major_outage_of_which_every_fifth_run_still_fails_gets_better_and_one_that_ends_does_not()
    {
        let now = Timestamp::from_seconds(300.0);
        let run_after_which = |fails: fn(u32) -> bool| {
            let mut trend = Trend::default();
            (0..300).find(|run| {
                trend.add(fails(*run), Timestamp::EPOCH, Severity::Major);
                trend.partial(now, 0.01).is_some()
            })
        };
        assert_eq!(run_after_which(|run| run % 5 == 4), Some(16));
        assert_eq!(run_after_which(|_| false), None);
        assert_eq!(run_after_which(|run| run % 2 == 0), None);
    }
}
