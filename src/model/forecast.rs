//! How long an outage lasts before it is noticed, estimated from the settings and from how often the service usually fails.
//!
//! The detector's statistic climbs by a known number of nats a run, so the delay is: half a turn or more until the
//! first failure, then what is missing to the bound divided by the gain a second (Wald 1947). Re-checks come closer
//! together than blips last, therefore each of their failures counts less. A test holds it to a factor of 1.7 of
//! simulated medians (2 where one run in ten fails); `watchfire replay` measures what this only estimates.

use std::time::Duration;

use super::Confirm;
use super::detect::rules::bound;

/// Share of runs that fail in the detector's three hypotheses; the first is the service's own `min_error_rate`.
const HYPOTHESES: [f64; 2] = [0.3, 0.9];
/// How surely a failure is followed by another while a blip lasts.
const BLIP: f64 = 0.9;
/// Mean length of a blip before any was measured.
const BLIP_S: f64 = 7.5;
/// Longest run of successes after a failure that is followed: the chance of a longer one is nil for any rate of use.
const LONGEST: usize = 400;

const YEAR_S: f64 = 31_536_000.0;

/// A service's settings, as far as they decide how soon it is noticed.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// Each probe's usual time from run to run, and how it is re-checked.
    pub probes: Vec<(Duration, Confirm)>,
    /// False pages allowed a year; above 0.
    pub false_pages_per_year: f64,
    /// Least error rate that is paged, 0 to 1.
    pub min_error_rate: f64,
    /// Usual failure rate, above 0.
    pub usual: f64,
}

impl Watch {
    /// Usual failure rate of a service of which nothing is known yet.
    pub const USUAL: f64 = 0.005;

    /// Runs an hour, without re-checks.
    pub fn runs_per_hour(&self) -> f64 {
        3600.0 * self.pace()
    }

    /// Typical time from the begin of an outage that hits every probe with the error rate `rate` (0 to 1) to its
    /// notice. `None` without probes, for a rate below the least that is paged, and for more than a day.
    pub fn time_to_detect(&self, rate: f64) -> Option<Duration> {
        let pace = self.pace();
        if pace <= 0.0 || rate < self.min_error_rate {
            return None;
        }
        let spacing = self.spacing();
        let rechecked = spacing.is_some();
        let bound = bound(pace * YEAR_S, self.false_pages_per_year, rechecked);
        let first_failure = (1.0 / rate - 0.5) / pace;
        let spacing = spacing.unwrap_or(1.0 / pace).min(1.0 / pace);
        // Of several probes more than one is under suspicion, and each is re-checked. Where all fail, that gains
        // little: a blip that hits all has to be waited out. Without re-checks all of them are in the pace already.
        let others = match rechecked {
            true => (self.probes.len() as f64 - 1.0).clamp(0.0, 3.0),
            false => 0.0,
        };
        let crowd = 1.0 + others * rate.min((1.0 - rate).max(0.3));
        let seconds = std::iter::once(self.min_error_rate)
            .chain(HYPOTHESES)
            .filter_map(|hypothesis| {
                let head = (hypothesis / self.usual).ln();
                let gain = self.gain(rate, hypothesis, spacing);
                let runs = (bound - head).max(0.0) / gain;
                (gain > 0.0).then(|| first_failure + runs.ceil() * spacing / crowd)
            })
            .fold(f64::INFINITY, f64::min);
        (seconds < 86_400.0).then(|| Duration::from_secs_f64(seconds))
    }

    /// Runs a second.
    fn pace(&self) -> f64 {
        let each = self.probes.iter().map(|(every, _)| every.as_secs_f64());
        each.filter(|s| *s > 0.0).map(f64::recip).sum()
    }

    /// Time between two re-checks, of the probe that is re-checked fastest: it confirms for the others.
    fn spacing(&self) -> Option<f64> {
        self.probes
            .iter()
            .filter_map(|(_, confirm)| match confirm {
                Confirm::Rechecks { every, .. } => Some(every.as_secs_f64()),
                Confirm::Off => None,
            })
            .min_by(f64::total_cmp)
    }

    /// Mean gain of evidence by a run, in nats, when runs are `spacing` seconds apart.
    ///
    /// The belief in a blip depends only on how many successes came since the last failure, and that number is
    /// geometric: so the mean is a sum over it.
    fn gain(&self, rate: f64, hypothesis: f64, spacing: f64) -> f64 {
        let fades = (-spacing / BLIP_S).exp();
        let (mut belief, mut chance, mut gain) = (BLIP, rate, 0.0);
        for _ in 0..LONGEST {
            let before = belief * fades;
            let by_noise = 1.0 - (1.0 - self.usual) * (1.0 - BLIP * before);
            let failed = (hypothesis / by_noise).ln();
            let passed = ((1.0 - hypothesis) / (1.0 - by_noise)).ln().min(0.0);
            gain += chance * (rate * failed + (1.0 - rate) * passed);
            belief = before * (1.0 - BLIP) / (1.0 - BLIP * before);
            chance *= 1.0 - rate;
        }
        gain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(usual: f64, probes: usize, confirm: Confirm, rate: f64) -> f64 {
        let watch = Watch {
            probes: vec![(Duration::from_secs(30), confirm); probes],
            false_pages_per_year: 1.0,
            min_error_rate: 0.1,
            usual,
        };
        watch.time_to_detect(rate).unwrap().as_secs_f64() / 60.0
    }

    /// Measured medians, in minutes (docs/detection.md): the estimate is within a factor of 1.5 of each.
    #[test]
    fn the_estimate_is_near_what_was_measured() {
        let cases = [
            (0.005, 1, Confirm::CHEAP, [8.8, 2.5, 1.6, 0.94]),
            (0.001, 1, Confirm::CHEAP, [7.3, 2.3, 1.4, 0.95]),
            (0.01, 1, Confirm::CHEAP, [11.8, 2.7, 1.7, 0.94]),
            (0.005, 4, Confirm::CHEAP, [4.7, 1.65, 1.0, 0.56]),
            (0.005, 1, Confirm::Off, [25.0, 6.0, 3.4, 1.26]),
        ];
        for (usual, probes, confirm, measured) in cases {
            for (rate, want) in [0.1, 0.3, 0.5, 1.0].into_iter().zip(measured) {
                let got = minutes(usual, probes, confirm, rate);
                assert!(
                    got / want < 1.5 && want / got < 1.5,
                    "p0 {usual}, {probes} probes, {confirm:?}, rate {rate}: {got:.2} for {want}"
                );
            }
        }
    }

    #[test]
    fn what_is_never_paged_has_no_time() {
        let mut watch = Watch {
            probes: vec![],
            false_pages_per_year: 1.0,
            min_error_rate: 0.2,
            usual: Watch::USUAL,
        };
        assert_eq!(watch.time_to_detect(1.0), None);
        watch.probes = vec![(Duration::from_secs(60), Confirm::Off)];
        assert_eq!(watch.time_to_detect(0.1), None);
        assert_eq!(watch.runs_per_hour(), 60.0);
    }
}
