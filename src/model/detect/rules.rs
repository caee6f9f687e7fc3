//! What a user decides about detection: the dials of a service, and the cadence of its probes.

use std::time::Duration;

use super::bank::{Sizes, sizes};
use super::persistence::Next;
pub use super::plain::{Judge, PlainRule};
use crate::model::{Confirm, ProbeId};

const YEAR_SECONDS: f64 = 365.0 * 86_400.0;
/// The price is counted for at least so many runs a year (one an hour): with fewer, one failure alone would page.
const FEWEST_RUNS_A_YEAR: f64 = 8760.0;
/// Chance reaches a bound more rarely than the theory's first order says; this much less keeps the promise, in nats.
const SLACK: f64 = 1.0;
/// Re-checks end most suspicions before the bound, which may be lower by this when any probe has them, in nats.
const SAVED_BY_RECHECKS: f64 = 0.2;
/// No bound is lower than this, whatever the dials say, in nats.
const LOWEST_BOUND: f64 = 1.0;
/// A probe that is re-checked at least this often is cheap.
const CHEAP_EVERY: Duration = Duration::from_secs(10);
/// Re-checks for a recovery are not closer than this.
const RECOVERY_EVERY: Duration = Duration::from_secs(10);

/// The dials of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceRules {
    /// Its probes; each id at most once.
    pub probes: Vec<ProbeRules>,
    /// How many pages a year by mere chance are accepted; more than 0.
    pub false_pages_per_year: f64,
    /// A rise that stays below this is never paged; 0.01 to 0.9.
    pub min_error_rate: f64,
    /// How long a recovered service is watched: trouble within it continues the incident.
    pub reopen_within: Duration,
    /// Who judges.
    pub judge: Judge,
}

/// The cadence of a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeRules {
    /// Which one.
    pub id: ProbeId,
    /// Time between two scheduled runs.
    pub interval: Duration,
    /// How a suspicion is confirmed.
    pub confirm: Confirm,
}

impl ServiceRules {
    /// Evidence that opens an incident, in nats; at least 1.
    ///
    /// Chance alone reaches a sum of h about once in e^h runs (Lorden 1971, Ann. Math. Stat. 42), so h is the
    /// logarithm of the runs in the time between two accepted false pages.
    pub fn bound(&self) -> f64 {
        let runs: f64 = self
            .probes
            .iter()
            .map(|p| YEAR_SECONDS / p.interval_seconds())
            .sum();
        let rechecked = self.probes.iter().any(|p| p.confirm != Confirm::Off);
        bound(runs, self.false_pages_per_year, rechecked)
    }

    pub(crate) fn min_rate(&self) -> f64 {
        self.min_error_rate.clamp(0.01, 0.9)
    }

    pub(crate) fn sizes(&self) -> Sizes {
        sizes(self.min_rate())
    }
}

/// Evidence that opens an incident, in nats, of a service with so many scheduled runs a year.
pub(crate) fn bound(runs_a_year: f64, false_pages_per_year: f64, rechecked: bool) -> f64 {
    let runs = runs_a_year.max(FEWEST_RUNS_A_YEAR);
    let price = (runs / false_pages_per_year.clamp(1e-6, 1e6)).ln();
    let saved = if rechecked { SAVED_BY_RECHECKS } else { 0.0 };
    (price - SLACK - saved).max(LOWEST_BOUND)
}

impl ProbeRules {
    pub(crate) fn interval_seconds(&self) -> f64 {
        self.interval.as_secs_f64().max(0.1)
    }

    /// Who comes after a failure of this probe, and how late at most.
    pub(crate) fn next(&self) -> Next {
        match self.confirm {
            Confirm::Rechecks { .. } => Next::Recheck(self.interval_seconds() / 2.0),
            Confirm::Off => Next::Scheduled(self.interval_seconds() * 1.5),
        }
    }

    /// Whether it may confirm the failure of a costly sibling.
    pub(crate) fn is_cheap(&self) -> bool {
        matches!(self.confirm, Confirm::Rechecks { every, .. } if every <= CHEAP_EVERY)
    }

    /// Spacing of re-checks for a recovery; `None` when there are none.
    pub(crate) fn recovery_every(&self) -> Option<Duration> {
        match self.confirm {
            Confirm::Rechecks { every, .. } => Some(every.max(RECOVERY_EVERY)),
            Confirm::Off => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(intervals: &[u64], confirm: Confirm) -> ServiceRules {
        let probes = intervals.iter().zip(1..).map(|(seconds, id)| ProbeRules {
            id: ProbeId(id),
            interval: Duration::from_secs(*seconds),
            confirm,
        });
        ServiceRules {
            probes: probes.collect(),
            false_pages_per_year: 1.0,
            min_error_rate: 0.1,
            reopen_within: Duration::from_secs(3600),
            judge: Judge::Detector,
        }
    }

    #[test]
    fn the_bound_is_the_price_of_one_false_page_a_year() {
        let near = |rules: ServiceRules, h: f64| (rules.bound() - h).abs() < 0.01;
        assert!(near(rules(&[30], Confirm::CHEAP), 12.67));
        assert!(near(rules(&[30; 4], Confirm::CHEAP), 14.05));
        assert!(near(rules(&[30], Confirm::Off), 12.87));
        // Two probes each minute and one each 30 s make as many runs as two each 30 s.
        assert!(near(rules(&[60, 60, 30], Confirm::CHEAP), 13.36));
    }

    #[test]
    fn one_failure_is_below_the_bound_however_rare_the_runs() {
        let most = (0.9f64 / 0.001).ln();
        assert!(rules(&[86_400], Confirm::CHEAP).bound() > most);
        assert!(rules(&[], Confirm::Off).bound() > most);
    }
}
