//! How surely a failure is followed by another while nothing is wrong: learned, because networks differ.
//!
//! Three cases behave differently. A lone failure is often no blip at all. A failure that a re-check has confirmed is
//! one, and most blips end within seconds. One that has lasted longer shows the tail of their lengths, which tells
//! a network with blips of at most 20 s from one without a limit. What a suspicion showed is learned when it was
//! dropped, so that no outage teaches that failures last.

use serde::{Deserialize, Serialize};

use super::blips::FAILS_IN_BLIP;

/// From this age in seconds a blip counts as a long one.
const LONG: f64 = 9.0;
/// Blips are taken to last this much longer than they were seen to: the price of a length that is not known well.
const MARGIN: f64 = 1.6;
/// The mean length to reckon with, in seconds.
const SHORTEST: f64 = 3.0;
const LONGEST: f64 = 60.0;
/// z of the upper estimate of how often a lone failure is followed by another.
const Z: f64 = 1.28;
/// Above so many observations of a case the older half is forgotten.
const KEPT: f64 = 600.0;
/// Spacing of the prior's re-checks, in seconds.
const PRIOR_LAG: f64 = 5.0;
/// A lag above this is the work of a clock or a pause, in seconds.
const FARTHEST: f64 = 60.0;

/// What followed the failures of one case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Followed {
    by_failure: f64,
    by_success: f64,
    lags: f64,
}

impl Followed {
    /// As if `successes` had been seen, and failures in a share `failing` of all.
    fn prior(successes: f64, failing: f64) -> Self {
        let failures = successes * failing / (1.0 - failing);
        Self {
            by_failure: failures,
            by_success: successes,
            lags: (failures + successes) * PRIOR_LAG,
        }
    }

    fn all(&self) -> f64 {
        self.by_failure + self.by_success
    }

    fn mean_lag(&self) -> f64 {
        self.lags / self.all()
    }

    fn failing(&self) -> f64 {
        self.by_failure / self.all()
    }

    /// The mean length of the blips that fail again so often at this lag, in seconds.
    fn tau(&self) -> f64 {
        (MARGIN * self.mean_lag() / -self.failing().ln()).clamp(SHORTEST, LONGEST)
    }

    fn add(&mut self, failed: bool, lag: f64) {
        if failed {
            self.by_failure += 1.0;
        } else {
            self.by_success += 1.0;
        }
        self.lags += lag.clamp(0.0, FARTHEST);
    }

    fn join(&mut self, seen: Followed) {
        self.by_failure += seen.by_failure;
        self.by_success += seen.by_success;
        self.lags += seen.lags;
        if self.all() > KEPT {
            self.by_failure /= 2.0;
            self.by_success /= 2.0;
            self.lags /= 2.0;
        }
    }
}

/// The cases of one probe, or of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Cases {
    /// After a lone failure, by a re-check.
    lone: Followed,
    /// After a confirmed one.
    short: Followed,
    /// After one that has lasted.
    long: Followed,
    /// After any failure, by the next scheduled run: a probe without re-checks.
    scheduled: Followed,
}

/// What a service has learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Persistence(Cases);

impl Default for Persistence {
    /// As if a few blips of 5 s had been seen, hardly any of them long, and scheduled runs had been strangers to each other.
    fn default() -> Self {
        Self(Cases {
            lone: Followed::prior(6.0, 0.42),
            short: Followed::prior(5.0, 0.37),
            long: Followed::prior(3.0, 0.2),
            scheduled: Followed::prior(60.0, 0.012),
        })
    }
}

impl Persistence {
    /// Mean length of blips to reckon with after a failure `age` seconds into one, 3 to 60 s.
    pub fn tau(&self, age: f64) -> f64 {
        let case = if age < LONG {
            &self.0.short
        } else {
            &self.0.long
        };
        case.tau()
    }

    /// What is believed of a blip right after a lone failure, 0 to [`FAILS_IN_BLIP`].
    pub fn after_lone(&self) -> f64 {
        let (lone, failing) = (&self.0.lone, self.0.lone.failing());
        let upper = failing + Z * (failing * (1.0 - failing) / lone.all()).sqrt();
        (upper / FAILS_IN_BLIP * (lone.mean_lag() / self.tau(0.0)).exp()).min(FAILS_IN_BLIP)
    }

    /// The same for a probe without re-checks, of which `usual` runs fail anyway, if belief fades by e from one of its
    /// scheduled runs to the next.
    pub fn after_unconfirmed(&self, usual: f64) -> f64 {
        let more = (self.0.scheduled.failing() - usual).max(0.0);
        (more / FAILS_IN_BLIP * std::f64::consts::E).min(FAILS_IN_BLIP)
    }

