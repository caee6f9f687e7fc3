//! What is usual: the median of a latency, how far it strays, and how runs hang together.
//!
//! All of it is about the logarithm of the latency, which makes "twice as slow" the same step everywhere. Median and
//! spread (the median distance from it) are quantiles found by stochastic approximation (Robbins and Monro 1951,
//! Ann. Math. Stat. 22), with the gain that is best for a normal distribution: one slow run in a hundred moves neither.
//! They start from the exact ones of the first runs.

use serde::{Deserialize, Serialize};

use crate::model::detect::is_default;

/// No verdict before so many runs: with them the median is known to a fourth of the spread, and half of them would
/// have to be strange to spoil it.
pub const FIRST_RUNS: usize = 30;
/// A run farther from the median than this counts as this far, in spreads: a single one says little, however slow.
pub const FARTHEST: f64 = 3.0;
/// The slowdown that is looked for, as a logarithm: twice as slow.
pub const SHIFT: f64 = std::f64::consts::LN_2;
/// The spread is never taken for smaller than this. Constant and coarsely rounded latencies have none; and with less,
/// even a run as far away as counts would not speak for the slowdown that is looked for.
const LEAST_SPREAD: f64 = SHIFT / FARTHEST;
/// Added to each latency: differences of a few milliseconds are those of the machine and its network, not of a service.
const GRAIN_US: f64 = 10_000.0;
/// Remembered are about so many seconds of runs: a week, so that nights and Sundays are part of what is usual,
const MEMORY_SECONDS: f64 = 7.0 * 86_400.0;
/// but at least and at most so many runs.
const MEMORY_RUNS: (f64, f64) = (300.0, 20_000.0);
/// Spread of a normal distribution for a median distance of 1.
const OF_DISTANCE: f64 = 1.4826;
/// Gains for the median (in spreads) and for the median distance (in distances): half the inverse of a normal
/// distribution's density there.
const GAINS: (f64, f64) = (1.2533, 1.1664);
/// How uncertain a young spread is: it is taken for larger by this, divided by the root of the number of runs.
const YOUNG: f64 = 1.0;
/// Runs in a row that are averaged to see how far they hang together.
const BATCH: u8 = 16;
/// Correlation from one run to the next above which nothing could ever be told.
const MOST_CORRELATED: f64 = 0.95;
/// Variance of a normal distribution of spread 1, clipped, and with the spread taken for a little larger.
const ORDINARY_VARIANCE: f64 = 0.9;
/// A run is slow when it takes at least so many times as long as usual.
const SLOW: f64 = 1.5;

/// What is usual for one latency of one probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    // The short names are those in the database, where there are thousands of them.
    #[serde(rename = "n")]
    runs: u32,
    #[serde(rename = "m")]
    median: f32,
    #[serde(rename = "d")]
    distance: f32,
    #[serde(rename = "v")]
    variance: f32,
    #[serde(rename = "c")]
    covariance: f32,
    #[serde(rename = "b")]
    batch_variance: f32,
    #[serde(rename = "bs", default, skip_serializing_if = "is_default")]
    batch_sum: f32,
    #[serde(rename = "bn", default, skip_serializing_if = "is_default")]
    batch_runs: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    last: Option<f32>,
    #[serde(default, skip_serializing_if = "is_default")]
    slow: f32,
}

/// The logarithm of a latency, with the grain.
pub fn log(us: u32) -> f64 {
    (f64::from(us) + GRAIN_US).ln()
}

impl Usual {
    /// From the first runs; `None` for none.
    pub fn from_first(first: &[u32]) -> Option<Self> {
        let logs: Vec<f64> = first.iter().map(|us| log(*us)).collect();
        let median = middle(logs.clone())?;
        let distance = middle(logs.iter().map(|log| (log - median).abs()).collect())?;
        let mut usual = Self {
            runs: u32::try_from(first.len()).unwrap_or(u32::MAX),
            median: median as f32,
            distance: distance as f32,
            ..Self::default()
        };
        let z: Vec<f64> = logs.iter().map(|log| usual.spreads(*log)).collect();
        let mean = |sum: f64| sum / first.len() as f64;
        usual.variance = mean(z.iter().map(|z| z * z).sum()) as f32;
        usual.covariance = mean(z.windows(2).map(|pair| pair.iter().product::<f64>()).sum()) as f32;
        usual.batch_variance = usual.variance;
        usual.last = z.last().map(|z| *z as f32);
        let slow = logs.iter().filter(|log| usual.is_slow(**log)).count();
        usual.slow = mean(slow as f64) as f32;
        Some(usual)
    }

