//! The usual level of a number: its mean at each hour of the day, how much it scatters, how it hangs together.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

const HOURS: usize = 24;
const HOUR_US: i64 = 3_600_000_000;
/// An hour of the day remembers about two weeks of itself, in seconds.
const MEMORY_SECONDS: f64 = 14.0 * 3600.0;
/// What is kept of the weights when there are more readings than that.
const FADE: f64 = 0.98;
/// An hour's own mean counts against that of the whole day with so many readings.
const PRIOR_READINGS: f64 = 10.0;
/// No level is lower: with none at all, one would be infinitely many times the usual.
const LOWEST: f64 = 0.2;
/// Weight of the latest reading in what is learned of scatter and correlation.
const NEWS: f64 = 0.02;
/// Bounds of the scatter against Poisson's, and of the correlation of neighbours.
const SCATTER: std::ops::RangeInclusive<f64> = 1.0..=100.0;
const CORRELATION: std::ops::RangeInclusive<f64> = 0.0..=0.9;
/// A single reading does not teach more scatter than this many standard deviations.
const FARTHEST: f64 = 4.0;

/// What is usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Usual {
    /// Readings and their sum, for each hour of the UTC day.
    hours: Vec<(f64, f64)>,
    readings: f64,
    /// Mean squared Pearson residual: 1 for Poisson.
    scatter: f64,
    /// Mean product of neighbouring residuals, over the scatter.
    correlation: f64,
    /// The latest residual.
    residual: f64,
}

impl Default for Usual {
    fn default() -> Self {
        Self {
            hours: vec![(0.0, 0.0); HOURS],
            readings: 0.0,
            scatter: 1.0,
            correlation: 0.0,
            residual: 0.0,
        }
    }
}

impl Usual {
    /// A new level, known from these readings alone.
    pub fn begin_with(readings: impl Iterator<Item = (Timestamp, f64)>) -> Self {
        let mut usual = Self::default();
        for (at, count) in readings {
            usual.add(at, count, f64::INFINITY);
        }
        usual
    }

    /// How many readings it rests on, since the beginning.
    pub fn readings(&self) -> f64 {
        self.readings
    }

    /// The usual number at the hour of `at`; the highest of this and the neighbouring hours, since a feed does not
    /// keep to the clock. At least [`LOWEST`].
    pub fn level(&self, at: Timestamp) -> f64 {
        let (n, sum) = self
            .hours
            .iter()
            .fold((0.0, 0.0), |(n, s), (a, b)| (n + a, s + b));
        let mean = if n > 0.0 { sum / n } else { 0.0 };
        let hour = hour(at);
        let around = [hour + HOURS - 1, hour, hour + 1].map(|h| {
            let (n, sum) = self.hours.get(h % HOURS).copied().unwrap_or_default();
            (sum + PRIOR_READINGS * mean) / (n + PRIOR_READINGS)
        });
        around.into_iter().fold(LOWEST, f64::max)
    }

    /// By how much evidence is to be divided; at least 1.
    pub fn inflation(&self) -> f64 {
        let r = self
            .correlation
            .clamp(*CORRELATION.start(), *CORRELATION.end());
        self.scatter.clamp(*SCATTER.start(), *SCATTER.end()) * (1.0 + r) / (1.0 - r)
    }

    /// Takes a reading that led to nothing. `connected`: it follows the one before without a gap.
    pub fn learn(&mut self, at: Timestamp, count: f64, connected: bool, interval: f64) {
        let level = self.level(at);
        let wide = FARTHEST * self.scatter.max(1.0).sqrt();
        let residual = ((count - level) / level.sqrt()).clamp(-wide, wide);
        // The first readings count more, or scatter would be learned only after an hour.
        let weight = NEWS.max(1.0 / (self.readings + 2.0));
        self.scatter += weight * (residual * residual - self.scatter);
        if connected {
            let together = residual * self.residual / self.scatter.max(0.1);
            self.correlation += weight * (together.clamp(-1.0, 1.0) - self.correlation);
        }
        self.residual = residual;
        self.add(at, count, MEMORY_SECONDS / interval.max(1.0));
    }

    fn add(&mut self, at: Timestamp, count: f64, most: f64) {
        self.readings += 1.0;
        if let Some((n, sum)) = self.hours.get_mut(hour(at)) {
            if *n > most {
                (*n, *sum) = (*n * FADE, *sum * FADE);
            }
            (*n, *sum) = (*n + 1.0, *sum + count);
        }
    }
}

/// The hour of the UTC day, 0 to 23.
fn hour(at: Timestamp) -> usize {
    usize::try_from(at.as_micros().div_euclid(HOUR_US).rem_euclid(HOURS as i64)).unwrap_or(0)
}