    /// What a probe saw was no outage: it teaches.
    pub fn learn(&mut self, streak: &mut Streak) {
        let seen = std::mem::take(&mut streak.seen);
        self.0.lone.join(seen.lone);
        self.0.short.join(seen.short);
        self.0.long.join(seen.long);
        self.0.scheduled.join(seen.scheduled);
    }
}

/// Who comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// A re-check, within so many seconds.
    Recheck(f64),
    /// The next scheduled run, within so many seconds.
    Scheduled(f64),
}

/// The failures of a probe that follow each other so closely that they may be one blip.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Streak {
    latest: Option<f64>,
    first: Option<f64>,
    confirmed: bool,
    #[serde(skip_serializing_if = "super::is_default")]
    seen: Cases,
}

impl Streak {
    /// Seconds from the first failure of the streak to the latest; 0 for none.
    pub fn age(&self) -> f64 {
        match (self.first, self.latest) {
            (Some(first), Some(latest)) => (latest - first).max(0.0),
            _ => 0.0,
        }
    }

    /// Whether a second failure came close after the first.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Takes a failure in.
    pub fn fail(&mut self, start: f64, next: Next) {
        self.confirmed = self.follow(true, start, next);
        if !self.confirmed {
            self.first = Some(start);
        }
        self.latest = Some(start);
    }

    /// Takes a success in, which ends the streak.
    pub fn pass(&mut self, start: f64, next: Next) {
        if self.first.is_some() {
            self.follow(false, start, next);
            self.first = None;
            self.confirmed = false;
        }
    }

    /// Whether a run follows the latest failure closely; then it is noted.
    fn follow(&mut self, failed: bool, start: f64, next: Next) -> bool {
        let (Some(_), Some(latest)) = (self.first, self.latest) else {
            return false;
        };
        let (Next::Recheck(within) | Next::Scheduled(within)) = next;
        let lag = start - latest;
        if lag >= within {
            return false;
        }
        let case = match next {
            Next::Scheduled(_) => &mut self.seen.scheduled,
            Next::Recheck(_) if !self.confirmed => &mut self.seen.lone,
            Next::Recheck(_) if self.age() < LONG => &mut self.seen.short,
            Next::Recheck(_) => &mut self.seen.long,
        };
        case.add(failed, lag);
        true
    }

    /// Forgets the streak and what it showed, but not when the latest failure was.
    pub fn clear(&mut self) {
        *self = Self {
            latest: self.latest,
            ..Self::default()
        };
    }

    /// All moments that are kept, in seconds.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut f64> {
        self.latest.iter_mut().chain(self.first.iter_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECHECK: Next = Next::Recheck(15.0);
    const SCHEDULED: Next = Next::Scheduled(45.0);

    /// Blips of `failures` failures `lag` seconds apart, `times` over.
    fn after(times: u32, failures: u32, lag: f64, next: Next) -> Persistence {
        let (mut streak, mut persistence) = (Streak::default(), Persistence::default());
        for blip in 0..times {
            let start = 1000.0 * f64::from(blip);
            for failure in 0..failures {
                streak.fail(start + lag * f64::from(failure), next);
            }
            streak.pass(start + lag * f64::from(failures), next);
            persistence.learn(&mut streak);
        }
        persistence
    }

    #[test]
    fn where_lone_failures_stay_alone_a_second_one_is_news() {
        assert!(Persistence::default().after_lone() > 0.8);
        assert!(after(200, 1, 5.0, RECHECK).after_lone() < 0.1);
    }

    #[test]
    fn blips_without_a_limit_to_their_length_are_reckoned_with() {
        let (few, many) = (after(50, 2, 5.0, RECHECK), after(50, 12, 5.0, RECHECK));
        assert_eq!(few.tau(0.0), SHORTEST);
        assert_eq!(few.tau(10.0), Persistence::default().tau(10.0));
        assert!(many.tau(10.0) > 40.0, "{}", many.tau(10.0));
    }

    #[test]
    fn scheduled_runs_that_fail_in_a_row_are_no_news_where_they_often_do() {
        let strangers = after(200, 1, 30.0, SCHEDULED);
        assert_eq!(strangers.after_unconfirmed(0.01), 0.0);
        assert!(after(200, 2, 30.0, SCHEDULED).after_unconfirmed(0.01) > 0.5);
    }

    #[test]
    fn what_was_an_outage_teaches_nothing() {
        let (mut streak, mut persistence) = (Streak::default(), Persistence::default());
        for second in 0..20 {
            streak.fail(5.0 * f64::from(second), RECHECK);
        }
        streak.clear();
        persistence.learn(&mut streak);
        assert_eq!(persistence, Persistence::default());
    }
}