    /// Takes a run in; `interval_s` is the time between two runs in seconds.
    pub fn learn(&mut self, log: f64, interval_s: f64) {
        let (least, most) = MEMORY_RUNS;
        let memory = (MEMORY_SECONDS / interval_s).clamp(least, most);
        self.runs = self.runs.saturating_add(1).min(memory as u32);
        let gain = 1.0 / f64::from(self.runs);
        let z = self.spreads(log);
        let away = log - self.median();
        let (median_gain, distance_gain) = GAINS;
        let step = median_gain * gain * self.spread();
        self.median += (step * sign(away)) as f32;
        let distance = f64::from(self.distance);
        let grown = distance * (1.0 + distance_gain * gain * sign(away.abs() - distance));
        // Never zero, from where no factor leads back.
        self.distance = grown.clamp(LEAST_SPREAD / 100.0, 10.0) as f32;
        let toward = |kept: &mut f32, seen: f64, gain: f64| {
            *kept += (gain * (seen - f64::from(*kept))) as f32;
        };
        toward(&mut self.variance, z * z, gain);
        if let Some(last) = self.last {
            toward(&mut self.covariance, z * f64::from(last), gain);
        }
        self.last = Some(z as f32);
        let slow = f64::from(u8::from(self.is_slow(log)));
        toward(&mut self.slow, slow, gain);
        self.batch_sum += z as f32;
        self.batch_runs = self.batch_runs.saturating_add(1);
        if self.batch_runs >= BATCH {
            let n = f64::from(BATCH);
            let seen = f64::from(self.batch_sum).powi(2) / n;
            toward(&mut self.batch_variance, seen, (n * gain).min(1.0));
            self.batch_sum = 0.0;
            self.batch_runs = 0;
        }
    }

    /// The series is broken: what comes next is no neighbour of what came last.
    pub fn interrupt(&mut self) {
        self.last = None;
        self.batch_sum = 0.0;
        self.batch_runs = 0;
    }

    /// Spread of the logarithm: a standard deviation, were it normal.
    pub fn spread(&self) -> f64 {
        let young = 1.0 + YOUNG / f64::from(self.runs.max(1)).sqrt();
        (OF_DISTANCE * f64::from(self.distance)).max(LEAST_SPREAD) * young
    }

    /// How far above (below: negative) the median, in spreads, at most [`FARTHEST`].
    pub fn spreads(&self, log: f64) -> f64 {
        ((log - self.median()) / self.spread()).clamp(-FARTHEST, FARTHEST)
    }

    /// How many runs say as much as a single independent one would; at least 1.
    ///
    /// For runs of which each is like the last, (1 + rho) / (1 - rho) by the correlation rho from one to the next;
    /// by the variance of the means of whole batches (Conway 1963, Management Science 10) where that says more: slow
    /// waves, as those of a day, hardly show from one run to the next. Runs that stray less than their spread was
    /// taken for make up for it.
    pub fn inflation(&self) -> f64 {
        let variance = f64::from(self.variance);
        let rho = f64::from(self.covariance) / variance.max(1e-6);
        let rho = rho.clamp(0.0, MOST_CORRELATED);
        let of_neighbours = variance * (1.0 + rho) / (1.0 - rho);
        let of_batches = f64::from(self.batch_variance);
        (of_neighbours.max(of_batches) / variance.max(ORDINARY_VARIANCE)).max(1.0)
    }

    /// The usual latency, in microseconds.
    pub fn median_us(&self) -> u32 {
        // `as` saturates, and takes NaN for 0.
        (self.median().exp() - GRAIN_US).round() as u32
    }

    /// Whether a run took at least [`SLOW`] times as long as usual.
    pub fn is_slow(&self, log: f64) -> bool {
        log - self.median() >= SLOW.ln()
    }

