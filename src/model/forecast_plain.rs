//! What a plain rule costs: how often it pages by mere chance, and how long it takes to see an outage.
//!
//! Exact for failures in a row (Feller 1968, XIII.7: runs of successes). For a share of a window exact over the first
//! three windows, and from there on by the ratio of the last two (Naus 1982, JASA 77: the scan statistic of Bernoulli
//! trials); that is within a few hundredths. Runs are taken to fail independently, which holds for probes that run
//! less often than blips last. Re-checks are not counted.

use std::time::Duration;

use super::fold::PlainRule;
use super::forecast::Watch;

const YEAR_S: f64 = 365.0 * 86_400.0;
/// Nothing is forecast beyond a day.
const FARTHEST_S: f64 = 86_400.0;
/// A window of more runs is not forecast: its terms are no longer told apart by the arithmetic.
const MOST_RUNS: u32 = 5_000;

/// What a rule costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlainForecast<'a> {
    rule: &'a PlainRule,
    watch: &'a Watch,
}

impl<'a> PlainForecast<'a> {
    /// Of a rule with the probes of `watch`, whose dials and re-checks do not matter.
    pub fn new(rule: &'a PlainRule, watch: &'a Watch) -> Self {
        Self { rule, watch }
    }

    /// Incidents a year that open by mere chance, when runs fail at the usual rate of `watch`. `None` where it cannot be
    /// told: no probes, or a window of more than 5,000 runs.
    pub fn false_pages_per_year(&self) -> Option<f64> {
        let usual = self.watch.usual;
        match *self.rule {
            PlainRule::Consecutive {
                failures,
                recover_after,
            } => {
                let runs = runs_to(failures, usual);
                let down = runs_to(recover_after, 1.0 - usual);
                // A probe that goes down opens an incident unless another one is down.
                let well = runs / (runs + down);
                let each: f64 = self.intervals().map(|i| YEAR_S / i / (runs + down)).sum();
                let others = self.intervals().count().checked_sub(1)?;
                Some(each * well.powf(others as f64))
            }
            PlainRule::Rate { .. } => {
                let Some(scan) = self.scan(usual)? else {
                    return Some(0.0);
                };
                Some(self.pace() * YEAR_S * scan.hazard())
            }
        }
    }

    /// Median time from the begin of an outage that hits every probe with the error rate `rate` (0 to 1) to its
    /// notice, after a time without failures. `None` when it is never seen, or takes more than a day, or cannot be told.
    pub fn time_to_detect(&self, rate: f64) -> Option<Duration> {
        let seconds = match *self.rule {
            PlainRule::Consecutive { failures, .. } => {
                let mut runs = RunsWithout::new(failures, rate);
                self.median(|at| {
                    self.intervals()
                        .map(|interval| runs.between(at / interval))
                        .product()
                })?
            }
            PlainRule::Rate { .. } => {
                let scan = self.scan(rate)??;
                let pace = self.pace();
                self.median(|at| {
                    let runs = at * pace;
                    let (whole, part) = (runs.floor(), runs.fract());
                    scan.without(whole) * (1.0 - part) + scan.without(whole + 1.0) * part
                })?
            }
        };
        Some(Duration::from_secs_f64(seconds))
    }

    fn intervals(&self) -> impl Iterator<Item = f64> + '_ {
        let probes = self.watch.probes.iter();
        probes
            .map(|(every, _)| every.as_secs_f64())
            .filter(|s| *s > 0.0)
    }

    /// Runs a second.
    fn pace(&self) -> f64 {
        self.intervals().map(f64::recip).sum()
    }

    /// The scan statistic of the rule's window at a failure rate. The outer `None`: cannot be told; the inner one: the
    /// rule never applies, because the window holds too few runs.
    fn scan(&self, rate: f64) -> Option<Option<Scan>> {
        let PlainRule::Rate {
            over,
            window,
            min_runs,
        } = *self.rule
        else {
            return None;
        };
        let runs = self.runs_in(window.as_secs_f64());
        if runs == 0 || runs > MOST_RUNS {
            return None;
        }
        if runs < min_runs {
            return Some(None);
        }
        let least = (over * f64::from(runs) + 1e-9).floor() as u32 + 1;
        Some((least <= runs).then(|| Scan::new(least, runs, rate)))
    }

    /// Runs that a window holds when one has just come: all of its own probe's, and of the others what is usual.
    fn runs_in(&self, window_s: f64) -> u32 {
        let (pace, all) = (self.pace(), window_s * self.pace());
        let own = |interval: f64| (window_s / interval).ceil() - window_s / interval;
        let rest: f64 = self.intervals().map(|i| own(i) / i / pace).sum();
        (all + rest).round() as u32
    }

    /// The moment before which half of all outages are noticed; `without(t)` is the chance that one is not by `t`.
    fn median(&self, mut without: impl FnMut(f64) -> f64) -> Option<f64> {
        if self.pace() <= 0.0 || without(FARTHEST_S) > 0.5 {
            return None;
        }
        let (mut low, mut high) = (0.0, FARTHEST_S);
        while high - low > 0.05 {
            let middle = f64::midpoint(low, high);
            if without(middle) > 0.5 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }
}

/// Mean number of runs until `length` of them in a row have had what each has with the chance `p`.
fn runs_to(length: u32, p: f64) -> f64 {
    let power = p.powf(f64::from(length));
    if p >= 1.0 {
        f64::from(length)
    } else {
        (1.0 - power) / ((1.0 - p) * power)
    }
}

