//! Runs, put into bins of equal length: the share that failed in each, how sure that is, and how long answers took.
//!
//! Only scheduled runs belong here: re-checks are asked for after successes, and would make an outage look milder.

use std::time::Duration;

use super::figure::{Run, Span};
use crate::model::detect::severity::lower_bound;

/// z of the band: 80 % of the time the true rate is within it.
const Z: f64 = 1.28;
/// Lengths of a bin that a reader can name, in seconds.
const LENGTHS: &[u64] = &[
    60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800,
];
/// More bins than this are never made: a pixel each of the widest figure.
const MOST_BINS: u64 = 4000;

/// The runs of one bin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bin {
    /// Runs that count.
    pub runs: u32,
    /// Failed ones among them.
    pub failed: u32,
}

impl Bin {
    /// Share of failed runs with its lower and upper bound, each 0 to 1; `None` without a run.
    pub fn rate(&self) -> Option<(f64, f64, f64)> {
        if self.runs == 0 {
            return None;
        }
        let rate = f64::from(self.failed) / f64::from(self.runs);
        let low = lower_bound(self.failed, self.runs, Z);
        let high = 1.0 - lower_bound(self.runs.saturating_sub(self.failed), self.runs, Z);
        Some((rate, low.clamp(0.0, rate), high.clamp(rate, 1.0)))
    }
}

/// The shortest nameable length of which at most `most` fit into the span and that holds `runs` runs on average.
pub fn length(span: Span, all_runs: usize, runs: f64, most: u32) -> Duration {
    let seconds = span.length().as_secs_f64().max(1.0);
    let by_room = seconds / f64::from(most.max(1));
    let by_runs = runs * seconds / (all_runs.max(1) as f64);
    let wanted = by_room.max(by_runs).max(seconds / MOST_BINS as f64);
    let nameable = LENGTHS.iter().copied().find(|l| *l as f64 >= wanted);
    Duration::from_secs(nameable.unwrap_or(wanted as u64 + 1))
}

/// The bins of a span, whole ones of the clock; the first may begin before the span.
pub fn bins<'r>(span: Span, length: Duration, runs: impl Iterator<Item = &'r Run>) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); count(span, length)];
    for run in runs {
        if let Some(bin) = index(span, length, run).and_then(|i| bins.get_mut(i)) {
            bin.runs = bin.runs.saturating_add(1);
            bin.failed = bin.failed.saturating_add(u32::from(run.failed));
        }
    }
    bins
}

/// Median and 95th percentile of the time that successful runs took, in milliseconds, of each bin; `None` without one.
pub fn latencies<'r>(
    span: Span,
    length: Duration,
    runs: impl Iterator<Item = &'r Run>,
) -> Vec<Option<(f64, f64)>> {
    let mut bins = vec![Vec::new(); count(span, length)];
    for run in runs.filter(|r| !r.failed) {
        if let Some(bin) = index(span, length, run).and_then(|i| bins.get_mut(i)) {
            bin.push(run.latency_us);
        }
    }
    let of_bin = |mut times: Vec<u32>| {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (share * times.len().saturating_sub(1) as f64).round() as usize;
            times.get(rank).map(|us| f64::from(*us) / 1e3)
        };
        Some((at(0.5)?, at(0.95)?))
    };
    bins.into_iter().map(of_bin).collect()
}

/// Where bin `index` begins, in seconds since the epoch.
pub fn begin(span: Span, length: Duration, index: usize) -> f64 {
    let seconds = length.as_secs_f64();
    (first(span, length) + index as f64) * seconds
}

fn first(span: Span, length: Duration) -> f64 {
    (span.from.as_seconds() / length.as_secs_f64().max(1.0)).floor()
}

fn count(span: Span, length: Duration) -> usize {
    let seconds = length.as_secs_f64().max(1.0);
    let bins = (span.to.as_seconds() / seconds).ceil() - first(span, length);
    (bins.max(0.0) as usize).min(MOST_BINS as usize + 2)
}

fn index(span: Span, length: Duration, run: &Run) -> Option<usize> {
    if run.at < span.from || run.at > span.to {
        return None;
    }
    let bin = (run.at.as_seconds() / length.as_secs_f64().max(1.0)).floor() - first(span, length);
    (bin >= 0.0).then_some(bin as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn run(seconds: f64, failed: bool) -> Run {
        Run {
            at: at(seconds),
            probe: 0,
            failed,
            latency_us: seconds as u32 * 1000,
        }
    }

    const HOUR: fn() -> Span = || Span {
        from: Timestamp::from_seconds(7230.0),
        to: Timestamp::from_seconds(10_830.0),
    };

    #[test]
    fn bins_are_whole_ones_of_the_clock_and_runs_outside_of_the_span_are_left_out() {
        let runs = [
            run(7200.0, true),
            run(7230.0, true),
            run(7499.0, false),
            run(7500.0, true),
            run(99_999.0, true),
        ];
        let five = Duration::from_secs(300);
        let bins = bins(HOUR(), five, runs.iter());
        assert_eq!(bins.len(), 13);
        assert_eq!((bins[0].runs, bins[0].failed), (2, 1));
        assert_eq!((bins[1].runs, bins[1].failed), (1, 1));
        assert_eq!(begin(HOUR(), five, 1), 7500.0);
    }

    #[test]
    fn the_band_holds_the_rate_and_is_narrower_with_more_runs() {
        let width = |runs, failed| {
            let (rate, low, high) = Bin { runs, failed }.rate().unwrap();
            assert!(low <= rate && rate <= high);
            high - low
        };
        assert!(width(10, 5) > width(100, 50));
        assert!(width(10, 0) > 0.0);
        assert_eq!(Bin::default().rate(), None);
    }

    #[test]
    fn a_bin_is_long_enough_to_hold_some_runs_and_to_be_seen() {
        let hour = HOUR();
        // 480 runs in an hour: 8 in each minute.
        assert_eq!(length(hour, 480, 8.0, 130), Duration::from_secs(60));
        assert_eq!(length(hour, 480, 8.0, 20), Duration::from_secs(300));
        assert_eq!(length(hour, 60, 8.0, 130), Duration::from_secs(600));
        assert_eq!(length(hour, 0, 8.0, 130), Duration::from_secs(28_800));
    }

    #[test]
    fn latencies_are_those_of_successes() {
        let runs = [run(7300.0, false), run(7310.0, false), run(7320.0, true)];
        let found = latencies(HOUR(), Duration::from_secs(300), runs.iter());
        assert_eq!(found[0], Some((7310.0, 7310.0)));
        assert_eq!(found[1], None);
    }
}