    /// Usual share of such runs, 0 to 1.
    pub fn slow_share(&self) -> f64 {
        f64::from(self.slow).clamp(0.0, 1.0)
    }

    fn median(&self) -> f64 {
        f64::from(self.median)
    }
}

/// 1, -1, or 0 for neither: a latency that is just the median moves it nowhere.
fn sign(number: f64) -> f64 {
    if number > 0.0 {
        1.0
    } else if number < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// The middle one, the upper of two; `None` of none.
pub fn middle<T: PartialOrd + Copy>(mut numbers: Vec<T>) -> Option<T> {
    numbers.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    numbers.get(numbers.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Latencies of this median and spread of the logarithm, each like the last by `rho`.
    fn series(median_us: f64, spread: f64, rho: f64) -> impl Iterator<Item = u32> {
        let mut chance = fastrand::Rng::with_seed(7);
        let mut z = 0.0;
        std::iter::repeat_with(move || {
            let (a, b) = (chance.f64().max(1e-12), chance.f64());
            let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
            z = rho * z + (1.0f64 - rho * rho).sqrt() * normal;
            (median_us * (spread * z).exp()) as u32
        })
    }

    fn learned(mut series: impl Iterator<Item = u32>, runs: usize) -> Usual {
        let first: Vec<u32> = series.by_ref().take(30).collect();
        let mut usual = Usual::from_first(&first).unwrap();
        series.take(runs).for_each(|us| usual.learn(log(us), 30.0));
        usual
    }

    #[test]
    fn median_and_spread_are_learned() {
        let usual = learned(series(800_000.0, 0.4, 0.0), 10_000);
        let median = f64::from(usual.median_us());
        assert!((780_000.0..820_000.0).contains(&median), "{median}");
        assert!((0.38..0.43).contains(&usual.spread()), "{}", usual.spread());
        assert!(usual.inflation() < 1.3, "{}", usual.inflation());
    }

    #[test]
    fn one_run_in_fifty_that_takes_a_minute_moves_neither() {
        let mut n = 0;
        let spoiled = series(800_000.0, 0.4, 0.0).map(move |us| {
            n += 1;
            if n % 50 == 0 { 60_000_000 } else { us }
        });
        let usual = learned(spoiled, 10_000);
        let median = f64::from(usual.median_us());
        assert!((780_000.0..830_000.0).contains(&median), "{median}");
        assert!((0.38..0.45).contains(&usual.spread()), "{}", usual.spread());
    }

    #[test]
    fn runs_that_hang_together_say_less() {
        let usual = learned(series(800_000.0, 0.4, 0.4), 20_000);
        let wanted = 1.4 / 0.6;
        assert!(
            (0.85 * wanted..1.2 * wanted).contains(&usual.inflation()),
            "{}",
            usual.inflation()
        );
    }

    #[test]
    fn slow_waves_are_seen_by_their_batches() {
        let mut n = 0.0;
        let waves = series(800_000.0, 0.3, 0.0).map(move |us| {
            n += 1.0;
            let wave: f64 = 0.3 * (n / 100.0f64).sin();
            (f64::from(us) * wave.exp()) as u32
        });
        let usual = learned(waves, 20_000);
        let rho = usual.covariance / usual.variance;
        assert!((1.0 + rho) / (1.0 - rho) < 3.0, "{rho}");
        assert!(usual.inflation() > 4.0, "{}", usual.inflation());
    }

    #[test]
    fn constant_and_zero_latencies_have_the_least_spread() {
        for us in [0, 700, 250_000, u32::MAX] {
            let usual = learned(std::iter::repeat(us), 5_000);
            assert!((usual.spread() / LEAST_SPREAD - 1.0).abs() < 0.02);
            let off = f64::from(usual.median_us()) - f64::from(us);
            assert!(off.abs() <= 1.0 + 1e-5 * f64::from(us), "{off} from {us}");
            assert_eq!(usual.inflation(), 1.0);
            assert_eq!(usual.slow_share(), 0.0);
        }
    }

    #[test]
    fn half_a_millisecond_and_three_are_much_the_same() {
        let usual = learned(std::iter::repeat(500), 100);
        assert!(!usual.is_slow(log(3_000)));
        assert!(usual.is_slow(log(20_000)));
    }
}