/// The chance that among so many runs no `length` in a row have failed.
struct RunsWithout {
    length: usize,
    p: f64,
    /// By the number of runs.
    known: Vec<f64>,
}

impl RunsWithout {
    fn new(length: u32, p: f64) -> Self {
        Self {
            length: length as usize,
            p,
            known: Vec::new(),
        }
    }

    /// At a number of runs that need not be whole: probes are met at any point of their interval.
    fn between(&mut self, runs: f64) -> f64 {
        let (whole, part) = (runs.floor() as usize, runs.fract());
        self.at(whole) * (1.0 - part) + self.at(whole + 1) * part
    }

    fn at(&mut self, runs: usize) -> f64 {
        let power = self.p.powf(self.length as f64);
        while self.known.len() <= runs {
            let next = match self.known.len() {
                n if n < self.length => 1.0,
                n if n == self.length => 1.0 - power,
                // The first such row ends here: `length` failures after a success, and nothing before that.
                n => {
                    let before = self.known.get(n - self.length - 1).copied();
                    let last = self.known.last().copied().unwrap_or(1.0);
                    last - (1.0 - self.p) * power * before.unwrap_or(1.0)
                }
            };
            self.known.push(next.max(0.0));
        }
        self.known.get(runs).copied().unwrap_or(0.0)
    }
}

/// The scan statistic: the chance that no `window` runs on end hold `least` failures, among one, two and three times
/// `window` runs.
struct Scan {
    least: u32,
    window: u32,
    p: f64,
    upto: [f64; 3],
}

impl Scan {
    /// For `1 <= least <= window`.
    fn new(least: u32, window: u32, p: f64) -> Self {
        let (k, w) = (f64::from(least), f64::from(window));
        let of = Binomial::new(window, p);
        let shorter = Binomial::new(window - 1, p);
        let least = i64::from(least);
        let at = |i: i64| of.exactly(i);
        let below = |i: i64| of.at_most(i);
        let one = below(least - 1);
        let two = one.powi(2) - (k - 1.0) * at(least) * below(least - 2)
            + w * p * at(least) * shorter.at_most(least - 3);
        let shortest = Binomial::new(window.saturating_sub(2), p);
        let first = 2.0
            * at(least)
            * one
            * ((k - 1.0) * below(least - 2) - w * p * shorter.at_most(least - 3));
        let second = 0.5
            * at(least).powi(2)
            * ((k - 1.0) * (k - 2.0) * below(least - 3)
                - 2.0 * (k - 2.0) * w * p * shorter.at_most(least - 4)
                + w * (w - 1.0) * p * p * shortest.at_most(least - 5));
        let third: f64 = (1..least)
            .map(|r| at(2 * least - r) * below(r - 1).powi(2))
            .sum();
        let fourth: f64 = (2..least)
            .map(|r| {
                let rest = (r - 1) as f64 * below(r - 2) - w * p * shorter.at_most(r - 3);
                at(2 * least - r) * at(r) * rest
            })
            .sum();
        let three = one.powi(3) - first + second + third - fourth;
        Self {
            least: least as u32,
            window,
            p,
            upto: [one, two.clamp(0.0, one), three.clamp(0.0, one)],
        }
    }

    /// The chance that it happens at a run, when it has not for long.
    fn hazard(&self) -> f64 {
        let [_, two, three] = self.upto;
        if two <= 0.0 {
            return 1.0;
        }
        1.0 - (three / two).powf(1.0 / f64::from(self.window))
    }

    /// The chance that it has not happened in so many runs, after a time without failures.
    fn without(&self, runs: f64) -> f64 {
        let [one, two, three] = self.upto;
        let windows = runs / f64::from(self.window);
        if windows <= 1.0 {
            return Binomial::new(runs as u32, self.p).at_most(i64::from(self.least) - 1);
        }
        let ratio = |a: f64, b: f64, times: f64| if a > 0.0 { (b / a).powf(times) } else { 0.0 };
        if windows <= 2.0 {
            one * ratio(one, two, windows - 1.0)
        } else {
            two * ratio(two, three, windows - 2.0)
        }
    }
}

/// How many of so many runs fail.
struct Binomial {
    /// The chances of exactly 0, 1, .. failures.
    exactly: Vec<f64>,
    /// And of at most so many.
    at_most: Vec<f64>,
}

impl Binomial {
    fn new(runs: u32, p: f64) -> Self {
        let mut exactly = Vec::with_capacity(runs as usize + 1);
        if p >= 1.0 {
            exactly.resize(runs as usize, 0.0);
            exactly.push(1.0);
        } else {
            // By logarithms: the first term underflows for long windows.
            let mut log = f64::from(runs) * (-p).ln_1p();
            let odds = (p / (1.0 - p)).ln();
            for i in 0..=runs {
                exactly.push(log.exp());
                log += f64::from(runs - i).ln() - f64::from(i + 1).ln() + odds;
            }
        }
        let sums = exactly.iter().scan(0.0, |sum, term| {
            *sum += term;
            Some(f64::min(*sum, 1.0))
        });
        Self {
            at_most: sums.collect(),
            exactly,
        }
    }

    fn exactly(&self, i: i64) -> f64 {
        let index = usize::try_from(i).ok();
        index
            .and_then(|i| self.exactly.get(i))
            .copied()
            .unwrap_or(0.0)
    }

    fn at_most(&self, i: i64) -> f64 {
        match usize::try_from(i) {
            Err(_) => 0.0,
            Ok(i) => self.at_most.get(i).copied().unwrap_or(1.0),
        }
    }
}

#[cfg(test)]
mod tests;
